/* llmsim trace generate, llmsim trace convert: a workload, written down as a trace. */
#include "commands.h"
#include "options.h"
#include "output_file.h"
#include "progress.h"
#include "trace_commands.h"
#include "trace_workload.h"
#include "trace_writer.h"

#include <getopt.h>
#include <inttypes.h>
#include <string.h>

struct output_options {
    const char *input_path, *output_path;
    const struct trace_format *format;
    struct overrides overrides;
    bool help;
};

static int parse_options(int argc, char **argv, const char *wanted, struct output_options *options)
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
        return command_misuse("trace", "one %s is wanted, not %d", wanted, argc - optind);
    options->input_path = argv[optind];
    struct error error = {0};
    options->format = trace_format_find_written(format, &error);
    return options->format != NULL ? 0 : command_fail(&error);
}

/* What the requests had and the trace has not. */
static void warn_of_losses(const struct trace_losses *losses, const struct trace_format *format)
{
    char lost[256], text[512];
    if (trace_losses_describe(losses, lost, sizeof lost)) {
        snprintf(text, sizeof text, "lost, since %s does not hold it: %s", format->name, lost);
        command_warn(text);
    }
    if (losses->prefix_block_tokens > 0) {
        snprintf(text, sizeof text,
                 "prefix ids stand for %d tokens, which %s does not say: read it with "
                 "workload.prefix_block_tokens=%d",
                 losses->prefix_block_tokens, format->name, losses->prefix_block_tokens);
        command_warn(text);
    }
}

static bool write_source(struct request_source *source, const struct output_options *options,
                         struct error *error)
{
    struct output_file output;
    struct trace_losses losses;
    if (!output_file_open(&output, options->output_path, error))
        return false;
    int64_t written =
        trace_write(source, options->format, output.stream, progress_show, &losses, error);
    progress_clear();
    bool done = written >= 0 && output_files_commit(&output, 1, error);
    if (done) {
        fprintf(stderr, "%" PRId64 " requests\n", written);
        warn_of_losses(&losses, options->format);
        const struct source_left_out left_out = source->left_out(source->state);
        options_warn_of_left_out(&left_out);
    }
    output_file_discard(&output);
    return done;
}

static bool write_trace(const struct workload_config *workload, int64_t seed,
                        const struct output_options *options, struct error *error)
{
    struct request_source source = {0};
    if (!workload_open(workload, (uint64_t)seed, &source, error))
        return false;
    bool done = options_check_output(options->output_path, workload, options->input_path, error) &&
                write_source(&source, options, error);
    source.destroy(source.state);
    return done;
}

/* Of a whole configuration all must be right; a workload section alone will do, too. */
static int generate(const struct output_options *options)
{
    struct error error = {0};
    struct trace_workload section;
    bool alone = false;
    const char *const *overrides = (const char *const *)options->overrides.assignments;
    if (strcmp(options->input_path, "-") != 0 &&
        !trace_workload_load_section(&section, options->input_path, overrides,
                                     options->overrides.count, &alone, &error))
        return command_fail(&error);
    if (alone) {
        const bool done = write_trace(&section.workload, section.seed, options, &error);
        trace_workload_fini(&section);
        return done ? 0 : command_fail(&error);
    }
    struct experiment_config config;
    if (!options_load_config(&config, options->input_path, &options->overrides, &error))
        return command_fail(&error);
    bool done = write_trace(&config.workload, config.seed, options, &error);
    experiment_config_fini(&config);
    return done ? 0 : command_fail(&error);
}

static int convert(const struct output_options *options)
{
    struct error error = {0};
    struct trace_workload trace;
    if (!trace_workload_load(&trace, options->input_path,
                             (const char *const *)options->overrides.assignments,
                             options->overrides.count, &error))
        return command_fail(&error);
    bool done = write_trace(&trace.workload, trace.seed, options, &error);
    trace_workload_fini(&trace);
    return done ? 0 : command_fail(&error);
}

static int run(int argc, char **argv, const char *wanted,
               int (*write)(const struct output_options *options))
{
    struct output_options options = {.output_path = "-"};
    int status = overrides_init(&options.overrides, argc)
                     ? parse_options(argc, argv, wanted, &options)
                     : command_out_of_memory();
    if (status == 0)
        status = options.help ? command_print_help("trace") : write(&options);
    overrides_fini(&options.overrides);
    return status;
}

int trace_generate(int argc, char **argv)
{
    return run(argc, argv, "configuration", generate);
}

int trace_convert(int argc, char **argv)
{
    return run(argc, argv, "trace", convert);
}
