/* Which replica an arrival goes to. */
#ifndef LLMSIM_ENGINE_ROUTER_H
#define LLMSIM_ENGINE_ROUTER_H

#include "replica.h"

/* Out of data_parallel_size ranks of `engines` replicas each (more than one under pipeline
 * parallelism), rank by rank; its index. O(replicas). */
int32_t router_choose(const struct replica *replicas, int32_t data_parallel_size, int32_t engines);

#endif
