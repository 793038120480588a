/* Schedules worked out by hand from section 6 of the design, rule by rule.
 *
 * In the tables, "A3 B1" is a step in which A computes 3 tokens and B 1; a star marks the
 * computation that emits a token. Unless a test says otherwise a step takes 1 s, so that step k of
 * an engine that is never idle runs from k to k + 1 s. A number after a colon is the
 * blocks it holds once the step is planned. */
#include "schedule_check.h"
#include "unit.h"

#include <check.h>
#include <stdlib.h>

/* Rule 1, one budget and no phases: 4 tokens a step; A is 3 + 3 tokens, B 6 + 2, both at 0.
 *
 *   step  computes   start  end
 *   0     A3* B1     0      1     B gets what A leaves
 *   1     A1* B3     1      2     A decodes while B prefills
 *   2     A1* B2*    2      3     A done; B's prompt done
 *   3     B1*        3      4     B done
 *
 * With async scheduling the same: nothing waits for anything to be freed. */
START_TEST(test_rule_1_budget)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.max_num_batched_tokens = 4;
    schedule.setup.max_num_seqs = 4;
    static const struct request requests[] = {REQUEST(0, 3, 3), REQUEST(0, 6, 2)};
    static const struct expected_step steps[] = {
        {4, 2, 0, 1}, {4, 2, 1, 2}, {3, 2, 2, 3}, {1, 1, 3, 4}};
    static const struct expected_request expected[] = {{0, 1, 3, 0}, {0, 3, 4, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* What counts as a decode: a step costs 1 s, and 0.1 s a prefill token, 0.01 s a decode, 0.001 s a
 * token of context (computed before or in this step). Budget 3; A is 2 + 3 tokens, B 4 + 1.
 *
 *   step  computes   prefill  decodes  context   takes   ends
 *   0     A2* B1     3        0        2 + 1     1.303   1.303
 *   1     A1* B2     2        1        3 + 3     1.216   2.519
 *   2     A1* B1*    1        1        4 + 4     1.118   3.637   B's one token is still prompt
 */
START_TEST(test_rule_1_decodes_and_prefills)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.max_num_batched_tokens = 3;
    schedule.setup.max_num_seqs = 3;
    schedule.cost = (struct linear_cost){1.0, 0.1, 0.01, 0.001};
    static const struct request requests[] = {REQUEST(0, 2, 3), REQUEST(0, 4, 1)};
    static const struct expected_step steps[] = {
        {3, 2, 0, 1.303}, {3, 2, 1.303, 2.519}, {2, 2, 2.519, 3.637}};
    static const struct expected_request expected[] = {{0, 1.303, 3.637, 0}, {0, 3.637, 3.637, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* Rule 2, long_prefill_token_threshold 2: A is 5 + 2 tokens, B 1 + 3, both at 0.
 *
 *   step  computes   start  end
 *   0     A2 B1*     0      1
 *   1     A2 B1*     1      2
 *   2     A1* B1*    2      3     B done
 *   3     A1*        3      4     A done
 */
START_TEST(test_rule_2_threshold)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.long_prefill_token_threshold = 2;
    static const struct request requests[] = {REQUEST(0, 5, 2), REQUEST(0, 1, 3)};
    static const struct expected_step steps[] = {
        {3, 2, 0, 1}, {3, 2, 1, 2}, {2, 2, 2, 3}, {1, 1, 3, 4}};
    static const struct expected_request expected[] = {{0, 3, 4, 0}, {0, 1, 3, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* Rules 2 and 4, preemption: 4 blocks of 4 tokens, 2 sequences; A is 7 + 4 tokens, B 4 + 4, C 4
 * + 1.
 *
 *   step  computes      start  end
 *   0     A7*:2 B4*:1   0      1
 *   1     A1*:2 B1*:2   1      2     nothing is free any more
 *   2     A1*:3         2      3     A's ninth token takes a block: B, the last, is preempted; its
 *                                    two tokens are kept, it stands before C; nobody is admitted
 *   3     A1*:3         3      4     1 block is free, B wants 6 tokens in 2; C, behind, must wait
 *                                    though it would fit; A done
 *   4     B6*:2 C4*:1   4      5     B's third token; C done
 *   5     B1*:2         5      6     B done
 *
 * With async scheduling step 4 is planned at 3, comes out empty, and is planned again at 4. */
START_TEST(test_rule_4_preemption)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.num_gpu_blocks = 5;
    schedule.setup.max_num_seqs = 2;
    static const struct request requests[] = {REQUEST(0, 7, 4), REQUEST(0, 4, 4), REQUEST(0, 4, 1)};
    static const struct expected_step steps[] = {{11, 2, 0, 1}, {2, 2, 1, 2},  {1, 1, 2, 3},
                                                 {1, 1, 3, 4},  {10, 2, 4, 5}, {1, 1, 5, 6}};
    static const struct expected_request expected[] = {{0, 1, 4, 0}, {0, 1, 6, 1}, {4, 5, 5, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* Rule 3, the head of the line: 5 blocks of 4 tokens, budget 8; A is 8 + 2 tokens, B 12 + 1,
 * C 1 + 1.
 *
 *   step  computes      start  end
 *   0     A8*:2         0      1     A takes the whole budget
 *   1     A1*:3         1      2     2 blocks are free: enough for B's first 7 tokens, but
 *                                    admission wants room for all 12; C must not overtake; A done
 *   2     B8:2          2      3
 *   3     B4*:3 C1*:1   3      4     both done
 *
 * Async: step 2 is empty when planned at 1, and planned at 2; step 3 is planned at 2 already. */
START_TEST(test_rule_3_head_of_line)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.num_gpu_blocks = 6;
    schedule.setup.max_num_batched_tokens = 8;
    static const struct request requests[] = {REQUEST(0, 8, 2), REQUEST(0, 12, 1),
                                              REQUEST(0, 1, 1)};
    static const struct expected_step steps[] = {
        {8, 1, 0, 1}, {1, 1, 1, 2}, {8, 1, 2, 3}, {5, 2, 3, 4}};
    const struct expected_request expected[] = {{0, 1, 2, 0}, {2, 4, 4, 0}, {_i ? 2 : 3, 4, 4, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* Rule 3, max_num_seqs 2: A is 2 + 2 tokens, B 2 + 5, C 2 + 1, all at 0; and rule 8, a slot freed
 * by step 1 is used again in step 3.
 *
 *   step  computes  start  end            step  computes  start  end  (async)
 *   0     A2* B2*   0      1              0     A2* B2*   0      1
 *   1     A1* B1*   1      2   A done     1     A1* B1*   1      2    A done
 *   2     B1* C2*   2      3   C done     2     B1*       2      3    planned at 1: A still in
 *   3     B1*       3      4              3     B1* C2*   3      4    planned at 2; C done
 *   4     B1*       4      5   B done     4     B1*       4      5    B done
 */
START_TEST(test_rule_8_slot)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.max_num_seqs = 2;
    static const struct request requests[] = {REQUEST(0, 2, 2), REQUEST(0, 2, 5), REQUEST(0, 2, 1)};
    static const struct expected_step sync_steps[] = {
        {4, 2, 0, 1}, {2, 2, 1, 2}, {3, 2, 2, 3}, {1, 1, 3, 4}, {1, 1, 4, 5}};
    static const struct expected_request sync_expected[] = {
        {0, 1, 2, 0}, {0, 1, 5, 0}, {2, 3, 3, 0}};
    static const struct expected_step async_steps[] = {
        {4, 2, 0, 1}, {2, 2, 1, 2}, {1, 1, 2, 3}, {3, 2, 3, 4}, {1, 1, 4, 5}};
    static const struct expected_request async_expected[] = {
        {0, 1, 2, 0}, {0, 1, 5, 0}, {2, 4, 4, 0}};
    if (_i)
        CHECK_SCHEDULE(schedule, requests, async_steps, async_expected);
    else
        CHECK_SCHEDULE(schedule, requests, sync_steps, sync_expected);
}
END_TEST

/* Rule 8, an arrival during step N computes in step N + 2: A is 1 + 6 tokens at 0, B 1 + 1 at 1.5,
 * C 1 + 1 at 3, the very instant at which step 2 ends.
 *
 *   step  computes  start  end          step  computes  start  end  (async)
 *   0     A1*       0      1            0     A1*       0      1
 *   1     A1*       1      2            1     A1*       1      2    B arrives
 *   2     A1* B1*   2      3   B done   2     A1*       2      3    planned at 1
 *   3     A1* C1*   3      4   C done   3     A1* B1*   3      4    planned at 2; B done, 2.5 s
 *   4     A1*       4      5            4     A1* C1*   4      5    planned at 3; C done
 *   5     A1*       5      6   A done   5     A1*       5      6    A done
 */
START_TEST(test_rule_8_arrival)
{
    struct schedule schedule = schedule_ample(_i);
    static const struct request requests[] = {REQUEST(0, 1, 6), REQUEST(1.5, 1, 1),
                                              REQUEST(3, 1, 1)};
    static const struct expected_step sync_steps[] = {{1, 1, 0, 1}, {1, 1, 1, 2}, {2, 2, 2, 3},
                                                      {2, 2, 3, 4}, {1, 1, 4, 5}, {1, 1, 5, 6}};
    static const struct expected_request sync_expected[] = {
        {0, 1, 6, 0}, {2, 3, 3, 0}, {3, 4, 4, 0}};
    static const struct expected_step async_steps[] = {{1, 1, 0, 1}, {1, 1, 1, 2}, {1, 1, 2, 3},
                                                       {2, 2, 3, 4}, {2, 2, 4, 5}, {1, 1, 5, 6}};
    static const struct expected_request async_expected[] = {
        {0, 1, 6, 0}, {2, 4, 4, 0}, {3, 5, 5, 0}};
    if (_i)
        CHECK_SCHEDULE(schedule, requests, async_steps, async_expected);
    else
        CHECK_SCHEDULE(schedule, requests, sync_steps, sync_expected);
}
END_TEST

/* Rules 3 and 8, a finished sequence as victim: 3 blocks of 4 tokens; A is 4 + 3 tokens, B 8 + 1,
 * C 1 + 1.
 *
 *   step  computes      start  end
 *   0     A4*:1 B8*:2   0      1     B done
 *   1     A1*:2 C1*:1   1      2     C done
 *   2     A1*:2         2      3     A done
 *
 * Async: step 1 is planned at 0, when B, which step 0 finishes, still holds its blocks. B is the
 * last running, so it is preempted: its 2 blocks are freed early. One is left over, but C is not
 * admitted in a plan that has preempted.
 *
 *   0     A4*:1 B8*:2   0      1     B done, on time, with one preemption
 *   1     A1*:2         1      2
 *   2     A1*:2 C1*:1   2      3     planned at 1; A and C done
 */
START_TEST(test_rule_8_finishing_victim)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.num_gpu_blocks = 4;
    static const struct request requests[] = {REQUEST(0, 4, 3), REQUEST(0, 8, 1), REQUEST(0, 1, 1)};
    static const struct expected_step sync_steps[] = {{12, 2, 0, 1}, {2, 2, 1, 2}, {1, 1, 2, 3}};
    static const struct expected_request sync_expected[] = {
        {0, 1, 3, 0}, {0, 1, 1, 0}, {1, 2, 2, 0}};
    static const struct expected_step async_steps[] = {{12, 2, 0, 1}, {1, 1, 1, 2}, {2, 2, 2, 3}};
    static const struct expected_request async_expected[] = {
        {0, 1, 3, 0}, {0, 1, 1, 1}, {1, 3, 3, 0}};
    if (_i)
        CHECK_SCHEDULE(schedule, requests, async_steps, async_expected);
    else
        CHECK_SCHEDULE(schedule, requests, sync_steps, sync_expected);
}
END_TEST

/* Rules 2 and 8, the victim is itself: 2 blocks of 4 tokens; A is 4 + 1 tokens, B 4 + 2.
 *
 *   step  computes      start  end
 *   0     A4*:1 B4*:1   0      1     A done
 *   1     B1*:2         1      2     B done
 *
 * Async: step 1 is planned at 0, when A still holds its block: B needs one, is the last, and
 * preempts itself. The plan is empty and is dropped; at 1 B, which has got its first token, is
 * admitted again and computes 5 tokens.
 *
 *   0     A4*:1 B4*:1   0      1     A done
 *   1     B5*:2         1      2     B done
 */
START_TEST(test_rule_8_dropped_plan)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.num_gpu_blocks = 3;
    static const struct request requests[] = {REQUEST(0, 4, 1), REQUEST(0, 4, 2)};
    const struct expected_step steps[] = {{8, 2, 0, 1}, {_i ? 5 : 1, 1, 1, 2}};
    const struct expected_request expected[] = {{0, 1, 1, 0}, {0, 1, 2, _i}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* Rule 6: budget 3, 2 blocks of 4 tokens; A is 5 + 4 tokens: 2 steps of prefill, 3 of decode, 8
 * tokens of KV. B, 5 + 5, would need 9 and is rejected; C is longer than max_model_len.
 *
 *   step  computes  start  end
 *   0     A3        0      1
 *   1     A2*       1      2     the last prompt token emits; no decode in what is left
 *   2     A1*       2      3
 *   3     A1*       3      4
 *   4     A1*       4      5     A done
 */
START_TEST(test_rule_6_tokens)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.num_gpu_blocks = 3;
    schedule.setup.max_num_batched_tokens = 3;
    schedule.setup.max_num_seqs = 3;
    schedule.setup.max_model_len = 100;
    static const struct request requests[] = {REQUEST(0, 5, 4), REQUEST(0, 5, 5),
                                              REQUEST(0, 90, 11)};
    static const struct expected_step steps[] = {
        {3, 1, 0, 1}, {2, 1, 1, 2}, {1, 1, 2, 3}, {1, 1, 3, 4}, {1, 1, 4, 5}};
    static const struct expected_request expected[] = {
        {0, 2, 5, 0}, {-1, -1, -1, 0}, {-1, -1, -1, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* Rule 7, blocks are free at the end of the step, and section 5, arrivals come first in an instant:
 * 3 blocks of 4 tokens; A is 12 + 1 tokens, B 4 + 2, both at 0; C, 1 + 1, arrives at 1.
 *
 *   step  computes      start  end
 *   0     A12*:3        0      1     A done
 *   1     B4*:1 C1*:1   1      2     C done
 *   2     B1*:2         2      3     B done
 *
 * Async: step 1 is empty when planned at 0; step 2 is planned at 1, one block being free for B. */
START_TEST(test_rule_7_end_of_step)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.num_gpu_blocks = 4;
    static const struct request requests[] = {REQUEST(0, 12, 1), REQUEST(0, 4, 2),
                                              REQUEST(1, 1, 1)};
    static const struct expected_step steps[] = {{12, 1, 0, 1}, {5, 2, 1, 2}, {1, 1, 2, 3}};
    static const struct expected_request expected[] = {{0, 1, 1, 0}, {1, 2, 3, 0}, {1, 2, 2, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* An engine that falls idle: A, 1 + 1 tokens, at 0; B, 1 + 2, at 2.5. The steps start with the
 * arrivals, whichever the mode. */
START_TEST(test_idle_engine)
{
    struct schedule schedule = schedule_ample(_i);
    static const struct request requests[] = {REQUEST(0, 1, 1), REQUEST(2.5, 1, 2)};
    static const struct expected_step steps[] = {{1, 1, 0, 1}, {1, 1, 2.5, 3.5}, {1, 1, 3.5, 4.5}};
    static const struct expected_request expected[] = {{0, 1, 1, 0}, {2.5, 3.5, 4.5, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("by hand, without (0) and with (1) async scheduling");
    tcase_add_loop_test(tcase, test_rule_1_budget, 0, 2);
    tcase_add_loop_test(tcase, test_rule_1_decodes_and_prefills, 0, 2);
    tcase_add_loop_test(tcase, test_rule_2_threshold, 0, 2);
    tcase_add_loop_test(tcase, test_rule_3_head_of_line, 0, 2);
    tcase_add_loop_test(tcase, test_rule_4_preemption, 0, 2);
    tcase_add_loop_test(tcase, test_rule_6_tokens, 0, 2);
    tcase_add_loop_test(tcase, test_rule_7_end_of_step, 0, 2);
    tcase_add_loop_test(tcase, test_rule_8_slot, 0, 2);
    tcase_add_loop_test(tcase, test_rule_8_arrival, 0, 2);
    tcase_add_loop_test(tcase, test_rule_8_finishing_victim, 0, 2);
    tcase_add_loop_test(tcase, test_rule_8_dropped_plan, 0, 2);
    tcase_add_loop_test(tcase, test_idle_engine, 0, 2);
    return unit_run_case("schedule", tcase);
}
