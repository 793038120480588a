/* What a measured kernel computes, and how long an accelerator's description says it takes. */
#ifndef LLMSIM_STUDY_KERNELS_H
#define LLMSIM_STUDY_KERNELS_H

#include <llmsim/accelerator.h>
#include <stdbool.h>
#include <stdint.h>

enum kernel_kind {
    KERNEL_GEMM,
    KERNEL_ELEMENTWISE,
    KERNEL_DECODE_ATTENTION,
    KERNEL_PREFILL_ATTENTION, /* any prefill: mixed batches too */
    KERNEL_MOE,
    KERNEL_COLLECTIVE,
    KERNEL_SAMPLER,
    KERNEL_KIND_COUNT
};

enum collective {
    COLLECTIVE_ALL_REDUCE,
    COLLECTIVE_ALL_GATHER,
    COLLECTIVE_REDUCE_SCATTER,
    COLLECTIVE_ALL_TO_ALL
};

struct gemm_kernel {
    double rows, columns, inner; /* M, N, K */
    int dtype;                   /* enum dtype, of weights and activations */
};

/* One layer of one rank: equal prefill chunks, and equal decodes. */
struct attention_kernel {
    int32_t chunks, chunk_tokens, chunk_context_tokens;
    int32_t decodes, decode_context_tokens; /* the new token included */
    double query_heads, kv_heads, head_dim;
    int dtype, kv_cache_dtype; /* enum dtype */
};

/* The routed experts of one layer on one rank. */
struct moe_kernel {
    double tokens, hidden, inner; /* inner: of a whole expert */
    double experts, experts_per_token;
    double tensor_ranks,
        expert_ranks;      /* that share every expert; that the experts are spread over */
    double active_experts; /* on the rank, that were given tokens */
    double pairs;          /* of a token and an expert, on the rank */
    int dtype;             /* enum dtype */
};

struct collective_kernel {
    int collective; /* enum collective */
    int ranks;
    double bytes; /* all-gather, reduce-scatter: of the whole */
};

struct kernel {
    int kind; /* enum kernel_kind */
    union {
        struct gemm_kernel gemm;
        double moved_bytes; /* elementwise: read and written */
        struct attention_kernel attention;
        struct moe_kernel moe;
        struct collective_kernel collective;
        double sequences; /* sampler */
    };
};

struct kernel_prediction {
    double time_s, overhead_s;
    double flops;       /* 0: it multiplies nothing */
    double moved_bytes; /* to and from memory, or over the link */
    double peak_flops_per_s;
};

/* Why this accelerator cannot run the kernel, or nothing here predicts it; NULL: it can. A string
 * literal. */
const char *kernel_obstacle(const struct accelerator *accelerator, const struct kernel *kernel);

/* Of a kernel without an obstacle. */
struct kernel_prediction kernel_predict(const struct accelerator *accelerator,
                                        const struct kernel *kernel);

#endif
