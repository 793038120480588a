/* llmsim run: simulate one configuration. */
#include "commands.h"

#include "experiment.h"
#include "output_file.h"
#include "page.h"
#include "policies.h"
#include "progress.h"
#include "replicate.h"
#include "roofline_plot.h"
#include "roofline_study.h"
#include "run_options.h"
#include "run_text.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

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
                         const struct experiment_config *config, const struct run_options *options,
                         struct error *error)
{
    const char *const paths[OUTPUT_TABLE] = {
        [OUTPUT_JSON] = config->output.json,         [OUTPUT_REQUESTS] = config->output.requests,
        [OUTPUT_TIMELINE] = config->output.timeline, [OUTPUT_PERFETTO] = config->output.perfetto,
        [OUTPUT_HTML] = config->output.html,
    };
    const char *const read[] = {options->config_path, config->workload.trace};
    for (int i = 0; i < OUTPUT_TABLE; i++) {
        if (i != OUTPUT_JSON && paths[i] != NULL && config->metrics.replications > 1)
            return error_input(error, NULL, "%s: is of one run, not of several replications",
                               paths[i]);
    }
    if (options->chart && config->metrics.replications > 1)
        return error_input(error, NULL, "--chart is of one run, not of several replications");
    const struct options_outputs wanted = {paths, OUTPUT_TABLE, read, sizeof read / sizeof *read};
    return options_open_outputs(&wanted, outputs, error) &&
           options_check_chart(options->chart, outputs[OUTPUT_TABLE].stream != NULL, error);
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
        run_print_heading(config);
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
    bool done = (!repeats || experiment_check_repeatable(config, &error)) &&
                open_outputs(outputs, config, options, &error) &&
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
    run_warn(config, &outcome.result);
    if (!options->quiet)
        print_timing(config, &outcome.result, progress_clock_s() - start_s);
    return 0;
}

/* Those of the command line take the place of the configuration's. */
static void choose_outputs(const struct output_config *given, struct output_config *outputs)
{
    outputs->json = given->json != NULL ? given->json : outputs->json;
    outputs->requests = given->requests != NULL ? given->requests : outputs->requests;
    outputs->timeline = given->timeline != NULL ? given->timeline : outputs->timeline;
    outputs->perfetto = given->perfetto != NULL ? given->perfetto : outputs->perfetto;
    outputs->html = given->html != NULL ? given->html : outputs->html;
}

static int run_with(const struct run_options *options)
{
    struct error error = {0};
    struct experiment_config config;
    if (!options_load_config(&config, options->config_path, &options->overrides, &error))
        return command_fail(&error);
    choose_outputs(&options->outputs, &config.output);
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
    int status = overrides_init(&options.overrides, argc) ? run_options_parse(argc, argv, &options)
                                                          : command_out_of_memory();
    if (status == 0 && options.help) {
        status = command_print_help("run");
    } else if (status == 0) {
        status = run_with(&options);
    }
    overrides_fini(&options.overrides);
    return status;
}
