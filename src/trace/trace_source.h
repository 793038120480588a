/* A trace as a stream of requests, whatever its format. */
#ifndef LLMSIM_TRACE_TRACE_SOURCE_H
#define LLMSIM_TRACE_TRACE_SOURCE_H

#include <llmsim/request.h>
#include <stdbool.h>

struct trace_store;

struct trace_options {
    const char *path;            /* "-": stdin */
    int format;                  /* an index into trace_format_names; −1: told by the content */
    bool skip_bad_rows;          /* and count them; else the first is an error */
    int64_t prefix_block_tokens; /* that a prefix id stands for; 0: what the format says */
    struct trace_store *store;   /* where it is kept for other runs; NULL: read from the file */
};

/* Open the trace and read its first request: a trace without any is an error. Arrivals count from
 * the first one, as they are published. */
bool trace_source_open(const struct trace_options *options, struct request_source *source,
                       struct error *error);

#endif
