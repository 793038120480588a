/* How one model is spread over accelerators, and in what it keeps its KV cache. */
#ifndef LLMSIM_DEPLOYMENT_H
#define LLMSIM_DEPLOYMENT_H

#include <stdbool.h>
#include <stdint.h>

enum all2all_backend {
    ALL2ALL_ALLGATHER_REDUCESCATTER, /* every rank sees every token: vLLM's default */
    ALL2ALL_DISPATCH_COMBINE         /* a token goes to the ranks of its experts, and back */
};

struct deployment {
    int32_t tensor_parallel_size;   /* ranks that share every layer */
    int32_t pipeline_parallel_size; /* stages of consecutive layers */
    /* Copies of all but the experts, each with requests of its own. With experts they step together
     * (llmsim/cost.h, group_rows); without, they are servers of their own. */
    int32_t data_parallel_size;
    /* Whole experts are spread over the tensor · data ranks; else each of those holds a slice of
     * every expert. */
    bool expert_parallel;
    int all2all_backend;     /* enum all2all_backend; data_parallel_size > 1 only */
    double expert_skew;      /* ≥ 0: expert i is chosen as often as i^−skew; 0: all alike */
    double expert_imbalance; /* tokens of the busiest expert-parallel rank over the mean; 0: what
                                the skew gives */
    int kv_cache_dtype;      /* enum dtype (llmsim/model.h) */
};

/* Ranks that the experts are spread over. */
static inline int32_t deployment_expert_ranks(const struct deployment *deployment)
{
    return deployment->tensor_parallel_size * deployment->data_parallel_size;
}

/* Layers of a pipeline stage, as vLLM divides them (distributed/utils.py, get_pp_indices): as many on
 * each, and those left over on the ones before the last. */
static inline int64_t deployment_layers_of_stage(const struct deployment *deployment,
                                                 int64_t layers, int32_t stage)
{
    int32_t stages = deployment->pipeline_parallel_size;
    bool takes_one = stage < stages - 1 && stage >= stages - 1 - layers % stages;
    return layers / stages + (takes_one ? 1 : 0);
}

/* Layers of the pipeline stage that has most of them. */
static inline int64_t deployment_stage_layers(const struct deployment *deployment, int64_t layers)
{
    return (layers + deployment->pipeline_parallel_size - 1) / deployment->pipeline_parallel_size;
}

#endif
