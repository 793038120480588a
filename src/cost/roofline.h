/* The roofline cost model: the sum over the operators of a dense transformer. */
#ifndef LLMSIM_COST_ROOFLINE_H
#define LLMSIM_COST_ROOFLINE_H

#include "cost_models.h"

/* The number of tokens that CUDA graphs make of a batch of `tokens`. vLLM captures batches of 1, 2,
 * 4, 8, 16, 24 … 256, 272 … 512 tokens, but none beyond twice max_num_seqs, nor beyond
 * max_num_batched_tokens, and runs what is larger as it is (vllm/config, cudagraph_capture_sizes).
 */
int32_t roofline_padded_tokens(int32_t tokens, int32_t max_num_seqs,
                               int32_t max_num_batched_tokens);

bool roofline_create(const struct cost_setup *setup, struct cost_model *cost_model,
                     struct error *error);

#endif
