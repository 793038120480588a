/* What can be said of a trace without serving it, counted in one pass and in bounded memory. */
#ifndef LLMSIM_STUDY_TRACE_STATISTICS_H
#define LLMSIM_STUDY_TRACE_STATISTICS_H

#include "trace_report.h"

/* Read the source to its end. Of the report, path and format are left to the caller. Everything is
 * exact, but for what struct trace_report says is estimated beyond 1 835 008 distinct ids, or
 * 458 752 sessions or clients. `progress` (may be NULL) hears now and then how far it is. A closed
 * loop, whose requests come when others are answered, is an error. */
bool trace_statistics_collect(struct request_source *source, void (*progress)(double fraction),
                              struct trace_report *report, struct error *error);

#endif
