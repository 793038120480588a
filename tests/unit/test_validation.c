/* A log of four requests beside a run of them, by hand. */
#include "unit.h"
#include "validation.h"

#include <math.h>

#define MS INT64_C(1000000)

enum { REQUESTS = 4 };

/* The second waits for half a second, the third has one token, the last is rejected when simulated. */
static struct measured_request measured[REQUESTS] = {
    {0, 0, 100 * MS, 1100 * MS, 10, 11},
    {0, 500 * MS, 600 * MS, 1600 * MS, 10, 11},
    {1000 * MS, 1000 * MS, 1200 * MS, 1200 * MS, 10, 1},
    {1000 * MS, 1000 * MS, 1100 * MS, 9000 * MS, 10, 5},
};
static struct request_outcome predicted[REQUESTS] = {
    {.first_token_ns = 110 * MS, .finished_ns = 1210 * MS, .output_tokens = 11},
    {.scheduled_ns = 400 * MS,
     .first_token_ns = 520 * MS,
     .finished_ns = 1520 * MS,
     .output_tokens = 11},
    {.arrival_ns = 1000 * MS,
     .scheduled_ns = 1000 * MS,
     .first_token_ns = 1200 * MS,
     .finished_ns = 1200 * MS,
     .output_tokens = 1},
    {.arrival_ns = 1000 * MS, .status = REQUEST_REJECTED},
};

static void compare(bool has_scheduled, struct validation_report *report)
{
    struct measured_log log = {.path = "log.csv",
                               .format = "CSV",
                               .requests = measured,
                               .count = REQUESTS,
                               .failed = 7,
                               .has_scheduled = has_scheduled,
                               .notes = {"a note"},
                               .note_count = 1};
    const struct measured_replay replay = {
        .log = &log, .uses_trace = true, .why = "arrivals differ", .outcomes = predicted};
    struct error error = {0};
    ck_assert_msg(validation_compare(&replay, report, &error), "%s", error.text);
}

static const struct validation_comparison *
of(const struct validation_report *report, enum validation_part part, enum validation_metric metric)
{
    return &report->comparisons[part][metric];
}

START_TEST(test_figures)
{
    struct validation_report report;
    compare(true, &report);
    ck_assert_int_eq(report.requests, REQUESTS);
    ck_assert_int_eq(report.rejected, 1);
    ck_assert_int_eq(report.failed, 7);
    ck_assert(report.replays_trace && report.queue_is_measured);
    ck_assert_uint_eq(report.note_count, 2);
    ck_assert_str_eq(report.notes[0], "arrivals differ");
    ck_assert_str_eq(report.notes[1], "a note");
    const struct validation_comparison *ttft = of(&report, VALIDATION_ALL, VALIDATION_TTFT);
    ck_assert_int_eq(ttft->requests, 3);
    ck_assert_double_eq_tol(ttft->measured_ms[FIGURE_MEAN], 300.0, 1e-9);
    ck_assert_double_eq_tol(ttft->predicted_ms[FIGURE_MEAN], 830.0 / 3.0, 1e-9);
    ck_assert_double_eq_tol(ttft->measured_ms[FIGURE_MEDIAN], 200.0, 1e-9);
    ck_assert_double_eq_tol(ttft->measured_ms[FIGURE_P90], 520.0, 1e-9);
    ck_assert_double_eq_tol(ttft->predicted_ms[FIGURE_P90], 456.0, 1e-9);
    ck_assert_double_eq_tol(ttft->mape_pct, (10.0 + 100.0 * 80.0 / 600.0 + 0.0) / 3.0, 1e-9);
    const struct validation_comparison *tpot = of(&report, VALIDATION_ALL, VALIDATION_TPOT);
    ck_assert_int_eq(tpot->requests, 2);
    ck_assert_double_eq_tol(tpot->predicted_ms[FIGURE_MEAN], 105.0, 1e-9);
    ck_assert_double_eq_tol(
        validation_error_pct(tpot->measured_ms[FIGURE_MEAN], tpot->predicted_ms[FIGURE_MEAN]), 5.0,
        1e-9);
    ck_assert_double_eq_tol(report.measured.makespan_s, 1.6, 1e-12);
    ck_assert_double_eq_tol(report.measured.requests_per_s, 3.0 / 1.6, 1e-12);
    ck_assert_double_eq_tol(report.predicted.output_tokens_per_s, 23.0 / 1.52, 1e-12);
    ck_assert_uint_eq(report.pairs[VALIDATION_TPOT].count, 2);
    ck_assert_double_eq(report.pairs[VALIDATION_E2E].predicted_ms[2], 200.0);
    validation_report_fini(&report);
}
END_TEST

/* Who queued, and where the error is: the parts sum to it. */
START_TEST(test_parts)
{
    struct validation_report report;
    compare(true, &report);
    ck_assert_int_eq(of(&report, VALIDATION_QUEUED, VALIDATION_E2E)->requests, 1);
    ck_assert_int_eq(of(&report, VALIDATION_UNQUEUED, VALIDATION_E2E)->requests, 2);
    ck_assert_double_eq(of(&report, VALIDATION_QUEUED, VALIDATION_TTFT)->predicted_ms[FIGURE_MEAN],
                        520.0);
    ck_assert_double_eq_tol(report.share_error_ms[SHARE_QUEUE], -100.0 / 3.0, 1e-9);
    ck_assert_double_eq_tol(report.share_error_ms[SHARE_PREFILL], 10.0, 1e-9);
    ck_assert_double_eq_tol(report.share_error_ms[SHARE_DECODE], 100.0 / 3.0, 1e-9);
    ck_assert(!report.shares_estimated);
    ck_assert_str_eq(report.verdict,
                     "the mean end-to-end latency is 1.0 % too long; what dominates "
                     "is decode, 33 ms too long");
    validation_report_fini(&report);
}
END_TEST

/* Without times of scheduling, the simulation says who queued; two that did not are too few to tell
 * prefill from queueing by. */
START_TEST(test_without_scheduling)
{
    struct validation_report report;
    compare(false, &report);
    ck_assert(!report.queue_is_measured && !report.shares_estimated);
    ck_assert_int_eq(of(&report, VALIDATION_QUEUED, VALIDATION_E2E)->requests, 1);
    ck_assert(isnan(report.share_error_ms[SHARE_QUEUE]));
    ck_assert_double_eq_tol(report.share_error_ms[SHARE_PREFILL], -70.0 / 3.0, 1e-9);
    validation_report_fini(&report);
}
END_TEST

START_TEST(test_all_rejected)
{
    struct measured_log log = {.path = "log.csv", .requests = measured, .count = 1};
    struct request_outcome rejected = {.status = REQUEST_REJECTED};
    const struct measured_replay replay = {.log = &log, .outcomes = &rejected};
    struct validation_report report;
    struct error error = {0};
    ck_assert(!validation_compare(&replay, &report, &error));
    ck_assert_str_eq(error.text, "the simulation rejects every measured request");
    validation_report_fini(&report);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_figures, test_parts, test_without_scheduling,
                                  test_all_rejected};
    return unit_run("validation", tests, COUNT(tests));
}
