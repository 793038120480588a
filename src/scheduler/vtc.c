#include "vtc.h"

#include <llmsim/queue_order.h>
#include <stdlib.h>
#include <string.h>

enum { INITIAL_CLIENTS = 16, MAX_CLIENTS = 1 << 22 };

/* The weights of the paper's evaluation. */
enum { INPUT_WEIGHT = 1, OUTPUT_WEIGHT = 2 };

const struct queue_order order_vtc = {
    .name = "vtc",
    .summary = "fair between clients by a virtual token counter, by arrival within each",
    .source = "Sheng et al., \"Fairness in Serving Large Language Models\", OSDI 2024",
    .fair = true,
};

/* Twice as many buckets as clients there is room for. */
static int32_t *bucket_of(const struct vtc *vtc, uint64_t client)
{
    uint64_t mask = 2 * (uint64_t)vtc->client_capacity - 1;
    uint64_t slot = (client * 0x9e3779b97f4a7c15u >> 32) & mask;
    while (vtc->buckets[slot] >= 0 && vtc->clients[vtc->buckets[slot]].client != client)
        slot = (slot + 1) & mask;
    return &vtc->buckets[slot];
}

/* Arrays for `capacity` clients, a power of two, with those there are. */
static bool grow(struct vtc *vtc, int32_t capacity)
{
    size_t room = (size_t)capacity;
    struct vtc_client *clients = realloc(vtc->clients, room * sizeof *clients);
    if (clients != NULL)
        vtc->clients = clients;
    struct vtc_waiting *waiting = realloc(vtc->waiting, room * sizeof *waiting);
    if (waiting != NULL)
        vtc->waiting = waiting;
    int32_t *buckets = malloc(2 * room * sizeof *buckets);
    if (clients == NULL || waiting == NULL || buckets == NULL) {
        free(buckets);
        return false;
    }
    free(vtc->buckets);
    vtc->buckets = buckets;
    vtc->client_capacity = capacity;
    memset(buckets, 0xff, 2 * room * sizeof *buckets);
    for (int32_t i = 0; i < vtc->client_count; i++)
        *bucket_of(vtc, vtc->clients[i].client) = i;
    return true;
}

bool vtc_init(struct vtc *vtc)
{
    *vtc = (struct vtc){.last_taken = -1};
    return grow(vtc, INITIAL_CLIENTS);
}

void vtc_fini(struct vtc *vtc)
{
    free(vtc->clients);
    free(vtc->buckets);
    free(vtc->waiting);
    *vtc = (struct vtc){0};
}

int32_t vtc_find(struct vtc *vtc, uint64_t client)
{
    int32_t *bucket = bucket_of(vtc, client);
    if (*bucket >= 0)
        return *bucket;
    if (vtc->client_count == vtc->client_capacity) {
        if (vtc->client_capacity >= MAX_CLIENTS || !grow(vtc, 2 * vtc->client_capacity))
            return -1;
        bucket = bucket_of(vtc, client);
    }
    *bucket = vtc->client_count;
    vtc->clients[vtc->client_count] = (struct vtc_client){
        .client = client, .waiting_position = -1, .queue_first = -1, .queue_last = -1};
    return vtc->client_count++;
}

static int64_t counter_at(const struct vtc_client *client, int64_t steps)
{
    return client->served + (int64_t)OUTPUT_WEIGHT * client->decoding * (steps - client->step);
}

/* The line's value moves to step `steps`. */
static void settle(struct vtc_client *client, int64_t steps)
{
    client->served = counter_at(client, steps);
    client->step = steps;
}

static bool is_before(const struct vtc_waiting *a, const struct vtc_waiting *b)
{
    return a->counter != b->counter ? a->counter < b->counter : a->client < b->client;
}

static void place(struct vtc *vtc, int32_t position, struct vtc_waiting entry)
{
    vtc->waiting[position] = entry;
    vtc->clients[entry.client].waiting_position = position;
}

static void sift_up(struct vtc *vtc, int32_t position, struct vtc_waiting entry)
{
    while (position > 0 && is_before(&entry, &vtc->waiting[(position - 1) / 2])) {
        place(vtc, position, vtc->waiting[(position - 1) / 2]);
        position = (position - 1) / 2;
    }
    place(vtc, position, entry);
}

static void sift_down(struct vtc *vtc, int32_t position, struct vtc_waiting entry)
{
    for (int32_t child = 2 * position + 1; child < vtc->waiting_count; child = 2 * position + 1) {
        if (child + 1 < vtc->waiting_count &&
            is_before(&vtc->waiting[child + 1], &vtc->waiting[child]))
            child++;
        if (!is_before(&vtc->waiting[child], &entry))
            break;
        place(vtc, position, vtc->waiting[child]);
        position = child;
    }
    place(vtc, position, entry);
}

void vtc_start_waiting(struct vtc *vtc, int32_t client, int64_t steps)
{
    struct vtc_client *starting = &vtc->clients[client];
    int32_t level_of = vtc->waiting_count > 0 ? vtc_least(vtc, steps) : vtc->last_taken;
    settle(starting, steps);
    if (level_of >= 0) {
        int64_t level = counter_at(&vtc->clients[level_of], steps);
        if (starting->served < level)
            starting->served = level;
    }
    sift_up(vtc, vtc->waiting_count++, (struct vtc_waiting){starting->served, client});
}

void vtc_stop_waiting(struct vtc *vtc, int32_t client)
{
    int32_t position = vtc->clients[client].waiting_position;
    struct vtc_waiting last = vtc->waiting[--vtc->waiting_count];
    if (last.client != client) {
        if (position > 0 && is_before(&last, &vtc->waiting[(position - 1) / 2]))
            sift_up(vtc, position, last);
        else
            sift_down(vtc, position, last);
    }
    vtc->clients[client].waiting_position = -1;
    vtc->last_taken = client;
}

int32_t vtc_least(struct vtc *vtc, int64_t steps)
{
    while (vtc->waiting_count > 0) {
        struct vtc_waiting top = vtc->waiting[0];
        int64_t counter = counter_at(&vtc->clients[top.client], steps);
        if (counter == top.counter)
            return top.client;
        top.counter = counter;
        sift_down(vtc, 0, top);
    }
    return -1;
}

void vtc_charge_prompt(struct vtc *vtc, int32_t client, int32_t prompt_tokens)
{
    vtc->clients[client].served += (int64_t)INPUT_WEIGHT * prompt_tokens;
}

void vtc_charge_token(struct vtc *vtc, int32_t client)
{
    vtc->clients[client].served += OUTPUT_WEIGHT;
}

void vtc_change_decoding(struct vtc *vtc, int32_t client, int32_t change, int64_t steps)
{
    settle(&vtc->clients[client], steps);
    vtc->clients[client].decoding += change;
}
