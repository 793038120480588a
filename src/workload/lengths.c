#include "lengths.h"

#include <math.h>
#include <string.h>

bool length_sampler_init(struct length_sampler *sampler, const struct length_config *config,
                         enum length_side side, gsl_rng *rng, struct error *error)
{
    const struct length_distribution *distribution = &length_distributions[config->distribution];
    *sampler = (struct length_sampler){
        .distribution = distribution,
        .rng = rng,
        .minimum_tokens = setting_is_set(config->min_tokens) ? config->min_tokens : 1.0,
        .maximum_tokens =
            setting_is_set(config->max_tokens) ? config->max_tokens : (double)REQUEST_MAX_TOKENS,
    };
    if (!distribution->prepare(sampler, config, side, error))
        return false;
    const bool all_below = sampler->minimum_tokens <= 1.0 && !distribution->negative;
    sampler->share_low =
        all_below ? 0.0 : distribution->share(sampler, sampler->minimum_tokens - 0.5);
    sampler->share_high = distribution->share(sampler, sampler->maximum_tokens + 0.5);
    return true;
}

void length_sampler_fini(struct length_sampler *sampler)
{
    length_table_fini(&sampler->table);
}

static int32_t cut(const struct length_sampler *sampler, double tokens)
{
    return (int32_t)fmin(fmax(tokens, sampler->minimum_tokens), sampler->maximum_tokens);
}

int32_t length_sampler_quantile(const struct length_sampler *sampler, double p)
{
    const double within = sampler->share_low + p * (sampler->share_high - sampler->share_low);
    return cut(sampler, rint(sampler->distribution->quantile(sampler, within)));
}

int32_t length_sampler_draw(const struct length_sampler *sampler)
{
    const struct length_distribution *distribution = sampler->distribution;
    const double least = distribution->negative ? -INFINITY : 1.0;
    double tokens = 0.0;
    if (distribution->draw == NULL)
        return length_sampler_quantile(sampler, gsl_rng_uniform_pos(sampler->rng));
    for (int i = 0; i < LENGTH_MAX_DRAWS; i++) {
        tokens = fmax(rint(distribution->draw(sampler)), least);
        if (tokens >= sampler->minimum_tokens && tokens <= sampler->maximum_tokens)
            return (int32_t)tokens;
    }
    return cut(sampler, tokens);
}

#define MEMBER(field) offsetof(struct length_config, field)
#define TOKENS(key, field, text)                                                                   \
    {                                                                                              \
        .name = (key), .kind = SETTING_REAL, .unit = UNIT_TOKENS, .offset = MEMBER(field),         \
        .preset = "none", .minimum = 1, .maximum = REQUEST_MAX_TOKENS, .help = (text)              \
    }

static const struct setting length_keys[] = {
    {.name = "distribution",
     .kind = SETTING_CHOICE,
     .offset = MEMBER(distribution),
     .preset = "none",
     .choices = length_distribution_names,
     .help = "how the tokens of generated requests are distributed"},
    TOKENS("mean", mean_tokens, "lognormal, exponential, normal, gamma: mean, before truncation"),
    TOKENS("median", median_tokens, "lognormal: median, before truncation; less than the mean"),
    {.name = "std",
     .kind = SETTING_REAL,
     .unit = UNIT_TOKENS,
     .offset = MEMBER(std_tokens),
     .preset = "none",
     .minimum = 1e-3,
     .maximum = REQUEST_MAX_TOKENS,
     .help = "normal: standard deviation, before truncation"},
    {.name = "cv",
     .kind = SETTING_REAL,
     .offset = MEMBER(cv),
     .preset = "none",
     .minimum = 0.01,
     .maximum = 10,
     .help = "gamma, and lognormal instead of the median: standard deviation over mean, before "
             "truncation"},
    TOKENS("value", value_tokens, "constant: every length"),
    {.name = "exponent",
     .kind = SETTING_REAL,
     .offset = MEMBER(exponent),
     .preset = "none",
     .minimum = 0,
     .maximum = 20,
     .help = "zipf: n tokens are as frequent as n^-exponent, from min (none: 1) to max"},
    TOKENS("min", min_tokens,
           "uniform, zipf: the shortest length; all but constant: shorter ones are drawn again"),
    TOKENS(
        "max", max_tokens,
        "uniform, zipf: the longest length; all but constant: longer ones are drawn again (after "
        "1000 draws in vain: cut)"),
    {.name = "file",
     .kind = SETTING_PATH,
     .offset = MEMBER(file),
     .preset = "none",
     .help = "empirical: lengths as in this file: a histogram (`tokens,count` and a row for each "
             "length) or a trace, of which the first 1048576 requests count"},
    {.name = "quantiles",
     .kind = SETTING_REALS,
     .unit = UNIT_TOKENS,
     .offset = MEMBER(quantiles_tokens),
     .preset = "none",
     .minimum = 1,
     .maximum = REQUEST_MAX_TOKENS,
     .help = "empirical: instead of a file, the quantiles at equally spaced probabilities: "
             "[minimum, median, maximum], or more of them"},
};
const struct settings_table length_settings = {"a length distribution", length_keys,
                                               sizeof length_keys / sizeof *length_keys};

/* What tells the numbers of one key or two apart from sense. */
static bool check_values(const struct length_config *config, const char *name,
                         const struct node *section, struct error *error)
{
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
    const double minimum_tokens = setting_is_set(config->min_tokens) ? config->min_tokens : 1.0;
    if (setting_is_set(config->exponent) &&
        config->max_tokens - minimum_tokens >= LENGTH_TABLE_MAX_ROWS)
        return error_input(error, node_key_location(section, "max"),
                           "a zipf distribution has at most %d lengths", LENGTH_TABLE_MAX_ROWS);
    return true;
}

static bool check_empirical(const struct length_config *config, const struct node *section,
                            struct error *error)
{
    const struct real_list *quantiles = &config->quantiles_tokens;
    if (config->file != NULL && strcmp(config->file, "-") == 0)
        return error_input(error, node_key_location(section, "file"),
                           "'file' is read more than once, which stdin cannot be");
    if (quantiles->count == 1)
        return error_input(error, node_key_location(section, "quantiles"),
                           "'quantiles' needs two at least: the shortest length and the longest");
    for (size_t i = 1; i < quantiles->count; i++) {
        if (quantiles->values[i] < quantiles->values[i - 1])
            return error_input(error, node_key_location(section, "quantiles"),
                               "'quantiles' run back: %g after %g", quantiles->values[i],
                               quantiles->values[i - 1]);
    }
    return true;
}

bool length_check(const struct length_config *config, const char *name, const struct node *node,
                  struct error *error)
{
    static const struct chooser chooser = {"distribution", length_distribution_choices};
    if (config->distribution < 0)
        return error_input(error, node_key_location(node, name),
                           "generated traffic needs '%s' with a 'distribution'", name);
    const struct node *section = node_find(node, name);
    const struct choice_check check = {&length_settings, name, config, &chooser, 1};
    return choice_check(&check, section, error) && check_values(config, name, section, error) &&
           check_empirical(config, section, error);
}
