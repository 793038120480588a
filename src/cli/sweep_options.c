#include "sweep_command.h"

#include "commands.h"
#include "sweep.h"
#include "units.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool sweep_command_init(struct sweep_command *command, int argc)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    *command = (struct sweep_command){.shards = 1,
                                      .threads = cores < 1                   ? 1
                                                 : cores > SWEEP_MAX_THREADS ? SWEEP_MAX_THREADS
                                                                             : (int)cores};
    return overrides_init(&command->overrides, argc);
}

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
    char *slash = NULL, *end = NULL;
    const long shard = strtol(text, &slash, 10);
    const long shards = *slash == '/' ? strtol(slash + 1, &end, 10) : 0;
    if (end == NULL || *end != '\0' || shard < 1 || shard > shards || shards > SWEEP_MAX_RUNS)
        return false;
    command->shard = (size_t)shard - 1;
    command->shards = (size_t)shards;
    return true;
}

/* What of the result goes where; of a capacity of one configuration there are no rows. */
static int check_outputs(const struct sweep_command *command, const char *name)
{
    const char *rows = command->output_path, *page = command->html_path;
    if (page != NULL && rows != NULL && strcmp(page, rows) == 0)
        return command_misuse(name, "%s: cannot hold both the rows and the page", rows);
    if (command->shards > 1 && (page != NULL || command->chart))
        return command_misuse(name, "--html and --chart are of all shards: of --merge");
    return 0;
}

int sweep_command_end(struct sweep_command *command, const char *name, int argc, char **argv)
{
    const int status = check_outputs(command, name);
    if (status != 0)
        return status;
    if (command->merge) {
        command->merged = argv;
        command->merged_count = (size_t)argc;
        if (argc == 0)
            return command_misuse(name, "--merge of no files");
        if (command->resume || command->shards > 1 || command->overrides.count > 0)
            return command_misuse(name, "--merge runs nothing: it takes files and -o");
        return 0;
    }
    if (argc != 1)
        return command_misuse(name, argc == 0 ? "no configuration or sweep given"
                                              : "more than one configuration or sweep given");
    if (command->resume && sweep_to_stdout(command->output_path))
        return command_misuse(name, "--resume needs -o FILE, what is to be gone on with");
    if (command->shards > 1 && sweep_to_stdout(command->output_path))
        return command_misuse(name, "--shard needs -o FILE, to be merged");
    command->plan_path = argv[0];
    return 0;
}

int sweep_command_take(struct sweep_command *command, const char *name, int option, char **argv)
{
    if ((option == 's' && !overrides_add(&command->overrides, "", optarg)) ||
        (option == SWEEP_SEED && !overrides_add(&command->overrides, "seed=", optarg)))
        return command_out_of_memory();
    if (option == 'j' && !parse_threads(optarg, &command->threads))
        return command_misuse(name, "-j %s: 1 to %d runs at a time", optarg, SWEEP_MAX_THREADS);
    if (option == SWEEP_SHARD && !parse_shard(optarg, command))
        return command_misuse(name, "--shard %s: K/N, from 1/N to N/N", optarg);
    if (option == 'o')
        command->output_path = optarg;
    else if (option == SWEEP_HTML)
        command->html_path = optarg;
    else if (option == SWEEP_RESUME)
        command->resume = true;
    else if (option == SWEEP_CHART)
        command->chart = true;
    else if (option == SWEEP_MERGE)
        command->merge = true;
    else if (option == 'q')
        command->quiet = true;
    else if (option == 'h')
        command->help = true;
    else if (option == ':' || option == '?')
        return command_misuse_option(name, option, argv);
    return 0;
}
