/* Fitting an accelerator to a server's log, for who has no kernel timings: the few parameters that a
 * log can tell.
 *
 * What is fitted are the decode times of requests, from first token to last, and their prefill times,
 * from scheduled to first token; where the log does not say when they were scheduled, the TTFT of
 * those that did not queue. Queueing is no observation: near saturation it multiplies every error.
 * Every prediction is a run of the whole simulation. */
#ifndef LLMSIM_STUDY_SERVER_FIT_H
#define LLMSIM_STUDY_SERVER_FIT_H

#include "measured_replay.h"
#include "server_fit_report.h"

/* Fit *config's accelerator to the replay's log, in place. `held`: parameters that stay, by name; an
 * unknown one is an error, as is a log that has no times to fit. A parameter that the log does not
 * determine is no error, but has a refusal in the report. `progress` may be NULL. */
bool server_fit(struct experiment_config *config, struct measured_replay *replay,
                const char *const *held, size_t held_count, void (*progress)(double fraction),
                struct server_fit_report *report, struct error *error);

/* Whether any parameter is refused. */
bool server_fit_is_refused(const struct server_fit_report *report);

#endif
