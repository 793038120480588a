/* llmsim calibrate: an accelerator's description against measured kernels. */
#include "commands.h"

#include "accelerator_rewrite.h"
#include "accelerator_spec.h"
#include "calibrate_server.h"
#include "calibration.h"
#include "options.h"
#include "output_file.h"
#include "progress.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* An option's values, in the order given. */
struct values {
    const char **items; /* owned; room for as many as there are arguments */
    size_t count;
};

struct calibrate_options {
    const char *accelerator, *output_path, *json_path, *implementation;
    struct values models, held;
    const char *const *paths; /* of measurements */
    size_t path_count;
    bool check, fit, help;
};

static int check_options(struct calibrate_options *options)
{
    if (options->check == options->fit)
        return command_misuse("calibrate", "one of --check and --fit is wanted");
    if (options->accelerator == NULL)
        return command_misuse("calibrate", "no accelerator given: -a NAME or FILE.yaml");
    if (options->path_count == 0)
        return command_misuse("calibrate", "no measurements given");
    if (options->fit && options->output_path == NULL)
        return command_misuse("calibrate", "--fit needs -o FILE, where the new description goes");
    if (options->check && options->output_path != NULL)
        return command_misuse("calibrate", "--check writes no description: -o is of --fit");
    if (options->check && options->held.count > 0)
        return command_misuse("calibrate", "--check fits nothing: --hold is of --fit");
    /* Implementations differ by more than any equation can say: one is fitted. */
    if (options->implementation == NULL)
        options->implementation = "vllm";
    return 0;
}

static int parse_options(int argc, char **argv, struct calibrate_options *options)
{
    enum { CHECK = 256, FIT, HOLD, JSON, MODEL, IMPLEMENTATION };
    static const struct option known[] = {
        {"accelerator", required_argument, NULL, 'a'},
        {"check", no_argument, NULL, CHECK},
        {"fit", no_argument, NULL, FIT},
        {"output", required_argument, NULL, 'o'},
        {"hold", required_argument, NULL, HOLD},
        {"json", required_argument, NULL, JSON},
        {"model", required_argument, NULL, MODEL},
        {"implementation", required_argument, NULL, IMPLEMENTATION},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, ":a:o:h", known, NULL)) != -1) {
        if (option == 'a')
            options->accelerator = optarg;
        else if (option == 'o')
            options->output_path = optarg;
        else if (option == CHECK)
            options->check = true;
        else if (option == FIT)
            options->fit = true;
        else if (option == HOLD)
            options->held.items[options->held.count++] = optarg;
        else if (option == JSON)
            options->json_path = optarg;
        else if (option == MODEL)
            options->models.items[options->models.count++] = optarg;
        else if (option == IMPLEMENTATION)
            options->implementation = optarg;
        else if (option == 'h')
            options->help = true;
        else
            return command_misuse_option("calibrate", option, argv);
    }
    options->paths = (const char *const *)argv + optind;
    options->path_count = (size_t)(argc - optind);
    return options->help ? 0 : check_options(options);
}

enum { OUTPUT_JSON, OUTPUT_ACCELERATOR, OUTPUT_TABLE, OUTPUT_COUNT };

/* No output may be one of the files read, but for the accelerator's own description. */
static bool open_output(struct output_file *output, const char *path, bool description,
                        const struct calibrate_options *options, const char *accelerator_path,
                        struct error *error)
{
    if (path == NULL)
        return true;
    const char *clash = NULL;
    for (size_t i = 0; i < options->path_count && clash == NULL; i++) {
        if (output_file_same(path, options->paths[i]))
            clash = options->paths[i];
    }
    if (!description && output_file_same(path, accelerator_path))
        clash = accelerator_path;
    if (clash != NULL)
        return error_input(error, NULL, "%s: would overwrite %s, which is read", path, clash);
    return output_file_open(output, path, error);
}

static bool open_outputs(struct output_file outputs[OUTPUT_COUNT],
                         const struct calibrate_options *options, const char *accelerator_path,
                         struct error *error)
{
    struct output_file *json = &outputs[OUTPUT_JSON], *description = &outputs[OUTPUT_ACCELERATOR];
    if (!open_output(json, options->json_path, false, options, accelerator_path, error) ||
        !open_output(description, options->output_path, true, options, accelerator_path, error))
        return false;
    bool same = json->path != NULL && description->path != NULL &&
                strcmp(json->path, description->path) == 0;
    if (same || (json->stream == stdout && description->stream == stdout))
        return error_input(error, NULL, "%s: cannot hold both the JSON and the description",
                           options->json_path);
    if (json->stream == stdout || description->stream == stdout)
        return true;
    return output_file_open(&outputs[OUTPUT_TABLE], "-", error);
}

static bool write_results(const struct calibrate_options *options,
                          const struct accelerator_source *source,
                          const struct calibration_report *report, struct error *error)
{
    struct output_file outputs[OUTPUT_COUNT] = {0};
    char *description = options->fit ? accelerator_rewrite(source, report, error) : NULL;
    bool done = (description != NULL || !options->fit) &&
                open_outputs(outputs, options, source->path, error);
    if (done && outputs[OUTPUT_JSON].stream != NULL &&
        !calibration_print_json(report, outputs[OUTPUT_JSON].stream))
        done = error_run(error, "out of memory");
    if (done && description != NULL)
        fputs(description, outputs[OUTPUT_ACCELERATOR].stream);
    if (done && outputs[OUTPUT_TABLE].stream != NULL) {
        accelerator_print_name(report->accelerator, stdout);
        putchar('\n');
        calibration_print_text(report, stdout);
    }
    done = done && output_files_commit(outputs, OUTPUT_COUNT, error);
    for (size_t i = 0; i < OUTPUT_COUNT; i++)
        output_file_discard(&outputs[i]);
    free(description);
    return done;
}

/* A line for every parameter that the measurements do not determine; whether there are any. */
static bool print_refusals(const struct calibration_report *report)
{
    size_t fit = 0, parameter = 0;
    bool any = false;
    for (const char *text; (text = calibration_next_refusal(report, &fit, &parameter)) != NULL;) {
        fprintf(stderr, "%s\n", text);
        any = true;
    }
    return any;
}

static int calibrate_file(const struct calibrate_options *options,
                          struct accelerator_source *source, const char *config_directory,
                          struct error *error)
{
    struct measurements measurements;
    struct calibration_report report = {0};
    const struct measurement_options reading = {.models = options->models.items,
                                                .model_count = options->models.count,
                                                .implementation = options->implementation,
                                                .config_directory = config_directory};
    const struct held_keys held = {options->held.items, options->held.count};
    int status = 0;
    bool done = measurements_read(&measurements, options->paths, options->path_count,
                                  &source->accelerator, &reading, error);
    if (done && options->fit)
        done = calibration_fit(&source->accelerator, &measurements, &held, progress_show, &report,
                               error);
    else if (done)
        done = calibration_check(&source->accelerator, &measurements, &report, error);
    progress_clear();
    if (done && print_refusals(&report))
        status = ERROR_INPUT;
    else if (!done || !write_results(options, source, &report, error))
        status = command_fail(error);
    calibration_report_fini(&report);
    measurements_fini(&measurements);
    return status;
}

static int calibrate(const struct calibrate_options *options)
{
    const char *config_directory = options_find_configs();
    struct error error = {0};
    struct accelerator_source source;
    int status = accelerator_source_read(&source, options->accelerator, config_directory, &error)
                     ? calibrate_file(options, &source, config_directory, &error)
                     : command_fail(&error);
    accelerator_source_fini(&source);
    return status;
}

int command_calibrate(int argc, char **argv)
{
    if (calibrate_server_is_meant(argc, argv))
        return calibrate_server(argc, argv);
    struct calibrate_options options = {0};
    options.models.items = calloc((size_t)argc + 1, sizeof *options.models.items);
    options.held.items = calloc((size_t)argc + 1, sizeof *options.held.items);
    int status = options.models.items != NULL && options.held.items != NULL
                     ? parse_options(argc, argv, &options)
                     : command_out_of_memory();
    if (status == 0 && options.help)
        status = command_print_help("calibrate");
    else if (status == 0)
        status = calibrate(&options);
    free(options.models.items);
    free(options.held.items);
    return status;
}
