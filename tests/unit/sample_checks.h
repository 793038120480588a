/* Whether a sample is what theory says, at a level that a fixed seed passes or fails for good. */
#ifndef LLMSIM_TESTS_SAMPLE_CHECKS_H
#define LLMSIM_TESTS_SAMPLE_CHECKS_H

#include <check.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <math.h>

/* A statistic of a sample stays within this many standard errors. */
static const double standard_errors = 4.0;

static inline void assert_near(double value, double expected, double standard_error)
{
    ck_assert_msg(fabs(value - expected) <= standard_errors * standard_error,
                  "%g is %.1f standard errors off %g", value,
                  fabs(value - expected) / standard_error, expected);
}

/* Kolmogorov and Smirnov's test of values, which are sorted, at a level of 1 in 1000; on the safe
 * side where the distribution is discrete. share(x): of the distribution, at most x. */
static inline void assert_distributed(double *values, size_t count,
                                      double (*share)(double x, const double *parameters),
                                      const double *parameters)
{
    double worst = 0.0;
    gsl_sort(values, 1, count);
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && values[i + 1] == values[i])
            continue;
        const double seen = (double)(i + 1) / (double)count;
        worst = fmax(worst, fabs(seen - share(values[i], parameters)));
    }
    ck_assert_msg(worst * sqrt((double)count) < 1.95, "%g is the greatest difference of %zu values",
                  worst, count);
}

/* Pearson's test of counts, at the same level. */
static inline void assert_counts(const double *counts, const double *expected, size_t bins)
{
    double sum = 0.0;
    for (size_t i = 0; i < bins; i++)
        sum += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
    ck_assert_msg(sum < gsl_cdf_chisq_Qinv(0.001, (double)(bins - 1)),
                  "a sum of squares of %g for %zu bins", sum, bins);
}

#endif
