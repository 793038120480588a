/* Length distributions fitted to samples, by the names that a workload gives them. */
#ifndef LLMSIM_STUDY_FIT_LENGTHS_H
#define LLMSIM_STUDY_FIT_LENGTHS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { FIT_KNOTS = 101 };

struct fit_lengths {
    int shape;           /* an index into the shapes of fit_lengths.c */
    double ks;           /* distance of the shape chosen, 0 … 1 */
    double mean, spread; /* spread: the median or the cv, as the shape has it */
    double maximum;
    double knots[FIT_KNOTS]; /* of an empirical distribution */
};

/* Fit to `count` ≥ 1 whole numbers ≥ 1, which are sorted in place. A named distribution whose
 * Kolmogorov-Smirnov distance is at most 0.02, the nearest of them; otherwise the quantiles. */
void fit_lengths(struct fit_lengths *fit, double *values, size_t count);

bool fit_lengths_is_constant(const struct fit_lengths *fit);

/* As a YAML mapping in one line, or over several indented by `indent`. */
void fit_lengths_print(const struct fit_lengths *fit, int indent, FILE *stream);

#endif
