/* The operators of one step on one accelerator, attention over the KV cache excepted. */
#ifndef LLMSIM_COST_LAYERS_H
#define LLMSIM_COST_LAYERS_H

#include "operator_list.h"
#include "roofline.h"

/* How the weights of a kind of projection are kept, and what they are multiplied in. */
struct projection {
    int dtype;           /* of the multiplication */
    double weight_bytes; /* of an element, scales included */
    bool quantises;      /* activations to that dtype, in a pass of its own */
};

/* A model's dimensions, as one rank sees them: of a tensor-parallel group, and for the experts of all
 * ranks that hold them. */
struct shard {
    const struct accelerator *accelerator;
    const struct model *model;
    struct deployment deployment;
    int ranks;            /* tensor-parallel */
    int dtype;            /* of activations */
    double flops_per_s;   /* its peak */
    double element_bytes; /* of that dtype */
    struct projection linear, experts;
    double layers, hidden, inner, vocab;
    double query_heads, kv_heads, head_dim;
    double kv_bytes_per_token; /* of the cache, in one layer */
};

void shard_init(struct shard *shard, const struct cost_setup *setup);

/* What depends on the number of tokens: from the embedding to the final norm, experts excepted. Runs
 * on `padded` rows, of which `tokens` are of use. */
void layers_list(const struct shard *shard, int32_t tokens, int32_t padded,
                 struct operator_list *list);

/* In layers with experts: the router and shared experts. Nothing for a dense model. */
void experts_list(const struct shard *shard, int32_t tokens, int32_t padded,
                  struct operator_list *list);

/* Likewise the share of this rank in the routed experts of the rows of all data-parallel ranks, and
 * the exchange between those. */
void routed_list(const struct shard *shard, int32_t tokens, int32_t padded,
                 struct operator_list *list);

/* Of these, what is outside the layers: on the first and on the last pipeline stage. */
void embedding_list(const struct shard *shard, int32_t tokens, int32_t padded,
                    struct operator_list *list);
void final_norm_list(const struct shard *shard, int32_t tokens, int32_t padded,
                     struct operator_list *list);

/* From one pipeline stage to the next, of so many rows. */
struct cost pipeline_transfer_cost(const struct shard *shard, int32_t rows);

/* What depends on the number of sequences that emit a token, ≥ 1: lm_head and sampler. */
void head_list(const struct shard *shard, int32_t sequences, struct operator_list *list);

/* Latent attention's projections between the latent and the heads. Absorbed, those of `rows` tokens
 * into the space of the latent and back; else, of `rows` tokens in the cache to keys and values. */
void latent_absorption_list(const struct shard *shard, double rows, struct operator_list *list);
void latent_expansion_list(const struct shard *shard, double rows, struct operator_list *list);

#endif
