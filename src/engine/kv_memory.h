/* How many KV cache blocks fit: vLLM's profiling run, derived instead of run. */
#ifndef LLMSIM_ENGINE_KV_MEMORY_H
#define LLMSIM_ENGINE_KV_MEMORY_H

#include "engine_config.h"

/* Of one rank, in bytes. */
struct kv_memory {
    double capacity_bytes;  /* of the accelerator */
    double requested_bytes; /* gpu_memory_utilization of it */
    double weight_bytes;
    double activation_bytes; /* the peak of a full step, or of sampling */
    double overhead_bytes;
    double available_bytes; /* for the KV cache */
    double block_bytes;
    int64_t num_gpu_blocks; /* of which one is vLLM's null block */
    int64_t
        replica_blocks; /* the same, but under pipeline parallelism those of one virtual engine */
    bool overridden;    /* num_gpu_blocks is num_gpu_blocks_override, whatever is available */
};

/* Blocks that a sequence reserves where KV memory is contiguous: those of max_model_len tokens, or all
 * there are but the null block. */
static inline int64_t kv_memory_reservation(int64_t num_gpu_blocks, int64_t block_size,
                                            int64_t max_model_len)
{
    int64_t blocks = (max_model_len + block_size - 1) / block_size;
    return blocks < num_gpu_blocks ? blocks : num_gpu_blocks - 1;
}

/* The derivation for a resolved engine. A model that does not fit, with room for one block beside
 * the null block, is an error that says what is missing; `at` (may be NULL) is where the
 * model is named. */
bool kv_memory_derive(const struct engine_config *config, const struct model *model,
                      const struct accelerator *accelerator, const struct location *at,
                      struct kv_memory *memory, struct error *error);

#endif
