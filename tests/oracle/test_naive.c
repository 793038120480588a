/* The engine, which keeps its decoding sequences as sums and its cached prefixes as runs of blocks,
 * against a simulator that walks a list of each: every policy with every queue order, every
 * allocation, recomputing, swapping and caching, with one and two steps in flight. Every outcome and
 * every step must agree in every field. */
#include "naive_compare.h"
#include "naive_simulator.h"
#include "orders.h"
#include "policies.h"
#include "random_case.h"
#include "run_invariants.h"
#include "unit.h"

#include <check.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>

/* Of every combination. */
#define RANDOM_CASES 400

/* Of each policy and way to preempt. */
#define THRASHING_CASES 20

/* What runs have come by. */
struct tally {
    int64_t runs, rejected, preemptions, async_preemptions;
    int64_t preemptions_by[8]; /* by queue order, of which there are fewer */
    int64_t swapped_out, cached_tokens, offloaded_tokens;
    struct naive_events events;
};

static size_t queue_order_count(void)
{
    size_t count = 0;
    while (queue_order_at(count) != NULL)
        count++;
    return count;
}

static void add_events(struct naive_events *sum, const struct naive_events *events)
{
    int64_t *sums = (int64_t *)sum;
    const int64_t *terms = (const int64_t *)events;
    for (size_t i = 0; i < sizeof *sum / sizeof *sums; i++)
        sums[i] += terms[i];
}

static void count(struct tally *tally, const struct simulation_setup *setup,
                  const struct naive_result *naive)
{
    const struct simulation_result *totals = &naive->totals;
    size_t order = 0;
    while (queue_order_at(order) != setup->queue_order)
        order++;
    tally->runs++;
    tally->rejected += totals->rejected_too_long + totals->rejected_no_memory;
    tally->preemptions += totals->preemptions;
    tally->async_preemptions += setup->async_scheduling ? totals->preemptions : 0;
    tally->preemptions_by[order] += totals->preemptions;
    tally->swapped_out += totals->swapped_out;
    tally->cached_tokens += totals->cached_tokens;
    tally->offloaded_tokens += totals->offloaded_tokens;
    add_events(&tally->events, &naive->events);
}

/* Both simulators over the case; false when they differ or an invariant is broken. */
static bool agree(const struct random_case *random_case, struct tally *tally, FILE *stream)
{
    const struct simulation_setup *setup = &random_case->setup;
    struct naive_result naive;
    naive_simulator_run(setup, &random_case->cost, random_case->requests,
                        random_case->request_count, &naive);
    struct recorded_run run;
    struct error error = {0};
    bool same = run_recorder_run(setup, &random_case->cost, random_case->requests,
                                 random_case->request_count, &run, &error);
    if (!same && stream != NULL)
        fprintf(stream, "the engine refuses: %s\n", error.text);
    same = same && naive_compare(&naive, &run, stream);
    const char *broken = same ? run_invariants_broken(setup, random_case->requests, &run) : NULL;
    if (broken != NULL && stream != NULL)
        fprintf(stream, "does not hold: %s\n", broken);
    if (tally != NULL)
        count(tally, setup, &naive);
    recorded_run_fini(&run);
    naive_result_fini(&naive);
    return same && broken == NULL;
}

static bool differs(const struct random_case *random_case)
{
    return !agree(random_case, NULL, NULL);
}

static void require_agreement(struct random_case *random_case, unsigned long seed,
                              struct tally *tally)
{
    if (agree(random_case, tally, NULL))
        return;
    random_case_shrink(random_case, differs);
    fprintf(stderr, "seed %lu, requests left out as long as it fails:\n", seed);
    random_case_print(random_case, stderr);
    agree(random_case, NULL, stderr);
    ck_abort_msg("the engine and the naive simulator differ (seed %lu)", seed);
}

static void check_features(gsl_rng *rng, const struct random_case_features *features,
                           struct tally *tally)
{
    for (unsigned long i = 1; i <= RANDOM_CASES; i++) {
        struct random_case random_case;
        unsigned long seed = i + (unsigned long)tally->runs; /* others with every combination */
        gsl_rng_set(rng, seed);
        random_case_draw(rng, &random_case);
        random_case_draw_features(rng, features, &random_case);
        require_agreement(&random_case, seed, tally);
    }
}

/* With one reservation: all that can be done about preempted sequences and prefixes. */
static void check_memory(gsl_rng *rng, const struct random_case_features *features,
                         struct tally *tally)
{
    bool can_cache = features->reservation != KV_MAXIMUM && !features->policy->keeps_blocks;
    for (int memory = 0; memory < (can_cache ? 3 : 2); memory++) {
        for (int async = 0; async < 2; async++) {
            struct random_case_features chosen = *features;
            chosen.swaps = memory == 1;
            chosen.caches = memory == 2;
            chosen.async = async == 1;
            check_features(rng, &chosen, tally);
        }
    }
}

static enum kv_reservation paged_reservation(const struct policy *policy)
{
    return policy->reservation == KV_MAXIMUM ? KV_PROMPT : policy->reservation;
}

static gsl_rng *create_rng(void)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    ck_assert_ptr_nonnull(rng);
    return rng;
}

/* That the suite reaches what it is for: with any policy, … */
static void check_reach(const struct tally *tally)
{
    const struct naive_events *events = &tally->events;
    ck_assert_int_gt(tally->rejected, 1000);
    ck_assert_int_gt(tally->async_preemptions, 1000);
    ck_assert_int_gt(tally->preemptions - tally->async_preemptions, 1000);
    for (size_t i = 0; queue_order_at(i) != NULL; i++)
        ck_assert_int_gt(tally->preemptions_by[i], 1000);
    ck_assert_int_gt(tally->swapped_out, 1000);
    ck_assert_int_gt(events->swapped_in, 1000);
    ck_assert_int_gt(events->swap_refusals, 500);
    ck_assert_int_gt(events->refunds, 1000);
    ck_assert_int_gt(events->finishing, 200);
    ck_assert_int_gt(events->watermark_refusals, 1000);
    ck_assert_int_gt(events->lifts, 1000);
}

/* … with one that caches prefixes, … */
static void check_cache_reach(const struct tally *tally)
{
    const struct naive_events *events = &tally->events;
    ck_assert_int_gt(tally->cached_tokens, 100000);
    ck_assert_int_gt(tally->offloaded_tokens, 1000);
    ck_assert_int_gt(events->same_plan_hits, 1000);
    ck_assert_int_gt(events->own_hits, 1000);
    ck_assert_int_gt(events->offload_hits, 500);
    ck_assert_int_gt(events->evictions, 1000);
    ck_assert_int_gt(events->duplicates, 1000);
    ck_assert_int_gt(events->shared_blocks, 1000);
    ck_assert_int_gt(events->early_victims, 200);
}

/* … and with one that computes batches of requests. */
static void check_batch_reach(const struct tally *tally)
{
    ck_assert_int_gt(tally->events.void_plans, 500);
    ck_assert_int_gt(tally->events.idle_rows, 1000);
    ck_assert_int_gt(tally->events.padded_chunks, 1000);
}

START_TEST(test_random_traces)
{
    const struct policy *policy = policy_at((size_t)_i);
    struct tally tally = {0};
    gsl_rng *rng = create_rng();
    for (size_t i = 0; queue_order_at(i) != NULL; i++) {
        struct random_case_features features = {.policy = policy, .queue_order = queue_order_at(i)};
        features.reservation = paged_reservation(policy);
        check_memory(rng, &features, &tally);
        features.reservation = KV_MAXIMUM;
        check_memory(rng, &features, &tally);
    }
    gsl_rng_free(rng);
    check_reach(&tally);
    if (policy->keeps_blocks)
        check_batch_reach(&tally);
    else
        check_cache_reach(&tally);
    ck_assert(policy != &policy_vllm || tally.events.self_victims > 100);
    ck_assert(policy != &policy_vllm || tally.events.chunk_refusals > 200);
    ck_assert(policy != &policy_dynamic || tally.events.wakes > 1000);
}
END_TEST

/* Long outputs that all grow in a cache made for a few of them, behind prompts that are short or take
 * several steps. */
static void draw_thrashing(gsl_rng *rng, const struct random_case_features *features,
                           struct random_case *random_case)
{
    struct simulation_setup *setup = &random_case->setup;
    unsigned long max_prompt_tokens = gsl_rng_uniform(rng) < 0.5 ? 40 : RANDOM_CASE_MAX_PROMPT;
    random_case_draw(rng, random_case);
    random_case->request_count = RANDOM_CASE_MAX_REQUESTS;
    for (size_t i = 0; i < random_case->request_count; i++)
        random_case->requests[i] = (struct request){
            .arrival_ns = (int64_t)i / 4 * SIM_NS_PER_S,
            .prompt_tokens = 1 + (int32_t)gsl_rng_uniform_int(rng, max_prompt_tokens),
            .output_tokens = 20 + (int32_t)gsl_rng_uniform_int(rng, 180)};
    setup->max_model_len = RANDOM_CASE_MAX_PROMPT + 200;
    random_case->cost.base_s += 1.0; /* no request may be gone before the next arrives */
    setup->max_num_seqs = 16 + (int32_t)gsl_rng_uniform_int(rng, 48);
    setup->max_num_batched_tokens = setup->max_num_seqs + (int32_t)gsl_rng_uniform_int(rng, 100);
    random_case_draw_features(rng, features, random_case);
    setup->num_gpu_blocks = 1 + (1000 + setup->block_size) / setup->block_size;
    setup->watermark_blocks = 0;
}

START_TEST(test_thrashing)
{
    const struct policy *policy = policy_at((size_t)_i);
    struct tally tally = {0};
    gsl_rng *rng = create_rng();
    for (unsigned long seed = 1; seed <= THRASHING_CASES * 3; seed++) {
        struct random_case random_case;
        struct random_case_features features = {
            .policy = policy,
            .queue_order = queue_order_at(seed % queue_order_count()),
            .reservation = paged_reservation(policy),
            .swaps = seed % 3 == 1,
            .caches = seed % 3 == 2 && !policy->keeps_blocks,
            .async = seed % 2 == 1,
        };
        gsl_rng_set(rng, seed);
        draw_thrashing(rng, &features, &random_case);
        require_agreement(&random_case, seed, &tally);
    }
    gsl_rng_free(rng);
    ck_assert_int_gt(tally.preemptions, 2000);
}
END_TEST

int main(void)
{
    int policies = 0;
    while (policy_at((size_t)policies) != NULL)
        policies++;
    TCase *tcase = tcase_create("engine against a naive simulator");
    tcase_set_timeout(tcase, 300);
    tcase_add_loop_test(tcase, test_random_traces, 0, policies);
    tcase_add_loop_test(tcase, test_thrashing, 0, policies);
    return unit_run_case("naive", tcase);
}
