/* The runs of a sweep and who takes them: threads of this process, and others' processes. All but
 * the first four may be called by several threads. */
#ifndef LLMSIM_STUDY_SWEEP_WORK_H
#define LLMSIM_STUDY_SWEEP_WORK_H

#include "sweep.h"
#include <llmsim/llmsim.h>
#include <pthread.h>

struct sweep_work {
    const struct sweep_plan *plan;
    const struct sweep_options *options;
    struct llmsim *base;  /* owned: under the options' overrides */
    pthread_mutex_t lock; /* of all below */
    size_t next;          /* the run to be looked at next */
    bool stopped;
    struct sweep_warnings *warnings;
};

/* A run that has ended. */
struct sweep_ended {
    char *line; /* owned; NULL: there was no memory for it */
    bool failed;
};

bool sweep_work_init(struct sweep_work *work, const struct sweep_plan *plan,
                     const struct sweep_options *options, struct sweep_warnings *warnings,
                     struct error *error);
void sweep_work_fini(struct sweep_work *work);

/* Let options->threads of them work, until nothing is left. */
struct sweep_threads {
    pthread_t threads[SWEEP_MAX_THREADS];
    int count;
};
bool sweep_threads_start(struct sweep_threads *threads, struct sweep_work *work, int count,
                         struct error *error);
void sweep_threads_join(struct sweep_threads *threads);

/* The next run to be carried out; false: none is left, or the sweep has been stopped. */
bool sweep_take(struct sweep_work *work, size_t *run);

/* Carry it out. What it warns of goes to the work's warnings. */
void sweep_carry_out(struct sweep_work *work, size_t run, struct sweep_ended *ended);

/* Tell the options' row(). Takes over the line. */
void sweep_tell(struct sweep_work *work, size_t run, const struct sweep_ended *ended);

void sweep_warn(struct sweep_work *work, const char *text);

#endif
