/* Length distributions: how many tokens a generated prompt or output has.
 *
 * A draw is rounded to whole tokens, at least 1. One outside min … max is drawn again, so that the
 * distribution is truncated rather than heaped up at its ends; its mean and median are then those
 * of the distribution before truncation. After LENGTH_MAX_DRAWS draws, all outside, the last is
 * taken to the nearer end: an interval that the distribution hardly ever meets costs time, not an
 * endless loop. */
#ifndef LLMSIM_WORKLOAD_LENGTHS_H
#define LLMSIM_WORKLOAD_LENGTHS_H

#include "rng.h"
#include "settings.h"
#include <llmsim/request.h>

#define LENGTH_MAX_DRAWS 1000

struct length_sampler;

/* `prompt_tokens`, `output_tokens` */
struct length_config {
    int distribution;              /* constant, lognormal, exponential */
    double mean_tokens;            /* unset where the distribution has no use for it */
    double median_tokens;          /* lognormal */
    double value_tokens;           /* constant */
    double min_tokens, max_tokens; /* truncation: drawn again until within */
};

extern const struct settings_table length_settings;

/* The section `name` of `node`: a distribution is chosen, with every key that it needs, and none that
 * it ignores. */
bool length_check(const struct length_config *config, const char *name, const struct node *node,
                  struct error *error);

struct length_distribution {
    const char *const *keys;          /* of struct length_config that it needs, NULL-terminated */
    const char *const *optional_keys; /* that it can use as well */
    void (*prepare)(struct length_sampler *sampler, const struct length_config *config);
    double (*draw)(const struct length_sampler *sampler);
};

struct length_sampler {
    const struct length_distribution *distribution;
    gsl_rng *rng; /* not owned */
    double minimum_tokens, maximum_tokens;
    double location, scale; /* as the distribution takes them */
};

/* The names of the distributions, NULL-terminated, and what stands behind each. */
extern const char *const length_distribution_names[];
extern const struct length_distribution length_distributions[];

void length_sampler_init(struct length_sampler *sampler, const struct length_config *config,
                         gsl_rng *rng);

int32_t length_sampler_draw(const struct length_sampler *sampler);

#endif
