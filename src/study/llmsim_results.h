/* What this program sees of a struct llmsim beyond <llmsim/llmsim.h>. */
#ifndef LLMSIM_STUDY_LLMSIM_RESULTS_H
#define LLMSIM_STUDY_LLMSIM_RESULTS_H

#include "experiment.h"
#include <llmsim/llmsim.h>

/* Of the last run; NULL: no results. Valid until the next. */
const struct experiment_result *llmsim_result(const struct llmsim *run);
const struct experiment_config *llmsim_config(const struct llmsim *run);

/* Read the configuration only, as llmsim_run does first. It stays, without results. */
bool llmsim_load(struct llmsim *run, struct llmsim_error *error);

/* Override by "KEY=VALUE". */
bool llmsim_assign(struct llmsim *run, const char *assignment);

#endif
