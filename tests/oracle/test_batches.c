/* Schedules worked out by hand: policies static and dynamic, which serve a batch until its last
 * request ends. The notation is that of test_schedule.c; "B–" is the row of an ended request,
 * which is computed for nothing. */
#include "schedule_check.h"
#include "unit.h"

#include <check.h>
#include <stdlib.h>

/* 8 tokens, 2 blocks of 4, are reserved for everybody. */
static struct schedule schedule_batches(const struct policy *policy)
{
    struct schedule schedule = schedule_of(policy);
    schedule.setup.max_model_len = 8;
    return schedule;
}

/* 4 blocks of 4 tokens, paged, 2 sequences. */
static struct schedule schedule_paged(const struct policy *policy)
{
    struct schedule schedule = schedule_of(policy);
    schedule.setup.reservation = KV_PROMPT;
    schedule.setup.num_gpu_blocks = 5;
    schedule.setup.max_num_seqs = 2;
    schedule.setup.max_model_len = 100;
    return schedule;
}

/* static, padding and rows: a step costs 1 s, 0.01 s a prefill token and 0.1 s a decoding row; 3
 * sequences; A is 2 + 3 tokens, B 6 + 1, C 4 + 2, at 0; D 1 + 1 at 0.5.
 *
 *   step  computes     rows  start  end
 *   0     A2* B6* C4*  18    0      1.18   three prompts as long as B's; B done
 *   1     A1* B– C1*   3     1.18   2.48   C done
 *   2     A1* B– C–    3     2.48   3.78   A done
 *   3     D1*          1     3.78   4.79   D done
 *
 * Memory is the batch's until it ends: 2 blocks a row. */
START_TEST(test_static_padding)
{
    struct schedule schedule = schedule_batches(&policy_static);
    schedule.cost = (struct linear_cost){1.0, 0.01, 0.1, 0.0};
    schedule.setup.max_num_seqs = 3;
    static const struct request requests[] = {REQUEST(0, 2, 3), REQUEST(0, 6, 1), REQUEST(0, 4, 2),
                                              REQUEST(0.5, 1, 1)};
    static const struct expected_step steps[] = {
        {12, 3, 0, 1.18}, {2, 2, 1.18, 2.48}, {1, 1, 2.48, 3.78}, {1, 1, 3.78, 4.79}};
    static const struct expected_blocks blocks[] = {{6, 2}, {6, -1}, {6, -1}, {2, 1}};
    static const struct expected_request expected[] = {
        {0, 1.18, 3.78, 0}, {0, 1.18, 1.18, 0}, {0, 1.18, 2.48, 0}, {3.78, 4.79, 4.79, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* static, prompts that are too many for a step: the same costs, 12 tokens a step; A is 4 + 2
 * tokens, B 3 + 2, C 6 + 2, D 5 + 2, all at 0.
 *
 *   step  computes         rows  start  end
 *   0     A4* B3*          12    0      1.12   two prompts as long as C's
 *   1     C6* D5*          12    1.12   2.24
 *   2     A1* B1* C1* D1*  4     2.24   3.64   all done
 *
 */
START_TEST(test_static_long_prompts)
{
    struct schedule schedule = schedule_batches(&policy_static);
    schedule.cost = (struct linear_cost){1.0, 0.01, 0.1, 0.0};
    schedule.setup.max_num_batched_tokens = 12;
    static const struct request requests[] = {REQUEST(0, 4, 2), REQUEST(0, 3, 2), REQUEST(0, 6, 2),
                                              REQUEST(0, 5, 2)};
    static const struct expected_step steps[] = {
        {7, 2, 0, 1.12}, {11, 2, 1.12, 2.24}, {4, 4, 2.24, 3.64}};
    static const struct expected_request expected[] = {
        {0, 1.12, 3.64, 0}, {0, 1.12, 3.64, 0}, {0, 2.24, 3.64, 0}, {0, 2.24, 3.64, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* static, batch after batch: 5 blocks, enough for 2 sequences; A is 1 + 3 tokens, B 1 + 1, C 1 +
 * 1, D 1 + 2, at 0; E 1 + 1 at 3.5.
 *
 *   step  computes  start  end
 *   0     A1* B1*   0      1    B done
 *   1     A1* B–    1      2    C must not take B's place
 *   2     A1* B–    2      3    A done
 *   3     C1* D1*   3      4    C done
 *   4     C– D1*    4      5    D done
 *   5     E1*       5      6    E done
 *
 */
START_TEST(test_static_batches)
{
    struct schedule schedule = schedule_batches(&policy_static);
    schedule.setup.num_gpu_blocks = 6;
    static const struct request requests[] = {REQUEST(0, 1, 3), REQUEST(0, 1, 1), REQUEST(0, 1, 1),
                                              REQUEST(0, 1, 2), REQUEST(3.5, 1, 1)};
    static const struct expected_step steps[] = {{2, 2, 0, 1}, {1, 1, 1, 2}, {1, 1, 2, 3},
                                                 {2, 2, 3, 4}, {1, 1, 4, 5}, {1, 1, 5, 6}};
    static const struct expected_blocks blocks[] = {{4, 2}, {4, -1}, {4, -1},
                                                    {4, 2}, {4, -1}, {2, 1}};
    static const struct expected_request expected[] = {
        {0, 1, 3, 0}, {0, 1, 1, 0}, {3, 4, 4, 0}, {3, 4, 5, 0}, {5, 6, 6, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* static, paged: A is 7 + 4 tokens, B 4 + 4, C 4 + 1, at 0. A decoding row costs 0.1 s.
 *
 *   step  computes     rows  start  end
 *   0     A7*:2 B4*:1        0      1
 *   1     A1*:2 B1*:2  2     1      2.2
 *   2     A1*:3        1     2.2    3.3   B is preempted, and its row is gone
 *   3     A1*:3        1     3.3    4.4   A done
 *   4     B6*:2 C4*:1        4.4    5.4   the next batch begins with B; C done
 *   5     B1*:2 C–:1   2     5.4    6.6   B done
 */
START_TEST(test_static_paged)
{
    struct schedule schedule = schedule_paged(&policy_static);
    schedule.cost.per_decode_sequence_s = 0.1;
    static const struct request requests[] = {REQUEST(0, 7, 4), REQUEST(0, 4, 4), REQUEST(0, 4, 1)};
    static const struct expected_step steps[] = {{11, 2, 0, 1},     {2, 2, 1, 2.2},
                                                 {1, 1, 2.2, 3.3},  {1, 1, 3.3, 4.4},
                                                 {10, 2, 4.4, 5.4}, {1, 1, 5.4, 6.6}};
    static const struct expected_blocks blocks[] = {{3, 0}, {4, 0}, {3, 0},
                                                    {3, 0}, {3, 0}, {3, -1}};
    static const struct expected_request expected[] = {
        {0, 1, 4.4, 0}, {0, 1, 6.6, 1}, {4.4, 5.4, 5.4, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* static, paged, an ended request's memory is its batch's: A is 7 + 1 tokens, B 7 + 4, at 0.
 *
 *   step  computes     start  end
 *   0     A7*:2 B7*:2  0      1    A done
 *   1     A–:2 B1*:2   1      2
 *   2     B9*:3        2      3    B needs a block and preempts itself. That ends the batch, and
 *                                  frees A's blocks; the next one is B
 *   3     B1*:3        3      4    B done
 */
START_TEST(test_static_kept_blocks)
{
    struct schedule schedule = schedule_paged(&policy_static);
    static const struct request requests[] = {REQUEST(0, 7, 1), REQUEST(0, 7, 4)};
    static const struct expected_step steps[] = {
        {14, 2, 0, 1}, {1, 1, 1, 2}, {9, 1, 2, 3}, {1, 1, 3, 4}};
    static const struct expected_blocks blocks[] = {{4, 0}, {4, -1}, {3, 0}, {3, 0}};
    static const struct expected_request expected[] = {{0, 1, 1, 0}, {0, 1, 4, 1}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* dynamic, as soon as 3 requests wait, or one has waited for 10 s; 4 sequences; all are 2 + 1
 * tokens, but B 2 + 2: A at 0, B at 1, C at 2.5; D, E, F, G at 3, H at 4.
 *
 *   step  computes         start  end
 *   0     A2* B2* C2*      2.5    3.5   idle until C came; A and C done
 *   1     A– B1* C–        3.5    4.5   B done
 *   2     D2* E2* F2* G2*  4.5    5.5   5 wait, and 4 fit; all done
 *   3     H2*              14     15    nobody else came
 *
 */
START_TEST(test_dynamic_preferred_size)
{
    struct schedule schedule = schedule_batches(&policy_dynamic);
    schedule.setup.preferred_batch_size = 3;
    schedule.setup.max_queue_delay_ns = 10000000000;
    schedule.setup.max_num_seqs = 4;
    static const struct request requests[] = {
        REQUEST(0, 2, 1), REQUEST(1, 2, 2), REQUEST(2.5, 2, 1), REQUEST(3, 2, 1),
        REQUEST(3, 2, 1), REQUEST(3, 2, 1), REQUEST(3, 2, 1),   REQUEST(4, 2, 1)};
    static const struct expected_step steps[] = {
        {6, 3, 2.5, 3.5}, {1, 1, 3.5, 4.5}, {8, 4, 4.5, 5.5}, {2, 1, 14, 15}};
    static const struct expected_request expected[] = {
        {2.5, 3.5, 3.5, 0}, {2.5, 3.5, 4.5, 0}, {2.5, 3.5, 3.5, 0}, {4.5, 5.5, 5.5, 0},
        {4.5, 5.5, 5.5, 0}, {4.5, 5.5, 5.5, 0}, {4.5, 5.5, 5.5, 0}, {14, 15, 15, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* dynamic, after 2 s, fewer than 4 requests: A is 1 + 4 tokens, at 0; B, C and D are 1 + 1, at 1.5,
 * 2.5 and 6.5.
 *
 *   step  computes  start  end
 *   0     A1* B1*   2      3    A has waited for 2 s; B done
 *   1-3   A1* B–    3      6    A done
 *   4     C1*       6      7    it has waited for longer; C done
 *   5     D1*       8.5    9.5
 */
START_TEST(test_dynamic_delay)
{
    struct schedule schedule = schedule_batches(&policy_dynamic);
    schedule.setup.preferred_batch_size = 4;
    schedule.setup.max_queue_delay_ns = 2000000000;
    static const struct request requests[] = {REQUEST(0, 1, 4), REQUEST(1.5, 1, 1),
                                              REQUEST(2.5, 1, 1), REQUEST(6.5, 1, 1)};
    static const struct expected_step steps[] = {{2, 2, 2, 3}, {1, 1, 3, 4}, {1, 1, 4, 5},
                                                 {1, 1, 5, 6}, {1, 1, 6, 7}, {1, 1, 8.5, 9.5}};
    static const struct expected_request expected[] = {
        {2, 3, 6, 0}, {2, 3, 3, 0}, {6, 7, 7, 0}, {8.5, 9.5, 9.5, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* dynamic, paged, as soon as 2 requests wait, or one has waited for 6 s: A is 7 + 4 tokens, B 4 +
 * 4, at 0.
 *
 *   step  computes     start  end
 *   0     A7*:2 B4*:1  0      1
 *   1     A1*:2 B1*:2  1      2
 *   2     A1*:3        2      3    B is preempted
 *   3     A1*:3        3      4    A done
 *   4     B6*:2        6      7    it is 6 s since B arrived
 *   5     B1*:2        7      8    B done
 *
 */
START_TEST(test_dynamic_paged)
{
    struct schedule schedule = schedule_paged(&policy_dynamic);
    schedule.setup.preferred_batch_size = 2;
    schedule.setup.max_queue_delay_ns = 6000000000;
    static const struct request requests[] = {REQUEST(0, 7, 4), REQUEST(0, 4, 4)};
    static const struct expected_step steps[] = {{11, 2, 0, 1}, {2, 2, 1, 2}, {1, 1, 2, 3},
                                                 {1, 1, 3, 4},  {6, 1, 6, 7}, {1, 1, 7, 8}};
    static const struct expected_blocks blocks[] = {{3, 0}, {4, 0}, {3, 0}, {3, 0}, {2, 0}, {2, 0}};
    static const struct expected_request expected[] = {{0, 1, 4, 0}, {0, 1, 8, 1}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* dynamic, the same as test_static_kept_blocks, but B alone waits for 6 s since it arrived.
 *
 *   step  computes     start  end
 *   0     A7*:2 B7*:2  0      1
 *   1     A–:2 B1*:2   1      2
 *   2     B9*:3        6      7    preempted at 2
 *   3     B1*:3        7      8
 */
START_TEST(test_dynamic_kept_blocks)
{
    struct schedule schedule = schedule_paged(&policy_dynamic);
    schedule.setup.preferred_batch_size = 2;
    schedule.setup.max_queue_delay_ns = 6000000000;
    static const struct request requests[] = {REQUEST(0, 7, 1), REQUEST(0, 7, 4)};
    static const struct expected_step steps[] = {
        {14, 2, 0, 1}, {1, 1, 1, 2}, {9, 1, 6, 7}, {1, 1, 7, 8}};
    static const struct expected_blocks blocks[] = {{4, 0}, {4, -1}, {3, 0}, {3, 0}};
    static const struct expected_request expected[] = {{0, 1, 1, 0}, {0, 1, 8, 1}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_static_padding,         test_static_long_prompts, test_static_batches,
        test_static_paged,           test_static_kept_blocks,  test_dynamic_kept_blocks,
        test_dynamic_preferred_size, test_dynamic_delay,       test_dynamic_paged};
    return unit_run("batches", tests, COUNT(tests));
}
