/* Users who wait for an answer before they send again: exactly, where the server is simple enough to
 * be worked out by hand, and by the laws of queueing theory where it is not. */
#include "serving.h"

#include <llmsim/sim_time.h>
#include <math.h>

#define LENGTHS                                                                                    \
    "prompt_tokens: {distribution: exponential, mean: 100, max: 2000}\n"                           \
    "output_tokens: {distribution: exponential, mean: 5}\n"

static char directory[64];

static void enter(void)
{
    unit_enter_directory(directory);
}

static void leave(void)
{
    unit_leave_directory(directory);
}

/* One user without a thought: one request behind the other, to the nanosecond. */
START_TEST(one_user_is_back_to_back)
{
    struct serving serving = {.base_s = 0.025, .per_prefill_token_s = 1e-5};
    ck_assert_msg(serve(&serving,
                        "arrivals: {process: closed, concurrency: 1}\nnum_requests: 500\n" LENGTHS,
                        500, serving_setup()),
                  "%s", serving.error.text);
    ck_assert_uint_eq(serving.sent.count, 500);
    int64_t now_ns = 0;
    for (size_t i = 0; i < 500; i++) {
        const struct request_outcome *outcome = &serving.outcomes[i];
        ck_assert_int_eq(outcome->arrival_ns, now_ns);
        ck_assert_int_eq(outcome->scheduled_ns, now_ns);
        now_ns += sim_ns_from_s(0.025 + 1e-5 * outcome->prompt_tokens);
        ck_assert_int_eq(outcome->first_token_ns, now_ns);
        now_ns += (outcome->output_tokens - 1) * sim_ns_from_s(0.025);
        ck_assert_int_eq(outcome->finished_ns, now_ns);
    }
    serving_fini(&serving);
}
END_TEST

/* Never more in flight than users; as many, as long as there is something to send. */
static void check_in_flight(const struct serving *serving, int users)
{
    for (size_t i = 0; i < serving->sent.count; i++) {
        const int64_t now_ns = serving->outcomes[i].arrival_ns;
        int in_flight = 0;
        for (size_t j = 0; j < serving->sent.count; j++)
            in_flight += serving->outcomes[j].arrival_ns <= now_ns &&
                         serving->outcomes[j].finished_ns > now_ns;
        ck_assert_int_le(in_flight, users);
        if (i + (size_t)users < serving->sent.count)
            ck_assert_int_eq(in_flight, users);
    }
}

START_TEST(without_thinking_all_users_are_in_flight)
{
    struct serving serving = {.base_s = 0.025, .per_prefill_token_s = 1e-5};
    ck_assert(serve(&serving,
                    "arrivals: {process: closed, concurrency: 7}\nnum_requests: 1000\n" LENGTHS,
                    1000, serving_setup()));
    for (size_t i = 0; i < 7; i++)
        ck_assert_int_eq(serving.outcomes[i].arrival_ns, 0);
    /* Requests of one step may end together, and their users' next ones arrive together. */
    for (size_t i = 7; i < serving.sent.count; i++)
        ck_assert_int_gt(serving.outcomes[i].arrival_ns, 0);
    check_in_flight(&serving, 7);
    serving_fini(&serving);
}
END_TEST

/* The interactive response time law: X = N / (R + Z). Over a run it holds but for what the last
 * cycles lack, and for what the drawn thinking times differ from their mean. */
START_TEST(interactive_response_time_law)
{
    enum { REQUESTS = 20000, USERS = 40 };
    struct simulation_setup setup = serving_setup();
    struct serving serving = {.base_s = 0.1, .per_prefill_token_s = 1e-4};
    setup.max_num_seqs = 8;
    ck_assert(serve(&serving,
                    "arrivals: {process: closed, concurrency: 40, think_time: 2 s}\n"
                    "num_requests: 20000\n" LENGTHS,
                    REQUESTS, setup));
    double response_s = 0.0, waiting_s = 0.0;
    int64_t last_ns = 0;
    for (size_t i = 0; i < REQUESTS; i++) {
        const struct request_outcome *outcome = &serving.outcomes[i];
        response_s += sim_s_from_ns(outcome->finished_ns - outcome->arrival_ns) / REQUESTS;
        waiting_s += sim_s_from_ns(outcome->scheduled_ns - outcome->arrival_ns) / REQUESTS;
        last_ns = outcome->finished_ns > last_ns ? outcome->finished_ns : last_ns;
    }
    ck_assert_double_gt(waiting_s, 0.1); /* users do wait for each other */
    const double throughput = REQUESTS / sim_s_from_ns(last_ns);
    const double expected = USERS / (response_s + 2.0);
    ck_assert_msg(fabs(throughput / expected - 1.0) < 0.02, "%g /s, law %g /s", throughput,
                  expected);
    serving_fini(&serving);
}
END_TEST

/* An answer at the end of a step brings its user's next request after the step behind it has been
 * planned: rows of a trace, in their order. */
START_TEST(answers_come_after_the_next_step_is_planned)
{
    static const char trace[] = "arrival_s,prompt_tokens,output_tokens\n"
                                "0,10,1\n0,11,3\n99,12,1\n99,13,1\n";
    static const int64_t ms = 1000000;
    struct serving serving = {.base_s = 0.025};
    unit_write_file("t.csv", trace, strlen(trace));
    ck_assert_msg(serve(&serving, "trace: t.csv\narrivals: {process: closed, concurrency: 2}\n", 4,
                        serving_setup()),
                  "%s", serving.error.text);
    const struct request_outcome *outcomes = serving.outcomes;
    for (int i = 0; i < 4; i++)
        ck_assert_int_eq(outcomes[i].prompt_tokens, 10 + i);
    ck_assert_int_eq(outcomes[0].finished_ns, 25 * ms);
    ck_assert_int_eq(outcomes[2].arrival_ns, 25 * ms);
    ck_assert_int_eq(outcomes[2].scheduled_ns, 50 * ms);
    ck_assert_int_eq(outcomes[1].finished_ns, 75 * ms);
    ck_assert_int_eq(outcomes[2].finished_ns, 75 * ms);
    ck_assert_int_eq(outcomes[3].arrival_ns, 75 * ms);
    ck_assert_int_eq(outcomes[3].finished_ns, 100 * ms);
    serving_fini(&serving);
    ck_assert_int_eq(unlink("t.csv"), 0);
}
END_TEST

/* Turn after turn, session after session: a turn arrives when the one before has been answered. */
START_TEST(users_go_through_sessions)
{
    struct serving serving = {.base_s = 0.02, .per_prefill_token_s = 1e-5};
    ck_assert(serve(&serving,
                    "arrivals: {process: closed, concurrency: 5}\nnum_requests: 600\n"
                    "sessions: {turns: {distribution: constant, value: 4}}\n" LENGTHS,
                    600, serving_setup()));
    size_t sessions = 0;
    for (size_t i = 0; i < serving.sent.count; i++) {
        const struct kept_request *turn = &serving.sent.requests[i];
        sessions += turn->request.turn == 1;
        if (turn->request.turn == 1)
            continue;
        size_t before = i;
        do {
            ck_assert_uint_gt(before, 0);
            before--;
        } while (strcmp(serving.sent.requests[before].session, turn->session) != 0);
        const struct request *last = &serving.sent.requests[before].request;
        ck_assert_int_eq(last->turn + 1, turn->request.turn);
        ck_assert_int_eq(turn->request.arrival_ns, serving.outcomes[before].finished_ns);
        ck_assert_int_gt(turn->request.prompt_tokens, last->prompt_tokens + last->output_tokens);
    }
    ck_assert_uint_ge(sessions, 150);
    check_in_flight(&serving, 5);
    serving_fini(&serving);
}
END_TEST

/* Whole blocks of a prompt that some earlier prompt had, but for the last token: what a cache that
 * forgets nothing finds, where each request is answered before the next. */
static int64_t count_naively(const struct generated *sent, size_t index)
{
    const struct request *request = &sent->requests[index].request;
    int32_t most = (request->prompt_tokens - 1) / 16, found = 0;
    for (size_t i = 0; i < index; i++) {
        const struct request *earlier = &sent->requests[i].request;
        const int32_t whole = earlier->prompt_tokens / 16;
        int32_t common = 0;
        while (common < most && common < whole && common < earlier->prefix_id_count &&
               common < request->prefix_id_count &&
               earlier->prefix_ids[common] == request->prefix_ids[common])
            common++;
        found = common > found ? common : found;
    }
    return (int64_t)found * 16;
}

START_TEST(prefix_hits_are_what_a_naive_count_gives)
{
    struct serving serving = {.base_s = 0.02};
    ck_assert(serve(&serving,
                    "arrivals: {process: closed, concurrency: 1}\nnum_requests: 400\n"
                    "shared_prefix: {tokens: 70, count: 3}\n"
                    "sessions: {turns: {distribution: exponential, mean: 3}}\n" LENGTHS,
                    400, serving_setup()));
    int64_t hits = 0;
    for (size_t i = 0; i < serving.sent.count; i++) {
        const int64_t expected = count_naively(&serving.sent, i);
        ck_assert_int_eq(serving.outcomes[i].cached_tokens, expected);
        hits += expected;
    }
    ck_assert_int_gt(hits, serving.result.prompt_tokens / 4);
    ck_assert_int_eq(serving.result.cached_tokens, hits);
    serving_fini(&serving);
}
END_TEST

/* Refused requests are answered, too. */
START_TEST(users_survive_refusals)
{
    struct simulation_setup setup = serving_setup();
    struct serving serving = {.base_s = 0.02};
    setup.max_model_len = 100;
    ck_assert(serve(&serving,
                    "arrivals: {process: closed, concurrency: 3, think_time: 1 s}\n"
                    "num_requests: 300\n" LENGTHS,
                    300, setup));
    ck_assert_uint_eq(serving.sent.count, 300);
    ck_assert_int_gt(serving.result.rejected_too_long, 100);
    ck_assert_int_lt(serving.result.rejected_too_long, 250);
    serving_fini(&serving);
}
END_TEST

START_TEST(refuses_to_let_time_stand_still)
{
    enum { CAPACITY = 100010 };
    struct simulation_setup setup = serving_setup();
    struct serving serving = {.base_s = 0.02};
    setup.max_model_len = 1;
    ck_assert(!serve(&serving,
                     "arrivals: {process: closed, concurrency: 2}\nduration: 5 s\n"
                     "prompt_tokens: {distribution: constant, value: 9}\n"
                     "output_tokens: {distribution: constant, value: 9}\n",
                     CAPACITY, setup));
    ck_assert_ptr_nonnull(strstr(serving.error.text, "at one instant"));
    serving_fini(&serving);
}
END_TEST

START_TEST(duration_ends_sending_only)
{
    struct serving serving = {.base_s = 0.3};
    ck_assert(serve(&serving,
                    "arrivals: {process: closed, concurrency: 4, think_time: 2 s}\n"
                    "duration: 100 s\n" LENGTHS,
                    1000, serving_setup()));
    ck_assert_uint_gt(serving.sent.count, 60);
    int64_t last_arrival_ns = 0;
    for (size_t i = 0; i < serving.sent.count; i++)
        last_arrival_ns = serving.outcomes[i].arrival_ns;
    ck_assert_int_lt(last_arrival_ns, 100 * SIM_NS_PER_S);
    ck_assert_int_gt(last_arrival_ns, 90 * SIM_NS_PER_S);
    ck_assert_int_gt(serving.result.end_ns, 100 * SIM_NS_PER_S);
    serving_fini(&serving);
}
END_TEST

/* What was given and not taken is given again: max_requests and prompt_scale count it once. */
START_TEST(transformations_survive_answers)
{
    struct serving serving = {.base_s = 0.02};
    ck_assert(serve(&serving,
                    "arrivals: {process: closed, concurrency: 4, think_time: 1 s}\n"
                    "max_requests: 77\nprompt_scale: 3\nnum_requests: 1000\n"
                    "prompt_tokens: {distribution: constant, value: 9}\n"
                    "output_tokens: {distribution: exponential, mean: 9}\n",
                    1000, serving_setup()));
    ck_assert_uint_eq(serving.sent.count, 77);
    for (size_t i = 0; i < serving.sent.count; i++)
        ck_assert_int_eq(serving.outcomes[i].prompt_tokens, 27);
    serving_fini(&serving);
}
END_TEST

/* A class that waits for answers beside one that does not, whose arrivals are as if it were alone. */
START_TEST(open_and_closed_classes_mix)
{
    struct serving serving = {.base_s = 0.05, .per_prefill_token_s = 1e-4};
    ck_assert(serve(&serving,
                    "classes:\n"
                    "  open: {arrivals: {process: constant, rate: 2},\n"
                    "    prompt_tokens: {distribution: constant, value: 9},\n"
                    "    output_tokens: {distribution: constant, value: 9}}\n"
                    "  closed: {arrivals: {process: closed, concurrency: 3, think_time: 1 s},\n"
                    "    prompt_tokens: {distribution: constant, value: 99},\n"
                    "    output_tokens: {distribution: exponential, mean: 9}}\n"
                    "duration: 60 s\n",
                    2000, serving_setup()));
    int64_t open = 0, closed = 0;
    for (size_t i = 0; i < serving.sent.count; i++) {
        const struct kept_request *kept = &serving.sent.requests[i];
        ck_assert_int_eq(kept->request.arrival_ns, serving.outcomes[i].arrival_ns);
        if (strcmp(kept->class_name, "open") == 0)
            ck_assert_int_eq(kept->request.arrival_ns, open++ * SIM_NS_PER_S / 2);
        else
            closed++;
    }
    ck_assert_int_eq(open, 120);
    ck_assert_int_gt(closed, 60);
    serving_fini(&serving);
}
END_TEST

#define CLOSED "arrivals: {process: closed, concurrency: 2}\n" LENGTHS

START_TEST(refuses_what_makes_no_sense)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"arrivals: {process: closed}\nnum_requests: 5\n" LENGTHS,
         "c.yaml:1:12: process 'closed' of arrivals needs 'concurrency'"},
        {"arrivals: {process: closed, concurrency: 2, rate: 4}\nnum_requests: 5\n" LENGTHS,
         "c.yaml:1:45: 'rate' has no meaning for process 'closed'"},
        {"arrivals: {process: poisson, rate: 4, think_time: 4}\nnum_requests: 5\n" LENGTHS,
         "c.yaml:1:39: 'think_time' has no meaning for process 'poisson'"},
        {CLOSED "num_requests: 5\nrate_scale: 2\n",
         "c.yaml:5:1: 'rate_scale' has no meaning for a closed loop"},
        {CLOSED "num_requests: 5\ntarget_rate: 2\n", "c.yaml:5:1: 'target_rate' has no meaning"},
        {CLOSED "num_requests: 5\nstart: 2 s\n", "c.yaml:5:1: 'start' has no meaning"},
        {CLOSED "num_requests: 5\nsample: 0.5\n", "c.yaml:5:1: 'sample' has no meaning"},
        {CLOSED "num_requests: 5\nrepeat: 2\n", "c.yaml:5:1: 'repeat' has no meaning"},
        {"trace: t.csv\nrepeat: 2\narrivals: {process: closed, concurrency: 2}\n",
         "c.yaml:2:1: 'repeat' has no meaning"},
        {CLOSED "num_requests: 5\nsessions: {turns: {distribution: constant, value: 2}, "
                "turn_gap: 5 s}\n",
         "c.yaml:5:55: 'turn_gap' has no meaning in a closed loop"},
        {CLOSED, "generated traffic needs 'num_requests', or a 'duration'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused_workload(cases[i].text, cases[i].error);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_user_is_back_to_back,      without_thinking_all_users_are_in_flight,
        interactive_response_time_law, answers_come_after_the_next_step_is_planned,
        users_go_through_sessions,     prefix_hits_are_what_a_naive_count_gives,
        users_survive_refusals,        refuses_to_let_time_stand_still,
        duration_ends_sending_only,    transformations_survive_answers,
        open_and_closed_classes_mix,   refuses_what_makes_no_sense,
    };
    return unit_run_with("closed loop", tests, COUNT(tests), enter, leave);
}
