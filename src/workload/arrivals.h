/* Arrival processes: when generated requests arrive. */
#ifndef LLMSIM_WORKLOAD_ARRIVALS_H
#define LLMSIM_WORKLOAD_ARRIVALS_H

#include "rng.h"
#include "settings.h"

struct arrivals;

/* `arrivals` */
struct arrivals_config {
    int process; /* poisson, constant, gamma, closed; −1: no generated traffic */
    double rate_per_s;
    double cv;           /* gamma: coefficient of variation of the gaps */
    int64_t concurrency; /* closed: users */
    double think_time_s; /* closed: mean; unset: 0 */
};

extern const struct settings_table arrivals_settings;

/* Of a config whose process is chosen: every key that it needs, and none that it ignores. */
bool arrivals_check(const struct arrivals_config *config, const struct node *section,
                    struct error *error);

/* Whether a process is chosen by which users wait for answers (closed_loop.c): there are no arrivals
 * to draw. */
bool arrivals_is_closed(const struct arrivals_config *config);

struct arrival_process {
    const char *const *keys;          /* of struct arrivals_config that it needs, NULL-terminated */
    const char *const *optional_keys; /* that it can use as well */
    /* The time of the request after the one at arrivals->time_s; NULL: when users have answers. */
    double (*next_s)(const struct arrivals *arrivals);
};

struct arrivals {
    const struct arrival_process *process;
    gsl_rng *rng; /* not owned */
    double rate_per_s;
    double shape;  /* of the gamma distribution: 1 / cv² */
    double time_s; /* of the request last delivered */
    int64_t count; /* of requests delivered */
};

/* The names of the processes, NULL-terminated, and what stands behind each. */
extern const char *const arrival_process_names[];
extern const struct arrival_process arrival_processes[];

void arrivals_init(struct arrivals *arrivals, const struct arrivals_config *config, gsl_rng *rng);

/* When the next request arrives; the first at 0. */
double arrivals_next_s(struct arrivals *arrivals);

#endif
