#include "options.h"

#include "commands.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool overrides_init(struct overrides *overrides, int argc)
{
    overrides->count = 0;
    overrides->assignments = calloc((size_t)argc + 1, sizeof *overrides->assignments);
    return overrides->assignments != NULL;
}

void overrides_fini(struct overrides *overrides)
{
    for (size_t i = 0; i < overrides->count; i++)
        free(overrides->assignments[i]);
    free(overrides->assignments);
}

bool overrides_add(struct overrides *overrides, const char *prefix, const char *text)
{
    char *assignment = NULL;
    if (asprintf(&assignment, "%s%s", prefix, text) < 0)
        return false;
    overrides->assignments[overrides->count++] = assignment;
    return true;
}

const char *options_find_configs(void)
{
    static char path[4096];
    const char *told = getenv("LLMSIM_CONFIGS");
    if (told != NULL && *told != '\0')
        return told;
    static const char *const places[] = {"/../configs", "/../share/llmsim/configs"};
    char program[2048];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0)
        return NULL;
    program[length] = '\0';
    char *slash = strrchr(program, '/');
    if (slash != NULL)
        *slash = '\0';
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%s%s", program, places[i]);
        if (access(path, R_OK | X_OK) == 0)
            return path;
    }
    return NULL;
}

bool options_load_config(struct experiment_config *config, const char *path,
                         const struct overrides *overrides, struct error *error)
{
    return experiment_config_load(config, path, (const char *const *)overrides->assignments,
                                  overrides->count, options_find_configs(), &command_warnings,
                                  error);
}

bool options_load_accelerator(struct experiment_config *config, const char *name,
                              const struct overrides *overrides, struct error *error)
{
    return experiment_config_load_accelerator(config, name,
                                              (const char *const *)overrides->assignments,
                                              overrides->count, options_find_configs(), error);
}

static bool check_output(const char *path, const char *const *read, size_t count,
                         struct error *error)
{
    for (size_t i = 0; i < count; i++) {
        if (read[i] != NULL && output_file_same(path, read[i]))
            return error_input(error, NULL, "%s: would overwrite %s, which is read", path, read[i]);
    }
    return true;
}

bool options_check_output(const char *path, const struct workload_config *workload,
                          const char *config_path, struct error *error)
{
    const char *const read[] = {config_path, workload->trace};
    return check_output(path, read, sizeof read / sizeof *read, error);
}

/* Two of them may not be the same file, or both stdout. */
static bool is_taken(const struct output_file *outputs, size_t index)
{
    const struct output_file *output = &outputs[index];
    for (size_t i = 0; i < index; i++) {
        const struct output_file *other = &outputs[i];
        bool same =
            output->path != NULL && other->path != NULL && strcmp(output->path, other->path) == 0;
        if (same || (output->stream == stdout && other->stream == stdout))
            return true;
    }
    return false;
}

bool options_open_outputs(const struct options_outputs *wanted, struct output_file *outputs,
                          struct error *error)
{
    bool table = true;
    for (size_t i = 0; i < wanted->count; i++) {
        const char *path = wanted->paths[i];
        if (path == NULL)
            continue;
        if (!check_output(path, wanted->read, wanted->read_count, error) ||
            !output_file_open(&outputs[i], path, error))
            return false;
        if (is_taken(outputs, i))
            return error_input(error, NULL, "%s: cannot hold both of two outputs", path);
        table = table && outputs[i].stream != stdout;
    }
    return !table || output_file_open(&outputs[wanted->count], "-", error);
}

bool options_check_chart(bool wanted, bool has_table, struct error *error)
{
    return !wanted || has_table ||
           error_input(error, NULL, "--chart goes with the table, and stdout holds another output");
}

static void warn_of(const char *what, int64_t count)
{
    if (count <= 0)
        return;
    char text[128];
    snprintf(text, sizeof text, "%s: %" PRId64, what, count);
    command_warn(text);
}

void options_warn_of_left_out(const struct source_left_out *left_out)
{
    warn_of("bad rows of the trace, skipped", left_out->bad_rows);
    warn_of("failed requests of the trace, left out", left_out->failed_requests);
}
