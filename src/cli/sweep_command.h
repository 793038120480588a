/* A sweep, as `llmsim sweep` and `llmsim capacity` carry it out. */
#ifndef LLMSIM_CLI_SWEEP_COMMAND_H
#define LLMSIM_CLI_SWEEP_COMMAND_H

#include "capacity.h"
#include "options.h"
#include <string.h>

struct sweep_command {
    const char *plan_path, *output_path, *html_path;
    char **merged; /* with --merge: count of them, instead of a plan */
    size_t merged_count;
    struct overrides overrides;
    int threads;
    size_t shard, shards;                    /* 0 … shards − 1 */
    const struct capacity_options *capacity; /* of each combination; NULL: a run of each */
    bool merge, resume, chart, quiet, help;
};

/* Whether an output of this path goes there. */
static inline bool sweep_to_stdout(const char *path)
{
    return path == NULL || strcmp(path, "-") == 0;
}

/* As many runs at a time as there are cores, of all combinations. False when memory cannot be had. */
bool sweep_command_init(struct sweep_command *command, int argc);

/* "-j", "-o", "--shard" and their like: the options of both. */
enum sweep_option {
    SWEEP_SEED = 256,
    SWEEP_RESUME,
    SWEEP_SHARD,
    SWEEP_MERGE,
    SWEEP_HTML,
    SWEEP_CHART,
    SWEEP_OPTION_COUNT, /* others begin here */
};
#define SWEEP_SHORT_OPTIONS ":s:j:o:qh"
#define SWEEP_LONG_OPTIONS                                                                         \
    {"set", required_argument, NULL, 's'}, {"seed", required_argument, NULL, SWEEP_SEED},          \
        {"jobs", required_argument, NULL, 'j'}, {"output", required_argument, NULL, 'o'},          \
        {"resume", no_argument, NULL, SWEEP_RESUME},                                               \
        {"shard", required_argument, NULL, SWEEP_SHARD},                                           \
        {"merge", no_argument, NULL, SWEEP_MERGE}, {"html", required_argument, NULL, SWEEP_HTML},  \
        {"chart", no_argument, NULL, SWEEP_CHART}, {"quiet", no_argument, NULL, 'q'},              \
    {                                                                                              \
        "help", no_argument, NULL, 'h'                                                             \
    }

/* Take one of them, as getopt_long has returned it for the command of that name; 0, or the exit status
 * of a command line that is wrong. */
int sweep_command_take(struct sweep_command *command, const char *name, int option, char **argv);

/* What is left of the command line, argv[0] being the first: the plan, or the files to be merged. */
int sweep_command_end(struct sweep_command *command, const char *name, int argc, char **argv);

/* Do it; the exit status. */
int sweep_command_run(const struct sweep_command *command);

#endif
