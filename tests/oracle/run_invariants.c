#include "run_invariants.h"

#include <stdlib.h>

/* Sums over the completed requests. */
struct totals {
    int64_t completed, rejected, preemptions;
    int64_t output_tokens;
    int64_t stored_tokens; /* that had to be computed: prompt + output − 1 − cached */
    int64_t token_gaps_ns; /* last token − first token */
    int64_t in_system_ns;  /* finished − arrival */
    int64_t in_service_ns; /* finished − scheduled */
    int64_t end_ns;
};

static const char *check_outcome(const struct simulation_setup *setup,
                                 const struct request *request,
                                 const struct request_outcome *outcome)
{
    if (outcome->arrival_ns != request->arrival_ns ||
        outcome->prompt_tokens != request->prompt_tokens ||
        outcome->output_tokens != request->output_tokens)
        return "an outcome repeats its request";
    int64_t tokens = (int64_t)request->prompt_tokens + request->output_tokens;
    int64_t blocks = (tokens - 1 + setup->block_size - 1) / setup->block_size;
    bool serveable = tokens <= setup->max_model_len && blocks <= setup->num_gpu_blocks - 1;
    if ((outcome->status == REQUEST_COMPLETED) != serveable)
        return "exactly the requests that can be served are";
    if (outcome->status == REQUEST_REJECTED)
        return outcome->scheduled_ns == -1 && outcome->first_token_ns == -1 &&
                       outcome->finished_ns == -1 && outcome->preemptions == 0
                   ? NULL
                   : "a rejected request has no times";
    if (outcome->scheduled_ns < outcome->arrival_ns ||
        outcome->first_token_ns < outcome->scheduled_ns ||
        outcome->finished_ns < outcome->first_token_ns)
        return "a request's times do not run back";
    if (outcome->output_tokens == 1 && outcome->finished_ns != outcome->first_token_ns)
        return "the first of one token is the last";
    if (outcome->cached_tokens < 0 || outcome->cached_tokens >= outcome->prompt_tokens)
        return "at most prompt - 1 tokens come from the prefix cache";
    return outcome->preemptions >= 0 ? NULL : "preemptions are counted from 0";
}

static const char *sum_outcomes(const struct simulation_setup *setup,
                                const struct request *requests, const struct recorded_run *run,
                                struct totals *totals)
{
    if (run->unknown_outcomes > 0)
        return "every outcome belongs to a request";
    for (size_t i = 0; i < run->request_count; i++) {
        const struct request_outcome *outcome = &run->outcomes[i];
        if (run->outcome_counts[i] != 1)
            return "every request has one outcome";
        const char *broken = check_outcome(setup, &requests[i], outcome);
        if (broken != NULL)
            return broken;
        if (outcome->status == REQUEST_REJECTED) {
            totals->rejected++;
            continue;
        }
        totals->completed++;
        totals->preemptions += outcome->preemptions;
        totals->output_tokens += outcome->output_tokens;
        totals->stored_tokens +=
            (int64_t)outcome->prompt_tokens + outcome->output_tokens - 1 - outcome->cached_tokens;
        totals->token_gaps_ns += outcome->finished_ns - outcome->first_token_ns;
        totals->in_system_ns += outcome->finished_ns - outcome->arrival_ns;
        totals->in_service_ns += outcome->finished_ns - outcome->scheduled_ns;
        if (outcome->finished_ns > totals->end_ns)
            totals->end_ns = outcome->finished_ns;
    }
    return NULL;
}

static const char *check_step(const struct simulation_setup *setup, const struct step_report *step,
                              int64_t previous_end_ns)
{
    if (step->start_ns < previous_end_ns || step->end_ns < step->start_ns)
        return "steps follow one another in time";
    if (step->tokens < 1 || step->tokens > setup->max_num_batched_tokens)
        return "a step computes a token, and keeps to its budget";
    if (step->sequences < 1 || step->sequences > step->tokens || step->sequences > step->running ||
        step->continuing_sequences < 0 || step->continuing_sequences > step->sequences)
        return "a step's sequences are running and compute a token each";
    if (step->running > setup->max_num_seqs)
        return "no more than max_num_seqs are running";
    if (step->kv_blocks_used < 1 || step->kv_blocks_used > setup->num_gpu_blocks - 1)
        return "KV blocks stay within the cache";
    if (step->kv_tokens < step->tokens ||
        step->kv_tokens > step->kv_blocks_used * setup->block_size)
        return "KV tokens fit their blocks";
    if (step->kv_blocks_used * setup->block_size - step->kv_tokens >
        (int64_t)step->running * (setup->block_size - 1))
        return "a running sequence wastes less than a block";
    return NULL;
}

static const char *check_steps(const struct simulation_setup *setup, const struct recorded_run *run,
                               const struct totals *totals)
{
    int64_t tokens = 0, continuing = 0, continuing_ns = 0, running_ns = 0, busy_ns = 0;
    int64_t end_ns = 0;
    for (size_t i = 0; i < run->step_count; i++) {
        const struct step_report *step = &run->steps[i];
        const char *broken = check_step(setup, step, end_ns);
        if (broken != NULL)
            return broken;
        int64_t duration_ns = step->end_ns - step->start_ns;
        tokens += step->tokens;
        continuing += step->continuing_sequences;
        continuing_ns += step->continuing_sequences * duration_ns;
        running_ns += step->running * duration_ns;
        busy_ns += duration_ns;
        end_ns = step->end_ns;
    }
    if (run->mistimed_steps > 0)
        return "a step lasts what it costs";
    if (run->misreported_step_loads > 0)
        return "a step's load is the sum of its parts";
    if (run->load_count != run->step_count)
        return "every step is costed once";
    if (run->result.busy_ns != busy_ns || run->result.steps != (int64_t)run->step_count)
        return "the result counts the steps";
    if (tokens < totals->stored_tokens ||
        (totals->preemptions == 0 && tokens != totals->stored_tokens))
        return "every token is computed, once unless preempted";
    /* E2E = TTFT + ΣITL, over all requests at once, for both their number and their length. */
    if (continuing + run->gap_count != totals->output_tokens - totals->completed)
        return "every token but a request's first ends an interval";
    if (continuing_ns + run->gap_sum_ns != totals->token_gaps_ns)
        return "E2E is TTFT and the intervals between tokens";
    /* Little's law for the running sequences, exact where admission and start coincide. */
    if (!setup->async_scheduling && totals->preemptions == 0 && running_ns != totals->in_service_ns)
        return "mean running = throughput x mean time in service";
    return NULL;
}

static int compare_ns(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* ∫ N(t) dt over the run, N(t) the requests in the system, walked event by event. */
static int64_t integrate_population_ns(const struct recorded_run *run)
{
    int64_t *arrivals = malloc((run->request_count + 1) * sizeof *arrivals);
    int64_t *departures = malloc((run->request_count + 1) * sizeof *departures);
    if (arrivals == NULL || departures == NULL)
        abort();
    size_t count = 0;
    for (size_t i = 0; i < run->request_count; i++) {
        if (run->outcomes[i].status == REQUEST_REJECTED)
            continue;
        arrivals[count] = run->outcomes[i].arrival_ns;
        departures[count++] = run->outcomes[i].finished_ns;
    }
    qsort(departures, count, sizeof *departures, compare_ns);
    int64_t integral_ns = 0, now_ns = 0, population = 0;
    for (size_t arrived = 0, left = 0; left < count;) {
        bool arrival = arrived < count && arrivals[arrived] <= departures[left];
        int64_t event_ns = arrival ? arrivals[arrived++] : departures[left++];
        integral_ns += population * (event_ns - now_ns);
        population += arrival ? 1 : -1;
        now_ns = event_ns;
    }
    free(arrivals);
    free(departures);
    return integral_ns;
}

const char *run_invariants_broken(const struct simulation_setup *setup,
                                  const struct request *requests, const struct recorded_run *run)
{
    struct totals totals = {0};
    const char *broken = sum_outcomes(setup, requests, run, &totals);
    if (broken == NULL)
        broken = check_steps(setup, run, &totals);
    if (broken != NULL)
        return broken;
    const struct simulation_result *result = &run->result;
    if (result->requests != (int64_t)run->request_count ||
        result->rejected_too_long + result->rejected_no_memory != totals.rejected)
        return "the result counts the requests";
    if (result->preemptions != totals.preemptions)
        return "the result counts the preemptions";
    if (result->end_ns != totals.end_ns)
        return "the run ends with the last completion";
    if (integrate_population_ns(run) != totals.in_system_ns)
        return "Little's law: mean population = throughput x mean E2E";
    return NULL;
}
