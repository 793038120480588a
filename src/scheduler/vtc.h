/* The Virtual Token Counter: fair shares between clients (queue order `vtc`).
 *
 * Source: Sheng et al., "Fairness in Serving Large Language Models", OSDI 2024, Algorithm 2. Each
 * client has a counter of the service it has had: input_weight for a prompt token, when its request
 * is admitted, and output_weight for a token generated, as it is. The client with the smallest
 * counter among those who wait is served next. A client that had nothing waiting is lifted to the
 * smallest counter of those who wait, so that idleness earns no credit; when nobody waits, to that
 * of the client whose request was taken last.
 *
 * Departures: a prompt is charged once, not again after a preemption, which is not the client's
 * doing. Tokens are charged when the step that computes them is planned.
 *
 * A counter grows with every step by what its client's decoding sequences generate. It is not
 * touched for that: it is kept as a line, with a value at some step and a slope. */
#ifndef LLMSIM_SCHEDULER_VTC_H
#define LLMSIM_SCHEDULER_VTC_H

#include <stdbool.h>
#include <stdint.h>

struct vtc_client {
    uint64_t client;
    int64_t served; /* its counter at step `step` */
    int64_t step;
    int32_t decoding;                /* its sequences that generate a token a step */
    int32_t waiting_position;        /* in vtc.waiting; −1: nothing of it waits */
    int32_t queue_first, queue_last; /* for whoever queues its requests; −1: empty */
};

/* A client in the heap of those who wait. Counters only grow: what stands here is at most what the
 * counter is by now. */
struct vtc_waiting {
    int64_t counter;
    int32_t client;
};

struct vtc {
    struct vtc_client *clients; /* by first appearance; owned */
    int32_t client_count, client_capacity;
    int32_t *buckets;            /* clients by hash, −1: empty; open addressing; owned */
    struct vtc_waiting *waiting; /* clients of whom something waits: a heap; owned */
    int32_t waiting_count;
    int32_t last_taken; /* −1: none yet */
};

bool vtc_init(struct vtc *vtc);
void vtc_fini(struct vtc *vtc);

/* The client's index, a new one's with a counter of 0; −1 when memory cannot be had, or there are
 * more than four million. */
int32_t vtc_find(struct vtc *vtc, uint64_t client);

/* Something of the client waits from now on; nothing did before. Steps count the decode steps taken
 * so far, here and below. */
void vtc_start_waiting(struct vtc *vtc, int32_t client, int64_t steps);

/* Nothing of the client waits any more. */
void vtc_stop_waiting(struct vtc *vtc, int32_t client);

/* The client to be served next: the one with the smallest counter, of several the first to have
 * appeared; −1 when nobody waits. O(log n) for each client whose counter has passed another's since
 * it was last looked at. */
int32_t vtc_least(struct vtc *vtc, int64_t steps);

/* A request of the client has been admitted for the first time. */
void vtc_charge_prompt(struct vtc *vtc, int32_t client, int32_t prompt_tokens);

/* The client's request has been given its first token, or one outside of the decode steps. */
void vtc_charge_token(struct vtc *vtc, int32_t client);

/* A sequence of the client's starts (+1) or stops (−1) generating a token a step. */
void vtc_change_decoding(struct vtc *vtc, int32_t client, int32_t change, int64_t steps);

#endif
