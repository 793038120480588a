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
    struct timeline_interval *intervals; /* owned; TIMELINE_ROWS_MAX of interval_ns each, from 0 */
    int64_t interval_ns;
    int64_t end_ns; /* of the latest that happened */
    double kv_blocks;
};

/* Of one interval. */
struct timeline_row {
    int64_t start_ns, width_ns;
    double running, waiting; /* requests, on average */
    double kv_use;           /* likewise, 0 … 1 */
    int64_t count[COUNT_COUNT];
    double prompt_tokens_per_s, output_tokens_per_s;
};

/* kv_blocks: what all replicas have, > 0; interval_ns: of the first rows, ≥ 1. False when memory
 * cannot be had; timeline_fini either way. */
bool timeline_init(struct timeline *timeline, double kv_blocks, int64_t interval_ns);
void timeline_fini(struct timeline *timeline);

/* As an observer's functions. */
void timeline_step(struct timeline *timeline, const struct step_report *report);
void timeline_outcome(struct timeline *timeline, const struct request_outcome *outcome);

/* After the last of them: the rows in order, the first with *index 0 and all levels[] 0; false beyond
 * the last. */
bool timeline_next(const struct timeline *timeline, int *index, int64_t levels[LEVEL_COUNT],
                   struct timeline_row *row);

/* All rows, as CSV. */
void timeline_write(const struct timeline *timeline, FILE *stream);

#endif
