/* What a step is made of, one entry a kind of operator: all its calls together. */
#ifndef LLMSIM_COST_OPERATOR_LIST_H
#define LLMSIM_COST_OPERATOR_LIST_H

#include "operators.h"

struct step_operator {
    const char *name;
    double calls;
    struct cost cost;        /* of all calls */
    double moved_bytes;      /* by all calls, activations included: what the roofline sees */
    double peak_flops_per_s; /* of the dtype it computes in; 0: it multiplies nothing */
};

struct operator_list {
    int count;
    struct step_operator items[40];
};

/* `added` as one call; the list takes `calls` of it, if any. */
void operator_list_add(struct operator_list *list, double calls, const struct step_operator *added);

struct cost operator_list_sum(const struct operator_list *list);

#endif
