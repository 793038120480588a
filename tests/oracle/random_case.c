#include "random_case.h"

#include <llmsim/sim_time.h>
#include <string.h>

static int32_t draw_between(gsl_rng *rng, int32_t minimum, int32_t maximum)
{
    return minimum + (int32_t)gsl_rng_uniform_int(rng, (unsigned long)(maximum - minimum) + 1);
}

static bool draw_chance(gsl_rng *rng, double probability)
{
    return gsl_rng_uniform(rng) < probability;
}

/* Mostly short, now and then as long as it may be. */
static int32_t draw_length(gsl_rng *rng, int32_t maximum)
{
    int32_t bound = draw_chance(rng, 0.3) ? maximum : 1 + maximum / 4;
    return draw_between(rng, 1, bound);
}

static void draw_cost(gsl_rng *rng, struct linear_cost *cost)
{
    *cost = (struct linear_cost){0};
    switch (draw_between(rng, 0, 3)) {
    case 0: /* every step at the same instant */
        break;
    case 1: /* steps that end where requests arrive */
        cost->base_s = 1.0;
        break;
    case 2: /* some steps that cost nothing */
        cost->per_prefill_token_s = 0.125;
        break;
    default: /* no two sums alike */
        cost->base_s = 0.01 + gsl_rng_uniform(rng);
        cost->per_prefill_token_s = 0.01 * gsl_rng_uniform(rng);
        cost->per_decode_sequence_s = 0.01 * gsl_rng_uniform(rng);
        cost->per_context_token_s = 0.001 * gsl_rng_uniform(rng);
    }
}

static void draw_requests(gsl_rng *rng, struct random_case *random_case, int32_t max_prompt_tokens,
                          int32_t max_output_tokens)
{
    random_case->request_count = (size_t)draw_between(
        rng, 1, draw_chance(rng, 0.2) ? RANDOM_CASE_MAX_REQUESTS : RANDOM_CASE_MAX_REQUESTS / 5);
    double tie = gsl_rng_uniform(rng);
    bool whole_seconds = draw_chance(rng, 0.5);
    double mean_gap_s = draw_chance(rng, 0.5) ? 0.5 : 4.0 * gsl_rng_uniform(rng);
    int64_t arrival_ns = 0;
    for (size_t i = 0; i < random_case->request_count; i++) {
        if (i > 0 && !draw_chance(rng, tie)) {
            double gap_s = 2.0 * mean_gap_s * gsl_rng_uniform(rng);
            arrival_ns +=
                whole_seconds ? SIM_NS_PER_S * (int64_t)(gap_s + 0.5) : sim_ns_from_s(gap_s);
        }
        random_case->requests[i] =
            (struct request){.arrival_ns = arrival_ns,
                             .prompt_tokens = draw_length(rng, max_prompt_tokens),
                             .output_tokens = draw_length(rng, max_output_tokens)};
    }
}

void random_case_draw(gsl_rng *rng, struct random_case *random_case)
{
    static const int32_t block_sizes[] = {1, 7, 16};
    struct simulation_setup *setup = &random_case->setup;
    *setup = (struct simulation_setup){0};
    int32_t max_prompt_tokens = draw_between(rng, 1, draw_chance(rng, 0.5) ? 12 : 150);
    int32_t max_output_tokens = draw_between(rng, 1, draw_chance(rng, 0.5) ? 12 : 80);
    setup->block_size = block_sizes[draw_between(rng, 0, 2)];
    setup->max_num_seqs = draw_between(rng, 1, draw_chance(rng, 0.3) ? 3 : 64);
    setup->max_num_batched_tokens =
        draw_chance(rng, 0.2)
            ? 8192
            : setup->max_num_seqs + draw_between(rng, 0, draw_chance(rng, 0.5) ? 8 : 200);
    setup->long_prefill_token_threshold = draw_chance(rng, 0.5) ? 0 : draw_between(rng, 1, 24);
    setup->async_scheduling = draw_chance(rng, 0.5);
    /* Sometimes a little short of the longest request, so that some are rejected. */
    int32_t longest_tokens = max_prompt_tokens + max_output_tokens;
    setup->max_model_len = draw_chance(rng, 0.2) ? 1 + longest_tokens * 3 / 4 : longest_tokens;
    int32_t longest_blocks = (longest_tokens + setup->block_size - 1) / setup->block_size;
    int32_t spare_blocks = longest_blocks * draw_between(rng, 0, draw_chance(rng, 0.7) ? 3 : 40);
    setup->num_gpu_blocks = draw_chance(rng, 0.1)
                                ? 2 + longest_blocks / 2
                                : 1 + longest_blocks + spare_blocks + draw_between(rng, 0, 3);
    draw_cost(rng, &random_case->cost);
    draw_requests(rng, random_case, max_prompt_tokens, max_output_tokens);
}

void random_case_shrink(struct random_case *random_case,
                        bool (*fails)(const struct random_case *random_case))
{
    for (size_t width = random_case->request_count / 2 + 1; width > 0; width /= 2) {
        for (size_t i = 0; i + width <= random_case->request_count;) {
            struct random_case smaller = *random_case;
            smaller.request_count -= width;
            memmove(smaller.requests + i, random_case->requests + i + width,
                    (smaller.request_count - i) * sizeof smaller.requests[0]);
            if (smaller.request_count > 0 && fails(&smaller))
                *random_case = smaller;
            else
                i++;
        }
    }
}

void random_case_print(const struct random_case *random_case, FILE *stream)
{
    const struct simulation_setup *setup = &random_case->setup;
    const struct linear_cost *cost = &random_case->cost;
    fprintf(stream,
            "num_gpu_blocks %lld, block_size %d, max_num_seqs %d, max_num_batched_tokens %d, "
            "max_model_len %d, long_prefill_token_threshold %d, async_scheduling %d\n"
            "base %.17g s, a prefill token %.17g s, a decode %.17g s, a context token %.17g s\n",
            (long long)setup->num_gpu_blocks, setup->block_size, setup->max_num_seqs,
            setup->max_num_batched_tokens, setup->max_model_len,
            setup->long_prefill_token_threshold, setup->async_scheduling, cost->base_s,
            cost->per_prefill_token_s, cost->per_decode_sequence_s, cost->per_context_token_s);
    for (size_t i = 0; i < random_case->request_count; i++)
        fprintf(stream, "  %zu: arrives %lld ns, prompt %d, output %d\n", i,
                (long long)random_case->requests[i].arrival_ns,
                random_case->requests[i].prompt_tokens, random_case->requests[i].output_tokens);
}
