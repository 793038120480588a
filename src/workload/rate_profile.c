#include "rate_profile.h"

#include "bracketed_root.h"
#include <assert.h>
#include <gsl/gsl_randist.h>
#include <math.h>

static const double day_s = 86400.0;

const char *const rate_profile_names[] = {
    [PROFILE_CONSTANT] = "constant",
    [PROFILE_PIECEWISE] = "piecewise",
    [PROFILE_DIURNAL] = "diurnal",
    [PROFILE_BURSTS] = "bursts",
    NULL,
};

static const char *const rate[] = {"rate", NULL};
static const char *const piecewise_keys[] = {"rates", "interval", NULL};
static const char *const amplitude[] = {"amplitude", NULL};
static const char *const period_and_peak[] = {"period", "peak", NULL};
static const char *const burst_keys[] = {"burst_rate", "burst_duration", "calm_duration", NULL};

const struct choice rate_profile_choices[] = {
    [PROFILE_CONSTANT] = {0},
    [PROFILE_PIECEWISE] = {.needed = piecewise_keys, .replaced = rate},
    [PROFILE_DIURNAL] = {.needed = amplitude, .usable = period_and_peak},
    [PROFILE_BURSTS] = {.needed = burst_keys},
};

/* Each interval at its rate, and then from the beginning again. */
static double piecewise_time_s(struct rate_profile *profile, double expected)
{
    const struct rate_profile_config *config = &profile->config;
    const double *rates = config->rates_per_s.values;
    const double period = floor(expected / profile->period_expected);
    const double rest = fmax(expected - period * profile->period_expected, 0.0);
    if (period != profile->period) {
        profile->period = period;
        profile->interval = 0;
        profile->expected = 0.0;
    }
    while (profile->interval < profile->last &&
           rest > profile->expected + rates[profile->interval] * config->interval_s)
        profile->expected += rates[profile->interval++] * config->interval_s;
    const double here_s =
        rest > profile->expected ? (rest - profile->expected) / rates[profile->interval] : 0.0;
    const double intervals = period * (double)config->rates_per_s.count + (double)profile->interval;
    return intervals * config->interval_s + fmin(here_s, config->interval_s);
}

static void piecewise_init(struct rate_profile *profile)
{
    const struct rate_profile_config *config = &profile->config;
    for (size_t i = 0; i < config->rates_per_s.count; i++) {
        profile->period_expected += config->rates_per_s.values[i] * config->interval_s;
        if (config->rates_per_s.values[i] > 0.0)
            profile->last = i;
    }
}

/* Share of a period's requests, from its beginning to a phase of 0 … 1 of it, less what is wanted:
 * the integral of 1 + A cos 2π(x − peak). */
struct diurnal {
    double amplitude, peak, wanted;
};

static double diurnal_excess(double phase, void *parameters)
{
    const struct diurnal *diurnal = parameters;
    const double swing =
        sin(2.0 * M_PI * (phase - diurnal->peak)) + sin(2.0 * M_PI * diurnal->peak);
    return phase + diurnal->amplitude / (2.0 * M_PI) * swing - diurnal->wanted;
}

static double diurnal_time_s(struct rate_profile *profile, double expected)
{
    const struct rate_profile_config *config = &profile->config;
    const double periods = expected / profile->period_expected;
    const double whole = floor(periods);
    struct diurnal diurnal = {config->amplitude, config->peak_s / config->period_s,
                              periods - whole};
    gsl_function excess = {diurnal_excess, &diurnal};
    return (whole + bracketed_root(profile->solver, &excess, 0.0, 1.0)) * config->period_s;
}

static double burst_rate_per_s(const struct rate_profile *profile)
{
    return profile->bursting ? profile->config.burst_rate_per_s : profile->config.rate_per_s;
}

static void draw_sojourn(struct rate_profile *profile)
{
    const struct rate_profile_config *config = &profile->config;
    profile->sojourn_s = gsl_ran_exponential(
        profile->rng, profile->bursting ? config->burst_duration_s : config->calm_duration_s);
}

/* A Markov chain of two states, each with its rate, that lasts an exponential time in each. */
static double bursts_time_s(struct rate_profile *profile, double expected)
{
    double mass = burst_rate_per_s(profile) * profile->sojourn_s;
    while (expected > profile->expected + mass) {
        profile->expected += mass;
        profile->begin_s += profile->sojourn_s;
        profile->bursting = !profile->bursting;
        draw_sojourn(profile);
        mass = burst_rate_per_s(profile) * profile->sojourn_s;
    }
    return profile->begin_s + (expected - profile->expected) / burst_rate_per_s(profile);
}

/* In the long run's state: with the probability that any moment is in a burst. */
static void bursts_init(struct rate_profile *profile)
{
    const struct rate_profile_config *config = &profile->config;
    const double share =
        config->burst_duration_s / (config->burst_duration_s + config->calm_duration_s);
    profile->bursting = gsl_rng_uniform(profile->rng) < share;
    draw_sojourn(profile);
}

static double (*const time_s[])(struct rate_profile *profile, double expected) = {
    [PROFILE_PIECEWISE] = piecewise_time_s,
    [PROFILE_DIURNAL] = diurnal_time_s,
    [PROFILE_BURSTS] = bursts_time_s,
};

double rate_profile_time_s(struct rate_profile *profile, double expected)
{
    return time_s[profile->config.kind](profile, expected);
}

bool rate_profile_init(struct rate_profile *profile, const struct rate_profile_config *config,
                       uint64_t seed, const char *prefix, struct error *error)
{
    assert(config->kind > PROFILE_CONSTANT);
    *profile = (struct rate_profile){.config = *config};
    if (!setting_is_set(config->period_s))
        profile->config.period_s = day_s;
    if (!setting_is_set(config->peak_s))
        profile->config.peak_s = 0.0;
    if (config->kind == PROFILE_PIECEWISE)
        piecewise_init(profile);
    if (config->kind == PROFILE_DIURNAL) {
        profile->period_expected = config->rate_per_s * profile->config.period_s;
        profile->solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
        return profile->solver != NULL || error_run(error, "out of memory");
    }
    if (config->kind == PROFILE_BURSTS) {
        profile->rng = rng_create_prefixed(seed, prefix, "bursts");
        if (profile->rng == NULL)
            return error_run(error, "out of memory");
        bursts_init(profile);
    }
    return true;
}

void rate_profile_fini(struct rate_profile *profile)
{
    if (profile->rng != NULL)
        gsl_rng_free(profile->rng);
    if (profile->solver != NULL)
        gsl_root_fsolver_free(profile->solver);
    *profile = (struct rate_profile){0};
}

/* No search for the next request may take longer than a user would wait. */
bool rate_profile_check(const struct rate_profile_config *config, const struct node *section,
                        struct error *error)
{
    double rate_sum = 0.0;
    for (size_t i = 0; i < config->rates_per_s.count; i++)
        rate_sum += config->rates_per_s.values[i];
    if (config->kind == PROFILE_PIECEWISE && rate_sum < 1e-6)
        return error_input(error, node_key_location(section, "rates"),
                           "'rates' are all 0, or as good as that: nothing would ever arrive");
    const double cycle_requests = config->rate_per_s * config->calm_duration_s +
                                  config->burst_rate_per_s * config->burst_duration_s;
    if (config->kind == PROFILE_BURSTS && cycle_requests < 1e-6)
        return error_input(error, node_key_location(section, "burst_duration"),
                           "less than one request in a million bursts: raise the rates or the "
                           "durations");
    return true;
}
