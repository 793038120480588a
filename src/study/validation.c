#include "validation.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <llmsim/sim_time.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double NS_PER_MS = 1e6;

/* Fewer tell nothing of a mean. */
enum { UNQUEUED_MIN = 5 };

/* Errors of less than this, in % of the mean E2E, are none to speak of. */
static const double NEGLIGIBLE_PCT = 1.0;

/* One request in both runs, ms. */
struct pair {
    bool queued;
    bool has[VALIDATION_METRIC_COUNT];
    double measured_ms[VALIDATION_METRIC_COUNT], predicted_ms[VALIDATION_METRIC_COUNT];
};

/* Mean TTFT, TPOT (of more than one token) and E2E of times. */
static void fill_metrics(int64_t arrival_ns, int64_t first_ns, int64_t end_ns, int32_t tokens,
                         double ms[VALIDATION_METRIC_COUNT])
{
    ms[VALIDATION_TTFT] = (double)(first_ns - arrival_ns) / NS_PER_MS;
    ms[VALIDATION_TPOT] = tokens > 1 ? (double)(end_ns - first_ns) / (tokens - 1) / NS_PER_MS : 0.0;
    ms[VALIDATION_E2E] = (double)(end_ns - arrival_ns) / NS_PER_MS;
}

/* It waited for longer than two steps, which are as long as it takes to give a token: whoever finds a
 * step in flight, and with asynchronous scheduling another one planned, waits for no more than these. */
static bool has_queued(int64_t arrival_ns, int64_t scheduled_ns, double tpot_ms)
{
    return (double)(scheduled_ns - arrival_ns) / NS_PER_MS > 2.0 * tpot_ms;
}

bool validation_has_queued(const struct request_outcome *outcome)
{
    double ms[VALIDATION_METRIC_COUNT];
    fill_metrics(outcome->arrival_ns, outcome->first_token_ns, outcome->finished_ns,
                 outcome->output_tokens, ms);
    return has_queued(outcome->arrival_ns, outcome->scheduled_ns, ms[VALIDATION_TPOT]);
}

static struct pair pair_of(const struct measured_log *log, const struct measured_request *measured,
                           const struct request_outcome *predicted)
{
    struct pair pair = {.has = {true, measured->output_tokens > 1, true}};
    fill_metrics(measured->arrival_ns, measured->first_token_ns, measured->finished_ns,
                 measured->output_tokens, pair.measured_ms);
    fill_metrics(predicted->arrival_ns, predicted->first_token_ns, predicted->finished_ns,
                 predicted->output_tokens, pair.predicted_ms);
    pair.queued = log->has_scheduled ? has_queued(measured->arrival_ns, measured->scheduled_ns,
                                                  pair.measured_ms[VALIDATION_TPOT])
                                     : validation_has_queued(predicted);
    return pair;
}

/* Sorts the values. */
static void fill_figures(double *values, size_t count, double figures[LATENCY_FIGURE_COUNT])
{
    gsl_sort(values, 1, count);
    figures[FIGURE_MEAN] = gsl_stats_mean(values, 1, count);
    figures[FIGURE_MEDIAN] = gsl_stats_quantile_from_sorted_data(values, 1, count, 0.5);
    figures[FIGURE_P90] = gsl_stats_quantile_from_sorted_data(values, 1, count, 0.9);
    figures[FIGURE_P95] = gsl_stats_quantile_from_sorted_data(values, 1, count, 0.95);
    figures[FIGURE_P99] = gsl_stats_quantile_from_sorted_data(values, 1, count, 0.99);
}

static bool is_of(const struct pair *pair, enum validation_part part)
{
    return part == VALIDATION_ALL || pair->queued == (part == VALIDATION_QUEUED);
}

/* room: for all values of both runs. */
static void compare(const struct pair *pairs, size_t count, enum validation_part part,
                    enum validation_metric metric, double *room,
                    struct validation_comparison *comparison)
{
    double *measured_ms = room, *predicted_ms = room + count;
    size_t taken = 0, rated = 0;
    double errors = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (!is_of(&pairs[i], part) || !pairs[i].has[metric])
            continue;
        measured_ms[taken] = pairs[i].measured_ms[metric];
        predicted_ms[taken] = pairs[i].predicted_ms[metric];
        if (measured_ms[taken] > 0.0) {
            errors += fabs(predicted_ms[taken] / measured_ms[taken] - 1.0);
            rated++;
        }
        taken++;
    }
    *comparison = (struct validation_comparison){.requests = (int64_t)taken};
    if (taken == 0)
        return;
    fill_figures(measured_ms, taken, comparison->measured_ms);
    fill_figures(predicted_ms, taken, comparison->predicted_ms);
    comparison->mape_pct = rated > 0 ? 100.0 * errors / (double)rated : 0.0;
}

static bool keep_pairs(const struct pair *pairs, size_t count, struct validation_report *report)
{
    for (int m = 0; m < VALIDATION_METRIC_COUNT; m++) {
        struct validation_pairs *kept = &report->pairs[m];
        kept->measured_ms = calloc(count, sizeof *kept->measured_ms);
        kept->predicted_ms = calloc(count, sizeof *kept->predicted_ms);
        if (kept->measured_ms == NULL || kept->predicted_ms == NULL)
            return false;
        for (size_t i = 0; i < count; i++) {
            if (!pairs[i].has[m])
                continue;
            kept->measured_ms[kept->count] = pairs[i].measured_ms[m];
            kept->predicted_ms[kept->count++] = pairs[i].predicted_ms[m];
        }
    }
    return true;
}

/* Of requests that were served in both. */
struct totals {
    int64_t requests;
    double output_tokens;
    int64_t measured_end_ns, predicted_end_ns;
    double share_error_ns[VALIDATION_SHARE_COUNT];
};

static void add_to_totals(struct totals *totals, const struct measured_log *log,
                          const struct measured_request *measured,
                          const struct request_outcome *predicted)
{
    totals->requests++;
    totals->output_tokens += measured->output_tokens;
    if (totals->measured_end_ns < measured->finished_ns)
        totals->measured_end_ns = measured->finished_ns;
    if (totals->predicted_end_ns < predicted->finished_ns)
        totals->predicted_end_ns = predicted->finished_ns;
    const int64_t decode_ns = (predicted->finished_ns - predicted->first_token_ns) -
                              (measured->finished_ns - measured->first_token_ns);
    const int64_t ttft_ns = (predicted->first_token_ns - predicted->arrival_ns) -
                            (measured->first_token_ns - measured->arrival_ns);
    const int64_t queue_ns = (predicted->scheduled_ns - predicted->arrival_ns) -
                             (measured->scheduled_ns - measured->arrival_ns);
    totals->share_error_ns[SHARE_DECODE] += (double)decode_ns;
    totals->share_error_ns[SHARE_QUEUE] += log->has_scheduled ? (double)queue_ns : 0.0;
    totals->share_error_ns[SHARE_PREFILL] +=
        (double)(ttft_ns - (log->has_scheduled ? queue_ns : 0));
}

static struct validation_rates rates_of(const struct totals *totals, int64_t end_ns)
{
    const double makespan_s = sim_s_from_ns(end_ns);
    const double per_s = makespan_s > 0.0 ? 1.0 / makespan_s : 0.0;
    return (struct validation_rates){.requests_per_s = (double)totals->requests * per_s,
                                     .output_tokens_per_s = totals->output_tokens * per_s,
                                     .makespan_s = makespan_s};
}

/* Without the log's own times of scheduling: what requests that did not queue lack in TTFT, all lack
 * in prefill; the rest is queueing. */
static void estimate_shares(struct validation_report *report)
{
    const struct validation_comparison *unqueued =
        &report->comparisons[VALIDATION_UNQUEUED][VALIDATION_TTFT];
    double *error_ms = report->share_error_ms;
    if (unqueued->requests < UNQUEUED_MIN) {
        error_ms[SHARE_QUEUE] = (double)NAN;
        return;
    }
    const double ttft_ms = error_ms[SHARE_PREFILL];
    error_ms[SHARE_PREFILL] =
        unqueued->predicted_ms[FIGURE_MEAN] - unqueued->measured_ms[FIGURE_MEAN];
    error_ms[SHARE_QUEUE] = ttft_ms - error_ms[SHARE_PREFILL];
    report->shares_estimated = true;
}

static void fill_verdict(struct validation_report *report)
{
    static const char *const words[VALIDATION_SHARE_COUNT] = {
        [SHARE_QUEUE] = "queueing", [SHARE_PREFILL] = "prefill", [SHARE_DECODE] = "decode"};
    const struct validation_comparison *e2e = &report->comparisons[VALIDATION_ALL][VALIDATION_E2E];
    const double measured_ms = e2e->measured_ms[FIGURE_MEAN];
    const double error_ms = e2e->predicted_ms[FIGURE_MEAN] - measured_ms;
    int largest = SHARE_DECODE;
    for (int i = 0; i < VALIDATION_SHARE_COUNT; i++) {
        if (fabs(report->share_error_ms[i]) > fabs(report->share_error_ms[largest]))
            largest = i;
    }
    const double largest_ms = report->share_error_ms[largest];
    const char *name = largest == SHARE_PREFILL && isnan(report->share_error_ms[SHARE_QUEUE])
                           ? "the time to first token"
                           : words[largest];
    if (fabs(largest_ms) <= NEGLIGIBLE_PCT / 100.0 * measured_ms)
        snprintf(report->verdict, sizeof report->verdict,
                 "no part is off by more than %.0f %% of the mean end-to-end latency",
                 NEGLIGIBLE_PCT);
    else
        snprintf(report->verdict, sizeof report->verdict,
                 "the mean end-to-end latency is %.1f %% too %s; what dominates is %s, %.0f ms too "
                 "%s",
                 fabs(100.0 * error_ms / measured_ms), error_ms < 0.0 ? "short" : "long", name,
                 fabs(largest_ms), largest_ms < 0.0 ? "short" : "long");
}

static void fill_report(const struct pair *pairs, const struct totals *totals, double *room,
                        struct validation_report *report)
{
    const size_t count = (size_t)totals->requests;
    for (int part = 0; part < VALIDATION_PART_COUNT; part++) {
        for (int m = 0; m < VALIDATION_METRIC_COUNT; m++)
            compare(pairs, count, (enum validation_part)part, (enum validation_metric)m, room,
                    &report->comparisons[part][m]);
    }
    report->measured = rates_of(totals, totals->measured_end_ns);
    report->predicted = rates_of(totals, totals->predicted_end_ns);
    for (int i = 0; i < VALIDATION_SHARE_COUNT; i++)
        report->share_error_ms[i] = totals->share_error_ns[i] / NS_PER_MS / (double)count;
    if (!report->queue_is_measured)
        estimate_shares(report);
    fill_verdict(report);
}

static void add_note(struct validation_report *report, const char *text)
{
    if (*text != '\0' && report->note_count < VALIDATION_MAX_NOTES)
        snprintf(report->notes[report->note_count++], VALIDATION_NOTE_BYTES, "%s", text);
}

bool validation_compare(const struct measured_replay *replay, struct validation_report *report,
                        struct error *error)
{
    const struct measured_log *log = replay->log;
    *report = (struct validation_report){.path = log->path,
                                         .format = log->format,
                                         .requests = (int64_t)log->count,
                                         .failed = log->failed,
                                         .replays_trace = replay->uses_trace,
                                         .queue_is_measured = log->has_scheduled};
    add_note(report, replay->why);
    for (size_t i = 0; i < log->note_count; i++)
        add_note(report, log->notes[i]);
    struct pair *pairs = calloc(log->count, sizeof *pairs);
    double *room = calloc(2 * log->count, sizeof *room);
    struct totals totals = {0};
    for (size_t i = 0; pairs != NULL && i < log->count; i++) {
        const struct request_outcome *outcome = &replay->outcomes[i];
        if (outcome->status != REQUEST_COMPLETED)
            continue;
        pairs[totals.requests] = pair_of(log, &log->requests[i], outcome);
        add_to_totals(&totals, log, &log->requests[i], outcome);
    }
    report->rejected = (int64_t)log->count - totals.requests;
    bool done = pairs != NULL && room != NULL && keep_pairs(pairs, (size_t)totals.requests, report);
    if (!done)
        error_run(error, "out of memory for the comparison");
    else if (totals.requests == 0)
        done = error_input(error, NULL, "the simulation rejects every measured request");
    else
        fill_report(pairs, &totals, room, report);
    free(pairs);
    free(room);
    return done;
}
