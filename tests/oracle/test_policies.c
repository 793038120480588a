/* Schedules worked out by hand: policies vllm-v0, sarathi and orca, from their papers and the
 * opening comments of their files. The notation is that of test_schedule.c; "A3:2+1" holds 2
 * blocks and one more that it has not reached yet. */
#include "schedule_check.h"
#include "unit.h"

#include <check.h>
#include <stdlib.h>

/* vllm-v0, prompts and decodes never share a step: 8 tokens a step; A is 3 + 4 tokens, at 0; B 5 +
 * 2, C 2 + 1, D 3 + 1, at 1.5.
 *
 *   step  computes  start  end
 *   0     A3*       0      1
 *   1     A1*       1      2
 *   2     B5* C2*   2      3     A stands still; 1 token is left, too few for D; C done
 *   3     D3*       3      4     A and B stand still; D done
 *   4     A1* B1*   4      5     B done
 *   5     A1*       5      6     A done
 *
 * A's tokens come at 1, 2, 5 and 6, B's at 3 and 5: intervals of 1, 3 and 1 s, and of 2. */
START_TEST(test_v0_prefill_first)
{
    struct schedule schedule = schedule_of(&policy_vllm_v0);
    schedule.setup.max_num_batched_tokens = 8;
    schedule.setup.max_model_len = 8;
    schedule.gap_square_sum_s2 = 1 + 9 + 1 + 4;
    static const struct request requests[] = {REQUEST(0, 3, 4), REQUEST(1.5, 5, 2),
                                              REQUEST(1.5, 2, 1), REQUEST(1.5, 3, 1)};
    static const struct expected_step steps[] = {{3, 1, 0, 1}, {1, 1, 1, 2}, {7, 2, 2, 3},
                                                 {3, 1, 3, 4}, {2, 2, 4, 5}, {1, 1, 5, 6}};
    static const struct expected_request expected[] = {
        {0, 1, 6, 0}, {2, 3, 5, 0}, {2, 3, 3, 0}, {3, 4, 4, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* vllm-v0, a watermark of 2 in 6 blocks of 4 tokens: A is 8 + 6 tokens, B 4 + 3, C 5 + 1, D 17 + 1,
 * all at 0.
 *
 *   step  computes     start  end
 *   0     A8*:2 B4*:1  0      1     3 are free, C wants 2
 *   1     A1*:3 B1*:2  1      2     who runs may have more
 *   2     A1*:3 B1*:2  2      3     B done
 *   3, 4  A1*:3        3      5     3 are free
 *   5     A1*:4        5      6     A done
 *   6     C5*:2        6      7     C done
 *   7     D17*:5       7      8     nobody else runs: D may have all but one
 */
START_TEST(test_v0_watermark)
{
    struct schedule schedule = schedule_of(&policy_vllm_v0);
    schedule.setup.num_gpu_blocks = 7;
    schedule.setup.watermark_blocks = 2;
    schedule.setup.max_model_len = 100;
    static const struct request requests[] = {REQUEST(0, 8, 6), REQUEST(0, 4, 3), REQUEST(0, 5, 1),
                                              REQUEST(0, 17, 1)};
    static const struct expected_step steps[] = {{12, 2, 0, 1}, {2, 2, 1, 2}, {2, 2, 2, 3},
                                                 {1, 1, 3, 4},  {1, 1, 4, 5}, {1, 1, 5, 6},
                                                 {5, 1, 6, 7},  {17, 1, 7, 8}};
    static const struct expected_blocks blocks[] = {{3, 0}, {5, 0}, {5, 0}, {3, 0},
                                                    {3, 0}, {4, 0}, {2, 0}, {5, 0}};
    static const struct expected_request expected[] = {
        {0, 1, 6, 0}, {0, 1, 3, 0}, {6, 7, 7, 0}, {7, 8, 8, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* vllm-v0, preemption: 6 blocks of 4 tokens; A is 7 + 5 tokens, B 7 + 3, C 4 + 4, all at 0.
 *
 *   step  computes           start  end
 *   0     A7*:2 B7*:2 C4*:1  0      1
 *   1     A1*:2 B1*:2 C1*:2  1      2
 *   2     A1*:3 B1*:3        2      3    C is preempted; B done
 *   3     C6*:2              3      4    a prompt again, for which A stands still; C's third token
 *   4     A1*:3 C1*:2        4      5    C done
 *   5     A1*:3              5      6    A done
 *
 * Intervals: A's 1, 1, 2, 1 s, B's 1, 1, C's 1, 2, 1. */
START_TEST(test_v0_preemption)
{
    struct schedule schedule = schedule_of(&policy_vllm_v0);
    schedule.setup.num_gpu_blocks = 7;
    schedule.setup.max_model_len = 100;
    schedule.gap_square_sum_s2 = 7 + 2 + 6;
    static const struct request requests[] = {REQUEST(0, 7, 5), REQUEST(0, 7, 3), REQUEST(0, 4, 4)};
    static const struct expected_step steps[] = {{18, 3, 0, 1}, {3, 3, 1, 2}, {2, 2, 2, 3},
                                                 {6, 1, 3, 4},  {2, 2, 4, 5}, {1, 1, 5, 6}};
    static const struct expected_blocks blocks[] = {{5, 0}, {6, 0}, {6, 0}, {5, 0}, {5, 0}, {3, 0}};
    static const struct expected_request expected[] = {{0, 1, 6, 0}, {0, 1, 3, 0}, {0, 1, 5, 1}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* vllm-v0, who was swapped out comes back before new prompts: 7 blocks of 4 tokens, copies of a
 * quarter of a second and an eighth a block; A is 7 + 6 tokens, B 7 + 4, C 4 + 4, at 0; D 1 + 1 at
 * 2.5.
 *
 *   step  computes           start  end
 *   0     A7*:2 B7*:2 C4*:1  0      1
 *   1     A1*:2 B1*:2 C1*:2  1      2
 *   2     A1*:3 B1*:3        2      3.5  A and B want 2 blocks, 1 is free: C is copied out
 *   3     A1*:3 B1*:3        3.5    4.5  1 is free, C wants 2; D would fit, but waits; B done
 *   4     A1*:3 C1*:2        4.5    6    C is copied in and decodes on
 *   5     D1*:1              6      7    D done
 *   6     A1*:3 C1*:2        7      8    both done
 *
 */
START_TEST(test_v0_swap)
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
    static const struct expected_blocks blocks[] = {{5, 0}, {6, 0}, {6, 0}, {6, 0},
                                                    {5, 0}, {6, 0}, {5, 0}};
    static const struct expected_request expected[] = {
        {0, 1, 8, 0}, {0, 1, 4.5, 0}, {0, 1, 8, 1}, {6, 7, 7, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* sarathi, decodes first: 4 tokens a step; A is 2 + 4 tokens, B 7 + 2, at 0. B has both blocks of
 * its prompt from the beginning.
 *
 *   step  computes       start  end
 *   0     A2*:1 B2:1+1   0      1
 *   1     A1*:1 B3:2     1      2
 *   2     A1*:1 B2*:2    2      3
 *   3     A1*:2 B1*:2    3      4    both done
 */
START_TEST(test_sarathi_decodes_first)
{
    struct schedule schedule = schedule_of(&policy_sarathi);
    schedule.setup.max_num_batched_tokens = 4;
    schedule.setup.max_num_seqs = 4;
    static const struct request requests[] = {REQUEST(0, 2, 4), REQUEST(0, 7, 2)};
    static const struct expected_step steps[] = {
        {4, 2, 0, 1}, {4, 2, 1, 2}, {3, 2, 2, 3}, {2, 2, 3, 4}};
    static const struct expected_blocks blocks[] = {{3, 1}, {3, 0}, {3, 0}, {4, 0}};
    static const struct expected_request expected[] = {{0, 1, 4, 0}, {0, 3, 4, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* sarathi, a watermark of 1 in 5 blocks of 4 tokens; A is 8 + 3 tokens, B 8 + 1, C 4 + 1, at 0. A
 * long_prefill_token_threshold changes nothing.
 *
 *   step  computes     start  end
 *   0     A8*:2 B8*:2  0      1     B done
 *   1     A1*:3 C4*:1  1      2     C done
 *   2     A1*:3        2      3     A done
 */
START_TEST(test_sarathi_watermark)
{
    struct schedule schedule = schedule_of(&policy_sarathi);
    schedule.setup.num_gpu_blocks = 6;
    schedule.setup.watermark_blocks = 1;
    schedule.setup.long_prefill_token_threshold = 2;
    static const struct request requests[] = {REQUEST(0, 8, 3), REQUEST(0, 8, 1), REQUEST(0, 4, 1)};
    static const struct expected_step steps[] = {{16, 2, 0, 1}, {5, 2, 1, 2}, {1, 1, 2, 3}};
    static const struct expected_blocks blocks[] = {{4, 0}, {4, 0}, {3, 0}};
    static const struct expected_request expected[] = {{0, 1, 3, 0}, {0, 1, 1, 0}, {1, 2, 2, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* sarathi, a prompt under way gives way to a decode: 6 tokens a step, 4 blocks of 4 tokens; A is
 * 4 + 5 tokens, B 12 + 1, at 0.
 *
 *   step  computes       start  end
 *   0     A4*:1 B2:1+2   0      1
 *   1     A1*:2          1      2    B, the last, is preempted, and not admitted again in this step
 *   2-4   A1*:2          2      5    2 are free, B wants 3; A done
 *   5     B6:2+1         5      6
 *   6     B6*:3          6      7    B done
 *
 * vllm would preempt B in step 2, for the third block that it would not have taken yet. */
START_TEST(test_sarathi_prompt_preempted)
{
    struct schedule schedule = schedule_of(&policy_sarathi);
    schedule.setup.num_gpu_blocks = 5;
    schedule.setup.max_num_batched_tokens = 6;
    schedule.setup.max_num_seqs = 6;
    static const struct request requests[] = {REQUEST(0, 4, 5), REQUEST(0, 12, 1)};
    static const struct expected_step steps[] = {{6, 2, 0, 1}, {1, 1, 1, 2}, {1, 1, 2, 3},
                                                 {1, 1, 3, 4}, {1, 1, 4, 5}, {6, 1, 5, 6},
                                                 {6, 1, 6, 7}};
    static const struct expected_blocks blocks[] = {{4, 2}, {2, 0}, {2, 0}, {2, 0},
                                                    {2, 0}, {3, 1}, {3, 0}};
    static const struct expected_request expected[] = {{0, 1, 5, 0}, {0, 7, 7, 1}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* sarathi, a decode is preempted: 5 tokens a step, 4 blocks of 4 tokens; A is 7 + 4 tokens, B 4 +
 * 3, at 0.
 *
 *   step  computes      start  end
 *   0     A5:2          0      1    nothing is left for B
 *   1     A2*:2 B3:1    1      2
 *   2     A1*:2 B1*:1   2      3
 *   3     A1*:3         3      4    B's fifth token would take a block, too
 *   4     A1*:3         4      5    1 is free, B wants 5 tokens in 2; A done
 *   5     B5*:2         5      6    B's second token
 *   6     B1*:2         6      7    B done
 *
 */
START_TEST(test_sarathi_decode_preempted)
{
    struct schedule schedule = schedule_of(&policy_sarathi);
    schedule.setup.num_gpu_blocks = 5;
    schedule.setup.max_num_batched_tokens = 5;
    schedule.setup.max_num_seqs = 5;
    static const struct request requests[] = {REQUEST(0, 7, 4), REQUEST(0, 4, 3)};
    static const struct expected_step steps[] = {{5, 1, 0, 1}, {5, 2, 1, 2}, {2, 2, 2, 3},
                                                 {1, 1, 3, 4}, {1, 1, 4, 5}, {5, 1, 5, 6},
                                                 {1, 1, 6, 7}};
    static const struct expected_blocks blocks[] = {{2, 0}, {3, 0}, {3, 0}, {3, 0},
                                                    {3, 0}, {2, 0}, {2, 0}};
    static const struct expected_request expected[] = {{0, 2, 5, 0}, {1, 3, 7, 1}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* orca, memory for 16 tokens, 4 blocks, is reserved for everybody: 9 blocks; A is 3 + 3 tokens, B
 * 5 + 1, C 2 + 4, at 0; D 6 + 1 at 2.5.
 *
 *   step  computes         start  end
 *   0     A3*:1+3 B5*:2+2  0      1    1 is free; B done
 *   1     A1*:1+3 C2*:1+3  1      2
 *   2     A1*:2+2 C1*:1+3  2      3    A done
 *   3     C1*:1+3 D6*:2+2  3      4    D, just arrived, joins with its whole prompt; D done
 *   4     C1*:2+2          4      5    C done
 */
START_TEST(test_orca_reservation)
{
    struct schedule schedule = schedule_of(&policy_orca);
    schedule.setup.num_gpu_blocks = 10;
    schedule.setup.max_model_len = 16;
    static const struct request requests[] = {REQUEST(0, 3, 3), REQUEST(0, 5, 1), REQUEST(0, 2, 4),
                                              REQUEST(2.5, 6, 1)};
    static const struct expected_step steps[] = {
        {8, 2, 0, 1}, {3, 2, 1, 2}, {2, 2, 2, 3}, {7, 2, 3, 4}, {1, 1, 4, 5}};
    static const struct expected_blocks blocks[] = {{8, 5}, {8, 6}, {8, 5}, {8, 5}, {4, 2}};
    static const struct expected_request expected[] = {
        {0, 1, 3, 0}, {0, 1, 1, 0}, {1, 2, 5, 0}, {3, 4, 4, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* orca, prompts are not split: 8 tokens a step; A is 4 + 3 tokens, B 1 + 3, C 7 + 1, D 1 + 1, at 0.
 *
 *   step  computes  start  end
 *   0     A4* B1*   0      1    3 are left, C wants 7; D must not overtake
 *   1     A1* B1*   1      2    6 are left
 *   2     A1* B1*   2      3    A and B done
 *   3     C7* D1*   3      4    C and D done
 */
START_TEST(test_orca_whole_prompts)
{
    struct schedule schedule = schedule_of(&policy_orca);
    schedule.setup.max_num_batched_tokens = 8;
    schedule.setup.max_model_len = 8;
    static const struct request requests[] = {REQUEST(0, 4, 3), REQUEST(0, 1, 3), REQUEST(0, 7, 1),
                                              REQUEST(0, 1, 1)};
    static const struct expected_step steps[] = {
        {5, 2, 0, 1}, {2, 2, 1, 2}, {2, 2, 2, 3}, {8, 2, 3, 4}};
    static const struct expected_request expected[] = {
        {0, 1, 3, 0}, {0, 1, 3, 0}, {3, 4, 4, 0}, {3, 4, 4, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* orca, paged, is preempted as in test_rule_4_preemption: 4 blocks of 4 tokens, 2 sequences; A is
 * 7 + 4 tokens, B 4 + 4, C 4 + 1, at 0.
 *
 *   step  computes     start  end
 *   0     A7*:2 B4*:1  0      1
 *   1     A1*:2 B1*:2  1      2
 *   2     A1*:3        2      3    B is preempted
 *   3     A1*:3        3      4    A done
 *   4     B6*:2 C4*:1  4      5    C done
 *   5     B1*:2        5      6    B done
 */
START_TEST(test_orca_paged)
{
    struct schedule schedule = schedule_of(&policy_orca);
    schedule.setup.reservation = KV_PROMPT;
    schedule.setup.num_gpu_blocks = 5;
    schedule.setup.max_num_seqs = 2;
    schedule.setup.max_model_len = 100;
    static const struct request requests[] = {REQUEST(0, 7, 4), REQUEST(0, 4, 4), REQUEST(0, 4, 1)};
    static const struct expected_step steps[] = {{11, 2, 0, 1}, {2, 2, 1, 2},  {1, 1, 2, 3},
                                                 {1, 1, 3, 4},  {10, 2, 4, 5}, {1, 1, 5, 6}};
    static const struct expected_blocks blocks[] = {{3, 0}, {4, 0}, {3, 0}, {3, 0}, {3, 0}, {2, 0}};
    static const struct expected_request expected[] = {{0, 1, 4, 0}, {0, 1, 6, 1}, {4, 5, 5, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_v0_prefill_first,
                                  test_v0_watermark,
                                  test_v0_preemption,
                                  test_v0_swap,
                                  test_sarathi_decodes_first,
                                  test_sarathi_watermark,
                                  test_sarathi_prompt_preempted,
                                  test_sarathi_decode_preempted,
                                  test_orca_reservation,
                                  test_orca_whole_prompts,
                                  test_orca_paged};
    return unit_run("policies", tests, COUNT(tests));
}
