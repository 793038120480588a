/* The operators of one step on one tensor-parallel rank, attention excepted. */
#ifndef LLMSIM_COST_LAYERS_H
#define LLMSIM_COST_LAYERS_H

#include "roofline.h"

/* A model's dimensions, as one rank of a tensor-parallel group sees them. */
struct shard {
    const struct accelerator *accelerator;
    int ranks;
    double flops_per_s;   /* peak of the model's dtype */
    double element_bytes; /* of that dtype */
    double layers, hidden, inner, vocab;
    double query_heads, kv_heads, head_dim;
    bool gated, qk_norm, rotary;
};

void shard_init(struct shard *shard, const struct cost_setup *setup);

/* What a step is made of, one entry a kind of operator: all its calls together. */
struct operator_list {
    int count;
    struct {
        const char *name;
        struct cost cost;
    } items[24];
};

void operator_list_add(struct operator_list *list, const char *name, double calls,
                       struct cost cost);

/* What depends on the number of tokens: from the embedding to the final norm. Runs on `padded`
 * rows, of which `tokens` are of use. */
void layers_list(const struct shard *shard, int32_t tokens, int32_t padded,
                 struct operator_list *list);

/* What depends on the number of sequences that emit a token, ≥ 1: lm_head and sampler. */
void head_list(const struct shard *shard, int32_t sequences, struct operator_list *list);

#endif
