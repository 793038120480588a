/* The simulation: requests from a source, through one replica of a serving engine, to an observer.
 */
#ifndef LLMSIM_ENGINE_SIMULATION_H
#define LLMSIM_ENGINE_SIMULATION_H

#include <llmsim/cost.h>
#include <llmsim/error.h>
#include <llmsim/observer.h>
#include <llmsim/policy.h>
#include <llmsim/request.h>

/* Everything the engine needs to know, resolved: no "auto" is left. */
struct simulation_setup {
    const struct policy *policy;
    struct cost_model *cost_model;
    struct request_source *source;
    const struct observer *observer;
    int64_t num_gpu_blocks; /* KV blocks, the null block included; ≥ 2 */
    int32_t block_size;     /* tokens, ≥ 1 */
    int32_t max_num_seqs;   /* 1 … max_num_batched_tokens */
    int32_t max_num_batched_tokens;
    int32_t max_model_len;                /* longer requests are rejected */
    int32_t long_prefill_token_threshold; /* 0: none */
    bool async_scheduling;                /* two steps in flight */
};

struct simulation_result {
    int64_t end_ns; /* the last completion (0 when nothing completed) */
    int64_t requests;
    int64_t steps;
    int64_t busy_ns;
    int64_t preemptions;
    int64_t rejected_too_long;  /* longer than max_model_len */
    int64_t rejected_no_memory; /* would not fit an empty KV cache */
};

/* Run to the end of the source. Reads the source, tells the observer, touches nothing else; the
 * same setup and source give the same calls in the same order. */
bool simulation_run(const struct simulation_setup *setup, struct simulation_result *result,
                    struct error *error);

#endif
