/* Schedules of several replicas worked out by hand: independent, in lockstep, and in a pipeline.
 *
 * Steps are listed as they end, those of an instant in replica order. */
#include "run_recorder.h"
#include "schedule_check.h"
#include "unit.h"

#include <check.h>
#include <stdlib.h>

/* A is 1 + 3 tokens and B 5 + 1, both at 0; C is 2 + 1 tokens, at 6.5. A step takes 1 s and 1 s a
 * prefill token. A goes to replica 0; by then 4 · 1 waiting against nothing sends B to replica 1. */
static const struct request three[] = {REQUEST(0, 1, 3), REQUEST(0, 5, 1), REQUEST(6.5, 2, 1)};

static struct schedule schedule_ranks(bool lockstep, bool async_scheduling)
{
    struct schedule schedule = schedule_ample(async_scheduling);
    schedule.setup.data_parallel_size = 2;
    schedule.setup.pipeline_parallel_size = 1;
    schedule.setup.lockstep = lockstep;
    schedule.cost = (struct linear_cost){1.0, 1.0, 0.0, 0.0};
    return schedule;
}

/* Independent:
 *
 *   replica  computes  start  end
 *   0        A1*       0      2
 *   0        A1*       2      3
 *   0        A1*       3      4     A done
 *   1        B5*       0      6     B done
 *   0        C2*       6.5    9.5   both are idle: the first
 */
START_TEST(test_independent)
{
    struct schedule schedule = schedule_ranks(false, _i);
    static const struct expected_step steps[] = {
        {1, 1, 0, 2}, {1, 1, 2, 3}, {1, 1, 3, 4}, {5, 1, 0, 6}, {2, 1, 6.5, 9.5}};
    static const int32_t replicas[] = {0, 0, 0, 1, 0};
    static const struct expected_request expected[] = {
        {0, 2, 4, 0}, {0, 6, 6, 0}, {6.5, 9.5, 9.5, 0}};
    schedule.replicas = replicas;
    CHECK_SCHEDULE(schedule, three, steps, expected);
}
END_TEST

/* In lockstep the same requests:
 *
 *   group  rank 0  rank 1  start  end
 *   0      A1*     B5*     0      6      A, done at 2, waits for B's prompt
 *   1      A1*     idle    6      7
 *   2      A1*     C2*     7      10     C, at 6.5, goes to the rank with nothing to do, which takes
 *                                        part in the step under way
 */
START_TEST(test_lockstep)
{
    struct schedule schedule = schedule_ranks(true, _i);
    static const struct expected_step steps[] = {
        {1, 1, 0, 6}, {5, 1, 0, 6}, {1, 1, 6, 7}, {1, 1, 7, 10}, {2, 1, 7, 10}};
    static const int32_t replicas[] = {0, 1, 0, 0, 1};
    static const struct expected_request expected[] = {{0, 6, 10, 0}, {0, 6, 6, 0}, {7, 10, 10, 0}};
    schedule.replicas = replicas;
    CHECK_SCHEDULE(schedule, three, steps, expected);
}
END_TEST

/* What the ranks of that run know of each other, and what is counted. */
START_TEST(test_lockstep_loads)
{
    struct schedule schedule = schedule_ranks(true, false);
    static const int32_t group_rows[] = {6, 6, 2, 2, 3, 3};
    struct recorded_run run;
    struct error error = {0};
    ck_assert(run_recorder_run(&schedule.setup, &schedule.cost, three, COUNT(three), &run, &error));
    ck_assert_uint_eq(run.load_count, COUNT(group_rows));
    for (size_t i = 0; i < COUNT(group_rows); i++)
        ck_assert_int_eq(run.loads[i].group_rows, group_rows[i]);
    ck_assert_int_eq(run.result.idle_steps, 1);
    ck_assert_int_eq(run.result.steps, 5);
    ck_assert_int_eq(run.result.busy_ns, 19 * (int64_t)1000000000);
    /* A waits for B for 4 s in step 0, and for C for 2 s in step 2. */
    ck_assert_double_eq(run.costs[0].bound_s[BOUND_COMMUNICATION], 4.0);
    ck_assert_double_eq(run.costs[1].bound_s[BOUND_COMMUNICATION], 0.0);
    ck_assert_double_eq(run.costs[3].bound_s[BOUND_COMMUNICATION], 2.0);
    recorded_run_fini(&run);
}
END_TEST

/* A pipeline of two stages, which take 3/8 and 4/8 of a step; the transfer takes 1/8. */
static struct schedule schedule_pipeline(struct linear_cost cost)
{
    struct schedule schedule = schedule_ample(false);
    schedule.setup.data_parallel_size = 1;
    schedule.setup.pipeline_parallel_size = 2;
    schedule.cost = cost;
    return schedule;
}

/* Every step takes 8 s: 3 s, 1 s to get there, and 4 s. A is 4 + 2 tokens, B 4 + 2, both at 0, C
 * 4 + 1 at 5.
 *
 *   engine  computes  stage 0  stage 1  ends
 *   0       A4*       0-3      4-8      8
 *   1       B4*       3-6      8-12     12     at stage 1 from 7 on
 *   0       A1* C4*   8-11     12-16    16     C: one unfinished request each, so engine 0
 *   1       B1*       12-15    16-20    20
 */
START_TEST(test_pipeline)
{
    struct schedule schedule = schedule_pipeline((struct linear_cost){8.0, 0.0, 0.0, 0.0});
    static const struct request requests[] = {REQUEST(0, 4, 2), REQUEST(0, 4, 2), REQUEST(5, 4, 1)};
    static const struct expected_step steps[] = {
        {4, 1, 0, 8}, {4, 1, 3, 12}, {5, 2, 8, 16}, {1, 1, 12, 20}};
    static const int32_t replicas[] = {0, 1, 0, 1};
    static const struct expected_request expected[] = {
        {0, 8, 16, 0}, {3, 12, 20, 0}, {8, 16, 16, 0}};
    schedule.replicas = replicas;
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* A step takes 8 s a token. A is 1 + 2 tokens, B 3 + 1, both at 0.
 *
 *   engine  computes  stage 0  stage 1  ends
 *   0       A1*       0-3      4-8      8
 *   1       B3*       3-12     15-27    27
 *   0       A1*       12-15    27-31    31     idle from 8 on, but the first stage is not free; then
 *                                              at stage 1 from 16 on
 */
START_TEST(test_pipeline_behind_a_long_prompt)
{
    struct schedule schedule = schedule_pipeline((struct linear_cost){0.0, 8.0, 8.0, 0.0});
    static const struct request requests[] = {REQUEST(0, 1, 2), REQUEST(0, 3, 1)};
    static const struct expected_step steps[] = {{1, 1, 0, 8}, {3, 1, 3, 27}, {1, 1, 12, 31}};
    static const int32_t replicas[] = {0, 1, 0};
    static const struct expected_request expected[] = {{0, 8, 31, 0}, {3, 27, 27, 0}};
    schedule.replicas = replicas;
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* Two of those pipelines: A to D, 4 + 1 tokens each, all at 0. The ranks take turns, being as busy
 * as each other; so do the engines of each. */
START_TEST(test_two_pipelines)
{
    struct schedule schedule = schedule_pipeline((struct linear_cost){8.0, 0.0, 0.0, 0.0});
    schedule.setup.data_parallel_size = 2;
    static const struct request requests[] = {REQUEST(0, 4, 1), REQUEST(0, 4, 1), REQUEST(0, 4, 1),
                                              REQUEST(0, 4, 1)};
    static const struct expected_step steps[] = {
        {4, 1, 0, 8}, {4, 1, 0, 8}, {4, 1, 3, 12}, {4, 1, 3, 12}};
    static const int32_t replicas[] = {0, 2, 1, 3};
    static const struct expected_request expected[] = {
        {0, 8, 8, 0}, {0, 8, 8, 0}, {3, 12, 12, 0}, {3, 12, 12, 0}};
    schedule.replicas = replicas;
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* A queue that is longer than max_num_seqs is divided when its requests arrive: A, 2 + 9 tokens, and
 * B to E, 2 + 1, all at 0, one running at a time. A, C and E wait at replica 0, though replica 1 is
 * done with B and D when A has had two of nine tokens. */
START_TEST(test_routed_on_arrival)
{
    struct schedule schedule = schedule_ranks(false, false);
    schedule.setup.max_num_seqs = 1;
    schedule.cost = (struct linear_cost){1.0, 0.0, 0.0, 0.0};
    static const struct request requests[] = {REQUEST(0, 2, 9), REQUEST(0, 2, 1), REQUEST(0, 2, 1),
                                              REQUEST(0, 2, 1), REQUEST(0, 2, 1)};
    static const struct expected_step steps[] = {
        {2, 1, 0, 1}, {2, 1, 0, 1},  {1, 1, 1, 2},  {2, 1, 1, 2}, {1, 1, 2, 3},
        {1, 1, 3, 4}, {1, 1, 4, 5},  {1, 1, 5, 6},  {1, 1, 6, 7}, {1, 1, 7, 8},
        {1, 1, 8, 9}, {2, 1, 9, 10}, {2, 1, 10, 11}};
    static const int32_t replicas[] = {0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const struct expected_request expected[] = {
        {0, 1, 9, 0}, {0, 1, 1, 0}, {9, 10, 10, 0}, {1, 2, 2, 0}, {10, 11, 11, 0}};
    schedule.replicas = replicas;
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("several replicas");
    tcase_add_loop_test(tcase, test_independent, 0, 2);
    tcase_add_loop_test(tcase, test_lockstep, 0, 2);
    tcase_add_test(tcase, test_lockstep_loads);
    tcase_add_test(tcase, test_pipeline);
    tcase_add_test(tcase, test_pipeline_behind_a_long_prompt);
    tcase_add_test(tcase, test_two_pipelines);
    tcase_add_test(tcase, test_routed_on_arrival);
    return unit_run_case("parallel", tcase);
}
