/* llmsim trace fit: a workload section whose generator is like a trace. */
#include "trace_fit.h"

#include "commands.h"
#include "options.h"
#include "output_file.h"
#include "progress.h"
#include "trace_commands.h"
#include "trace_format.h"
#include "trace_workload.h"
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct fit_options {
    const char *path, *output_path;
    struct overrides overrides;
    bool help;
};

static int parse_options(int argc, char **argv, struct fit_options *options)
{
    enum { SEED = 256 };
    static const struct option known[] = {
        {"set", required_argument, NULL, 's'},
        {"seed", required_argument, NULL, SEED},
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    opterr = 0;
    optind = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, ":s:o:h", known, NULL)) != -1) {
        if ((option == 's' && !overrides_add(&options->overrides, "", optarg)) ||
            (option == SEED && !overrides_add(&options->overrides, "seed=", optarg)))
            return command_out_of_memory();
        if (option == 'o')
            options->output_path = optarg;
        else if (option == 'h')
            options->help = true;
        else if (option == ':' || option == '?')
            return command_misuse_option("trace", option, argv);
    }
    if (options->help)
        return 0;
    if (argc - optind != 1)
        return command_misuse("trace", "fit: one trace is wanted, not %d", argc - optind);
    options->path = argv[optind];
    return 0;
}

static bool read_workload(const struct trace_workload *trace, struct fit_workload *workload,
                          const struct trace_format **format, struct error *error)
{
    struct request_source source = {0};
    if (!workload_open(&trace->workload, (uint64_t)trace->seed, &source, error))
        return false;
    const bool done =
        fit_requests_read(&workload->requests, &source, progress_show, &workload->report, error);
    progress_clear();
    const struct source_left_out left_out = source.left_out(source.state);
    if (done)
        options_warn_of_left_out(&left_out);
    *format = source.trace_format;
    source.destroy(source.state);
    return done;
}

/* The section as text, which the caller frees; NULL with *error filled. */
static char *fit_section(struct fit_workload *original, struct error *error)
{
    struct trace_fit fit;
    char *section = NULL;
    size_t size = 0;
    if (!trace_fit_find(&fit, &original->requests, error))
        return NULL;
    FILE *stream = open_memstream(&section, &size);
    if (stream != NULL)
        trace_fit_print(&fit, stream);
    if (stream == NULL || fclose(stream) != 0) {
        free(section);
        section = NULL;
        error_run(error, "out of memory");
    }
    trace_fit_fini(&fit);
    return section;
}

/* The section with what there is to say of it above. */
static bool write_section(const struct fit_options *options, const char *section,
                          const struct fit_workload *original, const struct fit_workload *generated,
                          const char *format, struct error *error)
{
    struct output_file output = {0};
    if (output_file_same(options->output_path, options->path))
        return error_input(error, NULL, "%s: would overwrite the trace, which is read",
                           options->output_path);
    if (!output_file_open(&output, options->output_path, error))
        return false;
    /* A comment is one line, whatever the file's name is: as an error's text. */
    struct error name = {0};
    error_input(&name, NULL, "%s", options->path);
    fprintf(output.stream, "# Fitted by llmsim trace fit to %s (%s)%s.\n", name.text, format,
            original->requests.cut ? ", of which it read the first million requests" : "");
    fputs("# What the trace is like, and what this section generates with seed 0:\n",
          output.stream);
    trace_fit_print_goodness(original, generated, output.stream);
    fputs(section, output.stream);
    const bool done = output_files_commit(&output, 1, error);
    output_file_discard(&output);
    return done;
}

/* Fit a section, and generate what it says. */
static bool fit_workload(const struct fit_options *options, struct fit_workload *original,
                         const char *format, struct error *error)
{
    struct trace_workload fitted;
    struct fit_workload generated = {0};
    const struct trace_format *none = NULL;
    char *section = fit_section(original, error);
    if (section == NULL || !trace_workload_read(&fitted, "the fitted section", section, error)) {
        free(section);
        return false;
    }
    const bool done = read_workload(&fitted, &generated, &none, error) &&
                      write_section(options, section, original, &generated, format, error);
    fit_requests_fini(&generated.requests);
    trace_workload_fini(&fitted);
    free(section);
    return done;
}

static bool fit_trace(const struct fit_options *options, const struct trace_workload *trace,
                      struct error *error)
{
    struct fit_workload original = {0};
    const struct trace_format *format = NULL;
    const bool done = read_workload(trace, &original, &format, error) &&
                      fit_workload(options, &original, format->name, error);
    fit_requests_fini(&original.requests);
    return done;
}

static int fit_file(const struct fit_options *options)
{
    struct error error = {0};
    struct trace_workload trace;
    if (!trace_workload_load(&trace, options->path,
                             (const char *const *)options->overrides.assignments,
                             options->overrides.count, &error))
        return command_fail(&error);
    const bool done = fit_trace(options, &trace, &error);
    trace_workload_fini(&trace);
    return done ? 0 : command_fail(&error);
}

int trace_fit(int argc, char **argv)
{
    struct fit_options options = {.output_path = "-"};
    int status = overrides_init(&options.overrides, argc) ? parse_options(argc, argv, &options)
                                                          : command_out_of_memory();
    if (status == 0)
        status = options.help ? command_print_help("trace") : fit_file(&options);
    overrides_fini(&options.overrides);
    return status;
}
