/* Data-parallel ranks of a model with experts step together: each of them plans for its own
 * requests, and all exchange tokens in every layer. */
#ifndef LLMSIM_ENGINE_LOCKSTEP_H
#define LLMSIM_ENGINE_LOCKSTEP_H

#include "replica.h"

/* When the step in flight ends, or an idle rank wants to be asked again; SIM_TIME_NEVER when
 * neither. */
int64_t lockstep_next_event_ns(const struct replica *ranks, int32_t count);

/* If no rank has a step in flight, and one has work, all start one. */
void lockstep_start_step(struct replica *ranks, int32_t count, int64_t now_ns);

#endif
