/* Schedules worked out by hand: prefix caching and its second tier under policy vllm, without and
 * with async scheduling. The notation is that of test_schedule.c. An id stands for 4 tokens, a
 * block of them, unless a test says otherwise; "a2" is the second block of A's prompt. */
#include "schedule_check.h"
#include "unit.h"

#include <check.h>
#include <stdlib.h>

#define PREFIXED(arrival_s, prompt, output, ids, id_tokens)                                        \
    {                                                                                              \
        REQUEST_FIELDS(arrival_s, prompt, output), .prefix_ids = (ids),                            \
                                                   .prefix_id_count = (int32_t)COUNT(ids),         \
                                                   .prefix_id_tokens = (id_tokens)                 \
    }

static struct schedule schedule_caching(bool async_scheduling, const int32_t *cached_tokens)
{
    struct schedule schedule = schedule_ample(async_scheduling);
    schedule.setup.enable_prefix_caching = true;
    schedule.cached_tokens = cached_tokens;
    return schedule;
}

/* Together in one step: A is 10 + 2 tokens with ids 1 2, B 13 + 2 with 1 2 3, both at 0.
 *
 *   step  computes      blocks  start  end
 *   0     A10*:3 B5*:4  5       0      1     what A is about to compute is there for B already
 *   1     A1*:3 B1*:4   5       1      2     both done
 */
START_TEST(test_same_step)
{
    static const int32_t cached_tokens[] = {0, 8};
    struct schedule schedule = schedule_caching(_i, cached_tokens);
    static const uint64_t a[] = {1, 2}, b[] = {1, 2, 3};
    static const struct request requests[] = {PREFIXED(0, 10, 2, a, 4), PREFIXED(0, 13, 2, b, 4)};
    static const struct expected_step steps[] = {{15, 2, 0, 1}, {2, 2, 1, 2}};
    static const struct expected_blocks blocks[] = {{5, 0}, {5, 0}};
    static const struct expected_request expected[] = {{0, 1, 2, 0}, {0, 1, 2, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* One arrives while the other is computed: 8 tokens a step; A is 20 + 2 tokens with ids 1 2 3 4 5,
 * B 20 + 1 with 1 2 3 9 10, at 0.5.
 *
 *   step  computes     blocks  start  end
 *   0     A8:2         2       0      1
 *   1     A8:4         4       1      2
 *   2     A4*:5 B4:4   6       2      3    B finds 3 blocks; 4 tokens are left for it
 *   3     A1*:6 B4*:5  8       3      4    both done
 */
START_TEST(test_under_way)
{
    static const int32_t cached_tokens[] = {0, 12};
    struct schedule schedule = schedule_caching(_i, cached_tokens);
    schedule.setup.max_num_batched_tokens = 8;
    static const uint64_t a[] = {1, 2, 3, 4, 5}, b[] = {1, 2, 3, 9, 10};
    static const struct request requests[] = {PREFIXED(0, 20, 2, a, 4), PREFIXED(0.5, 20, 1, b, 4)};
    static const struct expected_step steps[] = {
        {8, 1, 0, 1}, {8, 1, 1, 2}, {8, 2, 2, 3}, {5, 2, 3, 4}};
    static const struct expected_blocks blocks[] = {{2, 0}, {4, 0}, {6, 0}, {8, 0}};
    const struct expected_request expected[] = {{0, 3, 4, 0}, {_i ? 1 : 2, 4, 4, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* One overtakes the other: long_prefill_token_threshold 4; A and B are 16 + 1 tokens with ids
 * 1 2 3 4, at 0 and 0.5; C is 17 + 1 with the same, at 5.
 *
 *   step  computes     blocks  start  end
 *   0     A4:1         1       0      1
 *   1     A4:2 B4:3    3       1      2    B finds A's 2 blocks, and is a block ahead of it
 *   2     A4:3 B4*:4   5       2      3    A computes its own third, which nobody will find
 *   3     A4*:4        4       3      4    and fourth
 *   4     C1*:5        5       5      6    C finds all four
 *
 *   0     A4:1         1       0      1    async
 *   1     A4:2         2       1      2
 *   2     A4:3 B4*:4   4       2      3    B finds 3 blocks
 *   3     A4*:4        5       3      4    B still holds its last
 *   4     C1*:5        5       5      6
 */
START_TEST(test_overtaken)
{
    const int32_t cached_tokens[] = {0, _i ? 12 : 8, 16};
    struct schedule schedule = schedule_caching(_i, cached_tokens);
    schedule.setup.long_prefill_token_threshold = 4;
    static const uint64_t ids[] = {1, 2, 3, 4};
    static const struct request requests[] = {
        PREFIXED(0, 16, 1, ids, 4), PREFIXED(0.5, 16, 1, ids, 4), PREFIXED(5, 17, 1, ids, 4)};
    const struct expected_step steps[] = {
        {4, 1, 0, 1}, {_i ? 4 : 8, _i ? 1 : 2, 1, 2}, {8, 2, 2, 3}, {4, 1, 3, 4}, {1, 1, 5, 6}};
    static const struct expected_blocks sync_blocks[] = {{1, 0}, {3, 0}, {5, 0}, {4, 0}, {5, 0}};
    static const struct expected_blocks async_blocks[] = {{1, 0}, {2, 0}, {4, 0}, {5, 0}, {5, 0}};
    static const struct expected_request expected[] = {{0, 4, 4, 0}, {1, 3, 3, 0}, {5, 6, 6, 0}};
    if (_i)
        CHECK_MEMORY(schedule, requests, steps, async_blocks, expected);
    else
        CHECK_MEMORY(schedule, requests, steps, sync_blocks, expected);
}
END_TEST

/* What reaches how far: an id stands for 8 tokens, the last one perhaps for fewer; every request is
 * alone, and has one token of output.
 *
 *   request  prompt  ids  finds          computes  because
 *   A        12      1 2  –              12
 *   B        14      1 2  a1 a2 a3       2         they are the same as far as A's 12 tokens
 *   C        12      1 2  a1 a2          4         the last prompt token is always computed
 *   D        12      1 3  a1 a2          4
 *   E        6       1    a1             2
 *   F        8       –    –              8
 */
START_TEST(test_reach)
{
    static const int32_t cached_tokens[] = {0, 12, 8, 8, 4, 0};
    struct schedule schedule = schedule_caching(_i, cached_tokens);
    static const uint64_t both[] = {1, 2}, other[] = {1, 3}, first[] = {1};
    static const struct request requests[] = {
        PREFIXED(0, 12, 1, both, 8),  PREFIXED(2, 14, 1, both, 8), PREFIXED(4, 12, 1, both, 8),
        PREFIXED(6, 12, 1, other, 8), PREFIXED(8, 6, 1, first, 8), REQUEST(10, 8, 1)};
    static const struct expected_step steps[] = {{12, 1, 0, 1}, {2, 1, 2, 3}, {4, 1, 4, 5},
                                                 {4, 1, 6, 7},  {2, 1, 8, 9}, {8, 1, 10, 11}};
    static const struct expected_blocks blocks[] = {{3, 0}, {4, 0}, {3, 0}, {3, 0}, {2, 0}, {2, 0}};
    static const struct expected_request expected[] = {{0, 1, 1, 0}, {2, 3, 3, 0}, {4, 5, 5, 0},
                                                       {6, 7, 7, 0}, {8, 9, 9, 0}, {10, 11, 11, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* Eviction: 6 blocks, one request at a time, one token of output; A, C and G are 9 tokens with ids
 * 1 2, B and E 13 with 5 6 7, D and F 13 with 8 9 10. The queue of free blocks, its front first, a
 * dash being a block that holds nothing to be found:
 *
 *   request  finds  takes        computes  then the queue is
 *                                          - - - - - -
 *   A        –      - - -        9         - - - - a2 a1
 *   B        –      - - - -      13        a2 a1 - b3 b2 b1
 *   C        a1 a2  -            1         b3 b2 b1 - a2 a1
 *   D        –      b3 b2 b1 -   13        a2 a1 - d3 d2 d1
 *   E        –      a2 a1 - d3   13        d2 d1 - e3 e2 e1   B's blocks are gone
 *   F        d1 d2  - e3         5         e2 e1 - d3 d2 d1   the end of D's is
 *   G        –      e2 e1 -      9                            A's are
 */
START_TEST(test_eviction)
{
    static const int32_t cached_tokens[] = {0, 0, 8, 0, 0, 8, 0};
    struct schedule schedule = schedule_caching(_i, cached_tokens);
    schedule.setup.num_gpu_blocks = 7;
    static const uint64_t a[] = {1, 2}, b[] = {5, 6, 7}, d[] = {8, 9, 10};
    static const struct request requests[] = {PREFIXED(0, 9, 1, a, 4),  PREFIXED(2, 13, 1, b, 4),
                                              PREFIXED(4, 9, 1, a, 4),  PREFIXED(6, 13, 1, d, 4),
                                              PREFIXED(8, 13, 1, b, 4), PREFIXED(10, 13, 1, d, 4),
                                              PREFIXED(12, 9, 1, a, 4)};
    static const struct expected_step steps[] = {{9, 1, 0, 1},  {13, 1, 2, 3}, {1, 1, 4, 5},
                                                 {13, 1, 6, 7}, {13, 1, 8, 9}, {5, 1, 10, 11},
                                                 {9, 1, 12, 13}};
    static const struct expected_blocks blocks[] = {{3, 0}, {4, 0}, {3, 0}, {4, 0},
                                                    {4, 0}, {4, 0}, {3, 0}};
    static const struct expected_request expected[] = {
        {0, 1, 1, 0}, {2, 3, 3, 0},    {4, 5, 5, 0},   {6, 7, 7, 0},
        {8, 9, 9, 0}, {10, 11, 11, 0}, {12, 13, 13, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* What is found free takes free blocks all the same: 6 blocks; A is 9 + 1 tokens with ids 1 2;
 * X 8 + 3 without, and C 17 + 1 with 1 2, both at 2.
 *
 *   step  computes  start  end
 *   0     A9*:3     0      1
 *   1     X8*:2     2      3    4 are free, and C would take a1, a2 and 3 more
 *   2, 3  X1*:3     3      5    X done
 *   4     C9*:5     5      6    a1 and a2 are still there
 */
START_TEST(test_found_takes_memory)
{
    static const int32_t cached_tokens[] = {0, 0, 8};
    struct schedule schedule = schedule_caching(_i, cached_tokens);
    schedule.setup.num_gpu_blocks = 7;
    static const uint64_t a[] = {1, 2};
    static const struct request requests[] = {PREFIXED(0, 9, 1, a, 4), REQUEST(2, 8, 3),
                                              PREFIXED(2, 17, 1, a, 4)};
    static const struct expected_step steps[] = {
        {9, 1, 0, 1}, {8, 1, 2, 3}, {1, 1, 3, 4}, {1, 1, 4, 5}, {9, 1, 5, 6}};
    static const struct expected_blocks blocks[] = {{3, 0}, {2, 0}, {3, 0}, {3, 0}, {5, 0}};
    static const struct expected_request expected[] = {{0, 1, 1, 0}, {2, 3, 5, 0}, {5, 6, 6, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* Who was preempted finds its own blocks again, with what it had generated in them: 6 blocks; A is
 * 8 + 6 tokens, B 5 + 7, no ids.
 *
 *   step  computes     start  end
 *   0     A8*:2 B5*:2  0      1
 *   1, 2  A1*:3 B1*:2  1      3
 *   3     A1*:3 B1*:2  3      4    b2 is full: 5 tokens of prompt and 3 generated ones
 *   4     A1*:3 B1*:3  4      5
 *   5     A1*:4        5      6    B is preempted, and A gets b3, which B gave back first; 2 are
 *                                  free, B wants 3; A done
 *   6     B2*:3        6      7    b1 and b2 are there; its sixth token
 *   7     B1*:3        7      8    B done
 */
START_TEST(test_preempted)
{
    struct schedule schedule = schedule_caching(_i, NULL);
    schedule.setup.num_gpu_blocks = 7;
    static const struct request requests[] = {REQUEST(0, 8, 6), REQUEST(0, 5, 7)};
    static const struct expected_step steps[] = {{13, 2, 0, 1}, {2, 2, 1, 2}, {2, 2, 2, 3},
                                                 {2, 2, 3, 4},  {2, 2, 4, 5}, {1, 1, 5, 6},
                                                 {2, 1, 6, 7},  {1, 1, 7, 8}};
    static const struct expected_blocks blocks[] = {{4, 0}, {5, 0}, {5, 0}, {5, 0},
                                                    {6, 0}, {4, 0}, {3, 0}, {3, 0}};
    static const struct expected_request expected[] = {{0, 1, 6, 0}, {0, 1, 8, 1}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* Only what is a victim's own becomes free: 5 blocks; A is 11 + 4 tokens with ids 1 2, B 2 + 6
 * without, C 10 + 3 with 1 2, at 0.
 *
 *   step  computes           blocks  start  end
 *   0     A11*:3 B2*:1 C2*:3  5      0      1    C shares a1 and a2
 *   1     A1*:3 B1*:1 C1*:3   5      1      2
 *   2     A1*:4 B1*:1         5      2      3    A needs a block: C's third, all it has of its own
 *   3     A1*:4               4      3      4    B needs a block, and preempts itself; A done
 *   4     B1*:2 C4*:3         5      4      5    B finds its first block, C a1 and a2; C done
 *   5     B1*:2               2      5      6
 *   6     B1*:2               2      6      7    B done
 *
 * Async: step 5 is planned when C still holds its blocks. */
START_TEST(test_shared_victim)
{
    static const int32_t cached_tokens[] = {0, 0, 8};
    struct schedule schedule = schedule_caching(_i, cached_tokens);
    schedule.setup.num_gpu_blocks = 6;
    static const uint64_t a[] = {1, 2};
    static const struct request requests[] = {PREFIXED(0, 11, 4, a, 4), REQUEST(0, 2, 6),
                                              PREFIXED(0, 10, 3, a, 4)};
    static const struct expected_step steps[] = {{15, 3, 0, 1}, {3, 3, 1, 2}, {2, 2, 2, 3},
                                                 {1, 1, 3, 4},  {5, 2, 4, 5}, {1, 1, 5, 6},
                                                 {1, 1, 6, 7}};
    const struct expected_blocks blocks[] = {{5, 0}, {5, 0},          {5, 0}, {4, 0},
                                             {5, 0}, {_i ? 5 : 2, 0}, {2, 0}};
    static const struct expected_request expected[] = {{0, 1, 4, 0}, {0, 1, 7, 1}, {0, 1, 5, 1}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* With a second tier: a quarter of a second from host memory, and an eighth for each block. */
static struct schedule schedule_offloading(bool async_scheduling, int64_t offload_blocks,
                                           const int32_t *cached_tokens)
{
    struct schedule schedule = schedule_caching(async_scheduling, cached_tokens);
    schedule.setup.num_gpu_blocks = 4;
    schedule.setup.offload_blocks = offload_blocks;
    schedule.setup.offload = (struct host_transfer){.latency_s = 0.25, .s_per_block = 0.125};
    return schedule;
}

/* 3 blocks on the device, 10 in host memory; one request at a time, one token of output.
 *
 *   request  prompt  ids  on the device  in host memory  computes  takes
 *   A        9       1 2  –              –               9         1
 *   B        9       5 6  –              –               9         1       A's are evicted
 *   C        9       1 2  –              a1 a2           1         1.5
 *   D        9       1 2  a1 a2          a1 a2           1         1       nothing is copied
 *   E        5       7    –              –               5         1       a2 is evicted
 *   F        9       1 2  a1             a1 a2           1         1.375   a2 is copied
 */
START_TEST(test_offload)
{
    static const int32_t cached_tokens[] = {0, 0, 8, 8, 0, 8};
    struct schedule schedule = schedule_offloading(_i, 10, cached_tokens);
    static const uint64_t a[] = {1, 2}, b[] = {5, 6}, e[] = {7};
    static const struct request requests[] = {PREFIXED(0, 9, 1, a, 4), PREFIXED(2, 9, 1, b, 4),
                                              PREFIXED(4, 9, 1, a, 4), PREFIXED(6, 9, 1, a, 4),
                                              PREFIXED(8, 5, 1, e, 4), PREFIXED(10, 9, 1, a, 4)};
    static const struct expected_step steps[] = {{9, 1, 0, 1}, {9, 1, 2, 3}, {1, 1, 4, 5.5},
                                                 {1, 1, 6, 7}, {5, 1, 8, 9}, {1, 1, 10, 11.375}};
    static const struct expected_blocks blocks[] = {{3, 0}, {3, 0}, {3, 0}, {3, 0}, {2, 0}, {3, 0}};
    static const struct expected_request expected[] = {{0, 1, 1, 0},     {2, 3, 3, 0},
                                                       {4, 5.5, 5.5, 0}, {6, 7, 7, 0},
                                                       {8, 9, 9, 0},     {10, 11.375, 11.375, 0}};
    CHECK_MEMORY(schedule, requests, steps, blocks, expected);
}
END_TEST

/* A second tier of 3 blocks: A, with ids 1 2, leaves a2 and a1 there, B, with 5 6, takes one that
 * is free and a2's. C, as A, finds a1 in host memory and computes the rest. */
START_TEST(test_offload_eviction)
{
    static const int32_t cached_tokens[] = {0, 0, 4};
    struct schedule schedule = schedule_offloading(_i, 3, cached_tokens);
    static const uint64_t a[] = {1, 2}, b[] = {5, 6};
    static const struct request requests[] = {PREFIXED(0, 9, 1, a, 4), PREFIXED(2, 9, 1, b, 4),
                                              PREFIXED(4, 9, 1, a, 4)};
    static const struct expected_step steps[] = {{9, 1, 0, 1}, {9, 1, 2, 3}, {5, 1, 4, 5.375}};
    static const struct expected_request expected[] = {
        {0, 1, 1, 0}, {2, 3, 3, 0}, {4, 5.375, 5.375, 0}};
    CHECK_SCHEDULE(schedule, requests, steps, expected);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("by hand, without (0) and with (1) async scheduling");
    tcase_add_loop_test(tcase, test_same_step, 0, 2);
    tcase_add_loop_test(tcase, test_under_way, 0, 2);
    tcase_add_loop_test(tcase, test_overtaken, 0, 2);
    tcase_add_loop_test(tcase, test_reach, 0, 2);
    tcase_add_loop_test(tcase, test_eviction, 0, 2);
    tcase_add_loop_test(tcase, test_found_takes_memory, 0, 2);
    tcase_add_loop_test(tcase, test_preempted, 0, 2);
    tcase_add_loop_test(tcase, test_shared_victim, 0, 2);
    tcase_add_loop_test(tcase, test_offload, 0, 2);
    tcase_add_loop_test(tcase, test_offload_eviction, 0, 2);
    return unit_run_case("prefixes", tcase);
}
