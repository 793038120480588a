/* Every policy with every queue order, every allocation, recomputing and swapping, with and without
 * prefix caching, with one or two steps in flight, and with one or more replicas, over random setups
 * and traces: nothing is
 * lost, nothing is served that is not there, nothing waits for ever, and the same run twice is the
 * same run. */
#include "erratic_policy.h"
#include "orders.h"
#include "parallel_invariants.h"
#include "policies.h"
#include "promises.h"
#include "random_case.h"
#include "run_invariants.h"
#include "unit.h"

#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

/* Of every combination, with one replica; and with some. */
#define RANDOM_CASES   400
#define PARALLEL_CASES 100

/* Many times longer than any takes. */
#define LONGEST_RUN_S 20

/* What the runs have come by. */
struct tally {
    int64_t runs, rejected, preemptions, swapped_out;
    int64_t cached_tokens, offloaded_tokens;
};

/* What is being run: known to whoever is called when that goes wrong. */
static struct random_case random_case;

static bool runs_equal(const struct recorded_run *a, const struct recorded_run *b)
{
    return a->digest == b->digest && a->step_count == b->step_count &&
           memcmp(&a->result, &b->result, sizeof a->result) == 0;
}

static void count(struct tally *tally, const struct simulation_result *result)
{
    tally->runs++;
    tally->rejected += result->rejected_too_long + result->rejected_no_memory;
    tally->preemptions += result->preemptions;
    tally->swapped_out += result->swapped_out;
    tally->cached_tokens += result->cached_tokens;
    tally->offloaded_tokens += result->offloaded_tokens;
}

/* What is wrong with the case, in words; NULL when nothing is. */
static const char *find_fault(const struct random_case *tried, struct tally *tally)
{
    const struct simulation_setup *setup = &tried->setup;
    struct recorded_run runs[2];
    const char *fault = NULL;
    for (int i = 0; i < 2; i++) {
        struct error error = {0};
        if (!run_recorder_run(setup, &tried->cost, tried->requests, tried->request_count, &runs[i],
                              &error))
            fault = "the engine runs";
    }
    if (fault == NULL)
        fault = run_invariants_broken(setup, tried->requests, &runs[0]);
    /* Each replica keeps its promises; their steps and requests together do not tell. */
    bool single = parallel_replicas(setup) == 1;
    if (fault == NULL && single)
        fault = promises_policy_broken(setup, &runs[0]);
    if (fault == NULL && single)
        fault = promises_order_broken(setup, tried->requests, &runs[0]);
    if (fault == NULL && !runs_equal(&runs[0], &runs[1]))
        fault = "the same run is the same";
    count(tally, &runs[0].result);
    for (int i = 0; i < 2; i++)
        recorded_run_fini(&runs[i]);
    return fault;
}

/* In a process of its own: an assertion that fails is a fault too, and so is a run without end. */
static bool is_faulty(const struct random_case *tried)
{
    pid_t child = fork();
    if (child == 0) {
        struct tally tally = {0};
        signal(SIGABRT, SIG_DFL);
        signal(SIGALRM, SIG_DFL);
        close(STDERR_FILENO);
        alarm(LONGEST_RUN_S);
        _exit(find_fault(tried, &tally) != NULL);
    }
    int status = 0;
    return waitpid(child, &status, 0) == child && status != 0;
}

static void show_smallest_case(void)
{
    alarm(0);
    random_case_shrink(&random_case, is_faulty);
    random_case_print(&random_case, stderr);
}

/* An assertion has failed, in the engine or in a policy: the process is about to end. */
static void show_assertion(int number)
{
    (void)number;
    show_smallest_case();
}

static void show_endless_run(int number)
{
    (void)number;
    fputs("a run does not end:\n", stderr);
    random_case_print(&random_case, stderr);
    _exit(EXIT_FAILURE);
}

static void check_features(gsl_rng *rng, const struct random_case_features *features, bool parallel,
                           struct tally *tally)
{
    for (int i = 0; i < (parallel ? PARALLEL_CASES : RANDOM_CASES); i++) {
        /* Other traces with every combination. */
        unsigned long seed = (unsigned long)tally->runs + 1;
        gsl_rng_set(rng, seed);
        random_case_draw(rng, &random_case);
        random_case_draw_features(rng, features, &random_case);
        if (parallel)
            random_case_draw_parallel(rng, &random_case);
        alarm(LONGEST_RUN_S);
        if (find_fault(&random_case, tally) == NULL)
            continue;
        show_smallest_case();
        ck_abort_msg("seed %lu, does not hold: %s", seed, find_fault(&random_case, tally));
    }
}

/* With one reservation: all that can be done about preempted sequences and prefixes. */
static void check_memory(gsl_rng *rng, const struct random_case_features *features, bool parallel,
                         struct tally *tally)
{
    bool can_cache = features->reservation != KV_MAXIMUM && !features->policy->keeps_blocks;
    for (int memory = 0; memory < (can_cache ? 3 : 2); memory++) {
        for (int async = 0; async < 2; async++) {
            struct random_case_features chosen = *features;
            chosen.swaps = memory == 1;
            chosen.caches = memory == 2;
            chosen.async = async == 1;
            check_features(rng, &chosen, parallel, tally);
        }
    }
}

/* A policy's own reservation where memory is paged, and contiguous memory. A policy of no system
 * must do with any. */
static bool is_reservation_of(const struct policy *policy, enum kv_reservation reservation)
{
    enum kv_reservation paged = policy->reservation == KV_MAXIMUM ? KV_PROMPT : policy->reservation;
    return policy == &policy_erratic || policy == &policy_erratic_keeping ||
           reservation == KV_MAXIMUM || reservation == paged;
}

static void check_policy(const struct policy *policy, bool parallel)
{
    struct tally tally = {0};
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    ck_assert_ptr_nonnull(rng);
    signal(SIGABRT, show_assertion);
    signal(SIGALRM, show_endless_run);
    for (size_t i = 0; queue_order_at(i) != NULL; i++) {
        for (int reservation = KV_AS_COMPUTED; reservation <= KV_MAXIMUM; reservation++) {
            struct random_case_features features = {
                .policy = policy,
                .queue_order = queue_order_at(i),
                .reservation = (enum kv_reservation)reservation,
            };
            if (is_reservation_of(policy, features.reservation))
                check_memory(rng, &features, parallel, &tally);
        }
    }
    alarm(0);
    signal(SIGABRT, SIG_DFL);
    signal(SIGALRM, SIG_DFL);
    gsl_rng_free(rng);
    printf("%s%s: %lld runs, each twice; %lld requests rejected, %lld preemptions, %lld of them "
           "swapped out, %lld tokens cached, %lld offloaded\n",
           policy->name, parallel ? ", several replicas" : "", (long long)tally.runs,
           (long long)tally.rejected, (long long)tally.preemptions, (long long)tally.swapped_out,
           (long long)tally.cached_tokens, (long long)tally.offloaded_tokens);
    /* That the suite reaches what it is for. */
    ck_assert_int_gt(tally.rejected, 100);
    int64_t least = parallel ? 1 : 4;
    ck_assert_int_gt(tally.preemptions, 125 * least);
    ck_assert_int_gt(tally.swapped_out, 50 * least);
    ck_assert(policy->keeps_blocks || tally.cached_tokens > 2500 * least);
    ck_assert(policy->keeps_blocks || tally.offloaded_tokens > 250 * least);
}

START_TEST(test_every_policy)
{
    const struct policy *policy = policy_at((size_t)_i);
    ck_assert_str_eq(policy_names[_i], policy->name);
    check_policy(policy, false);
    check_policy(policy, true);
}
END_TEST

START_TEST(test_erratic_policies)
{
    for (int parallel = 0; parallel < 2; parallel++) {
        check_policy(&policy_erratic, parallel == 1);
        check_policy(&policy_erratic_keeping, parallel == 1);
    }
}
END_TEST

START_TEST(test_empty_trace)
{
    static const struct linear_cost cost = {.base_s = 1.0};
    static const struct request none;
    for (size_t i = 0; policy_at(i) != NULL; i++) {
        struct simulation_setup setup = {.policy = policy_at(i),
                                         .queue_order = queue_order_at(i % 5),
                                         .enable_chunked_prefill = true,
                                         .preferred_batch_size = 1,
                                         .num_gpu_blocks = 2,
                                         .block_size = 1,
                                         .max_num_seqs = 1,
                                         .max_num_batched_tokens = 1,
                                         .max_model_len = 1};
        struct recorded_run run;
        struct error error = {0};
        ck_assert_msg(run_recorder_run(&setup, &cost, &none, 0, &run, &error), "%s", error.text);
        ck_assert_int_eq(run.result.requests, 0);
        ck_assert_int_eq(run.result.steps, 0);
        ck_assert_int_eq(run.result.end_ns, 0);
        recorded_run_fini(&run);
    }
}
END_TEST

/* Simulated time ends after 146 years: an error of the input, not an overflow. */
START_TEST(test_endless_run)
{
    static const struct linear_cost cost = {.base_s = 4e9};
    static const struct request request = {.prompt_tokens = 1, .output_tokens = 3};
    struct simulation_setup setup = {.policy = policy_at(0),
                                     .queue_order = &order_fcfs,
                                     .enable_chunked_prefill = true,
                                     .num_gpu_blocks = 4,
                                     .block_size = 1,
                                     .max_num_seqs = 1,
                                     .max_num_batched_tokens = 1,
                                     .max_model_len = 4,
                                     .async_scheduling = _i};
    struct recorded_run run;
    struct error error = {0};
    ck_assert(!run_recorder_run(&setup, &cost, &request, 1, &run, &error));
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    recorded_run_fini(&run);
}
END_TEST

int main(void)
{
    int policies = 0;
    while (policy_at((size_t)policies) != NULL)
        policies++;
    TCase *tcase = tcase_create("every policy over random setups");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_every_policy, 0, policies);
    tcase_add_test(tcase, test_erratic_policies);
    tcase_add_test(tcase, test_empty_trace);
    tcase_add_loop_test(tcase, test_endless_run, 0, 2);
    return unit_run_case("invariants", tcase);
}
