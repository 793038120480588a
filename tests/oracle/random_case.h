/* Random setups and traces: small, and hostile to schedulers. */
#ifndef LLMSIM_TESTS_RANDOM_CASE_H
#define LLMSIM_TESTS_RANDOM_CASE_H

#include "linear_cost.h"
#include "simulation.h"
#include <gsl/gsl_rng.h>
#include <stdio.h>

#define RANDOM_CASE_MAX_REQUESTS 120
#define RANDOM_CASE_MAX_PROMPT   150
#define RANDOM_CASE_PREFIXES     8

struct random_case {
    struct simulation_setup setup; /* without cost model, source and observer */
    struct linear_cost cost;
    struct request requests[RANDOM_CASE_MAX_REQUESTS];
    size_t request_count;
    /* What prompts may begin with. A copy's requests point into the case that was drawn. */
    uint64_t prefix_ids[RANDOM_CASE_PREFIXES][RANDOM_CASE_MAX_PROMPT];
};

/* What a case is about; the rest of it is drawn. */
struct random_case_features {
    const struct policy *policy;
    const struct queue_order *queue_order;
    enum kv_reservation reservation;
    bool swaps;  /* what is preempted goes to host memory, as far as that goes */
    bool caches; /* prefixes; not with swaps, KV_MAXIMUM or a policy that keeps blocks */
    bool async;
};

/* Ties in the arrivals, steps that cost nothing, block sizes 1, 7 and 16, caches from barely enough
 * for one request to ample, one sequence to 64, tight and ample budgets, both scheduling modes. */
void random_case_draw(gsl_rng *rng, struct random_case *random_case);

/* To be called after that, for what it leaves out: priorities, clients and
 * shared prefixes of requests, prompts that are not split, watermarks, batches that are waited for,
 * and host memory from none to ample, whose transfers take time or none. */
void random_case_draw_features(gsl_rng *rng, const struct random_case_features *features,
                               struct random_case *random_case);

/* To be called after that: one to four ranks, in lockstep or not, or one to three pipelines of two to
 * four stages, whose steps take time; a window or none. */
void random_case_draw_parallel(gsl_rng *rng, struct random_case *random_case);

/* Leave out requests as long as the case still fails: what is left is what to look at. */
void random_case_shrink(struct random_case *random_case,
                        bool (*fails)(const struct random_case *random_case));

void random_case_print(const struct random_case *random_case, FILE *stream);

#endif
