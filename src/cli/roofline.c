/* llmsim roofline: where the time of a step goes, and why. */
#include "commands.h"

#include "output_file.h"
#include "page.h"
#include "roofline_options.h"

/* The table is left out where stdout carries something else. */
enum { OUTPUT_JSON, OUTPUT_PLOT, OUTPUT_HTML, OUTPUT_TABLE, OUTPUT_COUNT };

/* What is written: one of the two. */
struct findings {
    bool is_gemm;
    struct roofline_gemm gemm;
    struct roofline_steps steps;
};

static bool open_outputs(struct output_file outputs[OUTPUT_COUNT],
                         const struct experiment_config *config,
                         const struct roofline_options *options, struct error *error)
{
    const char *const paths[OUTPUT_TABLE] = {[OUTPUT_JSON] = options->json_path,
                                             [OUTPUT_PLOT] = options->plot_path,
                                             [OUTPUT_HTML] = options->html_path};
    const char *const read[] = {options->accelerator != NULL ? options->accelerator
                                                             : options->config_path,
                                config->workload.trace};
    const struct options_outputs wanted = {paths, OUTPUT_TABLE, read, sizeof read / sizeof *read};
    return options_open_outputs(&wanted, outputs, error);
}

static bool print_json(const void *context, FILE *stream)
{
    const struct findings *findings = context;
    return findings->is_gemm ? roofline_gemm_print_json(&findings->gemm, stream)
                             : roofline_steps_print_json(&findings->steps, stream);
}

static void make_plot(const struct findings *findings, struct roofline_plot *plot)
{
    if (findings->is_gemm)
        roofline_plot_gemm(plot, &findings->gemm);
    else
        roofline_plot_steps(plot, &findings->steps);
}

static bool write_page(const struct findings *findings, FILE *stream, struct error *error)
{
    struct roofline_plot plot;
    make_plot(findings, &plot);
    json_t *extra = json_pack("{s:o}", "plot", roofline_plot_json(&plot));
    const struct page page = {.kind = HTML_ROOFLINE,
                              .title = plot.title,
                              .subtitle = plot.subtitle,
                              .extra = extra,
                              .print_json = print_json,
                              .context = findings};
    const bool done = extra != NULL ? page_write(&page, stream, error)
                                    : error_run(error, "out of memory for the page");
    json_decref(extra);
    return done;
}

static bool write_findings(struct output_file outputs[OUTPUT_COUNT],
                           const struct findings *findings, const struct roofline_options *options,
                           struct error *error)
{
    FILE *json = outputs[OUTPUT_JSON].stream, *html = outputs[OUTPUT_HTML].stream;
    FILE *table = outputs[OUTPUT_TABLE].stream;
    struct roofline_plot plot;
    make_plot(findings, &plot);
    if (json != NULL && !print_json(findings, json))
        return error_run(error, "out of memory");
    if ((outputs[OUTPUT_PLOT].stream != NULL &&
         !options->plot_format->draw(&plot, outputs[OUTPUT_PLOT].stream, error)) ||
        (html != NULL && !write_page(findings, html, error)))
        return false;
    if (table != NULL && findings->is_gemm)
        roofline_gemm_print_text(&findings->gemm, table);
    else if (table != NULL)
        roofline_steps_print_text(&findings->steps, table);
    return output_files_commit(outputs, OUTPUT_COUNT, error);
}

static bool study_gemm(const struct accelerator *accelerator,
                       const struct roofline_options *options, struct roofline_gemm *gemm,
                       struct error *error)
{
    const int preset = roofline_default_dtype(accelerator);
    if (options->dtype_count == 0)
        return roofline_study_gemm(accelerator, options->sides, &preset, 1, gemm, error);
    return roofline_study_gemm(accelerator, options->sides, options->dtypes, options->dtype_count,
                               gemm, error);
}

static bool study(const struct experiment_config *config, const struct roofline_options *options,
                  struct error *error)
{
    struct output_file outputs[OUTPUT_COUNT] = {0};
    struct findings findings = {.is_gemm = options->accelerator != NULL};
    bool done = open_outputs(outputs, config, options, error);
    if (done && findings.is_gemm)
        done = study_gemm(&config->accelerator, options, &findings.gemm, error);
    else if (done)
        done = roofline_study_steps(config, &options->request, &command_warnings, &findings.steps,
                                    error);
    done = done && write_findings(outputs, &findings, options, error);
    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        output_file_discard(&outputs[i]);
    if (done)
        options_warn_of_left_out(&findings.steps.workload.left_out);
    return done;
}

static int roofline_with(const struct roofline_options *options)
{
    struct error error = {0};
    struct experiment_config config;
    bool loaded =
        options->accelerator != NULL
            ? options_load_accelerator(&config, options->accelerator, &options->overrides, &error)
            : options_load_config(&config, options->config_path, &options->overrides, &error);
    if (!loaded)
        return command_fail(&error);
    bool done = study(&config, options, &error);
    experiment_config_fini(&config);
    return done ? 0 : command_fail(&error);
}

int command_roofline(int argc, char **argv)
{
    struct roofline_options options = {0};
    int status = overrides_init(&options.overrides, argc)
                     ? roofline_options_parse(argc, argv, &options)
                     : command_out_of_memory();
    if (status == 0 && options.help) {
        status = command_print_help("roofline");
    } else if (status == 0) {
        status = roofline_with(&options);
    }
    overrides_fini(&options.overrides);
    return status;
}
