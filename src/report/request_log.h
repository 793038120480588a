/* The per-request CSV: one row a request, in order of arrival. */
#ifndef LLMSIM_REPORT_REQUEST_LOG_H
#define LLMSIM_REPORT_REQUEST_LOG_H

#include <llmsim/error.h>
#include <llmsim/request.h>
#include <stdio.h>

/* Requests finish out of order: rows wait here for those that arrived before them. */
struct request_log {
    FILE *stream;                    /* not owned */
    int64_t next_id;                 /* the first not yet written */
    struct request_outcome *waiting; /* a ring of `capacity`, a power of two, by request id */
    bool *present;
    size_t capacity;
    bool out_of_memory;
};

/* Write the header. False when memory cannot be had. */
bool request_log_init(struct request_log *log, FILE *stream);
void request_log_fini(struct request_log *log);

/* The outcome of any request; rows are written as soon as their turn comes. */
void request_log_add(struct request_log *log, const struct request_outcome *outcome);

#endif
