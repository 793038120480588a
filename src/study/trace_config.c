#include "trace_config.h"

#include <string.h>

static const struct setting settings[] = {
    {.name = "workload",
     .kind = SETTING_SECTION,
     .offset = offsetof(struct trace_config, workload),
     .preset = "none",
     .section = &workload_settings,
     .help = "the trace, and what is done to it"},
    {.name = "seed",
     .kind = SETTING_INTEGER,
     .offset = offsetof(struct trace_config, seed),
     .preset = "0",
     .minimum = 0,
     .maximum = 1e18,
     .help = "of every random stream"},
};

static const struct settings_table table = {"what is said of a trace", settings,
                                            sizeof settings / sizeof *settings};

/* {workload: {trace: PATH}} */
static struct node *root_of(struct document *document, const char *path, struct error *error)
{
    const struct location at = {path, 0, 0};
    struct node *root = document_new_mapping(document, &at);
    struct node *workload = document_new_mapping(document, &at);
    struct node *trace = document_new_mapping(document, &at);
    if (root == NULL || workload == NULL || trace == NULL) {
        error_run(error, "out of memory");
        return NULL;
    }
    trace->kind = NODE_SCALAR;
    trace->quoted = true;
    trace->text = path;
    return document_set(document, workload, "trace", trace, error) &&
                   document_set(document, root, "workload", workload, error)
               ? root
               : NULL;
}

static bool load(struct trace_config *config, const char *path, const char *const *overrides,
                 size_t override_count, struct error *error)
{
    struct node *root = root_of(config->document, path, error);
    if (root == NULL)
        return false;
    for (size_t i = 0; i < override_count; i++) {
        if (!document_override(config->document, root, overrides[i], error))
            return false;
    }
    return settings_read(config->document, &table, root, config, error) &&
           workload_check(&config->workload, node_find(root, "workload"), error);
}

bool trace_config_load(struct trace_config *config, const char *path, const char *const *overrides,
                       size_t override_count, struct error *error)
{
    memset(config, 0, sizeof *config);
    struct document *document = document_create();
    if (document == NULL)
        return error_run(error, "out of memory");
    config->document = document;
    if (load(config, path, overrides, override_count, error)) {
        config->document = document; /* settings_read may have cleared it: it is no setting */
        return true;
    }
    document_destroy(document);
    config->document = NULL;
    return false;
}

void trace_config_fini(struct trace_config *config)
{
    document_destroy(config->document);
    config->document = NULL;
}
