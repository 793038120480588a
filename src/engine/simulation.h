/* The simulation: requests from a source, through the replicas of a serving engine, to an observer.
 */
#ifndef LLMSIM_ENGINE_SIMULATION_H
#define LLMSIM_ENGINE_SIMULATION_H

#include <llmsim/cost.h>
#include <llmsim/error.h>
#include <llmsim/observer.h>
#include <llmsim/policy.h>
#include <llmsim/queue_order.h>
#include <llmsim/request.h>

/* The way to host memory and back. */
struct host_transfer {
    double latency_s; /* of a transfer: all copies of a step in one direction; of a prefix, each */
    double s_per_block;
};

/* Everything the engine needs to know, resolved: no "auto" is left. Sizes, limits and capacities are
 * those of one replica. */
struct simulation_setup {
    /* Each data-parallel rank is a replica, or under pipeline parallelism as many as it has stages
     * (pipeline.h): ≥ 1. */
    int32_t data_parallel_size, pipeline_parallel_size;
    bool lockstep; /* more than one rank, which step together (lockstep.h); no pipeline */
    const struct policy *policy;
    const struct queue_order *queue_order;
    struct cost_model *cost_model;
    struct request_source *source;
    const struct observer *observer;
    int64_t num_gpu_blocks; /* KV blocks, the null block included; ≥ 2 */
    int32_t block_size;     /* tokens, ≥ 1 */
    int32_t max_num_seqs;   /* 1 … max_num_batched_tokens */
    int32_t max_num_batched_tokens;
    int32_t max_model_len;                /* longer requests are rejected */
    int32_t long_prefill_token_threshold; /* 0: none */
    bool enable_chunked_prefill; /* else, what can outgrow a step before it is done is rejected */
    int64_t watermark_blocks;
    int32_t preferred_batch_size; /* 1 … max_num_seqs */
    int64_t max_queue_delay_ns;
    bool async_scheduling;  /* two steps in flight; only with pipeline_parallel_size 1 */
    int32_t sliding_window; /* tokens that some layers of the model see; 0: all see everything */
    enum kv_reservation reservation;
    bool enable_prefix_caching; /* not with swap_blocks, KV_MAXIMUM or a policy that keeps blocks */
    int64_t offload_blocks;     /* of a second tier of it in host memory; 0: none */
    struct host_transfer offload;
    int64_t swap_blocks; /* host memory for what is preempted; 0: it is computed again */
    struct host_transfer swap;
    double output_prediction_error; /* σ of the logarithm, for orders that predict */
    uint64_t seed;
};

static inline int32_t simulation_replica_count(const struct simulation_setup *setup)
{
    return setup->data_parallel_size * setup->pipeline_parallel_size;
}

struct simulation_result {
    int64_t end_ns; /* the last completion (0 when nothing completed) */
    int64_t requests;
    int64_t steps;   /* of each replica, added up, as all that follows */
    int64_t busy_ns; /* with a step in flight */
    /* In lockstep: steps of ranks that had nothing to compute; their share of the others' work. */
    int64_t idle_steps;
    double idle_flops, idle_bytes;
    int64_t preemptions;
    int64_t swapped_out; /* of those, the ones that were copied to host memory */
    double swap_s;       /* that steps were longer by, for copies out and in */
    double offload_s;    /* likewise, for prefixes from host memory */
    /* Prompt tokens at the first admission of each request. */
    int64_t prompt_tokens, cached_tokens, offloaded_tokens;
    /* Whether any request had these. */
    bool saw_priorities, saw_clients, saw_prefixes;
    int64_t rejected_too_long;  /* longer than max_model_len, or than a step can be */
    int64_t rejected_no_memory; /* would not fit an empty KV cache */
};

/* Run to the end of the source. Reads the source, tells the observer, touches nothing else; the
 * same setup and source give the same calls in the same order. */
bool simulation_run(const struct simulation_setup *setup, struct simulation_result *result,
                    struct error *error);

#endif
