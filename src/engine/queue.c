#include "queue.h"

#include <stdlib.h>

bool queue_init(struct queue *queue, const struct queue_order *order, const int64_t *steps)
{
    *queue = (struct queue){.order = order, .steps = steps};
    return !order->fair || vtc_init(&queue->vtc);
}

void queue_fini(struct queue *queue)
{
    free(queue->heap);
    queue->heap = NULL;
    vtc_fini(&queue->vtc);
}

bool queue_reserve(struct queue *queue, struct sequence *sequences, int32_t capacity)
{
    queue->sequences = sequences;
    struct queue_entry *heap = realloc(queue->heap, (size_t)capacity * sizeof *heap);
    if (heap != NULL)
        queue->heap = heap;
    return heap != NULL;
}

static bool is_before(const struct queue_entry *a, const struct queue_entry *b)
{
    return a->key != b->key ? a->key < b->key : a->request_id < b->request_id;
}

static void heap_push(struct queue *queue, struct queue_entry entry)
{
    int32_t position = queue->count++;
    while (position > 0 && is_before(&entry, &queue->heap[(position - 1) / 2])) {
        queue->heap[position] = queue->heap[(position - 1) / 2];
        position = (position - 1) / 2;
    }
    queue->heap[position] = entry;
}

static void heap_pop(struct queue *queue)
{
    struct queue_entry last = queue->heap[--queue->count];
    int32_t position = 0;
    for (int32_t child = 1; child < queue->count; child = 2 * position + 1) {
        if (child + 1 < queue->count && is_before(&queue->heap[child + 1], &queue->heap[child]))
            child++;
        if (!is_before(&queue->heap[child], &last))
            break;
        queue->heap[position] = queue->heap[child];
        position = child;
    }
    queue->heap[position] = last;
}

/* Whether `a` arrived before `b`. */
static bool is_older(const struct queue *queue, int32_t a, int32_t b)
{
    return queue->sequences[a].outcome.request_id < queue->sequences[b].outcome.request_id;
}

/* A client's requests stand in its list by arrival: new ones at the end, preempted ones near the
 * front. */
static void client_push(struct queue *queue, int32_t index)
{
    struct sequence *sequences = queue->sequences;
    struct vtc_client *client = &queue->vtc.clients[sequences[index].client];
    queue->count++;
    if (client->queue_first < 0) {
        sequences[index].queue_next = -1;
        client->queue_first = client->queue_last = index;
        vtc_start_waiting(&queue->vtc, sequences[index].client, *queue->steps);
    } else if (is_older(queue, client->queue_last, index)) {
        sequences[index].queue_next = -1;
        sequences[client->queue_last].queue_next = index;
        client->queue_last = index;
    } else {
        int32_t *link = &client->queue_first;
        while (is_older(queue, *link, index))
            link = &sequences[*link].queue_next;
        sequences[index].queue_next = *link;
        *link = index;
    }
}

static void client_pop(struct queue *queue, int32_t index)
{
    const struct sequence *sequence = &queue->sequences[index];
    struct vtc_client *client = &queue->vtc.clients[sequence->client];
    queue->count--;
    client->queue_first = sequence->queue_next;
    if (client->queue_first < 0)
        vtc_stop_waiting(&queue->vtc, sequence->client);
}

void queue_push(struct queue *queue, int32_t sequence)
{
    if (queue->order->fair)
        client_push(queue, sequence);
    else
        heap_push(queue,
                  (struct queue_entry){queue->sequences[sequence].queue_key,
                                       queue->sequences[sequence].outcome.request_id, sequence});
}

bool queue_push_new(struct queue *queue, int32_t sequence, const struct request *request,
                    int32_t predicted_output_tokens)
{
    struct sequence *pushed = &queue->sequences[sequence];
    const struct queued_request seen = {request->priority, request->prompt_tokens,
                                        predicted_output_tokens};
    pushed->queue_key = queue->order->key != NULL ? queue->order->key(&seen) : 0;
    if (queue->order->fair) {
        pushed->client = vtc_find(&queue->vtc, request->client);
        if (pushed->client < 0)
            return false;
    }
    queue_push(queue, sequence);
    return true;
}

int32_t queue_head(struct queue *queue)
{
    if (queue->count == 0)
        return -1;
    if (queue->order->fair)
        return queue->vtc.clients[vtc_least(&queue->vtc, *queue->steps)].queue_first;
    return queue->heap[0].sequence;
}

void queue_pop(struct queue *queue, int32_t head)
{
    if (queue->order->fair)
        client_pop(queue, head);
    else
        heap_pop(queue);
}

int64_t queue_oldest_arrival_ns(const struct queue *queue)
{
    if (queue_order_by_arrival(queue->order))
        return queue->sequences[queue->heap[0].sequence].outcome.arrival_ns;
    int64_t oldest_ns = INT64_MAX;
    bool fair = queue->order->fair;
    int32_t count = fair ? queue->vtc.waiting_count : queue->count;
    for (int32_t i = 0; i < count; i++) {
        int32_t index = fair ? queue->vtc.clients[queue->vtc.waiting[i].client].queue_first
                             : queue->heap[i].sequence;
        int64_t arrival_ns = queue->sequences[index].outcome.arrival_ns;
        if (arrival_ns < oldest_ns)
            oldest_ns = arrival_ns;
    }
    return oldest_ns;
}

bool queue_is_after(const struct queue *queue, int32_t a, int32_t b)
{
    const struct sequence *first = &queue->sequences[a], *second = &queue->sequences[b];
    return first->queue_key != second->queue_key
               ? first->queue_key > second->queue_key
               : first->outcome.request_id > second->outcome.request_id;
}

void queue_note_admission(struct queue *queue, const struct sequence *sequence)
{
    if (queue->order->fair)
        vtc_charge_prompt(&queue->vtc, sequence->client, sequence->outcome.prompt_tokens);
}

void queue_note_token(struct queue *queue, const struct sequence *sequence)
{
    if (queue->order->fair)
        vtc_charge_token(&queue->vtc, sequence->client);
}

void queue_note_decoding(struct queue *queue, const struct sequence *sequence, int32_t change)
{
    if (queue->order->fair)
        vtc_change_decoding(&queue->vtc, sequence->client, change, *queue->steps);
}
