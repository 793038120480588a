#include "rng.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

gsl_rng *rng_create(uint64_t seed, const char *purpose)
{
    gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
    if (rng == NULL)
        return NULL;
    /* mt19937 keeps 32 bits of its seed and takes 0 for its default: fold all 64 bits of a hash
     * into those, so that neighbouring seeds and purposes are unrelated. */
    uint64_t hash = XXH64(purpose, strlen(purpose), seed);
    uint32_t folded = (uint32_t)(hash ^ (hash >> 32));
    gsl_rng_set(rng, folded != 0 ? folded : 1);
    return rng;
}

gsl_rng *rng_create_prefixed(uint64_t seed, const char *prefix, const char *purpose)
{
    char *name = NULL;
    if (asprintf(&name, "%s%s", prefix, purpose) < 0)
        return NULL;
    gsl_rng *rng = rng_create(seed, name);
    free(name);
    return rng;
}
