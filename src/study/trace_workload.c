#include "trace_workload.h"

#include <string.h>

static const struct setting settings[] = {
    {
        .name = "workload",
        .kind = SETTING_SECTION,
        .offset = offsetof(struct trace_workload, workload),
        .section = &workload_settings,
        .help = "a trace, or generated traffic",
    },
    {
        .name = "seed",
        .kind = SETTING_INTEGER,
        .offset = offsetof(struct trace_workload, seed),
        .preset = "0",
        .minimum = 0,
        .maximum = 1e18,
        .help = "of every random stream",
    },
};

static const struct settings_table trace_workload_settings = {"a workload alone", settings,
                                                              sizeof settings / sizeof *settings};

static bool read_root(struct trace_workload *trace, const struct node *root, struct error *error)
{
    return settings_read(trace->document, &trace_workload_settings, root, trace, error) &&
           workload_check(&trace->workload, node_find(root, "workload"), error);
}

/* {workload: {trace: PATH}}, the path as the command line has it. NULL when memory cannot be had. */
static struct node *make_root(struct document *document, const char *path, struct error *error)
{
    const struct location at = {path, 0, 0};
    struct node *root = document_new_mapping(document, &at);
    struct node *workload = document_new_mapping(document, &at);
    struct node *scalar = document_new_mapping(document, &at);
    if (root == NULL || workload == NULL || scalar == NULL)
        return NULL;
    scalar->kind = NODE_SCALAR;
    scalar->quoted = true;
    scalar->text = path;
    return document_set(document, workload, "trace", scalar, error) &&
                   document_set(document, root, "workload", workload, error)
               ? root
               : NULL;
}

static bool apply_overrides(struct document *document, struct node *root,
                            const char *const *overrides, size_t count, struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(overrides[i], "workload.", strlen("workload.")) != 0 &&
            strncmp(overrides[i], "seed=", strlen("seed=")) != 0)
            return error_input(error, NULL,
                               "-s %.60s: of a trace alone only workload.KEY=VALUE and seed=N can "
                               "be set",
                               overrides[i]);
        if (strncmp(overrides[i], "workload.trace=", strlen("workload.trace=")) == 0)
            return error_input(error, NULL, "-s %.60s: the trace is the file that is named",
                               overrides[i]);
        if (!document_override(document, root, overrides[i], error))
            return false;
    }
    return true;
}

static bool begin(struct trace_workload *trace, struct error *error)
{
    memset(trace, 0, sizeof *trace);
    trace->document = document_create();
    return trace->document != NULL || error_run(error, "out of memory");
}

static bool give_up(struct trace_workload *trace, struct error *error)
{
    trace_workload_fini(trace);
    return error->kind == ERROR_NONE ? error_run(error, "out of memory") : false;
}

bool trace_workload_load(struct trace_workload *trace, const char *path,
                         const char *const *overrides, size_t override_count, struct error *error)
{
    if (!begin(trace, error))
        return false;
    char *copy = document_copy_text(trace->document, path);
    struct node *root = copy != NULL ? make_root(trace->document, copy, error) : NULL;
    if (root == NULL || !apply_overrides(trace->document, root, overrides, override_count, error) ||
        !read_root(trace, root, error))
        return give_up(trace, error);
    return true;
}

bool trace_workload_read(struct trace_workload *trace, const char *name, const char *text,
                         struct error *error)
{
    if (!begin(trace, error))
        return false;
    const struct node *root = document_read_text(trace->document, name, text, strlen(text), error);
    return root != NULL && read_root(trace, root, error) ? true : give_up(trace, error);
}

bool trace_workload_load_section(struct trace_workload *trace, const char *path,
                                 const char *const *overrides, size_t override_count, bool *alone,
                                 struct error *error)
{
    if (!begin(trace, error))
        return false;
    struct node *root = document_read_file(trace->document, path, error);
    if (root == NULL)
        return give_up(trace, error);
    *alone = node_find(root, "model") == NULL && node_find(root, "workload") != NULL;
    if (!*alone) {
        trace_workload_fini(trace);
        return true;
    }
    for (size_t i = 0; i < override_count; i++) {
        if (!document_override(trace->document, root, overrides[i], error))
            return give_up(trace, error);
    }
    return read_root(trace, root, error) || give_up(trace, error);
}

void trace_workload_fini(struct trace_workload *trace)
{
    document_destroy(trace->document);
    trace->document = NULL;
}
