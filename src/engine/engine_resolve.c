/* What "auto" becomes, and what does not hang together. */
#include "engine_resolve.h"

#include "model_spec.h"
#include "orders.h"
#include "policies.h"
#include <string.h>

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

/* A step of a scheduler that does not split prompts must hold the longest. */
static bool raise_budget(const struct resolving *resolving, bool given)
{
    struct engine_config *config = resolving->config;
    if (config->max_num_batched_tokens >= config->max_model_len)
        return true;
    if (config->max_model_len > ENGINE_MAX_BATCHED_TOKENS)
        return error_input(resolving->error, node_key_location(resolving->node, "max_model_len"),
                           "'max_model_len' (%lld) is more than a step can hold (%d tokens), and "
                           "without chunked prefill it must",
                           (long long)config->max_model_len, ENGINE_MAX_BATCHED_TOKENS);
    if (given) {
        char text[256];
        snprintf(text, sizeof text,
                 "max_num_batched_tokens %lld is raised to max_model_len %lld: without chunked "
                 "prefill a longer prompt could never run",
                 (long long)config->max_num_batched_tokens, (long long)config->max_model_len);
        resolving->warn->hear(resolving->warn->context, text);
    }
    config->max_num_batched_tokens = config->max_model_len;
    return true;
}

static bool resolve_limits(const struct resolving *resolving)
{
    struct engine_config *config = resolving->config;
    bool large = has_large_defaults(resolving->accelerator);
    bool given = config->max_num_batched_tokens != SETTING_UNSET_INTEGER;
    if (!given) {
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
    if (config->enable_chunked_prefill == 0 && !raise_budget(resolving, given))
        return false;
    if (config->max_num_seqs == SETTING_UNSET_INTEGER)
        config->max_num_seqs = smaller(large ? 1024 : 256, config->max_num_batched_tokens);
    if (config->max_num_batched_tokens >= config->max_num_seqs)
        return true;
    return error_input(resolving->error,
                       node_key_location(resolving->node, "max_num_batched_tokens"),
                       "'max_num_batched_tokens' (%lld) must be at least 'max_num_seqs' (%lld)",
                       (long long)config->max_num_batched_tokens, (long long)config->max_num_seqs);
}

void warn_no_effect(const struct resolving *resolving, const char *key, const char *with,
                    const char *value)
{
    char text[256];
    snprintf(text, sizeof text, "%s has no effect with %s %s", key, with, value);
    resolving->warn->hear(resolving->warn->context, text);
}

static void resolve_chunking(const struct resolving *resolving)
{
    struct engine_config *config = resolving->config;
    const struct policy *policy = resolving->policy;
    bool fixed = policy->whole_prompts || policy->splits_prompts;
    int natural = policy->whole_prompts ? 0 : 1;
    if (config->enable_chunked_prefill < 0)
        config->enable_chunked_prefill = natural;
    if (fixed && config->enable_chunked_prefill != natural) {
        warn_no_effect(resolving, "enable_chunked_prefill", "scheduler", policy->name);
        config->enable_chunked_prefill = natural;
    }
    if (config->long_prefill_token_threshold == 0)
        return;
    if (fixed)
        warn_no_effect(resolving, "long_prefill_token_threshold", "scheduler", policy->name);
    else if (config->enable_chunked_prefill == 0)
        warn_no_effect(resolving, "long_prefill_token_threshold", "enable_chunked_prefill",
                       "false");
    else
        return;
    config->long_prefill_token_threshold = 0;
}

static bool resolve_queue(const struct resolving *resolving)
{
    struct engine_config *config = resolving->config;
    const struct queue_order *order = queue_order_at((size_t)config->scheduling_policy);
    bool given = setting_is_set(config->output_prediction_error);
    if (order->predicts && !given)
        return error_input(resolving->error,
                           node_key_location(resolving->node, "scheduling_policy"),
                           "scheduling_policy '%s' needs 'output_prediction_error': the standard "
                           "deviation of ln(predicted / true output tokens)",
                           order->name);
    if (!order->predicts && given) {
        warn_no_effect(resolving, "output_prediction_error", "scheduling_policy", order->name);
        config->output_prediction_error = SETTING_UNSET_REAL;
    }
    return true;
}

static bool resolve_batch_start(const struct resolving *resolving)
{
    struct engine_config *config = resolving->config;
    bool size_given = config->preferred_batch_size != SETTING_UNSET_INTEGER;
    bool delay_given = setting_is_set(config->max_queue_delay_s);
    if (resolving->policy->waits_for_batch) {
        int64_t most = engine_replica_max_num_seqs(config);
        if (!size_given)
            config->preferred_batch_size = most;
        if (!delay_given)
            config->max_queue_delay_s = 0.1;
        if (config->preferred_batch_size <= most)
            return true;
        return error_input(
            resolving->error, node_key_location(resolving->node, "preferred_batch_size"),
            "'preferred_batch_size' (%lld) is more than 'max_num_seqs' (%lld%s)",
            (long long)config->preferred_batch_size, (long long)most,
            config->pipeline_parallel_size > 1 ? " for each of the pipeline's engines" : "");
    }
    if (size_given)
        warn_no_effect(resolving, "preferred_batch_size", "scheduler", resolving->policy->name);
    if (delay_given)
        warn_no_effect(resolving, "max_queue_delay", "scheduler", resolving->policy->name);
    config->preferred_batch_size = SETTING_UNSET_INTEGER;
    config->max_queue_delay_s = SETTING_UNSET_REAL;
    return true;
}

/* Why blocks cannot be shared between sequences; NULL when they can. */
static const char *caching_hindrance(const struct resolving *resolving)
{
    const struct engine_config *config = resolving->config;
    if (config->kv_allocation == ALLOCATION_CONTIGUOUS)
        return "kv_allocation: paged";
    if (config->preemption_mode == PREEMPTION_SWAP)
        return "preemption_mode: recompute";
    return resolving->policy->keeps_blocks
               ? "another scheduler: this one keeps a batch's blocks until the batch ends"
               : NULL;
}

static bool resolve_caching(const struct resolving *resolving)
{
    struct engine_config *config = resolving->config;
    const char *hindrance = caching_hindrance(resolving);
    if (config->enable_prefix_caching < 0) {
        config->enable_prefix_caching = resolving->policy->prefix_caching && hindrance == NULL;
        if (resolving->policy->prefix_caching && hindrance != NULL)
            resolving->warn->hear(
                resolving->warn->context,
                "prefix caching, which is on by default, is off here: the prefix cache "
                "shares blocks that are paged and not swapped");
    }
    if (config->enable_prefix_caching != 0 && hindrance != NULL)
        return error_input(resolving->error,
                           node_key_location(resolving->node, "enable_prefix_caching"),
                           "'enable_prefix_caching' needs %s", hindrance);
    return true;
}

static bool resolve_offload(const struct resolving *resolving)
{
    struct kv_offload_config *offload = &resolving->config->kv_offload;
    const struct host_link *link = &resolving->accelerator->host_link;
    if (!setting_is_set(offload->capacity_bytes)) {
        if (setting_is_set(offload->bandwidth_bytes_per_s) || setting_is_set(offload->latency_s))
            return error_input(resolving->error, node_key_location(resolving->node, "kv_offload"),
                               "'kv_offload' needs 'capacity'");
        return true;
    }
    if (resolving->config->enable_prefix_caching == 0)
        return error_input(resolving->error, node_key_location(resolving->node, "kv_offload"),
                           "'kv_offload' needs enable_prefix_caching: it is a second level of the "
                           "prefix cache");
    if (!setting_is_set(offload->bandwidth_bytes_per_s))
        offload->bandwidth_bytes_per_s = link->bandwidth_bytes_per_s;
    if (!setting_is_set(offload->latency_s))
        offload->latency_s = link->latency_s;
    return true;
}

/* vLLM, config/cache.py: the model's own, or 8 bits. */
static bool resolve_kv_dtype(const struct resolving *resolving)
{
    struct engine_config *config = resolving->config;
    int own = resolving->model->dtype;
    if (config->kv_cache_dtype < 0)
        config->kv_cache_dtype = own;
    int dtype = config->kv_cache_dtype;
    bool stored = dtype == own || dtype == DTYPE_BF16 || dtype == DTYPE_FP16 ||
                  dtype == DTYPE_FP8 || dtype == DTYPE_INT8;
    return stored ||
           error_input(resolving->error, node_key_location(resolving->node, "kv_cache_dtype"),
                       "'kv_cache_dtype' cannot be %s for %s, which is %s: it is that, a "
                       "16-bit one, fp8 or int8",
                       dtype_names[dtype], resolving->model->name, dtype_names[own]);
}

static bool resolve_memory(const struct resolving *resolving)
{
    struct engine_config *config = resolving->config;
    const struct policy *policy = resolving->policy;
    if (!setting_is_set(config->watermark))
        config->watermark = policy->watermark;
    if (config->kv_allocation < 0)
        config->kv_allocation =
            policy->reservation == KV_MAXIMUM ? ALLOCATION_CONTIGUOUS : ALLOCATION_PAGED;
    if (config->preemption_mode == PREEMPTION_SWAP &&
        config->kv_allocation == ALLOCATION_CONTIGUOUS) {
        warn_no_effect(resolving, "preemption_mode swap", "kv_allocation",
                       "contiguous, where nothing is ever preempted");
        config->preemption_mode = PREEMPTION_RECOMPUTE;
    }
    if (config->preemption_mode == PREEMPTION_SWAP) {
        if (!setting_is_set(config->swap_space_bytes))
            config->swap_space_bytes = 4.0 * UNITS_GIB;
    } else if (setting_is_set(config->swap_space_bytes)) {
        warn_no_effect(resolving, "swap_space", "preemption_mode", "recompute");
        config->swap_space_bytes = SETTING_UNSET_REAL;
    }
    return resolve_caching(resolving) && resolve_offload(resolving);
}

/* As vLLM with --disable-hybrid-kv-cache-manager. */
static void warn_of_whole_contexts(const struct resolving *resolving)
{
    const struct model *model = resolving->model;
    if (model_window_layers(model) == 0 ||
        model->sliding_window >= resolving->config->max_model_len)
        return;
    char text[256];
    snprintf(text, sizeof text,
             "all layers of %s keep their whole context in the KV cache, also the %lld that see "
             "%lld tokens: as vLLM with --disable-hybrid-kv-cache-manager",
             model->name, (long long)model_window_layers(model), (long long)model->sliding_window);
    resolving->warn->hear(resolving->warn->context, text);
}

static void resolve_length(const struct resolving *resolving)
{
    struct engine_config *config = resolving->config;
    int64_t positions = resolving->model->max_position_embeddings;
    if (config->max_model_len == SETTING_UNSET_INTEGER)
        config->max_model_len = positions;
    if (config->max_model_len <= positions)
        return;
    char text[256];
    snprintf(text, sizeof text, "max_model_len %lld is beyond the %lld positions of %s",
             (long long)config->max_model_len, (long long)positions, resolving->model->name);
    resolving->warn->hear(resolving->warn->context, text);
}

bool engine_config_resolve(struct engine_config *config, const struct node *node,
                           const struct model *model, const struct accelerator *accelerator,
                           const struct warn_listener *warn, struct error *error)
{
    const struct policy *policy = policy_at((size_t)config->scheduler);
    const struct resolving resolving = {config, policy, node, model, accelerator, warn, error};
    resolve_length(&resolving);
    warn_of_whole_contexts(&resolving);
    resolve_chunking(&resolving);
    return resolve_limits(&resolving) && resolve_parallel(&resolving) &&
           resolve_queue(&resolving) && resolve_batch_start(&resolving) &&
           resolve_memory(&resolving) && resolve_kv_dtype(&resolving);
}
