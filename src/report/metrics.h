/* What is measured of a run, by the definitions of vLLM's benchmark. */
#ifndef LLMSIM_REPORT_METRICS_H
#define LLMSIM_REPORT_METRICS_H

#include "histogram.h"
#include "settings.h"
#include <llmsim/observer.h>

/* The `slo` section: unset (NaN) where there is none. */
struct slo {
    double ttft_s, tpot_s, e2el_s;
};

extern const struct settings_table slo_settings;

enum latency { LATENCY_TTFT, LATENCY_TPOT, LATENCY_ITL, LATENCY_E2EL, LATENCY_COUNT };

struct metrics {
    struct slo slo;
    struct histogram latency[LATENCY_COUNT];
    int64_t completed, failed, good;
    int64_t input_tokens, output_tokens;      /* of completed requests */
    histogram_wide parts_ns[TIME_PART_COUNT]; /* likewise: where their time went */
    uint64_t digest;                          /* of every outcome, whatever their order */
    /* Over steps. */
    int64_t steps;
    int64_t sequence_sum, token_sum;
    int32_t running_max;
    int64_t kv_blocks_peak;
    int64_t kv_empty_peak;    /* blocks reserved and unused */
    int64_t kv_unfilled_peak; /* tokens that would have fitted into the other blocks in use */
    double kv_block_ns, kv_empty_ns, kv_unfilled_ns; /* blocks used, and those two × time */
    struct cost cost;
};

/* False when memory cannot be had. */
bool metrics_init(struct metrics *metrics, const struct slo *slo);
void metrics_fini(struct metrics *metrics);

/* As an observer's functions. */
void metrics_step(struct metrics *metrics, const struct step_report *report);
void metrics_token_gaps(struct metrics *metrics, int64_t gap_ns, int32_t count);
void metrics_outcome(struct metrics *metrics, const struct request_outcome *outcome);

/* (finish − first token) / (output tokens − 1) in whole nanoseconds, rounded; −1 for a request of
 * one token, and a rejected one. */
int64_t metrics_tpot_ns(const struct request_outcome *outcome);

#endif
