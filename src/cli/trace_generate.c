/* llmsim trace generate: a configuration's workload as a trace. */
#include "trace_commands.h"

#include "commands.h"

#include "options.h"
#include "output_file.h"
#include "progress.h"
#include "trace_format.h"
#include <getopt.h>
#include <inttypes.h>

struct generate_options {
    const char *config_path, *output_path;
    const struct trace_format *format;
    struct overrides overrides;
    bool help;
};

static int parse_options(int argc, char **argv, struct generate_options *options)
{
    enum { FORMAT = 256, SEED };
    static const struct option known[] = {
        {"set", required_argument, NULL, 's'},
        {"output", required_argument, NULL, 'o'},
        {"format", required_argument, NULL, FORMAT},
        {"seed", required_argument, NULL, SEED},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *format = "llmsim";
    opterr = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, ":s:o:h", known, NULL)) != -1) {
        if ((option == 's' && !overrides_add(&options->overrides, "", optarg)) ||
            (option == SEED && !overrides_add(&options->overrides, "seed=", optarg)))
            return command_out_of_memory();
        if (option == 'o')
            options->output_path = optarg;
        else if (option == FORMAT)
            format = optarg;
        else if (option == 'h')
            options->help = true;
        else if (option == ':' || option == '?')
            return command_misuse_option("trace", option, argv);
    }
    if (options->help)
        return 0;
    if (argc - optind != 1)
        return command_misuse("trace", "one configuration is wanted, not %d", argc - optind);
    options->config_path = argv[optind];
    struct error error = {0};
    options->format = trace_format_find_written(format, &error);
    return options->format != NULL ? 0 : command_fail(&error);
}

static bool write_trace(const struct experiment_config *config,
                        const struct generate_options *options, struct error *error)
{
    struct request_source source = {0};
    struct output_file output;
    if (!workload_open(&config->workload, (uint64_t)config->seed, &source, error))
        return false;
    bool done = options_check_output(options->output_path, config, options->config_path, error) &&
                output_file_open(&output, options->output_path, error);
    if (done) {
        int64_t written =
            workload_write(&source, options->format, output.stream, progress_show, error);
        progress_clear();
        done = written >= 0 && output_files_commit(&output, 1, error);
        if (done) {
            fprintf(stderr, "%" PRId64 " requests\n", written);
            options_warn_of_skipped_rows(source.skipped_rows(source.state));
        }
        output_file_discard(&output);
    }
    source.destroy(source.state);
    return done;
}

static int generate(const struct generate_options *options)
{
    struct error error = {0};
    struct experiment_config config;
    if (!options_load_config(&config, options->config_path, &options->overrides, &error))
        return command_fail(&error);
    bool done = write_trace(&config, options, &error);
    experiment_config_fini(&config);
    return done ? 0 : command_fail(&error);
}

int trace_generate(int argc, char **argv)
{
    struct generate_options options = {.output_path = "-"};
    int status = overrides_init(&options.overrides, argc) ? parse_options(argc, argv, &options)
                                                          : command_out_of_memory();
    if (status == 0 && options.help) {
        status = command_print_help("trace");
    } else if (status == 0) {
        status = generate(&options);
    }
    overrides_fini(&options.overrides);
    return status;
}
