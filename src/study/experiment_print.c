/* A configuration for people: as YAML, and its memory. */
#include "experiment_config.h"

#include <inttypes.h>

void experiment_config_print(const struct experiment_config *config, FILE *stream)
{
    settings_print_yaml(&experiment_settings, config, 0, stream);
}

/* Contiguous allocation: what each sequence reserves, which is what limits the batch. */
static void print_reservation(const struct experiment_config *config, FILE *stream)
{
    const struct engine_config *engine = &config->engine;
    if (engine->kv_allocation != ALLOCATION_CONTIGUOUS)
        return;
    int64_t replica_blocks = config->kv_memory.replica_blocks;
    int64_t blocks =
        kv_memory_reservation(replica_blocks, engine->block_size, engine->max_model_len);
    fprintf(stream,
            "                contiguous: %" PRId64 " for each sequence (max_model_len %" PRId64
            "), so that %" PRId64 " fit\n",
            blocks, engine->max_model_len, (replica_blocks - 1) / blocks);
}

static void print_derivation(const struct experiment_config *config, FILE *stream)
{
    const struct kv_memory *memory = &config->kv_memory;
    fprintf(stream,
            " in %.2f GiB\n                = %.2f GiB x %.3g - weights %.2f - activations %.2f - "
            "overhead %.2f GiB\n",
            memory->available_bytes / UNITS_GIB, memory->capacity_bytes / UNITS_GIB,
            config->engine.gpu_memory_utilization, memory->weight_bytes / UNITS_GIB,
            memory->activation_bytes / UNITS_GIB, memory->overhead_bytes / UNITS_GIB);
}

void experiment_config_print_memory(const struct experiment_config *config, FILE *stream)
{
    const struct kv_memory *memory = &config->kv_memory;
    fprintf(stream, "KV blocks       %" PRId64 " of %" PRId64 " tokens (%.3g MiB each)",
            memory->num_gpu_blocks, config->engine.block_size,
            memory->block_bytes / (1024.0 * 1024.0));
    if (memory->overridden)
        fputs(", by num_gpu_blocks_override\n", stream);
    else
        print_derivation(config, stream);
    if (config->engine.pipeline_parallel_size > 1)
        fprintf(stream,
                "                %" PRId64 " for each of a pipeline's %" PRId64 " engines\n",
                memory->replica_blocks, config->engine.pipeline_parallel_size);
    print_reservation(config, stream);
}
