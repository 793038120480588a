/* Schedules worked out by hand: what policy vllm does beside section 6 of the design, when its
 * options are set. Without and with async scheduling, which often is the same. The notation is
 * that of test_schedule.c: "A3:2" computes 3 tokens and holds 2 blocks then; a star emits. */
#include "schedule_check.h"
#include "unit.h"

#include <check.h>
#include <stdlib.h>

/* enable_chunked_prefill false: 8 tokens a step; A is 5 + 3 tokens, B 4 + 2, C 2 + 1, all at 0. D,
 * 7 + 3, could be preempted with 9 tokens to be computed again, and is rejected.
 *
 *   step  computes     start  end
 *   0     A5*          0      1     3 are left, B wants 4: it waits, and C behind it
 *   1     A1* B4* C2*  1      2     C done
 *   2     A1* B1*      2      3     A and B done
 */
START_TEST(test_whole_prompts)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.enable_chunked_prefill = false;
    schedule.setup.max_num_batched_tokens = 8;
    static const struct request requests[] = {REQUEST(0, 5, 3), REQUEST(0, 4, 2), REQUEST(0, 2, 1),
                                              REQUEST(0, 7, 3)};
    static const struct expected_step steps[] = {{5, 1, 0, 1}, {7, 3, 1, 2}, {2, 2, 2, 3}};
    const double scheduled_s = _i ? 0 : 1;
    const struct expected_request expected[] = {
        {0, 1, 3, 0}, {scheduled_s, 2, 3, 0}, {scheduled_s, 2, 2, 0}, {-1, -1, -1, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* The same with long_prefill_token_threshold 3, which is applied before the budget is asked for
 * the rest: 8 tokens a step; A is 7 + 1 tokens, B 6 + 1, C 4 + 1, all at 0.
 *
 *   step  computes  start  end
 *   0     A3 B3     0      1     2 are left, C wants 3
 *   1     A3 B3*    1      2     likewise; B done
 *   2     A1* C3    2      3     A done
 *   3     C1*       3      4     C done
 */
START_TEST(test_whole_prompts_threshold)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.enable_chunked_prefill = false;
    schedule.setup.long_prefill_token_threshold = 3;
    schedule.setup.max_num_batched_tokens = 8;
    static const struct request requests[] = {REQUEST(0, 7, 1), REQUEST(0, 6, 1), REQUEST(0, 4, 1)};
    static const struct expected_step steps[] = {
        {6, 2, 0, 1}, {6, 2, 1, 2}, {4, 2, 2, 3}, {1, 1, 3, 4}};
    const struct expected_request expected[] = {{0, 3, 3, 0}, {0, 2, 2, 0}, {_i ? 1 : 2, 4, 4, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* A watermark of 1 in 5 blocks of 4 tokens: A is 8 + 6 tokens, B 4 + 3, C 5 + 1, D 17 + 1, at 0.
 *
 *   step  computes     start  end
 *   0     A8*:2 B4*:1  0      1     2 are free; C wants them both
 *   1     A1*:3 B1*:2  1      2     who runs may have the last block
 *   2     A1*:3 B1*:2  2      3     B done
 *   3     A1*:3        3      4     2 are free, too few for C
 *   4     A1*:3        4      5
 *   5     A1*:4        5      6     A done
 *   6     C5*:2        6      7     C done
 *   7     D17*:5       7      8     nobody else runs: D may have them all
 *
 * Async: the same, but step 3 is planned when B still holds its blocks, step 6 at 6. */
START_TEST(test_watermark)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.num_gpu_blocks = 6;
    schedule.setup.watermark_blocks = 1;
    static const struct request requests[] = {REQUEST(0, 8, 6), REQUEST(0, 4, 3), REQUEST(0, 5, 1),
                                              REQUEST(0, 17, 1)};
    static const struct expected_step steps[] = {{12, 2, 0, 1}, {2, 2, 1, 2}, {2, 2, 2, 3},
                                                 {1, 1, 3, 4},  {1, 1, 4, 5}, {1, 1, 5, 6},
                                                 {5, 1, 6, 7},  {17, 1, 7, 8}};
    const struct expected_blocks blocks[] = {{3, 0}, {5, 0}, {5, 0}, {_i ? 5 : 3, 0},
                                             {3, 0}, {4, 0}, {2, 0}, {5, 0}};
    static const struct expected_request expected[] = {
        {0, 1, 6, 0}, {0, 1, 3, 0}, {6, 7, 7, 0}, {7, 8, 8, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* To host memory, a quarter of a second and an eighth for each block. */
static struct schedule schedule_swapping(bool async_scheduling, int64_t swap_blocks)
{
    struct schedule schedule = schedule_ample(async_scheduling);
    schedule.setup.swap_blocks = swap_blocks;
    schedule.setup.swap = (struct host_transfer){.latency_s = 0.25, .s_per_block = 0.125};
    return schedule;
}

/* Swapping instead of computing again, as test_rule_4_preemption without C: 4 blocks; A is 7 + 4
 * tokens, B 4 + 4. A prefill token costs 0.01 s.
 *
 *   step  computes     start  end
 *   0     A7*:2 B4*:1  0      1.11
 *   1     A1*:2 B1*:2  1.11   2.11
 *   2     A1*:3        2.11   3.61   B is preempted: 2 blocks are copied out, 0.5 s
 *   3     A1*:3        3.61   4.61   1 block is free, B wants 2; A done
 *   4     B1*:2        4.61   6.11   copied in, 0.5 s; its third token is a decode, as ever
 *   5     B1*:2        6.11   7.11   B done
 */
START_TEST(test_swap)
{
    struct schedule schedule = schedule_swapping(_i, 10);
    schedule.setup.num_gpu_blocks = 5;
    schedule.cost.per_prefill_token_s = 0.01;
    static const struct request requests[] = {REQUEST(0, 7, 4), REQUEST(0, 4, 4)};
    static const struct expected_step steps[] = {{11, 2, 0, 1.11},   {2, 2, 1.11, 2.11},
                                                 {1, 1, 2.11, 3.61}, {1, 1, 3.61, 4.61},
                                                 {1, 1, 4.61, 6.11}, {1, 1, 6.11, 7.11}};
    static const struct expected_blocks blocks[] = {{3, 0}, {4, 0}, {3, 0}, {3, 0}, {2, 0}, {2, 0}};
    static const struct expected_request expected[] = {{0, 1.11, 4.61, 0}, {0, 1.11, 7.11, 1}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* Swap space of 2 blocks: 6 blocks on the device; A is 8 + 6 tokens, B 4 + 6, C 9 + 3.
 *
 *   step  computes            start  end
 *   0     A8*:2 B4*:1 C9*:3   0      1
 *   1     A1*:3 B1*:2         1      2    C's 3 blocks find no room: they are lost
 *   2     A1*:3 B1*:2         2      3    1 block is free, C wants 3
 *   3, 4  likewise            3      5
 *   5     A1*:4               5      6.5  B wants a third, too: its 2 are copied out, 0.5 s; A done
 *   6     B1*:3 C10*:3        6.5    8    B, which came first, is copied in, 0.5 s, and has its
 *                                         sixth token; C computes its prompt and one more
 *   7     C1*:3               8      9    C's third token
 *
 * Async: step 7 is planned when B still holds its blocks. */
START_TEST(test_swap_space_full)
{
    struct schedule schedule = schedule_swapping(_i, 2);
    schedule.setup.num_gpu_blocks = 7;
    static const struct request requests[] = {REQUEST(0, 8, 6), REQUEST(0, 4, 6), REQUEST(0, 9, 3)};
    static const struct expected_step steps[] = {{21, 3, 0, 1},   {2, 2, 1, 2}, {2, 2, 2, 3},
                                                 {2, 2, 3, 4},    {2, 2, 4, 5}, {1, 1, 5, 6.5},
                                                 {11, 2, 6.5, 8}, {1, 1, 8, 9}};
    const struct expected_blocks blocks[] = {{6, 0}, {5, 0}, {5, 0}, {5, 0},
                                             {5, 0}, {4, 0}, {6, 0}, {_i ? 6 : 3, 0}};
    static const struct expected_request expected[] = {{0, 1, 6.5, 0}, {0, 1, 8, 1}, {0, 1, 9, 1}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* Swap space of 2 blocks that serves two, one after the other: 4 blocks on the device, 2 sequences;
 * A is 7 + 4 tokens, B 4 + 7, C 4 + 4.
 *
 *   step  computes     start  end
 *   0     A7*:2 B4*:1  0      1
 *   1     A1*:2 B1*:2  1      2
 *   2     A1*:3        2      3.5   B is copied out
 *   3     A1*:3        3.5    4.5   A done
 *   4     B1*:2 C4*:1  4.5    6     B is copied in
 *   5, 6  B1*:2 C1*:2  6      8
 *   7     B1*:3        8      9.5   C is copied out
 *   8     B1*:3        9.5    10.5  B done
 *   9     C1*:2        10.5   12    C is copied in; C done
 */
START_TEST(test_swap_space_returned)
{
    struct schedule schedule = schedule_swapping(_i, 2);
    schedule.setup.num_gpu_blocks = 5;
    schedule.setup.max_num_seqs = 2;
    static const struct request requests[] = {REQUEST(0, 7, 4), REQUEST(0, 4, 7), REQUEST(0, 4, 4)};
    static const struct expected_step steps[] = {
        {11, 2, 0, 1}, {2, 2, 1, 2}, {1, 1, 2, 3.5}, {1, 1, 3.5, 4.5},  {5, 2, 4.5, 6},
        {2, 2, 6, 7},  {2, 2, 7, 8}, {1, 1, 8, 9.5}, {1, 1, 9.5, 10.5}, {1, 1, 10.5, 12}};
    static const struct expected_blocks blocks[] = {{3, 0}, {4, 0}, {3, 0}, {3, 0}, {3, 0},
                                                    {4, 0}, {4, 0}, {3, 0}, {3, 0}, {2, 0}};
    static const struct expected_request expected[] = {
        {0, 1, 4.5, 0}, {0, 1, 10.5, 1}, {4.5, 6, 12, 1}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* A prompt under way is swapped, too: 6 tokens a step, 4 blocks; A is 4 + 5 tokens, B 12 + 1.
 *
 *   step  computes    start  end
 *   0     A4*:1 B2:1  0      1
 *   1     A1*:2 B5:2  1      2
 *   2     A1*:2       2      3.5  B's last 5 tokens would take a third block: copied out, 0.5 s
 *   3     A1*:2       3.5    4.5  2 blocks are free, B wants 3
 *   4     A1*:2       4.5    5.5  A done
 *   5     B5*:3       5.5    7    copied in, 0.5 s: 7 tokens are there; B done
 */
START_TEST(test_swap_prompt)
{
    struct schedule schedule = schedule_swapping(_i, 2);
    schedule.setup.num_gpu_blocks = 5;
    schedule.setup.max_num_batched_tokens = 6;
    schedule.setup.max_num_seqs = 6;
    static const struct request requests[] = {REQUEST(0, 4, 5), REQUEST(0, 12, 1)};
    static const struct expected_step steps[] = {{6, 2, 0, 1},     {6, 2, 1, 2},
                                                 {1, 1, 2, 3.5},   {1, 1, 3.5, 4.5},
                                                 {1, 1, 4.5, 5.5}, {5, 1, 5.5, 7}};
    static const struct expected_blocks blocks[] = {{2, 0}, {4, 0}, {2, 0}, {2, 0}, {2, 0}, {3, 0}};
    static const struct expected_request expected[] = {{0, 1, 5.5, 0}, {0, 7, 7, 1}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("by hand, without (0) and with (1) async scheduling");
    tcase_add_loop_test(tcase, test_whole_prompts, 0, 2);
    tcase_add_loop_test(tcase, test_whole_prompts_threshold, 0, 2);
    tcase_add_loop_test(tcase, test_watermark, 0, 2);
    tcase_add_loop_test(tcase, test_swap, 0, 2);
    tcase_add_loop_test(tcase, test_swap_space_full, 0, 2);
    tcase_add_loop_test(tcase, test_swap_space_returned, 0, 2);
    tcase_add_loop_test(tcase, test_swap_prompt, 0, 2);
    return unit_run_case("vllm", tcase);
}
