#include "schedule_check.h"

#include "run_invariants.h"
#include <check.h>
#include <inttypes.h>
#include <llmsim/sim_time.h>

struct schedule schedule_ample(bool async_scheduling)
{
    return (struct schedule){.setup = {.policy = &policy_vllm,
                                       .queue_order = &order_fcfs,
                                       .num_gpu_blocks = 1001,
                                       .block_size = 4,
                                       .max_num_seqs = 8,
                                       .max_num_batched_tokens = 100,
                                       .max_model_len = 1000,
                                       .enable_chunked_prefill = true,
                                       .preferred_batch_size = 1,
                                       .async_scheduling = async_scheduling},
                             .cost = {.base_s = 1.0}};
}

struct schedule schedule_of(const struct policy *policy)
{
    struct schedule schedule = schedule_ample(false);
    schedule.setup.policy = policy;
    schedule.setup.reservation = policy->reservation;
    schedule.setup.enable_chunked_prefill = !policy->whole_prompts;
    return schedule;
}

static void check_step(size_t index, const struct expected_step *expected,
                       const struct step_report *step)
{
    ck_assert_msg(step->tokens == expected->tokens && step->sequences == expected->sequences &&
                      step->start_ns == sim_ns_from_s(expected->start_s) &&
                      step->end_ns == sim_ns_from_s(expected->end_s),
                  "step %zu: %d tokens of %d sequences from %g to %g s, expected %d of %d from %g "
                  "to %g s",
                  index, step->tokens, step->sequences, sim_s_from_ns(step->start_ns),
                  sim_s_from_ns(step->end_ns), expected->tokens, expected->sequences,
                  expected->start_s, expected->end_s);
}

static void check_blocks(size_t index, const struct expected_blocks *expected,
                         const struct step_report *step)
{
    ck_assert_msg(step->kv_blocks_used == expected->used &&
                      (step->kv_blocks_empty == expected->empty || expected->empty < 0),
                  "step %zu: %" PRId64 " blocks, %" PRId64 " of them empty, expected %" PRId64
                  " and %" PRId64,
                  index, step->kv_blocks_used, step->kv_blocks_empty, expected->used,
                  expected->empty);
}

static bool time_is(int64_t actual_ns, double expected_s)
{
    return actual_ns == (expected_s < 0.0 ? -1 : sim_ns_from_s(expected_s));
}

static void check_request(size_t index, const struct expected_request *expected,
                          const struct request_outcome *outcome)
{
    ck_assert_msg(time_is(outcome->scheduled_ns, expected->scheduled_s) &&
                      time_is(outcome->first_token_ns, expected->first_token_s) &&
                      time_is(outcome->finished_ns, expected->finished_s) &&
                      outcome->preemptions == expected->preemptions,
                  "request %c: scheduled %g, first token %g, finished %g s, %d preemptions, "
                  "expected %g, %g, %g s, %d",
                  (char)('A' + index), sim_s_from_ns(outcome->scheduled_ns),
                  sim_s_from_ns(outcome->first_token_ns), sim_s_from_ns(outcome->finished_ns),
                  outcome->preemptions, expected->scheduled_s, expected->first_token_s,
                  expected->finished_s, expected->preemptions);
}

/* Parts of a step are rounded, each to less than a nanosecond. */
static void check_parts(size_t index, const struct expected_parts *expected,
                        const struct request_outcome *outcome)
{
    static const char *const names[TIME_PART_COUNT] = TIME_PART_NAMES;
    enum { ROUNDING_NS = 8 };
    for (int i = 0; i < TIME_PART_COUNT; i++) {
        int64_t off_ns = outcome->parts_ns[i] - sim_ns_from_s(expected->part_s[i]);
        ck_assert_msg(off_ns <= ROUNDING_NS && off_ns >= -ROUNDING_NS,
                      "request %c: %.9f s of %s, expected %.9f s", (char)('A' + index),
                      sim_s_from_ns(outcome->parts_ns[i]), names[i], expected->part_s[i]);
    }
}

static void check_run(const struct schedule *schedule, const struct recorded_run *run)
{
    for (size_t i = 0; i < schedule->step_count && i < run->step_count; i++) {
        check_step(i, &schedule->steps[i], &run->steps[i]);
        if (schedule->blocks != NULL)
            check_blocks(i, &schedule->blocks[i], &run->steps[i]);
        ck_assert_int_eq(run->steps[i].replica,
                         schedule->replicas != NULL ? schedule->replicas[i] : 0);
    }
    for (size_t i = 0; i < schedule->request_count; i++) {
        check_request(i, &schedule->expected[i], &run->outcomes[i]);
        if (schedule->parts != NULL)
            check_parts(i, &schedule->parts[i], &run->outcomes[i]);
        int32_t cached = schedule->cached_tokens != NULL ? schedule->cached_tokens[i] : 0;
        ck_assert_msg(run->outcomes[i].cached_tokens == cached,
                      "request %c: %d cached tokens, expected %d", (char)('A' + i),
                      run->outcomes[i].cached_tokens, cached);
    }
    ck_assert_uint_eq(run->step_count, schedule->step_count);
    /* Both modulo 2^64. */
    uint64_t gap_square_sum = schedule->gap_square_sum_s2 * SIM_NS_PER_S * SIM_NS_PER_S;
    if (gap_square_sum > 0)
        ck_assert_uint_eq(run->gap_square_sum, gap_square_sum);
}

void schedule_check(const struct schedule *schedule)
{
    const struct simulation_setup *setup = &schedule->setup;
    struct recorded_run run;
    struct error error = {0};
    ck_assert_msg(run_recorder_run(setup, &schedule->cost, schedule->requests,
                                   schedule->request_count, &run, &error),
                  "%s", error.text);
    check_run(schedule, &run);
    const char *broken = run_invariants_broken(setup, schedule->requests, &run);
    ck_assert_msg(broken == NULL, "does not hold: %s", broken);
    recorded_run_fini(&run);
}
