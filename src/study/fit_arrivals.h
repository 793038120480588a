/* An arrival process fitted to times, by the names that a workload gives it. */
#ifndef LLMSIM_STUDY_FIT_ARRIVALS_H
#define LLMSIM_STUDY_FIT_ARRIVALS_H

#include <llmsim/error.h>
#include <stddef.h>

struct fit_arrivals {
    const char *process;
    double rate_per_s;
    double cv; /* of gaps in units of the mean gap at their time */
    double interval_s;
    double *rates_per_s; /* owned: of one interval each; NULL: the rate is constant */
    size_t intervals;
};

/* Fit to `count` ≥ 1 times from 0 to span_s > 0, in order. The rate is piecewise constant where counts
 * scatter more than gaps of their CV would have them, in intervals of at least a minute and thirty
 * arrivals on average. Gaps are Poisson's where their CV is within 0.05 of 1, otherwise gamma or
 * Weibull, whichever is nearer. False when memory cannot be had. */
bool fit_arrivals(struct fit_arrivals *fit, const double *times_s, size_t count, double span_s,
                  struct error *error);
void fit_arrivals_fini(struct fit_arrivals *fit);

/* As a YAML mapping in one line, or over several indented by `indent`. */
void fit_arrivals_print(const struct fit_arrivals *fit, int indent, FILE *stream);

#endif
