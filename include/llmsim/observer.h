/* What the engine tells whoever watches a run. Metrics, request logs and progress bars are
 * observers; the engine knows none of them. */
#ifndef LLMSIM_OBSERVER_H
#define LLMSIM_OBSERVER_H

#include <llmsim/cost.h>
#include <llmsim/request.h>

/* A step that has just ended. */
struct step_report {
    int32_t replica; /* from 0; under pipeline parallelism, those of one pipeline are neighbours */
    int64_t start_ns, end_ns;
    int32_t tokens;
    int32_t sequences;     /* in the batch */
    int32_t prompt_tokens; /* of prompts; after a preemption, of what is computed again too */
    int32_t output_tokens; /* that it gives */
    int32_t running;       /* admitted and not finished, at the time the step was planned */
    int32_t preempted;     /* likewise, but waiting again since they were preempted */
    bool full;             /* once planned: another request would have to wait, or some do */
    /* KV memory, once the step was planned; what is shared counts once. Of the blocks used, some are
     * empty: reserved and not reached, or left by a request that has ended. */
    int64_t kv_blocks_used, kv_blocks_empty;
    int64_t kv_tokens;         /* stored in the others */
    int64_t kv_slots_unfilled; /* room for tokens that is left in the others */
    const struct cost *cost;   /* transfers to and from host memory included */
};

/* All four functions are required. */
struct observer {
    void *context;
    void (*step)(void *context, const struct step_report *report);
    /* So many requests have been given a token, each `gap_ns` after its previous one. */
    void (*token_gaps)(void *context, int64_t gap_ns, int32_t count);
    /* A request has finished, or was rejected on arrival. */
    void (*outcome)(void *context, const struct request_outcome *outcome);
    /* Now and then; fraction of the trace read, 0 where that is unknown. */
    void (*progress)(void *context, double fraction);
};

#endif
