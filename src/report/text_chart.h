/* Charts for those who stay in the terminal: plain ASCII, 80 columns. */
#ifndef LLMSIM_REPORT_TEXT_CHART_H
#define LLMSIM_REPORT_TEXT_CHART_H

#include "histogram.h"
#include <stddef.h>
#include <stdio.h>

/* How many values of a latency fall into each of at most 16 intervals of equal ratio, in ms, and in
 * which of them the median, p90 and p99 lie. Of an empty histogram nothing. */
void text_chart_distribution(const struct histogram *histogram, const char *title, FILE *stream);

struct text_point {
    double x, y;   /* finite */
    bool on_front; /* drawn over the others, as another mark */
};

/* Points as a picture between the least and the largest of each axis. Of no point nothing. */
void text_chart_scatter(const struct text_point *points, size_t count, const char *x_label,
                        const char *y_label, FILE *stream);

#endif
