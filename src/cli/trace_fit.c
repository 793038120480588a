/* llmsim trace fit: a workload section whose generator is like a trace. */
#include "trace_fit.h"

#include "options.h"
#include "output_file.h"
#include "progress.h"
#include "trace_commands.h"
#include "trace_format.h"
#include "trace_workload.h"
#include <stdlib.h>

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

/* What a generator could do, and a fit does not find. */
static void print_not_fitted(const struct trace_report *report, FILE *stream)
{
    const bool classes = trace_report_has_classes(report);
    const bool priorities = trace_report_has_priorities(report);
    const bool clients = report->clients.requests > 0;
    if (classes || priorities || clients)
        fprintf(stream, "# Not fitted, though the trace has them:%s%s%s.\n",
                classes ? " classes" : "", priorities ? " priorities" : "",
                clients ? " clients" : "");
}

/* The section with what there is to say of it above. */
static bool write_section(const struct trace_arguments *arguments, const char *section,
                          const struct fit_workload *original, const struct fit_workload *generated,
                          const char *format, struct error *error)
{
    struct output_file output = {0};
    if (output_file_same(arguments->output_path, arguments->input_path))
        return error_input(error, NULL, "%s: would overwrite the trace, which is read",
                           arguments->output_path);
    if (!output_file_open(&output, arguments->output_path, error))
        return false;
    /* A comment is one line, whatever the file's name is: as an error's text. */
    struct error name = {0};
    error_input(&name, NULL, "%s", arguments->input_path);
    fprintf(output.stream, "# Fitted by llmsim trace fit to %s (%s)%s.\n", name.text, format,
            original->requests.cut ? ", of which it read the first million requests" : "");
    print_not_fitted(&original->report, output.stream);
    fputs("# What the trace is like, and what this section generates with seed 0:\n",
          output.stream);
    trace_fit_print_goodness(original, generated, output.stream);
    fputs(section, output.stream);
    const bool done = output_files_commit(&output, 1, error);
    output_file_discard(&output);
    return done;
}

/* Fit a section, and generate what it says. */
static bool fit_workload(const struct trace_arguments *arguments, struct fit_workload *original,
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
                      write_section(arguments, section, original, &generated, format, error);
    fit_requests_fini(&generated.requests);
    trace_workload_fini(&fitted);
    free(section);
    return done;
}

bool trace_fit(const struct trace_arguments *arguments, const struct trace_workload *trace,
               struct error *error)
{
    struct fit_workload original = {0};
    const struct trace_format *format = NULL;
    const bool done = read_workload(trace, &original, &format, error) &&
                      fit_workload(arguments, &original, format->name, error);
    fit_requests_fini(&original.requests);
    return done;
}
