/* The operators of one step on one tensor-parallel rank, attention excepted. */
#ifndef LLMSIM_COST_LAYERS_H
#define LLMSIM_COST_LAYERS_H

#include "roofline.h"

/* A model's dimensions, as one rank of a tensor-parallel group sees them. */
struct shard {
    const struct accelerator *accelerator;
    int ranks;
    int dtype;            /* of activations */
    double flops_per_s;   /* its peak */
    double element_bytes; /* of that dtype */
    double layers, hidden, inner, vocab;
    double query_heads, kv_heads, head_dim;
    double kv_bytes_per_token; /* of the cache, in one layer */
    bool gated, qk_norm, rotary;
};

void shard_init(struct shard *shard, const struct cost_setup *setup);

/* What a step is made of, one entry a kind of operator: all its calls together. */
struct step_operator {
    const char *name;
    double calls;
    struct cost cost;        /* of all calls */
    double moved_bytes;      /* by all calls, activations included: what the roofline sees */
    double peak_flops_per_s; /* of the dtype it computes in; 0: it multiplies nothing */
};

struct operator_list {
    int count;
    struct step_operator items[40];
};

/* `added` as one call; its list takes `calls` of it. */
void operator_list_add(struct operator_list *list, double calls, const struct step_operator *added);

/* What depends on the number of tokens: from the embedding to the final norm. Runs on `padded`
 * rows, of which `tokens` are of use. */
void layers_list(const struct shard *shard, int32_t tokens, int32_t padded,
                 struct operator_list *list);

/* What depends on the number of sequences that emit a token, ≥ 1: lm_head and sampler. */
void head_list(const struct shard *shard, int32_t sequences, struct operator_list *list);

#endif
