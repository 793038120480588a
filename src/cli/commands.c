#include "commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <string.h>

#define CONFIG_OPTIONS                                                                             \
    "  -s, --set KEY=VALUE  override a key by its dotted path, as often as needed:\n"              \
    "                       -s engine.max_num_seqs=64 -s accelerator.memory_bandwidth='3 TB/s'\n"  \
    "      --seed N         of every random stream; short for -s seed=N\n"

const struct command commands[] = {
    {"run", "[run] CONFIG [OPTION]...",
     "simulate, and print what a server's benchmark would (the default command)",
     CONFIG_OPTIONS
     "      --json FILE      the summary as JSON, by the keys of vLLM's benchmark ('-': stdout)\n"
     "      --requests FILE  a CSV row a request ('-': stdout)\n"
     "  -q, --quiet          no progress and no timing on stderr\n"
     "      --print-config   show everything as resolved, as a configuration, and stop\n",
     command_run},
    {"trace", "trace generate CONFIG [OPTION]...",
     "write the requests of a configuration's workload as a trace",
     CONFIG_OPTIONS "  -o, --output FILE    where to (stdout)\n"
                    "      --format FORMAT  azure or llmsim (llmsim)\n",
     command_trace},
    {"help", "help [COMMAND|config|choices]",
     "a command's options; every configuration key; the policies, formats and cost models", NULL,
     command_help},
    {NULL, NULL, NULL, NULL, NULL},
};

int command_fail(const struct error *error)
{
    fprintf(stderr, "%s\n", error->text);
    return (int)error->kind;
}

int command_misuse(const char *command, const char *format, ...)
{
    fprintf(stderr, "llmsim %s: ", command);
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fprintf(stderr, " (see llmsim help %s)\n", command);
    return ERROR_INPUT;
}

int command_misuse_option(const char *command, int option, char **argv)
{
    const char *given = argv[optind - 1];
    if (option == ':')
        return command_misuse(command, "'%s' needs a value", given);
    if (optopt != 0 && given[0] == '-' && given[1] != '-')
        return command_misuse(command, "unknown option '-%c'", optopt);
    return command_misuse(command, "unknown option '%s'", given);
}

void command_warn(const char *text)
{
    fprintf(stderr, "warning: %s\n", text);
}

int command_finish_stdout(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fprintf(stderr, "stdout: cannot be written: %s\n", strerror(errno));
    return ERROR_RUN;
}
