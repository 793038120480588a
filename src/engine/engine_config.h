/* How it is served: vLLM's engine arguments, by vLLM's names, with vLLM's defaults. */
#ifndef LLMSIM_ENGINE_ENGINE_CONFIG_H
#define LLMSIM_ENGINE_ENGINE_CONFIG_H

#include "settings.h"
#include <llmsim/accelerator.h>
#include <llmsim/model.h>

struct engine_config {
    int scheduler; /* index into policy_names */
    int64_t max_num_seqs;
    int64_t max_num_batched_tokens;
    int64_t max_model_len;
    int64_t long_prefill_token_threshold;
    bool async_scheduling;
    int64_t block_size;
    double gpu_memory_utilization;
    int64_t num_gpu_blocks_override;
    double memory_overhead_bytes;
    int64_t tensor_parallel_size;
};

extern const struct settings_table engine_settings;

/* Give every "auto" its value for this model and accelerator, and check what hangs together. `node`
 * (may be NULL) is where the section stands. *warning (256 bytes) is one line, or empty. */
bool engine_config_resolve(struct engine_config *config, const struct node *node,
                           const struct model *model, const struct accelerator *accelerator,
                           char warning[256], struct error *error);

#endif
