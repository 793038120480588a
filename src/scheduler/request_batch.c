#include "request_batch.h"

#include "admission.h"

void request_batch_form(struct request_batch *request_batch, struct batch *batch)
{
    struct batch_waiting head;
    *request_batch = (struct request_batch){0};
    while (batch->running < batch->max_num_seqs && batch_peek_waiting(batch, &head) &&
           admission_fits(batch, &head)) {
        batch_admit(batch, 0);
        request_batch->rows++;
        if (head.wanted_tokens > request_batch->longest_tokens)
            request_batch->longest_tokens = head.wanted_tokens;
    }
}

static void compute_prompts(const struct request_batch *request_batch, struct batch *batch)
{
    int32_t rows =
        min32(batch->prefill_count, batch->max_num_batched_tokens / request_batch->longest_tokens);
    batch_postpone_decodes(batch);
    for (int32_t i = 0; i < rows; i++)
        batch_set_chunk(batch, i, batch->prefills[i].wanted_tokens);
    batch_pad(batch, request_batch->longest_tokens, 0);
}

void request_batch_run(struct request_batch *request_batch, struct batch *batch)
{
    if (batch->prefill_count > 0) {
        compute_prompts(request_batch, batch);
        return;
    }
    int32_t running = batch->running;
    admission_make_room(batch);
    request_batch->rows -= running - batch->running;
    batch_pad(batch, 0, request_batch->rows - batch->decoding);
}
