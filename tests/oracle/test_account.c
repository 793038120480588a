/* Where the time of requests went, worked out by hand. The notation is that of test_schedule.c; a
 * quarter of a step's base is the host's time (run_recorder.h). */
#include "schedule_check.h"
#include "unit.h"

#include <check.h>

#define QUEUE        [TIME_QUEUE]
#define PREFILL      [TIME_PREFILL]
#define INTERFERENCE [TIME_INTERFERENCE]
#define DECODE       [TIME_DECODE]
#define PREEMPTION   [TIME_PREEMPTION]
#define TRANSFER     [TIME_TRANSFER]
#define HOST         [TIME_HOST]

/* Prompts among decodes: a step costs 1 s, 0.1 s a prefill token and 0.01 s a decode. Budget 3; A is
 * 2 + 3 tokens, B 4 + 1.
 *
 *   step  computes  takes  host  decodes alone  prompts add
 *   0     A2* B1    1.3    0.25                 1.05   two thirds A's, one B's
 *   1     A1* B2    1.21   0.25  0.76           0.2
 *   2     A1* B1*   1.11   0.25  0.76           0.1
 *
 * What decodes would take alone is as much the prompt's own. */
START_TEST(test_prompts_among_decodes)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.max_num_batched_tokens = schedule.setup.max_num_seqs = 3;
    schedule.cost = (struct linear_cost){1.0, 0.1, 0.01, 0.0};
    static const struct request requests[] = {REQUEST(0, 2, 3), REQUEST(0, 4, 1)};
    static const struct expected_step steps[] = {
        {3, 2, 0, 1.3}, {3, 2, 1.3, 2.51}, {2, 2, 2.51, 3.62}};
    static const struct expected_request expected[] = {{0, 1.3, 3.62, 0}, {0, 3.62, 3.62, 0}};
    static const struct expected_parts parts[] = {
        {{PREFILL = 0.7, INTERFERENCE = 0.35 + 0.2 + 0.1, DECODE = 0.76 + 0.76, HOST = 0.75}},
        {{PREFILL = 0.35 + 0.96 + 0.86, INTERFERENCE = 0.7, HOST = 0.75}}};
    schedule.parts = parts;
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* Preempted, and behind it the queue: 3 blocks of 4 tokens; A and B are 3 + 4 tokens, both at 0, C 1
 * + 1 at 1.5; a step takes 1 s.
 *
 *   step  computes      start  end
 *   0     A3*:1 B3*:1   0      1
 *   1     A1*:1 B1*:1   1      2
 *   2     A1*:2         2      3    B is preempted
 *   3     A1*:2         3      4    done
 *   4     B5*:2 C1*:1   4      5    B's prompt and both its tokens again; C done
 *   5     B1*:2         5      6    done
 */
START_TEST(test_preemption_and_queue)
{
    struct schedule schedule = schedule_ample(false);
    schedule.setup.num_gpu_blocks = 4;
    schedule.setup.max_model_len = 12;
    static const struct request requests[] = {REQUEST(0, 3, 4), REQUEST(0, 3, 4),
                                              REQUEST(1.5, 1, 1)};
    static const struct expected_step steps[] = {{6, 2, 0, 1}, {2, 2, 1, 2}, {1, 1, 2, 3},
                                                 {1, 1, 3, 4}, {6, 2, 4, 5}, {1, 1, 5, 6}};
    static const struct expected_request expected[] = {{0, 1, 4, 0}, {0, 1, 6, 1}, {4, 5, 5, 0}};
    static const struct expected_parts parts[] = {
        {{PREFILL = 0.375, INTERFERENCE = 0.375, DECODE = 3 * 0.75, HOST = 1}},
        {{PREFILL = 0.375, INTERFERENCE = 0.375 + 0.125, DECODE = 2 * 0.75, PREEMPTION = 2 + 0.625,
          HOST = 1}},
        {{QUEUE = 2.5, PREFILL = 0.125, INTERFERENCE = 0.625, HOST = 0.25}}};
    schedule.parts = parts;
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* vllm-v0, decodes that stand still: A is 2 + 3 tokens at 0, B 4 + 1 at 0.5; a step takes 1 s.
 *
 *   step  computes  start  end
 *   0     A2*       0      1
 *   1     B4*       1      2    A waits
 *   2     A1*       2      3
 *   3     A1*       3      4
 */
START_TEST(test_decodes_that_wait)
{
    struct schedule schedule = schedule_of(&policy_vllm_v0);
    static const struct request requests[] = {REQUEST(0, 2, 3), REQUEST(0.5, 4, 1)};
    static const struct expected_step steps[] = {
        {2, 1, 0, 1}, {4, 1, 1, 2}, {1, 1, 2, 3}, {1, 1, 3, 4}};
    static const struct expected_request expected[] = {{0, 1, 4, 0}, {1, 2, 2, 0}};
    static const struct expected_parts parts[] = {
        {{PREFILL = 0.75, INTERFERENCE = 1, DECODE = 2 * 0.75, HOST = 3 * 0.25}},
        {{QUEUE = 0.5, PREFILL = 0.75, HOST = 0.25}}};
    schedule.parts = parts;
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* vllm-v0, copies: test_v0_swap of test_policies.c, where the schedule is explained. Copies of half a
 * second are in steps 2 and 4; A and C wait while step 5 computes D's prompt. */
START_TEST(test_copies)
{
    struct schedule schedule = schedule_of(&policy_vllm_v0);
    schedule.setup.num_gpu_blocks = 8;
    schedule.setup.max_model_len = 100;
    schedule.setup.swap_blocks = 10;
    schedule.setup.swap = (struct host_transfer){.latency_s = 0.25, .s_per_block = 0.125};
    static const struct request requests[] = {REQUEST(0, 7, 6), REQUEST(0, 7, 4), REQUEST(0, 4, 4),
                                              REQUEST(2.5, 1, 1)};
    static const struct expected_step steps[] = {{18, 3, 0, 1},    {3, 3, 1, 2},   {2, 2, 2, 3.5},
                                                 {2, 2, 3.5, 4.5}, {2, 2, 4.5, 6}, {1, 1, 6, 7},
                                                 {2, 2, 7, 8}};
    static const struct expected_request expected[] = {
        {0, 1, 8, 0}, {0, 1, 4.5, 0}, {0, 1, 8, 1}, {6, 7, 7, 0}};
    static const struct expected_parts parts[] = {
        {{PREFILL = 0.75 * 7 / 18, INTERFERENCE = 0.75 * 11 / 18 + 1, DECODE = 5 * 0.75,
          TRANSFER = 2 * 0.5, HOST = 6 * 0.25}},
        {{PREFILL = 0.75 * 7 / 18, INTERFERENCE = 0.75 * 11 / 18, DECODE = 3 * 0.75, TRANSFER = 0.5,
          HOST = 4 * 0.25}},
        {{PREFILL = 0.75 * 4 / 18, INTERFERENCE = 0.75 * 14 / 18 + 1, DECODE = 3 * 0.75,
          PREEMPTION = 2.5, TRANSFER = 0.5, HOST = 4 * 0.25}},
        {{QUEUE = 3.5, PREFILL = 0.75, HOST = 0.25}}};
    schedule.parts = parts;
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("account");
    tcase_add_loop_test(tcase, test_prompts_among_decodes, 0, 2);
    tcase_add_test(tcase, test_preemption_and_queue);
    tcase_add_test(tcase, test_decodes_that_wait);
    tcase_add_test(tcase, test_copies);
    return unit_run_case("account", tcase);
}
