/* llmsim trace: traces made, looked at, turned into one another, and imitated. */
#include "commands.h"

#include "trace_commands.h"
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} subcommands[] = {
    {"generate", trace_generate},
};

enum { SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

int command_trace(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : "nothing";
    if (strcmp(name, "-h") == 0 || strcmp(name, "--help") == 0)
        return command_print_help("trace");
    char known[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < SUBCOMMANDS; i++) {
        if (strcmp(name, subcommands[i].name) == 0)
            return subcommands[i].run(argc - 1, argv + 1);
        used += (size_t)snprintf(known + used, sizeof known - used, "%s'%s'", i > 0 ? ", " : "",
                                 subcommands[i].name);
    }
    return command_misuse("trace", "expected one of %s, not '%s'", known, name);
}
