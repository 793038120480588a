/* What llmsim run says beside its summary. */
#ifndef LLMSIM_CLI_RUN_TEXT_H
#define LLMSIM_CLI_RUN_TEXT_H

#include "experiment.h"

/* What runs, on what, and where its KV blocks come from; to stdout. */
void run_print_heading(const struct experiment_config *config);

/* Requests that were lost, settings that nothing came of, a warm-up that was not found. */
void run_warn(const struct experiment_config *config, const struct experiment_result *result);

#endif
