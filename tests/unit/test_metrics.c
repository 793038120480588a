/* The definitions of vLLM's benchmark, on outcomes worked out by hand. */
#include "unit.h"

#include "metrics.h"
#include "summary.h"

static const int64_t MS = 1000000;
/* Limits of each request, NaN: none. */
static struct slo slo_of(double ttft_s, double tpot_s, double e2el_s)
{
    struct slo slo = slo_none();
    slo.limits[LATENCY_TTFT].each_s = ttft_s;
    slo.limits[LATENCY_TPOT].each_s = tpot_s;
    slo.limits[LATENCY_E2EL].each_s = e2el_s;
    return slo;
}

static struct request_outcome completed(int64_t id, int64_t arrival_ms, int64_t first_ms,
                                        int64_t finished_ms, int32_t output_tokens)
{
    return (struct request_outcome){.request_id = id,
                                    .arrival_ns = arrival_ms * MS,
                                    .scheduled_ns = arrival_ms * MS,
                                    .first_token_ns = first_ms * MS,
                                    .finished_ns = finished_ms * MS,
                                    .prompt_tokens = 100,
                                    .output_tokens = output_tokens};
}

static struct metrics new_metrics(struct slo slo)
{
    struct metrics metrics;
    ck_assert(metrics_init(&metrics, &slo, 0, 1));
    return metrics;
}

START_TEST(test_tpot)
{
    struct request_outcome outcome = completed(0, 0, 10, 40, 4);
    ck_assert_int_eq(metrics_tpot_ns(&outcome), 10 * MS);
    outcome.finished_ns += 1; /* a third of a nanosecond more: rounded */
    ck_assert_int_eq(metrics_tpot_ns(&outcome), 10 * MS);
    outcome.finished_ns += 1;
    ck_assert_int_eq(metrics_tpot_ns(&outcome), 10 * MS + 1);
    outcome.output_tokens = 1;
    ck_assert_int_eq(metrics_tpot_ns(&outcome), -1);
    outcome.output_tokens = 4;
    outcome.status = REQUEST_REJECTED;
    ck_assert_int_eq(metrics_tpot_ns(&outcome), -1);
}
END_TEST

START_TEST(test_latencies)
{
    struct metrics metrics = new_metrics(slo_none());
    struct request_outcome outcomes[] = {
        completed(0, 0, 10, 40, 4),
        completed(1, 5, 35, 35, 1), /* one token: no TPOT */
        completed(2, 100, 150, 170, 3),
    };
    struct request_outcome rejected = {.request_id = 3,
                                       .arrival_ns = 7,
                                       .scheduled_ns = -1,
                                       .first_token_ns = -1,
                                       .finished_ns = -1,
                                       .prompt_tokens = 9999,
                                       .output_tokens = 9999,
                                       .status = REQUEST_REJECTED};
    for (size_t i = 0; i < COUNT(outcomes); i++)
        metrics_outcome(&metrics, &outcomes[i]);
    metrics_outcome(&metrics, &rejected);
    const struct histogram *latency = metrics.latency;
    ck_assert_int_eq(metrics.completed, 3);
    ck_assert_int_eq(metrics.failed, 1);
    ck_assert_int_eq(metrics.good, 3);
    ck_assert_int_eq(metrics.input_tokens, 300);
    ck_assert_int_eq(metrics.output_tokens, 8);
    ck_assert_double_eq(histogram_mean(&latency[LATENCY_TTFT]), 30.0 * 1e6);
    ck_assert_int_eq(latency[LATENCY_TTFT].minimum_ns, 10 * MS);
    ck_assert_double_eq(histogram_mean(&latency[LATENCY_E2EL]), 140.0 / 3.0 * 1e6);
    ck_assert_int_eq(latency[LATENCY_TPOT].count, 2);
    ck_assert_int_eq(latency[LATENCY_TPOT].minimum_ns, 10 * MS);
    ck_assert_int_eq(latency[LATENCY_TPOT].maximum_ns, 10 * MS);
    ck_assert_int_eq(latency[LATENCY_ITL].count, 0);
    metrics_fini(&metrics);
}
END_TEST

START_TEST(test_steps)
{
    struct metrics metrics = new_metrics(slo_none());
    struct cost cost = {.time_s = 0.01, .bound_s = {[BOUND_MEMORY] = 0.01}, .flops = 5, .bytes = 7};
    struct step_report report = {.start_ns = 10 * MS,
                                 .end_ns = 20 * MS,
                                 .tokens = 60,
                                 .sequences = 4,
                                 .running = 5,
                                 .kv_blocks_used = 40,
                                 .kv_blocks_empty = 2,
                                 .kv_tokens = 600,
                                 .kv_slots_unfilled = 8,
                                 .cost = &cost};
    metrics_step(&metrics, &report);
    report.end_ns = 40 * MS;
    report.sequences = 3;
    report.running = 3;
    report.kv_blocks_used = 20;
    report.kv_blocks_empty = 7;
    report.kv_slots_unfilled = 1;
    metrics_step(&metrics, &report);
    ck_assert_int_eq(metrics.steps, 2);
    ck_assert_int_eq(metrics.sequence_sum, 7);
    ck_assert_int_eq(metrics.token_sum, 120);
    ck_assert_int_eq(metrics.running_max, 5);
    ck_assert_int_eq(metrics.kv_blocks_peak, 40);
    ck_assert_int_eq(metrics.kv_empty_peak, 7);
    ck_assert_int_eq(metrics.kv_unfilled_peak, 8);
    ck_assert_double_eq(metrics.kv_block_ns, 40 * 10e6 + 20 * 30e6);
    ck_assert_double_eq(metrics.kv_empty_ns, 2 * 10e6 + 7 * 30e6);
    ck_assert_double_eq(metrics.kv_unfilled_ns, 8 * 10e6 + 1 * 30e6);
    ck_assert_double_eq(metrics.cost.flops, 10.0);
    ck_assert_double_eq(metrics.cost.bound_s[BOUND_MEMORY], 0.02);
    ck_assert_int_eq(metrics.latency[LATENCY_ITL].count, 0);
    metrics_fini(&metrics);
}
END_TEST

START_TEST(test_token_gaps)
{
    struct metrics metrics = new_metrics(slo_none());
    metrics_token_gaps(&metrics, 10 * MS, 3);
    metrics_token_gaps(&metrics, 30 * MS, 1);
    metrics_token_gaps(&metrics, 90 * MS, 1);
    metrics_token_gaps(&metrics, 0, 5);
    const struct histogram *itl = &metrics.latency[LATENCY_ITL];
    ck_assert_int_eq(itl->count, 10);
    ck_assert_int_eq(itl->minimum_ns, 0);
    ck_assert_int_eq(itl->maximum_ns, 90 * MS);
    ck_assert_double_eq(histogram_mean(itl), (3 * 10 + 30 + 90) / 10.0 * 1e6);
    metrics_fini(&metrics);
}
END_TEST

static int64_t count_good(struct slo slo, struct request_outcome outcome)
{
    struct metrics metrics = new_metrics(slo);
    metrics_outcome(&metrics, &outcome);
    int64_t good = metrics.good;
    metrics_fini(&metrics);
    return good;
}

/* TTFT 10 ms, TPOT 10 ms, E2E 40 ms: a limit is met by what equals it, and all must be met. */
START_TEST(test_goodput)
{
    const double unset = SETTING_UNSET_REAL;
    const struct request_outcome outcome = completed(0, 0, 10, 40, 4);
    const struct {
        double limits_s[3];
        int64_t good;
    } cases[] = {
        {{unset, unset, unset}, 1}, {{0.010, unset, unset}, 1}, {{0.009999, unset, unset}, 0},
        {{unset, 0.010, unset}, 1}, {{unset, 0.009, unset}, 0}, {{unset, unset, 0.040}, 1},
        {{unset, unset, 0.039}, 0}, {{0.010, 0.010, 0.040}, 1}, {{0.010, 0.010, 0.039}, 0},
        {{0.0, unset, unset}, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        ck_assert_int_eq(
            count_good(slo_of(cases[i].limits_s[0], cases[i].limits_s[1], cases[i].limits_s[2]),
                       outcome),
            cases[i].good);
    ck_assert_int_eq(count_good(slo_of(unset, 1e-9, unset), completed(0, 0, 10, 10, 1)), 1);
    /* Without a limit of each request it is the highest percentile's; one of the mean is of none. */
    struct slo percentiles = slo_none();
    percentiles.limits[LATENCY_TTFT].figure_s[FIGURE_MEAN] = 0.001;
    ck_assert_int_eq(count_good(percentiles, outcome), 1);
    ck_assert(!slo_has_good_requests(&percentiles));
    percentiles.limits[LATENCY_TTFT].figure_s[FIGURE_MEDIAN] = 0.001;
    ck_assert_int_eq(count_good(percentiles, outcome), 0);
    percentiles.limits[LATENCY_TTFT].figure_s[FIGURE_P95] = 0.010;
    ck_assert_int_eq(count_good(percentiles, outcome), 1);
    ck_assert(slo_has_good_requests(&percentiles));
    percentiles.limits[LATENCY_TTFT].each_s = 0.009;
    ck_assert_int_eq(count_good(percentiles, outcome), 0);
}
END_TEST

static uint64_t digest_of(const struct request_outcome *outcomes, size_t count)
{
    struct metrics metrics = new_metrics(slo_none());
    for (size_t i = 0; i < count; i++)
        metrics_outcome(&metrics, &outcomes[i]);
    uint64_t digest = metrics.digest;
    metrics_fini(&metrics);
    return digest;
}

/* The order of completion does not count; every field does. */
START_TEST(test_digest)
{
    const struct request_outcome a = completed(0, 0, 10, 40, 4);
    const struct request_outcome b = completed(1, 5, 35, 35, 1);
    const uint64_t digest = digest_of((struct request_outcome[]){a, b}, 2);
    ck_assert_uint_eq(digest_of((struct request_outcome[]){b, a}, 2), digest);
    ck_assert_uint_ne(digest_of(&a, 1), digest);
    ck_assert_uint_ne(digest_of((struct request_outcome[]){a, a}, 2), digest);
    struct request_outcome changed[10];
    for (size_t i = 0; i < COUNT(changed); i++)
        changed[i] = a;
    changed[0].request_id++;
    changed[1].arrival_ns++;
    changed[2].scheduled_ns++;
    changed[3].first_token_ns++;
    changed[4].finished_ns++;
    changed[5].prompt_tokens++;
    changed[6].output_tokens++;
    changed[7].cached_tokens++;
    changed[8].preemptions++;
    changed[9].status = REQUEST_REJECTED;
    for (size_t i = 0; i < COUNT(changed); i++)
        ck_assert_uint_ne(digest_of((struct request_outcome[]){changed[i], b}, 2), digest);
}
END_TEST

/* One step of a second, and two requests: the second one ends a second later. */
static struct summary summarise(const struct summary_context *context)
{
    struct metrics metrics = new_metrics(slo_of(0.030, SETTING_UNSET_REAL, SETTING_UNSET_REAL));
    struct cost cost = {.time_s = 1.0,
                        .bound_s = {[BOUND_COMPUTE] = 0.25, [BOUND_MEMORY] = 0.75},
                        .flops = 1e12,
                        .bytes = 1e9};
    /* 10 blocks of 16 tokens: 1 empty, 24 of the other 144 slots unfilled. */
    struct step_report report = {.end_ns = 1000 * MS,
                                 .tokens = 50,
                                 .sequences = 2,
                                 .running = 2,
                                 .kv_blocks_used = 10,
                                 .kv_blocks_empty = 1,
                                 .kv_tokens = 120,
                                 .kv_slots_unfilled = 24,
                                 .cost = &cost};
    struct request_outcome first = completed(0, 0, 20, 1000, 4);
    struct request_outcome second = completed(1, 0, 40, 2000, 6);
    metrics_step(&metrics, &report);
    metrics_outcome(&metrics, &first);
    metrics_outcome(&metrics, &second);
    struct summary summary;
    summary_fill(&summary, &metrics, context);
    metrics_fini(&metrics);
    return summary;
}

START_TEST(test_summary)
{
    struct summary_context context = {.end_ns = 2000 * MS,
                                      .replicas = 1,
                                      .busy_ns = 1000 * MS,
                                      .num_gpu_blocks = 101,
                                      .block_size = 16,
                                      .peak_flops_per_s = 1e13,
                                      .peak_bytes_per_s = 0.0};
    struct summary summary = summarise(&context);
    ck_assert_double_eq(summary.duration_s, 2.0);
    ck_assert_double_eq(summary.request_throughput_per_s, 1.0);
    ck_assert_double_eq(summary.request_goodput_per_s, 0.5);
    ck_assert_double_eq(summary.output_throughput_per_s, 5.0);
    ck_assert_double_eq(summary.total_token_throughput_per_s, 105.0);
    ck_assert_double_eq(summary.latency[LATENCY_TTFT].mean_ms, 30.0);
    ck_assert_double_eq(summary.latency[LATENCY_TTFT].std_ms, 10.0);
    ck_assert_double_eq_tol(summary.latency[LATENCY_TTFT].median_ms, 30.0, 30.0 / 4096);
    ck_assert_double_eq_tol(summary.latency[LATENCY_TTFT].p90_ms, 38.0, 38.0 / 4096);
    ck_assert_double_eq(summary.mean_batch_sequences, 2.0);
    ck_assert_double_eq(summary.mean_batch_tokens, 50.0);
    ck_assert_double_eq(summary.busy_share, 0.5);
    ck_assert_double_eq(summary.mfu, 0.05);
    ck_assert(!setting_is_set(summary.mbu));
    ck_assert_double_eq(summary.bound_share[BOUND_MEMORY], 0.75);
}
END_TEST

/* The same in four replicas: shares are of them all. Rows of idle ranks are work too. */
START_TEST(test_replicas_summary)
{
    struct summary_context context = {.end_ns = 2000 * MS,
                                      .busy_ns = 4000 * MS,
                                      .replicas = 4,
                                      .idle_steps = 5,
                                      .idle_flops = 1e12,
                                      .num_gpu_blocks = 101,
                                      .block_size = 16,
                                      .block_bytes = 3200.0,
                                      .peak_flops_per_s = 1e13,
                                      .peak_bytes_per_s = 1e12};
    struct summary summary = summarise(&context);
    ck_assert_int_eq(summary.replicas, 4);
    ck_assert_int_eq(summary.idle_steps, 5);
    ck_assert_double_eq(summary.busy_share, 0.5);
    ck_assert_double_eq(summary.mfu, (0.05 * 2e13 + 1e12) / 8e13);
    ck_assert_double_eq(summary.kv_mean_use, 0.05 / 4);
    ck_assert_double_eq(summary.internal_waste.mean_bytes, 12 * 200.0 / 4);
    ck_assert_int_eq(summary.kv_blocks_peak, 10);
    ck_assert_double_eq(summary.request_throughput_per_s, 1.0);
}
END_TEST

START_TEST(test_kv_summary)
{
    struct summary_context context = {.end_ns = 2000 * MS,
                                      .replicas = 1,
                                      .busy_ns = 1000 * MS,
                                      .num_gpu_blocks = 101,
                                      .block_size = 16,
                                      .block_bytes = 3200.0,
                                      .preemptions = 3,
                                      .swapped_out = 2,
                                      .swap_s = 0.25,
                                      .prefix_caching = true,
                                      .admitted_prompt_tokens = 200,
                                      .cached_tokens = 64,
                                      .offloaded_tokens = 16,
                                      .offload_s = 0.5};
    struct summary summary = summarise(&context);
    ck_assert_double_eq(summary.kv_mean_use, 0.05); /* 10 of 100 blocks for half the time */
    ck_assert_double_eq(summary.kv_waste_share, 0.25);
    ck_assert_int_eq(summary.kv_blocks_peak, 10);
    /* Over both seconds; a block is 3200 bytes, a token 200. */
    ck_assert_double_eq(summary.internal_waste.mean_bytes, 12 * 200.0);
    ck_assert_double_eq(summary.internal_waste.peak_bytes, 24 * 200.0);
    ck_assert_double_eq(summary.reservation_waste.mean_bytes, 1600.0);
    ck_assert_double_eq(summary.reservation_waste.peak_bytes, 3200.0);
    ck_assert_int_eq(summary.preemptions, 3);
    ck_assert_int_eq(summary.swapped_out, 2);
    ck_assert_double_eq(summary.swap_s, 0.25);
    ck_assert(summary.prefix_caching);
    ck_assert_int_eq(summary.prefix_query_tokens, 200);
    ck_assert_int_eq(summary.prefix_hit_tokens, 80);
    ck_assert_int_eq(summary.offload_hit_tokens, 16);
    ck_assert_double_eq(summary_prefix_hit_rate(&summary), 0.4);
    ck_assert_double_eq(summary.offload_s, 0.5);
}
END_TEST

/* Nothing completed: every figure is a number still. */
START_TEST(test_empty_summary)
{
    struct metrics metrics = new_metrics(slo_none());
    struct summary_context context = {.replicas = 1,
                                      .num_gpu_blocks = 2,
                                      .block_size = 16,
                                      .block_bytes = 32.0,
                                      .prefix_caching = true};
    struct summary summary;
    summary_fill(&summary, &metrics, &context);
    ck_assert_double_eq(summary.request_throughput_per_s, 0.0);
    ck_assert(!setting_is_set(summary.request_goodput_per_s));
    ck_assert_double_eq(summary.kv_mean_use, 0.0);
    ck_assert_double_eq(summary.kv_waste_share, 0.0);
    ck_assert_double_eq(summary.internal_waste.mean_bytes, 0.0);
    ck_assert_double_eq(summary.reservation_waste.mean_bytes, 0.0);
    ck_assert_double_eq(summary_prefix_hit_rate(&summary), 0.0);
    ck_assert_double_eq(summary.busy_share, 0.0);
    ck_assert_double_eq(summary.latency[LATENCY_ITL].p99_ms, 0.0);
    ck_assert_uint_eq(summary.digest, 0);
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    ck_assert(summary_print_json(&summary, NULL, json_object(), stream));
    summary_print_text(&summary, stream);
    fclose(stream);
    ck_assert_ptr_null(strstr(text, "nan"));
    ck_assert_ptr_null(strstr(text, "inf"));
    free(text);
    metrics_fini(&metrics);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_tpot,         test_latencies,        test_steps,
                                  test_token_gaps,   test_goodput,          test_digest,
                                  test_summary,      test_replicas_summary, test_kv_summary,
                                  test_empty_summary};
    return unit_run("metrics", tests, COUNT(tests));
}
