/* llmsim validate: a real server's log beside the prediction. */
#include "commands.h"

#include "options.h"
#include "page.h"
#include "validation.h"
#include <getopt.h>

struct validate_options {
    const char *config_path, *measured_path, *json_path, *plot_path, *html_path;
    const struct validation_plot_format *plot_format;
    struct overrides overrides;
    bool help;
};

static int check_options(struct validate_options *options, int argc, char **argv)
{
    struct error error = {0};
    if (argc - optind != 1)
        return command_misuse("validate", argc == optind ? "no configuration given"
                                                         : "more than one configuration given");
    if (options->measured_path == NULL)
        return command_misuse("validate", "no measured log given: --measured FILE");
    options->config_path = argv[optind];
    if (options->plot_path != NULL) {
        options->plot_format = validation_plot_format_of(options->plot_path, &error);
        if (options->plot_format == NULL)
            return command_fail(&error);
    }
    return 0;
}

static int parse_options(int argc, char **argv, struct validate_options *options)
{
    enum { MEASURED = 256, JSON, PLOT, HTML, SEED };
    static const struct option known[] = {
        {"measured", required_argument, NULL, MEASURED},
        {"set", required_argument, NULL, 's'},
        {"seed", required_argument, NULL, SEED},
        {"json", required_argument, NULL, JSON},
        {"plot", required_argument, NULL, PLOT},
        {"html", required_argument, NULL, HTML},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, ":s:h", known, NULL)) != -1) {
        if ((option == 's' && !overrides_add(&options->overrides, "", optarg)) ||
            (option == SEED && !overrides_add(&options->overrides, "seed=", optarg)))
            return command_out_of_memory();
        if (option == MEASURED)
            options->measured_path = optarg;
        else if (option == JSON)
            options->json_path = optarg;
        else if (option == PLOT)
            options->plot_path = optarg;
        else if (option == HTML)
            options->html_path = optarg;
        else if (option == 'h')
            options->help = true;
        else if (option == ':' || option == '?')
            return command_misuse_option("validate", option, argv);
    }
    return options->help ? 0 : check_options(options, argc, argv);
}

enum { OUTPUT_JSON, OUTPUT_PLOT, OUTPUT_HTML, OUTPUT_TABLE, OUTPUT_COUNT };

static bool open_outputs(struct output_file outputs[OUTPUT_COUNT],
                         const struct experiment_config *config,
                         const struct validate_options *options, struct error *error)
{
    const char *const paths[OUTPUT_TABLE] = {[OUTPUT_JSON] = options->json_path,
                                             [OUTPUT_PLOT] = options->plot_path,
                                             [OUTPUT_HTML] = options->html_path};
    const char *const read[] = {options->config_path, config->workload.trace,
                                options->measured_path};
    const struct options_outputs wanted = {paths, OUTPUT_TABLE, read, sizeof read / sizeof *read};
    return options_open_outputs(&wanted, outputs, error);
}

/* What the JSON is of. */
struct printed {
    const struct validation_report *report;
    const struct experiment_config *config;
};

static bool print_json(const void *context, FILE *stream)
{
    const struct printed *printed = context;
    return validation_print_json(printed->report, experiment_config_json(printed->config), stream);
}

static bool write_page(const struct validation_report *report,
                       const struct experiment_config *config, FILE *stream, struct error *error)
{
    const struct printed printed = {report, config};
    char title[256], subtitle[512];
    page_title(config, title);
    snprintf(subtitle, sizeof subtitle, "predicted beside measured: %s (%s)", report->path,
             report->format);
    json_t *extra = validation_charts_json(report);
    const struct page page = {.kind = HTML_VALIDATION,
                              .title = title,
                              .subtitle = subtitle,
                              .extra = extra,
                              .print_json = print_json,
                              .context = &printed};
    const bool done = extra != NULL ? page_write(&page, stream, error)
                                    : error_run(error, "out of memory for the page");
    json_decref(extra);
    return done;
}

static bool write_report(struct output_file outputs[OUTPUT_COUNT],
                         const struct experiment_config *config,
                         const struct validate_options *options,
                         const struct validation_report *report, struct error *error)
{
    FILE *json = outputs[OUTPUT_JSON].stream, *plot = outputs[OUTPUT_PLOT].stream;
    if (json != NULL && !validation_print_json(report, experiment_config_json(config), json))
        return error_run(error, "out of memory");
    if (outputs[OUTPUT_HTML].stream != NULL &&
        !write_page(report, config, outputs[OUTPUT_HTML].stream, error))
        return false;
    if (plot != NULL && !options->plot_format->draw(report, plot, error))
        return false;
    if (outputs[OUTPUT_TABLE].stream != NULL)
        validation_print_text(report, stdout);
    return output_files_commit(outputs, OUTPUT_COUNT, error);
}

static bool validate_log(const struct experiment_config *config,
                         const struct validate_options *options, const struct measured_log *log,
                         struct error *error)
{
    struct output_file outputs[OUTPUT_COUNT] = {0};
    struct measured_replay replay = {0};
    struct validation_report report = {0};
    bool done = open_outputs(outputs, config, options, error) &&
                measured_replay_init(&replay, config, log, error);
    if (done && !replay.uses_trace && *replay.why != '\0')
        command_warn(replay.why);
    done = done && measured_replay_run(&replay, config, error) &&
           validation_compare(&replay, &report, error) &&
           write_report(outputs, config, options, &report, error);
    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        output_file_discard(&outputs[i]);
    validation_report_fini(&report);
    measured_replay_fini(&replay);
    return done;
}

static int validate_with(const struct validate_options *options)
{
    struct error error = {0};
    struct experiment_config config;
    struct measured_log log = {0};
    if (!options_load_config(&config, options->config_path, &options->overrides, &error))
        return command_fail(&error);
    experiment_config_warn_of_unused(&config, USE_OF_LOG, &command_warnings);
    const bool done = measured_log_read(&log, options->measured_path, &error) &&
                      validate_log(&config, options, &log, &error);
    measured_log_fini(&log);
    experiment_config_fini(&config);
    return done ? 0 : command_fail(&error);
}

int command_validate(int argc, char **argv)
{
    struct validate_options options = {0};
    int status = overrides_init(&options.overrides, argc) ? parse_options(argc, argv, &options)
                                                          : command_out_of_memory();
    if (status == 0 && options.help)
        status = command_print_help("validate");
    else if (status == 0)
        status = validate_with(&options);
    overrides_fini(&options.overrides);
    return status;
}
