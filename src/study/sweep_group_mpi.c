/* The ranks of an MPI job. Only the thread that joined it speaks MPI; rank 0 has another that carries
 * out runs, so that no core is left to hand out work alone. A rank that dies takes the job with it, as
 * MPI has it: the rows that have ended are in the journal by then. */
#include "sweep_group.h"

#include "sweep_work.h"
#include <mpi.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* From a worker: a warning; what came of its last run (struct outcome), whose line follows. From rank 0:
 * the next run, or NO_RUN. */
enum tag { TAG_WARNING, TAG_OUTCOME, TAG_LINE, TAG_RUN };

#define NO_RUN (-1)

/* All int64_t, so that it is a message. */
struct outcome {
    int64_t run; /* NO_RUN: none yet */
    int64_t failed;
    int64_t line_bytes; /* −1: there was no memory for it */
};
enum { OUTCOME_NUMBERS = sizeof(struct outcome) / sizeof(int64_t) };

/* MPI is begun only where a launcher is: alone it would cost more than many a run. */
static bool is_launched(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMI_RANK",
                                        "PMIX_RANK"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (getenv(names[i]) != NULL)
            return true;
    }
    return false;
}

bool sweep_group_join(struct sweep_group *group, struct error *error)
{
    int provided = MPI_THREAD_SINGLE;
    *group = (struct sweep_group){0, 1};
    if (!is_launched())
        return true;
    if (MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS)
        return error_run(error, "MPI cannot be started");
    MPI_Comm_rank(MPI_COMM_WORLD, &group->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &group->size);
    return provided >= MPI_THREAD_FUNNELED || error_run(error, "this MPI knows nothing of threads");
}

void sweep_group_leave(const struct sweep_group *group)
{
    int begun = 0;
    (void)group;
    if (MPI_Initialized(&begun) == MPI_SUCCESS && begun)
        MPI_Finalize();
}

bool sweep_group_agree(const struct sweep_group *group, bool ready, int *first_failed)
{
    int mine = ready ? group->size : group->rank;
    *first_failed = mine;
    if (group->size > 1)
        MPI_Allreduce(&mine, first_failed, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    return *first_failed == group->size;
}

static void hear_warning(struct sweep_work *work, const MPI_Status *status)
{
    char text[SWEEP_WARNING_BYTES];
    MPI_Recv(text, sizeof text, MPI_CHAR, status->MPI_SOURCE, TAG_WARNING, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    text[sizeof text - 1] = '\0';
    sweep_warn(work, text);
}

/* What a worker's last run came to, and its next. False: there is none. */
static bool serve(struct sweep_work *work, const MPI_Status *status)
{
    const int worker = status->MPI_SOURCE;
    struct outcome outcome;
    MPI_Recv(&outcome, OUTCOME_NUMBERS, MPI_INT64_T, worker, TAG_OUTCOME, MPI_COMM_WORLD,
             MPI_STATUS_IGNORE);
    if (outcome.run != NO_RUN) {
        struct sweep_ended ended = {.failed = outcome.failed != 0};
        if (outcome.line_bytes >= 0) {
            ended.line = calloc((size_t)outcome.line_bytes + 1, 1);
            if (ended.line == NULL)
                MPI_Abort(MPI_COMM_WORLD, ERROR_RUN);
            MPI_Recv(ended.line, (int)outcome.line_bytes, MPI_CHAR, worker, TAG_LINE,
                     MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        }
        sweep_tell(work, (size_t)outcome.run, &ended);
    }
    size_t run = 0;
    const bool taken = sweep_take(work, &run);
    const int64_t number = taken ? (int64_t)run : NO_RUN;
    MPI_Send(&number, 1, MPI_INT64_T, worker, TAG_RUN, MPI_COMM_WORLD);
    return taken;
}

/* Until every worker has been told that nothing is left. */
static void hand_out(struct sweep_work *work, int workers)
{
    static const struct timespec pause = {.tv_nsec = 100000};
    while (workers > 0) {
        MPI_Status status;
        int there = 0;
        MPI_Iprobe(MPI_ANY_SOURCE, MPI_ANY_TAG, MPI_COMM_WORLD, &there, &status);
        if (!there)
            nanosleep(&pause, NULL);
        else if (status.MPI_TAG == TAG_WARNING)
            hear_warning(work, &status);
        else
            workers -= serve(work, &status) ? 0 : 1;
    }
}

static void send_warnings(const struct sweep_warnings *warnings, size_t *sent)
{
    for (; *sent < warnings->count; ++*sent) {
        const char *text = warnings->texts[*sent];
        MPI_Send(text, (int)strlen(text) + 1, MPI_CHAR, 0, TAG_WARNING, MPI_COMM_WORLD);
    }
}

static void work_for_rank_0(struct sweep_work *work)
{
    struct outcome outcome = {.run = NO_RUN};
    struct sweep_ended ended = {0};
    size_t sent = 0;
    do {
        MPI_Send(&outcome, OUTCOME_NUMBERS, MPI_INT64_T, 0, TAG_OUTCOME, MPI_COMM_WORLD);
        if (ended.line != NULL)
            MPI_Send(ended.line, (int)outcome.line_bytes, MPI_CHAR, 0, TAG_LINE, MPI_COMM_WORLD);
        free(ended.line);
        MPI_Recv(&outcome.run, 1, MPI_INT64_T, 0, TAG_RUN, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        if (outcome.run == NO_RUN)
            return;
        sweep_carry_out(work, (size_t)outcome.run, &ended);
        outcome.failed = ended.failed;
        outcome.line_bytes = ended.line != NULL ? (int64_t)strlen(ended.line) : -1;
        send_warnings(work->warnings, &sent);
    } while (true);
}

bool sweep_group_run(const struct sweep_group *group, const struct sweep_plan *plan,
                     const struct sweep_options *options, struct sweep_warnings *warnings,
                     struct error *error)
{
    struct sweep_work work;
    struct sweep_threads threads = {.count = 0};
    if (group->size == 1)
        return sweep_run(plan, options, warnings, error);
    if (!sweep_work_init(&work, plan, options, warnings, error))
        MPI_Abort(MPI_COMM_WORLD, ERROR_RUN);
    bool done = true;
    if (group->rank > 0) {
        work_for_rank_0(&work);
    } else {
        done = sweep_threads_start(&threads, &work, 1, error);
        hand_out(&work, group->size - 1);
        sweep_threads_join(&threads);
        done = done && !work.stopped;
    }
    sweep_work_fini(&work);
    return done;
}
