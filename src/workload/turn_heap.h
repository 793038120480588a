/* Sessions by the time of their next request, the earliest first; of equal times, the one that came
 * first. */
#ifndef LLMSIM_WORKLOAD_TURN_HEAP_H
#define LLMSIM_WORKLOAD_TURN_HEAP_H

#include "content.h"
#include <stddef.h>

struct next_turn {
    int64_t at_ns;
    int64_t order;
    struct session session;
};

/* All zero: empty. */
struct turn_heap {
    struct next_turn *turns; /* owned; the first is the earliest */
    size_t count, capacity;
    int64_t pushed;
};

void turn_heap_fini(struct turn_heap *heap);

/* Room for so many without a further thought of memory; false when it cannot be had. */
bool turn_heap_reserve(struct turn_heap *heap, size_t capacity);

/* False when memory cannot be had. */
bool turn_heap_push(struct turn_heap *heap, int64_t at_ns, const struct session *session);

/* The earliest, which there must be, is gone. */
void turn_heap_pop(struct turn_heap *heap);

#endif
