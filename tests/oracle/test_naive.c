/* The engine, which keeps its decoding sequences as sums, against a simulator that walks a list of
 * them: every outcome and every step must agree in every field. */
#include "naive_simulator.h"
#include "policies.h"
#include "random_case.h"
#include "run_invariants.h"
#include "unit.h"

#include <check.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>

#define RANDOM_CASES 6000

/* All of the naive simulator's results, kept for the checks on the suite itself. */
struct tally {
    int64_t preemptions, most_preemptions, rejected, async_preemptions;
};

static bool step_equal(const struct naive_step *expected, const struct step_report *actual,
                       const struct step_load *load)
{
    return expected->decode_sequences == load->decode_sequences &&
           expected->decode_context_max == load->decode_context_max &&
           expected->emitting_sequences == load->emitting_sequences &&
           expected->start_ns == actual->start_ns && expected->end_ns == actual->end_ns &&
           expected->tokens == actual->tokens && expected->sequences == actual->sequences &&
           expected->running == actual->running &&
           expected->kv_blocks_used == actual->kv_blocks_used &&
           expected->kv_tokens == actual->kv_tokens;
}

static bool outcome_equal(const struct request_outcome *a, const struct request_outcome *b)
{
    return a->request_id == b->request_id && a->arrival_ns == b->arrival_ns &&
           a->scheduled_ns == b->scheduled_ns && a->first_token_ns == b->first_token_ns &&
           a->finished_ns == b->finished_ns && a->prompt_tokens == b->prompt_tokens &&
           a->output_tokens == b->output_tokens && a->cached_tokens == b->cached_tokens &&
           a->preemptions == b->preemptions && a->status == b->status;
}

static void print_step(FILE *stream, const char *who, const struct naive_step *step)
{
    fprintf(
        stream,
        "  %s: %lld to %lld ns, %d tokens, %d sequences (%d decode, %d tokens of context at most, "
        "%d emit), %d running, %lld blocks, %lld KV tokens\n",
        who, (long long)step->start_ns, (long long)step->end_ns, step->tokens, step->sequences,
        step->decode_sequences, step->decode_context_max, step->emitting_sequences, step->running,
        (long long)step->kv_blocks_used, (long long)step->kv_tokens);
}

static void print_outcome(FILE *stream, const char *who, const struct request_outcome *outcome)
{
    fprintf(stream, "  %s: scheduled %lld, first token %lld, finished %lld ns, %d preemptions\n",
            who, (long long)outcome->scheduled_ns, (long long)outcome->first_token_ns,
            (long long)outcome->finished_ns, outcome->preemptions);
}

/* The intervals between tokens, by number, sum and sum of squares: the engine reports an interval
 * as long as a step with the step, and others one by one. */
static bool intervals_equal(const struct naive_result *naive, const struct recorded_run *run)
{
    int64_t count = run->gap_count, sum_ns = run->gap_sum_ns;
    uint64_t square_sum = run->gap_square_sum;
    for (size_t i = 0; i < run->step_count; i++) {
        const struct step_report *step = &run->steps[i];
        int64_t interval_ns = step->end_ns - step->start_ns;
        count += step->continuing_sequences;
        sum_ns += step->continuing_sequences * interval_ns;
        square_sum +=
            (uint64_t)step->continuing_sequences * (uint64_t)interval_ns * (uint64_t)interval_ns;
    }
    return count == naive->interval_count && sum_ns == naive->interval_sum_ns &&
           square_sum == naive->interval_square_sum;
}

/* The first difference on `stream`, NULL for silence; false when there is one. */
static bool compare(const struct naive_result *naive, const struct recorded_run *run, FILE *stream)
{
    for (size_t i = 0; i < naive->step_count && i < run->step_count && i < run->load_count; i++) {
        const struct step_report *step = &run->steps[i];
        const struct step_load *load = &run->loads[i];
        if (step_equal(&naive->steps[i], step, load))
            continue;
        if (stream != NULL) {
            struct naive_step actual = {.start_ns = step->start_ns,
                                        .end_ns = step->end_ns,
                                        .tokens = step->tokens,
                                        .sequences = step->sequences,
                                        .decode_sequences = load->decode_sequences,
                                        .decode_context_max = load->decode_context_max,
                                        .emitting_sequences = load->emitting_sequences,
                                        .running = step->running,
                                        .kv_blocks_used = step->kv_blocks_used,
                                        .kv_tokens = step->kv_tokens};
            fprintf(stream, "step %zu\n", i);
            print_step(stream, "naive ", &naive->steps[i]);
            print_step(stream, "engine", &actual);
        }
        return false;
    }
    for (size_t i = 0; i < run->request_count; i++) {
        if (outcome_equal(&naive->outcomes[i], &run->outcomes[i]))
            continue;
        if (stream != NULL) {
            fprintf(stream, "request %zu\n", i);
            print_outcome(stream, "naive ", &naive->outcomes[i]);
            print_outcome(stream, "engine", &run->outcomes[i]);
        }
        return false;
    }
    const struct simulation_result *result = &run->result;
    bool equal =
        naive->step_count == run->step_count && result->steps == (int64_t)naive->step_count &&
        result->preemptions == naive->preemptions && result->end_ns == naive->end_ns &&
        intervals_equal(naive, run) && result->rejected_too_long == naive->rejected_too_long &&
        result->rejected_no_memory == naive->rejected_no_memory;
    if (!equal && stream != NULL)
        fprintf(stream,
                "totals: naive %zu steps, %lld preemptions; engine %lld, %lld; intervals %s\n",
                naive->step_count, (long long)naive->preemptions, (long long)result->steps,
                (long long)result->preemptions, intervals_equal(naive, run) ? "equal" : "differ");
    return equal;
}

/* Both simulators over the case; false when they differ or an invariant is broken. */
static bool agree(const struct random_case *random_case, struct tally *tally, FILE *stream)
{
    struct simulation_setup setup = random_case->setup;
    setup.policy = &policy_vllm;
    struct naive_result naive;
    naive_simulator_run(&setup, &random_case->cost, random_case->requests,
                        random_case->request_count, &naive);
    struct recorded_run run;
    struct error error = {0};
    bool same = run_recorder_run(&setup, &random_case->cost, random_case->requests,
                                 random_case->request_count, &run, &error);
    if (!same && stream != NULL)
        fprintf(stream, "the engine refuses: %s\n", error.text);
    same = same && compare(&naive, &run, stream);
    const char *broken = same ? run_invariants_broken(&setup, random_case->requests, &run) : NULL;
    if (broken != NULL && stream != NULL)
        fprintf(stream, "does not hold: %s\n", broken);
    if (tally != NULL) {
        tally->preemptions += naive.preemptions;
        tally->async_preemptions += setup.async_scheduling ? naive.preemptions : 0;
        tally->rejected += naive.rejected_too_long + naive.rejected_no_memory;
        if (naive.preemptions > tally->most_preemptions)
            tally->most_preemptions = naive.preemptions;
    }
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

START_TEST(test_random_traces)
{
    struct tally tally = {0};
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    ck_assert_ptr_nonnull(rng);
    for (unsigned long seed = 1; seed <= RANDOM_CASES; seed++) {
        struct random_case random_case;
        gsl_rng_set(rng, seed);
        random_case_draw(rng, &random_case);
        require_agreement(&random_case, seed, &tally);
    }
    gsl_rng_free(rng);
    /* That the suite reaches what it is for. */
    ck_assert_int_gt(tally.preemptions, 500);
    ck_assert_int_gt(tally.most_preemptions, 100);
    ck_assert_int_gt(tally.async_preemptions, 200);
    ck_assert_int_gt(tally.preemptions - tally.async_preemptions, 200);
    ck_assert_int_gt(tally.rejected, 100);
}
END_TEST

/* Long outputs that all grow in a cache made for a few of them. */
static void draw_thrashing(gsl_rng *rng, struct random_case *random_case)
{
    random_case_draw(rng, random_case);
    random_case->request_count = RANDOM_CASE_MAX_REQUESTS;
    for (size_t i = 0; i < random_case->request_count; i++)
        random_case->requests[i] =
            (struct request){.arrival_ns = (int64_t)i / 4 * SIM_NS_PER_S,
                             .prompt_tokens = 1 + (int32_t)gsl_rng_uniform_int(rng, 40),
                             .output_tokens = 20 + (int32_t)gsl_rng_uniform_int(rng, 180)};
    struct simulation_setup *setup = &random_case->setup;
    setup->max_model_len = 240;
    random_case->cost.base_s += 1.0; /* no request may be gone before the next arrives */
    setup->max_num_seqs = 16 + (int32_t)gsl_rng_uniform_int(rng, 48);
    setup->max_num_batched_tokens = setup->max_num_seqs + (int32_t)gsl_rng_uniform_int(rng, 100);
    setup->num_gpu_blocks = 1 + (1000 + setup->block_size) / setup->block_size;
}

START_TEST(test_thrashing)
{
    struct tally tally = {0};
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    ck_assert_ptr_nonnull(rng);
    for (unsigned long seed = 1; seed <= 60; seed++) {
        struct random_case random_case;
        gsl_rng_set(rng, seed);
        draw_thrashing(rng, &random_case);
        int64_t before = tally.preemptions;
        require_agreement(&random_case, seed, &tally);
        ck_assert_int_gt(tally.preemptions - before, 100);
    }
    gsl_rng_free(rng);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("engine against a naive simulator");
    tcase_set_timeout(tcase, 300);
    tcase_add_test(tcase, test_random_traces);
    tcase_add_test(tcase, test_thrashing);
    return unit_run_case("naive", tcase);
}
