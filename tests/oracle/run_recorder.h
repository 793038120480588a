/* Runs the engine over an array of requests with the linear cost, and keeps all it tells. */
#ifndef LLMSIM_TESTS_RUN_RECORDER_H
#define LLMSIM_TESTS_RUN_RECORDER_H

#include "linear_cost.h"
#include "simulation.h"

struct recorded_run {
    struct simulation_result result;
    struct request_outcome *outcomes; /* by request_id; owned */
    int32_t *outcome_counts;          /* how often the engine reported each; owned */
    int64_t unknown_outcomes;         /* with a request_id outside the trace */
    size_t request_count;
    struct step_report *steps; /* in the order reported, their cost NULL; owned */
    struct cost *costs;        /* of the same steps; owned */
    struct step_load
        *loads; /* as costed, their chunks NULL: one replica, of the same steps; owned */
    size_t step_count, load_count;
    int64_t gap_count, gap_sum_ns; /* of token_gaps */
    uint64_t gap_square_sum;       /* ns², modulo 2^64 */
    int64_t void_gaps;             /* calls of it for nobody, or back in time */
    uint64_t digest;               /* of all calls, in order */
    int64_t later_chunks;          /* of sequences that have computed or found some tokens before */
    double transfer_s;             /* in the steps' costs, beside what was computed */
    int64_t mistimed_steps;        /* that do not last what they compute and copy */
    int64_t misreported_step_loads; /* a load whose sums disagree with its chunks */
    int64_t unstored_contexts;      /* steps that read more tokens than are stored: shared ones */
};

/* The cost of a step on one of so many pipeline stages, and of the transfer to the next: a quarter of
 * an equal share is the transfer, the rest the stage; the last one, which sends nothing, has it all. */
static inline double recorder_stage_s(const struct cost *cost, int32_t stage, int32_t stages)
{
    return cost->time_s * (stage == stages - 1 ? 4.0 : 3.0) / (4.0 * stages);
}
static inline double recorder_transfer_s(const struct cost *cost, int32_t stages)
{
    return cost->time_s / (4.0 * stages);
}

/* The host's part of every step. */
static inline double recorder_host_s(const struct linear_cost *cost)
{
    return cost->base_s / 4.0;
}

/* Fills in the setup's cost model, source and observer, and runs it. What a request points to is
 * gone when the next one is read, as the contract allows. A setup that
 * says nothing of parallel sizes has one replica. False when the engine
 * refuses, with *error filled. Aborts when memory cannot be had. The run is finished by
 * recorded_run_fini either way. */
bool run_recorder_run(const struct simulation_setup *setup, const struct linear_cost *cost,
                      const struct request *requests, size_t count, struct recorded_run *run,
                      struct error *error);

void recorded_run_fini(struct recorded_run *run);

#endif
