/* Random setups and traces: small, and hostile to schedulers. */
#ifndef LLMSIM_TESTS_RANDOM_CASE_H
#define LLMSIM_TESTS_RANDOM_CASE_H

#include "linear_cost.h"
#include "simulation.h"
#include <gsl/gsl_rng.h>
#include <stdio.h>

#define RANDOM_CASE_MAX_REQUESTS 120

struct random_case {
    struct simulation_setup setup; /* its numbers only */
    struct linear_cost cost;
    struct request requests[RANDOM_CASE_MAX_REQUESTS];
    size_t request_count;
};

/* Ties in the arrivals, steps that cost nothing, block sizes 1, 7 and 16, caches from barely enough
 * for one request to ample, one sequence to 64, tight and ample budgets, both scheduling modes. */
void random_case_draw(gsl_rng *rng, struct random_case *random_case);

/* Leave out requests as long as the case still fails: what is left is what to look at. */
void random_case_shrink(struct random_case *random_case,
                        bool (*fails)(const struct random_case *random_case));

void random_case_print(const struct random_case *random_case, FILE *stream);

#endif
