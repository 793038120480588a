/* What users of vLLM see (Kwon et al., "Efficient Memory Management for Large Language Model
 * Serving with PagedAttention", SOSP 2023, section 6): while the KV cache suffices its size is of
 * no consequence; below that latency rises sharply, whether what is preempted is computed again or
 * swapped. Each test prints its curve. */
#include "run_invariants.h"
#include "schedule_check.h"
#include "unit.h"

#include <check.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>

#define REQUESTS     400
#define AMPLE_BLOCKS 2000

/* 6 requests a second, at random, of 100 … 500 prompt and 20 … 200 output tokens: a third of
 * what the engine below can do. */
static void draw_requests(struct request requests[REQUESTS])
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    gsl_rng_set(rng, 1);
    double arrival_s = 0.0;
    for (size_t i = 0; i < REQUESTS; i++) {
        requests[i] =
            (struct request){.arrival_ns = sim_ns_from_s(arrival_s),
                             .prompt_tokens = 100 + (int32_t)gsl_rng_uniform_int(rng, 401),
                             .output_tokens = 20 + (int32_t)gsl_rng_uniform_int(rng, 181)};
        arrival_s += gsl_ran_exponential(rng, 1.0 / 6.0);
    }
    gsl_rng_free(rng);
}

/* Mean E2E with so many blocks of 16 tokens; *preemptions of all requests. */
static double run_mean_e2e_s(const struct policy *policy, int64_t swap_blocks, int64_t blocks,
                             int64_t *preemptions)
{
    struct request requests[REQUESTS];
    draw_requests(requests);
    struct schedule schedule = schedule_of(policy);
    schedule.setup.num_gpu_blocks = blocks + 1;
    schedule.setup.block_size = 16;
    schedule.setup.max_num_seqs = 64;
    schedule.setup.max_num_batched_tokens = 2048;
    schedule.setup.async_scheduling = policy->async_scheduling;
    schedule.setup.watermark_blocks = (int64_t)(policy->watermark * (double)blocks);
    schedule.setup.swap_blocks = swap_blocks;
    /* 2 MiB a block at 20 GB/s. */
    schedule.setup.swap = (struct host_transfer){.latency_s = 20e-6, .s_per_block = 105e-6};
    schedule.cost = (struct linear_cost){
        .base_s = 0.010, .per_prefill_token_s = 100e-6, .per_decode_sequence_s = 100e-6};
    struct recorded_run run;
    struct error error = {0};
    ck_assert_msg(
        run_recorder_run(&schedule.setup, &schedule.cost, requests, REQUESTS, &run, &error), "%s",
        error.text);
    const char *broken = run_invariants_broken(&schedule.setup, requests, &run);
    ck_assert_msg(broken == NULL, "does not hold: %s", broken);
    ck_assert_int_eq(run.result.swapped_out > 0, swap_blocks > 0 && run.result.preemptions > 0);
    double sum_s = 0.0;
    for (size_t i = 0; i < REQUESTS; i++)
        sum_s += sim_s_from_ns(run.outcomes[i].finished_ns - run.outcomes[i].arrival_ns);
    *preemptions = run.result.preemptions;
    recorded_run_fini(&run);
    return sum_s / REQUESTS;
}

static const struct {
    const struct policy *policy;
    int64_t swap_blocks;
} curves[] = {
    {&policy_vllm, 0}, {&policy_vllm, 10000}, {&policy_vllm_v0, 0}, {&policy_vllm_v0, 10000}};

/* Each size is less than the one before: from more than is ever taken to hardly enough for three of
 * the longest requests. */
START_TEST(test_curve)
{
    static const int64_t sizes[] = {20000, 10000, AMPLE_BLOCKS, 600, 400, 300,
                                    250,   200,   170,          150, 130, 110};
    double ample_s = 0.0, previous_s = 0.0;
    printf("%s, %s\n%8s %10s %12s\n", curves[_i].policy->name,
           curves[_i].swap_blocks > 0 ? "swap" : "recompute", "blocks", "mean E2E", "preemptions");
    for (size_t i = 0; i < COUNT(sizes); i++) {
        int64_t preemptions = 0;
        double mean_s =
            run_mean_e2e_s(curves[_i].policy, curves[_i].swap_blocks, sizes[i], &preemptions);
        printf("%8lld %8.2f s %12lld\n", (long long)sizes[i], mean_s, (long long)preemptions);
        if (i == 0)
            ample_s = mean_s;
        if (sizes[i] >= AMPLE_BLOCKS) {
            ck_assert_int_eq(preemptions, 0);
            ck_assert_double_eq(mean_s, ample_s);
        }
        ck_assert_double_ge(mean_s, 0.98 * previous_s);
        previous_s = mean_s;
    }
    ck_assert_double_ge(previous_s, 3.0 * ample_s);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("mean E2E by KV blocks");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, test_curve, 0, (int)COUNT(curves));
    return unit_run_case("memory", tcase);
}
