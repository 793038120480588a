/* The distributions of lengths.h: what each makes of its keys, and GSL's functions for it. */
#include "lengths.h"

#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <math.h>

enum {
    LENGTH_CONSTANT,
    LENGTH_LOGNORMAL,
    LENGTH_EXPONENTIAL,
    LENGTH_UNIFORM,
    LENGTH_NORMAL,
    LENGTH_GAMMA,
    LENGTH_ZIPF,
    LENGTH_EMPIRICAL
};

const char *const length_distribution_names[] = {
    [LENGTH_CONSTANT] = "constant",
    [LENGTH_LOGNORMAL] = "lognormal",
    [LENGTH_EXPONENTIAL] = "exponential",
    [LENGTH_UNIFORM] = "uniform",
    [LENGTH_NORMAL] = "normal",
    [LENGTH_GAMMA] = "gamma",
    [LENGTH_ZIPF] = "zipf",
    [LENGTH_EMPIRICAL] = "empirical",
    NULL,
};

/* Enough for any quantile that is about to be rounded to whole tokens. */
enum { GAMMA_HALVINGS = 80 };

#define PREPARE(name)                                                                              \
    static bool name##_prepare(struct length_sampler *sampler, const struct length_config *config, \
                               enum length_side side, struct error *error)

/* Every draw the same, for tests. */
PREPARE(constant)
{
    (void)side, (void)error;
    sampler->location = config->value_tokens;
    return true;
}

static double constant_draw(const struct length_sampler *sampler)
{
    return sampler->location;
}

static double constant_share(const struct length_sampler *sampler, double tokens)
{
    return tokens >= sampler->location ? 1.0 : 0.0;
}

static double constant_quantile(const struct length_sampler *sampler, double p)
{
    (void)p;
    return sampler->location;
}

/* A long tail, as prompts and outputs of chats have.
 * median = exp(ζ) and mean = exp(ζ + σ²/2), so σ² = 2 ln(mean / median); cv² = exp(σ²) − 1. */
PREPARE(lognormal)
{
    (void)side, (void)error;
    if (setting_is_set(config->median_tokens)) {
        sampler->location = log(config->median_tokens);
        sampler->scale = sqrt(2.0 * log(config->mean_tokens / config->median_tokens));
    } else {
        const double variance = log1p(config->cv * config->cv);
        sampler->location = log(config->mean_tokens) - variance / 2.0;
        sampler->scale = sqrt(variance);
    }
    return true;
}

static double lognormal_draw(const struct length_sampler *sampler)
{
    return gsl_ran_lognormal(sampler->rng, sampler->location, sampler->scale);
}

static double lognormal_share(const struct length_sampler *sampler, double tokens)
{
    return gsl_cdf_lognormal_P(tokens, sampler->location, sampler->scale);
}

static double lognormal_quantile(const struct length_sampler *sampler, double p)
{
    return gsl_cdf_lognormal_Pinv(p, sampler->location, sampler->scale);
}

/* Without memory: services of an M/M/1 queue. */
PREPARE(exponential)
{
    (void)side, (void)error;
    sampler->scale = config->mean_tokens;
    return true;
}

static double exponential_draw(const struct length_sampler *sampler)
{
    return gsl_ran_exponential(sampler->rng, sampler->scale);
}

static double exponential_share(const struct length_sampler *sampler, double tokens)
{
    return gsl_cdf_exponential_P(tokens, sampler->scale);
}

static double exponential_quantile(const struct length_sampler *sampler, double p)
{
    return gsl_cdf_exponential_Pinv(p, sampler->scale);
}

/* From min to max, whole numbers: half a token more on either side before they are rounded. */
PREPARE(uniform)
{
    (void)side, (void)error;
    sampler->location = config->min_tokens - 0.5;
    sampler->scale = config->max_tokens + 0.5;
    return true;
}

static double uniform_share(const struct length_sampler *sampler, double tokens)
{
    return gsl_cdf_flat_P(tokens, sampler->location, sampler->scale);
}

static double uniform_quantile(const struct length_sampler *sampler, double p)
{
    return gsl_cdf_flat_Pinv(p, sampler->location, sampler->scale);
}

PREPARE(normal)
{
    (void)side, (void)error;
    sampler->location = config->mean_tokens;
    sampler->scale = config->std_tokens;
    return true;
}

static double normal_draw(const struct length_sampler *sampler)
{
    return sampler->location + gsl_ran_gaussian(sampler->rng, sampler->scale);
}

static double normal_share(const struct length_sampler *sampler, double tokens)
{
    return gsl_cdf_gaussian_P(tokens - sampler->location, sampler->scale);
}

static double normal_quantile(const struct length_sampler *sampler, double p)
{
    return sampler->location + gsl_cdf_gaussian_Pinv(p, sampler->scale);
}

/* Shape 1 / cv², in `location`. */
PREPARE(gamma)
{
    (void)side, (void)error;
    sampler->location = 1.0 / (config->cv * config->cv);
    sampler->scale = config->mean_tokens * config->cv * config->cv;
    return true;
}

static double gamma_draw(const struct length_sampler *sampler)
{
    return gsl_ran_gamma(sampler->rng, sampler->location, sampler->scale);
}

static double gamma_share(const struct length_sampler *sampler, double tokens)
{
    return gsl_cdf_gamma_P(tokens, sampler->location, sampler->scale);
}

/* GSL's inverse does not converge for some shapes and p (of 10 000 and p near 1, of 0.1 and p near 0):
 * then by halves, from an interval beyond which there are fewer than one in 10^12. */
static double gamma_quantile(const struct length_sampler *sampler, double p)
{
    const double quantile = gsl_cdf_gamma_Pinv(p, sampler->location, sampler->scale);
    if (isfinite(quantile))
        return quantile;
    double low = 0.0;
    double high = sampler->scale * (sampler->location + 8.0 * sqrt(sampler->location) + 32.0);
    for (int i = 0; i < GAMMA_HALVINGS; i++) {
        const double middle = (low + high) / 2.0;
        if (gamma_share(sampler, middle) < p)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Lengths that are known one by one. */
PREPARE(zipf)
{
    (void)side;
    return length_table_zipf(&sampler->table, config->exponent, sampler->minimum_tokens,
                             sampler->maximum_tokens, error);
}

static double table_share(const struct length_sampler *sampler, double tokens)
{
    return length_table_share(&sampler->table, tokens);
}

static double table_quantile(const struct length_sampler *sampler, double p)
{
    return length_table_quantile(&sampler->table, p);
}

/* Measured lengths: all of them, or their quantiles with straight lines between. */
PREPARE(empirical)
{
    sampler->quantiles = config->quantiles_tokens;
    return config->file == NULL || length_table_read(&sampler->table, config->file, side, error);
}

static double empirical_share(const struct length_sampler *sampler, double tokens)
{
    const struct real_list *quantiles = &sampler->quantiles;
    size_t below = 0; /* quantiles that are at most that */
    if (quantiles->count == 0)
        return table_share(sampler, tokens);
    while (below < quantiles->count && quantiles->values[below] <= tokens)
        below++;
    if (below == 0 || below == quantiles->count)
        return below == 0 ? 0.0 : 1.0;
    const double left = quantiles->values[below - 1], right = quantiles->values[below];
    return ((double)(below - 1) + (tokens - left) / (right - left)) /
           (double)(quantiles->count - 1);
}

static double empirical_quantile(const struct length_sampler *sampler, double p)
{
    const struct real_list *quantiles = &sampler->quantiles;
    if (quantiles->count == 0)
        return table_quantile(sampler, p);
    const double place = p * (double)(quantiles->count - 1);
    const size_t index = (size_t)fmin(floor(place), (double)(quantiles->count - 2));
    const double left = quantiles->values[index], right = quantiles->values[index + 1];
    return left + (place - (double)index) * (right - left);
}

/* clang-format off */
const struct length_distribution length_distributions[] = {
    [LENGTH_CONSTANT] = {constant_prepare, constant_draw, constant_share, constant_quantile, false},
    [LENGTH_LOGNORMAL] = {lognormal_prepare, lognormal_draw, lognormal_share, lognormal_quantile, false},
    [LENGTH_EXPONENTIAL] = {exponential_prepare, exponential_draw, exponential_share, exponential_quantile, false},
    [LENGTH_UNIFORM] = {uniform_prepare, NULL, uniform_share, uniform_quantile, false},
    [LENGTH_NORMAL] = {normal_prepare, normal_draw, normal_share, normal_quantile, true},
    [LENGTH_GAMMA] = {gamma_prepare, gamma_draw, gamma_share, gamma_quantile, false},
    [LENGTH_ZIPF] = {zipf_prepare, NULL, table_share, table_quantile, false},
    [LENGTH_EMPIRICAL] = {empirical_prepare, NULL, empirical_share, empirical_quantile, false},
};
/* clang-format on */

static const char *const value_only[] = {"value", NULL};
static const char *const mean_only[] = {"mean", NULL};
static const char *const mean_and_std[] = {"mean", "std", NULL};
static const char *const mean_and_cv[] = {"mean", "cv", NULL};
static const char *const median_or_cv[] = {"median", "cv", NULL};
static const char *const exponent_and_max[] = {"exponent", "max", NULL};
static const char *const file_or_quantiles[] = {"file", "quantiles", NULL};
static const char *const min_only[] = {"min", NULL};
static const char *const bounds[] = {"min", "max", NULL};

const struct choice length_distribution_choices[] = {
    [LENGTH_CONSTANT] = {.needed = value_only},
    [LENGTH_LOGNORMAL] = {.needed = mean_only, .one_of = median_or_cv, .usable = bounds},
    [LENGTH_EXPONENTIAL] = {.needed = mean_only, .usable = bounds},
    [LENGTH_UNIFORM] = {.needed = bounds},
    [LENGTH_NORMAL] = {.needed = mean_and_std, .usable = bounds},
    [LENGTH_GAMMA] = {.needed = mean_and_cv, .usable = bounds},
    [LENGTH_ZIPF] = {.needed = exponent_and_max, .usable = min_only},
    [LENGTH_EMPIRICAL] = {.one_of = file_or_quantiles, .usable = bounds},
};

bool length_is_constant(const struct length_config *config)
{
    return config->distribution == LENGTH_CONSTANT;
}
