/* KV blocks one by one, as vLLM's block pool has them (vllm/v1/core/block_pool.py): who uses each,
 * what is in it, and in which order the unused ones are taken. */
#ifndef LLMSIM_TESTS_NAIVE_BLOCKS_H
#define LLMSIM_TESTS_NAIVE_BLOCKS_H

#include "naive_list.h"

#include <stdbool.h>
#include <stdint.h>

/* No block. */
#define NAIVE_NO_BLOCK SIZE_MAX

struct naive_blocks {
    size_t count;
    int64_t *contents;             /* an identity, the same for the same tokens; 0: none */
    int32_t *users;                /* how many sequences hold it */
    bool *is_copy;                 /* computed while an equal one was cached */
    int64_t *stored_at;            /* the plan in which it was given its content */
    struct naive_list unused;      /* held by nobody, least recently used first */
    int64_t evictions, duplicates; /* as in struct naive_events */
};

void naive_blocks_init(struct naive_blocks *blocks, size_t count);
void naive_blocks_fini(struct naive_blocks *blocks);

/* The block with this content (not 0), or NAIVE_NO_BLOCK. */
size_t naive_blocks_find(const struct naive_blocks *blocks, int64_t content);

/* `count` of the least recently used blocks, which are forgotten, to the end of `held`. */
void naive_blocks_take(struct naive_blocks *blocks, size_t count, struct naive_list *held);

/* One more sequence holds the block. */
void naive_blocks_share(struct naive_blocks *blocks, size_t block, struct naive_list *held);

/* The block has been computed: others can find it, unless they find an equal one. */
void naive_blocks_store(struct naive_blocks *blocks, size_t block, int64_t content, int64_t plan);

/* All of `held` is given back, and the list empty: what has no content first, then the others, last
 * one first. */
void naive_blocks_release(struct naive_blocks *blocks, struct naive_list *held);

/* The first `full` of `held` are copied into host memory, all of whose blocks are unused, in the
 * order in which they are given back; they are the most recently used there. What is a copy itself
 * is left out: whoever holds the one that is cached will see to that. */
void naive_blocks_copy(struct naive_blocks *host, const struct naive_blocks *blocks,
                       const struct naive_list *held, size_t full);

#endif
