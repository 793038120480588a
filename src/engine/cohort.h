/* The decode cohort: the sequences that each compute one token a step, kept as sums.
 *
 * A step touches none of its members. Every member's context grows by one a step, so a member is
 * described by constants: its context less the cohort's step count, the step in which it finishes,
 * and the phase of the block boundary it crosses every block_size steps. What a step needs is then
 * known without looking: Σ context, the longest context, how many members need a new KV block (a
 * count a phase), and who finishes (a heap by finishing step).
 *
 * With a sliding window, Σ min(context, window) is kept too. It grows by the members whose context
 * is below the window; the step in which one reaches it is known when it joins, and at most a window
 * ahead: a ring of counts. */
#ifndef LLMSIM_ENGINE_COHORT_H
#define LLMSIM_ENGINE_COHORT_H

#include "sequence.h"
#include <stdbool.h>
#include <stdint.h>

struct cohort_member {
    int64_t finishing_step; /* the step count after which it has all its tokens */
    int64_t base;           /* context tokens − steps: constant */
    int32_t sequence;
};

struct cohort {
    int64_t steps;       /* taken so far */
    int64_t context_sum; /* Σ context tokens of the members, now */
    int64_t base_max;    /* the largest base, unless stale */
    bool base_max_stale;
    int32_t count;
    int32_t block_size;
    int32_t phase;         /* steps mod block_size */
    int32_t *phase_counts; /* members that cross a block boundary when phase is this */
    int32_t window;        /* tokens; 0: none, and so are the next three */
    int32_t below_window;  /* members whose context is shorter */
    int64_t window_sum;    /* Σ min(context, window) of the members, now */
    int32_t *filling;      /* of those below: how many reach it in step s, at s mod window */
    struct cohort_member *heap;
    struct sequence *sequences; /* not owned */
};

/* For at most `capacity` members out of `sequences`; `window` tokens, 0: none. False when memory
 * cannot be had. */
bool cohort_init(struct cohort *cohort, struct sequence *sequences, int32_t capacity,
                 int32_t block_size, int32_t window);
void cohort_fini(struct cohort *cohort);

/* A sequence with `context_tokens` stored joins, to compute `steps_left` ≥ 1 tokens. O(log n). */
void cohort_join(struct cohort *cohort, int32_t sequence, int32_t context_tokens,
                 int32_t steps_left);

/* A member leaves early; its context tokens. O(log n). */
int32_t cohort_leave(struct cohort *cohort, int32_t sequence);

/* The part of an advance that a window needs. */
static inline void cohort_advance_window(struct cohort *cohort)
{
    int32_t *filling = &cohort->filling[cohort->steps % cohort->window];
    cohort->window_sum += cohort->below_window;
    cohort->below_window -= *filling;
    *filling = 0;
}

/* Every member computes one token. */
static inline void cohort_advance(struct cohort *cohort)
{
    cohort->steps++;
    cohort->context_sum += cohort->count;
    if (++cohort->phase == cohort->block_size)
        cohort->phase = 0;
    if (cohort->window > 0)
        cohort_advance_window(cohort);
}

/* KV blocks that the next step takes: one for each member whose last block is full. */
static inline int32_t cohort_blocks_needed(const struct cohort *cohort)
{
    return cohort->phase_counts[cohort->phase];
}

/* Whether a member is one of those. */
bool cohort_is_at_boundary(const struct cohort *cohort, int32_t sequence);

/* The longest member's context; 0 without members. Now and then O(n): after the longest left. */
int32_t cohort_context_max(struct cohort *cohort);

/* After an advance: a member that has just computed its last token, taken out, its context in
 * *context_tokens; −1 when there is none (left). */
int32_t cohort_pop_finished(struct cohort *cohort, int32_t *context_tokens);

#endif
