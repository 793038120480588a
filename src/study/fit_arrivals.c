/* A constant or piecewise rate, and gaps around it. Requests of an hour, and of every shorter while,
 * are not spread as a stationary renewal process spreads them, whose counts in long windows have a
 * variance of CV² times their mean: what is beyond that is the rate's own course. */
#include "fit_arrivals.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MIN_INTERVALS = 4, MAX_INTERVALS = 1000, ARRIVALS_PER_INTERVAL = 30 };

static const double min_interval_s = 60.0;
static const double poisson_tolerance = 0.05; /* of the CV */
static const double min_cv = 0.05, max_cv = 50.0;
/* With more arrivals at the time of another than this, gaps tell the clock's resolution. */
static const double max_ties = 0.1;

/* In how many intervals of equal length the whole span is looked at; the last may be cut short. */
static size_t choose_interval(struct fit_arrivals *fit, size_t count, double span_s)
{
    const double wanted_s = fmax(fmax(min_interval_s, span_s / MAX_INTERVALS),
                                 ARRIVALS_PER_INTERVAL * span_s / (double)count);
    fit->interval_s = ceil(wanted_s);
    return (size_t)floor(span_s / fit->interval_s) + 1;
}

static size_t interval_of(const struct fit_arrivals *fit, double time_s)
{
    return (size_t)(time_s / fit->interval_s);
}

/* Population CV. */
static double cv_of(const double *values, size_t count)
{
    double mean = 0.0, squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double step = values[i] - mean;
        mean += step / (double)(i + 1);
        squares += step * (values[i] - mean);
    }
    return mean > 0.0 ? sqrt(squares / (double)count) / mean : 1.0;
}

/* Whether counts in the whole intervals scatter by more than gaps of that CV, and chance, let them:
 * a dispersion from m windows has a standard error of √(2/m) of itself. */
static bool is_uneven(const double *counts, size_t windows, double cv)
{
    if (windows < MIN_INTERVALS)
        return false;
    double mean = 0.0;
    for (size_t i = 0; i < windows; i++)
        mean += counts[i] / (double)windows;
    const double scatter = cv_of(counts, windows);
    const double dispersion = scatter * scatter * mean;
    return dispersion > cv * cv * (1.0 + 4.0 * sqrt(2.0 / (double)windows));
}

/* Gaps in units of the mean gap at their time; `gaps` has count − 1 places. */
static void scale_gaps(const struct fit_arrivals *fit, const double *times_s, size_t count,
                       double *gaps)
{
    for (size_t i = 1; i < count; i++) {
        const double rate = fit->rates_per_s != NULL
                                ? fit->rates_per_s[interval_of(fit, times_s[i])]
                                : fit->rate_per_s;
        gaps[i - 1] = (times_s[i] - times_s[i - 1]) * rate;
    }
}

static double share_of_ties(const double *gaps, size_t count)
{
    size_t ties = 0;
    for (size_t i = 0; i < count; i++)
        ties += gaps[i] <= 0.0 ? 1 : 0;
    return (double)ties / (double)count;
}

/* The CV of gaps that would scatter counts as these are scattered around the rate, in windows of so
 * many moments at which anything arrives that the clock's resolution is small against them. */
static double cv_of_counts(const struct fit_arrivals *fit, const double *times_s, size_t count,
                           double ties)
{
    const double moments = (double)count * (1.0 - ties);
    const double window_s = 10.0 * times_s[count - 1] / moments;
    const size_t windows = (size_t)(times_s[count - 1] / window_s);
    double squares = 0.0, expected_sum = 0.0;
    size_t next = 0;
    for (size_t i = 1; i <= windows; i++) {
        const double end_s = (double)i * window_s;
        const double rate = fit->rates_per_s != NULL
                                ? fit->rates_per_s[interval_of(fit, end_s - window_s / 2.0)]
                                : fit->rate_per_s;
        const size_t first = next;
        while (next < count && times_s[next] < end_s)
            next++;
        const double deviation = (double)(next - first) - rate * window_s;
        squares += deviation * deviation;
        expected_sum += rate * window_s;
    }
    return expected_sum > 0.0 ? sqrt(squares / expected_sum) : 1.0;
}

static double gamma_cdf(double x, double shape)
{
    return gsl_cdf_gamma_P(x, shape, 1.0 / shape);
}

static double weibull_cv(double shape)
{
    const double log_ratio =
        gsl_sf_lngamma(1.0 + 2.0 / shape) - 2.0 * gsl_sf_lngamma(1.0 + 1.0 / shape);
    return sqrt(expm1(log_ratio));
}

/* The shape with that CV: 0.05 to 50 lie well within. */
static double weibull_shape(double cv)
{
    double low = 0.1, high = 100.0;
    for (int i = 0; i < 60; i++) {
        const double middle = sqrt(low * high);
        if (weibull_cv(middle) > cv)
            low = middle;
        else
            high = middle;
    }
    return sqrt(low * high);
}

static double weibull_cdf(double x, double shape)
{
    return gsl_cdf_weibull_P(x, exp(-gsl_sf_lngamma(1.0 + 1.0 / shape)), shape);
}

static double distance(const double *sorted, size_t count, double mean,
                       double (*cdf)(double x, double shape), double shape)
{
    double largest = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double p = cdf(sorted[i] / mean, shape);
        const double below = (double)i / (double)count, above = (double)(i + 1) / (double)count;
        largest = fmax(largest, fmax(fabs(p - below), fabs(p - above)));
    }
    return largest;
}

/* The gaps are sorted in place. */
static void choose_process(struct fit_arrivals *fit, double *gaps, size_t count, bool clocked)
{
    fit->process = "poisson";
    if (fabs(fit->cv - 1.0) <= poisson_tolerance)
        return;
    fit->process = "gamma";
    if (clocked)
        return;
    double mean = 0.0;
    for (size_t i = 0; i < count; i++)
        mean += gaps[i] / (double)count;
    gsl_sort(gaps, 1, count);
    const double gamma = distance(gaps, count, mean, gamma_cdf, 1.0 / (fit->cv * fit->cv));
    if (distance(gaps, count, mean, weibull_cdf, weibull_shape(fit->cv)) < gamma)
        fit->process = "weibull";
}

/* Rates of the intervals, which are fit's where they differ by more than chance; whether they do. */
static bool find_rates(struct fit_arrivals *fit, const double *times_s, size_t count, double span_s,
                       double *rates, double cv)
{
    const size_t intervals = choose_interval(fit, count, span_s);
    for (size_t i = 0; i < intervals; i++)
        rates[i] = 0.0;
    for (size_t i = 0; i < count; i++)
        rates[interval_of(fit, times_s[i])] += 1.0;
    if (!is_uneven(rates, intervals - 1, cv))
        return false;
    fit->rates_per_s = rates;
    fit->intervals = intervals;
    for (size_t i = 0; i + 1 < intervals; i++)
        rates[i] /= fit->interval_s;
    /* The last is cut short; where next to nothing is left of it, it is as the one before. */
    const double left_s = span_s - (double)(intervals - 1) * fit->interval_s;
    rates[intervals - 1] =
        left_s >= fit->interval_s / 10.0 ? rates[intervals - 1] / left_s : rates[intervals - 2];
    return true;
}

bool fit_arrivals(struct fit_arrivals *fit, const double *times_s, size_t count, double span_s,
                  struct error *error)
{
    /* A span that is measured from one of the arrivals to another has one gap fewer than those. */
    const bool whole = count > 1 && times_s[0] <= 0.0 && times_s[count - 1] >= span_s;
    *fit = (struct fit_arrivals){
        .process = "poisson", .cv = 1.0, .rate_per_s = (double)(count - (whole ? 1 : 0)) / span_s};
    if (count < 2)
        return true;
    double *gaps = malloc(count * sizeof *gaps);
    double *rates = calloc(MAX_INTERVALS + 1, sizeof *rates);
    if (gaps == NULL || rates == NULL) {
        free(gaps);
        free(rates);
        return error_run(error, "out of memory");
    }
    scale_gaps(fit, times_s, count, gaps);
    const double ties = share_of_ties(gaps, count - 1);
    const bool clocked = ties > max_ties;
    const double plain_cv =
        clocked ? cv_of_counts(fit, times_s, count, ties) : cv_of(gaps, count - 1);
    if (!find_rates(fit, times_s, count, span_s, rates, clocked ? fmin(plain_cv, 1.0) : plain_cv))
        free(rates);
    scale_gaps(fit, times_s, count, gaps);
    fit->cv = clocked ? cv_of_counts(fit, times_s, count, ties) : cv_of(gaps, count - 1);
    const bool regular = fit->cv < min_cv;
    fit->cv = fmin(fmax(fit->cv, min_cv), max_cv);
    if (regular)
        fit->process = "constant";
    else
        choose_process(fit, gaps, count - 1, clocked);
    free(gaps);
    return true;
}

void fit_arrivals_fini(struct fit_arrivals *fit)
{
    free(fit->rates_per_s);
    fit->rates_per_s = NULL;
}

void fit_arrivals_print(const struct fit_arrivals *fit, int indent, FILE *stream)
{
    fprintf(stream, "{process: %s", fit->process);
    if (strcmp(fit->process, "gamma") == 0 || strcmp(fit->process, "weibull") == 0)
        fprintf(stream, ", cv: %.4g", fit->cv);
    if (fit->rates_per_s == NULL) {
        fprintf(stream, ", rate: %.6g}\n", fit->rate_per_s);
        return;
    }
    fprintf(stream, ", profile: piecewise, interval: %g s, rates: [", fit->interval_s);
    for (size_t i = 0; i < fit->intervals; i++) {
        if (i % 10 == 0)
            fprintf(stream, "\n%*s", indent, "");
        fprintf(stream, "%.6g%s", fit->rates_per_s[i], i + 1 < fit->intervals ? ", " : "]}\n");
    }
}
