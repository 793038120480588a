/* What comes to the same does the same, call by call: an order in which all requests are equal, and
 * order of arrival; a batch that is not waited for, and one that is formed at once; a cache in which
 * nothing is shared, and none; memory that is ample, however it is reserved. */
#include "orders.h"
#include "policies.h"
#include "random_case.h"
#include "run_recorder.h"
#include "unit.h"

#include <check.h>

/* Of every combination. */
#define RANDOM_CASES 150

/* Two ways to run a case; the first may change what both are given. */
typedef void vary_function(struct random_case *first, struct simulation_setup *second);

/* What is compared of two runs. */
enum comparison {
    COMPARE_EVERYTHING,
    COMPARE_OUTCOMES, /* and what every step computes: blocks are counted otherwise */
};

static struct recorded_run run(const struct random_case *random_case,
                               const struct simulation_setup *setup)
{
    struct recorded_run run;
    struct error error = {0};
    ck_assert_msg(run_recorder_run(setup, &random_case->cost, random_case->requests,
                                   random_case->request_count, &run, &error),
                  "%s", error.text);
    return run;
}

static bool outcomes_equal(const struct recorded_run *a, const struct recorded_run *b)
{
    for (size_t i = 0; i < a->request_count; i++) {
        const struct request_outcome *first = &a->outcomes[i], *second = &b->outcomes[i];
        if (first->scheduled_ns != second->scheduled_ns ||
            first->first_token_ns != second->first_token_ns ||
            first->finished_ns != second->finished_ns ||
            first->cached_tokens != second->cached_tokens ||
            first->preemptions != second->preemptions || first->status != second->status)
            return false;
    }
    return a->gap_count == b->gap_count && a->gap_square_sum == b->gap_square_sum;
}

/* The order in which requests are rejected is no part of it: an order other than by arrival reads
 * ahead. */
static bool runs_equal(const struct recorded_run *a, const struct recorded_run *b,
                       enum comparison comparison)
{
    bool rejects = a->result.rejected_too_long + a->result.rejected_no_memory > 0;
    if (a->step_count != b->step_count || !outcomes_equal(a, b))
        return false;
    for (size_t i = 0; i < a->step_count; i++) {
        if (a->steps[i].start_ns != b->steps[i].start_ns ||
            a->steps[i].end_ns != b->steps[i].end_ns || a->steps[i].tokens != b->steps[i].tokens)
            return false;
    }
    return comparison == COMPARE_OUTCOMES || rejects || a->digest == b->digest;
}

/* The numbers of preemptions tell whether there was anything to differ in. */
static int64_t compare(gsl_rng *rng, const struct random_case_features *features,
                       vary_function *vary, enum comparison comparison)
{
    int64_t preemptions = 0;
    for (unsigned long seed = 1; seed <= RANDOM_CASES; seed++) {
        struct random_case random_case;
        gsl_rng_set(rng, seed);
        random_case_draw(rng, &random_case);
        random_case_draw_features(rng, features, &random_case);
        struct simulation_setup second = random_case.setup;
        vary(&random_case, &second);
        struct recorded_run runs[] = {run(&random_case, &random_case.setup),
                                      run(&random_case, &second)};
        if (!runs_equal(&runs[0], &runs[1], comparison)) {
            random_case_print(&random_case, stderr);
            ck_abort_msg("policy %s, order %s, seed %lu: the runs differ", second.policy->name,
                         second.queue_order->name, seed);
        }
        preemptions += runs[0].result.preemptions;
        recorded_run_fini(&runs[0]);
        recorded_run_fini(&runs[1]);
    }
    return preemptions;
}

/* Over what else can be chosen for a policy and an order. */
static int64_t compare_all(const struct policy *policy, const struct queue_order *queue_order,
                           vary_function *vary, enum comparison comparison)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    ck_assert_ptr_nonnull(rng);
    enum kv_reservation paged = policy->reservation == KV_MAXIMUM ? KV_PROMPT : policy->reservation;
    bool can_cache = !policy->keeps_blocks;
    int64_t preemptions = 0;
    for (int memory = 0; memory < (can_cache ? 4 : 3); memory++) {
        for (int async = 0; async < 2; async++) {
            struct random_case_features features = {
                .policy = policy,
                .queue_order = queue_order,
                .reservation = memory == 0 ? KV_MAXIMUM : paged,
                .swaps = memory == 1,
                .caches = memory == 3,
                .async = async == 1,
            };
            preemptions += compare(rng, &features, vary, comparison);
        }
    }
    gsl_rng_free(rng);
    return preemptions;
}

static void make_priorities_equal(struct random_case *first, struct simulation_setup *second)
{
    for (size_t i = 0; i < first->request_count; i++)
        first->requests[i].priority = 3;
    second->queue_order = &order_priority;
}

static void make_prompts_equal(struct random_case *first, struct simulation_setup *second)
{
    for (size_t i = 0; i < first->request_count; i++) {
        first->requests[i].prompt_tokens = 5;
        first->requests[i].prefix_id_count = 0;
    }
    second->queue_order = &order_sjf;
}

static void make_clients_equal(struct random_case *first, struct simulation_setup *second)
{
    for (size_t i = 0; i < first->request_count; i++)
        first->requests[i].client = 7;
    second->queue_order = &order_vtc;
}

/* Also how vllm makes room: from the tail at once, or one by one. */
START_TEST(test_orders)
{
    static vary_function *const variations[] = {make_priorities_equal, make_prompts_equal,
                                                make_clients_equal};
    for (size_t i = 0; i < COUNT(variations); i++) {
        int64_t preemptions =
            compare_all(policy_at((size_t)_i), &order_fcfs, variations[i], COMPARE_EVERYTHING);
        ck_assert_int_gt(preemptions, 100);
    }
}
END_TEST

static void ask_for_every_step(struct random_case *first, struct simulation_setup *second)
{
    static struct policy asked;
    asked = *first->setup.policy;
    asked.steady_decodes = false;
    second->policy = &asked;
}

START_TEST(test_repeated_plans)
{
    for (size_t i = 0; queue_order_at(i) != NULL; i++)
        compare_all(policy_at((size_t)_i), queue_order_at(i), ask_for_every_step,
                    COMPARE_EVERYTHING);
}
END_TEST

static void wait_for_one(struct random_case *first, struct simulation_setup *second)
{
    (void)first;
    second->policy = &policy_dynamic;
    second->preferred_batch_size = 1;
}

static void wait_for_no_time(struct random_case *first, struct simulation_setup *second)
{
    (void)first;
    second->policy = &policy_dynamic;
    second->max_queue_delay_ns = 0;
}

START_TEST(test_batches_not_waited_for)
{
    for (size_t i = 0; queue_order_at(i) != NULL; i++) {
        compare_all(&policy_static, queue_order_at(i), wait_for_one, COMPARE_EVERYTHING);
        compare_all(&policy_static, queue_order_at(i), wait_for_no_time, COMPARE_EVERYTHING);
    }
}
END_TEST

static void make_memory_ample(struct random_case *first, struct simulation_setup *second)
{
    first->setup.num_gpu_blocks = second->num_gpu_blocks = 1000000;
}

/* Nobody has a prefix, and what a sequence finds of itself when it comes back is not there. */
static void cache_nothing(struct random_case *first, struct simulation_setup *second)
{
    make_memory_ample(first, second);
    for (size_t i = 0; i < first->request_count; i++)
        first->requests[i].prefix_id_count = 0;
    second->enable_prefix_caching = second->reservation != KV_MAXIMUM && second->swap_blocks == 0;
}

static void add_a_second_tier(struct random_case *first, struct simulation_setup *second)
{
    make_memory_ample(first, second);
    first->setup.offload_blocks = 0;
    second->offload_blocks = second->enable_prefix_caching ? 1000 : 0;
}

static void reserve_prompts(struct random_case *first, struct simulation_setup *second)
{
    make_memory_ample(first, second);
    second->reservation = KV_PROMPT;
}

static void reserve_at_most(struct random_case *first, struct simulation_setup *second)
{
    make_memory_ample(first, second);
    if (!second->enable_prefix_caching)
        second->reservation = KV_MAXIMUM;
}

START_TEST(test_ample_memory)
{
    const struct policy *policy = policy_at((size_t)_i);
    compare_all(policy, &order_fcfs, reserve_prompts, COMPARE_OUTCOMES);
    compare_all(policy, &order_fcfs, reserve_at_most, COMPARE_OUTCOMES);
    if (policy->keeps_blocks)
        return;
    compare_all(policy, &order_fcfs, cache_nothing, COMPARE_EVERYTHING);
    compare_all(policy, &order_fcfs, add_a_second_tier, COMPARE_EVERYTHING);
}
END_TEST

int main(void)
{
    int policies = 0;
    while (policy_at((size_t)policies) != NULL)
        policies++;
    TCase *tcase = tcase_create("what comes to the same");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_orders, 0, policies);
    tcase_add_loop_test(tcase, test_repeated_plans, 0, policies);
    tcase_add_test(tcase, test_batches_not_waited_for);
    tcase_add_loop_test(tcase, test_ample_memory, 0, policies);
    return unit_run_case("equal runs", tcase);
}
