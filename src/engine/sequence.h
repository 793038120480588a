/* A request inside the engine. Only joining, leaving and preemption touch it: while it decodes, all
 * that changes is kept once for the whole cohort (cohort.h). */
#ifndef LLMSIM_ENGINE_SEQUENCE_H
#define LLMSIM_ENGINE_SEQUENCE_H

#include <llmsim/request.h>
#include <stdbool.h>

enum sequence_state {
    SEQUENCE_PREFILLING, /* part of its prompt, or of what a preemption lost, is missing */
    SEQUENCE_DECODING,   /* in the cohort */
    SEQUENCE_FINISHING,  /* its last step is planned or under way */
    SEQUENCE_PREEMPTED,
};

struct sequence {
    struct request_outcome outcome; /* filled in as it happens */
    enum sequence_state state;
    bool released;            /* finishing, its blocks already taken by a preemption */
    int32_t context_tokens;   /* KV tokens stored or planned; decoding: see the cohort */
    int32_t generated_tokens; /* likewise */
    int32_t previous, next;   /* in the running list, by admission; −1: none */
    int32_t cohort_position;  /* in the cohort's heap */
    int64_t last_token_ns;    /* set when it leaves the cohort before its end; −1: no token yet */
};

/* Tokens it has to compute before it emits its next one. */
static inline int32_t sequence_wanted_tokens(const struct sequence *sequence)
{
    return sequence->outcome.prompt_tokens + sequence->generated_tokens - sequence->context_tokens;
}

#endif
