#include "run_invariants.h"

#include "parallel_invariants.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

/* Sums over the completed requests. */
struct totals {
    int64_t completed, rejected, preemptions;
    int64_t output_tokens;
    int64_t prompt_tokens, cached_tokens;
    int64_t stored_tokens; /* that had to be computed: prompt + output − 1 − cached */
    int64_t blocks;        /* that would hold all of that */
    int64_t token_gaps_ns; /* last token − first token */
    int64_t in_system_ns;  /* finished − arrival */
    int64_t end_ns;
    bool saw_priorities, saw_clients, saw_prefixes;
};

/* That hold all its tokens but the last one. */
static int64_t count_blocks(const struct simulation_setup *setup, const struct request *request)
{
    int64_t tokens = (int64_t)request->prompt_tokens + request->output_tokens - 1;
    return (tokens + setup->block_size - 1) / setup->block_size;
}

/* By itself, in an empty engine, even when it was preempted at its last token. */
static bool is_serveable(const struct simulation_setup *setup, const struct request *request)
{
    int64_t tokens = (int64_t)request->prompt_tokens + request->output_tokens;
    return tokens <= setup->max_model_len &&
           count_blocks(setup, request) <= setup->num_gpu_blocks - 1 &&
           (setup->enable_chunked_prefill || tokens - 1 <= setup->max_num_batched_tokens);
}

static const char *check_cached_tokens(const struct simulation_setup *setup,
                                       const struct request_outcome *outcome)
{
    if (outcome->cached_tokens < 0 || outcome->cached_tokens >= outcome->prompt_tokens)
        return "at most prompt - 1 tokens come from the prefix cache";
    if (outcome->cached_tokens % setup->block_size != 0)
        return "whole blocks come from the prefix cache";
    if (outcome->cached_tokens > 0 && !setup->enable_prefix_caching)
        return "without prefix caching nothing is found";
    return NULL;
}

static const char *check_account(const struct request_outcome *outcome)
{
    int64_t sum_ns = 0;
    for (int i = 0; i < TIME_PART_COUNT; i++) {
        if (outcome->parts_ns[i] < 0)
            return "no part of a request's time is negative";
        sum_ns += outcome->parts_ns[i];
    }
    if (sum_ns != outcome->finished_ns - outcome->arrival_ns)
        return "the parts of a request's time sum to it";
    if (outcome->parts_ns[TIME_QUEUE] != outcome->scheduled_ns - outcome->arrival_ns)
        return "a request is in the queue until it is first scheduled";
    if (outcome->preemptions == 0 && outcome->parts_ns[TIME_PREEMPTION] > 0)
        return "who is not preempted loses nothing";
    return NULL;
}

static const char *check_outcome(const struct simulation_setup *setup,
                                 const struct request *request,
                                 const struct request_outcome *outcome)
{
    if (outcome->arrival_ns != request->arrival_ns ||
        outcome->prompt_tokens != request->prompt_tokens ||
        outcome->output_tokens != request->output_tokens)
        return "an outcome repeats its request";
    if ((outcome->status == REQUEST_COMPLETED) != is_serveable(setup, request))
        return "exactly the requests that can be served are";
    if (outcome->status == REQUEST_REJECTED)
        return outcome->scheduled_ns == -1 && outcome->first_token_ns == -1 &&
                       outcome->finished_ns == -1 && outcome->preemptions == 0 &&
                       outcome->cached_tokens == 0
                   ? NULL
                   : "a rejected request has neither times nor tokens";
    if (outcome->scheduled_ns < outcome->arrival_ns ||
        outcome->first_token_ns < outcome->scheduled_ns ||
        outcome->finished_ns < outcome->first_token_ns)
        return "a request's times do not run back";
    if (outcome->output_tokens == 1 && outcome->finished_ns != outcome->first_token_ns)
        return "the first of one token is the last";
    if (outcome->preemptions < 0)
        return "preemptions are counted from 0";
    const char *broken = check_account(outcome);
    if (broken != NULL)
        return broken;
    return check_cached_tokens(setup, outcome);
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
        totals->prompt_tokens += outcome->prompt_tokens;
        totals->cached_tokens += outcome->cached_tokens;
        totals->output_tokens += outcome->output_tokens;
        totals->stored_tokens +=
            (int64_t)outcome->prompt_tokens + outcome->output_tokens - 1 - outcome->cached_tokens;
        totals->blocks += count_blocks(setup, &requests[i]);
        totals->token_gaps_ns += outcome->finished_ns - outcome->first_token_ns;
        totals->in_system_ns += outcome->finished_ns - outcome->arrival_ns;
        totals->saw_priorities |= requests[i].priority != 0;
        totals->saw_clients |= requests[i].client != 0;
        totals->saw_prefixes |= requests[i].prefix_id_count > 0;
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
    if (step->sequences < 1 || step->sequences > step->tokens || step->sequences > step->running)
        return "a step's sequences are running and compute a token each";
    if (step->running > setup->max_num_seqs)
        return "no more than max_num_seqs are running";
    if (step->kv_blocks_used < 1 || step->kv_blocks_used > setup->num_gpu_blocks - 1)
        return "KV blocks stay within the cache";
    int64_t filled_blocks = step->kv_blocks_used - step->kv_blocks_empty;
    if (step->kv_blocks_empty < 0 || step->kv_slots_unfilled < 0 ||
        step->kv_tokens + step->kv_slots_unfilled != filled_blocks * setup->block_size)
        return "KV tokens fit their blocks";
    if (!setup->enable_prefix_caching && step->kv_tokens < step->tokens)
        return "what is computed is stored";
    if (setup->reservation == KV_AS_COMPUTED && !setup->policy->keeps_blocks &&
        step->kv_blocks_empty > 0)
        return "nothing is reserved but what is computed";
    if (step->kv_slots_unfilled > (int64_t)step->running * (setup->block_size - 1))
        return "a running sequence wastes less than a block";
    return NULL;
}

/* What all steps computed, of what the requests needed. */
static const char *check_tokens(const struct simulation_setup *setup,
                                const struct recorded_run *run, const struct totals *totals)
{
    int64_t tokens = 0;
    for (size_t i = 0; i < run->step_count; i++)
        tokens += run->steps[i].tokens;
    /* Who was preempted may find more in the cache than it did at first. */
    bool finds_more = setup->enable_prefix_caching && totals->preemptions > 0;
    if (tokens < totals->stored_tokens && !finds_more)
        return "every token is computed";
    /* Host memory holds what was computed, where it was copied there or has room for everything. */
    bool keeps_all = run->result.swapped_out == totals->preemptions ||
                     (setup->swap_blocks > 0 && setup->swap_blocks >= totals->blocks);
    if (keeps_all && tokens != totals->stored_tokens)
        return "every token is computed once unless preempted";
    /* E2E = TTFT + ΣITL, over all requests at once, for both their number and their length. */
    if (run->gap_count != totals->output_tokens - totals->completed || run->void_gaps > 0)
        return "every token but a request's first ends an interval";
    if (run->gap_sum_ns != totals->token_gaps_ns)
        return "E2E is TTFT and the intervals between tokens";
    return NULL;
}

/* Prompts that are not split take a chunk each, and one more after each preemption. */
static const char *check_chunks(const struct simulation_setup *setup,
                                const struct recorded_run *run, const struct totals *totals)
{
    int64_t chunks = 0;
    for (size_t i = 0; i < run->load_count; i++) {
        chunks += run->loads[i].chunk_count;
        if (step_load_rows(&run->loads[i]) > setup->max_num_batched_tokens)
            return "a step keeps to its budget, padding included";
    }
    if (chunks < totals->completed)
        return "every prompt takes a chunk";
    if (setup->enable_chunked_prefill || setup->long_prefill_token_threshold > 0)
        return NULL;
    if (chunks > totals->completed + totals->preemptions)
        return "without chunked prefill prompts are not split";
    if (!setup->enable_prefix_caching && setup->swap_blocks == 0 && run->later_chunks > 0)
        return "without chunked prefill a prompt is computed from its beginning";
    return NULL;
}

static int compare_ns(const void *left, const void *right)
{
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return (a > b) - (a < b);
}

/* One time of every completed request, in order, as a walk over the run passes them. */
struct times {
    int64_t *ns; /* owned */
    size_t count, passed;
};

static struct times sort_times(const struct recorded_run *run, size_t member)
{
    struct times times = {.ns = malloc((run->request_count + 1) * sizeof *times.ns)};
    if (times.ns == NULL)
        abort();
    for (size_t i = 0; i < run->request_count; i++) {
        const struct request_outcome *outcome = &run->outcomes[i];
        const void *time_ns = (const char *)outcome + member;
        if (outcome->status == REQUEST_COMPLETED)
            times.ns[times.count++] = *(const int64_t *)time_ns;
    }
    qsort(times.ns, times.count, sizeof *times.ns, compare_ns);
    return times;
}

/* How many of them are not after this time. */
static size_t pass(struct times *times, int64_t time_ns)
{
    while (times->passed < times->count && times->ns[times->passed] <= time_ns)
        times->passed++;
    return times->passed;
}

/* Little's law for the running sequences, step by step: exact where admission and start coincide,
 * nobody stops running in between, and the step takes time. */
static const char *check_running(const struct simulation_setup *setup,
                                 const struct recorded_run *run, const struct totals *totals)
{
    if (setup->async_scheduling || totals->preemptions > 0 || parallel_replicas(setup) > 1)
        return NULL;
    struct times scheduled = sort_times(run, offsetof(struct request_outcome, scheduled_ns));
    struct times finished = sort_times(run, offsetof(struct request_outcome, finished_ns));
    const char *broken = NULL;
    for (size_t i = 0; i < run->step_count; i++) {
        const struct step_report *step = &run->steps[i];
        size_t running = pass(&scheduled, step->start_ns) - pass(&finished, step->start_ns);
        if (step->end_ns > step->start_ns && (size_t)step->running != running)
            broken = "who has been admitted and has not finished is running";
    }
    free(scheduled.ns);
    free(finished.ns);
    return broken;
}

/* Little's law: ∫ N(t) dt over the run, N(t) the requests in the system, walked event by event. */
static const char *check_population(const struct recorded_run *run, const struct totals *totals)
{
    struct times arrivals = sort_times(run, offsetof(struct request_outcome, arrival_ns));
    struct times departures = sort_times(run, offsetof(struct request_outcome, finished_ns));
    int64_t integral_ns = 0, now_ns = 0, population = 0;
    for (size_t arrived = 0, left = 0; left < departures.count;) {
        bool arrival = arrived < arrivals.count && arrivals.ns[arrived] <= departures.ns[left];
        int64_t event_ns = arrival ? arrivals.ns[arrived++] : departures.ns[left++];
        integral_ns += population * (event_ns - now_ns);
        population += arrival ? 1 : -1;
        now_ns = event_ns;
    }
    free(arrivals.ns);
    free(departures.ns);
    return integral_ns == totals->in_system_ns
               ? NULL
               : "Little's law: mean population = throughput x mean E2E";
}

static const char *check_steps(const struct simulation_setup *setup, const struct recorded_run *run)
{
    int64_t busy_ns = 0, end_ns[PARALLEL_MAX_REPLICAS] = {0};
    for (size_t i = 0; i < run->step_count; i++) {
        const struct step_report *step = &run->steps[i];
        if (step->replica < 0 || step->replica >= parallel_replicas(setup))
            return "every step is a replica's";
        const char *broken = check_step(setup, step, end_ns[step->replica]);
        if (broken != NULL)
            return broken;
        busy_ns += step->end_ns - step->start_ns;
        end_ns[step->replica] = step->end_ns;
    }
    if (run->mistimed_steps > 0)
        return "a step lasts what it computes and copies";
    if (run->misreported_step_loads > 0)
        return "a step's load is the sum of its parts";
    if (run->load_count != run->step_count + (size_t)run->result.idle_steps)
        return "every step is costed once";
    if (run->unstored_contexts > 0 && !setup->enable_prefix_caching)
        return "what is read is stored";
    if (run->result.busy_ns != busy_ns || run->result.steps != (int64_t)run->step_count)
        return "the result counts the steps";
    return NULL;
}

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Tokens that two prompts begin with alike, as far as their ids tell. */
static int32_t count_common_tokens(const struct request *a, const struct request *b)
{
    int32_t most = smaller(a->prefix_id_count, b->prefix_id_count), ids = 0;
    while (ids < most && a->prefix_ids[ids] == b->prefix_ids[ids])
        ids++;
    return smaller(ids * a->prefix_id_tokens, smaller(a->prompt_tokens, b->prompt_tokens));
}

/* What is found has been put there. */
static const char *check_sharing(const struct request *requests, const struct recorded_run *run)
{
    for (size_t i = 0; i < run->request_count; i++) {
        const struct request_outcome *outcome = &run->outcomes[i];
        int32_t most = 0;
        for (size_t k = 0; k < run->request_count && most < outcome->cached_tokens; k++) {
            if (k == i || run->outcomes[k].status == REQUEST_REJECTED ||
                run->outcomes[k].scheduled_ns > outcome->scheduled_ns)
                continue;
            int32_t common = count_common_tokens(&requests[i], &requests[k]);
            most = common > most ? common : most;
        }
        if (outcome->cached_tokens > most)
            return "only a prompt that was begun before is found in the cache";
    }
    return NULL;
}

/* Sums of the same terms in another order. */
static bool is_between(double value, double least, double most)
{
    return value >= least * (1.0 - 1e-9) && value <= most * (1.0 + 1e-9);
}

/* Everything swapped out comes back once; a step's copies in one direction are one transfer. */
static const char *check_swaps(const struct simulation_setup *setup,
                               const struct simulation_result *result)
{
    const struct host_transfer *swap = &setup->swap;
    double copies = 2.0 * (double)result->swapped_out;
    double largest = fmin((double)setup->num_gpu_blocks, (double)setup->swap_blocks);
    double least_s = copies * swap->s_per_block + (copies > 0.0 ? 2.0 * swap->latency_s : 0.0);
    double most_s = copies * (swap->latency_s + largest * swap->s_per_block);
    if (result->swapped_out > result->preemptions)
        return "who is swapped out is preempted";
    if (result->swapped_out > 0 && setup->swap_blocks == 0)
        return "without swap space nothing is swapped out";
    return is_between(result->swap_s, least_s, most_s) ? NULL : "swapping takes its time";
}

static const char *check_offload(const struct simulation_setup *setup,
                                 const struct simulation_result *result)
{
    const struct host_transfer *offload = &setup->offload;
    double blocks = (double)result->offloaded_tokens / setup->block_size;
    double least_s = blocks > 0.0 ? blocks * offload->s_per_block + offload->latency_s : 0.0;
    /* Who is preempted may come back by way of host memory. */
    bool free_of_charge = offload->s_per_block == 0.0 && offload->latency_s == 0.0;
    double most_s = free_of_charge || setup->offload_blocks == 0 ? 0.0 : INFINITY;
    if (result->preemptions == 0)
        most_s = blocks * (offload->s_per_block + offload->latency_s);
    if (result->offloaded_tokens > 0 && setup->offload_blocks == 0)
        return "without a second tier nothing is found in it";
    return is_between(result->offload_s, least_s, most_s)
               ? NULL
               : "copies from host memory take their time";
}

static const char *check_result(const struct simulation_setup *setup,
                                const struct recorded_run *run, const struct totals *totals)
{
    const struct simulation_result *result = &run->result;
    double transfer_s = result->swap_s + result->offload_s;
    if (result->requests != (int64_t)run->request_count ||
        result->rejected_too_long + result->rejected_no_memory != totals->rejected)
        return "the result counts the requests";
    if (result->preemptions != totals->preemptions)
        return "the result counts the preemptions";
    if (result->end_ns != totals->end_ns)
        return "the run ends with the last completion";
    if (result->prompt_tokens != totals->prompt_tokens ||
        result->cached_tokens + result->offloaded_tokens != totals->cached_tokens)
        return "the result counts the prompts' tokens";
    if (result->saw_priorities != totals->saw_priorities ||
        result->saw_clients != totals->saw_clients || result->saw_prefixes != totals->saw_prefixes)
        return "the result tells what the requests said";
    if (!setup->lockstep && !is_between(run->transfer_s, transfer_s, transfer_s))
        return "the result counts the steps' transfers";
    const char *broken = check_swaps(setup, result);
    return broken != NULL ? broken : check_offload(setup, result);
}

const char *run_invariants_broken(const struct simulation_setup *setup,
                                  const struct request *requests, const struct recorded_run *run)
{
    struct totals totals = {0};
    const char *broken = sum_outcomes(setup, requests, run, &totals);
    if (broken == NULL)
        broken = check_steps(setup, run);
    if (broken == NULL)
        broken = check_result(setup, run, &totals);
    if (broken == NULL)
        broken = parallel_invariants_broken(setup, run);
    if (broken == NULL)
        broken = check_tokens(setup, run, &totals);
    if (broken == NULL)
        broken = check_chunks(setup, run, &totals);
    if (broken == NULL)
        broken = check_sharing(requests, run);
    if (broken == NULL)
        broken = check_running(setup, run, &totals);
    if (broken == NULL)
        broken = check_population(run, &totals);
    return broken;
}
