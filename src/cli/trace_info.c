/* llmsim trace info: what can be said of a trace without serving it. */
#include "commands.h"

#include "options.h"
#include "output_file.h"
#include "progress.h"
#include "trace_commands.h"
#include "trace_format.h"
#include "trace_statistics.h"
#include "trace_workload.h"
#include <getopt.h>
#include <string.h>

struct info_options {
    const char *path, *json_path;
    struct overrides overrides;
    bool help;
};

static int parse_options(int argc, char **argv, struct info_options *options)
{
    enum { JSON = 256, SEED };
    static const struct option known[] = {
        {"set", required_argument, NULL, 's'},
        {"seed", required_argument, NULL, SEED},
        {"json", required_argument, NULL, JSON},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    optind = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, ":s:h", known, NULL)) != -1) {
        if ((option == 's' && !overrides_add(&options->overrides, "", optarg)) ||
            (option == SEED && !overrides_add(&options->overrides, "seed=", optarg)))
            return command_out_of_memory();
        if (option == JSON)
            options->json_path = optarg;
        else if (option == 'h')
            options->help = true;
        else if (option == ':' || option == '?')
            return command_misuse_option("trace", option, argv);
    }
    if (options->help)
        return 0;
    if (argc - optind != 1)
        return command_misuse("trace", "info: one trace is wanted, not %d", argc - optind);
    options->path = argv[optind];
    return 0;
}

/* The table to stdout, unless the JSON goes there. */
static bool write_report(const struct info_options *options, const struct trace_report *report,
                         struct error *error)
{
    struct output_file json = {0};
    if (options->json_path == NULL) {
        trace_print_text(report, stdout);
        return true;
    }
    if (output_file_same(options->json_path, options->path))
        return error_input(error, NULL, "%s: would overwrite the trace, which is read",
                           options->json_path);
    if (!output_file_open(&json, options->json_path, error))
        return false;
    if (json.stream != stdout)
        trace_print_text(report, stdout);
    bool done = trace_print_json(report, json.stream) || error_run(error, "out of memory");
    done = done && output_files_commit(&json, 1, error);
    output_file_discard(&json);
    return done;
}

static bool inspect(const struct info_options *options, const struct trace_workload *trace,
                    struct error *error)
{
    struct request_source source = {0};
    struct trace_report report;
    if (!workload_open(&trace->workload, (uint64_t)trace->seed, &source, error))
        return false;
    bool done = trace_statistics_collect(&source, progress_show, &report, error);
    progress_clear();
    if (done) {
        const struct trace_format *format = source.trace_format;
        report.path = options->path;
        report.format = format->name;
        report.format_summary = format->summary;
        done = write_report(options, &report, error);
    }
    source.destroy(source.state);
    return done;
}

static int info(const struct info_options *options)
{
    struct error error = {0};
    struct trace_workload trace;
    if (!trace_workload_load(&trace, options->path,
                             (const char *const *)options->overrides.assignments,
                             options->overrides.count, &error))
        return command_fail(&error);
    const bool done = inspect(options, &trace, &error);
    trace_workload_fini(&trace);
    return done ? command_finish_stdout() : command_fail(&error);
}

int trace_info(int argc, char **argv)
{
    struct info_options options = {0};
    int status = overrides_init(&options.overrides, argc) ? parse_options(argc, argv, &options)
                                                          : command_out_of_memory();
    if (status == 0)
        status = options.help ? command_print_help("trace") : info(&options);
    overrides_fini(&options.overrides);
    return status;
}
