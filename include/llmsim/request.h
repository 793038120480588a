/* A request as it arrives, and what became of it. */
#ifndef LLMSIM_REQUEST_H
#define LLMSIM_REQUEST_H

#include <llmsim/error.h>
#include <stdint.h>

/* The longest prompt or output that is read at all. */
#define REQUEST_MAX_TOKENS 100000000

struct request {
    int64_t arrival_ns;    /* from the first arrival; never runs back */
    int32_t prompt_tokens; /* 1 … REQUEST_MAX_TOKENS */
    int32_t output_tokens; /* 1 … REQUEST_MAX_TOKENS; the engine knows it, a policy does not */
    int32_t priority;      /* smaller is served first, as in vLLM; 0 where nothing is said */
    uint64_t client;       /* who sent it: a hash of the name; 0 where nothing is said */
    /* What the prompt begins with: an id for each prefix_id_tokens tokens, the last one perhaps for
     * fewer. Two prompts whose first n ids are equal have equal tokens as far as those ids reach in
     * both. Tokens behind the last id are nobody else's. Owned by the source, and valid until its
     * next call. */
    const uint64_t *prefix_ids;
    int32_t prefix_id_count;  /* 0: none, and prefix_ids may be NULL */
    int32_t prefix_id_tokens; /* ≥ 1 where there are ids */
};

enum request_status { REQUEST_COMPLETED, REQUEST_REJECTED };

/* Everything measured of one request, times from the first arrival. For a rejected request the
 * times after arrival are −1. */
struct request_outcome {
    int64_t request_id; /* the trace's row, from 0; rows that were skipped are not counted */
    int64_t arrival_ns;
    int64_t scheduled_ns;   /* first admitted by the scheduler; preemption does not reset it */
    int64_t first_token_ns; /* likewise */
    int64_t finished_ns;
    int32_t prompt_tokens;
    int32_t output_tokens;
    int32_t cached_tokens; /* prompt tokens found in the prefix cache at first admission */
    int32_t preemptions;
    enum request_status status;
};

enum request_source_result { SOURCE_REQUEST, SOURCE_END, SOURCE_ERROR };

/* A stream of requests in order of arrival; whoever opened it owns it. */
struct request_source {
    void *state;
    /* The next request into *request, the end of the stream, or an error into *error. After the
     * end or an error, the same answer again. */
    enum request_source_result (*next)(void *state, struct request *request, struct error *error);
    /* How much of the stream has been read, 0 … 1; 0 where the length is unknown. */
    double (*progress)(const void *state);
    /* Rows that `on_bad_row: skip` has passed over so far. */
    int64_t (*skipped_rows)(const void *state);
    void (*destroy)(void *state); /* accepts NULL */
};

#endif
