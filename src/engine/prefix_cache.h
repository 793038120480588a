/* Which KV blocks hold what: vLLM's prefix cache (vllm/v1/core/kv_cache_manager.py, block_pool.py)
 * on runs of blocks instead of single ones.
 *
 * A block's identity is the chained hash of everything up to its end. A trace tells that by ids
 * that stand for many tokens each, so an *extent* – consecutive blocks of one chain under one id,
 * all in the same state – is looked up, referenced, freed and evicted as a whole, and split when
 * part of it goes another way. What anyone observes is what single blocks would give.
 *
 * Blocks that nobody references wait in one queue, least recently used first: blocks that never
 * held anything, blocks without identity, cached ones. A sequence's blocks enter it last one first,
 * so that a chain is evicted from its end, and taking a block takes from the queue's front. Every
 * operation takes time by the extents and segments it names, whatever the size of the cache.
 *
 * Departures from vLLM, where every full block has an identity, and several may have the same:
 * - a block is cached once. One that is computed while an equal one is cached has no identity, then
 *   or later, and nobody finds it once the cached one is evicted;
 * - a sequence gives back the blocks that have no identity before those that have one, wherever in
 *   its chain they stand; vLLM goes by the chain alone. The two differ only where a sequence
 *   computed what was cached already. */
#ifndef LLMSIM_ENGINE_PREFIX_CACHE_H
#define LLMSIM_ENGINE_PREFIX_CACHE_H

#include <stdbool.h>
#include <stdint.h>

/* What a sequence's tokens are, as far as that is known: `hashes[k]` is the chained hash of the ids
 * 0 … k, each of which stands for id_tokens tokens. Block j (from 0) belongs to the segment of the
 * id that its last token lies under. From block `id_blocks` on blocks are the sequence's alone: a
 * last segment, whose hash is `own_hash`. */
struct prefix_chain {
    uint64_t *hashes; /* owned by whoever made the chain; NULL where there are none */
    int32_t hash_count;
    int32_t id_tokens;
    int32_t block_size;
    int32_t id_blocks; /* whole blocks of the prompt that the ids cover */
    uint64_t own_hash;
};

/* What a sequence holds in the cache; PREFIX_HOLD_NONE: nothing. A copy of it is no second hold. */
struct prefix_hold {
    int32_t deepest_extent;  /* −1: none; its parents lead to the first */
    int32_t deepest_detour;  /* −1: none; from where on they do not, and where to instead */
    int32_t position_blocks; /* blocks of the chain that are cached, or were when it came there */
    int32_t cached_blocks;   /* of those, the ones held as cached, and shared with whoever comes */
};

#define PREFIX_HOLD_NONE ((struct prefix_hold){.deepest_extent = -1, .deepest_detour = -1})

struct prefix_match {
    int32_t blocks;       /* cached, from the first on */
    int32_t unreferenced; /* of those, the ones that nobody holds: taking them takes free blocks */
};

struct prefix_extent;

struct prefix_cache {
    struct prefix_extent *extents; /* owned; see prefix_extents.h */
    int32_t extent_capacity;       /* at most 2^30: memory for more cannot be had */
    int32_t extent_count;          /* places ever used */
    int32_t unused_extent;         /* a list of those not used now; −1: none */
    int32_t *buckets;              /* owned; a power of two of them, by hash */
    uint32_t bucket_mask;
    int32_t keyed_count;         /* extents in buckets: those with identity */
    int32_t detour_count;        /* of all holds */
    int32_t lru_first, lru_last; /* the queue of unreferenced extents; −1: empty */
    int64_t free_blocks;         /* in the queue */
    int64_t version;             /* goes up when a match may have become longer, or fewer of its
                                    blocks unreferenced, and never else */
};

/* All of `blocks` (≥ 0) free, holding nothing. False when memory cannot be had. */
bool prefix_cache_init(struct prefix_cache *cache, int64_t blocks);
void prefix_cache_fini(struct prefix_cache *cache); /* accepts what init refused */

/* The longest cached beginning of the chain, of at most `max_blocks` blocks. Changes nothing. */
struct prefix_match prefix_cache_match(const struct prefix_cache *cache,
                                       const struct prefix_chain *chain, int32_t max_blocks);

/* Reference the first `blocks` blocks (≥ 0) of the chain, all of which match; *hold, which was
 * empty, holds them. Those that were unreferenced leave the queue. False when memory cannot be had:
 * nothing is held, and those blocks have become the most recently used. */
bool prefix_cache_acquire(struct prefix_cache *cache, const struct prefix_chain *chain,
                          int32_t blocks, struct prefix_hold *hold);

/* Take `blocks` (0 … free_blocks) from the front of the queue; what they held is forgotten. */
void prefix_cache_take(struct prefix_cache *cache, int64_t blocks);

/* Blocks hold->position_blocks … to_block − 1 of the chain, which the sequence has taken, hold
 * their tokens from now on, and can be matched. A block that is cached already stays so; the
 * sequence's own copy is one more without identity. False when memory cannot be had: those from
 * hold->position_blocks on are not cached. */
bool prefix_cache_insert(struct prefix_cache *cache, const struct prefix_chain *chain,
                         int32_t to_block, struct prefix_hold *hold);

/* The sequence gives back everything: first (towards the front of the queue) `other_blocks`, those
 * it has without identity, then its cached ones, last one first, as far as nobody else holds them.
 * *hold is empty then. The number of blocks that have become free. */
int64_t prefix_cache_release(struct prefix_cache *cache, int64_t other_blocks,
                             struct prefix_hold *hold);

/* A second tier behind the first (host memory): nothing in it is referenced, and all of it can be
 * matched. It has its own queue, of `blocks` blocks, and the same order of eviction. */

/* What *hold holds in the first tier, and `other_blocks` (≥ 0) full blocks without identity, are
 * copied into the second tier: new ones take room from the front of its queue, and all of them, new
 * or there already, become the most recently used, in the order in which prefix_cache_release frees
 * them. To be called before that. False when memory cannot be had: some are not copied. */
bool prefix_cache_copy(struct prefix_cache *second, const struct prefix_cache *first,
                       int64_t other_blocks, const struct prefix_hold *hold);

/* How many blocks from `from_block` on match in the second tier, at most up to `max_blocks` of the
 * chain. Changes nothing. */
int32_t prefix_cache_match_from(const struct prefix_cache *second, const struct prefix_chain *chain,
                                int32_t from_block, int32_t max_blocks);

#endif
