/* A request as it arrives, and what became of it. */
#ifndef LLMSIM_REQUEST_H
#define LLMSIM_REQUEST_H

#include <llmsim/error.h>
#include <llmsim/time_part.h>
#include <stdint.h>

/* The longest prompt or output that is read at all. */
#define REQUEST_MAX_TOKENS 100000000

/* The longest name of a client, a session or a class. */
#define REQUEST_MAX_NAME_BYTES 255

/* A name as a trace gives it, not NUL-terminated; none: 0 bytes, and no text. */
struct request_name {
    const char *text;
    int32_t bytes; /* 0 … REQUEST_MAX_NAME_BYTES */
};

struct request {
    int64_t arrival_ns;    /* from the first arrival; never runs back */
    int32_t prompt_tokens; /* 1 … REQUEST_MAX_TOKENS */
    int32_t output_tokens; /* 1 … REQUEST_MAX_TOKENS; the engine knows it, a policy does not */
    int32_t priority;      /* smaller is served first, as in vLLM; 0 where nothing is said */
    uint64_t client;       /* who sent it: a hash of the name; 0 where nothing is said */
    int32_t turn;          /* of its session, from 1; 0 where nothing is said */
    /* Names are owned by the source, and valid until its next call. */
    struct request_name client_name;
    struct request_name session;    /* the conversation that it is a turn of */
    struct request_name class_name; /* of client: "chat", "batch" */
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
    int64_t parts_ns[TIME_PART_COUNT]; /* where finished_ns − arrival_ns went: they sum to it */
};

/* SOURCE_WAIT: nothing arrives before something finishes; only from a source with finished(). */
enum request_source_result { SOURCE_REQUEST, SOURCE_END, SOURCE_ERROR, SOURCE_WAIT };

/* What a source passes over. */
struct source_left_out {
    int64_t bad_rows;        /* of a trace, by `on_bad_row: skip` */
    int64_t failed_requests; /* that a trace has as failed */
};

struct trace_format;

/* A stream of requests in order of arrival; whoever opened it owns it. */
struct request_source {
    void *state;
    const struct trace_format *trace_format; /* of the trace that it reads; NULL: it reads none */
    /* The next request into *request, the end of the stream, or an error into *error. After the
     * end or an error, the same answer again. */
    enum request_source_result (*next)(void *state, struct request *request, struct error *error);
    /* How much of the stream has been read, 0 … 1; 0 where the length is unknown. */
    double (*progress)(const void *state);
    /* What is not delivered, so far. */
    struct source_left_out (*left_out)(const void *state);
    /* Optional, for clients that wait for an answer before they send again: the request that was
     * the request_id-th of this source, from 0, has finished at now_ns, or was refused. To be called
     * only after next() has been called since that one, or any other, was taken: what it gave last
     * is then void, and next() is to be asked again before anything is taken. */
    void (*finished)(void *state, int64_t request_id, int64_t now_ns);
    void (*destroy)(void *state); /* accepts NULL */
};

#endif
