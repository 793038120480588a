/* Between which loads the capacity is, and which is tried next: bracketing, then regula falsi (Illinois:
 * Dowell & Jarratt, BIT 11, 1971) on the margins over the logarithm of the load. */
#ifndef LLMSIM_STUDY_CAPACITY_BRACKET_H
#define LLMSIM_STUDY_CAPACITY_BRACKET_H

#include "capacity_report.h"

/* How often in a row an end of the bracket has stayed, and how wide it was. */
struct capacity_bracket {
    int low_stays, high_stays;
    double low, high;    /* logarithms of the loads */
    double width_before; /* two points ago */
    double width;
};

/* After a point: the highest load below the lowest that fails, and that one. */
void capacity_find_bracket(struct capacity *capacity);

/* Then, where there are both. */
void capacity_note_bracket(const struct capacity *capacity, struct capacity_bracket *bracket);

/* Whether they are as near to each other as was asked for. */
bool capacity_is_precise(const struct capacity *capacity);

/* The load to be tried next, of at least one point; `outward`: how often there was no bracket yet. */
double capacity_next_load(const struct capacity *capacity, const struct capacity_bracket *bracket,
                          int outward);

#endif
