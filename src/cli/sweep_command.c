#include "sweep_command.h"

#include "commands.h"
#include "llmsim_results.h"
#include "output_file.h"
#include "progress.h"
#include "sweep_group.h"
#include "sweep_journal.h"
#include "sweep_page.h"
#include "sweep_trade_off.h"
#include <string.h>

/* Where rows go, and what is counted of them. */
struct telling {
    struct sweep_journal journal;
    size_t told, failed;
    bool quiet;
};

static bool tell_row(void *context, size_t run, const char *line, bool failed)
{
    struct telling *telling = context;
    telling->told++;
    telling->failed += failed;
    if (!telling->quiet)
        progress_show((double)telling->told / (double)telling->journal.wanted_runs);
    return sweep_journal_add(&telling->journal, run, line);
}

static bool is_json(const char *path)
{
    const char *suffix = path != NULL ? strrchr(path, '.') : NULL;
    return suffix != NULL && (strcmp(suffix, ".jsonl") == 0 || strcmp(suffix, ".json") == 0);
}

static void warn(const struct sweep_warnings *warnings)
{
    for (size_t i = 0; i < warnings->count; i++)
        command_warn(warnings->texts[i]);
    char text[64];
    snprintf(text, sizeof text, "%lld more, of some runs", (long long)warnings->others);
    if (warnings->others > 0)
        command_warn(text);
}

static bool has_table(const struct sweep_command *command)
{
    return !sweep_to_stdout(command->output_path) &&
           (command->html_path == NULL || !sweep_to_stdout(command->html_path));
}

/* Before anything is run for it. */
static bool check_stdout(const struct sweep_command *command, struct error *error)
{
    if (command->html_path != NULL && sweep_to_stdout(command->html_path) &&
        sweep_to_stdout(command->output_path))
        return error_input(error, NULL, "stdout cannot hold both the rows and the page");
    return options_check_chart(command->chart, has_table(command), error);
}

/* The result, whole: rows in their file, and then the front on stdout; or the rows there. */
static bool print_results(struct sweep_journal *journal, const struct sweep_command *command,
                          struct error *error)
{
    enum { ROWS, PAGE, TABLE, COUNT };
    struct output_file outputs[COUNT] = {0};
    const char *path = command->output_path, *page = command->html_path;
    const bool table = has_table(command);
    bool done = output_file_open(&outputs[ROWS], sweep_to_stdout(path) ? "-" : path, error) &&
                (page == NULL || output_file_open(&outputs[PAGE], page, error));
    done = done && sweep_journal_print(journal, is_json(path), outputs[ROWS].stream, error) &&
           (page == NULL || sweep_page_write(journal, outputs[PAGE].stream, error)) &&
           (!table ||
            (output_file_open(&outputs[TABLE], "-", error) &&
             sweep_trade_off_print(journal, command->chart, outputs[TABLE].stream, error))) &&
           output_files_commit(outputs, COUNT, error);
    for (int i = 0; i < COUNT; i++)
        output_file_discard(&outputs[i]);
    return done;
}

/* Whether either output would overwrite a file. */
static bool spares(const struct sweep_command *command, const char *read, struct error *error)
{
    const char *const written[] = {command->output_path, command->html_path};
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        if (written[i] != NULL && read != NULL && output_file_same(written[i], read))
            return error_input(error, NULL, "%s: would overwrite %s, which is read", written[i],
                               read);
    }
    return true;
}

/* The base's trace, as long as no axis says otherwise; a base that is wrong by itself has none. */
static bool spares_trace(const struct sweep_command *command, const struct sweep_plan *plan,
                         struct error *error)
{
    struct llmsim_error ignored;
    struct llmsim *base = llmsim_create(plan->base, options_find_configs());
    bool done = base != NULL || error_run(error, "out of memory");
    for (size_t i = 0; done && i < command->overrides.count; i++)
        done = llmsim_assign(base, command->overrides.assignments[i]) ||
               error_run(error, "out of memory");
    if (done && llmsim_load(base, &ignored))
        done = spares(command, llmsim_config(base)->workload.trace, error);
    llmsim_destroy(base);
    return done;
}

/* A page that cannot be written is told before anything is run for it. */
static bool check_page(const struct sweep_command *command, struct error *error)
{
    struct output_file page = {0};
    if (command->html_path == NULL || sweep_to_stdout(command->html_path))
        return true;
    const bool done = output_file_open(&page, command->html_path, error);
    output_file_discard(&page);
    return done;
}

/* What is read is not written. */
static bool check_outputs(const struct sweep_command *command, const struct sweep_plan *plan,
                          struct error *error)
{
    return spares(command, command->plan_path, error) && spares(command, plan->base, error) &&
           spares_trace(command, plan, error) && check_page(command, error);
}

static bool finish(struct sweep_journal *journal, const struct sweep_command *command,
                   struct error *error)
{
    if (command->shards > 1)
        return sweep_journal_keep(journal, error);
    if (!print_results(journal, command, error))
        return false;
    sweep_journal_remove(journal);
    return true;
}

static bool merge(const struct sweep_command *command, struct error *error)
{
    struct sweep_journal journal = {0};
    bool done = check_stdout(command, error);
    for (size_t i = 0; done && i < command->merged_count; i++)
        done = spares(command, command->merged[i], error);
    done = done && sweep_journal_merge(&journal, command->merged, command->merged_count, error) &&
           finish(&journal, command, error);
    sweep_journal_close(&journal);
    return done;
}

/* All ranks of the group carry out the runs. */
static bool carry_out(const struct sweep_group *group, const struct sweep_plan *plan,
                      const struct sweep_command *command, struct telling *telling,
                      struct error *error)
{
    struct sweep_warnings warnings = {0};
    const struct sweep_options options = {
        .overrides = (const char *const *)command->overrides.assignments,
        .override_count = command->overrides.count,
        .config_directory = options_find_configs(),
        .threads = command->threads,
        .wanted = telling->journal.wanted,
        .capacity = command->capacity,
        .row = tell_row,
        .context = telling,
    };
    const size_t done_before = telling->journal.done_runs;
    const double start_s = progress_clock_s();
    const bool done = sweep_group_run(group, plan, &options, &warnings, error);
    if (group->rank > 0)
        return done;
    progress_clear();
    if (!done)
        return error->kind != ERROR_NONE || error_run(error, "the results cannot be written");
    if (!finish(&telling->journal, command, error))
        return false;
    warn(&warnings);
    if (!command->quiet)
        fprintf(stderr, "%zu runs (%zu done before), %zu failed, in %.3f s\n",
                telling->told + done_before, done_before, telling->failed,
                progress_clock_s() - start_s);
    return true;
}

/* All that the rows hang on beside the plan. */
static void describe_study(const struct sweep_command *command, char study[96])
{
    const struct capacity_options *capacity = command->capacity;
    if (capacity == NULL)
        snprintf(study, 96, "run");
    else
        snprintf(study, 96, "capacity %.9g %.9g %d", capacity->precision, capacity->load,
                 capacity->max_runs);
}

/* Rank 0 keeps the journal; the others only run. */
static int sweep_together(const struct sweep_group *group, const struct sweep_command *command)
{
    struct error error = {0};
    struct sweep_plan plan = {0};
    struct telling telling = {.quiet = command->quiet};
    int first_failed = 0;
    char study[96];
    describe_study(command, study);
    const struct sweep_journal_options journal = {
        .study = study,
        .capacity = command->capacity != NULL,
        .path = command->output_path,
        .resume = command->resume,
        .shard = command->shard,
        .shards = command->shards,
        .overrides = (const char *const *)command->overrides.assignments,
        .override_count = command->overrides.count};
    const bool ready = sweep_plan_read(&plan, command->plan_path, &error) &&
                       (group->rank > 0 ||
                        (check_stdout(command, &error) && check_outputs(command, &plan, &error) &&
                         sweep_journal_open(&telling.journal, &plan, &journal, &error)));
    const bool all_ready = sweep_group_agree(group, ready, &first_failed);
    const bool done =
        all_ready && carry_out(group, &plan, command, &telling, &error) && error.kind == ERROR_NONE;
    sweep_journal_close(&telling.journal);
    sweep_plan_fini(&plan);
    if (done)
        return 0;
    /* One line for all of them. */
    return all_ready || first_failed == group->rank ? command_fail(&error) : ERROR_INPUT;
}

int sweep_command_run(const struct sweep_command *command)
{
    struct error error = {0};
    struct sweep_group group;
    command_keep_memory();
    if (command->merge)
        return merge(command, &error) ? 0 : command_fail(&error);
    const int status =
        sweep_group_join(&group, &error) ? sweep_together(&group, command) : command_fail(&error);
    sweep_group_leave(&group);
    return status;
}
