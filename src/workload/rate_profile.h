/* Rate profiles: how the rate of arrivals changes with time.
 *
 * An arrival process counts in requests that are expected to have arrived by then, one a unit; a
 * profile says when that is, by inverting the integral of its rate. So any process can follow any
 * profile: a Poisson process becomes a Poisson process of that rate, and of others the gaps keep
 * their proportion to the rate. */
#ifndef LLMSIM_WORKLOAD_RATE_PROFILE_H
#define LLMSIM_WORKLOAD_RATE_PROFILE_H

#include "choice.h"
#include "rng.h"
#include <gsl/gsl_roots.h>

enum rate_profile_kind { PROFILE_CONSTANT, PROFILE_PIECEWISE, PROFILE_DIURNAL, PROFILE_BURSTS };

/* The keys of `arrivals` that are the profile's. */
struct rate_profile_config {
    int kind;                     /* enum rate_profile_kind; −1: constant */
    double rate_per_s;            /* constant; mean of diurnal; calm, of bursts */
    struct real_list rates_per_s; /* piecewise */
    double interval_s;            /* piecewise: that each of them holds */
    double amplitude;             /* diurnal: of the rate's swing, as a share of it, 0 … 1 */
    double period_s, peak_s;      /* diurnal; unset: a day, and 0 */
    double burst_rate_per_s, burst_duration_s, calm_duration_s; /* bursts; the latter are means */
};

struct rate_profile {
    struct rate_profile_config config;
    gsl_rng *rng;             /* owned; bursts only, else NULL */
    gsl_root_fsolver *solver; /* owned; diurnal only, else NULL */
    double period_expected;   /* requests expected in a period, or in all intervals once */
    double period;            /* piecewise: which one it is, from 0 */
    size_t interval, last;    /* piecewise: in it; and the last that has a rate */
    double expected;          /* requests expected before this interval (in the period), or state */
    bool bursting;            /* bursts: the state, */
    double begin_s, sojourn_s; /* when it began, and how long it lasts */
};

/* The names of the kinds, NULL-terminated, and which keys each of them needs. */
extern const char *const rate_profile_names[];
extern const struct choice rate_profile_choices[];

/* Of a config that has what it needs: that a rate comes of it. */
bool rate_profile_check(const struct rate_profile_config *config, const struct node *section,
                        struct error *error);

/* Any kind but constant. Bursts draw from the stream "<prefix>bursts". */
bool rate_profile_init(struct rate_profile *profile, const struct rate_profile_config *config,
                       uint64_t seed, const char *prefix, struct error *error);
void rate_profile_fini(struct rate_profile *profile);

/* When so many requests are expected to have arrived, in seconds; `expected` never runs back from
 * call to call, nor does the answer but for rounding. */
double rate_profile_time_s(struct rate_profile *profile, double expected);

#endif
