/* The waiting queue, in any queue order: a heap by key, or, fair between clients, a list a client.
 */
#ifndef LLMSIM_ENGINE_QUEUE_H
#define LLMSIM_ENGINE_QUEUE_H

#include "sequence.h"
#include "vtc.h"
#include <llmsim/queue_order.h>

struct queue_entry {
    int64_t key, request_id;
    int32_t sequence;
};

struct queue {
    const struct queue_order *order;
    struct sequence *sequences; /* not owned */
    struct queue_entry *heap;   /* owned; room for every sequence */
    int32_t count;
    struct vtc vtc;       /* fair orders only */
    const int64_t *steps; /* decode steps taken so far; not owned */
};

/* False when memory cannot be had. */
bool queue_init(struct queue *queue, const struct queue_order *order, const int64_t *steps);
void queue_fini(struct queue *queue);

/* Room for `capacity` sequences, which stand at `sequences` from now on. */
bool queue_reserve(struct queue *queue, struct sequence *sequences, int32_t capacity);

/* A new sequence's key, and its client's number; then it is pushed. */
bool queue_push_new(struct queue *queue, int32_t sequence, const struct request *request,
                    int32_t predicted_output_tokens);
/* One that was preempted goes back. */
void queue_push(struct queue *queue, int32_t sequence);

/* Who is to be served next; −1: nobody waits. */
int32_t queue_head(struct queue *queue);
/* It leaves the queue. */
void queue_pop(struct queue *queue, int32_t head);

/* When whoever has waited longest arrived. Not empty. By arrival O(1), fair O(clients that wait),
 * else O(requests that wait). */
int64_t queue_oldest_arrival_ns(const struct queue *queue);

/* Whether `a` is to be served after `b`. */
bool queue_is_after(const struct queue *queue, int32_t a, int32_t b);

/* What a fair order must know. O(1), nothing for others. */
void queue_note_admission(struct queue *queue, const struct sequence *sequence); /* the first */
void queue_note_token(struct queue *queue, const struct sequence *sequence);
void queue_note_decoding(struct queue *queue, const struct sequence *sequence, int32_t change);

#endif
