#include "length_pair.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

bool length_pair_init(struct length_pair *pair, const struct length_config *prompt,
                      const struct length_config *output, double rank_correlation, uint64_t seed,
                      const char *prefix, struct error *error)
{
    *pair = (struct length_pair){
        .prompt_rng = rng_create_prefixed(seed, prefix, "prompt_tokens"),
        .output_rng = rng_create_prefixed(seed, prefix, "output_tokens"),
        .correlated = setting_is_set(rank_correlation),
        .normal_correlation = 2.0 * sin(M_PI / 6.0 * rank_correlation),
    };
    if (pair->prompt_rng == NULL || pair->output_rng == NULL)
        error_run(error, "out of memory");
    else if (length_sampler_init(&pair->prompt, prompt, LENGTH_PROMPT, pair->prompt_rng, error) &&
             length_sampler_init(&pair->output, output, LENGTH_OUTPUT, pair->output_rng, error))
        return true;
    length_pair_fini(pair);
    return false;
}

void length_pair_fini(struct length_pair *pair)
{
    length_sampler_fini(&pair->prompt);
    length_sampler_fini(&pair->output);
    if (pair->prompt_rng != NULL)
        gsl_rng_free(pair->prompt_rng);
    if (pair->output_rng != NULL)
        gsl_rng_free(pair->output_rng);
    *pair = (struct length_pair){0};
}

void length_pair_draw(const struct length_pair *pair, int32_t *prompt_tokens,
                      int32_t *output_tokens)
{
    if (!pair->correlated) {
        *prompt_tokens = length_sampler_draw(&pair->prompt);
        *output_tokens = length_sampler_draw(&pair->output);
        return;
    }
    const double p = gsl_rng_uniform_pos(pair->prompt_rng);
    const double own = gsl_cdf_ugaussian_Pinv(gsl_rng_uniform_pos(pair->output_rng));
    const double r = pair->normal_correlation;
    const double tied = r * gsl_cdf_ugaussian_Pinv(p) + sqrt(fmax(1.0 - r * r, 0.0)) * own;
    *prompt_tokens = length_sampler_quantile(&pair->prompt, p);
    *output_tokens = length_sampler_quantile(&pair->output, gsl_cdf_ugaussian_P(tied));
}
