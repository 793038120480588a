/* What the engine tells whoever watches a run. Metrics, request logs and progress bars are
 * observers; the engine knows none of them. */
#ifndef LLMSIM_OBSERVER_H
#define LLMSIM_OBSERVER_H

#include <llmsim/cost.h>
#include <llmsim/request.h>

/* A step that has just ended. */
struct step_report {
    int64_t start_ns, end_ns;
    int32_t tokens;
    int32_t sequences; /* in the batch */
    int32_t
        continuing_sequences; /* emitted a token at start_ns and now: one ITL of end − start each */
    int32_t running;          /* admitted and not finished, at the time the step was planned */
    int64_t kv_blocks_used;   /* once the step was planned */
    int64_t kv_tokens;        /* stored in those blocks */
    const struct cost *cost;
};

/* All four functions are required. */
struct observer {
    void *context;
    void (*step)(void *context, const struct step_report *report);
    /* A token of a request whose previous token was not in the step before: after a
     * preemption. */
    void (*token_gap)(void *context, int64_t gap_ns);
    /* A request has finished, or was rejected on arrival. */
    void (*outcome)(void *context, const struct request_outcome *outcome);
    /* Now and then; fraction of the trace read, 0 where that is unknown. */
    void (*progress)(void *context, double fraction);
};

#endif
