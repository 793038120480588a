#include "fit_lengths.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

/* A shape that is further from the sample is not the sample's: its mean may be off by more than twice
 * that share. */
static const double max_distance = 0.02;

enum { SHAPE_CONSTANT, SHAPE_LOGNORMAL, SHAPE_GAMMA, SHAPE_EXPONENTIAL, SHAPE_EMPIRICAL };

/* By the moments of the logarithms. */
static bool fit_lognormal(struct fit_lengths *fit, const double *values, size_t count)
{
    double mean = 0.0, squares = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double step = log(values[i]) - mean;
        mean += step / (double)(i + 1);
        squares += step * (log(values[i]) - mean);
    }
    fit->spread = exp(mean);
    fit->mean = exp(mean + squares / (double)count / 2.0);
    return fit->mean > fit->spread * (1.0 + 1e-4);
}

static double lognormal_cdf(const struct fit_lengths *fit, double x)
{
    return gsl_cdf_lognormal_P(x, log(fit->spread), sqrt(2.0 * log(fit->mean / fit->spread)));
}

static bool fit_gamma(struct fit_lengths *fit, const double *values, size_t count)
{
    fit->mean = gsl_stats_mean(values, 1, count);
    fit->spread = gsl_stats_sd(values, 1, count) / fit->mean;
    return fit->spread >= 0.01 && fit->spread <= 10.0; /* what a configuration can say */
}

static double gamma_cdf(const struct fit_lengths *fit, double x)
{
    const double shape = 1.0 / (fit->spread * fit->spread);
    return gsl_cdf_gamma_P(x, shape, fit->mean / shape);
}

static bool fit_exponential(struct fit_lengths *fit, const double *values, size_t count)
{
    fit->mean = gsl_stats_mean(values, 1, count);
    return true;
}

static double exponential_cdf(const struct fit_lengths *fit, double x)
{
    return gsl_cdf_exponential_P(x, fit->mean);
}

static const struct {
    const char *name, *spread; /* the key of the spread; NULL: it has none */
    bool (*fit)(struct fit_lengths *fit, const double *values, size_t count);
    double (*cdf)(const struct fit_lengths *fit, double x);
} shapes[] = {
    [SHAPE_CONSTANT] = {"constant", NULL, NULL, NULL},
    [SHAPE_LOGNORMAL] = {"lognormal", "median", fit_lognormal, lognormal_cdf},
    [SHAPE_GAMMA] = {"gamma", "cv", fit_gamma, gamma_cdf},
    [SHAPE_EXPONENTIAL] = {"exponential", NULL, fit_exponential, exponential_cdf},
    [SHAPE_EMPIRICAL] = {"empirical", NULL, NULL, NULL},
};

/* Of draws rounded to whole numbers: the two distributions are compared between them. */
static double distance(const struct fit_lengths *fit, const double *sorted, size_t count)
{
    double largest = 0.0;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && sorted[i + 1] == sorted[i])
            continue;
        const double share = (double)(i + 1) / (double)count;
        largest = fmax(largest, fabs(shapes[fit->shape].cdf(fit, sorted[i] + 0.5) - share));
    }
    return largest;
}

/* The mean of the sorted values from place `from` to place `to`, parts of values included. */
static double mean_between(const double *sorted, double from, double to)
{
    double sum = 0.0;
    for (size_t i = (size_t)from; (double)i < to; i++)
        sum += sorted[i] * (fmin(to, (double)i + 1.0) - fmax(from, (double)i));
    return sum / (to - from);
}

/* Quantiles; but the ends are such that a straight line from the knot next to each has the mean of the
 * values there: the extremes themselves would drag whole hundredths of the lengths along. */
static void find_knots(struct fit_lengths *fit, const double *sorted, size_t count)
{
    const size_t last = FIT_KNOTS - 1;
    const double width = (double)count / (double)last;
    for (size_t i = 0; i <= last; i++)
        fit->knots[i] =
            gsl_stats_quantile_from_sorted_data(sorted, 1, count, (double)i / (double)last);
    const double bottom = 2.0 * mean_between(sorted, 0.0, width) - fit->knots[1];
    const double top =
        2.0 * mean_between(sorted, (double)count - width, (double)count) - fit->knots[last - 1];
    fit->knots[0] = fmin(fmax(bottom, sorted[0]), fit->knots[1]);
    fit->knots[last] = fmax(fmin(top, sorted[count - 1]), fit->knots[last - 1]);
    fit->shape = SHAPE_EMPIRICAL;
}

void fit_lengths(struct fit_lengths *fit, double *values, size_t count)
{
    gsl_sort(values, 1, count);
    *fit = (struct fit_lengths){.shape = SHAPE_CONSTANT, .mean = values[0]};
    if (values[0] == values[count - 1])
        return;
    fit->ks = INFINITY;
    for (int shape = SHAPE_LOGNORMAL; shape < SHAPE_EMPIRICAL; shape++) {
        struct fit_lengths tried = {.shape = shape, .maximum = values[count - 1]};
        if (!shapes[shape].fit(&tried, values, count) || tried.mean < 1.0 ||
            (shape == SHAPE_LOGNORMAL && tried.spread < 1.0))
            continue;
        tried.ks = distance(&tried, values, count);
        if (tried.ks < fit->ks)
            *fit = tried;
    }
    if (fit->ks > max_distance)
        find_knots(fit, values, count);
}

bool fit_lengths_is_constant(const struct fit_lengths *fit)
{
    return fit->shape == SHAPE_CONSTANT;
}

void fit_lengths_print(const struct fit_lengths *fit, int indent, FILE *stream)
{
    fprintf(stream, "{distribution: %s", shapes[fit->shape].name);
    if (fit->shape == SHAPE_CONSTANT) {
        fprintf(stream, ", value: %.0f}\n", fit->mean);
        return;
    }
    if (fit->shape != SHAPE_EMPIRICAL) {
        fprintf(stream, ", mean: %.6g", fit->mean);
        if (shapes[fit->shape].spread != NULL)
            fprintf(stream, ", %s: %.6g", shapes[fit->shape].spread, fit->spread);
        fprintf(stream, ", max: %.0f}  # KS %.3f\n", fit->maximum, fit->ks);
        return;
    }
    fputs(", quantiles: [", stream);
    for (size_t i = 0; i < FIT_KNOTS; i++) {
        if (i % 10 == 0)
            fprintf(stream, "\n%*s", indent, "");
        fprintf(stream, "%.6g%s", fit->knots[i], i + 1 < FIT_KNOTS ? ", " : "]}\n");
    }
}
