/* Running a sweep, several runs at a time. */
#ifndef LLMSIM_STUDY_SWEEP_H
#define LLMSIM_STUDY_SWEEP_H

#include "capacity.h"
#include "sweep_plan.h"
#include <stdbool.h>
#include <stdint.h>

enum { SWEEP_MAX_THREADS = 256 };

struct sweep_options {
    const char *const *overrides; /* of the base, before those of the axes */
    size_t override_count;
    const char *config_directory; /* as of experiment_config_load */
    int threads;                  /* 1 … SWEEP_MAX_THREADS */
    const bool *wanted;           /* of every run of the plan: whether to run it */
    const struct capacity_options
        *capacity; /* each run is a search for its capacity; NULL: is one run */
    /* Of every run that was wanted, as they end, one at a time: its row (sweep_row_line), and whether it
     * failed. False stops the sweep. */
    bool (*row)(void *context, size_t run, const char *line, bool failed);
    void *context;
};

/* What the runs warned of, without repetition. */
enum { SWEEP_MAX_WARNINGS = 16, SWEEP_WARNING_BYTES = 512 };
struct sweep_warnings {
    char texts[SWEEP_MAX_WARNINGS][SWEEP_WARNING_BYTES];
    size_t count;
    int64_t others; /* beyond those */
};

/* A run that fails is a row with its reason, not the end. The trace is read once for all. False with
 * *error filled: no memory or threads, or row() has stopped it, which *error then says nothing of. */
bool sweep_run(const struct sweep_plan *plan, const struct sweep_options *options,
               struct sweep_warnings *warnings, struct error *error);

#endif
