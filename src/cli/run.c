/* llmsim run: simulate one configuration. */
#include "commands.h"

#include "accelerator_spec.h"
#include "experiment.h"
#include "options.h"
#include "orders.h"
#include "output_file.h"
#include "page.h"
#include "policies.h"
#include "progress.h"
#include "replicate.h"
#include "roofline_plot.h"
#include "roofline_study.h"
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct run_options {
    const char *config_path;
    struct overrides overrides;
    const char *json_path, *requests_path, *timeline_path, *perfetto_path, *html_path;
    bool chart, sensitivity, quiet, print_config, help;
};

/* 0, or the exit status of a command line that is wrong. */
static int parse_options(int argc, char **argv, struct run_options *options)
{
    enum {
        JSON = 256,
        REQUESTS,
        TIMELINE,
        PERFETTO,
        HTML,
        CHART,
        SEED,
        REPLICATIONS,
        SENSITIVITY,
        PRINT_CONFIG
    };
    static const struct option known[] = {
        {"set", required_argument, NULL, 's'},
        {"json", required_argument, NULL, JSON},
        {"requests", required_argument, NULL, REQUESTS},
        {"timeline", required_argument, NULL, TIMELINE},
        {"perfetto", required_argument, NULL, PERFETTO},
        {"html", required_argument, NULL, HTML},
        {"chart", no_argument, NULL, CHART},
        {"seed", required_argument, NULL, SEED},
        {"replications", required_argument, NULL, REPLICATIONS},
        {"sensitivity", no_argument, NULL, SENSITIVITY},
        {"quiet", no_argument, NULL, 'q'},
        {"print-config", no_argument, NULL, PRINT_CONFIG},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, ":s:qh", known, NULL)) != -1) {
        if ((option == 's' && !overrides_add(&options->overrides, "", optarg)) ||
            (option == SEED && !overrides_add(&options->overrides, "seed=", optarg)) ||
            (option == REPLICATIONS &&
             !overrides_add(&options->overrides, "metrics.replications=", optarg)))
            return command_out_of_memory();
        if (option == JSON)
            options->json_path = optarg;
        else if (option == REQUESTS)
            options->requests_path = optarg;
        else if (option == TIMELINE)
            options->timeline_path = optarg;
        else if (option == PERFETTO)
            options->perfetto_path = optarg;
        else if (option == HTML)
            options->html_path = optarg;
        else if (option == CHART)
            options->chart = true;
        else if (option == SENSITIVITY)
            options->sensitivity = true;
        else if (option == 'q')
            options->quiet = true;
        else if (option == PRINT_CONFIG)
            options->print_config = true;
        else if (option == 'h')
            options->help = true;
        else if (option == ':' || option == '?')
            return command_misuse_option("run", option, argv);
    }
    if (!options->help && argc - optind != 1)
        return command_misuse("run", argc == optind ? "no configuration given"
                                                    : "more than one configuration given");
    options->config_path = argv[optind];
    return 0;
}

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

static void print_heading(const struct experiment_config *config)
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

static void print_timing(const struct experiment_config *config,
                         const struct experiment_result *result, double elapsed_s)
{
    const int64_t runs = config->metrics.replications;
    fprintf(stderr, "simulated %" PRId64 " requests, %" PRId64 " steps",
            result->simulation.requests, result->simulation.steps);
    if (runs > 1)
        fprintf(stderr, " in the last of %" PRId64 " runs", runs);
    fprintf(stderr, " in %.3f s\n", elapsed_s);
}

/* Where the results go: the table is left out where stdout carries something else. */
enum {
    OUTPUT_JSON,
    OUTPUT_REQUESTS,
    OUTPUT_TIMELINE,
    OUTPUT_PERFETTO,
    OUTPUT_HTML,
    OUTPUT_TABLE,
    OUTPUT_COUNT
};

static bool open_outputs(struct output_file outputs[OUTPUT_COUNT],
                         const struct experiment_config *config, const char *config_path,
                         struct error *error)
{
    const char *const paths[OUTPUT_TABLE] = {
        [OUTPUT_JSON] = config->output.json,         [OUTPUT_REQUESTS] = config->output.requests,
        [OUTPUT_TIMELINE] = config->output.timeline, [OUTPUT_PERFETTO] = config->output.perfetto,
        [OUTPUT_HTML] = config->output.html,
    };
    const char *const read[] = {config_path, config->workload.trace};
    for (int i = 0; i < OUTPUT_TABLE; i++) {
        if (i != OUTPUT_JSON && paths[i] != NULL && config->metrics.replications > 1)
            return error_input(error, NULL, "%s: is of one run, not of several replications",
                               paths[i]);
    }
    const struct options_outputs wanted = {paths, OUTPUT_TABLE, read, sizeof read / sizeof *read};
    return options_open_outputs(&wanted, outputs, error);
}

/* All that is said of a run, or of several. */
struct outcome {
    bool replicated, sensitivity_known;
    struct experiment_result result; /* of the run, or the last of several */
    struct replicated_runs runs;     /* where there are several */
    struct sensitivity sensitivity;  /* where it was asked for */
    json_t *charts;                  /* owned: where there is a page */
    FILE *text_charts;               /* owned: where they were asked for, into */
    char *chart_text;                /* owned */
    size_t chart_bytes;
};

static bool print_json(const struct outcome *outcome, const struct experiment_config *config,
                       FILE *stream)
{
    json_t *sensitivity =
        outcome->sensitivity_known ? sensitivity_to_json(&outcome->sensitivity) : NULL;
    if (sensitivity == NULL && outcome->sensitivity_known)
        return false;
    json_t *json = experiment_config_json(config);
    return outcome->replicated
               ? replications_print_json(&outcome->runs.replications, sensitivity, json, stream)
               : summary_print_json(&outcome->result.summary, sensitivity, json, stream);
}

/* What print_json needs. */
struct printed {
    const struct outcome *outcome;
    const struct experiment_config *config;
};

static bool print_page_json(const void *context, FILE *stream)
{
    const struct printed *printed = context;
    return print_json(printed->outcome, printed->config, stream);
}

/* Where the steps stand on the roofline; a page of another cost model has none. */
static bool add_roofline(const struct experiment_config *config, json_t *charts)
{
    static const struct roofline_request both = {.prefill = true, .decode = true};
    struct roofline_steps steps;
    struct roofline_plot plot;
    struct error error = {0};
    const bool repeats = experiment_check_repeatable(config, &error);
    if (!repeats || !roofline_study_steps(config, &both, &command_warnings, &steps, &error))
        return true;
    roofline_plot_steps(&plot, &steps);
    return json_object_set_new(charts, "roofline", roofline_plot_json(&plot)) == 0;
}

static bool write_page(const struct experiment_config *config, const struct outcome *outcome,
                       FILE *stream, struct error *error)
{
    const struct engine_config *engine = &config->engine;
    const struct printed printed = {outcome, config};
    const char *trace = config->workload.trace;
    char title[256], subtitle[512];
    page_title(config, title);
    snprintf(subtitle, sizeof subtitle,
             "%s scheduler, at most %" PRId64 " sequences and %" PRId64 " tokens a step; %s",
             policy_at((size_t)engine->scheduler)->name, engine->max_num_seqs,
             engine->max_num_batched_tokens, trace != NULL ? trace : "generated traffic");
    const struct page page = {.kind = HTML_RUN,
                              .title = title,
                              .subtitle = subtitle,
                              .extra = outcome->charts,
                              .print_json = print_page_json,
                              .context = &printed};
    return (add_roofline(config, outcome->charts) || error_run(error, "out of memory")) &&
           page_write(&page, stream, error);
}

static bool write_results(struct output_file outputs[OUTPUT_COUNT],
                          const struct experiment_config *config, const struct outcome *outcome,
                          struct error *error)
{
    FILE *json = outputs[OUTPUT_JSON].stream;
    if (json != NULL && !print_json(outcome, config, json))
        return error_run(error, "out of memory");
    if (outputs[OUTPUT_HTML].stream != NULL &&
        !write_page(config, outcome, outputs[OUTPUT_HTML].stream, error))
        return false;
    if (outputs[OUTPUT_TABLE].stream != NULL) {
        print_heading(config);
        if (outcome->replicated)
            replications_print_text(&outcome->runs.replications, stdout);
        else
            summary_print_text(&outcome->result.summary, stdout);
        if (outcome->sensitivity_known)
            sensitivity_print_text(&outcome->sensitivity, stdout);
        if (outcome->text_charts != NULL && fflush(outcome->text_charts) == 0)
            fputs(outcome->chart_text, stdout);
    }
    return output_files_commit(outputs, OUTPUT_COUNT, error);
}

static bool run_all(const struct experiment_config *config, const struct run_options *options,
                    struct output_file outputs[OUTPUT_COUNT], struct outcome *outcome,
                    struct error *error)
{
    void (*progress)(double) = options->quiet ? NULL : progress_show;
    const struct experiment_hooks hooks = {
        .requests = outputs[OUTPUT_REQUESTS].stream,
        .timeline = outputs[OUTPUT_TIMELINE].stream,
        .perfetto = outputs[OUTPUT_PERFETTO].stream,
        .text_charts = outcome->text_charts,
        .charts = outputs[OUTPUT_HTML].stream != NULL ? &outcome->charts : NULL,
        .progress = progress,
    };
    bool done = outcome->replicated ? replicate_run(config, progress, &outcome->runs, error)
                                    : experiment_run(config, &hooks, &outcome->result, error);
    if (outcome->replicated)
        outcome->result = outcome->runs.last;
    if (done && options->sensitivity)
        done = replicate_sensitivity(config, progress, &outcome->sensitivity, error);
    progress_clear();
    return done;
}

static void warn(const struct experiment_config *config, const struct outcome *outcome)
{
    warn_of_losses(config, &outcome->result);
    warn_of_no_effect(config, &outcome->result.simulation);
    warn_of_warmup(&outcome->result);
}

/* Charts stand below the table of one run. */
static bool check_chart(const struct experiment_config *config, const struct run_options *options,
                        struct error *error)
{
    const struct output_config *output = &config->output;
    const char *const others[] = {output->json, output->requests, output->timeline,
                                  output->perfetto, output->html};
    if (options->chart && config->metrics.replications > 1)
        return error_input(error, NULL, "--chart is of one run, not of several replications");
    for (size_t i = 0; options->chart && i < sizeof others / sizeof *others; i++) {
        if (others[i] != NULL && strcmp(others[i], "-") == 0)
            return error_input(error, NULL,
                               "--chart goes with the table, and stdout holds another output");
    }
    return true;
}

static int simulate(const struct experiment_config *config, const struct run_options *options)
{
    struct error error = {0};
    struct output_file outputs[OUTPUT_COUNT] = {0};
    struct outcome outcome = {.replicated = config->metrics.replications > 1,
                              .sensitivity_known = options->sensitivity};
    if (options->chart)
        outcome.text_charts = open_memstream(&outcome.chart_text, &outcome.chart_bytes);
    if (options->chart && outcome.text_charts == NULL)
        return command_out_of_memory();
    double start_s = progress_clock_s();
    const bool repeats = outcome.replicated || outcome.sensitivity_known ||
                         config->metrics.warmup_s == METRICS_WARMUP_AUTO;
    bool done = check_chart(config, options, &error) &&
                (!repeats || experiment_check_repeatable(config, &error)) &&
                open_outputs(outputs, config, options->config_path, &error) &&
                run_all(config, options, outputs, &outcome, &error) &&
                write_results(outputs, config, &outcome, &error);
    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        output_file_discard(&outputs[i]);
    json_decref(outcome.charts);
    if (outcome.text_charts != NULL)
        fclose(outcome.text_charts);
    free(outcome.chart_text);
    if (!done)
        return command_fail(&error);
    warn(config, &outcome);
    if (!options->quiet)
        print_timing(config, &outcome.result, progress_clock_s() - start_s);
    return 0;
}

static int run_with(const struct run_options *options)
{
    struct error error = {0};
    struct experiment_config config;
    if (!options_load_config(&config, options->config_path, &options->overrides, &error))
        return command_fail(&error);
    if (options->json_path != NULL)
        config.output.json = options->json_path;
    if (options->requests_path != NULL)
        config.output.requests = options->requests_path;
    if (options->timeline_path != NULL)
        config.output.timeline = options->timeline_path;
    if (options->perfetto_path != NULL)
        config.output.perfetto = options->perfetto_path;
    if (options->html_path != NULL)
        config.output.html = options->html_path;
    int status = 0;
    if (options->print_config) {
        experiment_config_print(&config, stdout);
        status = command_finish_stdout();
    } else {
        status = simulate(&config, options);
    }
    experiment_config_fini(&config);
    return status;
}

int command_run(int argc, char **argv)
{
    struct run_options options = {0};
    int status = overrides_init(&options.overrides, argc) ? parse_options(argc, argv, &options)
                                                          : command_out_of_memory();
    if (status == 0 && options.help) {
        status = command_print_help("run");
    } else if (status == 0) {
        status = run_with(&options);
    }
    overrides_fini(&options.overrides);
    return status;
}
