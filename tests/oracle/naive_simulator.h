/* The serving engine as its sources write it down: lists of sequences, walked on every step, and
 * every KV block one by one. Slow, obvious, and without a line of the engine it checks. */
#ifndef LLMSIM_TESTS_NAIVE_SIMULATOR_H
#define LLMSIM_TESTS_NAIVE_SIMULATOR_H

#include "linear_cost.h"
#include "simulation.h"

struct naive_step {
    int64_t start_ns, end_ns;
    int32_t tokens;
    int32_t sequences;                                                /* in the batch */
    int32_t decode_sequences, decode_context_max, emitting_sequences; /* as in struct step_load */
    int32_t running; /* in the running list when the step had been planned */
    /* As in struct step_report: what is held then, and what is in it once the step has run. */
    int64_t kv_blocks_used, kv_blocks_empty, kv_tokens, kv_slots_unfilled;
};

/* How often a run has come by what is worth testing. */
struct naive_events {
    int64_t self_victims;  /* preempted when it was their own turn, though others ran behind them */
    int64_t early_victims; /* not the sequence admitted last */
    int64_t refunds;       /* preempted when they had been given tokens in the same plan */
    int64_t finishing;     /* preempted with their last token under way */
    int64_t void_plans;    /* that preempted everybody */
    int64_t swapped_in;
    int64_t swap_refusals;      /* host memory had no room for a preempted sequence */
    int64_t same_plan_hits;     /* blocks found that the same plan computes */
    int64_t own_hits;           /* found, and nobody else could */
    int64_t offload_hits;       /* sequences that got something from host memory */
    int64_t evictions;          /* blocks with an identity taken for something else */
    int64_t duplicates;         /* blocks computed while an equal one was cached */
    int64_t wakes;              /* plans made for no other reason than the time */
    int64_t watermark_refusals; /* admissions that would have fitted but for it */
    int64_t chunk_refusals;     /* prompts that the budget would have held a part of */
    int64_t idle_rows;          /* of ended requests, computed for nothing */
    int64_t padded_chunks;      /* computed as longer than they are */
    int64_t shared_blocks;      /* of all steps: held by several */
    int64_t lifts;              /* of clients' counters */
};

struct naive_result {
    struct request_outcome *outcomes; /* one a request, in the trace's order; owned */
    struct naive_step *steps;         /* owned */
    size_t step_count, step_capacity;
    /* As in struct simulation_result, its steps the count above. */
    struct simulation_result totals;
    /* Between the tokens of each request, all requests together. */
    int64_t interval_count, interval_sum_ns;
    uint64_t interval_square_sum; /* ns², modulo 2^64 */
    struct naive_events events;
};

/* Serve `count` requests, in order of arrival. Of the setup only the numbers are used, and which
 * policy and queue order it names. Aborts when memory cannot be had. */
void naive_simulator_run(const struct simulation_setup *setup, const struct linear_cost *cost,
                         const struct request *requests, size_t count, struct naive_result *result);

void naive_result_fini(struct naive_result *result);

#endif
