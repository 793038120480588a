/* llmsim trace: traces made, looked at, turned into one another, and imitated. */
#include "commands.h"

#include "trace_commands.h"
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} subcommands[] = {
    {"info", trace_info},
    {"fit", trace_fit},
    {"generate", trace_generate},
    {"convert", trace_convert},
};

enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

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
            return subcommands[i].run(argc - 1, argv + 1);
    }
    struct error error = {0};
    error_input(&error, NULL, "llmsim trace: there is no '%s'", argv[1]);
    error_suggest(&error, argv[1], names, SUBCOMMANDS);
    return command_fail(&error);
}
