/* llmsim trace: traces made, looked at, turned into one another, and imitated. */
#include "commands.h"

#include "trace_commands.h"
#include "trace_format.h"
#include "trace_workload.h"
#include <getopt.h>
#include <string.h>

enum { FORMAT = 256, JSON, SEED };

/* The options of all subcommands, and of each its own. */
#define OPTION_OUTPUT                                                                              \
    {                                                                                              \
        "output", required_argument, NULL, 'o'                                                     \
    }
#define OPTION_FORMAT                                                                              \
    {                                                                                              \
        "format", required_argument, NULL, FORMAT                                                  \
    }
#define OPTION_JSON                                                                                \
    {                                                                                              \
        "json", required_argument, NULL, JSON                                                      \
    }
#define OPTIONS_OF_ALL                                                                             \
    {"set", required_argument, NULL, 's'}, {"seed", required_argument, NULL, SEED},                \
        {"help", no_argument, NULL, 'h'},                                                          \
    {                                                                                              \
        NULL, 0, NULL, 0                                                                           \
    }

static const struct option info_options[] = {OPTION_JSON, OPTIONS_OF_ALL};
static const struct option fit_options[] = {OPTION_OUTPUT, OPTIONS_OF_ALL};
static const struct option write_options[] = {OPTION_OUTPUT, OPTION_FORMAT, OPTIONS_OF_ALL};

static const struct subcommand {
    const char *name;
    const char *wanted; /* what it reads */
    const struct option *options;
    const char *short_options;
    /* NULL: trace_generate */
    bool (*run)(const struct trace_arguments *arguments, const struct trace_workload *trace,
                struct error *error);
} subcommands[] = {
    {"info", "trace", info_options, ":s:h", trace_info},
    {"fit", "trace", fit_options, ":s:o:h", trace_fit},
    {"convert", "trace", write_options, ":s:o:h", trace_convert},
    {"generate", "configuration", write_options, ":s:o:h", NULL},
};

enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

/* Status 0: *help, or the arguments are complete. */
static int parse(const struct subcommand *subcommand, int argc, char **argv,
                 struct trace_arguments *arguments, bool *help)
{
    const char *format = "llmsim";
    opterr = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, subcommand->short_options, subcommand->options,
                                 NULL)) != -1) {
        if ((option == 's' && !overrides_add(&arguments->overrides, "", optarg)) ||
            (option == SEED && !overrides_add(&arguments->overrides, "seed=", optarg)))
            return command_out_of_memory();
        if (option == 'o')
            arguments->output_path = optarg;
        else if (option == FORMAT)
            format = optarg;
        else if (option == JSON)
            arguments->json_path = optarg;
        else if (option == 'h')
            *help = true;
        else if (option == ':' || option == '?')
            return command_misuse_option("trace", option, argv);
    }
    if (*help)
        return 0;
    if (argc - optind != 1)
        return command_misuse("trace", "%s: one %s is wanted, not %d", subcommand->name,
                              subcommand->wanted, argc - optind);
    arguments->input_path = argv[optind];
    struct error error = {0};
    arguments->format = trace_format_find_written(format, &error);
    return arguments->format != NULL ? 0 : command_fail(&error);
}

static bool execute(const struct subcommand *subcommand, const struct trace_arguments *arguments,
                    struct error *error)
{
    struct trace_workload trace;
    if (subcommand->run == NULL)
        return trace_generate(arguments, error);
    if (!trace_workload_load(&trace, arguments->input_path,
                             (const char *const *)arguments->overrides.assignments,
                             arguments->overrides.count, error))
        return false;
    const bool done = subcommand->run(arguments, &trace, error);
    trace_workload_fini(&trace);
    return done;
}

static int run(const struct subcommand *subcommand, int argc, char **argv)
{
    struct trace_arguments arguments = {.output_path = "-"};
    bool help = false;
    int status = overrides_init(&arguments.overrides, argc)
                     ? parse(subcommand, argc, argv, &arguments, &help)
                     : command_out_of_memory();
    struct error error = {0};
    if (status == 0 && help)
        status = command_print_help("trace");
    else if (status == 0)
        status = execute(subcommand, &arguments, &error) ? command_finish_stdout()
                                                         : command_fail(&error);
    overrides_fini(&arguments.overrides);
    return status;
}

int command_trace(int argc, char **argv)
{
    if (argc < 2)
        return command_misuse("trace", "nothing is said of what to do");
    if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)
        return command_print_help("trace");
    const char *names[SUBCOMMANDS];
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        names[i] = subcommands[i].name;
        if (strcmp(argv[1], names[i]) == 0)
            return run(&subcommands[i], argc - 1, argv + 1);
    }
    struct error error = {0};
    error_input(&error, NULL, "llmsim trace: there is no '%s'", argv[1]);
    error_suggest(&error, argv[1], names, SUBCOMMANDS);
    return command_fail(&error);
}
