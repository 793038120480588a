#include "cohort.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool cohort_init(struct cohort *cohort, struct sequence *sequences, int32_t capacity,
                 int32_t block_size, int32_t window)
{
    memset(cohort, 0, sizeof *cohort);
    cohort->sequences = sequences;
    cohort->block_size = block_size;
    cohort->window = window;
    cohort->base_max = INT64_MIN;
    cohort->phase_counts = calloc((size_t)block_size, sizeof *cohort->phase_counts);
    cohort->heap = calloc((size_t)capacity, sizeof *cohort->heap);
    if (window > 0)
        cohort->filling = calloc((size_t)window, sizeof *cohort->filling);
    return cohort->phase_counts != NULL && cohort->heap != NULL &&
           (window == 0 || cohort->filling != NULL);
}

void cohort_fini(struct cohort *cohort)
{
    free(cohort->phase_counts);
    free(cohort->heap);
    free(cohort->filling);
    cohort->phase_counts = NULL;
    cohort->heap = NULL;
    cohort->filling = NULL;
}

/* Its last block is full whenever its context is a multiple of the block size. */
static int32_t *phase_count(struct cohort *cohort, int32_t context_tokens)
{
    int32_t to_boundary = context_tokens % cohort->block_size;
    int32_t phase = cohort->phase - to_boundary;
    return &cohort->phase_counts[phase < 0 ? phase + cohort->block_size : phase];
}

/* A member of so long a context joins (change 1) or leaves (−1) what the window's sum is made of. */
static void count_window(struct cohort *cohort, int32_t context_tokens, int32_t change)
{
    int32_t missing = cohort->window - context_tokens;
    if (missing <= 0) {
        cohort->window_sum += change * (int64_t)cohort->window;
        return;
    }
    cohort->window_sum += change * (int64_t)context_tokens;
    cohort->below_window += change;
    cohort->filling[(cohort->steps + missing) % cohort->window] += change;
}

static void place(struct cohort *cohort, int32_t position, struct cohort_member member)
{
    cohort->heap[position] = member;
    cohort->sequences[member.sequence].cohort_position = position;
}

/* Sequence numbers break ties, so that the order never depends on the heap's history. */
static bool is_before(const struct cohort_member *a, const struct cohort_member *b)
{
    return a->finishing_step != b->finishing_step ? a->finishing_step < b->finishing_step
                                                  : a->sequence < b->sequence;
}

static void sift_up(struct cohort *cohort, int32_t position, struct cohort_member member)
{
    while (position > 0) {
        int32_t parent = (position - 1) / 2;
        if (!is_before(&member, &cohort->heap[parent]))
            break;
        place(cohort, position, cohort->heap[parent]);
        position = parent;
    }
    place(cohort, position, member);
}

static void sift_down(struct cohort *cohort, int32_t position, struct cohort_member member)
{
    for (;;) {
        int32_t child = 2 * position + 1;
        if (child >= cohort->count)
            break;
        if (child + 1 < cohort->count && is_before(&cohort->heap[child + 1], &cohort->heap[child]))
            child++;
        if (!is_before(&cohort->heap[child], &member))
            break;
        place(cohort, position, cohort->heap[child]);
        position = child;
    }
    place(cohort, position, member);
}

void cohort_join(struct cohort *cohort, int32_t sequence, int32_t context_tokens,
                 int32_t steps_left)
{
    assert(steps_left >= 1);
    struct cohort_member member = {.finishing_step = cohort->steps + steps_left,
                                   .base = context_tokens - cohort->steps,
                                   .sequence = sequence};
    ++*phase_count(cohort, context_tokens);
    cohort->context_sum += context_tokens;
    if (cohort->window > 0)
        count_window(cohort, context_tokens, 1);
    if (member.base > cohort->base_max)
        cohort->base_max = member.base;
    sift_up(cohort, cohort->count++, member);
}

int32_t cohort_leave(struct cohort *cohort, int32_t sequence)
{
    int32_t position = cohort->sequences[sequence].cohort_position;
    struct cohort_member leaving = cohort->heap[position];
    assert(leaving.sequence == sequence);
    struct cohort_member last = cohort->heap[--cohort->count];
    if (last.sequence != sequence) {
        if (position > 0 && is_before(&last, &cohort->heap[(position - 1) / 2]))
            sift_up(cohort, position, last);
        else
            sift_down(cohort, position, last);
    }
    int32_t context_tokens = (int32_t)(leaving.base + cohort->steps);
    --*phase_count(cohort, context_tokens);
    cohort->context_sum -= context_tokens;
    if (cohort->window > 0)
        count_window(cohort, context_tokens, -1);
    if (leaving.base == cohort->base_max)
        cohort->base_max_stale = true;
    return context_tokens;
}

bool cohort_is_at_boundary(const struct cohort *cohort, int32_t sequence)
{
    const struct cohort_member *member = &cohort->heap[cohort->sequences[sequence].cohort_position];
    return (member->base + cohort->steps) % cohort->block_size == 0;
}

int32_t cohort_context_max(struct cohort *cohort)
{
    if (cohort->base_max_stale) {
        cohort->base_max = INT64_MIN;
        for (int32_t i = 0; i < cohort->count; i++) {
            if (cohort->heap[i].base > cohort->base_max)
                cohort->base_max = cohort->heap[i].base;
        }
        cohort->base_max_stale = false;
    }
    return cohort->count == 0 ? 0 : (int32_t)(cohort->base_max + cohort->steps);
}

int32_t cohort_pop_finished(struct cohort *cohort, int32_t *context_tokens)
{
    if (cohort->count == 0 || cohort->heap[0].finishing_step != cohort->steps)
        return -1;
    int32_t sequence = cohort->heap[0].sequence;
    *context_tokens = cohort_leave(cohort, sequence);
    return sequence;
}
