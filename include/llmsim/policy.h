/* A batching policy decides, before each step, who joins the running sequences, how many prompt
 * tokens each computes, and who gives up its memory. The engine owns the mechanism, and every
 * decoding sequence gets its one token without the policy touching it.
 *
 * A policy sees what a real scheduler sees. Nothing here tells how many tokens a request will
 * generate: that lives behind src/engine, which no policy can include.
 *
 * A plan goes like this: the engine fills a struct batch in which every decoding sequence is to
 * decode and nothing else happens; the policy edits it through the calls below, each of which keeps
 * every field of the struct true; the engine takes the result as the step. Who runs comes first,
 * who waits second: from the first batch_peek_waiting on, chunks that have been set and decodes that
 * have not been postponed by then stay as they are, and what they belong to is not preempted. */
#ifndef LLMSIM_POLICY_H
#define LLMSIM_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A running sequence that does not decode yet: part of its prompt, or of what a preemption lost, is
 * still to be computed. */
struct batch_prefill {
    int32_t wanted_tokens;
    int32_t chunk_tokens;  /* what it computes in this step: 0 until batch_set_chunk */
    int32_t needed_blocks; /* KV blocks that it takes for that */
    int32_t sequence;      /* the engine's */
};

/* A sequence waiting for admission: new, or preempted. */
struct batch_waiting {
    int64_t arrival_ns;
    int32_t wanted_tokens; /* to compute: its prompt and what it generated before a preemption, less
                              what the prefix cache or the swap space holds of them */
    int64_t wanted_blocks; /* free blocks that computing all of that takes, what is cached and would
                              not be free any more included; contiguous: its reservation */
    bool decodes;          /* it was swapped out decoding and wants its next token, nothing else */
};

/* Read-only for the policy. */
struct batch {
    /* The engine's settings. */
    int32_t max_num_batched_tokens;       /* a step's budget */
    int32_t max_num_seqs;                 /* running sequences at most */
    int32_t long_prefill_token_threshold; /* 0: none */
    bool enable_chunked_prefill;          /* a prompt may be split over steps */
    int64_t watermark_blocks;             /* to be left free by an admission, while others run */
    int32_t preferred_batch_size;         /* waiting requests worth starting a batch for */
    int64_t max_queue_delay_ns;           /* that a request may wait for such a batch */
    bool last_is_victim;                  /* batch_victim is always the sequence admitted last */
    /* Now. */
    int64_t now_ns;
    int32_t running;       /* admitted, not finished */
    int32_t decoding;      /* of those, the ones that decode in this step */
    int32_t prefill_count; /* of those, the ones in prefills[], by admission */
    const struct batch_prefill *prefills;
    int32_t waiting;     /* sequences that can be admitted; more may stand behind them */
    int64_t free_blocks; /* before this step takes any */
    int64_t
        needed_blocks; /* that the step, as planned so far, takes; at most free_blocks in the end */
    bool preempted;    /* something was preempted in this plan */
};

/* Let prefills[index] compute `tokens` (0 … wanted) in this step. */
void batch_set_chunk(struct batch *batch, int32_t index, int32_t tokens);

/* No decoding sequence decodes in this step; batch_resume_decodes takes it back. */
void batch_postpone_decodes(struct batch *batch);
void batch_resume_decodes(struct batch *batch);

/* The running sequence that the queue's order would serve last: whom to preempt. By arrival, and
 * fair between clients: the one admitted last; by a key: the one with the greatest, the youngest of
 * several. running ≥ 1. */
int32_t batch_victim(const struct batch *batch);

/* Preempt a running sequence. Its blocks are freed; what it computed is lost or, where the engine
 * swaps and there is room, copied to host memory; the tokens it generated are kept, and it goes back
 * to the waiting queue, ahead of what arrived after it. */
void batch_preempt(struct batch *batch, int32_t sequence);

/* The running sequences one by one, for policies that must go through them when memory is short.
 */
struct batch_running {
    int64_t admission; /* greater: admitted later */
    bool decodes;      /* in this step; neither this nor in prefills[]: its last one is under way */
    int32_t prefill;   /* its index in prefills[]; −1: not there */
    int32_t needed_blocks; /* that it takes in this step, as planned so far */
};

/* The sequence admitted next after this one (−1: the first), which may have been preempted in this
 * plan; −1 after the last. */
int32_t batch_next_running(const struct batch *batch, int32_t sequence);
struct batch_running batch_describe_running(const struct batch *batch, int32_t sequence);

/* A decoding sequence does not decode in this step, but stands in prefills[] from now on, wanting
 * one token, until it is given it. */
void batch_postpone(struct batch *batch, int32_t sequence);

/* The head of the waiting queue into *head; false when nothing waits. What is cached depends on
 * who asked first: call it when it is the head's turn. */
bool batch_peek_waiting(struct batch *batch, struct batch_waiting *head);

/* When the request that has waited longest arrived. waiting ≥ 1; with an order other than by
 * arrival it takes time by the length of the queue. */
int64_t batch_oldest_arrival_ns(const struct batch *batch);

/* Admit the head of the waiting queue, to compute `tokens` (0 … wanted) in this step. It has been
 * looked at and fits, the watermark being left while others run. Not in a plan that has preempted:
 * a victim's slot may not be free before the step in flight ends. */
void batch_admit(struct batch *batch, int32_t tokens);

/* Padding: every chunk of the step takes as long as one of `chunk_tokens` (0: its own length), and
 * `idle_sequences` rows are computed for nothing. With it the step's tokens must not exceed
 * max_num_batched_tokens either. */
void batch_pad(struct batch *batch, int32_t chunk_tokens, int32_t idle_sequences);

/* If the engine is left idle, ask again at this time, though nothing has happened. */
void batch_wake_at(struct batch *batch, int64_t time_ns);

/* How much KV memory a sequence takes, and when. */
enum kv_reservation {
    KV_AS_COMPUTED, /* blocks as its tokens are computed */
    KV_PROMPT,      /* those of its whole prompt at admission, further ones as they are computed */
    KV_MAXIMUM,     /* those of max_model_len at admission: contiguous allocation */
};

struct policy {
    const char *name;
    const char *summary; /* one line */
    const char *source;  /* paper or code that it models */
    size_t state_size;   /* bytes of zeroed state that the engine allocates for it; may be 0 */
    /* Required. Called before every step; with nothing running and something waiting it must admit,
     * or name a time to be asked again. */
    void (*plan)(void *state, struct batch *batch);
    /* What the system that it models does, and what is done unless the configuration says
     * otherwise. */
    enum kv_reservation reservation;
    double watermark; /* share of the blocks */
    bool prefix_caching;
    bool async_scheduling; /* two steps in flight */
    /* What it always does. Prompts are not split, so max_num_batched_tokens holds the longest; or they
     * are, and enable_chunked_prefill cannot be false. */
    bool whole_prompts, splits_prompts;
    /* A batch starts by preferred_batch_size and max_queue_delay. */
    bool waits_for_batch;
    /* A finished sequence's blocks are free only when nothing runs any more. */
    bool keeps_blocks;
    /* Once a plan is decodes alone and has preempted nobody, so is the next, until something arrives,
     * ends, or memory runs out: it need not be asked. */
    bool steady_decodes;
};

#endif
