/* Schedules worked out by hand: the queue orders sjf, sjf-predicted and vtc, under policy vllm,
 * without and with async scheduling. The notation is that of test_schedule.c. */
#include "schedule_check.h"
#include "unit.h"

#include <check.h>
#include <stdlib.h>

#define OF_CLIENT(arrival_s, prompt, output, sender)                                               \
    {                                                                                              \
        REQUEST_FIELDS(arrival_s, prompt, output), .client = (sender)                              \
    }

/* Shortest prompt first, in one slot: A 5 tokens, B 2, C 9, D 2, all at 0, E 1 at 2.5; one token of
 * output. In order: B, D, A, E, C. */
START_TEST(test_sjf)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.queue_order = &order_sjf;
    schedule.setup.max_num_seqs = 1;
    static const struct request requests[] = {REQUEST(0, 5, 1), REQUEST(0, 2, 1), REQUEST(0, 9, 1),
                                              REQUEST(0, 2, 1), REQUEST(2.5, 1, 1)};
    static const struct expected_step steps[] = {
        {2, 1, 0, 1}, {2, 1, 1, 2}, {5, 1, 2, 3}, {1, 1, 3, 4}, {9, 1, 4, 5}};
    static const struct expected_request expected[] = {
        {2, 3, 3, 0}, {0, 1, 1, 0}, {4, 5, 5, 0}, {1, 2, 2, 0}, {3, 4, 4, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* The longest prompt gives way: 3 blocks of 4 tokens; A is 5 + 5 tokens; B 4 + 3 comes in
 * step 1, or, with async scheduling, in step 0, so that it computes in step 2 either way.
 *
 *   step  computes     start  end
 *   0     A5*:2        0      1
 *   1     A1*:2        1      2
 *   2     A1*:2 B4*:1  2      3
 *   3     B1*:2        3      4    B needs a block: A's
 *   4     B1*:2        4      5    B done
 *   5     A8*:2        5      6    A's fourth token
 *   6     A1*:3        6      7    A done
 */
START_TEST(test_sjf_victim)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.queue_order = &order_sjf;
    schedule.setup.num_gpu_blocks = 4;
    const struct request requests[] = {REQUEST(0, 5, 5), REQUEST(_i ? 0.5 : 1.5, 4, 3)};
    static const struct expected_step steps[] = {{5, 1, 0, 1}, {1, 1, 1, 2}, {5, 2, 2, 3},
                                                 {1, 1, 3, 4}, {1, 1, 4, 5}, {8, 1, 5, 6},
                                                 {1, 1, 6, 7}};
    static const struct expected_blocks blocks[] = {{2, 0}, {2, 0}, {3, 0}, {2, 0},
                                                    {2, 0}, {2, 0}, {3, 0}};
    const struct expected_request expected[] = {{0, 1, 7, 1}, {_i ? 1 : 2, 3, 5, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* Shortest output first, as good as known, in one slot: A is 2 + 4 tokens, B 9 + 1, C 3 + 3, D
 * 1 + 2, all at 0, E 20 + 2 at 1.5. In order: B, D, E, C, A. */
START_TEST(test_sjf_predicted)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.queue_order = &order_sjf_predicted;
    schedule.setup.output_prediction_error = 1e-6;
    schedule.setup.max_num_seqs = 1;
    static const struct request requests[] = {REQUEST(0, 2, 4), REQUEST(0, 9, 1), REQUEST(0, 3, 3),
                                              REQUEST(0, 1, 2), REQUEST(1.5, 20, 2)};
    static const struct expected_step steps[] = {
        {9, 1, 0, 1}, {1, 1, 1, 2}, {1, 1, 2, 3}, {20, 1, 3, 4}, {1, 1, 4, 5},   {3, 1, 5, 6},
        {1, 1, 6, 7}, {1, 1, 7, 8}, {2, 1, 8, 9}, {1, 1, 9, 10}, {1, 1, 10, 11}, {1, 1, 11, 12}};
    static const struct expected_request expected[] = {
        {8, 9, 12, 0}, {0, 1, 1, 0}, {5, 6, 8, 0}, {1, 2, 3, 0}, {3, 4, 5, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* Fair shares in one slot: A, B and C are 4 + 2 tokens of client x, D, E and F 2 + 1 of y, all at
 * 0. A prompt token counts 1, a generated one 2; x appeared first, and goes first where they are
 * even.
 *
 *   from  to  serves  then x has had  y has had
 *   0     2   A       4 + 2·2 = 8     0
 *   2     3   D       8               2 + 2 = 4
 *   3     4   E       8               8
 *   4     6   B       16              8
 *   6     7   F       16              12
 *   7     9   C
 *
 */
START_TEST(test_vtc)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.queue_order = &order_vtc;
    schedule.setup.max_num_seqs = 1;
    static const struct request requests[] = {OF_CLIENT(0, 4, 2, 'x'), OF_CLIENT(0, 4, 2, 'x'),
                                              OF_CLIENT(0, 4, 2, 'x'), OF_CLIENT(0, 2, 1, 'y'),
                                              OF_CLIENT(0, 2, 1, 'y'), OF_CLIENT(0, 2, 1, 'y')};
    static const struct expected_step steps[] = {{4, 1, 0, 1}, {1, 1, 1, 2}, {2, 1, 2, 3},
                                                 {2, 1, 3, 4}, {4, 1, 4, 5}, {1, 1, 5, 6},
                                                 {2, 1, 6, 7}, {4, 1, 7, 8}, {1, 1, 8, 9}};
    static const struct expected_request expected[] = {{0, 1, 2, 0}, {4, 5, 6, 0}, {7, 8, 9, 0},
                                                       {2, 3, 3, 0}, {3, 4, 4, 0}, {6, 7, 7, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* Who was away has earned nothing: 1 + 1 tokens each, in one slot; A … E of client x at 0, F … H of
 * y at 2.5, when x has had 3 times 3: y begins at 9, too.
 *
 *   from  serves  then x has had  y has had
 *   0     A B C   9               –
 *   3     D       12              9
 *   4     F       12              12
 *   5     E       15              12
 *   6     G H
 */
START_TEST(test_vtc_idle_client)
{
    struct schedule schedule = schedule_ample(_i);
    schedule.setup.queue_order = &order_vtc;
    schedule.setup.max_num_seqs = 1;
    static const struct request requests[] = {OF_CLIENT(0, 1, 1, 'x'),   OF_CLIENT(0, 1, 1, 'x'),
                                              OF_CLIENT(0, 1, 1, 'x'),   OF_CLIENT(0, 1, 1, 'x'),
                                              OF_CLIENT(0, 1, 1, 'x'),   OF_CLIENT(2.5, 1, 1, 'y'),
                                              OF_CLIENT(2.5, 1, 1, 'y'), OF_CLIENT(2.5, 1, 1, 'y')};
    static const struct expected_step steps[] = {{1, 1, 0, 1}, {1, 1, 1, 2}, {1, 1, 2, 3},
                                                 {1, 1, 3, 4}, {1, 1, 4, 5}, {1, 1, 5, 6},
                                                 {1, 1, 6, 7}, {1, 1, 7, 8}};
    static const struct expected_request expected[] = {{0, 1, 1, 0}, {1, 2, 2, 0}, {2, 3, 3, 0},
                                                       {3, 4, 4, 0}, {5, 6, 6, 0}, {4, 5, 5, 0},
                                                       {6, 7, 7, 0}, {7, 8, 8, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* Tokens count as they are generated, 2 slots, without async scheduling: A is 10 + 4 tokens, B
 * 1 + 1, of client x; C … I 1 + 1 of y.
 *
 *   step  computes  start  end  x has had        y has had
 *   0     A10* C1*  0      1    10 + 2           3
 *   1     A1* D1*   1      2    14               6
 *   2     A1* E1*   2      3    16               9
 *   3     A1* F1*   3      4    18; A done       12
 *   4     G1* H1*   4      5    18               18
 *   5     B1* I1*   5      6
 *
 * If only prompts counted, B would have been served in step 4. */
START_TEST(test_vtc_generated_tokens)
{
    struct schedule schedule = schedule_ample(false);
    schedule.setup.queue_order = &order_vtc;
    schedule.setup.max_num_seqs = 2;
    static const struct request requests[] = {
        OF_CLIENT(0, 10, 4, 'x'), OF_CLIENT(0, 1, 1, 'x'), OF_CLIENT(0, 1, 1, 'y'),
        OF_CLIENT(0, 1, 1, 'y'),  OF_CLIENT(0, 1, 1, 'y'), OF_CLIENT(0, 1, 1, 'y'),
        OF_CLIENT(0, 1, 1, 'y'),  OF_CLIENT(0, 1, 1, 'y'), OF_CLIENT(0, 1, 1, 'y')};
    static const struct expected_step steps[] = {{11, 2, 0, 1}, {2, 2, 1, 2}, {2, 2, 2, 3},
                                                 {2, 2, 3, 4},  {2, 2, 4, 5}, {2, 2, 5, 6}};
    static const struct expected_request expected[] = {{0, 1, 4, 0}, {5, 6, 6, 0}, {0, 1, 1, 0},
                                                       {1, 2, 2, 0}, {2, 3, 3, 0}, {3, 4, 4, 0},
                                                       {4, 5, 5, 0}, {4, 5, 5, 0}, {5, 6, 6, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

/* Nor has who comes when nobody waits: it begins where the client last served is. One slot, without
 * async scheduling: A is 10 + 3 tokens of client x at 0; B, C and D 1 + 1 of y and E 1 + 1 of x
 * come at 1.5.
 *
 *   from  to  serves  x has had                y has had
 *   0     3   A       10 + 2·3, at 1.5 14      from 1.5 on 14
 *   3     4   B       16                       17
 *   4     5   E       19                       17
 *   5     7   C D
 */
START_TEST(test_vtc_nobody_waits)
{
    struct schedule schedule = schedule_ample(false);
    schedule.setup.queue_order = &order_vtc;
    schedule.setup.max_num_seqs = 1;
    static const struct request requests[] = {OF_CLIENT(0, 10, 3, 'x'), OF_CLIENT(1.5, 1, 1, 'y'),
                                              OF_CLIENT(1.5, 1, 1, 'y'), OF_CLIENT(1.5, 1, 1, 'y'),
                                              OF_CLIENT(1.5, 1, 1, 'x')};
    static const struct expected_step steps[] = {{10, 1, 0, 1}, {1, 1, 1, 2}, {1, 1, 2, 3},
                                                 {1, 1, 3, 4},  {1, 1, 4, 5}, {1, 1, 5, 6},
                                                 {1, 1, 6, 7}};
    static const struct expected_request expected[] = {
        {0, 1, 3, 0}, {3, 4, 4, 0}, {5, 6, 6, 0}, {6, 7, 7, 0}, {4, 5, 5, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("by hand, without (0) and with (1) async scheduling");
    tcase_add_loop_test(tcase, test_sjf, 0, 2);
    tcase_add_loop_test(tcase, test_sjf_victim, 0, 2);
    tcase_add_loop_test(tcase, test_sjf_predicted, 0, 2);
    tcase_add_loop_test(tcase, test_vtc, 0, 2);
    tcase_add_loop_test(tcase, test_vtc_idle_client, 0, 2);
    tcase_add_test(tcase, test_vtc_generated_tokens);
    tcase_add_test(tcase, test_vtc_nobody_waits);
    return unit_run_case("orders", tcase);
}
