/* What several policies ask alike. */
#ifndef LLMSIM_SCHEDULER_ADMISSION_H
#define LLMSIM_SCHEDULER_ADMISSION_H

#include <llmsim/policy.h>

static inline int32_t min32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Whether a slot and the memory for all its tokens are there, and the watermark is left, which only
 * matters while somebody else may need it. */
static inline bool admission_fits(const struct batch *batch, const struct batch_waiting *head)
{
    int64_t kept_blocks = batch->running > 0 ? batch->watermark_blocks : 0;
    return batch->running < batch->max_num_seqs &&
           head->wanted_blocks <= batch->free_blocks - batch->needed_blocks - kept_blocks;
}

/* Preempt until the step, as planned so far, fits. */
static inline void admission_make_room(struct batch *batch)
{
    while (batch->needed_blocks > batch->free_blocks)
        batch_preempt(batch, batch_victim(batch));
}

#endif
