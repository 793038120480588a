/* A run of the simulation beside the measured run of a real server. */
#ifndef LLMSIM_REPORT_VALIDATION_REPORT_H
#define LLMSIM_REPORT_VALIDATION_REPORT_H

#include "summary.h"

/* As fits a table: by request, so ITL is not among them. */
enum validation_metric {
    VALIDATION_TTFT,
    VALIDATION_TPOT,
    VALIDATION_E2E,
    VALIDATION_METRIC_COUNT
};

/* Requests that had to queue, by whoever is asked, and those that had not. */
enum validation_part {
    VALIDATION_ALL,
    VALIDATION_UNQUEUED,
    VALIDATION_QUEUED,
    VALIDATION_PART_COUNT
};

/* Where mean end-to-end latency comes from. */
enum validation_share {
    SHARE_QUEUE,   /* arrival to scheduled */
    SHARE_PREFILL, /* scheduled to first token */
    SHARE_DECODE,  /* first token to last */
    VALIDATION_SHARE_COUNT
};

struct validation_comparison {
    int64_t requests; /* that have the metric in both runs; 0: all below is 0 */
    double measured_ms[LATENCY_FIGURE_COUNT], predicted_ms[LATENCY_FIGURE_COUNT];
    double mape_pct; /* mean over requests of |predicted / measured − 1|; over those measured > 0 */
};

struct validation_rates {
    double requests_per_s, output_tokens_per_s;
    double makespan_s; /* first arrival to last completion */
};

/* A metric of every request that has it in both runs: for pictures. */
struct validation_pairs {
    double *measured_ms, *predicted_ms; /* owned */
    size_t count;
};

enum { VALIDATION_NOTE_BYTES = 320, VALIDATION_MAX_NOTES = 16 };

struct validation_report {
    const char *path, *format; /* of the measured log; not owned */
    int64_t requests;          /* in it */
    int64_t failed;            /* there, and left out */
    int64_t rejected;          /* by the simulation: compared are the others */
    bool replays_trace;        /* the configuration's trace, not the log itself */
    bool queue_is_measured;    /* who queued: by the log, not by the simulation */
    struct validation_comparison comparisons[VALIDATION_PART_COUNT][VALIDATION_METRIC_COUNT];
    struct validation_rates measured, predicted;
    /* Predicted − measured of the mean E2E; NaN: not known. With `shares_estimated`, queue and prefill
     * are told apart by the TTFT of requests that did not queue. */
    double share_error_ms[VALIDATION_SHARE_COUNT];
    bool shares_estimated;
    char verdict[256];
    char notes[VALIDATION_MAX_NOTES][VALIDATION_NOTE_BYTES];
    size_t note_count;
    struct validation_pairs pairs[VALIDATION_METRIC_COUNT];
};

extern const char *const validation_metric_names[VALIDATION_METRIC_COUNT]; /* "ttft", … */
extern const char *const validation_part_names[VALIDATION_PART_COUNT];     /* "all", … */
extern const char *const validation_share_names[VALIDATION_SHARE_COUNT];   /* "queue", … */

/* predicted / measured − 1 in %; NaN where nothing was measured. */
static inline double validation_error_pct(double measured, double predicted)
{
    return measured > 0.0 ? 100.0 * (predicted / measured - 1.0) : (double)NAN;
}

void validation_report_fini(struct validation_report *report);

void validation_print_text(const struct validation_report *report, FILE *stream);

/* Takes over the reference to `config`. False when memory cannot be had. */
bool validation_print_json(const struct validation_report *report, json_t *config, FILE *stream);

/* {"pairs": {"ttft": {"points": [[measured ms, predicted ms], …], "every": n, "quantiles": [[%, measured,
 * predicted], …]}, …}} for a page: of more than 2000 requests every n-th. NULL when memory cannot be
 * had. */
json_t *validation_charts_json(const struct validation_report *report);

/* A way to draw it: predicted over measured, and both distributions. */
struct validation_plot_format {
    const char *suffix; /* of the file's name */
    bool (*draw)(const struct validation_report *report, FILE *stream, struct error *error);
};

/* By the suffix of a path; NULL with *error filled when there is none such. */
const struct validation_plot_format *validation_plot_format_of(const char *path,
                                                               struct error *error);

#endif
