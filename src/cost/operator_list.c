#include "operator_list.h"

#include <assert.h>
#include <stddef.h>

void operator_list_add(struct operator_list *list, double calls, const struct step_operator *added)
{
    if (calls == 0.0)
        return;
    assert((size_t)list->count < sizeof list->items / sizeof *list->items);
    struct step_operator *item = &list->items[list->count++];
    *item = *added;
    item->calls = calls;
    item->cost = cost_times(calls, added->cost);
    item->moved_bytes = calls * added->moved_bytes;
}

struct cost operator_list_sum(const struct operator_list *list)
{
    struct cost sum = {0};
    for (int i = 0; i < list->count; i++)
        cost_add(&sum, &list->items[i].cost);
    return sum;
}
