/* The subcommands of llmsim trace. Each takes its own argument vector, argv[0] being the
 * subcommand's name, and returns the process's exit status, as commands do. */
#ifndef LLMSIM_CLI_TRACE_COMMANDS_H
#define LLMSIM_CLI_TRACE_COMMANDS_H

int trace_info(int argc, char **argv);
int trace_fit(int argc, char **argv);
int trace_generate(int argc, char **argv);
int trace_convert(int argc, char **argv);

#endif
