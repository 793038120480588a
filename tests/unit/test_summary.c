/* The summary as JSON and as a table: every figure under its own name. */
#include "unit.h"

#include "summary.h"

/* The number at "section.key", or at its place in a list there. */
static double json_at(const json_t *root, const char *path)
{
    char text[64];
    const json_t *value = root;
    snprintf(text, sizeof text, "%s", path);
    for (char *key = strtok(text, "."); key != NULL; key = strtok(NULL, "."))
        value = json_is_array(value) ? json_array_get(value, (size_t)atoi(key))
                                     : json_object_get(value, key);
    ck_assert_msg(json_is_number(value), "'%s' is no number", path);
    return json_number_value(value);
}

/* Every figure is another one. */
static struct summary different_figures(void)
{
    struct summary summary = {
        .duration_s = 1,
        .warmup_s = 92,
        .warmup_requests = 93,
        .saturation = {LOAD_SATURATED, 0.94, 95, 96, 97, 98},
        .completed = 2,
        .failed = 3,
        .total_input_tokens = 4,
        .total_output_tokens = 5,
        .request_throughput_per_s = 6,
        .request_goodput_per_s = 7,
        .output_throughput_per_s = 8,
        .total_token_throughput_per_s = 9,
        .num_gpu_blocks = 101,
        .block_size = 62,
        .kv_blocks_peak = 63,
        .kv_mean_use = 64,
        .kv_waste_share = 65,
        .internal_waste = {80, 81},
        .reservation_waste = {82, 83},
        .preemptions = 66,
        .swapped_out = 84,
        .swap_s = 85,
        .prefix_caching = true,
        .prefix_query_tokens = 400,
        .prefix_hit_tokens = 86,
        .offload_hit_tokens = 6,
        .offload_s = 87,
        .replicas = 90,
        .steps = 67,
        .idle_steps = 91,
        .mean_batch_sequences = 68,
        .mean_batch_tokens = 69,
        .max_running = 70,
        .busy_share = 71,
        .mfu = 72,
        .mbu = 73,
    };
    for (int i = 0; i < LATENCY_COUNT; i++) {
        double base = 10.0 * (i + 1);
        struct latency_summary *latency = &summary.latency[i];
        *latency = (struct latency_summary){.mean_ms = base,
                                            .median_ms = base + 1,
                                            .std_ms = base + 2,
                                            .p90_ms = base + 3,
                                            .p95_ms = base + 4,
                                            .p99_ms = base + 5,
                                            .count = 1000 + i,
                                            .batches = 32 + i};
        for (int k = 0; k < LATENCY_FIGURE_COUNT; k++)
            latency->interval_ms[k] = (struct interval){base + 200 + k, base + 300 + k};
    }
    for (int i = 0; i < BOUND_COUNT; i++)
        summary.bound_share[i] = 74 + i;
    for (int i = 0; i < TIME_PART_COUNT; i++)
        summary.part_mean_ms[i] = 500 + 100 * i;
    return summary;
}

static const struct {
    const char *path;
    double value;
} json_figures[] = {
    {"duration", 1},
    {"completed", 2},
    {"failed", 3},
    {"total_input_tokens", 4},
    {"total_output_tokens", 5},
    {"request_throughput", 6},
    {"request_goodput", 7},
    {"output_throughput", 8},
    {"total_token_throughput", 9},
    {"mean_ttft_ms", 10},
    {"median_ttft_ms", 11},
    {"std_ttft_ms", 12},
    {"p90_tpot_ms", 23},
    {"p95_itl_ms", 34},
    {"p99_e2el_ms", 45},
    {"confidence.level", 0.95},
    {"confidence.ttft.samples", 1000},
    {"confidence.tpot.batches", 33},
    {"confidence.ttft.mean_ms.0", 210},
    {"confidence.ttft.mean_ms.1", 310},
    {"confidence.itl.median_ms.0", 231},
    {"confidence.e2el.p99_ms.1", 344},
    {"saturation.full_share", 0.94},
    {"saturation.arrival_rate", 95},
    {"saturation.start_rate", 96},
    {"saturation.waiting_at_last_arrivals", 97},
    {"saturation.queue_growth_over_error", 98},
    {"warmup.duration_s", 92},
    {"warmup.requests", 93},
    {"kv_cache.num_gpu_blocks", 101},
    {"kv_cache.block_size", 62},
    {"kv_cache.peak_blocks", 63},
    {"kv_cache.peak_use", 0.63},
    {"kv_cache.mean_use", 64},
    {"kv_cache.waste", 65},
    {"kv_cache.internal_waste.mean_bytes", 80},
    {"kv_cache.internal_waste.peak_bytes", 81},
    {"kv_cache.reservation_waste.mean_bytes", 82},
    {"kv_cache.reservation_waste.peak_bytes", 83},
    {"kv_cache.preemptions", 66},
    {"kv_cache.swapped_out", 84},
    {"kv_cache.swap_time_s", 85},
    {"kv_cache.prefix_query_tokens", 400},
    {"kv_cache.prefix_hit_tokens", 86},
    {"kv_cache.offload_hit_tokens", 6},
    {"kv_cache.prefix_hit_rate", 0.215},
    {"kv_cache.offload_time_s", 87},
    {"engine.steps", 67},
    {"engine.mean_batch_sequences", 68},
    {"engine.mean_batch_tokens", 69},
    {"engine.max_running", 70},
    {"engine.busy_share", 71},
    {"engine.replicas", 90},
    {"engine.idle_steps", 91},
    {"request_time.mean_queue_ms", 500},
    {"request_time.queue_share", 12.5},
    {"request_time.mean_prefill_ms", 600},
    {"request_time.prefill_share", 15},
    {"request_time.mean_interference_ms", 700},
    {"request_time.interference_share", 17.5},
    {"request_time.mean_decode_ms", 800},
    {"request_time.decode_share", 20},
    {"request_time.mean_preemption_ms", 900},
    {"request_time.preemption_share", 22.5},
    {"request_time.mean_transfer_ms", 1000},
    {"request_time.transfer_share", 25},
    {"request_time.mean_host_ms", 1100},
    {"request_time.host_share", 27.5},
    {"utilisation.mfu", 72},
    {"utilisation.mbu", 73},
    {"utilisation.compute_share", 74},
    {"utilisation.memory_share", 75},
    {"utilisation.communication_share", 76},
    {"utilisation.overhead_share", 77},
};

/* And stands under its own key. */
START_TEST(test_json_values)
{
    const struct summary summary = different_figures();
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    ck_assert(summary_print_json(&summary, NULL, json_object(), stream));
    fclose(stream);
    json_t *root = json_loads(text, 0, NULL);
    for (size_t i = 0; i < COUNT(json_figures); i++)
        ck_assert_msg(json_at(root, json_figures[i].path) == json_figures[i].value,
                      "'%s' is not %g", json_figures[i].path, json_figures[i].value);
    /* No figure of this object stands under another key. */
    ck_assert_uint_eq(json_object_size(json_object_get(root, "kv_cache")), 16);
    json_decref(root);
    free(text);
}
END_TEST

static void assert_text(const struct summary *summary, const char *expected, bool there)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    summary_print_text(summary, stream);
    fclose(stream);
    ck_assert_msg((strstr(text, expected) != NULL) == there, "'%s' %s in\n%s", expected,
                  there ? "is not" : "is", text);
    free(text);
}

/* What did not happen is not printed. */
START_TEST(test_kv_cache_text)
{
    const double gib = 1024.0 * 1024.0 * 1024.0;
    struct summary summary = different_figures();
    summary.kv_mean_use = 0.5;
    summary.kv_waste_share = 0.125;
    summary.internal_waste = (struct kv_waste){1.5 * gib, 2.5 * gib};
    summary.reservation_waste = (struct kv_waste){3.5 * gib, 4.5 * gib};
    assert_text(&summary, "63.0 % used at peak, 50.0 % on average, 12.5 % of that wasted", true);
    assert_text(&summary, "1.50 GiB in blocks", true);
    assert_text(&summary, "3.50 GiB reserved and unused (2.50 and 4.50 GiB at peak)", true);
    assert_text(&summary,
                "21.5 % of prompt tokens found, 1.5 % in host memory; 87.000 s of transfers", true);
    assert_text(&summary, "66, 84 of them swapped out: 85.000 s", true);
    summary.offload_s = 0.0;
    assert_text(&summary, "21.5 % of prompt tokens found\n", true);
    summary.prefix_caching = false;
    assert_text(&summary, "Prefix cache", false);
    summary.part_mean_ms[TIME_QUEUE] = 10.0;
    assert_text(&summary, "Time by request queue 25.0 %, prefill ", true);
    summary.swapped_out = 0;
    assert_text(&summary, "Preemptions     66\n", true);
}
END_TEST

/* What chance decides is marked, and what has no error too; verdicts come with what they are from. */
START_TEST(test_trust_text)
{
    struct summary summary = different_figures();
    assert_text(&summary, "Load            saturated: no room for one more 94.0 % of the time, 97 ",
                true);
    assert_text(&summary, "Warm-up         92.00 s and 93 requests before, not measured\n", true);
    assert_text(&summary,
                "Time to first token        10.00     50.00      12.00      11.00      13.00      "
                "14.00      15.00\n",
                true);
    assert_text(&summary, "values lie beyond", false);
    assert_text(&summary, "no error can be told", false);
    summary.latency[LATENCY_TTFT].count = 999;
    summary.latency[LATENCY_TPOT].batches = 0;
    assert_text(&summary, "      15.00*\n", true);
    assert_text(&summary, "  * fewer than 10 values lie beyond it", true);
    assert_text(&summary, "Time per output token      20.00         ?      22.00", true);
    assert_text(&summary, "  ? the run is too short", true);
    summary.saturation.verdict = LOAD_OVERLOADED;
    assert_text(&summary, "overloaded: 95.000 requests/s arrive, 96.000 are taken up; no room",
                true);
    summary.saturation.verdict = LOAD_UNKNOWN;
    assert_text(&summary, "unknown: too few requests", true);
    summary.warmup_s = 0.0;
    assert_text(&summary, "Warm-up", false);
}
END_TEST

/* One replica is not mentioned; nor are empty steps where there are none. */
START_TEST(test_replicas_text)
{
    struct summary summary = different_figures();
    assert_text(&summary, "of 90 replicas, which ran 91 empty steps beside those; peaks", true);
    summary.idle_steps = 0;
    assert_text(&summary, "of 90 replicas; peaks are those of one", true);
    summary.replicas = 1;
    assert_text(&summary, "replicas", false);
}
END_TEST

/* The keys of `vllm bench serve --save-result`, at the top level. */
START_TEST(test_json_keys)
{
    static const char *const keys[] = {"duration",
                                       "completed",
                                       "failed",
                                       "total_input_tokens",
                                       "total_output_tokens",
                                       "request_throughput",
                                       "output_throughput",
                                       "total_token_throughput",
                                       "request_goodput",
                                       "confidence",
                                       "saturation",
                                       "warmup",
                                       "request_time",
                                       "kv_cache",
                                       "engine",
                                       "utilisation",
                                       "config",
                                       "digest"};
    static const char *const statistics[] = {"mean", "median", "std", "p90", "p95", "p99"};
    struct summary summary = {.num_gpu_blocks = 2, .digest = UINT64_C(0xabc)};
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    ck_assert(summary_print_json(&summary, NULL, json_pack("{s:i}", "seed", 5), stream));
    fclose(stream);
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    ck_assert_ptr_nonnull(root);
    for (size_t i = 0; i < COUNT(keys); i++)
        ck_assert_msg(json_object_get(root, keys[i]) != NULL, "'%s' is missing", keys[i]);
    for (size_t i = 0; i < LATENCY_COUNT * COUNT(statistics); i++) {
        char key[64];
        snprintf(key, sizeof key, "%s_%s_ms", statistics[i / LATENCY_COUNT],
                 summary_latency_names[i % LATENCY_COUNT]);
        ck_assert_msg(json_is_real(json_object_get(root, key)), "'%s' is missing", key);
    }
    /* There is one replica. */
    ck_assert_uint_eq(json_object_size(json_object_get(root, "engine")), 5);
    ck_assert_uint_eq(json_object_size(root), COUNT(keys) + LATENCY_COUNT * COUNT(statistics));
    ck_assert_str_eq(json_string_value(json_object_get(root, "digest")), "0000000000000abc");
    ck_assert_int_eq(json_integer_value(json_object_get(json_object_get(root, "config"), "seed")),
                     5);
    json_decref(root);
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_json_values, test_json_keys, test_kv_cache_text,
                                  test_trust_text, test_replicas_text};
    return unit_run("summary", tests, COUNT(tests));
}
