/* The requests of a trace, as a fit of a generator looks at them: all in memory. */
#ifndef LLMSIM_STUDY_FIT_REQUESTS_H
#define LLMSIM_STUDY_FIT_REQUESTS_H

#include "trace_report.h"
#include <stddef.h>

/* A fit looks at so many requests and no more. */
#define FIT_MAX_REQUESTS 1000000

enum { FIT_MAX_DEPTH = 64 };

/* The system prompt that most tokens of first turns are shared by. */
struct fit_shared_prefix {
    int64_t tokens; /* 0: there is none */
    int64_t count;
    double zipf_exponent;
};

struct fit_request {
    int64_t arrival_ns;
    int32_t prompt_tokens, output_tokens;
    int32_t previous; /* the turn before this one of its session; −1: there is none */
    int32_t class;
};

struct fit_requests {
    struct fit_request *items; /* owned */
    size_t count;
    bool cut;          /* the trace has more */
    int32_t id_tokens; /* that a prefix id stands for; 0: there are none */
    size_t followups;  /* requests with a previous one */
    struct fit_shared_prefix shared;
};

/* Read a source to its end or to FIT_MAX_REQUESTS, and say what trace_statistics_collect says of that.
 * A request is the next turn of an earlier one where
 * the trace names its session, or else where its prefix ids extend the whole blocks of that one's, and
 * no other request's do before it. `progress` may be NULL. */
bool fit_requests_read(struct fit_requests *requests, struct request_source *source,
                       void (*progress)(double fraction), struct trace_report *report,
                       struct error *error);
void fit_requests_fini(struct fit_requests *requests);

#endif
