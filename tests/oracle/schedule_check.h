/* What a test with a schedule worked out by hand needs: the setup, the table, the comparison. */
#ifndef LLMSIM_TESTS_SCHEDULE_CHECK_H
#define LLMSIM_TESTS_SCHEDULE_CHECK_H

#include "linear_cost.h"
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

struct schedule {
    struct simulation_setup setup;
    struct linear_cost cost;
    const struct request *requests;
    size_t request_count;
    const struct expected_step *steps;
    size_t step_count;
    const struct expected_request *expected;
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

#define REQUEST(arrival_s, prompt, output)                                                         \
    {                                                                                              \
        .arrival_ns = (int64_t)((arrival_s)*1000) * 1000000, .prompt_tokens = (prompt),            \
        .output_tokens = (output)                                                                  \
    }

/* Room for everything, one second a step: each test tightens what it is about. */
struct schedule schedule_ample(bool async_scheduling);

/* Runs policy vllm; a difference, or a broken invariant, fails the test. */
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

#endif
