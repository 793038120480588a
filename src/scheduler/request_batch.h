/* Request-level batching, as `static` and `dynamic` do it: a batch is formed, its prompts are computed
 * as long as its longest, and it runs until its last request ends; the rows of those that end before
 * are computed for nothing. Who was swapped out stands among the prompts as one of a single token. */
#ifndef LLMSIM_SCHEDULER_REQUEST_BATCH_H
#define LLMSIM_SCHEDULER_REQUEST_BATCH_H

#include <llmsim/policy.h>

struct request_batch {
    int32_t rows;           /* of the batch that runs, those of ended requests included */
    int32_t longest_tokens; /* of its prompts */
};

/* Nothing runs: admit from the queue, in order, as many as slots and memory hold. Something waits.
 */
void request_batch_form(struct request_batch *request_batch, struct batch *batch);

/* The step of a batch that runs: prompts, as many padded ones as the budget holds, until all are
 * computed; then decodes. */
void request_batch_run(struct request_batch *request_batch, struct batch *batch);

#endif
