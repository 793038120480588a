/* llmsim trace info: what can be said of a trace without serving it. */
#include "output_file.h"
#include "progress.h"
#include "trace_commands.h"
#include "trace_format.h"
#include "trace_statistics.h"
#include "trace_workload.h"

/* The table to stdout, unless the JSON goes there. */
static bool write_report(const struct trace_arguments *arguments, const struct trace_report *report,
                         struct error *error)
{
    struct output_file json = {0};
    if (arguments->json_path == NULL) {
        trace_print_text(report, stdout);
        return true;
    }
    if (output_file_same(arguments->json_path, arguments->input_path))
        return error_input(error, NULL, "%s: would overwrite the trace, which is read",
                           arguments->json_path);
    if (!output_file_open(&json, arguments->json_path, error))
        return false;
    if (json.stream != stdout)
        trace_print_text(report, stdout);
    bool done = trace_print_json(report, json.stream) || error_run(error, "out of memory");
    done = done && output_files_commit(&json, 1, error);
    output_file_discard(&json);
    return done;
}

bool trace_info(const struct trace_arguments *arguments, const struct trace_workload *trace,
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
        report.path = arguments->input_path;
        report.format = format->name;
        report.format_summary = format->summary;
        done = write_report(arguments, &report, error);
    }
    source.destroy(source.state);
    return done;
}
