/* What a test with a schedule worked out by hand needs: the setup, the table, the comparison. */
#ifndef LLMSIM_TESTS_SCHEDULE_CHECK_H
#define LLMSIM_TESTS_SCHEDULE_CHECK_H

#include "linear_cost.h"
#include "orders.h"
#include "policies.h"
#include "simulation.h"
#include <assert.h>

struct expected_step {
    int32_t tokens, sequences;
    double start_s, end_s;
};

/* Times −1: rejected. */
struct expected_request {
    double scheduled_s, first_token_s, finished_s;
    int32_t preemptions;
};

/* Where a request's time went. */
struct expected_parts {
    double part_s[TIME_PART_COUNT];
};

/* Of a step, once it is planned. */
struct expected_blocks {
    int64_t used;
    int64_t empty; /* −1: unimportant */
};

struct schedule {
    struct simulation_setup setup;
    struct linear_cost cost;
    const struct request *requests;
    size_t request_count;
    const struct expected_step *steps;
    size_t step_count;
    const struct expected_request *expected;
    const struct expected_blocks *blocks; /* one a step; NULL: unimportant */
    const int32_t *replicas;              /* one a step; NULL: one */
    const struct expected_parts *parts;   /* one a request; NULL: unimportant */
    const int32_t *cached_tokens;         /* one a request; NULL: none */
    uint64_t gap_square_sum_s2;           /* of the intervals between tokens; 0: unimportant */
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* For requests that have more to them, too. */
#define REQUEST_FIELDS(arrival_s, prompt, output)                                                  \
    .arrival_ns = (int64_t)((arrival_s)*1000) * 1000000, .prompt_tokens = (prompt),                \
    .output_tokens = (output)

#define REQUEST(arrival_s, prompt, output)                                                         \
    {                                                                                              \
        REQUEST_FIELDS(arrival_s, prompt, output)                                                  \
    }

/* Policy vllm, served by arrival, with room for everything, one second a step: each test tightens
 * what it is about. */
struct schedule schedule_ample(bool async_scheduling);

/* The same of another policy, with one step in flight and memory allocated as it does it. */
struct schedule schedule_of(const struct policy *policy);

/* A difference, or a broken invariant, fails the test. */
void schedule_check(const struct schedule *schedule);

#define CHECK_SCHEDULE(schedule, given_requests, given_steps, given_expected)                      \
    do {                                                                                           \
        static_assert(COUNT(given_requests) == COUNT(given_expected), "one outcome a request");    \
        (schedule).requests = (given_requests);                                                    \
        (schedule).request_count = COUNT(given_requests);                                          \
        (schedule).steps = (given_steps);                                                          \
        (schedule).step_count = COUNT(given_steps);                                                \
        (schedule).expected = (given_expected);                                                    \
        schedule_check(&(schedule));                                                               \
    } while (0)

/* The same with what the steps hold. */
#define CHECK_MEMORY(schedule, given_requests, given_steps, given_blocks, given_expected)          \
    do {                                                                                           \
        static_assert(COUNT(given_steps) == COUNT(given_blocks), "blocks of every step");          \
        (schedule).blocks = (given_blocks);                                                        \
        CHECK_SCHEDULE(schedule, given_requests, given_steps, given_expected);                     \
    } while (0)

#endif
