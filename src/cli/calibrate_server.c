/* llmsim calibrate CONFIG --from-server: an accelerator's description against a server's log. */
#include "calibrate_server.h"

#include "accelerator_spec.h"
#include "commands.h"
#include "options.h"
#include "progress.h"
#include "server_fit.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct server_options {
    const char *config_path, *measured_path, *output_path, *json_path;
    const char **held; /* owned; room for as many as there are arguments */
    size_t held_count;
    struct overrides overrides;
    bool quiet, help;
};

static int check_options(struct server_options *options, int argc, char **argv)
{
    if (argc - optind != 1)
        return command_misuse("calibrate", argc == optind ? "no configuration given"
                                                          : "more than one configuration given");
    options->config_path = argv[optind];
    return 0;
}

static int parse_options(int argc, char **argv, struct server_options *options)
{
    enum { FROM_SERVER = 256, HOLD, JSON, SEED };
    static const struct option known[] = {
        {"from-server", required_argument, NULL, FROM_SERVER},
        {"set", required_argument, NULL, 's'},
        {"seed", required_argument, NULL, SEED},
        {"hold", required_argument, NULL, HOLD},
        {"output", required_argument, NULL, 'o'},
        {"json", required_argument, NULL, JSON},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, ":s:o:qh", known, NULL)) != -1) {
        if ((option == 's' && !overrides_add(&options->overrides, "", optarg)) ||
            (option == SEED && !overrides_add(&options->overrides, "seed=", optarg)))
            return command_out_of_memory();
        if (option == FROM_SERVER)
            options->measured_path = optarg;
        else if (option == HOLD)
            options->held[options->held_count++] = optarg;
        else if (option == 'o')
            options->output_path = optarg;
        else if (option == JSON)
            options->json_path = optarg;
        else if (option == 'q')
            options->quiet = true;
        else if (option == 'h')
            options->help = true;
        else if (option == ':' || option == '?')
            return command_misuse_option("calibrate", option, argv);
    }
    return options->help ? 0 : check_options(options, argc, argv);
}

enum { OUTPUT_JSON, OUTPUT_ACCELERATOR, OUTPUT_TABLE, OUTPUT_COUNT };

static bool open_outputs(struct output_file outputs[OUTPUT_COUNT],
                         const struct experiment_config *config,
                         const struct server_options *options, struct error *error)
{
    const char *const paths[OUTPUT_TABLE] = {
        [OUTPUT_JSON] = options->json_path, [OUTPUT_ACCELERATOR] = options->output_path};
    const char *const read[] = {options->config_path, config->workload.trace,
                                options->measured_path};
    const struct options_outputs wanted = {paths, OUTPUT_TABLE, read, sizeof read / sizeof *read};
    return options_open_outputs(&wanted, outputs, error);
}

/* The whole description, as resolved, under what was fitted to what. */
static void print_accelerator(const struct accelerator *accelerator,
                              const struct server_fit_report *report, FILE *stream)
{
    fprintf(stream,
            "# Fitted to a server's log by llmsim calibrate --from-server: %s (%s), %lld "
            "requests.\n",
            report->path, report->format, (long long)report->requests);
    for (int i = 0; i < SERVER_FIT_PARAMETERS; i++) {
        const struct server_fit_parameter *parameter = &report->parameters[i];
        if (!parameter->held)
            fprintf(stream, "# %s: %s, before %s.\n", parameter->name, parameter->after,
                    parameter->before);
    }
    settings_print_yaml(&accelerator_settings, accelerator, 0, stream);
}

static bool write_results(struct output_file outputs[OUTPUT_COUNT],
                          const struct experiment_config *config,
                          const struct server_fit_report *report, struct error *error)
{
    FILE *json = outputs[OUTPUT_JSON].stream, *description = outputs[OUTPUT_ACCELERATOR].stream;
    if (json != NULL && !server_fit_print_json(report, json))
        return error_run(error, "out of memory");
    if (description != NULL)
        print_accelerator(&config->accelerator, report, description);
    if (outputs[OUTPUT_TABLE].stream != NULL)
        server_fit_print_text(report, stdout);
    return output_files_commit(outputs, OUTPUT_COUNT, error);
}

/* A line for every parameter that the log does not determine. */
static int print_refusals(const struct server_fit_report *report)
{
    for (int i = 0; i < SERVER_FIT_PARAMETERS; i++) {
        if (*report->parameters[i].refusal != '\0')
            fprintf(stderr, "%s\n", report->parameters[i].refusal);
    }
    return ERROR_INPUT;
}

static int fit_log(struct experiment_config *config, const struct server_options *options,
                   const struct measured_log *log)
{
    struct error error = {0};
    struct output_file outputs[OUTPUT_COUNT] = {0};
    struct measured_replay replay = {0};
    struct server_fit_report report;
    int status = 0;
    bool done = open_outputs(outputs, config, options, &error) &&
                measured_replay_init(&replay, config, log, &error);
    if (done && *replay.why != '\0')
        command_warn(replay.why);
    done = done && server_fit(config, &replay, options->held, options->held_count,
                              options->quiet ? NULL : progress_show, &report, &error);
    progress_clear();
    if (done && server_fit_is_refused(&report))
        status = print_refusals(&report);
    else if (!done || !write_results(outputs, config, &report, &error))
        status = command_fail(&error);
    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        output_file_discard(&outputs[i]);
    measured_replay_fini(&replay);
    return status;
}

static int calibrate_with(const struct server_options *options)
{
    struct error error = {0};
    struct experiment_config config;
    struct measured_log log = {0};
    if (!options_load_config(&config, options->config_path, &options->overrides, &error))
        return command_fail(&error);
    experiment_config_warn_of_unused(&config, USE_OF_LOG, &command_warnings);
    const int status = measured_log_read(&log, options->measured_path, &error)
                           ? fit_log(&config, options, &log)
                           : command_fail(&error);
    measured_log_fini(&log);
    experiment_config_fini(&config);
    return status;
}

bool calibrate_server_is_meant(int argc, char **argv)
{
    static const char name[] = "--from-server";
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], name, strlen(name)) == 0)
            return true;
    }
    return false;
}

int calibrate_server(int argc, char **argv)
{
    struct server_options options = {0};
    options.held = calloc((size_t)argc + 1, sizeof *options.held);
    int status = options.held != NULL && overrides_init(&options.overrides, argc)
                     ? parse_options(argc, argv, &options)
                     : command_out_of_memory();
    if (status == 0 && options.help)
        status = command_print_help("calibrate");
    else if (status == 0)
        status = calibrate_with(&options);
    overrides_fini(&options.overrides);
    free(options.held);
    return status;
}
