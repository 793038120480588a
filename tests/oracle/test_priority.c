/* Schedules worked out by hand: queue order priority, under policy vllm, without and with async
 * scheduling. The notation is that of test_schedule.c.
 *
 * Where somebody is to arrive after the first ones run, it does so in step 1, or, with async
 * scheduling, in step 0, so that it computes in step 2 either way. */
#include "schedule_check.h"
#include "unit.h"

#include <check.h>
#include <stdlib.h>

#define LATER_S(async) ((async) ? 0.5 : 1.5)

#define OF_PRIORITY(arrival_s, prompt, output, urgency)                                            \
    {                                                                                              \
        REQUEST_FIELDS(arrival_s, prompt, output), .priority = (urgency)                           \
    }

/* One slot: 1 prompt token each; A is of priority 0, 2 tokens of output, the others of 1 token; B
 * of priority 5, C and D of 1, all at 0; E of 0, at 1.5. In order: A, E, C, D, B. */
START_TEST(test_priority)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.queue_order = &order_priority;
    schedule.setup.max_num_seqs = 1;
    static const struct request requests[] = {OF_PRIORITY(0, 1, 2, 0), OF_PRIORITY(0, 1, 1, 5),
                                              OF_PRIORITY(0, 1, 1, 1), OF_PRIORITY(0, 1, 1, 1),
                                              OF_PRIORITY(1.5, 1, 1, 0)};
    static const struct expected_step steps[] = {{1, 1, 0, 1}, {1, 1, 1, 2}, {1, 1, 2, 3},
                                                 {1, 1, 3, 4}, {1, 1, 4, 5}, {1, 1, 5, 6}};
    static const struct expected_request expected[] = {
        {0, 1, 2, 0}, {5, 6, 6, 0}, {3, 4, 4, 0}, {4, 5, 5, 0}, {2, 3, 3, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* The victim was in the step already: 5 blocks of 4 tokens; A is 5 + 5 tokens of priority 2; B
 * 4 + 4 of 0 and C 7 + 2 of 1 come later.
 *
 *   step  computes           start  end
 *   0     A5*:2              0      1
 *   1     A1*:2              1      2
 *   2     A1*:2 B4*:1 C7*:2  2      3
 *   3     B1*:2 C1*:2        3      4    A's eighth token fits, but B needs a block, and the least
 *                                        urgent is A; C goes on; C done
 *   4     B1*:2 A8*:2        4      5    A's fourth token
 *   5     B1*:2 A1*:3        5      6    both done
 *
 *   4     B1*:2              4      5    async: planned at 3, when C holds its blocks
 *   5     B1*:2 A8*:2        5      6    B done
 *   6     A1*:3              6      7    planned when B holds its blocks; A done
 */
START_TEST(test_priority_victim_in_step)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.queue_order = &order_priority;
    schedule.setup.num_gpu_blocks = 6;
    const struct request requests[] = {OF_PRIORITY(0, 5, 5, 2), OF_PRIORITY(LATER_S(_i), 4, 4, 0),
                                       OF_PRIORITY(LATER_S(_i), 7, 2, 1)};
    static const struct expected_step sync_steps[] = {{5, 1, 0, 1}, {1, 1, 1, 2}, {12, 3, 2, 3},
                                                      {2, 2, 3, 4}, {9, 2, 4, 5}, {2, 2, 5, 6}};
    static const struct expected_blocks sync_blocks[] = {{2, 0}, {2, 0}, {5, 0},
                                                         {4, 0}, {4, 0}, {5, 0}};
    static const struct expected_request sync_expected[] = {
        {0, 1, 6, 1}, {2, 3, 6, 0}, {2, 3, 4, 0}};
    static const struct expected_step async_steps[] = {{5, 1, 0, 1}, {1, 1, 1, 2}, {12, 3, 2, 3},
                                                       {2, 2, 3, 4}, {1, 1, 4, 5}, {9, 2, 5, 6},
                                                       {1, 1, 6, 7}};
    static const struct expected_blocks async_blocks[] = {{2, 0}, {2, 0}, {5, 0}, {4, 0},
                                                          {4, 0}, {4, 0}, {5, 0}};
    static const struct expected_request async_expected[] = {
        {0, 1, 7, 1}, {1, 3, 6, 0}, {1, 3, 4, 0}};
    if (_i)
        CHECK_MEMORY(schedule, requests, async_steps, async_blocks, async_expected);
    else
        CHECK_MEMORY(schedule, requests, sync_steps, sync_blocks, sync_expected);
}
END_TEST

/* What the victim would have computed is left to the others: 9 tokens a step, 4 of one prompt at
 * most, 6 blocks of 4; A is 17 + 1 tokens of priority 2; B 9 + 1 of 0 and C 8 + 1 of 1 come later.
 *
 *   step  computes        start  end
 *   0     A4:1            0      1
 *   1     A4:2            1      2
 *   2     A4:3 B4:1 C1:1  2      3     1 block is free
 *   3     B4:2 C4:2       3      4     A's next 4 tokens take it, B needs one for its own: A's. 5
 *                                      tokens are left for C then, not 1
 *   4     B1*:3 C3*:2     4      5     both done
 *   5-8   A4:1 … A4:4     5      9
 *   9     A1*:5           9      10    A done
 *
 * Async: step 5 is planned when B and C hold their blocks, and planned again at 5. */
START_TEST(test_priority_refund)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.queue_order = &order_priority;
    schedule.setup.num_gpu_blocks = 7;
    schedule.setup.max_num_batched_tokens = 9;
    schedule.setup.long_prefill_token_threshold = 4;
    const struct request requests[] = {OF_PRIORITY(0, 17, 1, 2), OF_PRIORITY(LATER_S(_i), 9, 1, 0),
                                       OF_PRIORITY(LATER_S(_i), 8, 1, 1)};
    static const struct expected_step steps[] = {
        {4, 1, 0, 1}, {4, 1, 1, 2}, {9, 3, 2, 3}, {8, 2, 3, 4}, {4, 2, 4, 5},
        {4, 1, 5, 6}, {4, 1, 6, 7}, {4, 1, 7, 8}, {4, 1, 8, 9}, {1, 1, 9, 10}};
    static const struct expected_blocks blocks[] = {{1, 0}, {2, 0}, {5, 0}, {4, 0}, {5, 0},
                                                    {1, 0}, {2, 0}, {3, 0}, {4, 0}, {5, 0}};
    const double later_s = _i ? 1 : 2;
    const struct expected_request expected[] = {
        {0, 10, 10, 1}, {later_s, 5, 5, 0}, {later_s, 5, 5, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* So are the blocks that it took: 4 of 4 tokens; A is 2 + 4 tokens of priority 2; B 4 + 3 of 0 and
 * C 4 + 3 of 1 come later.
 *
 *   step  computes           start  end
 *   0     A2*:1              0      1
 *   1     A1*:1              1      2
 *   2     A1*:1 B4*:1 C4*:1  2      3
 *   3     B1*:2 C1*:2        3      4    A takes the last block, B needs one: A's two. The other is
 *                                        C's
 *   4     B1*:2 C1*:2        4      5    both done
 *   5     A5*:2              5      6    A done
 *
 * Async: step 5 is planned when B and C hold all blocks, and planned again at 5. */
START_TEST(test_priority_blocks_back)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.queue_order = &order_priority;
    schedule.setup.num_gpu_blocks = 5;
    const struct request requests[] = {OF_PRIORITY(0, 2, 4, 2), OF_PRIORITY(LATER_S(_i), 4, 3, 0),
                                       OF_PRIORITY(LATER_S(_i), 4, 3, 1)};
    static const struct expected_step steps[] = {{2, 1, 0, 1}, {1, 1, 1, 2}, {9, 3, 2, 3},
                                                 {2, 2, 3, 4}, {2, 2, 4, 5}, {5, 1, 5, 6}};
    static const struct expected_blocks blocks[] = {{1, 0}, {1, 0}, {3, 0}, {4, 0}, {4, 0}, {2, 0}};
    const double later_s = _i ? 1 : 2;
    const struct expected_request expected[] = {
        {0, 1, 6, 1}, {later_s, 3, 5, 0}, {later_s, 3, 5, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* The victim is itself: 5 blocks of 4 tokens; A is 1 + 5 tokens of priority 0, B 6 + 5 of 2; C 5 +
 * 3 of 1 comes later.
 *
 *   step  computes           start  end
 *   0     A1*:1 B6*:2        0      1
 *   1     A1*:1 B1*:2        1      2
 *   2     A1*:1 B1*:2 C5*:2  2      3
 *   3     A1*:1              3      4    B needs a third block and is the least urgent; C, behind
 *                                        it, does not compute, though it needs none
 *   4     A1*:2 C1*:2        4      5    1 is free, B wants 3; A done
 *   5     C1*:2 B9*:3        5      6    C done
 *   6     B1*:3              6      7    B done
 *
 *   5     C1*:2              5      6    async: planned at 4, when A holds its blocks; C done
 *   6     B9*:3              6      7    planned when C does
 *   7     B1*:3              7      8
 *
 */
START_TEST(test_priority_victim_itself)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.queue_order = &order_priority;
    schedule.setup.num_gpu_blocks = 6;
    const struct request requests[] = {OF_PRIORITY(0, 1, 5, 0), OF_PRIORITY(0, 6, 5, 2),
                                       OF_PRIORITY(LATER_S(_i), 5, 3, 1)};
    static const struct expected_step sync_steps[] = {{7, 2, 0, 1}, {2, 2, 1, 2}, {7, 3, 2, 3},
                                                      {1, 1, 3, 4}, {2, 2, 4, 5}, {10, 2, 5, 6},
                                                      {1, 1, 6, 7}};
    static const struct expected_blocks sync_blocks[] = {{3, 0}, {3, 0}, {5, 0}, {3, 0},
                                                         {4, 0}, {5, 0}, {3, 0}};
    static const struct expected_request sync_expected[] = {
        {0, 1, 5, 0}, {0, 1, 7, 1}, {2, 3, 6, 0}};
    static const struct expected_step async_steps[] = {{7, 2, 0, 1}, {2, 2, 1, 2}, {7, 3, 2, 3},
                                                       {1, 1, 3, 4}, {2, 2, 4, 5}, {1, 1, 5, 6},
                                                       {9, 1, 6, 7}, {1, 1, 7, 8}};
    static const struct expected_blocks async_blocks[] = {{3, 0}, {3, 0}, {5, 0}, {3, 0},
                                                          {4, 0}, {4, 0}, {5, 0}, {3, 0}};
    static const struct expected_request async_expected[] = {
        {0, 1, 5, 0}, {0, 1, 8, 1}, {1, 3, 6, 0}};
    if (_i)
        CHECK_MEMORY(schedule, requests, async_steps, async_blocks, async_expected);
    else
        CHECK_MEMORY(schedule, requests, sync_steps, sync_blocks, sync_expected);
}
END_TEST

/* The victim is itself, and nobody is left in the step: 2 blocks of 4 tokens; A is 2 + 4 tokens of
 * priority 1; B 4 + 2 of 0 comes later.
 *
 *   step  computes     start  end
 *   0     A2*:1        0      1
 *   1     A1*:1        1      2
 *   2     A1*:1 B4*:1  2      3
 *   3     B1*:2        3      4    A needs a block and is the less urgent, B is behind it: an empty
 *                                  step, so that vLLM plans again, at once; B done
 *   4     A5*:2        4      5    A done
 */
START_TEST(test_priority_empty_step)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.queue_order = &order_priority;
    schedule.setup.num_gpu_blocks = 3;
    const struct request requests[] = {OF_PRIORITY(0, 2, 4, 1), OF_PRIORITY(LATER_S(_i), 4, 2, 0)};
    static const struct expected_step steps[] = {
        {2, 1, 0, 1}, {1, 1, 1, 2}, {5, 2, 2, 3}, {1, 1, 3, 4}, {5, 1, 4, 5}};
    static const struct expected_blocks blocks[] = {{1, 0}, {1, 0}, {2, 0}, {2, 0}, {2, 0}};
    const struct expected_request expected[] = {{0, 1, 5, 1}, {_i ? 1 : 2, 3, 4, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* The youngest of the least urgent, neither the last nor the first: 5 blocks of 4 tokens; A is 2 +
 * 5 tokens and B 1 + 5, both of priority 1; C 9 + 2 of 0 comes later.
 *
 *   step  computes           start  end
 *   0     A2*:1 B1*:1        0      1
 *   1     A1*:1 B1*:1        1      2
 *   2     A1*:1 B1*:1 C9*:3  2      3
 *   3     A1*:2 C1*:3        3      4    A needs a block: B's; C done
 *   4     A1*:2 B4*:1        4      5    B's fourth token; A done
 *   5     B1*:2              5      6    B done
 *
 *   4     A1*:2              4      5    async: planned at 3, when C holds its blocks; A done
 *   5     B4*:1              5      6    planned when A does
 *   6     B1*:2              6      7
 *
 */
START_TEST(test_priority_youngest)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.queue_order = &order_priority;
    schedule.setup.num_gpu_blocks = 6;
    const struct request requests[] = {OF_PRIORITY(0, 2, 5, 1), OF_PRIORITY(0, 1, 5, 1),
                                       OF_PRIORITY(LATER_S(_i), 9, 2, 0)};
    static const struct expected_step sync_steps[] = {{3, 2, 0, 1}, {2, 2, 1, 2}, {11, 3, 2, 3},
                                                      {2, 2, 3, 4}, {5, 2, 4, 5}, {1, 1, 5, 6}};
    static const struct expected_blocks sync_blocks[] = {{2, 0}, {2, 0}, {5, 0},
                                                         {5, 0}, {3, 0}, {2, 0}};
    static const struct expected_request sync_expected[] = {
        {0, 1, 5, 0}, {0, 1, 6, 1}, {2, 3, 4, 0}};
    static const struct expected_step async_steps[] = {{3, 2, 0, 1}, {2, 2, 1, 2}, {11, 3, 2, 3},
                                                       {2, 2, 3, 4}, {1, 1, 4, 5}, {4, 1, 5, 6},
                                                       {1, 1, 6, 7}};
    static const struct expected_blocks async_blocks[] = {{2, 0}, {2, 0}, {5, 0}, {5, 0},
                                                          {5, 0}, {3, 0}, {2, 0}};
    static const struct expected_request async_expected[] = {
        {0, 1, 5, 0}, {0, 1, 7, 1}, {1, 3, 4, 0}};
    if (_i)
        CHECK_MEMORY(schedule, requests, async_steps, async_blocks, async_expected);
    else
        CHECK_MEMORY(schedule, requests, sync_steps, sync_blocks, sync_expected);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("by hand, without (0) and with (1) async scheduling");
    tcase_add_loop_test(tcase, test_priority, 0, 2);
    tcase_add_loop_test(tcase, test_priority_victim_in_step, 0, 2);
    tcase_add_loop_test(tcase, test_priority_refund, 0, 2);
    tcase_add_loop_test(tcase, test_priority_blocks_back, 0, 2);
    tcase_add_loop_test(tcase, test_priority_victim_itself, 0, 2);
    tcase_add_loop_test(tcase, test_priority_empty_step, 0, 2);
    tcase_add_loop_test(tcase, test_priority_youngest, 0, 2);
    return unit_run_case("priority", tcase);
}
