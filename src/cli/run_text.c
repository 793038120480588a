#include "run_text.h"

#include "accelerator_spec.h"
#include "commands.h"
#include "options.h"
#include "orders.h"
#include "policies.h"
#include <inttypes.h>
#include <string.h>

/* How the accelerators are used, unless they all share every layer. */
static void print_parallelism(const struct engine_config *engine)
{
    const struct {
        const char *name;
        int64_t size;
    } parts[] = {{"tensor", engine->tensor_parallel_size},
                 {"pipeline", engine->pipeline_parallel_size},
                 {"data", engine->data_parallel_size}};
    if (engine_accelerators(engine) == engine->tensor_parallel_size)
        return;
    const char *before = " (";
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (parts[i].size == 1)
            continue;
        printf("%s%s %" PRId64, before, parts[i].name, parts[i].size);
        before = ", ";
    }
    putchar(')');
}

void run_print_heading(const struct experiment_config *config)
{
    const struct engine_config *engine = &config->engine;
    printf("%s on %" PRId64 " x ", config->model.name, engine_accelerators(engine));
    accelerator_print_name(&config->accelerator, stdout);
    print_parallelism(engine);
    printf(", %s scheduler, at most %" PRId64 " sequences and %" PRId64 " tokens a step\n",
           policy_at((size_t)engine->scheduler)->name, engine->max_num_seqs,
           engine->max_num_batched_tokens);
    const char *trace = config->workload.trace;
    if (trace != NULL) {
        const char *slash = strrchr(trace, '/');
        printf("Trace           %s\n", slash != NULL ? slash + 1 : trace);
    }
    experiment_config_print_memory(config, stdout);
    putchar('\n');
}

static void warn_of_losses(const struct experiment_config *config,
                           const struct experiment_result *result)
{
    char text[256];
    const struct simulation_result *simulation = &result->simulation;
    if (simulation->rejected_too_long > 0) {
        snprintf(text, sizeof text,
                 "requests longer than max_model_len (%" PRId64 " tokens), rejected: %" PRId64,
                 config->engine.max_model_len, simulation->rejected_too_long);
        command_warn(text);
    }
    if (simulation->rejected_no_memory > 0) {
        snprintf(text, sizeof text,
                 "requests that would not fit an empty KV cache, rejected: %" PRId64,
                 simulation->rejected_no_memory);
        command_warn(text);
    }
    options_warn_of_left_out(&result->left_out);
}

static void warn_of_warmup(const struct experiment_result *result)
{
    const struct summary *summary = &result->summary;
    if (result->warmup_unknown)
        command_warn("warmup auto: no end of a warm-up was found, the run drifts or is too short: "
                     "all of it is measured");
    else if (summary->warmup_requests > 0 && summary->completed == 0)
        command_warn("no request arrives after the warm-up: nothing was measured");
}

/* Settings that need something of the requests which none of them had. */
static void warn_of_no_effect(const struct experiment_config *config,
                              const struct simulation_result *simulation)
{
    const struct engine_config *engine = &config->engine;
    const struct queue_order *order = queue_order_at((size_t)engine->scheduling_policy);
    if (order == &order_priority && !simulation->saw_priorities)
        command_warn("scheduling_policy priority: no request has a priority, so it was fcfs");
    if (order->fair && !simulation->saw_clients)
        command_warn("scheduling_policy vtc: no request names its client, so it was fcfs");
    if (setting_is_set(engine->kv_offload.capacity_bytes) && !simulation->saw_prefixes)
        command_warn(
            "kv_offload: no request has prefix ids; only what was preempted found anything");
}

void run_warn(const struct experiment_config *config, const struct experiment_result *result)
{
    warn_of_losses(config, result);
    warn_of_no_effect(config, &result->simulation);
    warn_of_warmup(result);
}
