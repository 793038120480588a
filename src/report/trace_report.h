/* What can be said of a trace without serving it. */
#ifndef LLMSIM_REPORT_TRACE_REPORT_H
#define LLMSIM_REPORT_TRACE_REPORT_H

#include <llmsim/request.h>
#include <stddef.h>

enum {
    TRACE_QUANTILES = 7,
    TRACE_MAX_WINDOWS = 6,
    TRACE_MAX_CLASSES = 32,
    TRACE_MAX_PRIORITIES = 32,
    TRACE_CHART_COLUMNS = 72,
};

/* p5, p25, p50, p75, p90, p95, p99: in this order wherever there are TRACE_QUANTILES of them. */
extern const int trace_percentiles[TRACE_QUANTILES];

/* Of prompts or outputs, in tokens. Quantiles are exact up to 524288 tokens, and from there within
 * 0.01 %. Population standard deviation. */
struct trace_lengths {
    int64_t total, minimum, maximum;
    double mean, std;
    double quantiles[TRACE_QUANTILES];
};

/* Arrivals counted in windows one behind the other from the first arrival; only windows that end
 * before the last arrival, or with it. */
struct trace_window {
    double window_s;
    int64_t windows;
    double dispersion; /* population variance over mean of the counts: 1 is Poisson */
};

/* Prompts that begin as earlier ones did. Estimated from one in `one_in` ids where that is not 1. */
struct trace_prefixes {
    int64_t requests; /* that have ids */
    int64_t ids;      /* in all */
    int64_t distinct; /* an id together with those before it */
    int64_t one_in;
    int32_t id_tokens;  /* that an id stands for, in the last request that had some */
    int64_t hit_tokens; /* that a cache without end would have found, in whole blocks of 16 tokens
                           and at most all but one token of a prompt */
};

struct trace_sessions {
    int64_t requests; /* that belong to one */
    int64_t sessions;
    int64_t one_in; /* sessions and max_turns are estimated from one in so many */
    int64_t max_turns;
};

struct trace_clients {
    int64_t requests, clients, one_in;
};

struct trace_class {
    char name[REQUEST_MAX_NAME_BYTES + 1]; /* "": of requests that name none */
    int64_t requests, prompt_tokens, output_tokens;
};

struct trace_priority {
    int32_t priority;
    int64_t requests;
};

/* Arrivals in columns of equal length one behind the other from the first arrival on; the last
 * arrival lies in the last. */
struct trace_chart {
    double column_s;
    size_t columns;
    int64_t requests[TRACE_CHART_COLUMNS];
};

/* What is undefined is NaN: a rate without a span, a correlation of lengths that are all equal. */
struct trace_report {
    const char *path, *format,
        *format_summary; /* not owned; the last two NULL where there is none */
    int64_t requests;
    struct source_left_out left_out;
    double span_s;                                  /* from the first arrival to the last */
    double rate_per_s;                              /* (requests − 1) / span */
    double gap_mean_s, gap_cv;                      /* population standard deviation / mean */
    struct trace_window windows[TRACE_MAX_WINDOWS]; /* those that are in the span often enough */
    size_t window_count;
    struct trace_lengths prompt, output;
    double correlation,
        log_correlation; /* Pearson's, of prompt and output and of their logarithms */
    struct trace_prefixes prefixes;
    struct trace_sessions sessions;
    struct trace_clients clients;
    struct trace_class classes[TRACE_MAX_CLASSES]; /* by first appearance; none: only the unnamed */
    size_t class_count;
    int64_t other_class_requests; /* of classes beyond the first TRACE_MAX_CLASSES */
    struct trace_priority priorities[TRACE_MAX_PRIORITIES]; /* by first appearance */
    size_t priority_count;
    int64_t other_priority_requests;
    struct trace_chart chart;
};

/* Whether any request names its class, or has another priority than 0. */
static inline bool trace_report_has_classes(const struct trace_report *report)
{
    return report->class_count > 1 ||
           (report->class_count == 1 && *report->classes[0].name != '\0');
}

static inline bool trace_report_has_priorities(const struct trace_report *report)
{
    return report->priority_count > 1 || report->priorities[0].priority != 0;
}

void trace_print_text(const struct trace_report *report, FILE *stream);

/* False when memory cannot be had. */
bool trace_print_json(const struct trace_report *report, FILE *stream);

#endif
