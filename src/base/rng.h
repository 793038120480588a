/* Random streams: one a purpose, so that a consumer that draws one more number does not shift the
 * others. GSL's generators and distributions, seeded by a hash of the run's seed and the purpose.
 */
#ifndef LLMSIM_BASE_RNG_H
#define LLMSIM_BASE_RNG_H

#include <gsl/gsl_rng.h>
#include <stdint.h>

/* A generator for the purpose named ("arrivals", "prompt_tokens", …). The caller frees it with
 * gsl_rng_free; NULL when memory cannot be had. */
gsl_rng *rng_create(uint64_t seed, const char *purpose);

/* The same for the purpose named by the two together: "chat." and "arrivals", of a class of its own;
 * "" where there is only one. */
gsl_rng *rng_create_prefixed(uint64_t seed, const char *prefix, const char *purpose);

#endif
