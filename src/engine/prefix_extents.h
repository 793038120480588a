/* The extents of a prefix cache: where they lie, how one is found, and the queue of those that
 * nobody references. What they mean to chains, holds and tiers is prefix_cache.c's business; this
 * header is for it and for tests.
 *
 * An extent is named by its index, which it keeps for life; a pointer to one is good until the next
 * call that adds one. */
#ifndef LLMSIM_ENGINE_PREFIX_EXTENTS_H
#define LLMSIM_ENGINE_PREFIX_EXTENTS_H

#include "prefix_cache.h"

/* Consecutive blocks of one segment, all with the same references; or blocks without identity. A
 * hold's detour takes a place of this shape as well, and uses first_block, parent and lru_next. */
struct prefix_extent {
    uint64_t hash; /* of the segment */
    int64_t block_count;
    int32_t first_block;                  /* of the chain; −1: without identity, in no bucket */
    int32_t references;                   /* 0: in the queue */
    int32_t parent;                       /* the extent before it in the hold that first
                                             referenced it since it was free; −1: none */
    int32_t lru_previous, lru_next;       /* −1: none */
    int32_t bucket_previous, bucket_next; /* −1: none; of one hash, the earlier blocks come first */
};

/* Of an extent with identity: the block behind its last. */
static inline int32_t prefix_extent_end(const struct prefix_extent *extent)
{
    return (int32_t)(extent->first_block + extent->block_count);
}

/* All of `cache` but its queue, which is empty. False when memory cannot be had. */
bool prefix_extents_init(struct prefix_cache *cache);

/* The first extent under this hash that ends behind `block`; −1: none. `after` (−1: none) is one
 * under the same hash that does not, from where the search goes on. */
int32_t prefix_extents_find(const struct prefix_cache *cache, uint64_t hash, int32_t block,
                            int32_t after);

/* A new extent with *extent's hash, blocks, references and parent can be found from now on; none of
 * its blocks could before. `after` as above. It is not in the queue yet. −1 when memory cannot be
 * had. */
int32_t prefix_extents_add(struct prefix_cache *cache, const struct prefix_extent *extent,
                           int32_t after);

/* Divide an extent before `block`, strictly inside it. The new extent is the front, for the index
 * that holds and parents know must stay the deeper part, which leads to the front. In the queue the
 * front stands behind the rest. The front; −1 when memory cannot be had. */
int32_t prefix_extents_split(struct prefix_cache *cache, int32_t extent, int32_t block);

/* To the end of the queue: an extent, or blocks without identity (≥ 0). Neither takes memory. */
void prefix_extents_append(struct prefix_cache *cache, int32_t extent);
void prefix_extents_append_unkeyed(struct prefix_cache *cache, int64_t blocks);

/* Out of the queue, to be referenced or appended again. */
void prefix_extents_unqueue(struct prefix_cache *cache, int32_t extent);

/* The queue's first extent, of which no block is left, is gone. */
void prefix_extents_drop_first(struct prefix_cache *cache);

/* A detour at `first_block` to the extent `parent`, before the detours from `next` on. −1 when
 * memory cannot be had. */
int32_t prefix_extents_add_detour(struct prefix_cache *cache, int32_t first_block, int32_t parent,
                                  int32_t next);

/* The detours from `detour` (−1: none) on are gone. */
void prefix_extents_drop_detours(struct prefix_cache *cache, int32_t detour);

#endif
