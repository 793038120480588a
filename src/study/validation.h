/* How far a configuration's prediction is from what a real server did. */
#ifndef LLMSIM_STUDY_VALIDATION_H
#define LLMSIM_STUDY_VALIDATION_H

#include "measured_replay.h"
#include "validation_report.h"

/* Whether the simulated request waited for longer than whoever finds a step in flight does. */
bool validation_has_queued(const struct request_outcome *outcome);

/* Compare the replay's last run with its log into *report, which the caller ends, also after an error:
 * no memory, or no request that was served in both. */
bool validation_compare(const struct measured_replay *replay, struct validation_report *report,
                        struct error *error);

#endif
