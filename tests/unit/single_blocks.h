/* A prefix cache as a plain array of single blocks and a plain list for the queue: what
 * prefix_cache.h stands for, with every departure from vLLM that it names. */
#ifndef LLMSIM_TESTS_SINGLE_BLOCKS_H
#define LLMSIM_TESTS_SINGLE_BLOCKS_H

#include "prefix_cache.h"

#include <assert.h>
#include <string.h>

enum { SINGLE_MAX = 96 };

struct single_block {
    uint64_t hash;
    int32_t number; /* in its chain; −1: without identity */
    int32_t references;
};

struct single_tier {
    struct single_block blocks[SINGLE_MAX];
    int32_t block_count;
    int32_t queue[SINGLE_MAX]; /* indices of blocks, the next to be taken first */
    int32_t queue_length;
};

struct single_hold {
    int32_t cached[SINGLE_MAX], others[SINGLE_MAX]; /* indices of blocks, by the chain */
    int32_t cached_count, other_count;
    int32_t position;
};

static inline void single_append(struct single_tier *tier, int32_t index)
{
    tier->queue[tier->queue_length++] = index;
}

static inline void single_unqueue(struct single_tier *tier, int32_t index)
{
    int32_t i = 0;
    while (tier->queue[i] != index)
        i++;
    tier->queue_length--;
    memmove(&tier->queue[i], &tier->queue[i + 1],
            (size_t)(tier->queue_length - i) * sizeof *tier->queue);
}

static inline void single_init(struct single_tier *tier, int32_t blocks)
{
    assert(blocks <= SINGLE_MAX);
    *tier = (struct single_tier){.block_count = blocks};
    for (int32_t i = 0; i < blocks; i++) {
        tier->blocks[i].number = -1;
        single_append(tier, i);
    }
}

static inline int32_t single_take(struct single_tier *tier)
{
    int32_t index = tier->queue[0];
    single_unqueue(tier, index);
    tier->blocks[index] = (struct single_block){.number = -1};
    return index;
}

static inline int32_t single_find(const struct single_tier *tier, uint64_t hash, int32_t number)
{
    for (int32_t i = 0; i < tier->block_count; i++) {
        if (tier->blocks[i].number == number && tier->blocks[i].hash == hash)
            return i;
    }
    return -1;
}

static inline uint64_t single_hash(const struct prefix_chain *chain, int32_t number)
{
    int32_t last_token = (number + 1) * chain->block_size - 1;
    return number < chain->id_blocks ? chain->hashes[last_token / chain->id_tokens]
                                     : chain->own_hash;
}

static inline int32_t single_find_in(const struct single_tier *tier,
                                     const struct prefix_chain *chain, int32_t number)
{
    return single_find(tier, single_hash(chain, number), number);
}

static inline int32_t single_match_from(const struct single_tier *tier,
                                        const struct prefix_chain *chain, int32_t from,
                                        int32_t max_blocks)
{
    int32_t number = from;
    while (number < max_blocks && single_find_in(tier, chain, number) >= 0)
        number++;
    return number - from;
}

static inline struct prefix_match single_match(const struct single_tier *tier,
                                               const struct prefix_chain *chain, int32_t max_blocks)
{
    struct prefix_match match = {.blocks = single_match_from(tier, chain, 0, max_blocks)};
    for (int32_t i = 0; i < match.blocks; i++)
        match.unreferenced += tier->blocks[single_find_in(tier, chain, i)].references == 0;
    return match;
}

static inline void single_acquire(struct single_tier *tier, const struct prefix_chain *chain,
                                  int32_t blocks, struct single_hold *hold)
{
    for (int32_t i = 0; i < blocks; i++) {
        int32_t index = single_find_in(tier, chain, i);
        if (tier->blocks[index].references++ == 0)
            single_unqueue(tier, index);
        hold->cached[hold->cached_count++] = index;
    }
    hold->position = blocks;
}

static inline void single_insert(struct single_tier *tier, const struct prefix_chain *chain,
                                 int32_t to_block, struct single_hold *hold)
{
    for (; hold->position < to_block; hold->position++) {
        if (single_find_in(tier, chain, hold->position) >= 0)
            continue; /* the copy stays among the others */
        int32_t index = hold->others[--hold->other_count];
        tier->blocks[index] = (struct single_block){
            .hash = single_hash(chain, hold->position), .number = hold->position, .references = 1};
        hold->cached[hold->cached_count++] = index;
    }
}

static inline void single_release(struct single_tier *tier, struct single_hold *hold)
{
    while (hold->other_count > 0)
        single_append(tier, hold->others[--hold->other_count]);
    while (hold->cached_count > 0) {
        int32_t index = hold->cached[--hold->cached_count];
        if (--tier->blocks[index].references == 0)
            single_append(tier, index);
    }
    hold->position = 0;
}

static inline void single_copy(struct single_tier *second, const struct single_tier *first,
                               int32_t other_blocks, const struct single_hold *hold)
{
    if (second->block_count == 0)
        return;
    for (int32_t i = 0; i < other_blocks; i++)
        single_append(second, single_take(second));
    for (int32_t i = hold->cached_count - 1; i >= 0; i--) {
        struct single_block block = first->blocks[hold->cached[i]];
        int32_t index = single_find(second, block.hash, block.number);
        if (index >= 0)
            single_unqueue(second, index);
        else
            index = single_take(second);
        second->blocks[index] = (struct single_block){.hash = block.hash, .number = block.number};
        single_append(second, index);
    }
}

#endif
