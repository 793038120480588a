#include "experiment.h"

#include "policies.h"
#include "request_log.h"
#include <string.h>

/* Everything that watches a run. */
struct watch {
    struct metrics metrics;
    struct request_log log;
    bool logs;
    void (*progress)(double fraction);
};

static void watch_step(void *context, const struct step_report *report)
{
    struct watch *watch = context;
    metrics_step(&watch->metrics, report);
}

static void watch_token_gap(void *context, int64_t gap_ns)
{
    struct watch *watch = context;
    metrics_token_gap(&watch->metrics, gap_ns);
}

static void watch_outcome(void *context, const struct request_outcome *outcome)
{
    struct watch *watch = context;
    metrics_outcome(&watch->metrics, outcome);
    if (watch->logs)
        request_log_add(&watch->log, outcome);
}

static void watch_progress(void *context, double fraction)
{
    const struct watch *watch = context;
    if (watch->progress != NULL)
        watch->progress(fraction);
}

static bool watch_init(struct watch *watch, const struct experiment_config *config,
                       const struct experiment_hooks *hooks)
{
    memset(watch, 0, sizeof *watch);
    watch->progress = hooks->progress;
    watch->logs = hooks->requests != NULL;
    return metrics_init(&watch->metrics, &config->slo) &&
           (!watch->logs || request_log_init(&watch->log, hooks->requests));
}

static void watch_fini(struct watch *watch)
{
    metrics_fini(&watch->metrics);
    request_log_fini(&watch->log);
}

static void fill_summary(const struct experiment_config *config,
                         const struct cost_model *cost_model, const struct watch *watch,
                         struct experiment_result *result)
{
    const struct simulation_result *simulation = &result->simulation;
    struct summary_context context = {
        .duration_ns = simulation->end_ns,
        .busy_ns = simulation->busy_ns,
        .num_gpu_blocks = config->kv_memory.num_gpu_blocks,
        .block_size = config->engine.block_size,
        .preemptions = simulation->preemptions,
        .peak_flops_per_s = cost_model->peak_flops_per_s,
        .peak_bytes_per_s = cost_model->peak_bytes_per_s,
    };
    summary_fill(&result->summary, &watch->metrics, &context);
}

static bool simulate(const struct experiment_config *config, struct cost_model *cost_model,
                     struct request_source *source, struct watch *watch,
                     struct experiment_result *result, struct error *error)
{
    const struct engine_config *engine = &config->engine;
    struct observer observer = {watch, watch_step, watch_token_gap, watch_outcome, watch_progress};
    struct simulation_setup setup = {
        .policy = policy_at((size_t)engine->scheduler),
        .cost_model = cost_model,
        .source = source,
        .observer = &observer,
        .num_gpu_blocks = config->kv_memory.num_gpu_blocks,
        .block_size = (int32_t)engine->block_size,
        .max_num_seqs = (int32_t)engine->max_num_seqs,
        .max_num_batched_tokens = (int32_t)engine->max_num_batched_tokens,
        .max_model_len = (int32_t)engine->max_model_len,
        .long_prefill_token_threshold = (int32_t)engine->long_prefill_token_threshold,
        .async_scheduling = engine->async_scheduling,
    };
    if (!simulation_run(&setup, &result->simulation, error))
        return false;
    if (watch->log.out_of_memory)
        return error_run(error, "out of memory for the request log");
    result->skipped_rows = source->skipped_rows(source->state);
    fill_summary(config, cost_model, watch, result);
    return true;
}

bool experiment_run(const struct experiment_config *config, const struct experiment_hooks *hooks,
                    struct experiment_result *result, struct error *error)
{
    struct request_source source = {0};
    struct cost_model cost_model = {0};
    struct watch watch;
    struct cost_setup cost_setup = {
        .config = &config->cost,
        .model = &config->model,
        .accelerator = &config->accelerator,
        .tensor_parallel_size = (int32_t)config->engine.tensor_parallel_size,
        .max_num_batched_tokens = (int32_t)config->engine.max_num_batched_tokens,
        .max_num_seqs = (int32_t)config->engine.max_num_seqs,
    };
    memset(result, 0, sizeof *result);
    if (!workload_open(&config->workload, (uint64_t)config->seed, &source, error))
        return false;
    bool done = false;
    if (!watch_init(&watch, config, hooks)) {
        error_run(error, "out of memory");
    } else if (cost_model_create(&cost_setup, &cost_model, error)) {
        done = simulate(config, &cost_model, &source, &watch, result, error);
        cost_model.destroy(cost_model.state);
    }
    watch_fini(&watch);
    source.destroy(source.state);
    return done;
}

json_t *experiment_config_json(const struct experiment_config *config)
{
    json_t *json = settings_to_json(&experiment_settings, config);
    /* Where a result is written is no part of it. */
    if (json != NULL)
        json_object_del(json, "output");
    return json;
}
