/* The serving engine as vLLM v1 writes it down: lists of sequences, walked on every step. Slow,
 * obvious, and without a line of the engine it checks. */
#ifndef LLMSIM_TESTS_NAIVE_SIMULATOR_H
#define LLMSIM_TESTS_NAIVE_SIMULATOR_H

#include "linear_cost.h"
#include "simulation.h"

struct naive_step {
    int64_t start_ns, end_ns;
    int32_t tokens;
    int32_t sequences;                                                /* in the batch */
    int32_t decode_sequences, decode_context_max, emitting_sequences; /* as in struct step_load */
    int32_t running;        /* in the running list when the step had been planned */
    int64_t kv_blocks_used; /* held then, what the plan took included */
    int64_t kv_tokens;      /* in those, once the step has run */
};

struct naive_result {
    struct request_outcome *outcomes; /* one a request, in the trace's order; owned */
    struct naive_step *steps;         /* owned */
    size_t step_count;
    int64_t preemptions;
    /* Between the tokens of each request, all requests together. */
    int64_t interval_count, interval_sum_ns;
    uint64_t interval_square_sum; /* ns², modulo 2^64 */
    int64_t rejected_too_long, rejected_no_memory;
    int64_t end_ns; /* the last completion */
};

/* Serve `count` requests, in order of arrival. Of the setup only the numbers are used. Aborts when
 * memory cannot be had. */
void naive_simulator_run(const struct simulation_setup *setup, const struct linear_cost *cost,
                         const struct request *requests, size_t count, struct naive_result *result);

void naive_result_fini(struct naive_result *result);

#endif
