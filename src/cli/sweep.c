/* llmsim sweep: a configuration with other values of its keys, every combination a run. */
#include "commands.h"

#include "sweep_command.h"
#include <getopt.h>

static int parse_options(int argc, char **argv, struct sweep_command *command)
{
    static const struct option known[] = {SWEEP_LONG_OPTIONS, {NULL, 0, NULL, 0}};
    opterr = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, SWEEP_SHORT_OPTIONS, known, NULL)) != -1) {
        const int status = sweep_command_take(command, "sweep", option, argv);
        if (status != 0)
            return status;
    }
    return command->help ? 0 : sweep_command_end(command, "sweep", argc - optind, argv + optind);
}

int command_sweep(int argc, char **argv)
{
    struct sweep_command command;
    int status = sweep_command_init(&command, argc) ? parse_options(argc, argv, &command)
                                                    : command_out_of_memory();
    if (status == 0)
        status = command.help ? command_print_help("sweep") : sweep_command_run(&command);
    overrides_fini(&command.overrides);
    return status;
}
