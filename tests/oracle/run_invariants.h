/* What must hold of every run, whatever the policy. */
#ifndef LLMSIM_TESTS_RUN_INVARIANTS_H
#define LLMSIM_TESTS_RUN_INVARIANTS_H

#include "run_recorder.h"

/* The first invariant that the run breaks, in words; NULL when all hold. */
const char *run_invariants_broken(const struct simulation_setup *setup,
                                  const struct request *requests, const struct recorded_run *run);

#endif
