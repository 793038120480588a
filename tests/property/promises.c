#include "promises.h"

#include "orders.h"
#include "policies.h"
#include "rng.h"
#include <gsl/gsl_randist.h>
#include <math.h>
#include <stdlib.h>

static const struct promise {
    const struct policy *policy;
    bool stall_free;      /* who decodes does so in every step */
    bool separate_phases; /* no step computes prompts and decodes */
    bool request_batches; /* nobody is admitted while anybody runs */
    bool waits;           /* the engine may idle though somebody waits */
} promises[] = {
    {.policy = &policy_vllm, .stall_free = true},
    {.policy = &policy_vllm_v0, .separate_phases = true},
    {.policy = &policy_sarathi, .stall_free = true},
    {.policy = &policy_orca, .stall_free = true},
    {.policy = &policy_static, .separate_phases = true, .request_batches = true},
    {.policy = &policy_dynamic, .separate_phases = true, .request_batches = true, .waits = true},
};

static const struct promise *promise_of(const struct policy *policy)
{
    for (size_t i = 0; i < sizeof promises / sizeof *promises; i++) {
        if (promises[i].policy == policy)
            return &promises[i];
    }
    return NULL;
}

static bool is_completed(const struct recorded_run *run, size_t request)
{
    return run->outcomes[request].status == REQUEST_COMPLETED;
}

/* Who comes back with one token to compute counts as a decode, wherever it is admitted. */
static bool separates_phases(const struct simulation_setup *setup, const struct recorded_run *run)
{
    bool keeps_context = setup->enable_prefix_caching || setup->swap_blocks > 0;
    if (keeps_context && run->result.preemptions > 0)
        return true;
    for (size_t i = 0; i < run->load_count; i++) {
        if (run->loads[i].chunk_count > 0 && run->loads[i].decode_sequences > 0)
            return false;
    }
    return true;
}

/* Those who run together were admitted together. */
static bool keeps_to_batches(const struct recorded_run *run)
{
    for (size_t i = 0; i < run->request_count; i++) {
        const struct request_outcome *joining = &run->outcomes[i];
        for (size_t k = 0; k < run->request_count; k++) {
            const struct request_outcome *running = &run->outcomes[k];
            if (is_completed(run, i) && is_completed(run, k) &&
                running->scheduled_ns < joining->scheduled_ns &&
                joining->scheduled_ns < running->finished_ns)
                return false;
        }
    }
    return true;
}

/* Steps that end after this time: the index of the first. Every step takes time. */
static size_t first_step_after(const struct recorded_run *run, int64_t time_ns)
{
    size_t least = 0, most = run->step_count;
    while (least < most) {
        size_t middle = (least + most) / 2;
        if (run->steps[middle].end_ns > time_ns)
            most = middle;
        else
            least = middle + 1;
    }
    return least;
}

/* M tokens take M − 1 steps from the first one on. */
static bool never_stalls(const struct recorded_run *run)
{
    for (size_t i = 0; i < run->step_count; i++) {
        if (run->steps[i].end_ns == run->steps[i].start_ns)
            return true; /* which steps were before which time cannot be told */
    }
    for (size_t i = 0; i < run->request_count; i++) {
        const struct request_outcome *outcome = &run->outcomes[i];
        size_t first = first_step_after(run, outcome->first_token_ns);
        size_t behind = first_step_after(run, outcome->finished_ns);
        if (is_completed(run, i) && behind - first != (size_t)outcome->output_tokens - 1)
            return false;
    }
    return true;
}

/* While the engine is idle from one time to another: who runs, and who could. */
static const char *check_gap(const struct simulation_setup *setup, const struct recorded_run *run,
                             int64_t from_ns, int64_t to_ns, bool waits)
{
    int32_t waiting = 0;
    for (size_t i = 0; i < run->request_count; i++) {
        const struct request_outcome *outcome = &run->outcomes[i];
        if (!is_completed(run, i) || outcome->finished_ns <= from_ns ||
            outcome->arrival_ns >= to_ns)
            continue;
        if (outcome->scheduled_ns < to_ns)
            return "the engine is not idle while somebody runs";
        waiting++;
        if (!waits)
            return "the engine is not idle while somebody waits";
        if (to_ns - outcome->arrival_ns > setup->max_queue_delay_ns)
            return "an idle engine waits no longer than max_queue_delay";
    }
    return waiting < setup->preferred_batch_size
               ? NULL
               : "an idle engine does not wait for more than preferred_batch_size";
}

static const char *check_gaps(const struct simulation_setup *setup, const struct recorded_run *run,
                              bool waits)
{
    int64_t end_ns = 0;
    for (size_t i = 0; i < run->step_count; i++) {
        const struct step_report *step = &run->steps[i];
        const char *broken = NULL;
        if (step->start_ns > end_ns)
            broken = check_gap(setup, run, end_ns, step->start_ns, waits);
        if (broken != NULL)
            return broken;
        end_ns = step->end_ns;
    }
    return NULL;
}

const char *promises_policy_broken(const struct simulation_setup *setup,
                                   const struct recorded_run *run)
{
    const struct promise *promise = promise_of(setup->policy);
    if (promise == NULL)
        return NULL;
    bool preempted = run->result.preemptions > 0;
    if (setup->reservation == KV_MAXIMUM && preempted)
        return "who has reserved its longest context is not preempted";
    if (promise->separate_phases && !separates_phases(setup, run))
        return "no step computes prompts and decodes";
    if (promise->request_batches && !preempted && !keeps_to_batches(run))
        return "nobody joins a batch that runs";
    if (promise->stall_free && !preempted && !never_stalls(run))
        return "who decodes does so in every step";
    /* Who was preempted is in service, and waits. */
    return preempted && promise->waits ? NULL : check_gaps(setup, run, promise->waits);
}

/* By which number the order goes, as far as it goes by one; the predictions are drawn as the engine
 * draws them, one for each request that is served. Owned by the caller. */
static int64_t *draw_keys(const struct simulation_setup *setup, const struct request *requests,
                          const struct recorded_run *run)
{
    int64_t *keys = calloc(run->request_count + 1, sizeof *keys);
    gsl_rng *rng = rng_create(setup->seed, "output_prediction");
    if (keys == NULL || rng == NULL)
        abort();
    for (size_t i = 0; i < run->request_count; i++) {
        if (setup->queue_order == &order_priority) {
            keys[i] = requests[i].priority;
        } else if (setup->queue_order == &order_sjf) {
            keys[i] = requests[i].prompt_tokens;
        } else if (setup->queue_order == &order_sjf_predicted && is_completed(run, i)) {
            double error = gsl_ran_gaussian(rng, setup->output_prediction_error);
            keys[i] = (int64_t)fmax(rint(requests[i].output_tokens * exp(error)), 1.0);
        }
    }
    gsl_rng_free(rng);
    return keys;
}

const char *promises_order_broken(const struct simulation_setup *setup,
                                  const struct request *requests, const struct recorded_run *run)
{
    int64_t *keys = draw_keys(setup, requests, run);
    bool broken = false;
    for (size_t first = 0; first < run->request_count; first++) {
        const struct request_outcome *admitted = &run->outcomes[first];
        for (size_t second = 0; second < run->request_count; second++) {
            const struct request_outcome *waiting = &run->outcomes[second];
            bool compared =
                !setup->queue_order->fair || requests[first].client == requests[second].client;
            if (!compared || !is_completed(run, first) || !is_completed(run, second) ||
                waiting->arrival_ns > admitted->scheduled_ns ||
                waiting->scheduled_ns <= admitted->scheduled_ns)
                continue;
            broken |= keys[first] != keys[second] ? keys[first] > keys[second] : first > second;
        }
    }
    free(keys);
    return broken ? "nobody is admitted while somebody waits who comes before it" : NULL;
}
