/* The queue order `vtc` against the theorem of its paper (Sheng et al., OSDI 2024, Theorem 4.4): of
 * two clients that both have requests waiting all the time, neither is served more than the other by
 * more than
 *
 *     2·U,  U = max(prompt tokens of a request, 2 · tokens in a batch)
 *
 * where a prompt token is worth 1 and an output token 2. A step takes a second, and whoever runs
 * decodes in every step, so that what has been served by any second follows from the outcomes. */
#include "orders.h"
#include "policies.h"
#include "rng.h"
#include "run_recorder.h"
#include "unit.h"

#include <llmsim/sim_time.h>

enum { CLIENTS = 3, REQUESTS = 720, LONGEST_PROMPT = 60, LONGEST_OUTPUT = 40 };

/* The second client is idle at first, and must not get anything for that. */
static const int64_t starts_s[CLIENTS] = {0, 400, 0};

/* Short requests and long ones; each client's are all there at once. */
static void draw_requests(gsl_rng *rng, struct request *requests)
{
    static const unsigned long shares[CLIENTS] = {1, 2, 4};
    for (int i = 0; i < REQUESTS; i++) {
        int client = i < REQUESTS * 2 / 3 ? 2 * (i % 2) : 1;
        unsigned long prompts = LONGEST_PROMPT / shares[client];
        unsigned long outputs = LONGEST_OUTPUT / shares[CLIENTS - 1 - client];
        requests[i] = (struct request){
            .arrival_ns = starts_s[client] * SIM_NS_PER_S,
            .prompt_tokens = 1 + (int32_t)gsl_rng_uniform_int(rng, prompts),
            .output_tokens = 1 + (int32_t)gsl_rng_uniform_int(rng, outputs),
            .client = 1000 + (uint64_t)client,
        };
    }
}

static int64_t tokens_worth(const struct request *request, const struct request_outcome *outcome,
                            int64_t now_ns)
{
    if (outcome->scheduled_ns >= now_ns)
        return 0;
    int64_t output_tokens = (now_ns - outcome->first_token_ns) / SIM_NS_PER_S + 1;
    if (now_ns < outcome->first_token_ns)
        output_tokens = 0;
    if (output_tokens > request->output_tokens)
        output_tokens = request->output_tokens;
    return request->prompt_tokens + 2 * output_tokens;
}

/* What each client has been served by the time. */
static void sum_service(const struct request *requests, const struct recorded_run *run,
                        int64_t now_ns, int64_t service[CLIENTS])
{
    memset(service, 0, CLIENTS * sizeof *service);
    for (int i = 0; i < REQUESTS; i++)
        service[requests[i].client - 1000] += tokens_worth(&requests[i], &run->outcomes[i], now_ns);
}

/* Until when something of each client waits. */
static void find_ends(const struct request *requests, const struct recorded_run *run,
                      int64_t ends_ns[CLIENTS])
{
    memset(ends_ns, 0, CLIENTS * sizeof *ends_ns);
    for (int i = 0; i < REQUESTS; i++) {
        int64_t *end_ns = &ends_ns[requests[i].client - 1000];
        if (run->outcomes[i].scheduled_ns > *end_ns)
            *end_ns = run->outcomes[i].scheduled_ns;
    }
}

/* The largest difference in service between the two, from when both wait to when one does not. */
static int64_t widest_gap(const struct request *requests, const struct recorded_run *run, int first,
                          int second)
{
    int64_t ends_ns[CLIENTS], before[CLIENTS], now[CLIENTS], least = 0, most = 0;
    find_ends(requests, run, ends_ns);
    int64_t from_s = starts_s[first] > starts_s[second] ? starts_s[first] : starts_s[second];
    int64_t to_ns = ends_ns[first] < ends_ns[second] ? ends_ns[first] : ends_ns[second];
    ck_assert_int_gt(to_ns, (from_s + 100) * SIM_NS_PER_S);
    sum_service(requests, run, from_s * SIM_NS_PER_S, before);
    for (int64_t now_ns = from_s * SIM_NS_PER_S; now_ns <= to_ns; now_ns += SIM_NS_PER_S) {
        sum_service(requests, run, now_ns, now);
        int64_t gap = now[first] - before[first] - (now[second] - before[second]);
        least = gap < least ? gap : least;
        most = gap > most ? gap : most;
    }
    return most - least; /* from any time on to any other */
}

static struct recorded_run serve(const struct request *requests, const struct queue_order *order,
                                 int32_t slots)
{
    static const struct linear_cost cost = {.base_s = 1.0};
    struct simulation_setup setup = {.policy = &policy_vllm,
                                     .queue_order = order,
                                     .num_gpu_blocks = 10000,
                                     .block_size = 16,
                                     .max_num_seqs = slots,
                                     .max_num_batched_tokens = 8192,
                                     .max_model_len = 8192,
                                     .enable_chunked_prefill = true,
                                     .preferred_batch_size = 1};
    struct recorded_run run;
    struct error error = {0};
    ck_assert_msg(run_recorder_run(&setup, &cost, requests, REQUESTS, &run, &error), "%s",
                  error.text);
    ck_assert_int_eq(run.result.preemptions, 0);
    return run;
}

static int64_t bound(int32_t slots)
{
    return 2 * 2 * slots * (LONGEST_PROMPT + LONGEST_OUTPUT);
}

/* One slot, and several. */
START_TEST(test_bound)
{
    static const int32_t slots[] = {1, 2, 5};
    gsl_rng *rng = rng_create(1, "fairness");
    for (int trial = 0; trial < 5; trial++) {
        struct request requests[REQUESTS];
        draw_requests(rng, requests);
        struct recorded_run run = serve(requests, &order_vtc, slots[_i]);
        for (int first = 0; first < CLIENTS; first++) {
            for (int second = 0; second < first; second++)
                ck_assert_int_le(widest_gap(requests, &run, first, second), bound(slots[_i]));
        }
        recorded_run_fini(&run);
    }
    gsl_rng_free(rng);
}
END_TEST

/* By arrival, who comes late waits for all that came before. */
START_TEST(test_other_orders_are_not_fair)
{
    struct request requests[REQUESTS];
    gsl_rng *rng = rng_create(1, "fairness");
    draw_requests(rng, requests);
    struct recorded_run run = serve(requests, &order_fcfs, 1);
    ck_assert_int_gt(widest_gap(requests, &run, 0, 1), 2 * bound(1));
    recorded_run_fini(&run);
    gsl_rng_free(rng);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("fair shares");
    tcase_add_loop_test(tcase, test_bound, 0, 3);
    tcase_add_test(tcase, test_other_orders_are_not_fair);
    return unit_run_case("fairness", tcase);
}
