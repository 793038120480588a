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
    {
        .name = "scheduler",
        .kind = SETTING_CHOICE,
        .offset = FIELD(scheduler),
        .preset = "vllm",
        .choices = policy_names,
        .help = "the batching policy",
    },
    {
        .name = "max_num_seqs",
        .kind = SETTING_INTEGER,
        .offset = FIELD(max_num_seqs),
        .preset = "auto",
        .minimum = 1,
        .maximum = MAX_SEQS,
        .help = "running sequences at most; auto: 1024 with ≥ 70 GiB (A100 excepted), else 256",
    },
    {
        .name = "max_num_batched_tokens",
        .kind = SETTING_INTEGER,
        .unit = UNIT_TOKENS,
        .offset = FIELD(max_num_batched_tokens),
        .preset = "auto",
        .minimum = 1,
        .maximum = MAX_BATCHED_TOKENS,
        .help = "tokens a step at most; auto: 8192 with ≥ 70 GiB (A100 excepted), else 2048",
    },
    {
        .name = "max_model_len",
        .kind = SETTING_INTEGER,
        .unit = UNIT_TOKENS,
        .offset = FIELD(max_model_len),
        .preset = "auto",
        .minimum = 1,
        .maximum = 2.0 * REQUEST_MAX_TOKENS,
        .help = "longest prompt and output together; longer requests are rejected; auto: the "
                "model's limit",
    },
    {
        .name = "long_prefill_token_threshold",
        .kind = SETTING_INTEGER,
        .unit = UNIT_TOKENS,
        .offset = FIELD(long_prefill_token_threshold),
        .preset = "0",
        .minimum = 0,
        .maximum = MAX_BATCHED_TOKENS,
        .help = "prompt tokens of one request a step at most; 0: no limit but the step's",
    },
    {
        .name = "async_scheduling",
        .kind = SETTING_BOOL,
        .offset = FIELD(async_scheduling),
        .preset = "true",
        .help = "plan a step while the one before it runs: two steps in flight",
    },
    {
        .name = "block_size",
        .kind = SETTING_INTEGER,
        .unit = UNIT_TOKENS,
        .offset = FIELD(block_size),
        .preset = "16",
        .minimum = 1,
        .maximum = MAX_BLOCK_SIZE,
        .help = "tokens a KV cache block",
    },
    {
        .name = "gpu_memory_utilization",
        .kind = SETTING_REAL,
        .offset = FIELD(gpu_memory_utilization),
        .preset = "0.9",
        .minimum = 0.01,
        .maximum = 1,
        .help = "share of the accelerator's memory that the server takes",
    },
    {
        .name = "num_gpu_blocks_override",
        .kind = SETTING_INTEGER,
        .offset = FIELD(num_gpu_blocks_override),
        .preset = "none",
        .minimum = 2,
        .maximum = MAX_BLOCKS,
        .help = "KV cache blocks, whatever the memory holds",
    },
    {
        .name = "memory_overhead",
        .kind = SETTING_REAL,
        .unit = UNIT_BYTES,
        .offset = FIELD(memory_overhead_bytes),
        .preset = "835 MiB",
        .minimum = 0,
        .maximum = INFINITY,
        .help =
            "device memory outside weights, activations and KV cache: CUDA libraries, workspaces",
    },
    {
        .name = "tensor_parallel_size",
        .kind = SETTING_INTEGER,
        .offset = FIELD(tensor_parallel_size),
        .preset = "1",
        .minimum = 1,
        .maximum = 64,
        .help = "accelerators that share every layer; must divide the attention heads",
    },
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
