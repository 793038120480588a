/* How the benchmark behind measured expert kernels gives tokens to experts. Only comparisons with
 * such measurements need it: a simulation draws by probability (src/cost/moe.c). */
#ifndef LLMSIM_STUDY_BENCHMARK_ROUTING_H
#define LLMSIM_STUDY_BENCHMARK_ROUTING_H

#include <stdbool.h>

struct benchmark_load {
    double active_experts, pairs; /* of the busiest rank: the one that is timed */
};

/* `distribution` is "balanced", or "power_law_A" with an exponent A: T tokens to k of E experts each,
 * spread over so many ranks. False where it is neither. */
bool benchmark_route(const char *distribution, double tokens, double experts_per_token,
                     double experts, double ranks, struct benchmark_load *load);

#endif
