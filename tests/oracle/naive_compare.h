/* What the engine told of a run against what the naive simulator says of it. */
#ifndef LLMSIM_TESTS_NAIVE_COMPARE_H
#define LLMSIM_TESTS_NAIVE_COMPARE_H

#include "naive_simulator.h"
#include "run_recorder.h"

#include <stdbool.h>
#include <stdio.h>

/* Every step, outcome and total is equal: times to the nanosecond, sums of seconds to 1e-9.
 * Else false, and the first difference on `stream` (NULL: silence). */
bool naive_compare(const struct naive_result *naive, const struct recorded_run *run, FILE *stream);

#endif
