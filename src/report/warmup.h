/* Where a run's warm-up ends: MSER-5 (White, Cobb & Spratt, "A comparison of five steady-state
 * truncation heuristics for simulation", WSC 2000).
 *
 * Means of batches of five requests in order of arrival; what is cut is what makes the standard error
 * of the mean of the rest least. Of long runs batches of 10, 20, … requests, so that there are never
 * more than WARMUP_BATCHES. It is done for TTFT and for end-to-end latency; the later cut counts. */
#ifndef LLMSIM_REPORT_WARMUP_H
#define LLMSIM_REPORT_WARMUP_H

#include <llmsim/request.h>

enum { WARMUP_BATCHES = 4096 };

struct warmup_batch {
    int64_t count;
    double ttft_ns, e2el_ns; /* sums */
    int64_t arrival_ns;      /* the first of them */
};

struct warmup {
    int64_t batch_requests;
    int64_t used;
    struct warmup_batch *batches; /* owned */
};

/* False when memory cannot be had. */
bool warmup_init(struct warmup *warmup);
void warmup_fini(struct warmup *warmup);

/* As an observer's function. */
void warmup_outcome(struct warmup *warmup, const struct request_outcome *outcome);

/* When what is measured begins, 0 ≤ *end_ns. False: more than half would have to be cut, or there
 * are too few requests, so that nothing tells where it ends, or whether it does. */
bool warmup_end(const struct warmup *warmup, int64_t *end_ns);

#endif
