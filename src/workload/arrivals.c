#include "arrivals.h"

#include "choice.h"
#include <gsl/gsl_randist.h>

enum { ARRIVALS_POISSON, ARRIVALS_CONSTANT, ARRIVALS_GAMMA };

const char *const arrival_process_names[] = {
    [ARRIVALS_POISSON] = "poisson",
    [ARRIVALS_CONSTANT] = "constant",
    [ARRIVALS_GAMMA] = "gamma",
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

static const char *const rate_only[] = {"rate", NULL};
static const char *const rate_and_cv[] = {"rate", "cv", NULL};

const struct arrival_process arrival_processes[] = {
    [ARRIVALS_POISSON] = {rate_only, poisson_next_s},
    [ARRIVALS_CONSTANT] = {rate_only, constant_next_s},
    [ARRIVALS_GAMMA] = {rate_and_cv, gamma_next_s},
};

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
     .help = "how generated requests arrive: Poisson, evenly spaced, or in bursts (gamma gaps)"},
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
};
const struct settings_table arrivals_settings = {"arrivals", arrivals_table,
                                                 sizeof arrivals_table / sizeof *arrivals_table};

bool arrivals_check(const struct arrivals_config *config, const struct node *section,
                    struct error *error)
{
    static const char *const nothing_else[] = {NULL};
    const struct choice_check check = {&arrivals_settings, "arrivals", config,
                                       arrival_processes[config->process].keys, nothing_else};
    return choice_check(&check, section, error);
}
