#include "lengths.h"

#include <gsl/gsl_randist.h>
#include <math.h>

enum { LENGTH_CONSTANT, LENGTH_LOGNORMAL, LENGTH_EXPONENTIAL };

const char *const length_distribution_names[] = {
    [LENGTH_CONSTANT] = "constant",
    [LENGTH_LOGNORMAL] = "lognormal",
    [LENGTH_EXPONENTIAL] = "exponential",
    NULL,
};

/* Every draw the same, for tests. */
static void constant_prepare(struct length_sampler *sampler, const struct length_config *config)
{
    sampler->location = config->value_tokens;
}

static double constant_draw(const struct length_sampler *sampler)
{
    return sampler->location;
}

/* A long tail, as prompts and outputs of chats have.
 * median = exp(ζ) and mean = exp(ζ + σ²/2), so σ² = 2 ln(mean / median). */
static void lognormal_prepare(struct length_sampler *sampler, const struct length_config *config)
{
    sampler->location = log(config->median_tokens);
    sampler->scale = sqrt(2.0 * log(config->mean_tokens / config->median_tokens));
}

static double lognormal_draw(const struct length_sampler *sampler)
{
    return gsl_ran_lognormal(sampler->rng, sampler->location, sampler->scale);
}

/* Without memory: services of an M/M/1 queue. */
static void exponential_prepare(struct length_sampler *sampler, const struct length_config *config)
{
    sampler->scale = config->mean_tokens;
}

static double exponential_draw(const struct length_sampler *sampler)
{
    return gsl_ran_exponential(sampler->rng, sampler->scale);
}

static const char *const none[] = {NULL};
static const char *const value_only[] = {"value", NULL};
static const char *const mean_and_median[] = {"mean", "median", NULL};
static const char *const mean_only[] = {"mean", NULL};
static const char *const bounds[] = {"min", "max", NULL};

const struct length_distribution length_distributions[] = {
    [LENGTH_CONSTANT] = {value_only, none, constant_prepare, constant_draw},
    [LENGTH_LOGNORMAL] = {mean_and_median, bounds, lognormal_prepare, lognormal_draw},
    [LENGTH_EXPONENTIAL] = {mean_only, bounds, exponential_prepare, exponential_draw},
};

void length_sampler_init(struct length_sampler *sampler, const struct length_config *config,
                         gsl_rng *rng)
{
    *sampler = (struct length_sampler){
        .distribution = &length_distributions[config->distribution],
        .rng = rng,
        .minimum_tokens = setting_is_set(config->min_tokens) ? config->min_tokens : 1.0,
        .maximum_tokens =
            setting_is_set(config->max_tokens) ? config->max_tokens : (double)REQUEST_MAX_TOKENS,
    };
    sampler->distribution->prepare(sampler, config);
}

int32_t length_sampler_draw(const struct length_sampler *sampler)
{
    double tokens = 0.0;
    for (int i = 0; i < LENGTH_MAX_DRAWS; i++) {
        tokens = fmax(rint(sampler->distribution->draw(sampler)), 1.0);
        if (tokens >= sampler->minimum_tokens && tokens <= sampler->maximum_tokens)
            return (int32_t)tokens;
    }
    return (int32_t)fmin(fmax(tokens, sampler->minimum_tokens), sampler->maximum_tokens);
}
