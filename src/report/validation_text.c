/* The validation as tables for people. */
#include "validation_report.h"

#include <inttypes.h>
#include <stdlib.h>

const char *const validation_metric_names[VALIDATION_METRIC_COUNT] = {
    [VALIDATION_TTFT] = "ttft", [VALIDATION_TPOT] = "tpot", [VALIDATION_E2E] = "e2e"};
const char *const validation_part_names[VALIDATION_PART_COUNT] = {
    [VALIDATION_ALL] = "all", [VALIDATION_UNQUEUED] = "unqueued", [VALIDATION_QUEUED] = "queued"};
const char *const validation_share_names[VALIDATION_SHARE_COUNT] = {
    [SHARE_QUEUE] = "queue", [SHARE_PREFILL] = "prefill", [SHARE_DECODE] = "decode"};

void validation_report_fini(struct validation_report *report)
{
    for (int i = 0; i < VALIDATION_METRIC_COUNT; i++) {
        free(report->pairs[i].measured_ms);
        free(report->pairs[i].predicted_ms);
        report->pairs[i] = (struct validation_pairs){0};
    }
}

static void print_error(double measured, double predicted, FILE *stream)
{
    const double error_pct = validation_error_pct(measured, predicted);
    if (isnan(error_pct))
        fprintf(stream, " %9s  ", "");
    else
        fprintf(stream, " %+9.2f %%", error_pct);
}

static void print_sources(const struct validation_report *report, FILE *stream)
{
    fprintf(stream, "Measured        %" PRId64 " requests of %s (%s)", report->requests,
            report->path, report->format);
    if (report->failed > 0)
        fprintf(stream, "; %" PRId64 " that failed are left out", report->failed);
    fprintf(stream, "\nReplayed        %s\n",
            report->replays_trace ? "the configuration's trace, whose requests they are"
                                  : "the measured requests: what their prompts share is unknown");
    if (report->rejected > 0)
        fprintf(stream, "Rejected        %" PRId64 " by the simulation, compared are the others\n",
                report->rejected);
    for (size_t i = 0; i < report->note_count; i++)
        fprintf(stream, "%s%s\n", i == 0 ? "Note            " : "                ",
                report->notes[i]);
}

static void print_figures(const struct validation_report *report, FILE *stream)
{
    static const char *const titles[VALIDATION_METRIC_COUNT] = {
        [VALIDATION_TTFT] = "Time to first token",
        [VALIDATION_TPOT] = "Time per output token",
        [VALIDATION_E2E] = "End-to-end latency"};
    fprintf(stream, "\n  %-30s%13s%13s%12s%14s\n", "Latency (ms)", "measured", "predicted", "error",
            "request MAPE");
    for (int m = 0; m < VALIDATION_METRIC_COUNT; m++) {
        const struct validation_comparison *comparison = &report->comparisons[VALIDATION_ALL][m];
        for (int i = 0; i < LATENCY_FIGURE_COUNT && comparison->requests > 0; i++) {
            fprintf(stream, "  %-22s%-8s%13.2f%13.2f", i == 0 ? titles[m] : "",
                    summary_figure_names[i], comparison->measured_ms[i],
                    comparison->predicted_ms[i]);
            print_error(comparison->measured_ms[i], comparison->predicted_ms[i], stream);
            if (i == 0)
                fprintf(stream, "%12.2f %%", comparison->mape_pct);
            fputc('\n', stream);
        }
    }
}

static void print_rates(const struct validation_report *report, FILE *stream)
{
    const struct validation_rates *measured = &report->measured, *predicted = &report->predicted;
    const struct {
        const char *name;
        double measured, predicted;
    } rows[] = {
        {"Requests/s", measured->requests_per_s, predicted->requests_per_s},
        {"Output tokens/s", measured->output_tokens_per_s, predicted->output_tokens_per_s},
        {"Makespan (s)", measured->makespan_s, predicted->makespan_s},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fprintf(stream, "  %-30s%13.3f%13.3f", rows[i].name, rows[i].measured, rows[i].predicted);
        print_error(rows[i].measured, rows[i].predicted, stream);
        fputc('\n', stream);
    }
}

static void print_parts(const struct validation_report *report, FILE *stream)
{
    static const char *const titles[VALIDATION_PART_COUNT] = {
        [VALIDATION_UNQUEUED] = "did not queue", [VALIDATION_QUEUED] = "queued"};
    fprintf(stream, "\n  %-30s%9s%15s%12s%12s\n",
            report->queue_is_measured ? "By load, as measured" : "By load, as predicted",
            "requests", "mean TTFT", "TPOT", "E2E");
    for (int part = VALIDATION_UNQUEUED; part < VALIDATION_PART_COUNT; part++) {
        const struct validation_comparison *comparisons = report->comparisons[part];
        fprintf(stream, "  %-30s%9" PRId64 "   ", titles[part],
                comparisons[VALIDATION_E2E].requests);
        for (int m = 0; m < VALIDATION_METRIC_COUNT; m++)
            print_error(comparisons[m].measured_ms[FIGURE_MEAN],
                        comparisons[m].predicted_ms[FIGURE_MEAN], stream);
        fputc('\n', stream);
    }
}

static void print_shares(const struct validation_report *report, FILE *stream)
{
    const double whole_ms = report->comparisons[VALIDATION_ALL][VALIDATION_E2E].measured_ms[0];
    fputs("\nError by part   ", stream);
    const char *before = "";
    for (int i = 0; i < VALIDATION_SHARE_COUNT; i++) {
        const double error_ms = report->share_error_ms[i];
        if (isnan(error_ms))
            continue;
        fprintf(stream, "%s%s %+.2f ms (%+.2f %%)", before, validation_share_names[i], error_ms,
                whole_ms > 0.0 ? 100.0 * error_ms / whole_ms : 0.0);
        before = ", ";
    }
    fprintf(stream, " of the mean E2E%s\n",
            report->shares_estimated ? "; queue and prefill are an estimate" : "");
    fprintf(stream, "Verdict         %s\n", report->verdict);
}

void validation_print_text(const struct validation_report *report, FILE *stream)
{
    print_sources(report, stream);
    print_figures(report, stream);
    print_rates(report, stream);
    print_parts(report, stream);
    print_shares(report, stream);
}
