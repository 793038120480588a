/* Arrival processes: when generated requests arrive. */
#ifndef LLMSIM_WORKLOAD_ARRIVALS_H
#define LLMSIM_WORKLOAD_ARRIVALS_H

#include "rate_profile.h"
#include "rng.h"
#include "settings.h"

/* `arrivals` */
struct arrivals_config {
    int process;       /* poisson, constant, gamma, weibull, closed; −1: no generated traffic */
    double cv;         /* gamma, weibull: coefficient of variation of the gaps */
    double burstiness; /* gamma: 1 / cv², as vLLM's benchmark has it; one of the two */
    struct rate_profile_config profile;
    int64_t concurrency; /* closed: users */
    double think_time_s; /* closed: mean; unset: 0 */
};

extern const struct settings_table arrivals_settings;

/* Whether anything is said of them. */
bool arrivals_are_given(const struct arrivals_config *config);

/* Of a config whose process is chosen: every key that it needs, and none that it ignores. */
bool arrivals_check(const struct arrivals_config *config, const struct node *section,
                    struct error *error);

/* Whether a process is chosen by which users wait for answers (closed_loop.c): there are no arrivals
 * to draw. */
bool arrivals_is_closed(const struct arrivals_config *config);

struct arrivals;

struct arrival_process {
    /* On the process's clock, the request after the one at arrivals->clock; NULL: it has none. */
    double (*next)(const struct arrivals *arrivals);
};

struct arrivals {
    const struct arrival_process *process;
    gsl_rng *rng;                /* owned */
    struct rate_profile profile; /* unless the rate is constant */
    /* The process's clock: seconds where the rate is constant; otherwise requests that the profile
     * expects by then. */
    double clock;  /* of the request last delivered */
    double rate;   /* requests a unit of it: 1 of the latter */
    double shape;  /* of the distribution of gaps: gamma, Weibull */
    double scale;  /* Weibull: of gaps of mean 1 */
    double time_s; /* of the request last delivered */
    int64_t count; /* of requests delivered */
};

/* The names of the processes, NULL-terminated. */
extern const char *const arrival_process_names[];

/* Draws from streams of the seed whose names begin with `prefix` ("" or a class's: rng.h):
 * "arrivals", and "bursts" where the profile has those. */
bool arrivals_init(struct arrivals *arrivals, const struct arrivals_config *config, uint64_t seed,
                   const char *prefix, struct error *error);
void arrivals_fini(struct arrivals *arrivals);

/* When the next request arrives; the first at 0, whatever the rate is there. */
double arrivals_next_s(struct arrivals *arrivals);

#endif
