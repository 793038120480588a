/* Generated traffic as a stream of requests. Arrivals, prompts and outputs draw from streams of
 * their own, so that another distribution of outputs leaves arrivals and prompts as they are. */
#include "arrivals.h"
#include "lengths.h"
#include "sources.h"

#include <llmsim/sim_time.h>
#include <stdlib.h>

struct generator {
    gsl_rng *arrivals_rng, *prompt_rng, *output_rng; /* owned */
    struct arrivals arrivals;
    struct length_sampler prompt_tokens, output_tokens;
    int64_t num_requests;
    bool too_late;
};

static enum request_source_result generator_next(void *state, struct request *request,
                                                 struct error *error)
{
    struct generator *generator = state;
    if (!generator->too_late && generator->arrivals.count >= generator->num_requests)
        return SOURCE_END;
    double arrival_s = arrivals_next_s(&generator->arrivals);
    generator->too_late |= arrival_s * (double)SIM_NS_PER_S >= (double)SIM_TIME_MAX_NS;
    if (generator->too_late) {
        error_input(error, NULL,
                    "the generated arrivals run past 146 years: raise their rate, or "
                    "lower num_requests");
        return SOURCE_ERROR;
    }
    *request = (struct request){.arrival_ns = sim_ns_from_s(arrival_s)};
    request->prompt_tokens = length_sampler_draw(&generator->prompt_tokens);
    request->output_tokens = length_sampler_draw(&generator->output_tokens);
    return SOURCE_REQUEST;
}

static double generator_progress(const void *state)
{
    const struct generator *generator = state;
    return (double)generator->arrivals.count / (double)generator->num_requests;
}

static struct source_left_out generator_left_out(const void *state)
{
    (void)state;
    return (struct source_left_out){0};
}

static void generator_destroy(void *state)
{
    struct generator *generator = state;
    if (generator == NULL)
        return;
    gsl_rng_free(generator->arrivals_rng);
    gsl_rng_free(generator->prompt_rng);
    gsl_rng_free(generator->output_rng);
    free(generator);
}

bool generator_open(const struct workload_config *config, uint64_t seed,
                    struct request_source *source, struct error *error)
{
    struct generator *generator = calloc(1, sizeof *generator);
    if (generator == NULL)
        return error_run(error, "out of memory");
    generator->arrivals_rng = rng_create(seed, "arrivals");
    generator->prompt_rng = rng_create(seed, "prompt_tokens");
    generator->output_rng = rng_create(seed, "output_tokens");
    if (generator->arrivals_rng == NULL || generator->prompt_rng == NULL ||
        generator->output_rng == NULL) {
        generator_destroy(generator);
        return error_run(error, "out of memory");
    }
    arrivals_init(&generator->arrivals, &config->arrivals, generator->arrivals_rng);
    length_sampler_init(&generator->prompt_tokens, &config->prompt_tokens, generator->prompt_rng);
    length_sampler_init(&generator->output_tokens, &config->output_tokens, generator->output_rng);
    generator->num_requests = config->num_requests;
    *source = (struct request_source){.state = generator,
                                      .next = generator_next,
                                      .progress = generator_progress,
                                      .left_out = generator_left_out,
                                      .destroy = generator_destroy};
    return true;
}
