/* The result of a run, ready to be written down. */
#ifndef LLMSIM_REPORT_SUMMARY_H
#define LLMSIM_REPORT_SUMMARY_H

#include "metrics.h"
#include <jansson.h>

/* Milliseconds, as in vLLM's benchmark. */
struct latency_summary {
    double mean_ms, median_ms, std_ms, p90_ms, p95_ms, p99_ms;
    int64_t count; /* values behind them */
    int batches;   /* that the intervals are from; 0: there are none, they are NaN */
    struct interval interval_ms[LATENCY_FIGURE_COUNT];
};

/* KV memory that holds nothing while it is taken, of one rank: the mean and the worst of the
 * replicas. */
struct kv_waste {
    double mean_bytes; /* over the duration */
    double peak_bytes;
};

struct summary {
    double duration_s;       /* from the first arrival to the last completion */
    double warmup_s;         /* before what is measured, and in no other figure but the digest, */
    int64_t warmup_requests; /* the saturation, and those of the KV cache that count events */
    int64_t completed, failed;
    int64_t total_input_tokens, total_output_tokens;
    double request_throughput_per_s;
    double request_goodput_per_s; /* NaN without an SLO */
    double output_throughput_per_s, total_token_throughput_per_s;
    struct latency_summary latency[LATENCY_COUNT];
    struct saturation_summary saturation;
    double part_mean_ms[TIME_PART_COUNT]; /* they sum to the mean end-to-end latency */

    int64_t replicas;                   /* data-parallel ranks × engines of a pipeline */
    int64_t num_gpu_blocks, block_size; /* of one replica */
    int64_t kv_blocks_peak;             /* in one replica */
    double kv_mean_use;                 /* share of all replicas' blocks, over the duration */
    double kv_waste_share;              /* of the slots in used blocks: those that hold no token */
    struct kv_waste internal_waste;     /* in blocks that are partly filled */
    struct kv_waste reservation_waste;  /* blocks reserved and not reached, or left by the ended */
    int64_t preemptions, swapped_out;
    double swap_s;

    bool prefix_caching;
    int64_t prefix_query_tokens; /* prompt tokens of admitted requests */
    int64_t prefix_hit_tokens;   /* of those, found cached */
    int64_t offload_hit_tokens;  /* of those, found in host memory */
    double offload_s;            /* for these, and for what preempted requests found there */

    int64_t steps;      /* each replica's are counted */
    int64_t idle_steps; /* beside those: in lockstep, of replicas that had nothing to compute */
    double mean_batch_sequences, mean_batch_tokens;
    int64_t max_running; /* in one replica */
    double busy_share;   /* of the duration, with a step in flight; mean over replicas */

    double mfu,
        mbu; /* of all accelerators and the duration; NaN where the cost model has no peaks */
    double bound_share[BOUND_COUNT]; /* of the busy time */

    uint64_t digest;
};

/* What the metrics do not know of the run. */
struct summary_context {
    int64_t end_ns, busy_ns; /* the last completion; busy: summed over the replicas */
    int64_t replicas;        /* ≥ 1 */
    int64_t idle_steps;
    double idle_flops, idle_bytes; /* that those steps add to the metrics' cost */
    int64_t num_gpu_blocks, block_size;
    double block_bytes;
    int64_t preemptions, swapped_out;
    double swap_s;
    bool prefix_caching;
    int64_t admitted_prompt_tokens, cached_tokens, offloaded_tokens;
    double offload_s;
    double peak_flops_per_s, peak_bytes_per_s; /* 0: none */
};

/* Share of a replica's blocks that were in use at the peak. */
static inline double summary_kv_peak_use(const struct summary *summary)
{
    return (double)summary->kv_blocks_peak / (double)(summary->num_gpu_blocks - 1);
}

/* Share of the prompt tokens that were not computed, but found. */
static inline double summary_prefix_hit_rate(const struct summary *summary)
{
    double queries = (double)summary->prefix_query_tokens;
    return queries > 0.0 ? (double)summary->prefix_hit_tokens / queries : 0.0;
}

/* A part's share of the time of all completed requests, from arrival to end. */
static inline double summary_part_share(const struct summary *summary, enum time_part part)
{
    double whole_ms = summary->latency[LATENCY_E2EL].mean_ms;
    return whole_ms > 0.0 ? summary->part_mean_ms[part] / whole_ms : 0.0;
}

/* Fewer than ten values lie beyond it: chance decides what it is. */
static inline bool latency_figure_is_thin(const struct latency_summary *latency,
                                          enum latency_figure figure)
{
    static const int beyond_pct[LATENCY_FIGURE_COUNT] = {[FIGURE_MEAN] = 100,
                                                         [FIGURE_MEDIAN] = 50,
                                                         [FIGURE_P90] = 10,
                                                         [FIGURE_P95] = 5,
                                                         [FIGURE_P99] = 1};
    const int64_t beyond = latency->count * beyond_pct[figure] / 100;
    return beyond < 10;
}

/* A figure of vLLM's benchmark: its key in `vllm bench serve --save-result`. */
struct summary_figure {
    char key[32];
    double value; /* NaN: there is none */
    bool whole;   /* a number of something */
};

enum { SUMMARY_FIGURE_COUNT = 9 + LATENCY_COUNT * 6 };

/* All of them, in the order of the summary. */
void summary_list_figures(const struct summary *summary,
                          struct summary_figure figures[SUMMARY_FIGURE_COUNT]);

void summary_fill(struct summary *summary, const struct metrics *metrics,
                  const struct summary_context *context);

extern const char *const summary_latency_names[LATENCY_COUNT];       /* "ttft", … */
extern const char *const summary_figure_names[LATENCY_FIGURE_COUNT]; /* "mean", … */
extern const char *const summary_bound_names[BOUND_COUNT];           /* "compute", … */
extern const char *const summary_part_names[TIME_PART_COUNT];        /* "queue", … */

/* A table for people. */
void summary_print_text(const struct summary *summary, FILE *stream);

/* The keys of `vllm bench serve --save-result`, and one object each for what a server cannot tell.
 * Takes over the references to `config` and `sensitivity` (NULL: none). False when memory cannot be
 * had; write errors show when the stream is closed. */
bool summary_print_json(const struct summary *summary, json_t *sensitivity, json_t *config,
                        FILE *stream);

#endif
