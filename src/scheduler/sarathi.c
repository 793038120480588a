/* Sarathi-Serve: stall-free batching with chunked prefills.
 *
 * Source: Agrawal et al., "Taming Throughput-Latency Tradeoff in LLM Inference with Sarathi-Serve",
 * OSDI 2024, Algorithm 3; github.com/microsoft/sarathi-serve, sarathi/core/scheduler.
 *
 * A step's budget goes to decodes first, then to prompts under way, then to new ones.
 *
 * Departures from `vllm`: decodes come first whatever the order of admission. The blocks of the
 * whole prompt are taken at admission, so that a prompt under way is never stopped by memory, and
 * 1 % of the blocks is left free, the watermark of the block manager that it took over from vLLM.
 * long_prefill_token_threshold has no meaning. No prefix caching and one step in flight, unless the
 * configuration says so.
 *
 * Departures from its source: nothing is admitted in a step that preempts. A decode preempts when it
 * needs a block and none is free; Sarathi-Serve wants a free one for each, needed or not. The
 * watermark is not kept while nothing runs. */
#include "admission.h"
#include "policies.h"

static void sarathi_plan(void *state, struct batch *batch)
{
    (void)state;
    admission_make_room(batch);
    int32_t budget = batch->max_num_batched_tokens - batch->decoding;
    for (int32_t i = 0; i < batch->prefill_count; i++) {
        int32_t chunk = min32(batch->prefills[i].wanted_tokens, budget);
        batch_set_chunk(batch, i, chunk);
        budget -= chunk;
    }
    struct batch_waiting head;
    while (!batch->preempted && budget > 0 && batch->running < batch->max_num_seqs &&
           batch_peek_waiting(batch, &head) && admission_fits(batch, &head)) {
        int32_t chunk = min32(head.wanted_tokens, budget);
        batch_admit(batch, chunk);
        budget -= chunk;
    }
}

const struct policy policy_sarathi = {
    .name = "sarathi",
    .summary = "Sarathi-Serve: decodes first, chunked prefill, blocks for the whole prompt",
    .source = "Agrawal et al., OSDI 2024",
    .plan = sarathi_plan,
    .reservation = KV_PROMPT,
    .watermark = 0.01,
    .splits_prompts = true,
    .steady_decodes = true,
};
