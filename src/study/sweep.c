#include "sweep_work.h"

#include "llmsim_results.h"
#include "sweep_table.h"
#include <stdlib.h>
#include <string.h>

void sweep_warn(struct sweep_work *work, const char *text)
{
    struct sweep_warnings *warnings = work->warnings;
    pthread_mutex_lock(&work->lock);
    size_t at = 0;
    while (at < warnings->count && strncmp(warnings->texts[at], text, SWEEP_WARNING_BYTES - 1) != 0)
        at++;
    if (at == SWEEP_MAX_WARNINGS)
        warnings->others++;
    else if (at == warnings->count)
        snprintf(warnings->texts[warnings->count++], SWEEP_WARNING_BYTES, "%s", text);
    pthread_mutex_unlock(&work->lock);
}

/* The base under the run's own overrides; NULL when memory cannot be had. */
static struct llmsim *configure(const struct sweep_work *work, size_t run)
{
    const struct sweep_plan *plan = work->plan;
    struct llmsim *simulation = llmsim_copy(work->base);
    for (size_t key = 0; simulation != NULL && key < plan->key_count; key++) {
        const char *value = sweep_plan_value(plan, run, key);
        if (value != NULL && !llmsim_set(simulation, plan->keys[key], value)) {
            llmsim_destroy(simulation);
            return NULL;
        }
    }
    return simulation;
}

/* The row of a run that has ended; NULL when memory cannot be had. */
static char *make_line(const struct sweep_work *work, size_t run, const struct sweep_row *ended)
{
    struct sweep_row row = *ended;
    const struct sweep_plan *plan = work->plan;
    const char *values[SWEEP_MAX_KEYS];
    for (size_t key = 0; key < plan->key_count; key++)
        values[key] = sweep_plan_value(plan, run, key);
    row.run = run;
    row.keys = plan->keys;
    row.values = values;
    row.key_count = plan->key_count;
    json_t *json = sweep_row_json(&row);
    char *line = json != NULL ? sweep_row_line(json) : NULL;
    json_decref(json);
    return line;
}

static void describe(const struct llmsim *simulation, struct sweep_row *row)
{
    const struct experiment_config *config = llmsim_config(simulation);
    row->accelerators = engine_accelerators(&config->engine);
    row->price_per_hour_dollars = config->accelerator.price_per_hour_dollars;
}

static char *run_once(struct sweep_work *work, size_t run, struct llmsim *simulation, bool *failed)
{
    struct llmsim_error error;
    struct replications runs = {0};
    struct sweep_row row = {.failure = error.text, .runs = &runs};
    *failed = !llmsim_run(simulation, &error);
    if (!*failed) {
        row.failure = NULL;
        replications_add(&runs, &llmsim_result(simulation)->summary);
        describe(simulation, &row);
    }
    return make_line(work, run, &row);
}

static char *find_capacity(struct sweep_work *work, size_t run, struct llmsim *simulation,
                           bool *failed)
{
    struct llmsim_error error;
    struct capacity *capacity = malloc(sizeof *capacity);
    struct sweep_row row = {.failure = error.text, .capacity = capacity};
    if (capacity == NULL)
        return NULL;
    *failed = !llmsim_load(simulation, &error) ||
              !capacity_find(simulation, work->options->capacity, capacity, &error);
    if (!*failed) {
        row.failure = NULL;
        row.runs = &capacity->points[capacity->best].runs;
        describe(simulation, &row);
    }
    char *line = make_line(work, run, &row);
    free(capacity);
    return line;
}

void sweep_carry_out(struct sweep_work *work, size_t run, struct sweep_ended *ended)
{
    struct llmsim *simulation = configure(work, run);
    *ended = (struct sweep_ended){.failed = true};
    if (simulation == NULL)
        return;
    ended->line = (work->options->capacity != NULL ? find_capacity : run_once)(
        work, run, simulation, &ended->failed);
    for (size_t i = 0; i < llmsim_warning_count(simulation); i++)
        sweep_warn(work, llmsim_warning(simulation, i));
    llmsim_destroy(simulation);
}

bool sweep_take(struct sweep_work *work, size_t *run)
{
    pthread_mutex_lock(&work->lock);
    while (work->next < work->plan->run_count && !work->options->wanted[work->next])
        work->next++;
    const bool taken = !work->stopped && work->next < work->plan->run_count;
    if (taken)
        *run = work->next++;
    pthread_mutex_unlock(&work->lock);
    return taken;
}

void sweep_tell(struct sweep_work *work, size_t run, const struct sweep_ended *ended)
{
    const struct sweep_options *options = work->options;
    pthread_mutex_lock(&work->lock);
    if (!work->stopped)
        work->stopped =
            ended->line == NULL || !options->row(options->context, run, ended->line, ended->failed);
    pthread_mutex_unlock(&work->lock);
    free(ended->line);
}

static void *work_on(void *context)
{
    struct sweep_work *work = context;
    size_t run = 0;
    while (sweep_take(work, &run)) {
        struct sweep_ended ended;
        sweep_carry_out(work, run, &ended);
        sweep_tell(work, run, &ended);
    }
    return NULL;
}

bool sweep_threads_start(struct sweep_threads *threads, struct sweep_work *work, int count,
                         struct error *error)
{
    threads->count = 0;
    while (threads->count < count &&
           pthread_create(&threads->threads[threads->count], NULL, work_on, work) == 0)
        threads->count++;
    return threads->count > 0 || error_run(error, "no thread can be started");
}

void sweep_threads_join(struct sweep_threads *threads)
{
    while (threads->count > 0)
        pthread_join(threads->threads[--threads->count], NULL);
}

bool sweep_work_init(struct sweep_work *work, const struct sweep_plan *plan,
                     const struct sweep_options *options, struct sweep_warnings *warnings,
                     struct error *error)
{
    *warnings = (struct sweep_warnings){0};
    *work = (struct sweep_work){.plan = plan, .options = options, .warnings = warnings};
    pthread_mutex_init(&work->lock, NULL);
    work->base = llmsim_create(plan->base, options->config_directory);
    bool done = work->base != NULL;
    for (size_t i = 0; done && i < options->override_count; i++)
        done = llmsim_assign(work->base, options->overrides[i]);
    if (done)
        return true;
    sweep_work_fini(work);
    return error_run(error, "out of memory for the sweep");
}

void sweep_work_fini(struct sweep_work *work)
{
    llmsim_destroy(work->base);
    pthread_mutex_destroy(&work->lock);
}

bool sweep_run(const struct sweep_plan *plan, const struct sweep_options *options,
               struct sweep_warnings *warnings, struct error *error)
{
    struct sweep_work work;
    struct sweep_threads threads;
    if (!sweep_work_init(&work, plan, options, warnings, error))
        return false;
    const bool done = sweep_threads_start(&threads, &work, options->threads, error);
    sweep_threads_join(&threads);
    const bool stopped = work.stopped;
    sweep_work_fini(&work);
    return done && !stopped;
}
