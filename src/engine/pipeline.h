/* Pipeline parallelism: as many virtual engines as there are stages share them, each with one step
 * in flight, so that every stage can have a micro-batch.
 *
 * A step enters the first stage when its engine is idle and the stage is free, and each further one
 * when it has been transferred there and the step before it has left. */
#ifndef LLMSIM_ENGINE_PIPELINE_H
#define LLMSIM_ENGINE_PIPELINE_H

#include "replica.h"

struct pipeline {
    struct replica *engines; /* stage_count of them; not owned */
    int32_t stage_count;
    int32_t next_engine;    /* whose turn it is at the first stage */
    int64_t *stage_free_ns; /* when the last step to enter it leaves it; owned */
    double *stage_s;        /* of the step being started; owned */
};

/* For `stage_count` virtual engines from `engines` on. False when memory cannot be had. */
bool pipeline_init(struct pipeline *pipeline, struct replica *engines, int32_t stage_count);
void pipeline_fini(struct pipeline *pipeline);

/* When a step in flight ends, the first stage becomes free, or an idle engine wants to be asked
 * again, whichever comes first after now; SIM_TIME_NEVER when nothing does. */
int64_t pipeline_next_event_ns(const struct pipeline *pipeline, int64_t now_ns);

/* Idle engines that have work start steps, in turns, while the first stage is free. */
void pipeline_start_steps(struct pipeline *pipeline, int64_t now_ns);

#endif
