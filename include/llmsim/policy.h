/* A batching policy decides, before each step, who joins the running sequences, how many prompt
 * tokens each computes, and who gives up its memory. The engine owns the mechanism, and every
 * decoding sequence gets its one token without the policy touching it.
 *
 * A policy sees what a real scheduler sees. Nothing here tells how many tokens a request will
 * generate: that lives behind src/engine, which no policy can include.
 *
 * A plan goes like this: the engine fills a struct batch in which every decoding sequence is to
 * decode and nothing else happens; the policy edits it through the calls below, each of which keeps
 * every field of the struct true; the engine takes the result as the step. */
#ifndef LLMSIM_POLICY_H
#define LLMSIM_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A running sequence that does not decode yet: part of its prompt, or of what a preemption lost, is
 * still to be computed. */
struct batch_prefill {
    int32_t wanted_tokens;
    int32_t chunk_tokens; /* what it computes in this step: 0 until batch_set_chunk */
    int32_t sequence;     /* the engine's */
};

/* A sequence waiting for admission: new, or preempted. */
struct batch_waiting {
    int32_t wanted_tokens; /* prompt tokens, and those generated before a preemption */
    int64_t wanted_blocks; /* KV blocks that all of the wanted tokens fill */
};

/* Read-only for the policy. */
struct batch {
    int64_t now_ns;
    int32_t max_num_batched_tokens;       /* a step's budget */
    int32_t max_num_seqs;                 /* running sequences at most */
    int32_t long_prefill_token_threshold; /* 0: none */
    int32_t running;                      /* admitted, not finished */
    int32_t decoding;                     /* of those, the ones that decode in this step */
    int32_t prefill_count;                /* of those, the ones in prefills[], by admission */
    const struct batch_prefill *prefills;
    int32_t waiting;     /* sequences that can be admitted; more may stand behind them */
    int64_t free_blocks; /* before this step takes any */
    int64_t
        needed_blocks; /* that the step, as planned so far, takes; at most free_blocks in the end */
    bool preempted;    /* something was preempted in this plan */
};

/* Let prefills[index] compute `tokens` (0 … wanted) in this step. */
void batch_set_chunk(struct batch *batch, int32_t index, int32_t tokens);

/* Preempt the sequence admitted last: its blocks are freed, what it computed is lost, the tokens it
 * generated are kept, and it becomes the head of the waiting queue. running ≥ 1. */
void batch_preempt_last(struct batch *batch);

/* The head of the waiting queue into *head; false when nothing waits. */
bool batch_peek_waiting(const struct batch *batch, struct batch_waiting *head);

/* Admit the head of the waiting queue, to compute `tokens` (1 … wanted) in this step. Not in a plan
 * that has preempted: a victim's slot may not be free before the step in flight ends. */
void batch_admit(struct batch *batch, int32_t tokens);

struct policy {
    const char *name;
    const char *summary; /* one line */
    const char *source;  /* paper or code that it models */
    size_t state_size;   /* bytes of zeroed state that the engine allocates for it; may be 0 */
    /* Required. Called before every step; with nothing running and something waiting it must admit.
     */
    void (*plan)(void *state, struct batch *batch);
};

#endif
