/* What a server's log says of the accelerator's serving-level parameters. */
#ifndef LLMSIM_REPORT_SERVER_FIT_REPORT_H
#define LLMSIM_REPORT_SERVER_FIT_REPORT_H

#include "validation_report.h"

enum { SERVER_FIT_PARAMETERS = 4 };

/* One that is fitted, or held. */
struct server_fit_parameter {
    const char *name; /* as --hold takes it */
    const char *what; /* a line */
    bool held;
    char before[32], after[32]; /* with units */
    double standard_error; /* of its logarithm where it is a factor, else in seconds; NaN: held */
    bool is_factor;
    const char *entangled_with; /* the one whose effect is most like its own; NULL: none */
    double entanglement;        /* correlation of the two estimates */
    char refusal[384];          /* "": the log determines it */
};

/* Of the mean of each metric, in %, and the mean error of a request's, in %. */
struct server_fit_errors {
    double mean_pct[VALIDATION_METRIC_COUNT], mape_pct[VALIDATION_METRIC_COUNT];
};

struct server_fit_report {
    const char *path, *format; /* of the log; not owned */
    int64_t requests, observations;
    struct server_fit_parameter parameters[SERVER_FIT_PARAMETERS];
    struct server_fit_errors before, after;
    /* Decode times (first token to last) of each half of the log, with what the other half says. */
    double held_out_mean_pct, held_out_mape_pct;
    int64_t runs; /* of the simulation */
};

void server_fit_print_text(const struct server_fit_report *report, FILE *stream);

/* False when memory cannot be had. */
bool server_fit_print_json(const struct server_fit_report *report, FILE *stream);

#endif
