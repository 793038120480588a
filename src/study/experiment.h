/* One run of one configuration. */
#ifndef LLMSIM_STUDY_EXPERIMENT_H
#define LLMSIM_STUDY_EXPERIMENT_H

#include "experiment_config.h"
#include "simulation.h"
#include "summary.h"

/* What to do on the way. Any member may be NULL. */
struct experiment_hooks {
    struct request_source *source; /* what arrives, instead of the workload; not owned */
    void (*outcome)(void *context, const struct request_outcome *outcome); /* of every request */
    void *context;                                                         /* of outcome() */
    FILE *requests;                    /* the per-request CSV goes here */
    FILE *timeline;                    /* and that over time here */
    FILE *perfetto;                    /* the trace of events here */
    FILE *text_charts;                 /* its distributions, for a terminal, here */
    json_t **charts;                   /* run_charts_json of it, which the caller owns */
    void (*progress)(double fraction); /* now and then; 0: unknown */
};

struct experiment_result {
    struct summary summary;
    bool warmup_unknown; /* `warmup: auto` has not found where it ends: nothing is cut */
    struct simulation_result simulation;
    struct source_left_out left_out; /* of the trace */
};

/* Simulate. The same configuration gives the same result, on every machine. */
bool experiment_run(const struct experiment_config *config, const struct experiment_hooks *hooks,
                    struct experiment_result *result, struct error *error);

/* Whether its workload can be read more than once: a trace from stdin cannot, which is an error. */
bool experiment_check_repeatable(const struct experiment_config *config, struct error *error);

/* The configuration as the `config` object of the summary; NULL when memory cannot be had. */
json_t *experiment_config_json(const struct experiment_config *config);

#endif
