#include "prefix_extents.h"

#include <assert.h>
#include <stdlib.h>

enum {
    FIRST_CAPACITY = 4, /* a power of two, as every capacity */
    MAX_CAPACITY = 1 << 30,
};

/* The hashes are spread well already, those of tests and of short ids perhaps not. */
static int32_t *bucket_of(const struct prefix_cache *cache, uint64_t hash)
{
    uint64_t spread = hash * UINT64_C(0x9e3779b97f4a7c15);
    return &cache->buckets[(uint32_t)(spread >> 32) & cache->bucket_mask];
}

/* Between two neighbours in a bucket, or at its ends (−1). */
static void link_in_bucket(struct prefix_cache *cache, int32_t extent, int32_t previous,
                           int32_t next)
{
    struct prefix_extent *linked = &cache->extents[extent];
    linked->bucket_previous = previous;
    linked->bucket_next = next;
    if (previous >= 0)
        cache->extents[previous].bucket_next = extent;
    else
        *bucket_of(cache, linked->hash) = extent;
    if (next >= 0)
        cache->extents[next].bucket_previous = extent;
}

static void unlink_from_bucket(struct prefix_cache *cache, int32_t extent)
{
    const struct prefix_extent *leaving = &cache->extents[extent];
    if (leaving->bucket_previous >= 0)
        cache->extents[leaving->bucket_previous].bucket_next = leaving->bucket_next;
    else
        *bucket_of(cache, leaving->hash) = leaving->bucket_next;
    if (leaving->bucket_next >= 0)
        cache->extents[leaving->bucket_next].bucket_previous = leaving->bucket_previous;
}

/* Every bucket is emptied from its end, to the front of the new ones: the order within a hash
 * stays. */
static void refill_buckets(struct prefix_cache *cache, const int32_t *old, uint32_t old_count)
{
    for (uint32_t i = 0; i < old_count; i++) {
        int32_t extent = old[i];
        while (extent >= 0 && cache->extents[extent].bucket_next >= 0)
            extent = cache->extents[extent].bucket_next;
        while (extent >= 0) {
            int32_t previous = cache->extents[extent].bucket_previous;
            link_in_bucket(cache, extent, -1, *bucket_of(cache, cache->extents[extent].hash));
            extent = previous;
        }
    }
}

/* To a larger capacity, with a bucket for every two extents. */
static bool grow(struct prefix_cache *cache, int32_t capacity)
{
    uint32_t bucket_count = (uint32_t)capacity / 2;
    int32_t *buckets = malloc(bucket_count * sizeof *buckets);
    if (buckets == NULL)
        return false;
    struct prefix_extent *extents =
        realloc(cache->extents, (size_t)capacity * sizeof *cache->extents);
    if (extents == NULL) {
        free(buckets);
        return false;
    }
    for (uint32_t i = 0; i < bucket_count; i++)
        buckets[i] = -1;
    int32_t *old = cache->buckets;
    uint32_t old_count = old == NULL ? 0 : cache->bucket_mask + 1;
    cache->extents = extents;
    cache->extent_capacity = capacity;
    cache->buckets = buckets;
    cache->bucket_mask = bucket_count - 1;
    refill_buckets(cache, old, old_count);
    free(old);
    return true;
}

bool prefix_extents_init(struct prefix_cache *cache)
{
    *cache = (struct prefix_cache){.unused_extent = -1, .lru_first = -1, .lru_last = -1};
    return grow(cache, FIRST_CAPACITY);
}

/* Room for one more detour or extent with identity, and for whatever the queue may come to need: no
 * two extents without identity are neighbours in it, so that there is at most one more of them than
 * of the others. */
static bool reserve(struct prefix_cache *cache)
{
    int64_t needed = 2 * ((int64_t)cache->keyed_count + 1) + 1 + cache->detour_count + 1;
    if (needed <= cache->extent_capacity)
        return true;
    return cache->extent_capacity < MAX_CAPACITY && grow(cache, 2 * cache->extent_capacity);
}

static int32_t take_unused(struct prefix_cache *cache)
{
    int32_t extent = cache->unused_extent;
    if (extent >= 0) {
        cache->unused_extent = cache->extents[extent].lru_next;
        return extent;
    }
    assert(cache->extent_count < cache->extent_capacity);
    return cache->extent_count++;
}

static void give_back(struct prefix_cache *cache, int32_t extent)
{
    cache->extents[extent].lru_next = cache->unused_extent;
    cache->unused_extent = extent;
}

int32_t prefix_extents_find(const struct prefix_cache *cache, uint64_t hash, int32_t block,
                            int32_t after)
{
    int32_t extent = after >= 0 ? cache->extents[after].bucket_next : *bucket_of(cache, hash);
    while (extent >= 0) {
        const struct prefix_extent *candidate = &cache->extents[extent];
        if (candidate->hash == hash && prefix_extent_end(candidate) > block)
            break;
        extent = candidate->bucket_next;
    }
    return extent;
}

/* Into a place that is reserved, and into its bucket somewhere behind `after` (−1: anywhere). */
static int32_t enter(struct prefix_cache *cache, const struct prefix_extent *extent, int32_t after)
{
    int32_t previous = after;
    int32_t next = after >= 0 ? cache->extents[after].bucket_next : *bucket_of(cache, extent->hash);
    while (next >= 0 && (cache->extents[next].hash != extent->hash ||
                         cache->extents[next].first_block < extent->first_block)) {
        previous = next;
        next = cache->extents[next].bucket_next;
    }
    int32_t entered = take_unused(cache);
    cache->extents[entered] = *extent;
    link_in_bucket(cache, entered, previous, next);
    cache->keyed_count++;
    return entered;
}

int32_t prefix_extents_add(struct prefix_cache *cache, const struct prefix_extent *extent,
                           int32_t after)
{
    return reserve(cache) ? enter(cache, extent, after) : -1;
}

/* Behind `previous` in the queue; −1: the queue is empty. */
static void link_in_queue(struct prefix_cache *cache, int32_t extent, int32_t previous)
{
    int32_t next = previous >= 0 ? cache->extents[previous].lru_next : -1;
    cache->extents[extent].lru_previous = previous;
    cache->extents[extent].lru_next = next;
    *(previous >= 0 ? &cache->extents[previous].lru_next : &cache->lru_first) = extent;
    *(next >= 0 ? &cache->extents[next].lru_previous : &cache->lru_last) = extent;
}

static void unlink_from_queue(struct prefix_cache *cache, int32_t extent)
{
    int32_t previous = cache->extents[extent].lru_previous;
    int32_t next = cache->extents[extent].lru_next;
    *(previous >= 0 ? &cache->extents[previous].lru_next : &cache->lru_first) = next;
    *(next >= 0 ? &cache->extents[next].lru_previous : &cache->lru_last) = previous;
}

int32_t prefix_extents_split(struct prefix_cache *cache, int32_t extent, int32_t block)
{
    if (!reserve(cache)) /* first, for it may move everything to other buckets */
        return -1;
    struct prefix_extent *rest = &cache->extents[extent];
    struct prefix_extent front = *rest;
    assert(block > front.first_block && block < prefix_extent_end(&front));
    front.block_count = block - front.first_block;
    int32_t entered = enter(cache, &front, front.bucket_previous);
    rest->first_block = block;
    rest->block_count -= front.block_count;
    rest->parent = entered;
    if (rest->references == 0)
        link_in_queue(cache, entered, extent);
    return entered;
}

void prefix_extents_append(struct prefix_cache *cache, int32_t extent)
{
    link_in_queue(cache, extent, cache->lru_last);
    cache->free_blocks += cache->extents[extent].block_count;
}

static bool is_unkeyed(const struct prefix_cache *cache, int32_t extent)
{
    return extent >= 0 && cache->extents[extent].first_block < 0;
}

void prefix_extents_append_unkeyed(struct prefix_cache *cache, int64_t blocks)
{
    if (blocks == 0)
        return;
    if (is_unkeyed(cache, cache->lru_last)) {
        cache->extents[cache->lru_last].block_count += blocks;
        cache->free_blocks += blocks;
        return;
    }
    int32_t extent = take_unused(cache);
    cache->extents[extent] = (struct prefix_extent){.block_count = blocks, .first_block = -1};
    prefix_extents_append(cache, extent);
}

void prefix_extents_unqueue(struct prefix_cache *cache, int32_t extent)
{
    int32_t previous = cache->extents[extent].lru_previous;
    int32_t next = cache->extents[extent].lru_next;
    unlink_from_queue(cache, extent);
    cache->free_blocks -= cache->extents[extent].block_count;
    if (is_unkeyed(cache, previous) && is_unkeyed(cache, next)) {
        cache->extents[previous].block_count += cache->extents[next].block_count;
        unlink_from_queue(cache, next);
        give_back(cache, next);
    }
}

void prefix_extents_drop_first(struct prefix_cache *cache)
{
    int32_t extent = cache->lru_first;
    assert(cache->extents[extent].block_count == 0);
    unlink_from_queue(cache, extent);
    if (!is_unkeyed(cache, extent)) {
        unlink_from_bucket(cache, extent);
        cache->keyed_count--;
    }
    give_back(cache, extent);
}

int32_t prefix_extents_add_detour(struct prefix_cache *cache, int32_t first_block, int32_t parent,
                                  int32_t next)
{
    if (!reserve(cache))
        return -1;
    int32_t detour = take_unused(cache);
    cache->extents[detour] =
        (struct prefix_extent){.first_block = first_block, .parent = parent, .lru_next = next};
    cache->detour_count++;
    return detour;
}

void prefix_extents_drop_detours(struct prefix_cache *cache, int32_t detour)
{
    while (detour >= 0) {
        int32_t next = cache->extents[detour].lru_next;
        give_back(cache, detour);
        cache->detour_count--;
        detour = next;
    }
}
