#include "arrival_counts.h"

#include <llmsim/sim_time.h>
#include <math.h>
#include <string.h>

/* A dispersion from fewer windows says little. */
enum { MIN_WINDOWS = 10 };

static const int32_t window_lengths_s[TRACE_MAX_WINDOWS] = {1, 10, 60, 600, 3600, 86400};

static const int64_t first_bin_ns = 1000000;

void arrival_counts_init(struct arrival_counts *arrivals)
{
    memset(arrivals, 0, sizeof *arrivals);
    arrivals->bin_ns = first_bin_ns;
}

static void count_window(struct window_counts *window, int64_t index)
{
    if (index != window->current) {
        const double count = (double)window->current_count;
        window->sum += count;
        window->square_sum += count * count;
        window->current = index;
        window->current_count = 0;
    }
    window->current_count++;
}

/* Two bins become one, so that as many are free again. */
static void merge_bins(struct arrival_counts *arrivals)
{
    for (size_t i = 0; i < ARRIVAL_BINS / 2; i++)
        arrivals->bins[i] = arrivals->bins[2 * i] + arrivals->bins[2 * i + 1];
    memset(&arrivals->bins[ARRIVAL_BINS / 2], 0, sizeof arrivals->bins / 2);
    arrivals->bin_ns *= 2;
}

void arrival_counts_add(struct arrival_counts *arrivals, int64_t arrival_ns)
{
    const double gap_s = sim_s_from_ns(arrival_ns - arrivals->last_ns);
    if (arrivals->count > 0)
        arrivals->gap_square_sum += gap_s * gap_s;
    for (size_t i = 0; i < TRACE_MAX_WINDOWS; i++)
        count_window(&arrivals->windows[i], arrival_ns / (window_lengths_s[i] * SIM_NS_PER_S));
    while (arrival_ns / arrivals->bin_ns >= ARRIVAL_BINS)
        merge_bins(arrivals);
    arrivals->bins[arrival_ns / arrivals->bin_ns]++;
    arrivals->last_ns = arrival_ns;
    arrivals->count++;
}

static void report_windows(const struct arrival_counts *arrivals, struct trace_report *report)
{
    for (size_t i = 0; i < TRACE_MAX_WINDOWS; i++) {
        const struct window_counts *window = &arrivals->windows[i];
        const int64_t windows = window->current; /* those before it have all ended */
        if (windows < MIN_WINDOWS)
            continue;
        const double mean = window->sum / (double)windows;
        const double variance = window->square_sum / (double)windows - mean * mean;
        report->windows[report->window_count++] =
            (struct trace_window){window_lengths_s[i], windows, variance / mean};
    }
}

static void report_chart(const struct arrival_counts *arrivals, struct trace_chart *chart)
{
    const int64_t bins = arrivals->last_ns / arrivals->bin_ns + 1;
    const int64_t share = (bins + TRACE_CHART_COLUMNS - 1) / TRACE_CHART_COLUMNS;
    chart->column_s = sim_s_from_ns(share * arrivals->bin_ns);
    chart->columns = (size_t)((bins + share - 1) / share);
    for (int64_t i = 0; i < bins; i++)
        chart->requests[i / share] += arrivals->bins[i];
}

void arrival_counts_report(const struct arrival_counts *arrivals, struct trace_report *report)
{
    const double gaps = (double)(arrivals->count - 1);
    report->span_s = sim_s_from_ns(arrivals->last_ns);
    report->rate_per_s = report->gap_mean_s = report->gap_cv = NAN;
    if (arrivals->last_ns > 0) {
        const double mean = report->span_s / gaps;
        const double variance = fmax(arrivals->gap_square_sum / gaps - mean * mean, 0.0);
        report->rate_per_s = gaps / report->span_s;
        report->gap_mean_s = mean;
        report->gap_cv = sqrt(variance) / mean;
    }
    report_windows(arrivals, report);
    report_chart(arrivals, &report->chart);
}
