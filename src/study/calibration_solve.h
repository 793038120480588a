/* Nonlinear least squares for parameters of an accelerator, robust against outliers. */
#ifndef LLMSIM_STUDY_CALIBRATION_SOLVE_H
#define LLMSIM_STUDY_CALIBRATION_SOLVE_H

#include "kernel_families.h"

enum { FIT_MAX_LINKED = 2 };

/* A parameter that is fitted: between its bounds. Others may go with it, in proportion. */
struct free_parameter {
    size_t offset; /* in struct accelerator */
    enum key_scale scale;
    double lower, upper;
    size_t linked[FIT_MAX_LINKED]; /* offsets of those */
    size_t linked_count;
};

/* Fit these parameters of `accelerator` to observations. */
struct fit_problem {
    struct accelerator accelerator; /* before; after: with the solution */
    const struct free_parameter *parameters;
    size_t parameter_count; /* ≥ 1, at most FAMILY_MAX_KEYS */
    /* log(predicted / measured) of every observation into values[count]; NaN: it cannot be said. */
    void (*residuals)(const void *context, const struct accelerator *accelerator, double *values);
    const void *context;
    const double *weights; /* of the observations, mean 1 */
    size_t count;          /* ≥ parameter_count */
    /* What a parameter is moved by to see its effect: its logarithm by this, a linear one by this
     * share of its range. Far above what the residuals are uneven by. */
    double step;
    double repeats; /* observations for each that is independent of the others, ≥ 1 */
};

/* s of the robust loss: the same shape in two versions of a framework differs by about so much. */
static const double fit_scale = 0.05;

/* Set the parameter, and in proportion those that go with it. */
void free_parameter_set(const struct free_parameter *parameter, struct accelerator *accelerator,
                        double value);

/* The median of `count` ≥ 1 values, which it reorders. */
double median_of(double *values, size_t count);

/* Minimise Σ weight·ρ(log predicted/measured), ρ(r) = 2s²(√(1 + r²/s²) − 1), a square near 0 and
 * an absolute value beyond the scale s of 5 %: an outlier pulls no harder than any other. From where
 * the accelerator stands; *loss is the sum reached. */
bool fit_solve(struct fit_problem *problem, double *loss, struct error *error);

/* How well the observations determine each parameter, at the solution. */
struct determination {
    /* How much log t changes with log p (linear ones: with a whole range of p), in the observation
     * that is fifth in this, or at the 99th percentile. */
    double sensitivity;
    double standard_error; /* of log p, or of p as a share of its range; infinite: not at all */
    size_t entangled_with; /* the parameter whose effect is most like its own */
    double entanglement;   /* the correlation of the two estimates, −1 … 1 */
};

/* `determinations`: one a parameter. */
bool fit_determine(const struct fit_problem *problem, struct determination *determinations,
                   struct error *error);

#endif
