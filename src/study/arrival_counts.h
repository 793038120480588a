/* When requests arrive, counted: gaps, counts in windows, and a chart. */
#ifndef LLMSIM_STUDY_ARRIVAL_COUNTS_H
#define LLMSIM_STUDY_ARRIVAL_COUNTS_H

#include "trace_report.h"

enum { ARRIVAL_BINS = 1 << 10 };

/* Counts in the windows of one length that are over. */
struct window_counts {
    int64_t current, current_count; /* the window that the last arrival lies in */
    double sum, square_sum;         /* of those before it: whole numbers, exact below 2^53 */
};

struct arrival_counts {
    int64_t count;
    int64_t last_ns;
    double gap_square_sum; /* s² */
    struct window_counts windows[TRACE_MAX_WINDOWS];
    int64_t bin_ns; /* doubled whenever the arrivals outgrow the bins */
    int64_t bins[ARRIVAL_BINS];
};

void arrival_counts_init(struct arrival_counts *arrivals);

/* Arrivals in order, the first at 0. */
void arrival_counts_add(struct arrival_counts *arrivals, int64_t arrival_ns);

/* What the report says of arrivals: span, rate, gaps, windows, chart. */
void arrival_counts_report(const struct arrival_counts *arrivals, struct trace_report *report);

#endif
