#include "experiment.h"

#include "orders.h"
#include "perfetto.h"
#include "policies.h"
#include "request_log.h"
#include "run_charts.h"
#include "text_chart.h"
#include "timeline.h"
#include "warmup.h"
#include <llmsim/sim_time.h>
#include <string.h>

/* Everything that watches a run. */
struct watch {
    struct metrics metrics;
    struct request_log log;
    struct timeline timeline;
    struct perfetto perfetto;
    bool logs;
    bool has_timeline;
    FILE *perfetto_stream; /* NULL: not wanted */
    const struct experiment_hooks *hooks;
};

static void watch_step(void *context, const struct step_report *report)
{
    struct watch *watch = context;
    metrics_step(&watch->metrics, report);
    if (watch->has_timeline)
        timeline_step(&watch->timeline, report);
    if (watch->perfetto_stream != NULL)
        perfetto_step(&watch->perfetto, report);
}

static void watch_token_gaps(void *context, int64_t gap_ns, int32_t count)
{
    struct watch *watch = context;
    metrics_token_gaps(&watch->metrics, gap_ns, count);
}

static void watch_outcome(void *context, const struct request_outcome *outcome)
{
    struct watch *watch = context;
    metrics_outcome(&watch->metrics, outcome);
    if (watch->logs)
        request_log_add(&watch->log, outcome);
    if (watch->has_timeline)
        timeline_outcome(&watch->timeline, outcome);
    if (watch->perfetto_stream != NULL)
        perfetto_outcome(&watch->perfetto, outcome);
    if (watch->hooks->outcome != NULL)
        watch->hooks->outcome(watch->hooks->context, outcome);
}

static void watch_progress(void *context, double fraction)
{
    const struct watch *watch = context;
    if (watch->hooks->progress != NULL)
        watch->hooks->progress(fraction);
}

static int64_t replicas_of(const struct engine_config *engine)
{
    return engine->data_parallel_size * engine->pipeline_parallel_size;
}

static bool watch_init(struct watch *watch, const struct experiment_config *config,
                       const struct experiment_hooks *hooks, int64_t warmup_ns)
{
    memset(watch, 0, sizeof *watch);
    watch->hooks = hooks;
    watch->logs = hooks->requests != NULL;
    watch->has_timeline = hooks->timeline != NULL || hooks->charts != NULL;
    watch->perfetto_stream = hooks->perfetto;
    const double kv_blocks =
        (double)config->kv_memory.replica_blocks * (double)replicas_of(&config->engine);
    return metrics_init(&watch->metrics, &config->slo, warmup_ns, replicas_of(&config->engine)) &&
           (!watch->logs || request_log_init(&watch->log, hooks->requests)) &&
           (!watch->has_timeline || timeline_init(&watch->timeline, kv_blocks, SIM_NS_PER_S)) &&
           (hooks->perfetto == NULL || perfetto_init(&watch->perfetto, kv_blocks));
}

static void watch_fini(struct watch *watch)
{
    metrics_fini(&watch->metrics);
    request_log_fini(&watch->log);
    timeline_fini(&watch->timeline);
    perfetto_fini(&watch->perfetto);
}

static void fill_summary(const struct experiment_config *config,
                         const struct cost_model *cost_model, const struct watch *watch,
                         struct experiment_result *result)
{
    const struct simulation_result *simulation = &result->simulation;
    struct summary_context context = {
        .end_ns = simulation->end_ns,
        .busy_ns = watch->metrics.busy_ns,
        .replicas = replicas_of(&config->engine),
        .idle_steps = simulation->idle_steps,
        .idle_flops = simulation->idle_flops,
        .idle_bytes = simulation->idle_bytes,
        .num_gpu_blocks = config->kv_memory.replica_blocks,
        .block_size = config->engine.block_size,
        .block_bytes = config->kv_memory.block_bytes,
        .preemptions = simulation->preemptions,
        .swapped_out = simulation->swapped_out,
        .swap_s = simulation->swap_s,
        .prefix_caching = config->engine.enable_prefix_caching != 0,
        .admitted_prompt_tokens = simulation->prompt_tokens,
        .cached_tokens = simulation->cached_tokens,
        .offloaded_tokens = simulation->offloaded_tokens,
        .offload_s = simulation->offload_s,
        .peak_flops_per_s = cost_model->peak_flops_per_s,
        .peak_bytes_per_s = cost_model->peak_bytes_per_s,
    };
    summary_fill(&result->summary, &watch->metrics, &context);
}

/* What the policy reserves where memory is paged, or all of it. */
static enum kv_reservation reservation_of(const struct policy *policy, int kv_allocation)
{
    if (kv_allocation == ALLOCATION_CONTIGUOUS)
        return KV_MAXIMUM;
    return policy->reservation == KV_MAXIMUM ? KV_PROMPT : policy->reservation;
}

/* Copies of a KV block between the device and host memory; nothing where that is not done. */
static struct host_transfer transfer_of(double block_bytes, double bandwidth_bytes_per_s,
                                        double latency_s)
{
    if (!setting_is_set(bandwidth_bytes_per_s))
        return (struct host_transfer){0};
    return (struct host_transfer){latency_s, block_bytes / bandwidth_bytes_per_s};
}

/* Of a rank's host memory, in each of the virtual engines that share it. */
static int64_t blocks_in(double capacity_bytes, double block_bytes, int64_t engines)
{
    return setting_is_set(capacity_bytes) ? (int64_t)floor(capacity_bytes / block_bytes) / engines
                                          : 0;
}

/* A longer one than any context is none, but for the sum that the cost model asks for. */
static int32_t window_of(const struct experiment_config *config)
{
    if (model_window_layers(&config->model) == 0)
        return 0;
    int64_t longest = config->engine.max_model_len;
    return (int32_t)(config->model.sliding_window < longest ? config->model.sliding_window
                                                            : longest);
}

static struct simulation_setup setup_of(const struct experiment_config *config)
{
    const struct engine_config *engine = &config->engine;
    const struct kv_offload_config *offload = &engine->kv_offload;
    const struct host_link *link = &config->accelerator.host_link;
    const struct policy *policy = policy_at((size_t)engine->scheduler);
    double block_bytes = config->kv_memory.block_bytes;
    int64_t num_gpu_blocks = config->kv_memory.replica_blocks;
    int64_t engines = engine->pipeline_parallel_size;
    bool dynamic = engine->preferred_batch_size != SETTING_UNSET_INTEGER;
    bool predicts = setting_is_set(engine->output_prediction_error);
    return (struct simulation_setup){
        .data_parallel_size = (int32_t)engine->data_parallel_size,
        .pipeline_parallel_size = (int32_t)engines,
        .lockstep = engine_is_lockstep(engine, &config->model),
        .policy = policy,
        .queue_order = queue_order_at((size_t)engine->scheduling_policy),
        .num_gpu_blocks = num_gpu_blocks,
        .block_size = (int32_t)engine->block_size,
        .max_num_seqs = (int32_t)engine_replica_max_num_seqs(engine),
        .max_num_batched_tokens = (int32_t)engine->max_num_batched_tokens,
        .max_model_len = (int32_t)engine->max_model_len,
        .long_prefill_token_threshold = (int32_t)engine->long_prefill_token_threshold,
        .enable_chunked_prefill = engine->enable_chunked_prefill != 0,
        .watermark_blocks = (int64_t)floor(engine->watermark * (double)num_gpu_blocks),
        .preferred_batch_size = dynamic ? (int32_t)engine->preferred_batch_size : 1,
        .max_queue_delay_ns = dynamic ? sim_ns_from_s(engine->max_queue_delay_s) : 0,
        .async_scheduling = engine->async_scheduling != 0,
        .sliding_window = window_of(config),
        .reservation = reservation_of(policy, engine->kv_allocation),
        .enable_prefix_caching = engine->enable_prefix_caching != 0,
        .offload_blocks = blocks_in(offload->capacity_bytes, block_bytes, engines),
        .offload = transfer_of(block_bytes, offload->bandwidth_bytes_per_s, offload->latency_s),
        .swap_blocks = blocks_in(engine->swap_space_bytes, block_bytes, engines),
        .swap = transfer_of(block_bytes, link->bandwidth_bytes_per_s, link->latency_s),
        .output_prediction_error = predicts ? engine->output_prediction_error : 0.0,
        .seed = (uint64_t)config->seed,
    };
}

static void print_distributions(const struct metrics *metrics, FILE *stream)
{
    static const char *const titles[LATENCY_COUNT] = {[LATENCY_TTFT] = "Time to first token",
                                                      [LATENCY_TPOT] = "Time per output token",
                                                      [LATENCY_ITL] = "Inter-token latency",
                                                      [LATENCY_E2EL] = "End-to-end latency"};
    for (int i = 0; i < LATENCY_COUNT; i++)
        text_chart_distribution(&metrics->latency[i], titles[i], stream);
}

static bool simulate(const struct experiment_config *config, struct cost_model *cost_model,
                     struct request_source *source, struct watch *watch,
                     struct experiment_result *result, struct error *error)
{
    struct observer observer = {watch, watch_step, watch_token_gaps, watch_outcome, watch_progress};
    struct simulation_setup setup = setup_of(config);
    setup.cost_model = cost_model;
    setup.source = source;
    setup.observer = &observer;
    if (!simulation_run(&setup, &result->simulation, error))
        return false;
    if (watch->log.out_of_memory)
        return error_run(error, "out of memory for the request log");
    const struct experiment_hooks *hooks = watch->hooks;
    if (hooks->timeline != NULL)
        timeline_write(&watch->timeline, hooks->timeline);
    if (hooks->text_charts != NULL)
        print_distributions(&watch->metrics, hooks->text_charts);
    if (hooks->charts != NULL)
        *hooks->charts = run_charts_json(&watch->metrics, &watch->timeline);
    if (hooks->charts != NULL && *hooks->charts == NULL)
        return error_run(error, "out of memory for the charts");
    if (watch->perfetto_stream != NULL)
        perfetto_write(&watch->perfetto, watch->perfetto_stream);
    result->left_out = source->left_out(source->state);
    fill_summary(config, cost_model, watch, result);
    return true;
}

static bool serve(const struct experiment_config *config, const struct experiment_hooks *hooks,
                  int64_t warmup_ns, struct request_source *source,
                  struct experiment_result *result, struct error *error)
{
    struct cost_model cost_model = {0};
    struct watch watch;
    struct cost_setup cost_setup = {
        .config = &config->cost,
        .model = &config->model,
        .accelerator = &config->accelerator,
        .deployment = engine_deployment(&config->engine),
        .max_num_batched_tokens = (int32_t)config->engine.max_num_batched_tokens,
        .max_num_seqs = (int32_t)config->engine.max_num_seqs,
    };
    bool done = false;
    if (!watch_init(&watch, config, hooks, warmup_ns)) {
        error_run(error, "out of memory");
    } else if (cost_model_create(&cost_setup, &cost_model, error)) {
        done = simulate(config, &cost_model, source, &watch, result, error);
        cost_model.destroy(cost_model.state);
    }
    watch_fini(&watch);
    return done;
}

static bool open_and_serve(const struct experiment_config *config,
                           const struct experiment_hooks *hooks, int64_t warmup_ns,
                           struct experiment_result *result, struct error *error)
{
    struct request_source source = {0};
    if (!workload_open(&config->workload, (uint64_t)config->seed, &source, error))
        return false;
    bool done = serve(config, hooks, warmup_ns, &source, result, error);
    source.destroy(source.state);
    return done;
}

static void add_to_warmup(void *context, const struct request_outcome *outcome)
{
    warmup_outcome(context, outcome);
}

/* Where the warm-up ends, from a run of its own; *known: whether that can be told. */
static bool find_warmup(const struct experiment_config *config,
                        const struct experiment_hooks *hooks, int64_t *end_ns, bool *known,
                        struct error *error)
{
    struct warmup warmup;
    struct experiment_result result = {0};
    const struct experiment_hooks watching = {
        .outcome = add_to_warmup, .context = &warmup, .progress = hooks->progress};
    bool done = warmup_init(&warmup) ? open_and_serve(config, &watching, 0, &result, error)
                                     : error_run(error, "out of memory");
    if (done)
        *known = warmup_end(&warmup, end_ns);
    warmup_fini(&warmup);
    return done;
}

bool experiment_run(const struct experiment_config *config, const struct experiment_hooks *hooks,
                    struct experiment_result *result, struct error *error)
{
    const double warmup_s = config->metrics.warmup_s;
    int64_t warmup_ns = 0;
    bool known = true;
    memset(result, 0, sizeof *result);
    if (hooks->source != NULL)
        return serve(config, hooks, 0, hooks->source, result, error);
    if (warmup_s == METRICS_WARMUP_AUTO) {
        if (!find_warmup(config, hooks, &warmup_ns, &known, error))
            return false;
    } else if (setting_is_set(warmup_s)) {
        warmup_ns = sim_ns_from_s(warmup_s);
    }
    if (!open_and_serve(config, hooks, warmup_ns, result, error))
        return false;
    result->warmup_unknown = !known;
    return true;
}

bool experiment_check_repeatable(const struct experiment_config *config, struct error *error)
{
    const char *trace = config->workload.trace;
    return trace == NULL || strcmp(trace, "-") != 0 ||
           error_input(error, NULL, "a trace from stdin can be read by one run only");
}

json_t *experiment_config_json(const struct experiment_config *config)
{
    json_t *json = settings_to_json(&experiment_settings, config);
    /* Where a result is written is no part of it. */
    if (json != NULL)
        json_object_del(json, "output");
    return json;
}
