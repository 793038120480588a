#include "measured_replay.h"

#include <inttypes.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>
#include <string.h>

/* Two records of one arrival, each with an error of its own. */
static const int64_t ARRIVAL_TOLERANCE_NS = 1000000;

/* Whether the trace's requests are the log's; if not, `why`. */
struct agreement {
    bool agrees;
    int64_t arrival_difference_ns; /* the largest */
};

static bool compare_with(struct measured_replay *replay, struct request_source *source,
                         struct agreement *agreement, struct error *error)
{
    const struct measured_log *log = replay->log;
    struct request request;
    enum request_source_result result = SOURCE_END;
    size_t count = 0;
    while ((result = source->next(source->state, &request, error)) == SOURCE_REQUEST) {
        if (count == log->count) {
            snprintf(replay->why, sizeof replay->why,
                     "the trace has more requests than were measured, %zu", log->count);
            return true;
        }
        const struct measured_request *measured = &log->requests[count++];
        if (request.prompt_tokens != measured->prompt_tokens ||
            request.output_tokens != measured->output_tokens) {
            snprintf(replay->why, sizeof replay->why,
                     "request %zu of the trace has %d and %d tokens, the measured one %d and %d",
                     count, request.prompt_tokens, request.output_tokens, measured->prompt_tokens,
                     measured->output_tokens);
            return true;
        }
        const int64_t difference_ns = llabs(request.arrival_ns - measured->arrival_ns);
        if (agreement->arrival_difference_ns < difference_ns)
            agreement->arrival_difference_ns = difference_ns;
    }
    if (result == SOURCE_ERROR)
        return false;
    agreement->agrees = count == log->count;
    if (!agreement->agrees)
        snprintf(replay->why, sizeof replay->why, "the trace has %zu requests, measured were %zu",
                 count, log->count);
    return true;
}

static bool compare_trace(struct measured_replay *replay, const struct experiment_config *config,
                          struct error *error)
{
    struct request_source source = {0};
    struct agreement agreement = {0};
    if (!experiment_check_repeatable(config, error) ||
        !workload_open(&config->workload, (uint64_t)config->seed, &source, error))
        return false;
    const bool done = compare_with(replay, &source, &agreement, error);
    source.destroy(source.state);
    replay->uses_trace = agreement.agrees;
    if (agreement.agrees && agreement.arrival_difference_ns > ARRIVAL_TOLERANCE_NS)
        snprintf(replay->why, sizeof replay->why,
                 "arrivals of the trace and of the log differ by up to %.3f s",
                 sim_s_from_ns(agreement.arrival_difference_ns));
    return done;
}

bool measured_replay_init(struct measured_replay *replay, const struct experiment_config *config,
                          const struct measured_log *log, struct error *error)
{
    *replay = (struct measured_replay){.log = log};
    replay->outcomes = calloc(log->count, sizeof *replay->outcomes);
    if (replay->outcomes == NULL)
        return error_run(error, "out of memory for the replayed requests");
    /* Who waits for answers sends when these come, not when they came. */
    if (config->workload.trace == NULL || workload_is_closed(&config->workload))
        return true;
    return compare_trace(replay, config, error);
}

void measured_replay_fini(struct measured_replay *replay)
{
    free(replay->outcomes);
    replay->outcomes = NULL;
}

static void keep(void *context, const struct request_outcome *outcome)
{
    struct measured_replay *replay = context;
    replay->outcomes[outcome->request_id] = *outcome;
}

bool measured_replay_run(struct measured_replay *replay, const struct experiment_config *config,
                         struct error *error)
{
    struct measured_source state;
    struct request_source source;
    struct experiment_result result;
    struct experiment_hooks hooks = {.outcome = keep, .context = replay};
    struct experiment_config whole = *config;
    whole.metrics.warmup_s = SETTING_UNSET_REAL;
    if (!replay->uses_trace) {
        measured_source_init(&state, replay->log, &source);
        hooks.source = &source;
    }
    return experiment_run(&whole, &hooks, &result, error);
}
