/* What requests are, apart from when they arrive: drawn (sessions.c), or a trace's (rows.c). */
#ifndef LLMSIM_WORKLOAD_CONTENT_H
#define LLMSIM_WORKLOAD_CONTENT_H

#include <llmsim/request.h>
#include <stdbool.h>

struct trace_options;
struct traffic_config;

/* A conversation, as it stands before its next request; a request that belongs to none is one of a
 * single turn. */
struct session {
    int64_t number;                       /* of its content's, from 1 */
    int64_t client;                       /* who holds it, from 1; 0: nobody is named */
    int32_t turn;                         /* the next, from 1; 0: no session */
    int32_t turns;                        /* after which it ends, if not before */
    int32_t system_prompt;                /* the one that it begins with, from 0 */
    int32_t prompt_tokens, output_tokens; /* of the next turn */
};

struct content {
    void *state;
    const struct trace_format *trace_format; /* as a request_source's */
    /* A new session, before its first turn; SOURCE_END: there is no more. */
    enum request_source_result (*begin)(void *state, struct session *session, struct error *error);
    /* To its next turn; false: it is over. */
    bool (*advance)(void *state, struct session *session);
    /* The session's next turn, all of it but the arrival. False when memory cannot be had. */
    bool (*fill)(void *state, const struct session *session, struct request *request,
                 struct error *error);
    /* As a request_source's. */
    double (*progress)(const void *state);
    struct source_left_out (*left_out)(const void *state);
    void (*destroy)(void *state); /* accepts NULL */
};

/* Where drawn content stands among the classes of a workload. */
struct content_place {
    const char *class_name;    /* NULL: there are no classes; not owned, as the next */
    const char *stream_prefix; /* of the names of its random streams: "chat.", or "" */
    int32_t index, count;      /* of classes: prefix ids of one are nobody else's */
    int32_t prefix_block_tokens;
    uint64_t seed;
};

/* Without end. The configuration must outlive it. */
bool sessions_open(const struct traffic_config *config, const struct content_place *place,
                   struct content *content, struct error *error);

/* The rows of a trace in their order. A request must be filled before the next one begins. */
bool rows_open(const struct trace_options *options, struct content *content, struct error *error);

#endif
