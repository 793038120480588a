#include "replicate.h"

#include <llmsim/sim_time.h>

static void show(void (*progress)(double fraction), int64_t done, int64_t total)
{
    if (progress != NULL)
        progress((double)done / (double)total);
}

bool replicate_run(const struct experiment_config *config, void (*progress)(double fraction),
                   struct replicated_runs *runs, struct error *error)
{
    const struct experiment_hooks hooks = {0};
    const int64_t count = config->metrics.replications;
    struct experiment_config run = *config;
    uint64_t first_digest = 0;
    bool warmup_unknown = false;
    *runs = (struct replicated_runs){.replications.first_seed = config->seed};
    for (int64_t i = 0; i < count; i++) {
        run.seed = config->seed + i;
        if (!experiment_run(&run, &hooks, &runs->last, error))
            return false;
        if (i == 0)
            first_digest = runs->last.summary.digest;
        else if (i == 1 && runs->last.summary.digest == first_digest)
            return error_input(error, NULL,
                               "nothing in this configuration is random: its replications are all "
                               "the same run");
        warmup_unknown |= runs->last.warmup_unknown;
        replications_add(&runs->replications, &runs->last.summary);
        show(progress, i + 1, count);
    }
    runs->last.warmup_unknown = warmup_unknown;
    return true;
}

/* Another source's requests, all of which arrive at once. */
struct rush {
    struct request_source inner;
    int64_t requests, last_arrival_ns; /* as they would have arrived */
};

static enum request_source_result rush_next(void *state, struct request *request,
                                            struct error *error)
{
    struct rush *rush = state;
    const enum request_source_result result = rush->inner.next(rush->inner.state, request, error);
    if (result == SOURCE_REQUEST) {
        rush->requests++;
        rush->last_arrival_ns = request->arrival_ns;
    }
    request->arrival_ns = 0;
    return result;
}

static double rush_progress(const void *state)
{
    const struct rush *rush = state;
    return rush->inner.progress(rush->inner.state);
}

static struct source_left_out rush_left_out(const void *state)
{
    const struct rush *rush = state;
    return rush->inner.left_out(rush->inner.state);
}

static void rush_destroy(void *state)
{
    (void)state;
}

bool replicate_rush(const struct experiment_config *config, struct summary *summary,
                    double *arrival_rate_per_s, struct error *error)
{
    struct rush rush = {0};
    struct experiment_result result;
    if (!workload_open(&config->workload, (uint64_t)config->seed, &rush.inner, error))
        return false;
    struct request_source source = {.state = &rush,
                                    .trace_format = rush.inner.trace_format,
                                    .next = rush_next,
                                    .progress = rush_progress,
                                    .left_out = rush_left_out,
                                    .destroy = rush_destroy};
    const struct experiment_hooks hooks = {.source = &source};
    const bool done = experiment_run(config, &hooks, &result, error);
    if (done)
        *summary = result.summary;
    rush.inner.destroy(rush.inner.state);
    *arrival_rate_per_s = rush.last_arrival_ns > 0
                              ? (double)(rush.requests - 1) / sim_s_from_ns(rush.last_arrival_ns)
                              : 0.0;
    return done;
}

/* One seed at every speed, and in a rush. */
static bool compare_speeds(const struct experiment_config *config, struct sensitivity *sensitivity,
                           struct error *error)
{
    const struct experiment_hooks hooks = {0};
    const bool closed = workload_is_closed(&config->workload);
    struct summary summaries[SENSITIVITY_SPEEDS], rush;
    double arrival_rate_per_s = 0.0;
    for (int i = 0; i < SENSITIVITY_SPEEDS; i++) {
        struct experiment_config run = *config;
        struct experiment_result result;
        run.cost.speed *= sensitivity_speeds[i];
        if (!experiment_run(&run, &hooks, &result, error))
            return false;
        summaries[i] = result.summary;
    }
    if (!closed && !replicate_rush(config, &rush, &arrival_rate_per_s, error))
        return false;
    sensitivity_add(sensitivity, summaries, closed ? NULL : &rush);
    return true;
}

bool replicate_sensitivity(const struct experiment_config *config,
                           void (*progress)(double fraction), struct sensitivity *sensitivity,
                           struct error *error)
{
    struct experiment_config run = *config;
    *sensitivity = (struct sensitivity){0};
    for (int64_t i = 0; i < config->metrics.replications; i++) {
        run.seed = config->seed + i;
        if (!compare_speeds(&run, sensitivity, error))
            return false;
        show(progress, i + 1, config->metrics.replications);
    }
    return true;
}
