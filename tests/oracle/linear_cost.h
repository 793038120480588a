/* The linear cost of a step, for tests: the naive simulator and the cost model given to the engine
 * must round the same double, so the order of the additions is written down once. */
#ifndef LLMSIM_TESTS_LINEAR_COST_H
#define LLMSIM_TESTS_LINEAR_COST_H

#include <stdint.h>

struct linear_cost {
    double base_s;
    double per_prefill_token_s;
    double per_decode_sequence_s;
    double per_context_token_s;
};

static inline double linear_cost_s(const struct linear_cost *cost, int64_t prefill_tokens,
                                   int64_t decode_sequences, int64_t context_tokens)
{
    return cost->base_s + cost->per_prefill_token_s * (double)prefill_tokens +
           cost->per_decode_sequence_s * (double)decode_sequences +
           cost->per_context_token_s * (double)context_tokens;
}

#endif
