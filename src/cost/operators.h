/* What one operator of a step costs: pure functions of its shape and the accelerator.
 *
 * `time_s` and `bound_s` are what the operator takes as the server runs it, padding and rereads
 * included. `flops` and `bytes` are what the mathematics needs and device memory must move: the
 * numerators of MFU and MBU. Activations are taken to stay on chip and count as no bytes. */
#ifndef LLMSIM_COST_OPERATORS_H
#define LLMSIM_COST_OPERATORS_H

#include <llmsim/accelerator.h>
#include <llmsim/cost.h>
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
    double activation_bytes; /* of an element of the two others */
};

/* The bytes of its three matrices. */
static inline double gemm_bytes(const struct gemm_shape *shape)
{
    double m = shape->rows, n = shape->columns, k = shape->inner;
    return shape->weight_bytes * n * k + shape->activation_bytes * (m * k + m * n);
}

/* `dtype` is what it multiplies in, which sets the peak. */
struct cost gemm_cost(const struct accelerator *accelerator, int dtype,
                      const struct gemm_shape *shape);

/* A memory-bound kernel that reads and writes `moved_bytes` in all. */
struct cost elementwise_cost(const struct accelerator *accelerator, double moved_bytes);

/* All-reduce of a message of `message_bytes` over `ranks`; nothing for one rank. */
struct cost all_reduce_cost(const struct interconnect *interconnect, int ranks,
                            double message_bytes);
/* All-gather of what makes `message_bytes` once gathered. */
struct cost all_gather_cost(const struct interconnect *interconnect, int ranks,
                            double message_bytes);

/* The attention of all layers of one rank, with everything that does not change from step to step
 * multiplied out. */
struct attention {
    double layers;
    double kv_bytes_per_token; /* keys and values of the rank, in one layer */
    double flops_per_pair;     /* of a query token and a key token, in all heads of one layer */
    double score_s_per_pair;   /* unfused: score traffic of such a pair; 0: FlashAttention */
    double score_bytes_per_pair;
    /* decodes only, over all layers */
    double decode_fixed_s;
    double decode_s_per_sequence;
    double decode_s_per_context_token;
    double decode_flops_per_context_token;
    double decode_bytes_per_context_token;
    double decode_tail_s;     /* × longest context / sequences */
    int32_t decode_tail_from; /* sequences; INT32_MAX: never */
    /* any prefill, one layer */
    double tile_s;             /* tc */
    double tile_s_per_token;   /* τ */
    double tiles_at_once;      /* S / query heads: tiles (of every head) in flight */
    double empty_tile_s;       /* te */
    double critical_path;      /* κ */
    double prefill_fixed_s;    /* v0 */
    double kv_s_per_token;     /* keys and values streamed at the full bandwidth W */
    double l2_share_per_token; /* of 1.45·L2, that a token takes in one KV head */
    double sharing_heads;      /* query heads of a KV head */
};

struct attention_shape {
    double layers;
    double query_heads, kv_heads; /* of the rank */
    double head_dim, value_dim;   /* of queries and keys; of values */
    double element_bytes;         /* of queries and outputs */
    double kv_bytes_per_token;    /* of the rank, in one layer, in the cache's dtype */
    double flops_per_s;
    bool unfused;
};

void attention_init(struct attention *attention, const struct accelerator *accelerator,
                    const struct attention_shape *shape);

/* A step of decodes only, as what it costs to have that many sequences, whatever their contexts… */
struct decode_attention {
    struct cost fixed;
    double tail_s_per_token; /* of the longest context */
};
struct decode_attention attention_decode_fixed(const struct attention *attention,
                                               int32_t sequences);

/* … and with what their contexts add: `base`, a cost of that many sequences, and that. */
static inline struct cost attention_with_contexts(const struct attention *attention,
                                                  const struct cost *base, double tail_s_per_token,
                                                  const struct step_load *load)
{
    double context = (double)load->decode_context_sum;
    double time_s = attention->decode_s_per_context_token * context +
                    tail_s_per_token * load->decode_context_max;
    struct cost cost = {
        .time_s = base->time_s + time_s,
        .flops = base->flops + attention->decode_flops_per_context_token * context,
        .bytes = base->bytes + attention->decode_bytes_per_context_token * context,
    };
    for (int i = 0; i < BOUND_COUNT; i++)
        cost.bound_s[i] = base->bound_s[i];
    cost.bound_s[BOUND_MEMORY] += time_s;
    return cost;
}

struct cost attention_decode_cost(const struct attention *attention, const struct step_load *load);
/* Any step. */
struct cost attention_mixed_cost(const struct attention *attention, const struct step_load *load);

#endif
