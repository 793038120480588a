/* The command line of llmsim run. */
#ifndef LLMSIM_CLI_RUN_OPTIONS_H
#define LLMSIM_CLI_RUN_OPTIONS_H

#include "options.h"

struct run_options {
    const char *config_path;
    struct overrides overrides;
    struct output_config
        outputs; /* that take the place of the configuration's; NULL: they do not */
    bool chart, sensitivity, quiet, print_config, help;
};

/* 0, or the exit status of a command line that is wrong. */
int run_options_parse(int argc, char **argv, struct run_options *options);

#endif
