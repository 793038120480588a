/* What the page of a run shows beyond its summary: distributions of latencies, and the run over time. */
#ifndef LLMSIM_REPORT_RUN_CHARTS_H
#define LLMSIM_REPORT_RUN_CHARTS_H

#include "metrics.h"
#include "timeline.h"
#include <jansson.h>

/* At most so many rows over time: of more, neighbours are one. */
enum { RUN_CHARTS_MAX_ROWS = 400 };

/* {"distributions": {"ttft": [[ms, %], …], …}, "timeline": {"columns", "rows", "interval_s", "merged"}}, or
 * NULL when memory cannot be had. */
json_t *run_charts_json(const struct metrics *metrics, const struct timeline *timeline);

#endif
