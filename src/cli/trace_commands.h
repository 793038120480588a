/* The subcommands of llmsim trace. Each returns false with *error filled when it fails. */
#ifndef LLMSIM_CLI_TRACE_COMMANDS_H
#define LLMSIM_CLI_TRACE_COMMANDS_H

#include "options.h"

struct trace_format;
struct trace_workload;

/* What the command line says. */
struct trace_arguments {
    const char *input_path;
    const char *output_path;           /* --output; "-": stdout */
    const char *json_path;             /* --json; NULL: no JSON */
    const struct trace_format *format; /* --format, which can be written */
    struct overrides overrides;
};

/* Of the workload that the input is as a trace. */
bool trace_info(const struct trace_arguments *arguments, const struct trace_workload *trace,
                struct error *error);
bool trace_fit(const struct trace_arguments *arguments, const struct trace_workload *trace,
               struct error *error);
bool trace_convert(const struct trace_arguments *arguments, const struct trace_workload *trace,
                   struct error *error);

/* Of that of a configuration. */
bool trace_generate(const struct trace_arguments *arguments, struct error *error);

#endif
