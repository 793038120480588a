/* Nonlinear least squares for one family of kernels, robust against outliers. */
#ifndef LLMSIM_STUDY_CALIBRATION_SOLVE_H
#define LLMSIM_STUDY_CALIBRATION_SOLVE_H

#include "kernel_families.h"
#include "measurements.h"

/* A parameter that is fitted: between its bounds. */
struct free_parameter {
    size_t offset; /* in struct accelerator */
    enum key_scale scale;
    double lower, upper;
};

/* Fit these parameters of `accelerator` to these rows. */
struct fit_problem {
    struct accelerator accelerator; /* before; after: with the solution */
    const struct free_parameter *parameters;
    size_t parameter_count; /* ≥ 1, at most FAMILY_MAX_KEYS */
    const struct measurement *const *rows;
    const double *weights; /* of the rows, mean 1 */
    size_t count;          /* ≥ parameter_count */
};

/* s of the robust loss: the same shape in two versions of a framework differs by about so much. */
static const double fit_scale = 0.05;

/* log(predicted / measured). */
double fit_residual(const struct accelerator *accelerator, const struct measurement *row);

/* The median of `count` ≥ 1 values, which it reorders. */
double median_of(double *values, size_t count);

/* Minimise Σ weight·ρ(log predicted/measured), ρ(r) = 2s²(√(1 + r²/s²) − 1), a square near 0 and
 * an absolute value beyond the scale s of 5 %: an outlier pulls no harder than any other row. From where the accelerator stands; *loss is the sum reached. */
bool fit_solve(struct fit_problem *problem, double *loss, struct error *error);

/* How well the rows determine each parameter, at the solution. */
struct determination {
    /* How much log t changes with log p (linear ones: with a whole range of p), in the row that is
     * fifth in this, or at the 99th percentile. */
    double sensitivity;
    double standard_error; /* of log p, or of p as a share of its range; infinite: not at all */
    size_t entangled_with; /* the parameter whose effect is most like its own */
    double entanglement;   /* the correlation of the two estimates, −1 … 1 */
};

/* `determinations`: one a parameter. Rows of one shape group and octave of time share their
 * error: they count as one observation. */
bool fit_determine(const struct fit_problem *problem, struct determination *determinations,
                   struct error *error);

#endif
