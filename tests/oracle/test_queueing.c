/* One sequence at a time is a single-server queue, and theory knows its mean waiting time
 * (Pollaczek-Khinchine): E[W] = λ E[S²] / (2 (1 − ρ)), with Poisson arrivals of rate λ, service
 * times S independent of them, and ρ = λ E[S]. With constant service it is M/D/1, with exponential
 * service M/M/1.
 *
 * A request is served from its admission to its last token: one step that prefills the prompt, and
 * output − 1 decode steps. Waiting is scheduled − arrival, exact without async scheduling. */
#include "orders.h"
#include "policies.h"
#include "run_invariants.h"
#include "unit.h"

#include <check.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_statistics_double.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>

#define BATCHES        50
#define BATCH_REQUESTS 8000
#define WARM_UP        8000 /* requests left out: the queue starts empty */
#define REQUESTS       (WARM_UP + BATCHES * BATCH_REQUESTS)

/* A service time of mean 1 s: what it costs, how a request draws it, and its second moment. */
struct service {
    struct linear_cost cost;
    void (*draw)(gsl_rng *rng, struct request *request);
    double mean_square_s2;
};

/* M/D/1: ten steps of 0.1 s. */
static void draw_constant(gsl_rng *rng, struct request *request)
{
    (void)rng;
    request->prompt_tokens = 7;
    request->output_tokens = 10;
}

/* M/M/1: one step whose length is its prompt's, geometric with mean 10⁵ tokens of 10 µs:
 * exponential to within 10⁻⁵ of its mean. */
static void draw_exponential(gsl_rng *rng, struct request *request)
{
    request->prompt_tokens = (int32_t)gsl_ran_geometric(rng, 1e-5);
    request->output_tokens = 1;
}

/* M/G/1: a prompt of P tokens, uniform on 1 … 1000, at 0.5/500.5 s each, and M steps, geometric
 * with mean 5, at 0.1 s each. */
static void draw_general(gsl_rng *rng, struct request *request)
{
    request->prompt_tokens = 1 + (int32_t)gsl_rng_uniform_int(rng, 1000);
    request->output_tokens = (int32_t)gsl_ran_geometric(rng, 0.2);
}

/* E[S²] of the last: E[S]² + var, with var P = (1000² − 1)/12 and var M = (1 − p)/p². */
#define GENERAL_TOKEN_S (0.5 / 500.5)
#define GENERAL_SQUARE_S2                                                                          \
    (1.0 + GENERAL_TOKEN_S * GENERAL_TOKEN_S * (1000.0 * 1000.0 - 1.0) / 12.0 +                    \
     0.1 * 0.1 * (1.0 - 0.2) / (0.2 * 0.2))

static const struct service services[] = {
    {{.base_s = 0.1}, draw_constant, 1.0},
    {{.per_prefill_token_s = 1e-5}, draw_exponential, 2.0},
    {{.base_s = 0.1, .per_prefill_token_s = GENERAL_TOKEN_S}, draw_general, GENERAL_SQUARE_S2},
};
static const double loads[] = {0.5, 0.8};

static struct request *draw_requests(const struct service *service, double load)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    struct request *requests = calloc(REQUESTS, sizeof *requests);
    ck_assert(rng != NULL && requests != NULL);
    gsl_rng_set(rng, 20);
    double arrival_s = 0.0;
    for (size_t i = 0; i < REQUESTS; i++) {
        requests[i].arrival_ns = sim_ns_from_s(arrival_s);
        service->draw(rng, &requests[i]);
        arrival_s += gsl_ran_exponential(rng, 1.0 / load);
    }
    gsl_rng_free(rng);
    return requests;
}

/* The mean of the batches' means is within 3 of its standard errors of what theory says. */
static void check_mean(const char *what, const double means[BATCHES], double expected)
{
    double mean = gsl_stats_mean(means, 1, BATCHES);
    double error = gsl_stats_sd_m(means, 1, BATCHES, mean) / sqrt(BATCHES);
    ck_assert_msg(fabs(mean - expected) <= 3.0 * error, "%s: %g, standard error %g, theory %g",
                  what, mean, error, expected);
    ck_assert_msg(error < 0.05 * expected, "%s: %g +- %g says nothing", what, mean, error);
}

static void check_queue(const struct recorded_run *run, const struct service *service, double load)
{
    double waiting_s[BATCHES] = {0}, waiting_count[BATCHES], service_s[BATCHES] = {0};
    double service_square_s2[BATCHES] = {0};
    for (size_t batch = 0; batch < BATCHES; batch++) {
        const struct request_outcome *outcomes = run->outcomes + WARM_UP + batch * BATCH_REQUESTS;
        for (size_t i = 0; i < BATCH_REQUESTS; i++) {
            double served_s = sim_s_from_ns(outcomes[i].finished_ns - outcomes[i].scheduled_ns);
            waiting_s[batch] += sim_s_from_ns(outcomes[i].scheduled_ns - outcomes[i].arrival_ns);
            service_s[batch] += served_s;
            service_square_s2[batch] += served_s * served_s;
        }
        int64_t span_ns = outcomes[BATCH_REQUESTS - 1].arrival_ns - outcomes[0].arrival_ns;
        /* Little's law: the mean number waiting is λ E[W]. */
        waiting_count[batch] = waiting_s[batch] / sim_s_from_ns(span_ns);
        waiting_s[batch] /= BATCH_REQUESTS;
        service_s[batch] /= BATCH_REQUESTS;
        service_square_s2[batch] /= BATCH_REQUESTS;
    }
    double expected_s = load * service->mean_square_s2 / (2.0 * (1.0 - load));
    check_mean("mean waiting time", waiting_s, expected_s);
    check_mean("mean number waiting", waiting_count, load * expected_s);
    if (service->draw != draw_constant) {
        check_mean("mean service time", service_s, 1.0);
        check_mean("mean square of the service time", service_square_s2, service->mean_square_s2);
    }
}

START_TEST(test_single_server)
{
    const struct service *service = &services[(size_t)_i / 2];
    double load = loads[_i % 2];
    struct request *requests = draw_requests(service, load);
    struct simulation_setup setup = {.policy = &policy_vllm,
                                     .queue_order = &order_fcfs,
                                     .enable_chunked_prefill = true,
                                     .num_gpu_blocks = 200000,
                                     .block_size = 16,
                                     .max_num_seqs = 1,
                                     .max_num_batched_tokens = 3000000,
                                     .max_model_len = 3000000};
    struct recorded_run run;
    struct error error = {0};
    ck_assert_msg(run_recorder_run(&setup, &service->cost, requests, REQUESTS, &run, &error), "%s",
                  error.text);
    const char *broken = run_invariants_broken(&setup, requests, &run);
    ck_assert_msg(broken == NULL, "does not hold: %s", broken);
    check_queue(&run, service, load);
    recorded_run_fini(&run);
    free(requests);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("M/D/1, M/M/1 and M/G/1 at loads 0.5 and 0.8");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_single_server, 0, 6);
    return unit_run_case("queueing", tcase);
}
