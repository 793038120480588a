/* Length distributions: how many tokens a generated prompt or output has.
 *
 * A draw is rounded to whole tokens, at least 1. One outside min … max is drawn again, so that the
 * distribution is truncated rather than heaped up at its ends; its mean and median are then those
 * of the distribution before truncation. After LENGTH_MAX_DRAWS draws, all outside, the last is
 * taken to the nearer end: an interval that the distribution hardly ever meets costs time, not an
 * endless loop.
 *
 * The same truncated distribution is drawn from a single uniform number by its quantile function:
 * always where it has no draws of its own, and wherever lengths depend on one another
 * (length_pair.h). */
#ifndef LLMSIM_WORKLOAD_LENGTHS_H
#define LLMSIM_WORKLOAD_LENGTHS_H

#include "choice.h"
#include "length_table.h"
#include "rng.h"
#include "settings.h"
#include <llmsim/request.h>

#define LENGTH_MAX_DRAWS 1000

struct length_sampler;

/* `prompt_tokens`, `output_tokens`; what the distribution has no use for is unset */
struct length_config {
    int distribution;
    double mean_tokens;
    double median_tokens;          /* lognormal */
    double std_tokens;             /* normal: standard deviation */
    double cv;                     /* gamma; lognormal, instead of the median */
    double value_tokens;           /* constant */
    double exponent;               /* zipf */
    double min_tokens, max_tokens; /* truncation: drawn again until within */
    const char *file;              /* empirical: a histogram, or a trace; or else: */
    struct real_list
        quantiles_tokens; /* at equally spaced probabilities, the first 0, the last 1 */
};

extern const struct settings_table length_settings;

/* The section `name` of `node`: a distribution is chosen, with every key that it needs, and none that
 * it ignores. */
bool length_check(const struct length_config *config, const char *name, const struct node *node,
                  struct error *error);

/* Whether every length is the same. */
bool length_is_constant(const struct length_config *config);

struct length_distribution {
    /* Required. From the keys to what the functions below take; may read a file. */
    bool (*prepare)(struct length_sampler *sampler, const struct length_config *config,
                    enum length_side side, struct error *error);
    /* Optional: a draw, before rounding and truncation; else the quantile of a uniform one. */
    double (*draw)(const struct length_sampler *sampler);
    /* Required. The share of lengths that are at most so many tokens, and the other way round; none
     * of them is rounded or truncated. */
    double (*share)(const struct length_sampler *sampler, double tokens);
    double (*quantile)(const struct length_sampler *sampler, double p);
    bool negative; /* may be: below half a token it is drawn again; others are rounded up to one */
};

struct length_sampler {
    const struct length_distribution *distribution;
    gsl_rng *rng; /* not owned */
    double minimum_tokens, maximum_tokens;
    double share_low, share_high; /* of the distribution before truncation: what lies between */
    double location, scale;       /* as the distribution takes them */
    struct real_list quantiles;   /* not owned */
    struct length_table table;
};

/* The names of the distributions, NULL-terminated, which keys each needs, and what stands behind
 * it (length_distributions.c). */
extern const char *const length_distribution_names[];
extern const struct choice length_distribution_choices[];
extern const struct length_distribution length_distributions[];

/* Of a config that length_check has passed; `side`: what an empirical one takes from a trace. False
 * with *error filled when a file cannot be read, or memory had. */
bool length_sampler_init(struct length_sampler *sampler, const struct length_config *config,
                         enum length_side side, gsl_rng *rng, struct error *error);
void length_sampler_fini(struct length_sampler *sampler);

int32_t length_sampler_draw(const struct length_sampler *sampler);

/* The length of which the share p, 0 … 1, of the truncated distribution is no longer. */
int32_t length_sampler_quantile(const struct length_sampler *sampler, double p);

#endif
