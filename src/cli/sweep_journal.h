/* The rows of a sweep on their way to its file. As runs end, in whatever order, their rows are added to
 * FILE.partial, so that a sweep that was killed goes on where it was; when all are there FILE appears as
 * a whole, in the order of the plan. What a shard leaves is such a journal too, to be merged.
 *
 * A journal is a line that says what it is of, {"llmsim_sweep": hash, "capacity": bool, "runs": count, "keys": […]}, and a
 * line a row (sweep_row_line). */
#ifndef LLMSIM_CLI_SWEEP_JOURNAL_H
#define LLMSIM_CLI_SWEEP_JOURNAL_H

#include "sweep_plan.h"
#include <jansson.h>

struct sweep_journal_options {
    const char *path; /* NULL or "-": stdout, which cannot be gone on with */
    bool resume;
    size_t shard, shards;         /* runs shard, shard + shards, … are wanted; 0, 1: all */
    const char *study;            /* what each run is, with all that it hangs on: "run" */
    bool capacity;                /* rows have one */
    const char *const *overrides; /* these and the plan are what is resumed, or it is refused */
    size_t override_count;
};

struct sweep_journal {
    FILE *stream;
    char *partial_path; /* owned; NULL: it has no name */
    const char *path;
    json_t *mark;     /* owned: its first line */
    int64_t *offsets; /* owned: of each run's row; −1: it is not there */
    bool *wanted;     /* owned: runs that are to be carried out */
    char *line;       /* owned: the one being read */
    size_t run_count, done_runs, wanted_runs;
};

/* What is not resumed begins anew; but a FILE.partial that nobody asked to resume is an error, as is
 * one of another sweep. Closed by the caller, also after an error: what is there stays. */
bool sweep_journal_open(struct sweep_journal *journal, const struct sweep_plan *plan,
                        const struct sweep_journal_options *options, struct error *error);

/* A journal without name of the rows of several, which must be of one sweep and hold all its runs. */
bool sweep_journal_merge(struct sweep_journal *journal, char **paths, size_t count,
                         struct error *error);
void sweep_journal_close(struct sweep_journal *journal);

/* Add a run's row. False when it cannot be written. */
bool sweep_journal_add(struct sweep_journal *journal, size_t run, const char *line);

/* A run's row; NULL with *error filled. The caller owns the reference. */
json_t *sweep_journal_row(struct sweep_journal *journal, size_t run, struct error *error);

/* What is swept: count texts, owned by the journal. */
size_t sweep_journal_keys(const struct sweep_journal *journal,
                          const char *keys[static SWEEP_MAX_KEYS]);

/* All rows in order, as CSV or JSON lines. */
bool sweep_journal_print(struct sweep_journal *journal, bool json, FILE *stream,
                         struct error *error);

/* The journal becomes the shard's file. */
bool sweep_journal_keep(struct sweep_journal *journal, struct error *error);

/* Nothing is left of it under a name. */
void sweep_journal_remove(struct sweep_journal *journal);

#endif
