/* What must hold of a run over several replicas, beside what holds of each. */
#ifndef LLMSIM_TESTS_PARALLEL_INVARIANTS_H
#define LLMSIM_TESTS_PARALLEL_INVARIANTS_H

#include "run_recorder.h"

#define PARALLEL_MAX_REPLICAS 16

/* Sizes that are not given are 1. */
static inline int32_t parallel_replicas(const struct simulation_setup *setup)
{
    int32_t data = setup->data_parallel_size, pipeline = setup->pipeline_parallel_size;
    return (data > 0 ? data : 1) * (pipeline > 0 ? pipeline : 1);
}

/* The first of them that is broken, in words; NULL when all hold. */
const char *parallel_invariants_broken(const struct simulation_setup *setup,
                                       const struct recorded_run *run);

#endif
