#include "lengths.h"

#include "choice.h"
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

#define TOKENS(key, field, text)                                                                   \
    {                                                                                              \
        .name = (key), .kind = SETTING_REAL, .unit = UNIT_TOKENS,                                  \
        .offset = offsetof(struct length_config, field), .preset = "none", .minimum = 1,           \
        .maximum = REQUEST_MAX_TOKENS, .help = (text)                                              \
    }

static const struct setting length_table[] = {
    {.name = "distribution",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct length_config, distribution),
     .preset = "none",
     .choices = length_distribution_names,
     .help = "how the tokens of generated requests are distributed"},
    TOKENS("mean", mean_tokens, "lognormal, exponential: mean, before truncation"),
    TOKENS("median", median_tokens, "lognormal: median, before truncation; less than the mean"),
    TOKENS("value", value_tokens, "constant: every length"),
    TOKENS("min", min_tokens, "lognormal, exponential: shorter lengths are drawn again"),
    TOKENS(
        "max", max_tokens,
        "lognormal, exponential: longer lengths are drawn again (after 1000 draws in vain: cut)"),
};
const struct settings_table length_settings = {"a length distribution", length_table,
                                               sizeof length_table / sizeof *length_table};

bool length_check(const struct length_config *config, const char *name, const struct node *node,
                  struct error *error)
{
    if (config->distribution < 0)
        return error_input(error, node_key_location(node, name),
                           "generated traffic needs '%s' with a 'distribution'", name);
    const struct node *section = node_find(node, name);
    const struct length_distribution *chosen = &length_distributions[config->distribution];
    const struct choice_check check = {&length_settings, name, config, chosen->keys,
                                       chosen->optional_keys};
    if (!choice_check(&check, section, error))
        return false;
    const double whole[] = {config->value_tokens, config->min_tokens, config->max_tokens};
    const char *const whole_names[] = {"value", "min", "max"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        if (setting_is_set(whole[i]) && whole[i] != rint(whole[i]))
            return error_input(error, node_key_location(section, whole_names[i]),
                               "'%s' must be a whole number of tokens", whole_names[i]);
    }
    if (config->min_tokens > config->max_tokens)
        return error_input(error, node_key_location(section, "min"),
                           "'min' of %s is greater than its 'max'", name);
    if (setting_is_set(config->median_tokens) && config->mean_tokens <= config->median_tokens)
        return error_input(error, node_key_location(section, "mean"),
                           "the mean of a lognormal distribution must be greater than its median");
    return true;
}
