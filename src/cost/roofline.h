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

/* The operators of one step of a cost model made by roofline_create, in the order of the layer: what
 * its step() adds up, and together as long. Without padding (of chunks, idle rows). */
struct operator_list;
void roofline_list(const struct cost_model *cost_model, const struct step_load *load,
                   struct operator_list *list);

bool roofline_create(const struct cost_setup *setup, struct cost_model *cost_model,
                     struct error *error);

#endif
