/* The operators of one prefill step and one decode step. */
#include "roofline_parts.h"

#include "accelerator_spec.h"
#include "layers.h"
#include "model_spec.h"
#include "roofline.h"

#include <assert.h>
#include <math.h>

/* All data-parallel ranks are taken to be as busy. */
static int32_t group_rows(const struct experiment_config *config, int64_t tokens)
{
    return (int32_t)(tokens * config->engine.data_parallel_size);
}

void roofline_load_prefill(struct roofline_load *load, const struct experiment_config *config,
                           int64_t prompt_tokens)
{
    load->chunk = (struct prefill_chunk){.tokens = (int32_t)prompt_tokens};
    load->load = (struct step_load){.tokens = (int32_t)prompt_tokens,
                                    .emitting_sequences = 1,
                                    .chunk_count = 1,
                                    .chunks = &load->chunk,
                                    .group_rows = group_rows(config, prompt_tokens)};
}

void roofline_load_decode(struct roofline_load *load, const struct experiment_config *config,
                          int64_t sequences, int64_t context_tokens)
{
    int64_t window = config->model.sliding_window;
    load->load = (struct step_load){
        .tokens = (int32_t)sequences,
        .decode_sequences = (int32_t)sequences,
        .decode_context_sum = sequences * context_tokens,
        .decode_context_max = (int32_t)context_tokens,
        .decode_window_sum =
            window > 0 ? sequences * (context_tokens < window ? context_tokens : window) : 0,
        .emitting_sequences = (int32_t)sequences,
        .group_rows = group_rows(config, sequences),
    };
}

bool roofline_cost_model(const struct experiment_config *config,
                         const struct accelerator *accelerator, int64_t max_num_batched_tokens,
                         int64_t max_num_seqs, struct cost_model *cost_model, struct error *error)
{
    struct cost_setup setup = {
        .config = &config->cost,
        .model = &config->model,
        .accelerator = accelerator,
        .deployment = engine_deployment(&config->engine),
        .max_num_batched_tokens = (int32_t)max_num_batched_tokens,
        .max_num_seqs = (int32_t)max_num_seqs,
    };
    return cost_model_create(&setup, cost_model, error);
}

/* The dtype whose peak this is: the model's, or that of its quantised products, before any other. */
static const char *dtype_of_peak(const struct experiment_config *config, double peak_flops_per_s)
{
    const int likely[] = {config->model.dtype, config->model.quantization.activations,
                          DTYPE_FP4,           DTYPE_FP8,
                          DTYPE_INT8,          DTYPE_BF16,
                          DTYPE_FP16,          DTYPE_FP32};
    for (size_t i = 0; i < sizeof likely / sizeof *likely; i++) {
        if (likely[i] >= 0 &&
            accelerator_flops_per_s(&config->accelerator, likely[i]) == peak_flops_per_s)
            return dtype_names[likely[i]];
    }
    return "other";
}

/* The peak is one of the device's roofs from now on. */
static void note_roof(struct roofline_device *device, const struct experiment_config *config,
                      double peak_flops_per_s)
{
    for (int i = 0; i < device->roof_count; i++) {
        if (device->roofs[i].peak_flops_per_s == peak_flops_per_s)
            return;
    }
    if (device->roof_count < ROOFLINE_MAX_ROOFS)
        device->roofs[device->roof_count++] =
            (struct roofline_roof){dtype_of_peak(config, peak_flops_per_s), peak_flops_per_s};
}

/* The step's operators and their sum. */
static void list_operators(const struct experiment_config *config,
                           const struct cost_model *cost_model, const struct step_load *load,
                           struct roofline_steps *steps, struct roofline_step *step)
{
    struct operator_list list;
    double compute_s = 0.0;
    roofline_list(cost_model, load, &list);
    assert(list.count <= ROOFLINE_MAX_OPERATORS);
    step->total = (struct roofline_operator){.name = "total"};
    for (int i = 0; i < list.count; i++) {
        const struct step_operator *item = &list.items[i];
        if (item->cost.time_s == 0.0)
            continue;
        step->operators[step->count++] =
            (struct roofline_operator){.name = item->name,
                                       .calls = item->calls,
                                       .cost = item->cost,
                                       .moved_bytes = item->moved_bytes,
                                       .peak_flops_per_s = item->peak_flops_per_s};
        step->total.calls += item->calls;
        cost_add(&step->total.cost, &item->cost);
        step->total.moved_bytes += item->moved_bytes;
        if (item->peak_flops_per_s > 0.0) {
            compute_s += item->cost.flops / item->peak_flops_per_s;
            note_roof(&steps->device, config, item->peak_flops_per_s);
        }
    }
    step->total.peak_flops_per_s = step->total.cost.flops / compute_s;
}

static bool study_step(const struct experiment_config *config, enum roofline_phase phase,
                       struct roofline_steps *steps, struct error *error)
{
    struct roofline_step *step = &steps->steps[phase];
    struct roofline_load load;
    struct cost_model cost_model;
    if (step->sequences == 0)
        return true;
    if (phase == ROOFLINE_PREFILL)
        roofline_load_prefill(&load, config, step->tokens);
    else
        roofline_load_decode(&load, config, step->sequences, step->tokens);
    const struct engine_config *engine = &config->engine;
    if (!roofline_cost_model(config, &config->accelerator, engine->max_num_batched_tokens,
                             engine->max_num_seqs, &cost_model, error))
        return false;
    list_operators(config, &cost_model, &load.load, steps, step);
    cost_model.destroy(cost_model.state);
    return roofline_find_crossings(config, step, phase, error);
}

static int64_t clamp(double tokens, int64_t limit)
{
    int64_t rounded = llround(tokens);
    return rounded < 1 ? 1 : rounded < limit ? rounded : limit;
}

/* Sequences of that context that the KV cache holds, at least one. */
static int64_t fitting_sequences(const struct experiment_config *config, int64_t context_tokens)
{
    const struct engine_config *engine = &config->engine;
    int64_t blocks = config->kv_memory.num_gpu_blocks - 1;
    int64_t tokens =
        engine->kv_allocation == ALLOCATION_CONTIGUOUS ? engine->max_model_len : context_tokens;
    int64_t fitting = blocks / ((tokens + engine->block_size - 1) / engine->block_size);
    return fitting < 1 ? 1 : fitting;
}

static void size_prefill(const struct experiment_config *config,
                         const struct roofline_request *request, struct roofline_steps *steps)
{
    struct roofline_step *step = &steps->steps[ROOFLINE_PREFILL];
    step->sequences = 1;
    step->steps_per_request = 1.0;
    step->tokens = request->prompt_tokens;
    if (step->tokens == 0)
        step->tokens =
            clamp(steps->workload.mean_prompt_tokens, config->engine.max_num_batched_tokens);
}

static void size_decode(const struct experiment_config *config,
                        const struct roofline_request *request, const struct warn_listener *warn,
                        struct roofline_steps *steps)
{
    const struct roofline_workload *workload = &steps->workload;
    struct roofline_step *step = &steps->steps[ROOFLINE_DECODE];
    step->steps_per_request = 1.0;
    step->tokens = request->context_tokens;
    if (step->tokens == 0)
        step->tokens = clamp(workload->mean_prompt_tokens + workload->mean_output_tokens / 2.0,
                             config->engine.max_model_len);
    int64_t fitting = fitting_sequences(config, step->tokens);
    step->sequences = request->sequences;
    if (step->sequences == 0)
        step->sequences =
            fitting < config->engine.max_num_seqs ? fitting : config->engine.max_num_seqs;
    if (step->sequences > fitting) {
        char text[128];
        snprintf(text, sizeof text,
                 "the KV cache holds %lld sequences of %lld tokens, fewer than %lld",
                 (long long)fitting, (long long)step->tokens, (long long)step->sequences);
        warn->hear(warn->context, text);
    }
}

/* A prompt goes through steps of the size studied, and a decode step is shared by its sequences. The
 * prompt's last step emits the first output token. */
static void share_steps(struct roofline_steps *steps)
{
    const struct roofline_workload *workload = &steps->workload;
    struct roofline_step *prefill = &steps->steps[ROOFLINE_PREFILL];
    struct roofline_step *decode = &steps->steps[ROOFLINE_DECODE];
    if (prefill->sequences == 0 || decode->sequences == 0)
        return;
    prefill->steps_per_request = workload->mean_prompt_tokens / (double)prefill->tokens;
    decode->steps_per_request = (workload->mean_output_tokens - 1.0) / (double)decode->sequences;
}

/* What the engine does not allow. */
static bool check_request(const struct experiment_config *config,
                          const struct roofline_request *request, struct error *error)
{
    const struct engine_config *engine = &config->engine;
    const struct {
        const char *option, *key;
        int64_t value, limit;
    } limits[] = {
        {"--prompt", "max_num_batched_tokens", request->prompt_tokens,
         engine->max_num_batched_tokens},
        {"--prompt", "max_model_len", request->prompt_tokens, engine->max_model_len},
        {"--context", "max_model_len", request->context_tokens, engine->max_model_len},
        {"--batch", "max_num_seqs", request->sequences, engine->max_num_seqs},
    };
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        if (limits[i].value > limits[i].limit)
            return error_input(error, NULL, "%s %lld is more than %s (%lld)", limits[i].option,
                               (long long)limits[i].value, limits[i].key,
                               (long long)limits[i].limit);
    }
    return true;
}

bool roofline_study_steps(const struct experiment_config *config,
                          const struct roofline_request *request, const struct warn_listener *warn,
                          struct roofline_steps *steps, struct error *error)
{
    assert(request->prefill || request->decode);
    *steps = (struct roofline_steps){
        .device = roofline_device_of(&config->accelerator),
        .model = config->model.name,
        .dtype = dtype_names[config->model.dtype],
        .ranks = config->engine.tensor_parallel_size * config->engine.pipeline_parallel_size *
                 config->engine.data_parallel_size,
        .search_limit_tokens = ROOFLINE_SEARCH_LIMIT,
    };
    if (config->cost.model != COST_ROOFLINE)
        return error_input(error, NULL, "cost.model %s has no operators: it must be roofline",
                           cost_model_types[config->cost.model]->name);
    if (!check_request(config, request, error))
        return false;
    bool sized = (!request->prefill || request->prompt_tokens > 0) &&
                 (!request->decode || request->context_tokens > 0) &&
                 !(request->prefill && request->decode);
    if (!sized && !roofline_read_workload(config, &steps->workload, error))
        return false;
    if (request->prefill)
        size_prefill(config, request, steps);
    if (request->decode)
        size_decode(config, request, warn, steps);
    share_steps(steps);
    return study_step(config, ROOFLINE_PREFILL, steps, error) &&
           study_step(config, ROOFLINE_DECODE, steps, error) &&
           roofline_find_balance(config, steps, error);
}
