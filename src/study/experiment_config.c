#include "experiment_config.h"

#include "accelerator_file.h"
#include "model_spec.h"
#include "named_file.h"
#include <assert.h>
#include <inttypes.h>
#include <string.h>

#define FIELD(member)  offsetof(struct experiment_config, member)
#define OUTPUT(member) offsetof(struct output_config, member)

static const struct setting output_keys[] = {
    {
        .name = "json",
        .kind = SETTING_PATH,
        .offset = OUTPUT(json),
        .preset = "none",
        .help = "the summary as JSON, as --json",
    },
    {
        .name = "requests",
        .kind = SETTING_PATH,
        .offset = OUTPUT(requests),
        .preset = "none",
        .help = "a CSV row a request, as --requests",
    },
    {
        .name = "timeline",
        .kind = SETTING_PATH,
        .offset = OUTPUT(timeline),
        .preset = "none",
        .help = "a CSV row a second, as --timeline",
    },
    {
        .name = "perfetto",
        .kind = SETTING_PATH,
        .offset = OUTPUT(perfetto),
        .preset = "none",
        .help = "steps and requests for ui.perfetto.dev, as --perfetto",
    },
    {
        .name = "html",
        .kind = SETTING_PATH,
        .offset = OUTPUT(html),
        .preset = "none",
        .help = "the report as a page, as --html",
    },
};
static const struct settings_table output_settings = {"the output section", output_keys,
                                                      sizeof output_keys / sizeof *output_keys};

#define SECTION(key, text, words)                                                                  \
    {                                                                                              \
        .name = #key, .kind = SETTING_SECTION, .offset = FIELD(key), .preset = (text),             \
        .section = &key##_settings, .help = (words)                                                \
    }

static const struct setting settings[] = {
    SECTION(model, NULL, "a name, a path to YAML or to a Hugging Face config.json, or a mapping"),
    SECTION(accelerator, NULL, "a name, a path to YAML, or a mapping"),
    SECTION(engine, "none", "vLLM's engine arguments"),
    SECTION(workload, NULL, "a trace, or generated traffic"),
    SECTION(cost, "none", "how long a step takes"),
    SECTION(slo, "none", "what the service has promised"),
    SECTION(metrics, "none", "what of a run is measured, and how often it is run"),
    SECTION(output, "none", "files to write"),
    {
        .name = "seed",
        .kind = SETTING_INTEGER,
        .offset = FIELD(seed),
        .preset = "0",
        .minimum = 0,
        .maximum = 1e18,
        .help = "of every random stream",
    },
};

const struct settings_table experiment_settings = {"a configuration", settings,
                                                   sizeof settings / sizeof *settings};

/* What is being loaded, and what for. */
struct loading {
    struct experiment_config *config;
    struct node *root;
    const char *config_directory;
    struct location model_at; /* where the model is named */
    const struct warn_listener *warn;
    struct error *error;
};

/* A model or an accelerator given by name or path becomes the mapping that the file holds. */
static bool expand_reference(const struct loading *loading, const char *key, const char *folder)
{
    struct document *document = loading->config->document;
    struct node *node = node_find(loading->root, key);
    if (node == NULL)
        return error_input(loading->error, &loading->root->at,
                           "'%s' is missing: a name from configs/%s, or a path", key, folder);
    if (node->kind == NODE_MAPPING)
        return true;
    if (node->kind != NODE_SCALAR || *node->text == '\0')
        return error_input(loading->error, &node->at, "'%s' must be a name, a path or a mapping",
                           key);
    const struct name_lookup lookup = {.document = document,
                                       .folder = folder,
                                       .here = loading->root->directory,
                                       .config_directory = loading->config_directory};
    const char *path = named_file_path(&lookup, node, loading->error);
    if (path == NULL)
        return false;
    struct node *mapping = document_read_file(document, path, loading->error);
    if (mapping == NULL)
        return false;
    return document_set(document, loading->root, key, mapping, loading->error);
}

/* Into the model or the accelerator: these apply to the file that the key names. */
static bool is_inner_override(const char *assignment)
{
    return strncmp(assignment, "model.", strlen("model.")) == 0 ||
           strncmp(assignment, "accelerator.", strlen("accelerator.")) == 0;
}

static bool apply_overrides(const struct loading *loading, const char *const *overrides,
                            size_t count, bool inner)
{
    for (size_t i = 0; i < count; i++) {
        if (is_inner_override(overrides[i]) == inner &&
            !document_override(loading->config->document, loading->root, overrides[i],
                               loading->error))
            return false;
    }
    return true;
}

/* How latents are attended to says nothing of a model that has none. */
static bool refuse_latents(const struct experiment_config *config, const struct node *cost,
                           struct error *error)
{
    if (config->cost.latent_attention < 0 || config->model.kv_lora_rank > 0)
        return true;
    return error_input(error, node_key_location(cost, "latent_attention"),
                       "'latent_attention' has no meaning for %s, which has no latents",
                       config->model.name);
}

static bool read_sections(const struct loading *loading)
{
    struct experiment_config *config = loading->config;
    struct document *document = config->document;
    const struct node *root = loading->root;
    struct error *error = loading->error;
    char warning[512] = "";
    if (!model_read(document, node_find(root, "model"), &config->model, warning, error))
        return false;
    if (*warning != '\0')
        loading->warn->hear(loading->warn->context, warning);
    if (!accelerator_read(document, node_find(root, "accelerator"), loading->config_directory,
                          &config->accelerator, error))
        return false;
    static const char *const rest[] = {"engine",  "workload", "cost", "slo",
                                       "metrics", "output",   "seed"};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++) {
        if (!settings_read_member(document, &experiment_settings, rest[i], root, config, error))
            return false;
    }
    const struct node *workload = node_find(root, "workload");
    if (workload == NULL)
        return error_input(error, &root->at,
                           "'workload' is missing: a trace, or generated traffic");
    return workload_check(&config->workload, workload, error) &&
           cost_config_resolve(&config->cost, node_find(root, "cost"), error) &&
           refuse_latents(config, node_find(root, "cost"), error);
}

/* vLLM refuses to start when not one request of max_model_len would fit; here shorter requests may
 * still be served, so it is said instead. */
static void warn_of_short_cache(const struct loading *loading)
{
    const struct experiment_config *config = loading->config;
    int64_t tokens = (config->kv_memory.replica_blocks - 1) * config->engine.block_size;
    if (tokens >= config->engine.max_model_len)
        return;
    char text[256];
    bool divided = config->kv_memory.replica_blocks < config->kv_memory.num_gpu_blocks;
    snprintf(text, sizeof text,
             "the KV cache%s holds %" PRId64 " tokens, fewer than max_model_len %" PRId64
             ": %slonger requests are rejected",
             divided ? " of one of the pipeline's engines" : "", tokens,
             config->engine.max_model_len, divided ? "" : "vLLM would not start; ");
    loading->warn->hear(loading->warn->context, text);
}

/* Host memory that was asked for and is too small for anything. */
static void warn_of_short_host_memory(const struct loading *loading, const char *key,
                                      double capacity_bytes)
{
    double block_bytes = loading->config->kv_memory.block_bytes;
    if (!setting_is_set(capacity_bytes) || capacity_bytes >= block_bytes)
        return;
    char text[128];
    snprintf(text, sizeof text, "%s holds not one KV block of %.3g MiB", key,
             block_bytes / (1024.0 * 1024.0));
    loading->warn->hear(loading->warn->context, text);
}

/* vLLM, config/model.py (_resolve_auto_dtype): what the device cannot compute in gives way to the
 * first of these that it can; accelerator_resolve sees to it that there is one. */
static void fall_back_dtype(const struct loading *loading)
{
    static const int order[] = {DTYPE_BF16, DTYPE_FP16, DTYPE_FP32};
    struct model *model = &loading->config->model;
    const struct accelerator *accelerator = &loading->config->accelerator;
    int wanted = model->dtype;
    for (size_t i = 0; !accelerator_supports(accelerator, model->dtype); i++) {
        assert(i < sizeof order / sizeof *order);
        model->dtype = order[i];
    }
    if (model->dtype == wanted)
        return;
    char text[256];
    snprintf(text, sizeof text, "%s does not compute in %s: %s runs in %s, as vLLM would run it",
             accelerator->name, dtype_names[wanted], model->name, dtype_names[model->dtype]);
    loading->warn->hear(loading->warn->context, text);
}

/* What vLLM's Marlin kernels are for. */
static void warn_of_weight_only(const struct loading *loading)
{
    const struct model *model = &loading->config->model;
    const struct accelerator *accelerator = &loading->config->accelerator;
    int activations = model->quantization.activations;
    if (activations < 0 || accelerator_supports(accelerator, activations))
        return;
    char text[256];
    snprintf(text, sizeof text,
             "%s does not compute in %s: the weights of %s are turned into %s as they are used",
             accelerator->name, dtype_names[activations], model->name, dtype_names[model->dtype]);
    loading->warn->hear(loading->warn->context, text);
}

static bool resolve(const struct loading *loading)
{
    struct experiment_config *config = loading->config;
    fall_back_dtype(loading);
    warn_of_weight_only(loading);
    const struct node *engine = node_find(loading->root, "engine");
    if (!engine_config_resolve(&config->engine, engine, &config->model, &config->accelerator,
                               loading->warn, loading->error) ||
        !kv_memory_derive(&config->engine, &config->model, &config->accelerator, &loading->model_at,
                          &config->kv_memory, loading->error))
        return false;
    warn_of_short_cache(loading);
    warn_of_short_host_memory(loading, "swap_space", config->engine.swap_space_bytes);
    warn_of_short_host_memory(loading, "kv_offload.capacity",
                              config->engine.kv_offload.capacity_bytes);
    return true;
}

static bool refuse_stdin_twice(const struct loading *loading, const char *path)
{
    const char *trace = loading->config->workload.trace;
    if (trace == NULL || strcmp(trace, "-") != 0 || strcmp(path, "-") != 0)
        return true;
    return error_input(loading->error, NULL,
                       "stdin cannot be both the configuration and the trace");
}

void experiment_config_warn_of_unused(const struct experiment_config *config,
                                      enum experiment_use use, const struct warn_listener *warn)
{
    const struct output_config *output = &config->output;
    if (output->json != NULL || output->requests != NULL || output->timeline != NULL ||
        output->perfetto != NULL || output->html != NULL)
        warn->hear(warn->context,
                   "the output section is of single runs: nothing of it is written here");
    if (use != USE_OF_REPLICATIONS && config->metrics.replications > 1)
        warn->hear(warn->context, "metrics.replications is of llmsim run: here each run is one");
    if (use == USE_OF_LOG && setting_is_set(config->metrics.warmup_s))
        warn->hear(warn->context,
                   "metrics.warmup is not used here: all requests of a log are compared");
}

static bool load(struct loading *loading, const char *path, const char *const *overrides,
                 size_t override_count)
{
    loading->root = document_read_file(loading->config->document, path, loading->error);
    if (loading->root == NULL || !apply_overrides(loading, overrides, override_count, false) ||
        !settings_check_keys(&experiment_settings, loading->root, loading->error))
        return false;
    loading->model_at = *node_key_location(loading->root, "model");
    return expand_reference(loading, "model", "models") &&
           expand_reference(loading, "accelerator", "accelerators") &&
           apply_overrides(loading, overrides, override_count, true) && read_sections(loading) &&
           refuse_stdin_twice(loading, path) && resolve(loading);
}

bool experiment_config_load(struct experiment_config *config, const char *path,
                            const char *const *overrides, size_t override_count,
                            const char *config_directory, const struct warn_listener *warn,
                            struct error *error)
{
    memset(config, 0, sizeof *config);
    config->document = document_create();
    if (config->document == NULL)
        return error_run(error, "out of memory");
    struct loading loading = {
        .config = config, .config_directory = config_directory, .warn = warn, .error = error};
    if (load(&loading, path, overrides, override_count))
        return true;
    if (error->kind == ERROR_NONE)
        error_run(error, "out of memory");
    experiment_config_fini(config);
    return false;
}

/* An accelerator that the command line names. */
static bool load_accelerator(struct loading *loading, const char *name,
                             const char *const *overrides, size_t override_count)
{
    struct experiment_config *config = loading->config;
    const struct location at = {"-a", 0, 0};
    struct node *named = document_new_mapping(config->document, &at);
    loading->root = document_new_mapping(config->document, &at);
    if (named == NULL || loading->root == NULL)
        return false;
    named->kind = NODE_SCALAR;
    named->text = name;
    if (!document_set(config->document, loading->root, "accelerator", named, loading->error) ||
        !expand_reference(loading, "accelerator", "accelerators"))
        return false;
    for (size_t i = 0; i < override_count; i++) {
        if (strncmp(overrides[i], "accelerator.", strlen("accelerator.")) != 0)
            return error_input(loading->error, NULL,
                               "-s %.60s: of an accelerator alone only accelerator.KEY=VALUE can "
                               "be set",
                               overrides[i]);
        if (!document_override(config->document, loading->root, overrides[i], loading->error))
            return false;
    }
    return accelerator_read(config->document, node_find(loading->root, "accelerator"),
                            loading->config_directory, &config->accelerator, loading->error);
}

bool experiment_config_load_accelerator(struct experiment_config *config, const char *name,
                                        const char *const *overrides, size_t override_count,
                                        const char *config_directory, struct error *error)
{
    memset(config, 0, sizeof *config);
    config->document = document_create();
    if (config->document == NULL)
        return error_run(error, "out of memory");
    struct loading loading = {
        .config = config, .config_directory = config_directory, .error = error};
    if (load_accelerator(&loading, name, overrides, override_count))
        return true;
    if (error->kind == ERROR_NONE)
        error_run(error, "out of memory");
    experiment_config_fini(config);
    return false;
}

void experiment_config_fini(struct experiment_config *config)
{
    document_destroy(config->document);
    config->document = NULL;
}
