/* Means, intervals and changes over runs, by hand. */
#include "sensitivity.h"
#include "unit.h"

#include <math.h>

static struct summary run_of(double ttft_ms, double goodput_per_s, enum saturation_verdict verdict)
{
    struct summary summary = {.duration_s = 10.0,
                              .completed = 50,
                              .request_throughput_per_s = 5.0,
                              .request_goodput_per_s = goodput_per_s,
                              .digest = 7};
    summary.latency[LATENCY_TTFT].mean_ms = ttft_ms;
    summary.saturation.verdict = verdict;
    summary.saturation.arrival_rate_per_s = 4.0;
    return summary;
}

/* 1, 2, 3, 6: mean 3, Σ(x − 3)² = 14; t of 3 degrees at 97.5 % is 3.182446. */
START_TEST(test_interval)
{
    struct replicated figure = {0};
    ck_assert(isnan(replicated_interval(&figure).low));
    const double values[] = {1.0, NAN, 2.0, 3.0, 6.0};
    for (size_t i = 0; i < COUNT(values); i++)
        replicated_add(&figure, values[i]);
    ck_assert_int_eq(figure.count, 4);
    ck_assert_double_eq(figure.mean, 3.0);
    ck_assert_double_eq(figure.minimum, 1.0);
    ck_assert_double_eq(figure.maximum, 6.0);
    ck_assert_double_eq_tol(replicated_std(&figure), sqrt(14.0 / 3.0), 1e-12);
    const double half = 3.182446 * sqrt(14.0 / 3.0 / 4.0);
    ck_assert_double_eq_tol(replicated_interval(&figure).low, 3.0 - half, 1e-5);
    ck_assert_double_eq_tol(replicated_interval(&figure).high, 3.0 + half, 1e-5);
}
END_TEST

START_TEST(test_replications)
{
    struct replications runs = {.first_seed = 3};
    const struct summary slow = run_of(30.0, NAN, LOAD_SATURATED);
    const struct summary fast = run_of(10.0, NAN, LOAD_STABLE);
    replications_add(&runs, &slow);
    replications_add(&runs, &fast);
    ck_assert_int_eq(runs.count, 2);
    ck_assert_double_eq(replications_find(&runs, "mean_ttft_ms")->mean, 20.0);
    ck_assert_double_eq(replications_find(&runs, "completed")->mean, 50.0);
    ck_assert_int_eq(replications_find(&runs, "request_goodput")->count, 0);
    ck_assert_int_eq(replications_verdict(&runs), LOAD_SATURATED);
    replications_add(&runs, &fast);
    ck_assert_int_eq(replications_verdict(&runs), LOAD_STABLE);
    ck_assert_uint_eq(runs.digest, 21);
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    ck_assert(replications_print_json(&runs, NULL, json_object(), stream));
    fclose(stream);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    double mean = 0.0, minimum = 0.0, maximum = 0.0;
    int count = 0, seed = 0, stable = 0;
    ck_assert_int_eq(json_unpack(root, "{s:F, s:{s:i, s:i, s:{s:i}, s:{s:{s:F, s:F}}}}",
                                 "mean_ttft_ms", &mean, "replications", "runs", &count,
                                 "first_seed", &seed, "saturation", "stable", &stable, "figures",
                                 "mean_ttft_ms", "min", &minimum, "max", &maximum),
                     0);
    ck_assert_double_eq_tol(mean, 50.0 / 3.0, 1e-12);
    ck_assert_double_eq(minimum, 10.0);
    ck_assert_double_eq(maximum, 30.0);
    ck_assert_int_eq(count, 3);
    ck_assert_int_eq(seed, 3);
    ck_assert_int_eq(stable, 2);
    ck_assert(json_is_null(json_object_get(root, "request_goodput")));
    json_decref(root);
    free(text);
}
END_TEST

/* Changes are of each run against the same run at the configured speed. */
START_TEST(test_sensitivity)
{
    struct sensitivity sensitivity = {0};
    struct summary rush = run_of(1.0, NAN, LOAD_UNKNOWN);
    rush.request_throughput_per_s = 5.0;
    for (int run = 1; run <= 2; run++) {
        struct summary summaries[SENSITIVITY_SPEEDS];
        for (int i = 0; i < SENSITIVITY_SPEEDS; i++)
            summaries[i] = run_of(run * (100.0 - 10.0 * i), 2.0 + i, LOAD_STABLE);
        sensitivity_add(&sensitivity, summaries, &rush);
    }
    ck_assert(sensitivity.has_slo);
    ck_assert_double_eq_tol(sensitivity.rows[0].ttft_change.mean, 100.0 / 80.0 - 1.0, 1e-12);
    ck_assert_double_eq_tol(replicated_std(&sensitivity.rows[0].ttft_change), 0.0, 1e-12);
    ck_assert_double_eq_tol(sensitivity.rows[4].good_change.mean, 6.0 / 4.0 - 1.0, 1e-12);
    ck_assert_double_eq(sensitivity.capacity_per_s.mean, 5.0);
    ck_assert_double_eq_tol(sensitivity.load.mean, 0.8, 1e-12);
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    sensitivity_print_text(&sensitivity, stream);
    fclose(stream);
    ck_assert_ptr_nonnull(strstr(text, "  -10 %                150.00    +25.0 % +-  0.0"));
    ck_assert_ptr_nonnull(strstr(text, "the load is 0.80 of it\n"));
    ck_assert_ptr_nonnull(strstr(text, "a server 20 % slower would be at its limit\n"));
    free(text);
    json_t *root = sensitivity_to_json(&sensitivity);
    double load = 0.0, speed = 0.0;
    ck_assert_int_eq(
        json_unpack(root, "{s:F, s:[{s:F}]}", "load", &load, "speeds", "speed", &speed), 0);
    ck_assert_double_eq_tol(load, 0.8, 1e-12);
    ck_assert_double_eq(speed, 0.9);
    json_decref(root);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_interval, test_replications, test_sensitivity};
    return unit_run("replications", tests, COUNT(tests));
}
