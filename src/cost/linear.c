/* t = base + a·(prefill tokens) + b·(decoding sequences) + c·(context tokens)
 *
 * The form that servers are often fitted to (e.g. Sarathi-Serve, OSDI 2024, and Vidur, MLSys 2024,
 * discuss where it bends). It knows no FLOPs, no bytes and no bounds: all of its time is filed
 * under overhead. Padding counts as tokens and sequences do, but has no context. Pipeline stages take
 * equal shares, and transfers between them nothing. */
#include "linear.h"

#include <stdlib.h>

struct linear {
    struct cost_config config;
    int32_t stage_count;
};

static void linear_step(void *state, const struct step_load *load, struct cost *cost)
{
    const struct linear *linear = state;
    const struct cost_config *config = &linear->config;
    int32_t decode_sequences = load->decode_sequences + load->idle_sequences;
    int32_t prefill_tokens = step_load_rows(load) - decode_sequences;
    int64_t context_tokens = load->decode_context_sum + load->tokens - load->decode_sequences;
    for (int32_t i = 0; i < load->chunk_count; i++)
        context_tokens += load->chunks[i].context_tokens;
    /* The order of the additions is part of the result: tests compare it to the nanosecond. */
    double time_s = config->base_s + config->per_prefill_token_s * (double)prefill_tokens +
                    config->per_decode_sequence_s * (double)decode_sequences +
                    config->per_context_token_s * (double)context_tokens;
    *cost = (struct cost){.time_s = time_s};
    cost->bound_s[BOUND_OVERHEAD] = time_s;
    if (load->chunk_count > 0) {
        const struct step_load decodes = step_load_decodes(load);
        struct cost alone = {0};
        if (decodes.tokens > 0)
            linear_step(state, &decodes, &alone);
        cost->prompts_s = time_s - alone.time_s;
    }
}

static void linear_stage_times(void *state, const struct step_load *load, const struct cost *cost,
                               double *stage_s, double *transfer_s)
{
    const struct linear *linear = state;
    (void)load; /* whatever it is, the stages share it */
    for (int32_t i = 0; i < linear->stage_count; i++)
        stage_s[i] = cost->time_s / (double)linear->stage_count;
    *transfer_s = 0.0;
}

bool linear_create(const struct cost_setup *setup, struct cost_model *cost_model,
                   struct error *error)
{
    struct linear *linear = malloc(sizeof *linear);
    if (linear == NULL)
        return error_run(error, "out of memory");
    int32_t stage_count = setup->deployment.pipeline_parallel_size;
    *linear = (struct linear){*setup->config, stage_count};
    *cost_model = (struct cost_model){
        .state = linear,
        .step = linear_step,
        .destroy = free,
        .stage_times = stage_count > 1 ? linear_stage_times : NULL,
        .stage_count = stage_count,
    };
    return true;
}
