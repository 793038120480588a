/* How it is served: vLLM's engine arguments, by vLLM's names, with vLLM's defaults. */
#ifndef LLMSIM_ENGINE_ENGINE_CONFIG_H
#define LLMSIM_ENGINE_ENGINE_CONFIG_H

#include "settings.h"
#include <llmsim/accelerator.h>
#include <llmsim/deployment.h>
#include <llmsim/model.h>

enum kv_allocation { ALLOCATION_PAGED, ALLOCATION_CONTIGUOUS };
enum preemption_mode { PREEMPTION_RECOMPUTE, PREEMPTION_SWAP };

struct kv_offload_config {
    double capacity_bytes; /* unset: there is none */
    double bandwidth_bytes_per_s, latency_s;
};

/* Once resolved, what has no effect is unset, and all else is set. */
struct engine_config {
    int scheduler;         /* index into policy_names */
    int scheduling_policy; /* index into queue_order_names */
    double output_prediction_error;
    int64_t max_num_seqs;
    int64_t max_num_batched_tokens;
    int64_t max_model_len;
    int64_t long_prefill_token_threshold;
    int enable_chunked_prefill; /* 0, 1; −1: auto, as in all of these */
    double watermark;
    int64_t preferred_batch_size;
    double max_queue_delay_s;
    int async_scheduling;
    int kv_allocation; /* enum kv_allocation */
    int enable_prefix_caching;
    int preemption_mode; /* enum preemption_mode */
    double swap_space_bytes;
    struct kv_offload_config kv_offload;
    int64_t block_size;
    double gpu_memory_utilization;
    int64_t num_gpu_blocks_override;
    double memory_overhead_bytes;
    int64_t tensor_parallel_size, pipeline_parallel_size, data_parallel_size;
    bool enable_expert_parallel;
    int all2all_backend; /* enum all2all_backend; unset (−1) where nothing is exchanged */
    double expert_skew;
    double expert_imbalance; /* unset (NaN): as the skew gives */
    int kv_cache_dtype;      /* enum dtype */
};

extern const struct settings_table engine_settings;

/* A step's tables are allocated for so many tokens. */
#define ENGINE_MAX_BATCHED_TOKENS 1048576

/* Give every "auto" its value for this model and accelerator, and check what hangs together. `node`
 * (may be NULL) is where the section stands. What has no effect is warned of. */
bool engine_config_resolve(struct engine_config *config, const struct node *node,
                           const struct model *model, const struct accelerator *accelerator,
                           const struct warn_listener *warn, struct error *error);

/* What a resolved configuration says of the deployment. */
struct deployment engine_deployment(const struct engine_config *config);

/* Ranks of data parallelism that step together: those of a model with experts. */
static inline bool engine_is_lockstep(const struct engine_config *config, const struct model *model)
{
    return config->data_parallel_size > 1 && model->num_experts > 0;
}

static inline int64_t engine_accelerators(const struct engine_config *config)
{
    return config->tensor_parallel_size * config->pipeline_parallel_size *
           config->data_parallel_size;
}

/* Accelerators that hold the model once. */
static inline int64_t engine_accelerators_of_model(const struct engine_config *config,
                                                   const struct model *model)
{
    int64_t all = engine_accelerators(config);
    return engine_is_lockstep(config, model) ? all : all / config->data_parallel_size;
}

/* Running sequences at most of each virtual engine: a pipeline has as many of those as stages. */
static inline int64_t engine_replica_max_num_seqs(const struct engine_config *config)
{
    int64_t engines = config->pipeline_parallel_size;
    return (config->max_num_seqs + engines - 1) / engines;
}

#endif
