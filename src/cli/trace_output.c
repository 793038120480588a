/* llmsim trace generate, llmsim trace convert: a workload, written down as a trace. */
#include "commands.h"
#include "options.h"
#include "output_file.h"
#include "progress.h"
#include "trace_commands.h"
#include "trace_workload.h"
#include "trace_writer.h"

#include <inttypes.h>
#include <string.h>

/* What the requests had and the trace has not. */
static void warn_of_losses(const struct trace_losses *losses, const struct trace_format *format)
{
    char lost[256], text[512];
    if (trace_losses_describe(losses, format, lost, sizeof lost)) {
        snprintf(text, sizeof text, "lost, since %s does not hold it: %s", format->name, lost);
        command_warn(text);
    }
    if (trace_inventions_describe(losses, lost, sizeof lost)) {
        snprintf(text, sizeof text, "invented, since %s must have it: %s", format->name, lost);
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

static bool write_source(struct request_source *source, const struct trace_arguments *arguments,
                         struct error *error)
{
    struct output_file output;
    struct trace_losses losses;
    if (!output_file_open(&output, arguments->output_path, error))
        return false;
    int64_t written =
        trace_write(source, arguments->format, output.stream, progress_show, &losses, error);
    progress_clear();
    bool done = written >= 0 && output_files_commit(&output, 1, error);
    if (done) {
        fprintf(stderr, "%" PRId64 " requests\n", written);
        warn_of_losses(&losses, arguments->format);
        const struct source_left_out left_out = source->left_out(source->state);
        options_warn_of_left_out(&left_out);
    }
    output_file_discard(&output);
    return done;
}

static bool write_trace(const struct workload_config *workload, int64_t seed,
                        const struct trace_arguments *arguments, struct error *error)
{
    struct request_source source = {0};
    if (!workload_open(workload, (uint64_t)seed, &source, error))
        return false;
    bool done =
        options_check_output(arguments->output_path, workload, arguments->input_path, error) &&
        write_source(&source, arguments, error);
    source.destroy(source.state);
    return done;
}

/* Of a whole configuration all must be right; a workload section alone will do, too. */
bool trace_generate(const struct trace_arguments *arguments, struct error *error)
{
    struct trace_workload section;
    bool alone = false;
    const char *const *overrides = (const char *const *)arguments->overrides.assignments;
    if (strcmp(arguments->input_path, "-") != 0 &&
        !trace_workload_load_section(&section, arguments->input_path, overrides,
                                     arguments->overrides.count, &alone, error))
        return false;
    if (alone) {
        const bool done = write_trace(&section.workload, section.seed, arguments, error);
        trace_workload_fini(&section);
        return done;
    }
    struct experiment_config config;
    if (!options_load_config(&config, arguments->input_path, &arguments->overrides, error))
        return false;
    bool done = write_trace(&config.workload, config.seed, arguments, error);
    experiment_config_fini(&config);
    return done;
}

bool trace_convert(const struct trace_arguments *arguments, const struct trace_workload *trace,
                   struct error *error)
{
    return write_trace(&trace->workload, trace->seed, arguments, error);
}
