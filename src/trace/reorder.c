/* A ring of the rows' times, sorted by insertion from its tail, where a row in order stays: nothing
 * else is moved for it. Ids are read into an arena and lie there one row behind another; where half
 * of it belongs to nobody any more, what is held moves to a second one. */
#include "reorder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
    RING_MASK = REORDER_ROWS - 1,
    NAMES = 3,
    NAMES_BYTES = NAMES * (REQUEST_MAX_NAME_BYTES + 1),
    ALIGNMENT = sizeof(uint64_t),
    /* So much may belong to nobody, however little is held. Small enough for a cache. */
    GARBAGE_BYTES = REORDER_BYTES / 16,
};
static_assert((REORDER_ROWS & RING_MASK) == 0, "positions in the ring are found by a mask");
static_assert(GARBAGE_BYTES <= REORDER_ROWS * NAMES_BYTES && GARBAGE_BYTES <= REORDER_BYTES,
              "no more than the most that is held, which an arena has twice the room for");

struct slot {
    struct request request;
    struct source_left_out mark;
    size_t bytes; /* of the arena */
};

struct position {
    int64_t arrival_ns;
    int32_t slot;
};

struct reorder {
    struct slot slots[REORDER_ROWS];
    int32_t free[REORDER_ROWS]; /* slots without a row: the first free_count */
    size_t free_count;
    struct position ring[REORDER_ROWS]; /* in order of time, from `first` on */
    size_t first, count;
    size_t row_bytes;   /* of a row, at most */
    size_t arena_bytes; /* of either arena */
    char *arena, *other;
    size_t used, held; /* of the arena; by rows that are held */
};

/* Copied, since gcc clears as much by an instruction that takes a fifth of the time of reading a
 * row. */
static const struct request nothing;

struct reorder *reorder_create(size_t max_ids, struct error *error)
{
    struct reorder *reorder = calloc(1, sizeof *reorder);
    if (reorder == NULL) {
        error_run(error, "out of memory");
        return NULL;
    }
    reorder->row_bytes = max_ids * sizeof(uint64_t) + NAMES_BYTES;
    const size_t most = REORDER_ROWS * reorder->row_bytes;
    /* Room for a row behind what is held and as much of nobody's. What no row reaches never becomes
     * memory. */
    reorder->arena_bytes = 2 * (most < REORDER_BYTES ? most : REORDER_BYTES) + reorder->row_bytes;
    reorder->arena = malloc(reorder->arena_bytes);
    reorder->other = malloc(reorder->arena_bytes);
    if (reorder->arena == NULL || reorder->other == NULL) {
        error_run(error, "out of memory");
        reorder_destroy(reorder);
        return NULL;
    }
    for (int32_t i = 0; i < REORDER_ROWS; i++)
        reorder->free[reorder->free_count++] = REORDER_ROWS - 1 - i;
    return reorder;
}

void reorder_destroy(struct reorder *reorder)
{
    if (reorder == NULL)
        return;
    free(reorder->arena);
    free(reorder->other);
    free(reorder);
}

bool reorder_is_full(const struct reorder *reorder)
{
    return reorder->count == REORDER_ROWS || reorder->held >= REORDER_BYTES;
}

bool reorder_is_empty(const struct reorder *reorder)
{
    return reorder->count == 0;
}

static char *copy(char *to, const void *from, size_t bytes)
{
    memcpy(to, from, bytes);
    return to + bytes;
}

/* Copy a name to `to`, if there is one; the first byte behind it. */
static char *copy_name(char *to, struct request_name *name)
{
    if (name->bytes == 0)
        return to;
    const char *from = name->text;
    name->text = to;
    return copy(to, from, (size_t)name->bytes);
}

static char *copy_names(char *to, struct request *request)
{
    to = copy_name(to, &request->client_name);
    to = copy_name(to, &request->session);
    return copy_name(to, &request->class_name);
}

/* Move what is held to the other arena. */
static void compact(struct reorder *reorder)
{
    char *end = reorder->other;
    for (size_t i = 0; i < reorder->count; i++) {
        const size_t at = (reorder->first + i) & RING_MASK;
        struct slot *slot = &reorder->slots[reorder->ring[at].slot];
        struct request *request = &slot->request;
        char *const begin = end;
        if (request->prefix_id_count > 0) {
            end = copy(begin, request->prefix_ids,
                       (size_t)request->prefix_id_count * sizeof *request->prefix_ids);
            request->prefix_ids = (const uint64_t *)(void *)begin;
        }
        copy_names(end, request);
        end = begin + slot->bytes;
    }
    char *const emptied = reorder->arena;
    reorder->arena = reorder->other;
    reorder->other = emptied;
    reorder->used = reorder->held;
    assert(end == reorder->arena + reorder->used);
}

struct request *reorder_begin(struct reorder *reorder, uint64_t **ids)
{
    assert(!reorder_is_full(reorder) && reorder->free_count > 0);
    const size_t garbage = reorder->used - reorder->held;
    if (garbage > GARBAGE_BYTES && garbage > reorder->held)
        compact(reorder);
    assert(reorder->arena_bytes - reorder->used >= reorder->row_bytes);
    *ids = (uint64_t *)(void *)(reorder->arena + reorder->used);
    struct request *request = &reorder->slots[reorder->free[reorder->free_count - 1]].request;
    *request = nothing;
    return request;
}

/* From the tail: a row is late, if at all, by few places. */
static void insert(struct reorder *reorder, int64_t arrival_ns, int32_t slot)
{
    size_t at = reorder->first + reorder->count++;
    for (; at > reorder->first; at--) {
        const struct position before = reorder->ring[(at - 1) & RING_MASK];
        if (before.arrival_ns <= arrival_ns)
            break;
        reorder->ring[at & RING_MASK] = before;
    }
    reorder->ring[at & RING_MASK] = (struct position){arrival_ns, slot};
}

void reorder_put(struct reorder *reorder, const struct source_left_out *mark)
{
    const int32_t index = reorder->free[--reorder->free_count];
    struct slot *slot = &reorder->slots[index];
    struct request *request = &slot->request;
    char *const begin = reorder->arena + reorder->used;
    const size_t id_bytes = (size_t)request->prefix_id_count * sizeof *request->prefix_ids;
    assert(id_bytes == 0 || request->prefix_ids == (const uint64_t *)(void *)begin);
    const char *end = copy_names(begin + id_bytes, request);
    slot->mark = *mark;
    slot->bytes = ((size_t)(end - begin) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    assert(slot->bytes <= reorder->row_bytes);
    reorder->used += slot->bytes;
    reorder->held += slot->bytes;
    insert(reorder, request->arrival_ns, index);
}

void reorder_take(struct reorder *reorder, struct request *request, struct source_left_out *mark)
{
    assert(!reorder_is_empty(reorder));
    const int32_t index = reorder->ring[reorder->first & RING_MASK].slot;
    const struct slot *slot = &reorder->slots[index];
    *request = slot->request;
    *mark = slot->mark;
    reorder->first++;
    reorder->count--;
    reorder->held -= slot->bytes;
    reorder->free[reorder->free_count++] = index;
}
