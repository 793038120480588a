#include "arrivals.h"

#include "choice.h"
#include <gsl/gsl_randist.h>

enum { ARRIVALS_POISSON, ARRIVALS_CONSTANT, ARRIVALS_GAMMA, ARRIVALS_CLOSED };

const char *const arrival_process_names[] = {
    [ARRIVALS_POISSON] = "poisson",
    [ARRIVALS_CONSTANT] = "constant",
    [ARRIVALS_GAMMA] = "gamma",
    [ARRIVALS_CLOSED] = "closed",
    NULL,
};

/* Independent users: gaps are exponential. */
static double poisson_next_s(const struct arrivals *arrivals)
{
    return arrivals->time_s + gsl_ran_exponential(arrivals->rng, 1.0) / arrivals->rate_per_s;
}

/* From the count, not from the last time, so that no rounding error piles up. */
static double constant_next_s(const struct arrivals *arrivals)
{
    return (double)arrivals->count / arrivals->rate_per_s;
}

/* Gaps of mean 1 / rate and coefficient of variation cv: above 1 requests come in bursts, as
 * BurstGPT (Wang et al., 2024) measures them; 1 is Poisson; near 0 they are evenly spaced. */
static double gamma_next_s(const struct arrivals *arrivals)
{
    double scale_s = 1.0 / (arrivals->shape * arrivals->rate_per_s);
    return arrivals->time_s + gsl_ran_gamma(arrivals->rng, arrivals->shape, scale_s);
}

static const char *const none[] = {NULL};
static const char *const rate_only[] = {"rate", NULL};
static const char *const rate_and_cv[] = {"rate", "cv", NULL};
static const char *const concurrency_only[] = {"concurrency", NULL};
static const char *const think_time[] = {"think_time", NULL};

const struct arrival_process arrival_processes[] = {
    [ARRIVALS_POISSON] = {rate_only, none, poisson_next_s},
    [ARRIVALS_CONSTANT] = {rate_only, none, constant_next_s},
    [ARRIVALS_GAMMA] = {rate_and_cv, none, gamma_next_s},
    [ARRIVALS_CLOSED] = {concurrency_only, think_time, NULL},
};

bool arrivals_is_closed(const struct arrivals_config *config)
{
    return config->process >= 0 && arrival_processes[config->process].next_s == NULL;
}

void arrivals_init(struct arrivals *arrivals, const struct arrivals_config *config, gsl_rng *rng)
{
    *arrivals = (struct arrivals){
        .process = &arrival_processes[config->process],
        .rng = rng,
        .rate_per_s = config->rate_per_s,
        .shape = 1.0 / (config->cv * config->cv),
    };
}

double arrivals_next_s(struct arrivals *arrivals)
{
    if (arrivals->count > 0)
        arrivals->time_s = arrivals->process->next_s(arrivals);
    arrivals->count++;
    return arrivals->time_s;
}

static const struct setting arrivals_table[] = {
    {.name = "process",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct arrivals_config, process),
     .preset = "none",
     .choices = arrival_process_names,
     .help = "how generated requests arrive: Poisson, evenly spaced, in bursts (gamma gaps), or "
             "closed: users who wait for an answer before they send again"},
    {.name = "rate",
     .kind = SETTING_REAL,
     .unit = UNIT_PER_S,
     .offset = offsetof(struct arrivals_config, rate_per_s),
     .preset = "none",
     .minimum = 1e-6,
     .maximum = 1e9,
     .help = "requests a second"},
    {.name = "cv",
     .kind = SETTING_REAL,
     .offset = offsetof(struct arrivals_config, cv),
     .preset = "none",
     .minimum = 0.01,
     .maximum = 100,
     .help = "gamma: coefficient of variation of the gaps; 1 is Poisson, more is burstier"},
    {.name = "concurrency",
     .kind = SETTING_INTEGER,
     .offset = offsetof(struct arrivals_config, concurrency),
     .preset = "none",
     .minimum = 1,
     .maximum = 1e6,
     .help = "closed: how many users there are; all begin at once"},
    {.name = "think_time",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS,
     .offset = offsetof(struct arrivals_config, think_time_s),
     .preset = "none",
     .minimum = 0,
     .maximum = 4e9,
     .help = "closed: mean of the exponential time from a whole answer to the user's next request; "
             "none: 0"},
};
const struct settings_table arrivals_settings = {"arrivals", arrivals_table,
                                                 sizeof arrivals_table / sizeof *arrivals_table};

bool arrivals_check(const struct arrivals_config *config, const struct node *section,
                    struct error *error)
{
    const struct arrival_process *process = &arrival_processes[config->process];
    const struct choice_check check = {&arrivals_settings, "arrivals", config, process->keys,
                                       process->optional_keys};
    return choice_check(&check, section, error);
}
