/* The lengths of a request: prompt and output, drawn on streams of their own, so that another
 * distribution of outputs leaves the prompts as they are.
 *
 * With a correlation they are tied by a Gaussian copula: two normal numbers of correlation
 * r = 2 sin(π ρ / 6) are mapped to uniform ones, and those by each distribution's quantile function.
 * Each length keeps its distribution, and their rank correlation (Spearman's) is ρ (Kruskal, Ordinal
 * Measures of Association, JASA 1958), but for ties among lengths of few tokens. */
#ifndef LLMSIM_WORKLOAD_LENGTH_PAIR_H
#define LLMSIM_WORKLOAD_LENGTH_PAIR_H

#include "lengths.h"

struct length_pair {
    gsl_rng *prompt_rng, *output_rng; /* owned */
    struct length_sampler prompt, output;
    bool correlated;
    double normal_correlation; /* of the normal numbers, −1 … 1 */
};

/* `rank_correlation`: −1 … 1; unset: they are independent. Draws from streams of the seed whose names
 * begin with `prefix` ("" or a class's: rng.h): "prompt_tokens", "output_tokens". False with *error
 * filled when a file cannot be read, or memory had. */
bool length_pair_init(struct length_pair *pair, const struct length_config *prompt,
                      const struct length_config *output, double rank_correlation, uint64_t seed,
                      const char *prefix, struct error *error);
void length_pair_fini(struct length_pair *pair);

/* The lengths of the next request. */
void length_pair_draw(const struct length_pair *pair, int32_t *prompt_tokens,
                      int32_t *output_tokens);

#endif
