/* Built without MPI: one process, and a clear word to whoever starts several. */
#include "sweep_group.h"

#include <stdlib.h>

bool sweep_group_join(struct sweep_group *group, struct error *error)
{
    /* Of Open MPI; and of launchers that speak PMI: MPICH's, Slurm's srun --mpi. */
    static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"};
    *group = (struct sweep_group){0, 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const char *size = getenv(sizes[i]);
        if (size != NULL && strtol(size, NULL, 10) > 1)
            return error_input(
                error, NULL,
                "this llmsim was built without MPI (meson -Dmpi=enabled): --shard and "
                "--merge need none");
    }
    return true;
}

void sweep_group_leave(const struct sweep_group *group)
{
    (void)group;
}

bool sweep_group_agree(const struct sweep_group *group, bool ready, int *first_failed)
{
    *first_failed = group->rank;
    return ready;
}

bool sweep_group_run(const struct sweep_group *group, const struct sweep_plan *plan,
                     const struct sweep_options *options, struct sweep_warnings *warnings,
                     struct error *error)
{
    (void)group;
    return sweep_run(plan, options, warnings, error);
}
