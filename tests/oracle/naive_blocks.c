#include "naive_blocks.h"

void naive_blocks_init(struct naive_blocks *blocks, size_t count)
{
    *blocks = (struct naive_blocks){.count = count};
    blocks->contents = naive_allocate(count, sizeof *blocks->contents);
    blocks->users = naive_allocate(count, sizeof *blocks->users);
    blocks->is_copy = naive_allocate(count, sizeof *blocks->is_copy);
    blocks->stored_at = naive_allocate(count, sizeof *blocks->stored_at);
    naive_list_init(&blocks->unused, count);
    for (size_t i = 0; i < count; i++)
        naive_list_append(&blocks->unused, i);
}

void naive_blocks_fini(struct naive_blocks *blocks)
{
    free(blocks->contents);
    free(blocks->users);
    free(blocks->is_copy);
    free(blocks->stored_at);
    naive_list_fini(&blocks->unused);
}

size_t naive_blocks_find(const struct naive_blocks *blocks, int64_t content)
{
    for (size_t i = 0; i < blocks->count; i++)
        if (blocks->contents[i] == content)
            return i;
    return NAIVE_NO_BLOCK;
}

void naive_blocks_take(struct naive_blocks *blocks, size_t count, struct naive_list *held)
{
    for (size_t i = 0; i < count; i++) {
        size_t block = naive_list_take_at(&blocks->unused, 0);
        blocks->evictions += blocks->contents[block] != 0;
        blocks->contents[block] = 0;
        blocks->is_copy[block] = false;
        blocks->users[block] = 1;
        naive_list_append(held, block);
    }
}

void naive_blocks_share(struct naive_blocks *blocks, size_t block, struct naive_list *held)
{
    if (blocks->users[block]++ == 0)
        naive_list_take_at(&blocks->unused, naive_list_find(&blocks->unused, block));
    naive_list_append(held, block);
}

void naive_blocks_store(struct naive_blocks *blocks, size_t block, int64_t content, int64_t plan)
{
    if (naive_blocks_find(blocks, content) != NAIVE_NO_BLOCK) {
        blocks->is_copy[block] = true;
        blocks->duplicates++;
        return;
    }
    blocks->contents[block] = content;
    blocks->stored_at[block] = plan;
}

/* The first `count` of `held` in the order in which they are given back. */
static struct naive_list release_order(const struct naive_blocks *blocks,
                                       const struct naive_list *held, size_t count)
{
    struct naive_list order;
    naive_list_init(&order, count);
    for (size_t i = count; i-- > 0;)
        if (blocks->contents[held->items[i]] == 0)
            naive_list_append(&order, held->items[i]);
    for (size_t i = count; i-- > 0;)
        if (blocks->contents[held->items[i]] != 0)
            naive_list_append(&order, held->items[i]);
    return order;
}

void naive_blocks_release(struct naive_blocks *blocks, struct naive_list *held)
{
    struct naive_list order = release_order(blocks, held, held->count);
    for (size_t i = 0; i < order.count; i++)
        if (--blocks->users[order.items[i]] == 0)
            naive_list_append(&blocks->unused, order.items[i]);
    naive_list_fini(&order);
    held->count = 0;
}

void naive_blocks_copy(struct naive_blocks *host, const struct naive_blocks *blocks,
                       const struct naive_list *held, size_t full)
{
    struct naive_list order = release_order(blocks, held, host->count > 0 ? full : 0);
    for (size_t i = 0; i < order.count; i++) {
        if (blocks->is_copy[order.items[i]])
            continue;
        int64_t content = blocks->contents[order.items[i]];
        size_t place = content != 0 ? naive_blocks_find(host, content) : NAIVE_NO_BLOCK;
        if (place == NAIVE_NO_BLOCK)
            place = host->unused.items[0];
        host->contents[place] = content;
        naive_list_take_at(&host->unused, naive_list_find(&host->unused, place));
        naive_list_append(&host->unused, place);
    }
    naive_list_fini(&order);
}
