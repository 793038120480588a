#include "single_server.h"

#include "orders.h"
#include "policies.h"
#include "run_invariants.h"
#include "unit.h"

#include <gsl/gsl_randist.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>

static void draw_constant(gsl_rng *rng, struct request *request)
{
    (void)rng;
    request->prompt_tokens = 7;
    request->output_tokens = 10;
}

/* One step whose length is its prompt's, geometric with mean 10⁵ tokens of 10 µs: exponential to
 * within 10⁻⁵ of its mean. */
static void draw_exponential(gsl_rng *rng, struct request *request)
{
    request->prompt_tokens = (int32_t)gsl_ran_geometric(rng, 1e-5);
    request->output_tokens = 1;
}

/* A prompt of P tokens, uniform on 1 … 1000, at 0.5/500.5 s each, and M steps, geometric with mean 5,
 * at 0.1 s each. */
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

const struct service service_constant = {"M/D/1", {.base_s = 0.1}, draw_constant, 1.0};
const struct service service_exponential = {
    "M/M/1", {.per_prefill_token_s = 1e-5}, draw_exponential, 2.0};
const struct service service_general = {"M/G/1",
                                        {.base_s = 0.1, .per_prefill_token_s = GENERAL_TOKEN_S},
                                        draw_general,
                                        GENERAL_SQUARE_S2};

const struct simulation_setup single_server = {.policy = &policy_vllm,
                                               .queue_order = &order_fcfs,
                                               .enable_chunked_prefill = true,
                                               .num_gpu_blocks = 200000,
                                               .block_size = 16,
                                               .max_num_seqs = 1,
                                               .max_num_batched_tokens = 3000000,
                                               .max_model_len = 3000000};

struct request *single_server_requests(const struct service *service, double load, size_t count,
                                       unsigned long seed)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    struct request *requests = calloc(count, sizeof *requests);
    ck_assert(rng != NULL && requests != NULL);
    gsl_rng_set(rng, seed);
    double arrival_s = 0.0;
    for (size_t i = 0; i < count; i++) {
        requests[i].arrival_ns = sim_ns_from_s(arrival_s);
        service->draw(rng, &requests[i]);
        arrival_s += gsl_ran_exponential(rng, 1.0 / load);
    }
    gsl_rng_free(rng);
    return requests;
}

void single_server_run(const struct service *service, const struct request *requests, size_t count,
                       struct recorded_run *run)
{
    struct error error = {0};
    ck_assert_msg(run_recorder_run(&single_server, &service->cost, requests, count, run, &error),
                  "%s", error.text);
    const char *broken = run_invariants_broken(&single_server, requests, run);
    ck_assert_msg(broken == NULL, "does not hold: %s", broken);
}
