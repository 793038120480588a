/* The other half of llmsim calibrate: where there are no kernels, but a server's log. */
#ifndef LLMSIM_CLI_CALIBRATE_SERVER_H
#define LLMSIM_CLI_CALIBRATE_SERVER_H

#include <stdbool.h>

/* Whether --from-server is among the arguments. */
bool calibrate_server_is_meant(int argc, char **argv);

/* The command, then; its exit status. */
int calibrate_server(int argc, char **argv);

#endif
