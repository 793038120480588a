/* llmsim sweep: a configuration with other values of its keys, every combination a run. */
#include "commands.h"

#include "options.h"
#include "output_file.h"
#include "progress.h"
#include "sweep_group.h"
#include "sweep_journal.h"
#include "sweep_trade_off.h"
#include "units.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sweep_command {
    const char *plan_path, *output_path;
    char **merged; /* with --merge: count of them, instead of a plan */
    size_t merged_count;
    struct overrides overrides;
    int threads;
    size_t shard, shards; /* 0 … shards − 1 */
    bool merge, resume, quiet, help;
};

/* "4"; 0 is refused. */
static bool parse_threads(const char *text, int *threads)
{
    double value = 0.0;
    if (units_parse(text, UNIT_NONE, &value) != UNITS_OK || value != (int)value || value < 1.0 ||
        value > SWEEP_MAX_THREADS)
        return false;
    *threads = (int)value;
    return true;
}

/* "3/8": the third of eight. */
static bool parse_shard(const char *text, struct sweep_command *command)
{
    int shard = 0, shards = 0, end = 0;
    if (sscanf(text, "%9d/%9d%n", &shard, &shards, &end) != 2 || text[end] != '\0' || shard < 1 ||
        shard > shards)
        return false;
    command->shard = (size_t)shard - 1;
    command->shards = (size_t)shards;
    return true;
}

static bool is_stdout(const char *path)
{
    return path == NULL || strcmp(path, "-") == 0;
}

static int check_options(int argc, char **argv, struct sweep_command *command)
{
    if (command->merge) {
        command->merged = &argv[optind];
        command->merged_count = (size_t)(argc - optind);
        if (argc == optind)
            return command_misuse("sweep", "--merge of no files");
        if (command->resume || command->shards > 1 || command->overrides.count > 0)
            return command_misuse("sweep", "--merge runs nothing: it takes files and -o");
        return 0;
    }
    if (argc - optind != 1)
        return command_misuse("sweep",
                              argc == optind ? "no sweep given" : "more than one sweep given");
    if (command->resume && is_stdout(command->output_path))
        return command_misuse("sweep", "--resume needs -o FILE, what is to be gone on with");
    if (command->shards > 1 && is_stdout(command->output_path))
        return command_misuse("sweep", "--shard needs -o FILE, to be merged");
    command->plan_path = argv[optind];
    return 0;
}

static int parse_options(int argc, char **argv, struct sweep_command *command)
{
    enum { SEED = 256, RESUME, SHARD, MERGE };
    static const struct option known[] = {
        {"set", required_argument, NULL, 's'},  {"seed", required_argument, NULL, SEED},
        {"jobs", required_argument, NULL, 'j'}, {"output", required_argument, NULL, 'o'},
        {"resume", no_argument, NULL, RESUME},  {"shard", required_argument, NULL, SHARD},
        {"merge", no_argument, NULL, MERGE},    {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0},
    };
    opterr = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, ":s:j:o:qh", known, NULL)) != -1) {
        if ((option == 's' && !overrides_add(&command->overrides, "", optarg)) ||
            (option == SEED && !overrides_add(&command->overrides, "seed=", optarg)))
            return command_out_of_memory();
        if (option == 'j' && !parse_threads(optarg, &command->threads))
            return command_misuse("sweep", "-j %s: 1 to %d runs at a time", optarg,
                                  SWEEP_MAX_THREADS);
        if (option == SHARD && !parse_shard(optarg, command))
            return command_misuse("sweep", "--shard %s: K/N, from 1/N to N/N", optarg);
        if (option == 'o')
            command->output_path = optarg;
        else if (option == RESUME)
            command->resume = true;
        else if (option == MERGE)
            command->merge = true;
        else if (option == 'q')
            command->quiet = true;
        else if (option == 'h')
            command->help = true;
        else if (option == ':' || option == '?')
            return command_misuse_option("sweep", option, argv);
    }
    return command->help ? 0 : check_options(argc, argv, command);
}

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

/* The result, whole: rows in its file, and then the front on stdout; or the rows there. */
static bool print_results(struct sweep_journal *journal, const char *output_path,
                          struct error *error)
{
    struct output_file outputs[2] = {0};
    const bool table = !is_stdout(output_path);
    const bool done =
        output_file_open(&outputs[0], table ? output_path : "-", error) &&
        sweep_journal_print(journal, is_json(output_path), outputs[0].stream, error) &&
        (!table || (output_file_open(&outputs[1], "-", error) &&
                    sweep_trade_off_print(journal, outputs[1].stream, error))) &&
        output_files_commit(outputs, 2, error);
    for (int i = 0; i < 2; i++)
        output_file_discard(&outputs[i]);
    return done;
}

static bool finish(struct sweep_journal *journal, const struct sweep_command *command,
                   struct error *error)
{
    if (command->shards > 1)
        return sweep_journal_keep(journal, error);
    if (!print_results(journal, command->output_path, error))
        return false;
    sweep_journal_remove(journal);
    return true;
}

static bool merge(const struct sweep_command *command, struct error *error)
{
    struct sweep_journal journal;
    const bool done =
        sweep_journal_merge(&journal, command->merged, command->merged_count, error) &&
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

/* Rank 0 keeps the journal; the others only run. */
static int sweep_together(const struct sweep_group *group, const struct sweep_command *command)
{
    struct error error = {0};
    struct sweep_plan plan = {0};
    struct telling telling = {.quiet = command->quiet};
    int first_failed = 0;
    const struct sweep_journal_options journal = {
        .path = command->output_path,
        .resume = command->resume,
        .shard = command->shard,
        .shards = command->shards,
        .overrides = (const char *const *)command->overrides.assignments,
        .override_count = command->overrides.count};
    const bool ready =
        sweep_plan_read(&plan, command->plan_path, &error) &&
        (group->rank > 0 || sweep_journal_open(&telling.journal, &plan, &journal, &error));
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

static int sweep_with(const struct sweep_command *command)
{
    struct error error = {0};
    struct sweep_group group;
    if (command->merge)
        return merge(command, &error) ? 0 : command_fail(&error);
    const int status =
        sweep_group_join(&group, &error) ? sweep_together(&group, command) : command_fail(&error);
    sweep_group_leave(&group);
    return status;
}

int command_sweep(int argc, char **argv)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct sweep_command command = {.shards = 1,
                                    .threads = cores < 1                   ? 1
                                               : cores > SWEEP_MAX_THREADS ? SWEEP_MAX_THREADS
                                                                           : (int)cores};
    int status = overrides_init(&command.overrides, argc) ? parse_options(argc, argv, &command)
                                                          : command_out_of_memory();
    if (status == 0 && command.help)
        status = command_print_help("sweep");
    else if (status == 0)
        status = sweep_with(&command);
    overrides_fini(&command.overrides);
    return status;
}
