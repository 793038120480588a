/* In which order waiting requests are served, and which running one gives way: beside every
 * batching policy. An order sees what a real scheduler sees of a request. */
#ifndef LLMSIM_QUEUE_ORDER_H
#define LLMSIM_QUEUE_ORDER_H

#include <stdbool.h>
#include <stdint.h>

struct queued_request {
    int32_t priority; /* smaller is more urgent */
    int32_t prompt_tokens;
    int32_t predicted_output_tokens; /* 0 unless the order predicts */
};

struct queue_order {
    const char *name;
    const char *summary; /* one line */
    const char *source;
    /* The request with the smallest key is served first, the earliest of several; NULL: all are
     * equal. A key does not change. */
    int64_t (*key)(const struct queued_request *request);
    bool predicts; /* output lengths, with an error that the configuration must state */
    bool fair;     /* between clients first (vtc.h), by arrival within each */
};

/* Served as it arrives, so that the end of an overlong queue need not be read before its time. */
static inline bool queue_order_by_arrival(const struct queue_order *order)
{
    return order->key == 0 && !order->fair;
}

#endif
