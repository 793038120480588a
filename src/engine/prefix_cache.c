#include "prefix_extents.h"

#include <assert.h>
#include <stdlib.h>

/* The blocks of a chain that lie under one id, or behind the last one. */
struct segment {
    uint64_t hash;
    int32_t end_block; /* of this chain's part: another chain's may reach further */
};

static int32_t smaller(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static struct segment segment_at(const struct prefix_chain *chain, int32_t block)
{
    if (block >= chain->id_blocks)
        return (struct segment){.hash = chain->own_hash, .end_block = INT32_MAX};
    int64_t last_token = ((int64_t)block + 1) * chain->block_size - 1;
    int64_t id = last_token / chain->id_tokens;
    assert(id < chain->hash_count);
    int64_t end_block = (id + 1) * chain->id_tokens / chain->block_size;
    if (end_block > chain->id_blocks)
        end_block = chain->id_blocks;
    return (struct segment){.hash = chain->hashes[id], .end_block = (int32_t)end_block};
}

/* Along a chain over the extents that hold it. */
struct walk {
    const struct prefix_chain *chain;
    struct segment segment; /* of the blocks before the next one */
    int32_t block;          /* the next one */
    int32_t extent;         /* the last one come by in this segment; −1: none */
};

static struct walk walk_from(const struct prefix_chain *chain, int32_t block)
{
    return (struct walk){
        .chain = chain, .segment = {.end_block = block}, .block = block, .extent = -1};
}

/* Into the extent that holds the next block. The number of blocks passed, which ends with the
 * extent, with this chain's part of its segment, or before `to_block`; 0: it is not cached. */
static int32_t walk_on(const struct prefix_cache *cache, struct walk *walk, int32_t to_block)
{
    if (walk->block >= to_block)
        return 0;
    if (walk->block >= walk->segment.end_block) {
        walk->segment = segment_at(walk->chain, walk->block);
        walk->extent = -1;
    }
    int32_t found = prefix_extents_find(cache, walk->segment.hash, walk->block, walk->extent);
    if (found < 0 || cache->extents[found].first_block > walk->block)
        return 0;
    int32_t end = smaller(prefix_extent_end(&cache->extents[found]),
                          smaller(walk->segment.end_block, to_block));
    int32_t passed = end - walk->block;
    walk->block = end;
    walk->extent = found;
    return passed;
}

bool prefix_cache_init(struct prefix_cache *cache, int64_t blocks)
{
    assert(blocks >= 0);
    if (!prefix_extents_init(cache))
        return false;
    prefix_extents_append_unkeyed(cache, blocks);
    return true;
}

void prefix_cache_fini(struct prefix_cache *cache)
{
    free(cache->extents);
    free(cache->buckets);
    cache->extents = NULL;
    cache->buckets = NULL;
}

struct prefix_match prefix_cache_match(const struct prefix_cache *cache,
                                       const struct prefix_chain *chain, int32_t max_blocks)
{
    struct prefix_match match = {0};
    struct walk walk = walk_from(chain, 0);
    for (int32_t passed; (passed = walk_on(cache, &walk, max_blocks)) > 0;) {
        if (cache->extents[walk.extent].references == 0)
            match.unreferenced += passed;
    }
    match.blocks = walk.block;
    return match;
}

int32_t prefix_cache_match_from(const struct prefix_cache *second, const struct prefix_chain *chain,
                                int32_t from_block, int32_t max_blocks)
{
    struct walk walk = walk_from(chain, from_block);
    while (walk_on(second, &walk, max_blocks) > 0)
        ;
    return walk.block - from_block;
}

/* The extent's part before `block`, which lies in it or at its end, as an extent; −1 when memory
 * cannot be had. */
static int32_t part_before(struct prefix_cache *cache, int32_t extent, int32_t block)
{
    return prefix_extent_end(&cache->extents[extent]) == block
               ? extent
               : prefix_extents_split(cache, extent, block);
}

/* One more extent of the chain is held, behind hold->deepest_extent. While it is referenced, its
 * parent belongs to those who hold it already. Whoever inserted it may hold nothing of what stands
 * right before it, having computed a copy of that; a hold that does goes there by a detour. That is
 * found by the block at which the extent begins, since after a split its front begins there. */
static bool reference(struct prefix_cache *cache, int32_t extent, struct prefix_hold *hold)
{
    struct prefix_extent *held = &cache->extents[extent];
    if (held->references == 0) {
        prefix_extents_unqueue(cache, extent);
        held->parent = hold->deepest_extent;
        cache->version++;
    } else if (held->parent != hold->deepest_extent) {
        int32_t detour = prefix_extents_add_detour(cache, held->first_block, hold->deepest_extent,
                                                   hold->deepest_detour);
        if (detour < 0)
            return false;
        hold->deepest_detour = detour;
    }
    cache->extents[extent].references++;
    hold->deepest_extent = extent;
    return true;
}

/* hold->deepest_extent becomes the one held before it; −1 after the first. */
static void step_back(const struct prefix_cache *cache, struct prefix_hold *hold)
{
    const struct prefix_extent *extent = &cache->extents[hold->deepest_extent];
    hold->deepest_extent = extent->parent;
    if (hold->deepest_detour < 0)
        return;
    const struct prefix_extent *detour = &cache->extents[hold->deepest_detour];
    if (detour->first_block == extent->first_block) {
        hold->deepest_extent = detour->parent;
        hold->deepest_detour = detour->lru_next;
    }
}

bool prefix_cache_acquire(struct prefix_cache *cache, const struct prefix_chain *chain,
                          int32_t blocks, struct prefix_hold *hold)
{
    assert(hold->deepest_extent < 0 && hold->position_blocks == 0);
    struct walk walk = walk_from(chain, 0);
    while (walk.block < blocks) {
        int32_t passed = walk_on(cache, &walk, blocks);
        assert(passed > 0);
        int32_t extent = part_before(cache, walk.extent, walk.block);
        if (extent < 0 || !reference(cache, extent, hold)) {
            prefix_cache_release(cache, 0, hold);
            return false;
        }
        hold->position_blocks += passed;
        hold->cached_blocks += passed;
    }
    return true;
}

void prefix_cache_take(struct prefix_cache *cache, int64_t blocks)
{
    assert(blocks >= 0 && blocks <= cache->free_blocks);
    cache->free_blocks -= blocks;
    while (blocks > 0) {
        struct prefix_extent *extent = &cache->extents[cache->lru_first];
        int64_t taken = extent->block_count < blocks ? extent->block_count : blocks;
        extent->block_count -= taken;
        blocks -= taken;
        if (extent->block_count == 0)
            prefix_extents_drop_first(cache);
    }
}

/* The blocks from hold->position_blocks on, as far as they are in the segment, before `to_block`,
 * and either all cached in one extent or none of them. */
static bool insert_some(struct prefix_cache *cache, const struct segment *segment, int32_t to_block,
                        struct prefix_hold *hold)
{
    int32_t block = hold->position_blocks;
    int32_t deepest = hold->deepest_extent;
    bool continues = deepest >= 0 && cache->extents[deepest].hash == segment->hash &&
                     prefix_extent_end(&cache->extents[deepest]) == block;
    int32_t end = smaller(segment->end_block, to_block);
    int32_t next = prefix_extents_find(cache, segment->hash, block, continues ? deepest : -1);
    if (next >= 0 && cache->extents[next].first_block <= block) {
        hold->position_blocks = smaller(end, prefix_extent_end(&cache->extents[next]));
        return true;
    }
    if (next >= 0)
        end = smaller(end, cache->extents[next].first_block);
    if (continues && cache->extents[deepest].references == 1) {
        cache->extents[deepest].block_count += end - block;
    } else {
        struct prefix_extent added = {.hash = segment->hash,
                                      .block_count = end - block,
                                      .first_block = block,
                                      .references = 1,
                                      .parent = deepest};
        int32_t extent = prefix_extents_add(cache, &added, continues ? deepest : -1);
        if (extent < 0)
            return false;
        hold->deepest_extent = extent;
    }
    hold->cached_blocks += end - block;
    hold->position_blocks = end;
    cache->version++;
    return true;
}

bool prefix_cache_insert(struct prefix_cache *cache, const struct prefix_chain *chain,
                         int32_t to_block, struct prefix_hold *hold)
{
    struct segment segment = {.end_block = hold->position_blocks};
    while (hold->position_blocks < to_block) {
        if (hold->position_blocks >= segment.end_block)
            segment = segment_at(chain, hold->position_blocks);
        if (!insert_some(cache, &segment, to_block, hold))
            return false;
    }
    return true;
}

int64_t prefix_cache_release(struct prefix_cache *cache, int64_t other_blocks,
                             struct prefix_hold *hold)
{
    int64_t free_before = cache->free_blocks;
    prefix_extents_append_unkeyed(cache, other_blocks);
    for (struct prefix_hold rest = *hold; rest.deepest_extent >= 0;) {
        int32_t extent = rest.deepest_extent;
        step_back(cache, &rest);
        if (--cache->extents[extent].references == 0)
            prefix_extents_append(cache, extent);
    }
    prefix_extents_drop_detours(cache, hold->deepest_detour);
    *hold = PREFIX_HOLD_NONE;
    return cache->free_blocks - free_before;
}

/* In the second tier everything is in the queue: free_blocks is its size. */

/* The blocks first_block … end − 1 under a hash, which are nowhere in the tier. Should they be more
 * than the tier has, the earlier ones, which come last, push the later ones out again. */
static bool copy_missing(struct prefix_cache *second, uint64_t hash, int32_t first_block,
                         int32_t end)
{
    int64_t blocks = end - first_block;
    if (blocks > second->free_blocks)
        blocks = second->free_blocks;
    prefix_cache_take(second, blocks);
    struct prefix_extent added = {
        .hash = hash, .block_count = blocks, .first_block = first_block, .parent = -1};
    int32_t extent = prefix_extents_add(second, &added, -1);
    if (extent < 0) {
        prefix_extents_append_unkeyed(second, blocks);
        return false;
    }
    prefix_extents_append(second, extent);
    second->version++;
    return true;
}

/* The part of `extent` from first_block to end − 1 becomes the most recently used. */
static bool touch(struct prefix_cache *second, int32_t extent, int32_t first_block, int32_t end)
{
    int32_t part = part_before(second, extent, end);
    if (part < 0)
        return false;
    if (second->extents[part].first_block < first_block &&
        prefix_extents_split(second, part, first_block) < 0)
        return false;
    prefix_extents_unqueue(second, part);
    prefix_extents_append(second, part);
    return true;
}

/* The block behind the last one before `end` that the tier holds of the source's, and in *extent
 * which extent that is (it may reach further); the source's first block and −1 where it holds
 * none. */
static int32_t cached_before(const struct prefix_cache *second, const struct prefix_extent *source,
                             int32_t end, int32_t *extent)
{
    int32_t block = source->first_block;
    *extent = -1;
    while (block < end) {
        int32_t next = prefix_extents_find(second, source->hash, block, *extent);
        if (next < 0 || second->extents[next].first_block >= end)
            break;
        block = smaller(end, prefix_extent_end(&second->extents[next]));
        *extent = next;
    }
    return block;
}

/* From the source's end on, for what is missing takes room from the queue's front, and may so push
 * out what was there of the blocks before it. */
static bool copy_extent(struct prefix_cache *second, const struct prefix_extent *source)
{
    int32_t end = prefix_extent_end(source);
    while (end > source->first_block) {
        int32_t extent;
        int32_t first_block = cached_before(second, source, end, &extent);
        if (first_block < end) {
            if (!copy_missing(second, source->hash, first_block, end))
                return false;
        } else {
            first_block = second->extents[extent].first_block;
            if (first_block < source->first_block)
                first_block = source->first_block;
            if (!touch(second, extent, first_block, end))
                return false;
        }
        end = first_block;
    }
    return true;
}

bool prefix_cache_copy(struct prefix_cache *second, const struct prefix_cache *first,
                       int64_t other_blocks, const struct prefix_hold *hold)
{
    if (second->free_blocks == 0)
        return true;
    int64_t others = other_blocks < second->free_blocks ? other_blocks : second->free_blocks;
    prefix_cache_take(second, others);
    prefix_extents_append_unkeyed(second, others);
    struct prefix_hold rest = *hold;
    for (; rest.deepest_extent >= 0; step_back(first, &rest)) {
        if (!copy_extent(second, &first->extents[rest.deepest_extent]))
            return false;
    }
    return true;
}
