#include "sweep.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* A run that has ended and waits for its turn to be told. */
struct result {
    bool ended;
    char *failure; /* owned; NULL: there is a summary */
    struct summary summary;
};

/* Results wait in a ring: nobody starts a run that is further ahead than this of what has been told. */
enum { AHEAD = 1024 };

struct sweep {
    const struct sweep_plan *plan;
    const struct sweep_options *options;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t ended, told;
    size_t next;      /* the run to be started next */
    size_t told_runs; /* runs before this have been told */
    bool stopped;
    struct result *results; /* owned: AHEAD of them, by run */
    struct sweep_warnings *warnings;
};

/* Whom this thread's runs warn: what reads a configuration knows of one listener only. */
static _Thread_local struct sweep *listener;

static void add_warning(const char *text)
{
    struct sweep *sweep = listener;
    struct sweep_warnings *warnings = sweep->warnings;
    pthread_mutex_lock(&sweep->lock);
    size_t at = 0;
    while (at < warnings->count && strncmp(warnings->texts[at], text, SWEEP_WARNING_BYTES - 1) != 0)
        at++;
    if (at == SWEEP_MAX_WARNINGS)
        warnings->others++;
    else if (at == warnings->count)
        snprintf(warnings->texts[warnings->count++], SWEEP_WARNING_BYTES, "%s", text);
    pthread_mutex_unlock(&sweep->lock);
}

static bool list_overrides(const struct sweep *sweep, size_t run, char **overrides, size_t *count)
{
    const struct sweep_plan *plan = sweep->plan;
    *count = 0;
    for (size_t i = 0; i < sweep->options->override_count; i++) {
        overrides[*count] = strdup(sweep->options->overrides[i]);
        if (overrides[*count] == NULL)
            return false;
        ++*count;
    }
    for (size_t key = 0; key < plan->key_count; key++) {
        if (asprintf(&overrides[*count], "%s=%s", plan->keys[key],
                     sweep_plan_value(plan, run, key)) < 0)
            return false;
        ++*count;
    }
    return true;
}

static bool run_one(const struct sweep *sweep, char **overrides, size_t count,
                    struct summary *summary, struct error *error)
{
    const struct experiment_hooks hooks = {0};
    struct experiment_config config;
    struct experiment_result result;
    if (!experiment_config_load(&config, sweep->plan->base, (const char *const *)overrides, count,
                                sweep->options->config_directory, add_warning, error))
        return false;
    experiment_config_warn_of_unused(&config, true, add_warning);
    const bool done = experiment_check_repeatable(&config, error) &&
                      experiment_run(&config, &hooks, &result, error);
    if (done)
        *summary = result.summary;
    experiment_config_fini(&config);
    return done;
}

static void carry_out(const struct sweep *sweep, size_t run, struct result *result)
{
    const size_t most = sweep->options->override_count + sweep->plan->key_count;
    char **overrides = calloc(most + 1, sizeof *overrides);
    size_t count = 0;
    struct error error = {0};
    *result = (struct result){.ended = true};
    if (overrides == NULL || !list_overrides(sweep, run, overrides, &count))
        error_run(&error, "out of memory");
    else
        (void)run_one(sweep, overrides, count, &result->summary, &error);
    if (error.kind != ERROR_NONE)
        result->failure = strdup(error.text);
    for (size_t i = 0; i < count; i++)
        free(overrides[i]);
    free(overrides);
}

static void *work(void *context)
{
    struct sweep *sweep = context;
    listener = sweep;
    pthread_mutex_lock(&sweep->lock);
    while (!sweep->stopped && sweep->next < sweep->plan->run_count) {
        if (sweep->next >= sweep->told_runs + AHEAD) {
            pthread_cond_wait(&sweep->told, &sweep->lock);
            continue;
        }
        const size_t run = sweep->next++;
        pthread_mutex_unlock(&sweep->lock);
        struct result result;
        carry_out(sweep, run, &result);
        pthread_mutex_lock(&sweep->lock);
        sweep->results[run % AHEAD] = result;
        pthread_cond_signal(&sweep->ended);
    }
    pthread_mutex_unlock(&sweep->lock);
    return NULL;
}

/* Tell the runs in order, as they end. */
static bool tell(struct sweep *sweep)
{
    bool done = true;
    pthread_mutex_lock(&sweep->lock);
    while (done && sweep->told_runs < sweep->plan->run_count) {
        struct result *slot = &sweep->results[sweep->told_runs % AHEAD];
        if (!slot->ended) {
            pthread_cond_wait(&sweep->ended, &sweep->lock);
            continue;
        }
        struct result result = *slot;
        *slot = (struct result){0};
        const size_t run = sweep->told_runs++;
        pthread_cond_broadcast(&sweep->told);
        pthread_mutex_unlock(&sweep->lock);
        done = sweep->options->row(sweep->options->context, run, &result.summary, result.failure);
        free(result.failure);
        pthread_mutex_lock(&sweep->lock);
    }
    sweep->stopped = true;
    pthread_cond_broadcast(&sweep->told);
    pthread_mutex_unlock(&sweep->lock);
    return done;
}

static bool run_threads(struct sweep *sweep, struct error *error)
{
    pthread_t threads[SWEEP_MAX_THREADS];
    int started = 0;
    while (started < sweep->options->threads &&
           pthread_create(&threads[started], NULL, work, sweep) == 0)
        started++;
    const bool done = started > 0 ? tell(sweep) : error_run(error, "no thread can be started");
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return done;
}

bool sweep_run(const struct sweep_plan *plan, const struct sweep_options *options,
               struct sweep_warnings *warnings, struct error *error)
{
    *warnings = (struct sweep_warnings){0};
    struct sweep sweep = {.plan = plan,
                          .options = options,
                          .next = options->first_run,
                          .told_runs = options->first_run,
                          .warnings = warnings,
                          .results = calloc(AHEAD, sizeof *sweep.results)};
    if (sweep.results == NULL)
        return error_run(error, "out of memory for the sweep");
    pthread_mutex_init(&sweep.lock, NULL);
    pthread_cond_init(&sweep.ended, NULL);
    pthread_cond_init(&sweep.told, NULL);
    const bool done = run_threads(&sweep, error);
    pthread_cond_destroy(&sweep.told);
    pthread_cond_destroy(&sweep.ended);
    pthread_mutex_destroy(&sweep.lock);
    for (size_t i = 0; i < AHEAD; i++)
        free(sweep.results[i].failure);
    free(sweep.results);
    return done;
}
