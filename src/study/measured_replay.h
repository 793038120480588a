/* The measured requests, simulated: what the server did beside what the configuration says. */
#ifndef LLMSIM_STUDY_MEASURED_REPLAY_H
#define LLMSIM_STUDY_MEASURED_REPLAY_H

#include "experiment.h"
#include "measured_log.h"

enum { REPLAY_WHY_BYTES = 320 };

struct measured_replay {
    const struct measured_log *log;
    /* Whether the configuration's trace is replayed: its requests are the log's, in number, lengths
     * and order, and it may know what prompts share. Else the log's own requests are. */
    bool uses_trace;
    /* In one line: why the trace is not replayed, or that arrivals differ; "": nothing to say. */
    char why[REPLAY_WHY_BYTES];
    struct request_outcome *outcomes; /* owned; of the last run, by request, as the log's */
};

/* Decide what is replayed. A trace that cannot be read is an error, as is one from stdin. The caller
 * ends the replay, also after an error. */
bool measured_replay_init(struct measured_replay *replay, const struct experiment_config *config,
                          const struct measured_log *log, struct error *error);
void measured_replay_fini(struct measured_replay *replay);

/* Simulate; the outcomes are then those of this run. The configuration may have changed since, but
 * for its workload. */
bool measured_replay_run(struct measured_replay *replay, const struct experiment_config *config,
                         struct error *error);

#endif
