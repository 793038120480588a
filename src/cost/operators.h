/* What one operator of a step costs: pure functions of its shape and the accelerator.
 *
 * `time_s` and `bound_s` are what the operator takes as the server runs it, padding and rereads
 * included. `flops` and `bytes` are what the mathematics needs and device memory must move: the
 * numerators of MFU and MBU. Activations are taken to stay on chip and count as no bytes. */
#ifndef LLMSIM_COST_OPERATORS_H
#define LLMSIM_COST_OPERATORS_H

#include <llmsim/accelerator.h>
#include <llmsim/cost.h>
#include <math.h>
#include <stdbool.h>

/* (a^p + b^p)^(1/p) for a, b ≥ 0: a maximum with a rounded knee. */
double cost_pnorm(double a, double b, double p);

/* A cost of fixed_s, which is overhead, and variable_s, which `bound` bounds. */
static inline struct cost cost_of(double fixed_s, enum bound bound, double variable_s)
{
    struct cost cost = {.time_s = fixed_s + variable_s};
    cost.bound_s[BOUND_OVERHEAD] = fixed_s;
    cost.bound_s[bound] += variable_s;
    return cost;
}

/* `calls` times the same. */
static inline struct cost cost_times(double calls, struct cost cost)
{
    cost.time_s *= calls;
    for (int i = 0; i < BOUND_COUNT; i++)
        cost.bound_s[i] *= calls;
    cost.flops *= calls;
    cost.bytes *= calls;
    return cost;
}

/* rows × inner times inner × columns. `rows` may be padded; `useful_rows` of them count as FLOPs.
 */
struct gemm_shape {
    double rows, useful_rows; /* M */
    double columns;           /* N */
    double inner;             /* K */
    double weight_bytes;     /* of an element of the inner × columns matrix, its scales included */
    double activation_bytes; /* of an element of the rows × inner matrix */
    double output_bytes;     /* of an element of the result */
};

/* The bytes of its three matrices. */
static inline double gemm_bytes(const struct gemm_shape *shape)
{
    double m = shape->rows, n = shape->columns, k = shape->inner;
    return shape->weight_bytes * n * k + shape->activation_bytes * m * k +
           shape->output_bytes * m * n;
}

/* `dtype` is what it multiplies in, which sets the peak. */
struct cost gemm_cost(const struct accelerator *accelerator, int dtype,
                      const struct gemm_shape *shape);
/* The same in one kernel for `matrices` of inner × columns, which share the rows evenly: all of them are
 * read. */
struct cost gemm_batch_cost(const struct accelerator *accelerator, int dtype,
                            const struct gemm_shape *shape, double matrices);

/* The pass that makes 8 bits of rows × columns activations of 16, with a scale a row. */
struct cost quantise_cost(const struct accelerator *accelerator, double rows, double columns);

/* A memory-bound kernel that reads and writes `moved_bytes` in all. */
struct cost elementwise_cost(const struct accelerator *accelerator, double moved_bytes);

/* All-reduce of a message of `message_bytes` over `ranks`; nothing for one rank. */
struct cost all_reduce_cost(const struct interconnect *interconnect, int ranks,
                            double message_bytes);
/* All-gather of what makes `message_bytes` once gathered; reduce-scatter, and all-to-all, of as much on
 * every rank. */
struct cost exchange_cost(const struct interconnect *interconnect, int ranks, double message_bytes);
/* From one rank to another. */
struct cost point_to_point_cost(const struct interconnect *interconnect, double bytes);

/* The routed experts of one layer, on one rank. */
struct moe_shape {
    double tokens;        /* that the ranks that hold the experts compute together */
    double useful_tokens; /* of those, not padding */

    double local_experts;  /* on the rank */
    double active_experts; /* of those, with any token */
    double pairs;          /* of a token and an expert, that the rank computes */
    double
        moved_pairs; /* whose activations it moves: of all ranks, where it is given every token */
    double hidden, inner; /* of an expert: the rank's slice of it */
    bool gated;
    double weight_bytes;     /* of an element, scales included */
    double activation_bytes; /* of an element */
};

/* The bytes of active experts' weights, and of activations in and out. */
double moe_bytes(const struct moe_shape *shape);

/* `dtype` is what it multiplies in. */
struct cost moe_cost(const struct accelerator *accelerator, int dtype,
                     const struct moe_shape *shape);

/* How tokens choose experts: expert i with a probability that goes as i^−skew. */
struct moe_routing {
    double experts, experts_per_token; /* of the model */
    double ranks;                      /* that whole experts are spread over */
    double skew;                       /* 0: all alike */
    double imbalance;                  /* pairs of the busiest rank over the mean; 0: by the skew */
};

/* By how many standard deviations the largest of as many sums is expected above the mean. */
double moe_largest_deviation(double ranks);

/* Experts with any of `tokens` tokens, on the mean rank; pairs, on the busiest. */
void moe_route(const struct moe_routing *routing, double tokens, double *active_experts,
               double *pairs);

/* The attention of some layers of one rank, with everything that does not change from step to step
 * multiplied out. Times are those of one layer. */
struct attention {
    double layers;
    double window;             /* tokens that a query sees at most; INFINITY: all */
    double kv_bytes_per_token; /* keys and values of the rank, in one layer */
    double flops_per_pair;     /* of a query token and a key token, in all heads of one layer */
    double score_s_per_pair;   /* unfused: score traffic of such a pair; 0: FlashAttention */
    double score_bytes_per_pair;
    enum bound decode_bound;  /* of the contexts */
    double decode_fixed_s;    /* d0 */
    double split_s;           /* ds */
    double block_s;           /* dtc·nkv/S, of a sequence */
    double query_s;           /* of a sequence: its query in, its output back */
    double context_s;         /* of a token of context */
    double walk_s_per_token;  /* rl */
    double sequences_at_once; /* 2·S/nkv: whose blocks run at the same time */
    int32_t unsplit_from;     /* sequences; INT32_MAX: always split */
    double tile_rows;         /* R/pk: query tokens of a tile */
    double tile_s;            /* tc */
    double tile_s_per_token;  /* τ */
    double tiles_at_once;     /* S·pk/nh: tiles of every head in flight */
    double empty_tile_s;      /* te */
    double critical_path;     /* κ */
    double prefill_fixed_s;   /* v0 */
    double prefill_kv_s;      /* of a token of context, streamed once */
    double prefill_new_s;     /* of a token computed: what is exposed of its traffic */
    double sms;
    double l2_share_per_token; /* of the L2, that a token takes in one KV head */
    double sharing_heads;      /* query heads that read a KV head one after the other; 1: at once */
};

struct attention_shape {
    double layers;
    double window;                /* tokens; INFINITY: none */
    double query_heads, kv_heads; /* of the rank */
    double head_dim, value_dim;   /* of queries and keys; of values */
    double element_bytes;         /* of queries and outputs */
    double kv_bytes_per_token;    /* of the rank, in one layer, in the cache's dtype */
    double flops_per_s;
    bool unfused;
};

void attention_init(struct attention *attention, const struct accelerator *accelerator,
                    const struct attention_shape *shape);

/* What a step of so many decodes alone costs before their contexts are known. */
struct decode_attention {
    double fixed_s, split_s; /* of all layers, as all of these */
    double block_s, query_s;
    double tail_s_per_token;  /* of the longest context, on top of the stream… */
    double floor_s_per_token; /* … or at least */
};
/* `padded` sequences are what CUDA graphs make of them. */
struct decode_attention attention_decode_prepare(const struct attention *attention,
                                                 int32_t sequences, int32_t padded);

/* The rest of it, with Σ context and the longest context. */
static inline struct cost attention_decode_finish(const struct attention *attention,
                                                  const struct decode_attention *prepared,
                                                  double context_sum, double context_max)
{
    enum { SPLIT_FROM_TOKENS = 512 };
    double layers = attention->layers;
    double stream_s = prepared->query_s + layers * attention->context_s * context_sum +
                      prepared->tail_s_per_token * context_max;
    double floor_s = prepared->floor_s_per_token * context_max;
    stream_s = stream_s > floor_s ? stream_s : floor_s;
    double fixed_s = prepared->fixed_s;
    if (context_max >= SPLIT_FROM_TOKENS)
        fixed_s += prepared->split_s;
    struct cost cost = cost_of(fixed_s, attention->decode_bound,
                               sqrt(prepared->block_s * prepared->block_s + stream_s * stream_s));
    cost.flops = layers * attention->flops_per_pair * context_sum;
    cost.bytes =
        layers * (attention->kv_bytes_per_token + attention->score_bytes_per_pair) * context_sum;
    return cost;
}

/* A step of decodes alone, unpadded; a window's own Σ context is taken where there is one. */
struct cost attention_decode_cost(const struct attention *attention, const struct step_load *load);
/* Any step. */
struct cost attention_mixed_cost(const struct attention *attention, const struct step_load *load);

/* Σ context and the longest context of a step's decodes, as this attention sees them. */
static inline double attention_context_sum(const struct attention *attention,
                                           const struct step_load *load)
{
    return (double)(isinf(attention->window) ? load->decode_context_sum : load->decode_window_sum);
}
static inline double attention_context_max(const struct attention *attention,
                                           const struct step_load *load)
{
    double longest = load->decode_context_max;
    return longest < attention->window ? longest : attention->window;
}

#endif
