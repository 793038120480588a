/* The processes that carry out one sweep together: the ranks of an MPI job, or this one alone. Rank 0
 * hands out the runs, one at a time, to itself and to the others, and is told the rows. */
#ifndef LLMSIM_STUDY_SWEEP_GROUP_H
#define LLMSIM_STUDY_SWEEP_GROUP_H

#include "sweep.h"

struct sweep_group {
    int rank, size; /* 0, 1: alone */
};

/* Join the job that this process was started in; left by the caller, also after an error. An error: it
 * was started by mpirun, and this program was built without MPI. */
bool sweep_group_join(struct sweep_group *group, struct error *error);
void sweep_group_leave(const struct sweep_group *group);

/* Called by all ranks: whether all of them are ready; *first_failed is the first that is not. */
bool sweep_group_agree(const struct sweep_group *group, bool ready, int *first_failed);

/* Called by all ranks: sweep_run, of which options->wanted, row and context are rank 0's alone, as are
 * the warnings of all. Each rank carries out one run at a time, or options->threads where there is no
 * other rank. */
bool sweep_group_run(const struct sweep_group *group, const struct sweep_plan *plan,
                     const struct sweep_options *options, struct sweep_warnings *warnings,
                     struct error *error);

#endif
