#include "llmsim_results.h"

#include "trace_store.h"
#include <gsl/gsl_errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* What copies have in common. */
struct shared {
    atomic_int users;
    struct trace_store *traces;
};

/* Texts, owned. */
struct texts {
    char **items;
    size_t count, room;
};

struct llmsim {
    char *path, *configs;
    struct texts overrides, warnings;
    struct shared *shared;
    bool loaded, has_results;
    struct experiment_config config; /* where loaded */
    struct experiment_result result; /* where has_results */
    struct summary_figure figures[SUMMARY_FIGURE_COUNT];
};

/* Takes over the text; NULL is no memory. */
static bool texts_add(struct texts *texts, char *text)
{
    if (text != NULL && texts->count == texts->room) {
        const size_t room = texts->room > 0 ? 2 * texts->room : 8;
        char **items = realloc(texts->items, room * sizeof *items);
        if (items == NULL) {
            free(text);
            return false;
        }
        texts->items = items;
        texts->room = room;
    }
    if (text == NULL)
        return false;
    texts->items[texts->count++] = text;
    return true;
}

static void texts_clear(struct texts *texts)
{
    while (texts->count > 0)
        free(texts->items[--texts->count]);
}

static struct llmsim *create(const char *path, const char *configs, struct shared *shared)
{
    struct llmsim *run = calloc(1, sizeof *run);
    if (run == NULL)
        return NULL;
    run->path = strdup(path);
    run->configs = configs != NULL ? strdup(configs) : NULL;
    run->shared = shared;
    summary_list_figures(&run->result.summary, run->figures);
    atomic_fetch_add(&shared->users, 1);
    if (run->path != NULL && (configs == NULL || run->configs != NULL))
        return run;
    llmsim_destroy(run);
    return NULL;
}

static void leave(struct shared *shared)
{
    if (atomic_fetch_sub(&shared->users, 1) > 1)
        return;
    trace_store_destroy(shared->traces);
    free(shared);
}

const char *llmsim_version(void)
{
    return LLMSIM_VERSION;
}

struct llmsim *llmsim_create(const char *path, const char *configs)
{
    gsl_set_error_handler_off();
    struct shared *shared = malloc(sizeof *shared);
    if (shared == NULL)
        return NULL;
    atomic_init(&shared->users, 1);
    shared->traces = trace_store_create();
    struct llmsim *run = shared->traces != NULL ? create(path, configs, shared) : NULL;
    leave(shared);
    return run;
}

struct llmsim *llmsim_copy(const struct llmsim *run)
{
    struct llmsim *copy = create(run->path, run->configs, run->shared);
    for (size_t i = 0; copy != NULL && i < run->overrides.count; i++) {
        if (!llmsim_assign(copy, run->overrides.items[i])) {
            llmsim_destroy(copy);
            return NULL;
        }
    }
    return copy;
}

static void unload(struct llmsim *run)
{
    if (run->loaded)
        experiment_config_fini(&run->config);
    run->loaded = run->has_results = false;
    texts_clear(&run->warnings);
}

void llmsim_destroy(struct llmsim *run)
{
    if (run == NULL)
        return;
    unload(run);
    texts_clear(&run->overrides);
    free(run->overrides.items);
    free(run->warnings.items);
    free(run->path);
    free(run->configs);
    leave(run->shared);
    free(run);
}

bool llmsim_assign(struct llmsim *run, const char *assignment)
{
    return texts_add(&run->overrides, strdup(assignment));
}

bool llmsim_set(struct llmsim *run, const char *key, const char *value)
{
    char *assignment = NULL;
    return asprintf(&assignment, "%s=%s", key, value) >= 0 &&
           texts_add(&run->overrides, assignment);
}

/* A warning for which there is no memory is not the end. */
static void hear(void *context, const char *text)
{
    (void)texts_add(context, strdup(text));
}

static bool fail(const struct error *error, struct llmsim_error *told)
{
    told->status = (int)error->kind;
    memcpy(told->text, error->text, sizeof told->text);
    return false;
}

_Static_assert(sizeof((struct llmsim_error *)0)->text == sizeof((struct error *)0)->text,
               "an error's text fits");

bool llmsim_load(struct llmsim *run, struct llmsim_error *told)
{
    struct error error = {0};
    const struct warn_listener listener = {hear, &run->warnings};
    unload(run);
    if (!experiment_config_load(&run->config, run->path, (const char *const *)run->overrides.items,
                                run->overrides.count, run->configs, &listener, &error))
        return fail(&error, told);
    run->loaded = true;
    run->config.workload.store = run->shared->traces;
    return experiment_check_repeatable(&run->config, &error) || fail(&error, told);
}

/* What llmsim_load has read. */
static bool simulate(struct llmsim *run, struct llmsim_error *told)
{
    const struct experiment_hooks hooks = {0};
    struct error error = {0};
    if (!experiment_run(&run->config, &hooks, &run->result, &error))
        return fail(&error, told);
    run->has_results = true;
    summary_list_figures(&run->result.summary, run->figures);
    return true;
}

bool llmsim_run(struct llmsim *run, struct llmsim_error *error)
{
    const struct warn_listener listener = {hear, &run->warnings};
    if (!llmsim_load(run, error))
        return false;
    experiment_config_warn_of_unused(&run->config, USE_OF_RUN, &listener);
    return simulate(run, error);
}

const struct experiment_result *llmsim_result(const struct llmsim *run)
{
    return run->has_results ? &run->result : NULL;
}

const struct experiment_config *llmsim_config(const struct llmsim *run)
{
    return run->loaded ? &run->config : NULL;
}

double llmsim_figure(const struct llmsim *run, const char *name)
{
    for (size_t i = 0; run->has_results && i < SUMMARY_FIGURE_COUNT; i++) {
        if (strcmp(run->figures[i].key, name) == 0)
            return run->figures[i].value;
    }
    return (double)NAN;
}

size_t llmsim_figure_count(void)
{
    return SUMMARY_FIGURE_COUNT;
}

const char *llmsim_figure_name(const struct llmsim *run, size_t index)
{
    return index < SUMMARY_FIGURE_COUNT ? run->figures[index].key : NULL;
}

uint64_t llmsim_digest(const struct llmsim *run)
{
    return run->has_results ? run->result.summary.digest : 0;
}

char *llmsim_summary_json(const struct llmsim *run)
{
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = run->has_results ? open_memstream(&text, &bytes) : NULL;
    if (stream == NULL)
        return NULL;
    const bool printed = summary_print_json(&run->result.summary, NULL,
                                            experiment_config_json(&run->config), stream);
    const bool closed = fclose(stream) == 0;
    if (printed && closed)
        return text;
    free(text);
    return NULL;
}

size_t llmsim_warning_count(const struct llmsim *run)
{
    return run->warnings.count;
}

const char *llmsim_warning(const struct llmsim *run, size_t index)
{
    return index < run->warnings.count ? run->warnings.items[index] : NULL;
}
