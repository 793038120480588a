/* What can be said of a trace, as tables a person can read. */
#include "trace_report.h"

#include <inttypes.h>
#include <math.h>

enum { CHART_ROWS = 6, EIGHTHS = 8 };

const int trace_percentiles[TRACE_QUANTILES] = {5, 25, 50, 75, 90, 95, 99};

/* A duration in the unit that a person would choose. */
static void format_duration(double seconds, char *text, size_t size)
{
    static const struct {
        double seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}, {1e-3, "ms"}, {0, "us"}};
    size_t i = 0;
    while (seconds < (units[i].seconds > 1 ? 2 : 1) * units[i].seconds)
        i++;
    snprintf(text, size, "%.3g %s", seconds / (units[i].seconds > 0 ? units[i].seconds : 1e-6),
             units[i].name);
}

static void print_arrivals(const struct trace_report *report, FILE *stream)
{
    char span[32];
    format_duration(report->span_s, span, sizeof span);
    fprintf(stream, "requests        %" PRId64, report->requests);
    if (report->left_out.bad_rows > 0)
        fprintf(stream, ", and %" PRId64 " bad rows skipped", report->left_out.bad_rows);
    if (report->left_out.failed_requests > 0)
        fprintf(stream, ", and %" PRId64 " failed ones left out", report->left_out.failed_requests);
    fprintf(stream, "\nspan            %.2f s (%s), from the first arrival to the last\n",
            report->span_s, span);
    if (isnan(report->rate_per_s))
        return;
    fprintf(stream, "rate            %.4g requests/s; %.4g prompt and %.4g output tokens/s\n",
            report->rate_per_s, report->prompt.mean * report->rate_per_s,
            report->output.mean * report->rate_per_s);
    fprintf(stream, "gaps            %.4g s on average, CV %.3f (Poisson: 1)\n", report->gap_mean_s,
            report->gap_cv);
    for (size_t i = 0; i < report->window_count; i++)
        fprintf(stream, "%s%.3g in %g s", i == 0 ? "dispersion      " : ", ",
                report->windows[i].dispersion, report->windows[i].window_s);
    if (report->window_count > 0)
        fputs("\n                (variance over mean of the counts in windows; Poisson: 1)\n",
              stream);
}

static void print_real_row(const char *name, double prompt, double output, FILE *stream)
{
    fprintf(stream, "%-15s %14.1f %14.1f\n", name, prompt, output);
}

static void print_whole_row(const char *name, int64_t prompt, int64_t output, FILE *stream)
{
    fprintf(stream, "%-15s %14" PRId64 " %14" PRId64 "\n", name, prompt, output);
}

static void print_lengths(const struct trace_report *report, FILE *stream)
{
    const struct trace_lengths *prompt = &report->prompt, *output = &report->output;
    fprintf(stream, "\n%-15s %14s %14s\n", "tokens", "prompt", "output");
    print_whole_row("total", prompt->total, output->total, stream);
    print_real_row("mean", prompt->mean, output->mean, stream);
    print_real_row("std", prompt->std, output->std, stream);
    print_whole_row("min", prompt->minimum, output->minimum, stream);
    for (size_t i = 0; i < TRACE_QUANTILES; i++) {
        char name[8];
        snprintf(name, sizeof name, "p%d", trace_percentiles[i]);
        print_real_row(name, prompt->quantiles[i], output->quantiles[i], stream);
    }
    print_whole_row("max", prompt->maximum, output->maximum, stream);
    if (!isnan(report->correlation))
        fprintf(stream, "correlation     %.3f of prompt and output, %.3f of their logarithms\n",
                report->correlation, report->log_correlation);
}

static void print_estimate(int64_t one_in, const char *what, FILE *stream)
{
    if (one_in > 1)
        fprintf(stream, "                estimated from 1 in %" PRId64 " %s\n", one_in, what);
}

static void print_prefixes(const struct trace_report *report, FILE *stream)
{
    const struct trace_prefixes *prefixes = &report->prefixes;
    if (prefixes->requests == 0)
        return;
    fprintf(stream,
            "prefixes        %" PRId64 " ids of %" PRId32 " tokens in %" PRId64
            " requests, %" PRId64 " distinct blocks\n",
            prefixes->ids, prefixes->id_tokens, prefixes->requests, prefixes->distinct);
    fprintf(stream,
            "                at most %.2f %% of the prompt tokens can be found in a cache\n",
            100.0 * (double)prefixes->hit_tokens / (double)report->prompt.total);
    print_estimate(prefixes->one_in, "ids", stream);
}

static void print_sessions(const struct trace_report *report, FILE *stream)
{
    const struct trace_sessions *sessions = &report->sessions;
    if (sessions->requests == 0)
        return;
    fprintf(stream,
            "sessions        %" PRId64 " in %" PRId64 " requests: %.3g turns on average, %" PRId64
            " at most\n",
            sessions->sessions, sessions->requests,
            (double)sessions->requests / (double)sessions->sessions, sessions->max_turns);
    print_estimate(sessions->one_in, "sessions", stream);
}

static void print_clients(const struct trace_report *report, FILE *stream)
{
    const struct trace_clients *clients = &report->clients;
    if (clients->requests == 0)
        return;
    fprintf(stream, "clients         %" PRId64 " in %" PRId64 " requests\n", clients->clients,
            clients->requests);
    print_estimate(clients->one_in, "clients", stream);
}

static void print_classes(const struct trace_report *report, FILE *stream)
{
    if (!trace_report_has_classes(report))
        return;
    fprintf(stream, "\n%-15s %10s %9s %14s %14s\n", "class", "requests", "share", "mean prompt",
            "mean output");
    for (size_t i = 0; i < report->class_count; i++) {
        const struct trace_class *class = &report->classes[i];
        const double requests = (double)class->requests;
        fprintf(stream, "%-15s %10" PRId64 " %7.2f %% %14.1f %14.1f\n",
                *class->name != '\0' ? class->name : "(none)", class->requests,
                100.0 * requests / (double)report->requests,
                (double)class->prompt_tokens / requests, (double)class->output_tokens / requests);
    }
    if (report->other_class_requests > 0)
        fprintf(stream, "%-15s %10" PRId64 "\n", "(others)", report->other_class_requests);
}

static void print_priorities(const struct trace_report *report, FILE *stream)
{
    if (!trace_report_has_priorities(report))
        return;
    fprintf(stream, "\n%-15s %10s\n", "priority", "requests");
    for (size_t i = 0; i < report->priority_count; i++)
        fprintf(stream, "%-15" PRId32 " %10" PRId64 "\n", report->priorities[i].priority,
                report->priorities[i].requests);
    if (report->other_priority_requests > 0)
        fprintf(stream, "%-15s %10" PRId64 "\n", "(others)", report->other_priority_requests);
}

/* Of what the span covers of the column; of a last one that it hardly enters, of half of it. */
static double column_rate(const struct trace_report *report, size_t column)
{
    const struct trace_chart *chart = &report->chart;
    const double left_s = report->span_s - (double)column * chart->column_s;
    const double covered_s = fmin(fmax(left_s, chart->column_s / 2), chart->column_s);
    return (double)chart->requests[column] / covered_s;
}

/* Columns as bars of CHART_ROWS rows, in eighths of a row. */
static void print_chart(const struct trace_report *report, FILE *stream)
{
    static const char *const bars[EIGHTHS + 1] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    const struct trace_chart *chart = &report->chart;
    double highest = 0.0;
    for (size_t i = 0; i < chart->columns; i++)
        highest = fmax(highest, column_rate(report, i));
    char width[32], span[32];
    format_duration(chart->column_s, width, sizeof width);
    format_duration(report->span_s, span, sizeof span);
    fprintf(stream, "\nrequests/s over time, %s a column\n", width);
    for (int row = CHART_ROWS - 1; row >= 0; row--) {
        char label[16] = "";
        if (row == CHART_ROWS - 1 || row == CHART_ROWS / 2 - 1)
            snprintf(label, sizeof label, "%.3g", highest * (row + 1) / CHART_ROWS);
        fprintf(stream, "%6s ", label);
        for (size_t i = 0; i < chart->columns; i++) {
            const double eighths =
                ceil(column_rate(report, i) / highest * CHART_ROWS * EIGHTHS) - row * EIGHTHS;
            fputs(bars[(int)fmin(fmax(eighths, 0.0), EIGHTHS)], stream);
        }
        fputc('\n', stream);
    }
    const int gap = (int)chart->columns > 4 ? (int)chart->columns - 1 : 4;
    fprintf(stream, "       0%*s\n", gap, span);
}

void trace_print_text(const struct trace_report *report, FILE *stream)
{
    if (report->format != NULL)
        fprintf(stream, "format          %s: %s\n", report->format, report->format_summary);
    print_arrivals(report, stream);
    print_prefixes(report, stream);
    print_sessions(report, stream);
    print_clients(report, stream);
    print_lengths(report, stream);
    print_classes(report, stream);
    print_priorities(report, stream);
    if (report->span_s > 0.0)
        print_chart(report, stream);
}
