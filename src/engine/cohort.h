/* The decode cohort: the sequences that each compute one token a step, kept as sums.
 *
 * A step touches none of its members. Every member's context grows by one a step, so a member is
 * described by constants: its context less the cohort's step count, the step in which it finishes,
 * and the phase of the block boundary it crosses every block_size steps. What a step needs is then
 * known without looking: Σ context, the longest context, how many members need a new KV block (a
 * count a phase), and who finishes (a heap by finishing step). */
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
    struct cohort_member *heap;
    struct sequence *sequences; /* not owned */
};

/* For at most `capacity` members out of `sequences`. False when memory cannot be had. */
bool cohort_init(struct cohort *cohort, struct sequence *sequences, int32_t capacity,
                 int32_t block_size);
void cohort_fini(struct cohort *cohort);

/* A sequence with `context_tokens` stored joins, to compute `steps_left` ≥ 1 tokens. O(log n). */
void cohort_join(struct cohort *cohort, int32_t sequence, int32_t context_tokens,
                 int32_t steps_left);

/* A member leaves early; its context tokens. O(log n). */
int32_t cohort_leave(struct cohort *cohort, int32_t sequence);

/* Every member computes one token. */
static inline void cohort_advance(struct cohort *cohort)
{
    cohort->steps++;
    cohort->context_sum += cohort->count;
    if (++cohort->phase == cohort->block_size)
        cohort->phase = 0;
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
