/* What is measured of a run, by the definitions of vLLM's benchmark. */
#ifndef LLMSIM_REPORT_METRICS_H
#define LLMSIM_REPORT_METRICS_H

#include "batch_means.h"
#include "saturation.h"
#include "slo.h"

/* The `metrics` section. */
struct metrics_config {
    double warmup_s;      /* requests that arrive before are not measured; METRICS_WARMUP_AUTO */
    int64_t replications; /* runs with seeds that follow each other, ≥ 1 */
};
#define METRICS_WARMUP_AUTO (-1.0)

extern const struct settings_table metrics_settings;

struct metrics {
    double good_limit_s[LATENCY_COUNT]; /* of a good request; NaN: none */
    bool has_slo;
    int64_t
        warmup_ns; /* what is measured: requests that arrive then or later, and steps that start */
    int64_t warmup_requests; /* that arrived before */
    struct histogram latency[LATENCY_COUNT];
    struct batch_means batches[LATENCY_COUNT]; /* by request, ITL by gap */
    struct saturation saturation;              /* of the whole run, as the digest */
    int64_t completed, failed, good;
    int64_t input_tokens, output_tokens;      /* of completed requests */
    histogram_wide parts_ns[TIME_PART_COUNT]; /* likewise: where their time went */
    uint64_t digest;                          /* of every outcome, whatever their order */
    /* Over steps. */
    bool measures; /* the one that was told last is one of them */
    int64_t steps, busy_ns;
    int64_t sequence_sum, token_sum;
    int32_t running_max;
    int64_t kv_blocks_peak;
    int64_t kv_empty_peak;    /* blocks reserved and unused */
    int64_t kv_unfilled_peak; /* tokens that would have fitted into the other blocks in use */
    double kv_block_ns, kv_empty_ns, kv_unfilled_ns; /* blocks used, and those two × time */
    struct cost cost;
};

/* False when memory cannot be had; metrics_fini either way. */
bool metrics_init(struct metrics *metrics, const struct slo *slo, int64_t warmup_ns,
                  int64_t replicas);
void metrics_fini(struct metrics *metrics);

/* As an observer's functions. */
void metrics_step(struct metrics *metrics, const struct step_report *report);
void metrics_token_gaps(struct metrics *metrics, int64_t gap_ns, int32_t count);
void metrics_outcome(struct metrics *metrics, const struct request_outcome *outcome);

/* (finish − first token) / (output tokens − 1) in whole nanoseconds, rounded; −1 for a request of
 * one token, and a rejected one. */
int64_t metrics_tpot_ns(const struct request_outcome *outcome);

#endif
