#include "turn_heap.h"

#include <assert.h>
#include <stdlib.h>

static bool is_before(const struct next_turn *a, const struct next_turn *b)
{
    return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void turn_heap_fini(struct turn_heap *heap)
{
    free(heap->turns);
    *heap = (struct turn_heap){0};
}

bool turn_heap_reserve(struct turn_heap *heap, size_t capacity)
{
    if (capacity <= heap->capacity)
        return true;
    struct next_turn *turns = realloc(heap->turns, capacity * sizeof *turns);
    if (turns == NULL)
        return false;
    heap->turns = turns;
    heap->capacity = capacity;
    return true;
}

bool turn_heap_push(struct turn_heap *heap, int64_t at_ns, const struct session *session)
{
    if (heap->count == heap->capacity && !turn_heap_reserve(heap, 2 * heap->capacity + 16))
        return false;
    const struct next_turn turn = {at_ns, heap->pushed++, *session};
    size_t place = heap->count++;
    for (; place > 0 && is_before(&turn, &heap->turns[(place - 1) / 2]); place = (place - 1) / 2)
        heap->turns[place] = heap->turns[(place - 1) / 2];
    heap->turns[place] = turn;
    return true;
}

void turn_heap_pop(struct turn_heap *heap)
{
    assert(heap->count > 0);
    const struct next_turn last = heap->turns[--heap->count];
    size_t place = 0;
    for (;;) {
        size_t child = 2 * place + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count && is_before(&heap->turns[child + 1], &heap->turns[child]))
            child++;
        if (!is_before(&heap->turns[child], &last))
            break;
        heap->turns[place] = heap->turns[child];
        place = child;
    }
    heap->turns[place] = last;
}
