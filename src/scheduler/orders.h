/* The queue orders there are: a descriptor and a line in QUEUE_ORDERS each. */
#ifndef LLMSIM_SCHEDULER_ORDERS_H
#define LLMSIM_SCHEDULER_ORDERS_H

#include <llmsim/queue_order.h>
#include <stddef.h>

/* X(identifier, name) */
#define QUEUE_ORDERS(X)                                                                            \
    X(fcfs, "fcfs")                                                                                \
    X(priority, "priority")                                                                        \
    X(sjf, "sjf")                                                                                  \
    X(sjf_predicted, "sjf-predicted")                                                              \
    X(vtc, "vtc")

#define QUEUE_ORDER_DECLARE(identifier, name) extern const struct queue_order order_##identifier;
QUEUE_ORDERS(QUEUE_ORDER_DECLARE)
#undef QUEUE_ORDER_DECLARE

/* Their names in the order of queue_order_at, ending in NULL: the choices of
 * `engine.scheduling_policy`. */
extern const char *const queue_order_names[];

/* NULL beyond the last. */
const struct queue_order *queue_order_at(size_t index);

#endif
