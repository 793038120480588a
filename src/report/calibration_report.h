/* How well an accelerator's description matches measured kernels, and what a fit changed. */
#ifndef LLMSIM_REPORT_CALIBRATION_REPORT_H
#define LLMSIM_REPORT_CALIBRATION_REPORT_H

#include <jansson.h>
#include <llmsim/accelerator.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Over rows, of predicted/measured − 1; NaN where there are no rows. */
struct calibration_errors {
    int64_t rows;
    double mape_pct;       /* the mean of its absolute value */
    double median_ape_pct; /* the median of that */
    double bias_pct;       /* its mean */
};

/* Rows of a file, or of a fit, that are alike. Texts of all these are not owned. */
struct calibration_part {
    char name[48];
    struct calibration_errors errors;
};

struct calibration_left_out {
    const char *reason;
    int64_t rows;
};

struct calibration_file {
    const char *path, *kind;
    struct calibration_errors errors;
    struct calibration_part *parts; /* owned */
    size_t part_count;
    struct calibration_left_out *left_out; /* owned */
    size_t left_out_count;
};

enum calibration_status {
    PARAMETER_FITTED,
    PARAMETER_HELD, /* by --hold */
    PARAMETER_OFF   /* 0: the accelerator has no such term */
};

struct calibration_parameter {
    const char *section, *key;
    char before[32], after[32]; /* with units; "" where unset */
    double standard_error_pct;  /* of the value, or of its range where 0 is one of its values */
    int status;                 /* enum calibration_status */
    char refusal[512];          /* "" where the rows determine it */
};

struct calibration_worst {
    const char *path;
    int64_t line;
    double measured_us, predicted_us;
};

enum { CALIBRATION_WORST_ROWS = 5, CALIBRATION_MAX_PARAMETERS = 12, CALIBRATION_MAX_REGIMES = 24 };

/* The rows of a file that inform a fit. */
struct calibration_source {
    const char *path;
    struct calibration_errors errors; /* after the fit */
};

struct calibration_fit {
    const char *family, *section;
    struct calibration_source *sources; /* owned */
    size_t source_count;
    struct calibration_errors before, after;
    struct calibration_errors held_out; /* of shapes that five fits in turn did not see */
    struct calibration_parameter parameters[CALIBRATION_MAX_PARAMETERS];
    size_t parameter_count;
    struct calibration_part regimes[CALIBRATION_MAX_REGIMES];
    size_t regime_count;
    struct calibration_worst worst[CALIBRATION_WORST_ROWS];
    size_t worst_count;
};

struct calibration_report {
    const struct accelerator *accelerator;
    struct calibration_file *files; /* owned */
    size_t file_count;
    struct calibration_errors all;
    struct calibration_fit
        *fits; /* owned; of the families that the files inform; none in a check */
    size_t fit_count;
};

void calibration_report_fini(struct calibration_report *report);

/* Everything but the accelerator's name, which stands above. */
void calibration_print_text(const struct calibration_report *report, FILE *stream);

/* False when memory cannot be had. */
bool calibration_print_json(const struct calibration_report *report, FILE *stream);

#endif
