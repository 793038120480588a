/* The commands of llmsim. Each takes its own argument vector, argv[0] being the command's name, and
 * returns the process's exit status: 0 done, 1 the run failed, 2 the input is wrong. */
#ifndef LLMSIM_CLI_COMMANDS_H
#define LLMSIM_CLI_COMMANDS_H

#include <llmsim/error.h>

struct command {
    const char *name;
    const char *usage;   /* behind "llmsim " */
    const char *summary; /* one line */
    const char *options; /* lines of help; NULL: none */
    int (*run)(int argc, char **argv);
};

/* In the order of --help; the last has no name. */
extern const struct command commands[];

int command_run(int argc, char **argv);
int command_roofline(int argc, char **argv);
int command_trace(int argc, char **argv);
int command_sweep(int argc, char **argv);
int command_capacity(int argc, char **argv);
int command_validate(int argc, char **argv);
int command_calibrate(int argc, char **argv);
int command_help(int argc, char **argv);

/* A command's options, as `llmsim help NAME`. */
int command_print_help(const char *name);

/* Print the error's line to stderr; its exit status. */
int command_fail(const struct error *error);

/* A command line that cannot be understood: one line to stderr, and status 2. */
int command_misuse(const char *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* The same for what getopt_long (with ':' first in its short options) has just returned. */
int command_misuse_option(const char *command, int option, char **argv);

/* Exit status 1, with a line on stderr. */
int command_out_of_memory(void);

/* One line to stderr. */
void command_warn(const char *text);
extern const struct warn_listener command_warnings;

/* For commands of many runs: memory that a run gives back stays for the next. */
void command_keep_memory(void);

/* Flush stdout and say whether all of it was written: status 0, or 1 with a line on stderr. */
int command_finish_stdout(void);

#endif
