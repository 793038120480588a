/* A list of numbers, as long as whoever made it allowed for. */
#ifndef LLMSIM_TESTS_NAIVE_LIST_H
#define LLMSIM_TESTS_NAIVE_LIST_H

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct naive_list {
    size_t *items; /* owned */
    size_t count, capacity;
};

/* Zeroed memory; aborts when it cannot be had. */
static inline void *naive_allocate(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (memory == NULL)
        abort();
    return memory;
}

static inline void naive_list_init(struct naive_list *list, size_t capacity)
{
    *list = (struct naive_list){.items = naive_allocate(capacity, sizeof *list->items),
                                .capacity = capacity};
}

static inline void naive_list_fini(struct naive_list *list)
{
    free(list->items);
}

static inline void naive_list_append(struct naive_list *list, size_t item)
{
    assert(list->count < list->capacity);
    list->items[list->count++] = item;
}

/* The item at the index, which is no longer in the list. */
static inline size_t naive_list_take_at(struct naive_list *list, size_t index)
{
    assert(index < list->count);
    size_t item = list->items[index];
    list->count--;
    memmove(list->items + index, list->items + index + 1,
            (list->count - index) * sizeof list->items[0]);
    return item;
}

/* Where it is; the count when it is not there. */
static inline size_t naive_list_find(const struct naive_list *list, size_t item)
{
    size_t index = 0;
    while (index < list->count && list->items[index] != item)
        index++;
    return index;
}

#endif
