/* What a server's dashboard would show of a run over time: a row a second, as CSV.
 *
 * A long run has longer intervals, so that there are never more than TIMELINE_ROWS_MAX rows: whenever
 * they are full, all pairs of neighbours become one, of twice the time. Nothing is sampled: every
 * figure is of all that happened in its interval. */
#ifndef LLMSIM_REPORT_TIMELINE_H
#define LLMSIM_REPORT_TIMELINE_H

#include <llmsim/observer.h>
#include <stdio.h>

enum { TIMELINE_ROWS_MAX = 10000 };

/* Levels: how many there are of them, at every moment. */
enum timeline_level {
    LEVEL_QUEUED,    /* requests that were not scheduled yet */
    LEVEL_STARTED,   /* those that were, and have not finished */
    LEVEL_PREEMPTED, /* of them, those that wait again */
    LEVEL_KV_BLOCKS, /* in use */
    LEVEL_COUNT
};

/* Counts: how often it happened. */
enum timeline_count {
    COUNT_ARRIVALS,
    COUNT_COMPLETED,
    COUNT_PROMPT_TOKENS,
    COUNT_OUTPUT_TOKENS,
    COUNT_COUNT
};

struct timeline_interval;

struct timeline {
    FILE *stream;                        /* not owned */
    struct timeline_interval *intervals; /* owned; TIMELINE_ROWS_MAX of interval_ns each, from 0 */
    int64_t interval_ns;
    int64_t end_ns; /* of the latest that happened */
    double kv_blocks;
};

/* kv_blocks: what all replicas have, > 0. False when memory cannot be had; timeline_fini either
 * way. */
bool timeline_init(struct timeline *timeline, double kv_blocks, FILE *stream);
void timeline_fini(struct timeline *timeline);

/* As an observer's functions. */
void timeline_step(struct timeline *timeline, const struct step_report *report);
void timeline_outcome(struct timeline *timeline, const struct request_outcome *outcome);

/* After the last of them: all rows, to the stream. */
void timeline_write(const struct timeline *timeline);

#endif
