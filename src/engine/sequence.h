/* A request inside the engine, from its delivery to its end. Only joining, leaving and preemption
 * touch it: while it decodes, all that changes is kept once for the whole cohort (cohort.h). */
#ifndef LLMSIM_ENGINE_SEQUENCE_H
#define LLMSIM_ENGINE_SEQUENCE_H

#include "account.h"
#include "prefix_cache.h"
#include <llmsim/request.h>
#include <stdbool.h>

enum sequence_state {
    SEQUENCE_WAITING,    /* new, or preempted */
    SEQUENCE_PREFILLING, /* part of its prompt, or of what a preemption lost, is missing */
    SEQUENCE_DECODING,   /* in the cohort */
    SEQUENCE_FINISHING,  /* its last step is planned or under way */
};

struct sequence {
    struct request_outcome outcome; /* filled in as it happens */
    enum sequence_state state;
    bool released;            /* finishing, its blocks already taken by a preemption */
    int32_t context_tokens;   /* KV tokens stored or planned; decoding: see the cohort */
    int32_t generated_tokens; /* likewise */
    int32_t held_blocks;      /* while it runs; decoding: more, as its context grows */
    int32_t swapped_blocks;   /* waiting: in host memory, holding its context */
    int32_t previous, next;   /* in the running list, by admission; −1: none */
    int32_t queue_next;       /* waiting, in its client's list; −1: none */
    int32_t cohort_position;  /* in the cohort's heap */
    int64_t joined_plan;      /* the plan after which it decodes */
    int64_t last_token_ns;    /* set when it leaves the cohort before its end; −1: no token yet */
    int64_t admission;        /* greater: admitted later */
    int64_t queue_key;        /* smaller is served first */
    int32_t client;           /* in the queue's counters */
    struct prefix_chain chain;
    struct prefix_hold hold;
    struct account_entry account;
};

/* Tokens it has to compute before it emits its next one. */
static inline int32_t sequence_wanted_tokens(const struct sequence *sequence)
{
    return sequence->outcome.prompt_tokens + sequence->generated_tokens - sequence->context_tokens;
}

/* It wants one token and has generated some before: a decode, whatever brought it here. */
static inline bool sequence_wants_decode(const struct sequence *sequence)
{
    return sequence->generated_tokens > 0 && sequence_wanted_tokens(sequence) == 1;
}

#endif
