#include "engine_config.h"

#include "policies.h"
#include <llmsim/request.h>
#include <string.h>

#define FIELD(member) offsetof(struct engine_config, member)

/* A step's tables are allocated for so many tokens. */
#define MAX_BATCHED_TOKENS 1048576
#define MAX_SEQS           65536
#define MAX_BLOCK_SIZE     1048576
#define MAX_BLOCKS         1e12

static const struct setting settings[] = {
    {"scheduler", SETTING_CHOICE, UNIT_NONE, FIELD(scheduler), "vllm", 0, 0, policy_names, NULL,
     "the batching policy"},
    {"max_num_seqs", SETTING_INTEGER, UNIT_NONE, FIELD(max_num_seqs), "auto", 1, MAX_SEQS, NULL,
     NULL, "running sequences at most; auto: 1024 with ≥ 70 GiB (A100 excepted), else 256"},
    {"max_num_batched_tokens", SETTING_INTEGER, UNIT_TOKENS, FIELD(max_num_batched_tokens), "auto",
     1, MAX_BATCHED_TOKENS, NULL, NULL,
     "tokens a step at most; auto: 8192 with ≥ 70 GiB (A100 excepted), else 2048"},
    {"max_model_len", SETTING_INTEGER, UNIT_TOKENS, FIELD(max_model_len), "auto", 1,
     2.0 * REQUEST_MAX_TOKENS, NULL, NULL,
     "longest prompt and output together; longer requests are rejected; auto: the model's limit"},
    {"long_prefill_token_threshold", SETTING_INTEGER, UNIT_TOKENS,
     FIELD(long_prefill_token_threshold), "0", 0, MAX_BATCHED_TOKENS, NULL, NULL,
     "prompt tokens of one request a step at most; 0: no limit but the step's"},
    {"async_scheduling", SETTING_BOOL, UNIT_NONE, FIELD(async_scheduling), "true", 0, 0, NULL, NULL,
     "plan a step while the one before it runs: two steps in flight"},
    {"block_size", SETTING_INTEGER, UNIT_TOKENS, FIELD(block_size), "16", 1, MAX_BLOCK_SIZE, NULL,
     NULL, "tokens a KV cache block"},
    {"gpu_memory_utilization", SETTING_REAL, UNIT_NONE, FIELD(gpu_memory_utilization), "0.9", 0.01,
     1, NULL, NULL, "share of the accelerator's memory that the server takes"},
    {"num_gpu_blocks_override", SETTING_INTEGER, UNIT_NONE, FIELD(num_gpu_blocks_override), "none",
     2, MAX_BLOCKS, NULL, NULL, "KV cache blocks, whatever the memory holds"},
    {"memory_overhead", SETTING_REAL, UNIT_BYTES, FIELD(memory_overhead_bytes), "835 MiB", 0,
     INFINITY, NULL, NULL,
     "device memory outside weights, activations and KV cache: CUDA libraries, workspaces"},
    {"tensor_parallel_size", SETTING_INTEGER, UNIT_NONE, FIELD(tensor_parallel_size), "1", 1, 64,
     NULL, NULL, "accelerators that share every layer; must divide the attention heads"},
};

const struct settings_table engine_settings = {"the engine section", settings,
                                               sizeof settings / sizeof *settings};

/* vLLM, engine/arg_utils.py, for its OpenAI server: by the device's memory, A100 excepted. */
static bool has_large_defaults(const struct accelerator *accelerator)
{
    return accelerator->memory_bytes >= 70.0 * UNITS_GIB &&
           strcasestr(accelerator->name, "a100") == NULL;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void resolve_limits(struct engine_config *config, const struct accelerator *accelerator)
{
    bool large = has_large_defaults(accelerator);
    if (config->max_num_batched_tokens == SETTING_UNSET_INTEGER) {
        config->max_num_batched_tokens = large ? 8192 : 2048;
        if (config->max_num_seqs != SETTING_UNSET_INTEGER) {
            /* No step can hold more than every sequence at its longest, nor fewer than one token
             * of each. */
            int64_t longest = config->max_num_seqs * config->max_model_len;
            config->max_num_batched_tokens = smaller(config->max_num_batched_tokens, longest);
            if (config->max_num_batched_tokens < config->max_num_seqs)
                config->max_num_batched_tokens = config->max_num_seqs;
        }
    }
    if (config->max_num_seqs == SETTING_UNSET_INTEGER)
        config->max_num_seqs = smaller(large ? 1024 : 256, config->max_num_batched_tokens);
}

static bool refuse_ranks(const struct node *node, int64_t ranks, const char *what, int64_t count,
                         const struct model *model, struct error *error)
{
    return error_input(error, node_key_location(node, "tensor_parallel_size"),
                       "'tensor_parallel_size' (%lld) does not divide the %lld %s of %s",
                       (long long)ranks, (long long)count, what, model->name);
}

bool engine_config_resolve(struct engine_config *config, const struct node *node,
                           const struct model *model, const struct accelerator *accelerator,
                           char warning[256], struct error *error)
{
    warning[0] = '\0';
    if (config->max_model_len == SETTING_UNSET_INTEGER)
        config->max_model_len = model->max_position_embeddings;
    else if (config->max_model_len > model->max_position_embeddings)
        snprintf(warning, 256, "max_model_len %lld is beyond the %lld positions of %s",
                 (long long)config->max_model_len, (long long)model->max_position_embeddings,
                 model->name);
    resolve_limits(config, accelerator);
    if (config->max_num_batched_tokens < config->max_num_seqs)
        return error_input(error, node_key_location(node, "max_num_batched_tokens"),
                           "'max_num_batched_tokens' (%lld) must be at least 'max_num_seqs' (%lld)",
                           (long long)config->max_num_batched_tokens,
                           (long long)config->max_num_seqs);
    int64_t ranks = config->tensor_parallel_size;
    if (model->num_attention_heads % ranks != 0)
        return refuse_ranks(node, ranks, "attention heads", model->num_attention_heads, model,
                            error);
    if (model->num_key_value_heads % ranks != 0 && ranks % model->num_key_value_heads != 0)
        return error_input(error, node_key_location(node, "tensor_parallel_size"),
                           "'tensor_parallel_size' (%lld) neither divides nor is a multiple of the "
                           "%lld KV heads of %s",
                           (long long)ranks, (long long)model->num_key_value_heads, model->name);
    if (model->intermediate_size % ranks != 0)
        return refuse_ranks(node, ranks, "columns of the MLP", model->intermediate_size, model,
                            error);
    if (ranks > 1 && accelerator->interconnect.kind == INTERCONNECT_NONE)
        return error_input(error, node_key_location(node, "tensor_parallel_size"),
                           "'tensor_parallel_size' is %lld, but %s has no interconnect",
                           (long long)ranks, accelerator->name);
    return true;
}
