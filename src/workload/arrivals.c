#include "arrivals.h"

#include "bracketed_root.h"
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>

enum { ARRIVALS_POISSON, ARRIVALS_CONSTANT, ARRIVALS_GAMMA, ARRIVALS_WEIBULL, ARRIVALS_CLOSED };

const char *const arrival_process_names[] = {
    [ARRIVALS_POISSON] = "poisson", [ARRIVALS_CONSTANT] = "constant", [ARRIVALS_GAMMA] = "gamma",
    [ARRIVALS_WEIBULL] = "weibull", [ARRIVALS_CLOSED] = "closed",     NULL,
};

/* Independent users: gaps are exponential. */
static double poisson_next(const struct arrivals *arrivals)
{
    return arrivals->clock + gsl_ran_exponential(arrivals->rng, 1.0) / arrivals->rate;
}

/* From the count, not from the last time, so that no rounding error piles up. */
static double constant_next(const struct arrivals *arrivals)
{
    return (double)arrivals->count / arrivals->rate;
}

/* Gaps of mean 1 / rate and coefficient of variation cv: above 1 requests come in bursts, as
 * BurstGPT (Wang et al., 2024) measures them; 1 is Poisson; near 0 they are evenly spaced. */
static double gamma_next(const struct arrivals *arrivals)
{
    double scale = 1.0 / (arrivals->shape * arrivals->rate);
    return arrivals->clock + gsl_ran_gamma(arrivals->rng, arrivals->shape, scale);
}

/* The same with a longer tail of long gaps where cv is above 1. */
static double weibull_next(const struct arrivals *arrivals)
{
    return arrivals->clock +
           gsl_ran_weibull(arrivals->rng, arrivals->scale, arrivals->shape) / arrivals->rate;
}

/* A closed loop's requests arrive when users have answers. */
static const struct arrival_process arrival_processes[] = {
    [ARRIVALS_POISSON] = {poisson_next}, [ARRIVALS_CONSTANT] = {constant_next},
    [ARRIVALS_GAMMA] = {gamma_next},     [ARRIVALS_WEIBULL] = {weibull_next},
    [ARRIVALS_CLOSED] = {NULL},
};

bool arrivals_is_closed(const struct arrivals_config *config)
{
    return config->process == ARRIVALS_CLOSED;
}

/* Of a Weibull distribution of the shape exp(x): ln(1 + cv²) = lnΓ(1 + 2/shape) − 2 lnΓ(1 + 1/shape)
 * is less than what is wanted by this. It grows with the shape. */
static double weibull_lack(double log_shape, void *wanted)
{
    const double inverse = exp(-log_shape);
    return *(const double *)wanted - gsl_sf_lngamma(1.0 + 2.0 * inverse) +
           2.0 * gsl_sf_lngamma(1.0 + inverse);
}

/* The bounds of `cv` give shapes from 0.128 to 128. */
static bool prepare_weibull(struct arrivals *arrivals, double cv, struct error *error)
{
    double wanted = log1p(cv * cv);
    gsl_function lack = {weibull_lack, &wanted};
    gsl_root_fsolver *solver = gsl_root_fsolver_alloc(gsl_root_fsolver_brent);
    if (solver == NULL)
        return error_run(error, "out of memory");
    arrivals->shape = exp(bracketed_root(solver, &lack, log(0.1), log(1000.0)));
    arrivals->scale = 1.0 / gsl_sf_gamma(1.0 + 1.0 / arrivals->shape);
    gsl_root_fsolver_free(solver);
    return true;
}

bool arrivals_init(struct arrivals *arrivals, const struct arrivals_config *config, uint64_t seed,
                   const char *prefix, struct error *error)
{
    const bool constant_rate = config->profile.kind <= PROFILE_CONSTANT;
    *arrivals = (struct arrivals){
        .process = &arrival_processes[config->process],
        .rng = rng_create_prefixed(seed, prefix, "arrivals"),
        .rate = constant_rate ? config->profile.rate_per_s : 1.0,
        .shape = setting_is_set(config->burstiness) ? config->burstiness
                                                    : 1.0 / (config->cv * config->cv),
    };
    if (arrivals->rng == NULL)
        return error_run(error, "out of memory");
    if ((constant_rate ||
         rate_profile_init(&arrivals->profile, &config->profile, seed, prefix, error)) &&
        (config->process != ARRIVALS_WEIBULL || prepare_weibull(arrivals, config->cv, error)))
        return true;
    arrivals_fini(arrivals);
    return false;
}

void arrivals_fini(struct arrivals *arrivals)
{
    if (arrivals->rng != NULL)
        gsl_rng_free(arrivals->rng);
    rate_profile_fini(&arrivals->profile);
    *arrivals = (struct arrivals){0};
}

double arrivals_next_s(struct arrivals *arrivals)
{
    if (arrivals->count > 0) {
        arrivals->clock = arrivals->process->next(arrivals);
        arrivals->time_s =
            arrivals->profile.config.kind <= PROFILE_CONSTANT
                ? arrivals->clock
                : fmax(rate_profile_time_s(&arrivals->profile, arrivals->clock), arrivals->time_s);
    }
    arrivals->count++;
    return arrivals->time_s;
}

#define MEMBER(field) offsetof(struct arrivals_config, field)
#define RATE(key, field, text)                                                                     \
    {                                                                                              \
        .name = (key), .kind = SETTING_REAL, .unit = UNIT_PER_S, .offset = MEMBER(field),          \
        .preset = "none", .minimum = 1e-6, .maximum = 1e9, .help = (text)                          \
    }
#define DURATION(key, field, word, text)                                                           \
    {                                                                                              \
        .name = (key), .kind = SETTING_REAL, .unit = UNIT_SECONDS, .offset = MEMBER(field),        \
        .preset = (word), .minimum = 1e-3, .maximum = 4e9, .help = (text)                          \
    }

static const struct setting arrivals_table[] = {
    {.name = "process",
     .kind = SETTING_CHOICE,
     .offset = MEMBER(process),
     .preset = "none",
     .choices = arrival_process_names,
     .help = "how generated requests arrive: Poisson, evenly spaced, or with gaps of a gamma or "
             "Weibull distribution"},
    RATE("rate", profile.rate_per_s,
         "requests a second; diurnal: their mean; bursts: between bursts"),
    {.name = "cv",
     .kind = SETTING_REAL,
     .offset = MEMBER(cv),
     .preset = "none",
     .minimum = 0.01,
     .maximum = 100,
     .help =
         "gamma, weibull: coefficient of variation of the gaps; 1 is Poisson, more is burstier"},
    {.name = "burstiness",
     .kind = SETTING_REAL,
     .offset = MEMBER(burstiness),
     .preset = "none",
     .minimum = 1e-4,
     .maximum = 1e4,
     .help = "gamma: instead of cv, by vLLM's benchmark: 1 / cv²; less than 1 is burstier"},
    {.name = "profile",
     .kind = SETTING_CHOICE,
     .offset = MEMBER(profile.kind),
     .preset = "auto",
     .choices = rate_profile_names,
     .help =
         "how the rate changes with time; the first request comes at 0 whatever it is then; auto: "
         "constant"},
    {.name = "rates",
     .kind = SETTING_REALS,
     .unit = UNIT_PER_S,
     .offset = MEMBER(profile.rates_per_s),
     .preset = "none",
     .minimum = 0,
     .maximum = 1e9,
     .help = "piecewise: requests a second in one interval after another; after the last the first "
             "again"},
    DURATION("interval", profile.interval_s, "none", "piecewise: how long each rate holds"),
    {.name = "amplitude",
     .kind = SETTING_REAL,
     .offset = MEMBER(profile.amplitude),
     .preset = "none",
     .minimum = 0,
     .maximum = 1,
     .help = "diurnal: how far the rate swings, as a share of it: rate (1 + amplitude cos(2π (t − "
             "peak) / period))"},
    DURATION("period", profile.period_s, "auto", "diurnal: of the swing; auto: 24 h"),
    {.name = "peak",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS,
     .offset = MEMBER(profile.peak_s),
     .preset = "auto",
     .minimum = 0,
     .maximum = 4e9,
     .help = "diurnal: when the rate is highest; auto: at the start"},
    RATE("burst_rate", profile.burst_rate_per_s, "bursts: requests a second in a burst"),
    DURATION("burst_duration", profile.burst_duration_s, "none",
             "bursts: mean length of a burst; lengths are exponential"),
    DURATION("calm_duration", profile.calm_duration_s, "none",
             "bursts: mean time from a burst to the next, exponential too"),
    {.name = "concurrency",
     .kind = SETTING_INTEGER,
     .offset = MEMBER(concurrency),
     .preset = "none",
     .minimum = 1,
     .maximum = 1e6,
     .help = "closed: how many users there are; all begin at once"},
    {.name = "think_time",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS,
     .offset = MEMBER(think_time_s),
     .preset = "none",
     .minimum = 0,
     .maximum = 4e9,
     .help = "closed: mean of the exponential time from a whole answer to the user's next request; "
             "none: 0"},
};
const struct settings_table arrivals_settings = {"arrivals", arrivals_table,
                                                 sizeof arrivals_table / sizeof *arrivals_table};

static const char *const rate_key[] = {"rate", NULL};
static const char *const rate_and_cv[] = {"rate", "cv", NULL};
static const char *const cv_or_burstiness[] = {"cv", "burstiness", NULL};
static const char *const concurrency_key[] = {"concurrency", NULL};
static const char *const think_time_key[] = {"think_time", NULL};
static const char *const profile_key[] = {"profile", NULL};

static const struct choice process_choices[] = {
    [ARRIVALS_POISSON] = {.needed = rate_key, .usable = profile_key},
    [ARRIVALS_CONSTANT] = {.needed = rate_key, .usable = profile_key},
    [ARRIVALS_GAMMA] = {.needed = rate_key, .one_of = cv_or_burstiness, .usable = profile_key},
    [ARRIVALS_WEIBULL] = {.needed = rate_and_cv, .usable = profile_key},
    [ARRIVALS_CLOSED] = {.needed = concurrency_key, .usable = think_time_key},
};

bool arrivals_are_given(const struct arrivals_config *config)
{
    bool given = false;
    for (size_t i = 0; i < arrivals_settings.count; i++)
        given |= !setting_is_unset(&arrivals_settings.settings[i], config);
    return given;
}

bool arrivals_check(const struct arrivals_config *config, const struct node *section,
                    struct error *error)
{
    static const struct chooser choosers[] = {{"process", process_choices},
                                              {"profile", rate_profile_choices}};
    const struct choice_check check = {&arrivals_settings, "arrivals", config, choosers,
                                       sizeof choosers / sizeof *choosers};
    return choice_check(&check, section, error) &&
           rate_profile_check(&config->profile, section, error);
}
