#include "capacity_bracket.h"

/* The ways from a load to one that is on the other side of the capacity: in steps of its logarithm. */
static const double bracket_steps[] = {0.2, 0.4, 0.8, 1.6};
enum { BRACKET_STEPS = sizeof bracket_steps / sizeof *bracket_steps };

void capacity_find_bracket(struct capacity *capacity)
{
    capacity->has_best = capacity->has_limit = false;
    for (size_t i = 0; i < capacity->point_count; i++) {
        const struct capacity_point *point = &capacity->points[i];
        if (point->meets ||
            (capacity->has_limit && point->load >= capacity->points[capacity->too_much].load))
            continue;
        capacity->too_much = i;
        capacity->has_limit = true;
    }
    for (size_t i = 0; i < capacity->point_count; i++) {
        const struct capacity_point *point = &capacity->points[i];
        if (!point->meets ||
            (capacity->has_limit && point->load > capacity->points[capacity->too_much].load) ||
            (capacity->has_best && point->load <= capacity->points[capacity->best].load))
            continue;
        capacity->best = i;
        capacity->has_best = true;
    }
}

bool capacity_is_precise(const struct capacity *capacity)
{
    if (!capacity->has_best || !capacity->has_limit)
        return false;
    const double low = capacity->points[capacity->best].load;
    const double high = capacity->points[capacity->too_much].load;
    return high / low - 1.0 <= capacity->precision * (1.0 + 1e-6) ||
           (capacity->whole && high - low <= 1.0);
}

void capacity_note_bracket(const struct capacity *capacity, struct capacity_bracket *bracket)
{
    const double low = log(capacity->points[capacity->best].load);
    const double high = log(capacity->points[capacity->too_much].load);
    bracket->low_stays = low == bracket->low ? bracket->low_stays + 1 : 0;
    bracket->high_stays = high == bracket->high ? bracket->high_stays + 1 : 0;
    bracket->low = low;
    bracket->high = high;
    bracket->width_before = bracket->width;
    bracket->width = high - low;
}

/* Within the bracket: where the line between its ends crosses 0. An end that stays has its margin
 * halved (Illinois); a bracket that has not halved is bisected. Close to an end, a step of the
 * precision away from it closes the bracket at once. */
static double next_within(const struct capacity *capacity, const struct capacity_bracket *bracket)
{
    const double step = 0.95 * log1p(capacity->precision);
    double low_margin = capacity->points[capacity->best].margin;
    double high_margin = capacity->points[capacity->too_much].margin;
    if (bracket->low_stays > 0)
        low_margin = ldexp(low_margin, -bracket->low_stays);
    if (bracket->high_stays > 0)
        high_margin = ldexp(high_margin, -bracket->high_stays);
    double at = bracket->low + bracket->width * (low_margin / (low_margin - high_margin));
    if (bracket->width > 0.5 * bracket->width_before)
        at = bracket->low + 0.5 * bracket->width;
    if (bracket->width <= 2.0 * step)
        return exp(bracket->low + fmax(0.5 * bracket->width, bracket->width - step));
    return exp(fmin(fmax(at, bracket->low + step), bracket->high - step));
}

double capacity_next_load(const struct capacity *capacity, const struct capacity_bracket *bracket,
                          int outward)
{
    if (capacity->has_best && capacity->has_limit) {
        const double load = next_within(capacity, bracket);
        if (!capacity->whole)
            return load;
        return fmin(fmax(nearbyint(load), capacity->points[capacity->best].load + 1.0),
                    capacity->points[capacity->too_much].load - 1.0);
    }
    const double step = bracket_steps[outward < BRACKET_STEPS ? outward : BRACKET_STEPS - 1];
    if (capacity->has_best)
        return capacity->points[capacity->best].load * exp(step) + (capacity->whole ? 1.0 : 0.0);
    return capacity->points[capacity->too_much].load * exp(-step);
}
