/* Many runs of one configuration: other seeds, other speeds. Its trace is read by each
 * (experiment_check_repeatable). */
#ifndef LLMSIM_STUDY_REPLICATE_H
#define LLMSIM_STUDY_REPLICATE_H

#include "experiment.h"
#include "sensitivity.h"

/* What several runs came to. */
struct replicated_runs {
    struct replications replications;
    struct experiment_result last; /* its warmup_unknown: of any of them */
};

/* config->metrics.replications runs with seed, seed + 1, … It is an error if two runs are equal:
 * then nothing in the configuration is random. `progress` may be NULL. */
bool replicate_run(const struct experiment_config *config, void (*progress)(double fraction),
                   struct replicated_runs *runs, struct error *error);

/* All requests of an open workload at once: how fast they are served when none has to be waited for, and
 * how fast they would have arrived (0: all at once). */
bool replicate_rush(const struct experiment_config *config, struct summary *summary,
                    double *arrival_rate_per_s, struct error *error);

/* The same at every one of sensitivity_speeds times the configured one, with the same seeds, and with
 * all requests at once. */
bool replicate_sensitivity(const struct experiment_config *config,
                           void (*progress)(double fraction), struct sensitivity *sensitivity,
                           struct error *error);

#endif
