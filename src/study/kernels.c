/* Each kind of measured kernel through the equation of the cost model that stands for it. */
#include "kernels.h"

#include "accelerator_spec.h"
#include "measurements.h"
#include "model_spec.h"
#include "operators.h"
#include <math.h>

static const char *dtype_obstacle(const struct accelerator *accelerator, int dtype)
{
    return accelerator_supports(accelerator, dtype) ? NULL : "no units for the dtype";
}

static struct kernel_prediction prediction_of(const struct cost *cost, double moved_bytes,
                                              double peak_flops_per_s)
{
    return (struct kernel_prediction){.time_s = cost->time_s,
                                      .overhead_s = cost->bound_s[BOUND_OVERHEAD],
                                      .flops = cost->flops,
                                      .moved_bytes = moved_bytes,
                                      .peak_flops_per_s = peak_flops_per_s};
}

static const char *gemm_obstacle(const struct accelerator *accelerator, const struct kernel *kernel)
{
    return dtype_obstacle(accelerator, kernel->gemm.dtype);
}

static struct kernel_prediction predict_gemm(const struct accelerator *accelerator,
                                             const struct kernel *kernel)
{
    const struct gemm_kernel *gemm = &kernel->gemm;
    double element_bytes = dtype_bytes(gemm->dtype);
    bool quantises = gemm->dtype == DTYPE_FP8 || gemm->dtype == DTYPE_INT8;
    struct gemm_shape shape = {.rows = gemm->rows,
                               .useful_rows = gemm->rows,
                               .columns = gemm->columns,
                               .inner = gemm->inner,
                               .weight_bytes = element_bytes,
                               .activation_bytes = element_bytes,
                               .output_bytes = quantises ? 2.0 : element_bytes};
    struct cost cost = gemm_cost(accelerator, gemm->dtype, &shape);
    if (quantises) { /* measured with it */
        struct cost pass = quantise_cost(accelerator, gemm->rows, gemm->inner);
        cost_add(&cost, &pass);
    }
    return prediction_of(&cost, gemm_bytes(&shape),
                         accelerator_flops_per_s(accelerator, gemm->dtype));
}

static struct kernel_prediction predict_elementwise(const struct accelerator *accelerator,
                                                    const struct kernel *kernel)
{
    struct cost cost = elementwise_cost(accelerator, kernel->moved_bytes);
    return prediction_of(&cost, kernel->moved_bytes, 0.0);
}

static const char *attention_obstacle(const struct accelerator *accelerator,
                                      const struct kernel *kernel)
{
    return dtype_obstacle(accelerator, kernel->attention.dtype);
}

static struct attention one_layer(const struct accelerator *accelerator,
                                  const struct attention_kernel *kernel)
{
    struct attention_shape shape = {
        .layers = 1,
        .window = INFINITY,
        .query_heads = kernel->query_heads,
        .kv_heads = kernel->kv_heads,
        .head_dim = kernel->head_dim,
        .value_dim = kernel->head_dim,
        .element_bytes = dtype_bytes(kernel->dtype),
        .kv_bytes_per_token =
            2.0 * kernel->kv_heads * kernel->head_dim * dtype_bytes(kernel->kv_cache_dtype),
        .flops_per_s = accelerator_flops_per_s(accelerator, kernel->dtype)};
    struct attention attention;
    attention_init(&attention, accelerator, &shape);
    return attention;
}

static struct kernel_prediction predict_attention(const struct accelerator *accelerator,
                                                  const struct kernel *kernel)
{
    const struct attention_kernel *shape = &kernel->attention;
    struct attention attention = one_layer(accelerator, shape);
    struct prefill_chunk chunks[MEASUREMENT_MAX_BATCH];
    for (int32_t i = 0; i < shape->chunks; i++)
        chunks[i] = (struct prefill_chunk){shape->chunk_tokens, shape->chunk_context_tokens};
    struct step_load load = {
        .tokens =
            (int32_t)fmin(shape->decodes + (double)shape->chunks * shape->chunk_tokens, INT32_MAX),
        .decode_sequences = shape->decodes,
        .decode_context_sum = (int64_t)shape->decodes * shape->decode_context_tokens,
        .decode_context_max = shape->decodes > 0 ? shape->decode_context_tokens : 0,
        .chunk_count = shape->chunks,
        .chunks = chunks};
    struct cost cost = shape->chunks > 0 ? attention_mixed_cost(&attention, &load)
                                         : attention_decode_cost(&attention, &load);
    return prediction_of(&cost, cost.bytes, accelerator_flops_per_s(accelerator, shape->dtype));
}

static const char *moe_obstacle(const struct accelerator *accelerator, const struct kernel *kernel)
{
    return dtype_obstacle(accelerator, kernel->moe.dtype);
}

static struct kernel_prediction predict_moe(const struct accelerator *accelerator,
                                            const struct kernel *kernel)
{
    const struct moe_kernel *moe = &kernel->moe;
    double element_bytes = dtype_bytes(moe->dtype);
    struct moe_shape shape = {.tokens = moe->tokens,
                              .useful_tokens = moe->tokens,
                              .moved_pairs = moe->tokens * moe->experts_per_token,
                              .local_experts = moe->experts / moe->expert_ranks,
                              .active_experts = moe->active_experts,
                              .pairs = moe->pairs,
                              .hidden = moe->hidden,
                              .inner = moe->inner / moe->tensor_ranks,
                              .gated = true,
                              .weight_bytes = element_bytes,
                              .activation_bytes = element_bytes};
    struct cost cost = moe_cost(accelerator, moe->dtype, &shape);
    return prediction_of(&cost, moe_bytes(&shape),
                         accelerator_flops_per_s(accelerator, moe->dtype));
}

static const char *collective_obstacle(const struct accelerator *accelerator,
                                       const struct kernel *kernel)
{
    (void)kernel;
    return accelerator->interconnect.kind == INTERCONNECT_NONE ? "no interconnect" : NULL;
}

static struct kernel_prediction predict_collective(const struct accelerator *accelerator,
                                                   const struct kernel *kernel)
{
    const struct collective_kernel *collective = &kernel->collective;
    const struct interconnect *link = &accelerator->interconnect;
    struct cost cost = collective->collective == COLLECTIVE_ALL_REDUCE
                           ? all_reduce_cost(link, collective->ranks, collective->bytes)
                           : exchange_cost(link, collective->ranks, collective->bytes);
    return prediction_of(&cost, collective->bytes, 0.0);
}

static struct kernel_prediction predict_sampler(const struct accelerator *accelerator,
                                                const struct kernel *kernel)
{
    const struct host_overhead *host = &accelerator->host;
    double time_s = host->sampler_s + host->sampler_per_sequence_s * kernel->sequences;
    return (struct kernel_prediction){.time_s = time_s, .overhead_s = time_s};
}

static const struct {
    const char *(*obstacle)(const struct accelerator *, const struct kernel *); /* NULL: none */
    struct kernel_prediction (*predict)(const struct accelerator *, const struct kernel *);
} predictors[KERNEL_KIND_COUNT] = {
    [KERNEL_GEMM] = {gemm_obstacle, predict_gemm},
    [KERNEL_ELEMENTWISE] = {NULL, predict_elementwise},
    [KERNEL_DECODE_ATTENTION] = {attention_obstacle, predict_attention},
    [KERNEL_PREFILL_ATTENTION] = {attention_obstacle, predict_attention},
    [KERNEL_MOE] = {moe_obstacle, predict_moe},
    [KERNEL_COLLECTIVE] = {collective_obstacle, predict_collective},
    [KERNEL_SAMPLER] = {NULL, predict_sampler},
};

const char *kernel_obstacle(const struct accelerator *accelerator, const struct kernel *kernel)
{
    return predictors[kernel->kind].obstacle != NULL
               ? predictors[kernel->kind].obstacle(accelerator, kernel)
               : NULL;
}

struct kernel_prediction kernel_predict(const struct accelerator *accelerator,
                                        const struct kernel *kernel)
{
    return predictors[kernel->kind].predict(accelerator, kernel);
}
