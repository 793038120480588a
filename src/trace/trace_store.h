/* Traces that several runs read: each is parsed once, and kept in memory for the others.
 *
 * What is delivered is to the last request and message what the file would deliver. A trace that would
 * take too much memory is not kept, but read by every run. */
#ifndef LLMSIM_TRACE_TRACE_STORE_H
#define LLMSIM_TRACE_TRACE_STORE_H

#include "trace_source.h"

/* All traces of a store together. */
#define TRACE_STORE_MAX_BYTES (INT64_C(1) << 30)

/* NULL when memory cannot be had. Safe to share between threads. */
struct trace_store *trace_store_create(void);

/* After all sources that were opened from it. Accepts NULL. */
void trace_store_destroy(struct trace_store *store);

/* As trace_source_open of a file. The store is options->store. */
bool trace_store_open(const struct trace_options *options, struct request_source *source,
                      struct error *error);

#endif
