/* The rows of a sweep on their way to its file. Until all are there they are in FILE.partial, as they
 * come, so that a sweep that was killed goes on where it was; then FILE appears as a whole. */
#ifndef LLMSIM_CLI_SWEEP_JOURNAL_H
#define LLMSIM_CLI_SWEEP_JOURNAL_H

#include "sweep_plan.h"

struct sweep_journal_options {
    const char *path; /* NULL or "-": stdout, which cannot be gone on with */
    bool resume;
    bool has_header;              /* a line before the rows */
    const char *const *overrides; /* these and the plan are what is resumed, or it is refused */
    size_t override_count;
};

struct sweep_journal {
    FILE *stream; /* rows go here */
    const char *path;
    char *partial_path; /* owned; NULL: stdout */
    size_t done_runs;   /* that it holds already */
    bool is_new;        /* it holds nothing yet, not even a header */
};

/* What is not resumed begins anew; but a FILE.partial that nobody asked to resume is an error, as is
 * one of another sweep. Closed by the caller, also after an error: what is there stays. */
bool sweep_journal_open(struct sweep_journal *journal, const struct sweep_plan *plan,
                        const struct sweep_journal_options *options, struct error *error);
void sweep_journal_close(struct sweep_journal *journal);

/* The rows so far are out of this process's hands. */
bool sweep_journal_flush(struct sweep_journal *journal);

/* All rows are there: FILE appears, and FILE.partial goes. */
bool sweep_journal_finish(struct sweep_journal *journal, struct error *error);

#endif
