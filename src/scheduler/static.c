/* Request-level batching as in FasterTransformer.
 *
 * Source: NVIDIA FasterTransformer, docs/gpt_guide.md; the baseline of Yu et al., "Orca", OSDI 2022,
 * section 2 and 3.1.
 *
 * When the engine is free, up to max_num_seqs waiting requests become a batch. Their prompts are
 * computed, padded to the longest; then all decode together until the last one ends, and only then
 * the next batch begins.
 *
 * Departures from `vllm`: nobody joins a batch that runs, and a request that ends early leaves its row
 * to be computed for nothing and its memory taken. KV memory is reserved for max_model_len tokens at
 * admission. Prompts are not split. No prefix caching and one step in flight, unless the
 * configuration says so.
 *
 * Departures from its source: a step computes no more than max_num_batched_tokens, so that prompts
 * that are more than that together take several, before anybody decodes. Tokens reach the client as
 * they are computed, so that a request ends with its own last token, not with the batch. With
 * `kv_allocation: paged`, memory that runs out preempts; who is preempted starts again in a later
 * batch. */
#include "policies.h"
#include "request_batch.h"

static void static_plan(void *state, struct batch *batch)
{
    if (batch->running == 0)
        request_batch_form(state, batch);
    request_batch_run(state, batch);
}

const struct policy policy_static = {
    .name = "static",
    .summary = "FasterTransformer: a batch runs until its last request ends",
    .source = "NVIDIA FasterTransformer; Yu et al., OSDI 2022, section 3.1",
    .state_size = sizeof(struct request_batch),
    .plan = static_plan,
    .reservation = KV_MAXIMUM,
    .whole_prompts = true,
    .keeps_blocks = true,
    .steady_decodes = true,
};
