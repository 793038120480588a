/* llmsim sweep: a configuration with other values of its keys, every combination a run. */
#include "commands.h"

#include "options.h"
#include "progress.h"
#include "sweep.h"
#include "sweep_journal.h"
#include "sweep_table.h"
#include "units.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sweep_command {
    const char *plan_path, *output_path;
    struct overrides overrides;
    int threads;
    bool resume, quiet, help;
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

static int parse_options(int argc, char **argv, struct sweep_command *command)
{
    enum { SEED = 256, RESUME };
    static const struct option known[] = {
        {"set", required_argument, NULL, 's'},  {"seed", required_argument, NULL, SEED},
        {"jobs", required_argument, NULL, 'j'}, {"output", required_argument, NULL, 'o'},
        {"resume", no_argument, NULL, RESUME},  {"quiet", no_argument, NULL, 'q'},
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
        if (option == 'o')
            command->output_path = optarg;
        else if (option == RESUME)
            command->resume = true;
        else if (option == 'q')
            command->quiet = true;
        else if (option == 'h')
            command->help = true;
        else if (option == ':' || option == '?')
            return command_misuse_option("sweep", option, argv);
    }
    if (command->help)
        return 0;
    if (argc - optind != 1)
        return command_misuse("sweep",
                              argc == optind ? "no sweep given" : "more than one sweep given");
    if (command->resume && (command->output_path == NULL || strcmp(command->output_path, "-") == 0))
        return command_misuse("sweep", "--resume needs -o FILE, what is to be gone on with");
    command->plan_path = argv[optind];
    return 0;
}

/* Where rows go, and what is counted of them. */
struct telling {
    const struct sweep_plan *plan;
    struct sweep_journal journal;
    bool json, quiet;
    size_t failed;
};

static bool tell_row(void *context, size_t run, const struct summary *summary, const char *failure)
{
    struct telling *telling = context;
    const struct sweep_plan *plan = telling->plan;
    const char *values[SWEEP_MAX_KEYS];
    for (size_t key = 0; key < plan->key_count; key++)
        values[key] = sweep_plan_value(plan, run, key);
    const struct sweep_row row = {run, plan->keys, values, plan->key_count, failure, summary};
    telling->failed += failure != NULL;
    if (telling->json && !sweep_print_json(&row, telling->journal.stream))
        return false;
    if (!telling->json)
        sweep_print_csv(&row, telling->journal.stream);
    if (!telling->quiet)
        progress_show((double)(run + 1) / (double)plan->run_count);
    return sweep_journal_flush(&telling->journal);
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

static bool carry_out(const struct sweep_plan *plan, const struct sweep_command *command,
                      struct telling *telling, struct error *error)
{
    struct sweep_warnings warnings = {0};
    const struct sweep_options options = {
        .overrides = (const char *const *)command->overrides.assignments,
        .override_count = command->overrides.count,
        .config_directory = options_find_configs(),
        .threads = command->threads,
        .first_run = telling->journal.done_runs,
        .row = tell_row,
        .context = telling,
    };
    if (telling->journal.is_new && !telling->json)
        sweep_print_header(plan->keys, plan->key_count, telling->journal.stream);
    const double start_s = progress_clock_s();
    const bool done = sweep_run(plan, &options, &warnings, error) &&
                      sweep_journal_finish(&telling->journal, error);
    progress_clear();
    if (!done)
        return error->kind != ERROR_NONE || error_run(error, "the results cannot be written");
    warn(&warnings);
    if (!command->quiet)
        fprintf(stderr, "%zu runs (%zu done before), %zu failed, in %.3f s\n", plan->run_count,
                options.first_run, telling->failed, progress_clock_s() - start_s);
    return true;
}

static int sweep_with(const struct sweep_command *command)
{
    struct error error = {0};
    struct sweep_plan plan = {0};
    struct telling telling = {
        .plan = &plan, .json = is_json(command->output_path), .quiet = command->quiet};
    const struct sweep_journal_options journal = {
        .path = command->output_path,
        .resume = command->resume,
        .has_header = !telling.json,
        .overrides = (const char *const *)command->overrides.assignments,
        .override_count = command->overrides.count};
    const bool done = sweep_plan_read(&plan, command->plan_path, &error) &&
                      sweep_journal_open(&telling.journal, &plan, &journal, &error) &&
                      carry_out(&plan, command, &telling, &error) && error.kind == ERROR_NONE;
    sweep_journal_close(&telling.journal);
    sweep_plan_fini(&plan);
    return done ? 0 : command_fail(&error);
}

int command_sweep(int argc, char **argv)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct sweep_command command = {.threads = cores < 1                   ? 1
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
