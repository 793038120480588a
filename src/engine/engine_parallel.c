/* How a model is spread over accelerators: what "auto" becomes, and what does not divide. */
#include "engine_resolve.h"

static bool refuse(const struct resolving *resolving, const char *key, int64_t ranks,
                   const char *what, int64_t count)
{
    return error_input(resolving->error, node_key_location(resolving->node, key),
                       "'%s' (%lld) does not divide the %lld %s of %s", key, (long long)ranks,
                       (long long)count, what, resolving->model->name);
}

static bool check_tensor_ranks(const struct resolving *resolving)
{
    const struct model *model = resolving->model;
    const char *key = "tensor_parallel_size";
    int64_t ranks = resolving->config->tensor_parallel_size;
    bool dense_layers = model->num_experts == 0 || model->first_k_dense_replace > 0;
    if (model->num_attention_heads % ranks != 0)
        return refuse(resolving, key, ranks, "attention heads", model->num_attention_heads);
    if (model->num_key_value_heads % ranks != 0 && ranks % model->num_key_value_heads != 0)
        return error_input(resolving->error, node_key_location(resolving->node, key),
                           "'tensor_parallel_size' (%lld) neither divides nor is a multiple of the "
                           "%lld KV heads of %s",
                           (long long)ranks, (long long)model->num_key_value_heads, model->name);
    if (dense_layers && model->intermediate_size % ranks != 0)
        return refuse(resolving, key, ranks, "columns of the MLP", model->intermediate_size);
    if (model->shared_expert_intermediate_size % ranks != 0)
        return refuse(resolving, key, ranks, "columns of the shared experts",
                      model->shared_expert_intermediate_size);
    return true;
}

/* vLLM, fused_moe/layer.py: whole experts may be spread unevenly (determine_expert_map), slices of
 * them must be equal. */
static bool check_expert_ranks(const struct resolving *resolving)
{
    const struct model *model = resolving->model;
    const struct engine_config *config = resolving->config;
    int64_t ranks = config->tensor_parallel_size * config->data_parallel_size;
    if (model->num_experts == 0)
        return true;
    if (config->enable_expert_parallel && ranks > model->num_experts)
        return error_input(resolving->error,
                           node_key_location(resolving->node, "enable_expert_parallel"),
                           "%s has %lld experts, fewer than the %lld ranks that are to hold whole "
                           "ones",
                           model->name, (long long)model->num_experts, (long long)ranks);
    if (config->enable_expert_parallel || model->moe_intermediate_size % ranks == 0)
        return true;
    bool data = model->moe_intermediate_size % config->tensor_parallel_size == 0;
    return error_input(
        resolving->error,
        node_key_location(resolving->node, data ? "data_parallel_size" : "tensor_parallel_size"),
        "%lld ranks do not divide the %lld columns of an expert of %s: enable_expert_parallel "
        "keeps "
        "experts whole",
        (long long)ranks, (long long)model->moe_intermediate_size, model->name);
}

static bool check_stages(const struct resolving *resolving)
{
    const struct engine_config *config = resolving->config;
    const struct model *model = resolving->model;
    int64_t stages = config->pipeline_parallel_size;
    const struct location *at = node_key_location(resolving->node, "pipeline_parallel_size");
    if (stages > model->num_hidden_layers)
        return error_input(resolving->error, at,
                           "'pipeline_parallel_size' (%lld) is more than the %lld layers of %s",
                           (long long)stages, (long long)model->num_hidden_layers, model->name);
    if (stages > 1 && engine_is_lockstep(config, model))
        return error_input(resolving->error, at,
                           "'pipeline_parallel_size' is not simulated together with "
                           "'data_parallel_size' for %s: its ranks, which share the experts, step "
                           "together",
                           model->name);
    return true;
}

static bool check_interconnect(const struct resolving *resolving)
{
    const struct engine_config *config = resolving->config;
    const struct accelerator *accelerator = resolving->accelerator;
    const struct {
        const char *key;
        int64_t size;
        bool communicates;
    } sizes[] = {
        {"tensor_parallel_size", config->tensor_parallel_size, config->tensor_parallel_size > 1},
        {"pipeline_parallel_size", config->pipeline_parallel_size,
         config->pipeline_parallel_size > 1},
        {"data_parallel_size", config->data_parallel_size,
         engine_is_lockstep(config, resolving->model)},
    };
    if (accelerator->interconnect.kind != INTERCONNECT_NONE)
        return true;
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (sizes[i].communicates)
            return error_input(resolving->error, node_key_location(resolving->node, sizes[i].key),
                               "'%s' is %lld, but %s has no interconnect", sizes[i].key,
                               (long long)sizes[i].size, accelerator->name);
    }
    return true;
}

/* What is wrong with spreading whole experts here; both NULL where nothing is. */
struct hindrance {
    const char *with, *value;
};

static struct hindrance expert_parallel_hindrance(const struct resolving *resolving)
{
    const struct engine_config *config = resolving->config;
    if (resolving->model->num_experts == 0)
        return (struct hindrance){"a model without experts,", resolving->model->name};
    if (config->tensor_parallel_size * config->data_parallel_size == 1)
        return (struct hindrance){"tensor_parallel_size and data_parallel_size", "1"};
    return (struct hindrance){0};
}

static void resolve_experts(const struct resolving *resolving)
{
    struct engine_config *config = resolving->config;
    struct hindrance hindrance = expert_parallel_hindrance(resolving);
    if (config->enable_expert_parallel && hindrance.with != NULL) {
        warn_no_effect(resolving, "enable_expert_parallel", hindrance.with, hindrance.value);
        config->enable_expert_parallel = false;
    }
    if (resolving->model->num_experts == 0 && config->expert_skew > 0.0) {
        warn_no_effect(resolving, "expert_skew", hindrance.with, hindrance.value);
        config->expert_skew = 0.0;
    }
    if (!config->enable_expert_parallel && setting_is_set(config->expert_imbalance)) {
        if (hindrance.with == NULL)
            hindrance = (struct hindrance){"enable_expert_parallel", "false"};
        warn_no_effect(resolving, "expert_imbalance", hindrance.with, hindrance.value);
        config->expert_imbalance = SETTING_UNSET_REAL;
    }
}

/* Slices of every expert need every token on every rank. */
static void resolve_all2all(const struct resolving *resolving)
{
    struct engine_config *config = resolving->config;
    bool given = config->all2all_backend >= 0;
    struct hindrance hindrance = {0};
    if (resolving->model->num_experts == 0)
        hindrance = (struct hindrance){"a model without experts,", resolving->model->name};
    else if (config->data_parallel_size == 1)
        hindrance = (struct hindrance){"data_parallel_size", "1"};
    else if (!config->enable_expert_parallel)
        hindrance = (struct hindrance){"enable_expert_parallel", "false"};
    if (hindrance.with == NULL) {
        if (!given)
            config->all2all_backend = ALL2ALL_ALLGATHER_REDUCESCATTER;
        return;
    }
    if (given)
        warn_no_effect(resolving, "all2all_backend", hindrance.with, hindrance.value);
    config->all2all_backend = -1;
}

/* vLLM does not schedule asynchronously over a pipeline: the steps in flight are its micro-batches.
 */
static void resolve_async(const struct resolving *resolving)
{
    struct engine_config *config = resolving->config;
    bool pipeline = config->pipeline_parallel_size > 1;
    if (config->async_scheduling < 0)
        config->async_scheduling = resolving->policy->async_scheduling && !pipeline;
    if (config->async_scheduling == 0 || !pipeline)
        return;
    warn_no_effect(resolving, "async_scheduling", "pipeline_parallel_size", "above 1");
    config->async_scheduling = 0;
}

/* An interconnect is one level: what is fitted to a server of eight is taken to reach further. */
static void warn_of_many_ranks(const struct resolving *resolving)
{
    enum { RANKS_OF_A_SERVER = 8 };
    const struct engine_config *config = resolving->config;
    int64_t ranks = config->tensor_parallel_size * config->pipeline_parallel_size;
    if (engine_is_lockstep(config, resolving->model))
        ranks *= config->data_parallel_size;
    if (ranks <= RANKS_OF_A_SERVER)
        return;
    char text[256];
    snprintf(text, sizeof text,
             "%lld accelerators that work together are taken to be on one interconnect, as in a "
             "server: slower links between servers are not simulated",
             (long long)ranks);
    resolving->warn->hear(resolving->warn->context, text);
}

bool resolve_parallel(const struct resolving *resolving)
{
    warn_of_many_ranks(resolving);
    resolve_experts(resolving);
    resolve_all2all(resolving);
    resolve_async(resolving);
    return check_tensor_ranks(resolving) && check_expert_ranks(resolving) &&
           check_stages(resolving) && check_interconnect(resolving);
}
