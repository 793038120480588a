/* The subcommands of llmsim trace. Each returns the process's exit status, as commands do. */
#ifndef LLMSIM_CLI_TRACE_COMMANDS_H
#define LLMSIM_CLI_TRACE_COMMANDS_H

#include "options.h"

struct trace_format;

/* What the command line says. */
struct trace_arguments {
    const char *input_path;
    const char *output_path;           /* --output; "-": stdout */
    const char *json_path;             /* --json; NULL: no JSON */
    const struct trace_format *format; /* --format, which can be written */
    struct overrides overrides;
};

int trace_info(const struct trace_arguments *arguments);
int trace_fit(const struct trace_arguments *arguments);
int trace_convert(const struct trace_arguments *arguments);
int trace_generate(const struct trace_arguments *arguments);

#endif
