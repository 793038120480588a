/* Every policy over random setups and traces: nothing is lost, nothing is served that is not there,
 * and the same run twice is the same run. */
#include "erratic_policy.h"
#include "policies.h"
#include "random_case.h"
#include "run_invariants.h"
#include "unit.h"

#include <check.h>
#include <stdlib.h>

#define RANDOM_CASES 3000

static bool outcome_equal(const struct request_outcome *a, const struct request_outcome *b)
{
    return a->request_id == b->request_id && a->scheduled_ns == b->scheduled_ns &&
           a->first_token_ns == b->first_token_ns && a->finished_ns == b->finished_ns &&
           a->preemptions == b->preemptions && a->status == b->status;
}

static bool step_equal(const struct step_report *a, const struct step_report *b)
{
    return a->start_ns == b->start_ns && a->end_ns == b->end_ns && a->tokens == b->tokens &&
           a->sequences == b->sequences && a->continuing_sequences == b->continuing_sequences &&
           a->running == b->running && a->kv_blocks_used == b->kv_blocks_used &&
           a->kv_tokens == b->kv_tokens;
}

static bool runs_equal(const struct recorded_run *a, const struct recorded_run *b)
{
    if (a->step_count != b->step_count || a->gap_count != b->gap_count ||
        a->gap_sum_ns != b->gap_sum_ns)
        return false;
    for (size_t i = 0; i < a->step_count; i++)
        if (!step_equal(&a->steps[i], &b->steps[i]))
            return false;
    for (size_t i = 0; i < a->request_count; i++)
        if (!outcome_equal(&a->outcomes[i], &b->outcomes[i]))
            return false;
    return true;
}

/* What is wrong with the case, in words; NULL when nothing is. */
static const char *find_fault(const struct random_case *random_case)
{
    const struct simulation_setup *setup = &random_case->setup;
    struct recorded_run runs[2];
    const char *fault = NULL;
    for (int i = 0; i < 2; i++) {
        struct error error = {0};
        if (!run_recorder_run(setup, &random_case->cost, random_case->requests,
                              random_case->request_count, &runs[i], &error))
            fault = "the engine runs";
    }
    if (fault == NULL)
        fault = run_invariants_broken(setup, random_case->requests, &runs[0]);
    if (fault == NULL && !runs_equal(&runs[0], &runs[1]))
        fault = "the same run is the same";
    for (int i = 0; i < 2; i++)
        recorded_run_fini(&runs[i]);
    return fault;
}

static bool is_faulty(const struct random_case *random_case)
{
    return find_fault(random_case) != NULL;
}

static void check_policy(gsl_rng *rng, const struct policy *policy)
{
    for (unsigned long seed = 1; seed <= RANDOM_CASES; seed++) {
        struct random_case random_case;
        gsl_rng_set(rng, seed);
        random_case_draw(rng, &random_case);
        random_case.setup.policy = policy;
        if (!is_faulty(&random_case))
            continue;
        random_case_shrink(&random_case, is_faulty);
        random_case_print(&random_case, stderr);
        ck_abort_msg("policy %s, seed %lu, does not hold: %s", policy->name, seed,
                     find_fault(&random_case));
    }
}

START_TEST(test_every_policy)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    ck_assert_ptr_nonnull(rng);
    ck_assert_ptr_nonnull(policy_at(0));
    for (size_t i = 0; policy_at(i) != NULL; i++) {
        ck_assert_str_eq(policy_names[i], policy_at(i)->name);
        check_policy(rng, policy_at(i));
    }
    gsl_rng_free(rng);
}
END_TEST

START_TEST(test_erratic_policy)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    ck_assert_ptr_nonnull(rng);
    check_policy(rng, &policy_erratic);
    gsl_rng_free(rng);
}
END_TEST

START_TEST(test_empty_trace)
{
    static const struct linear_cost cost = {.base_s = 1.0};
    static const struct request none;
    for (size_t i = 0; policy_at(i) != NULL; i++) {
        struct simulation_setup setup = {.policy = policy_at(i),
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
    TCase *tcase = tcase_create("every policy over random setups");
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_every_policy);
    tcase_add_test(tcase, test_erratic_policy);
    tcase_add_test(tcase, test_empty_trace);
    tcase_add_loop_test(tcase, test_endless_run, 0, 2);
    return unit_run_case("invariants", tcase);
}
