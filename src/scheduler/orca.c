/* Orca: iteration-level scheduling with selective batching.
 *
 * Source: Yu et al., "Orca: A Distributed Serving System for Transformer-Based Generative Models",
 * OSDI 2022, Algorithm 1.
 *
 * Before every step, finished requests leave and waiting ones join, in order, while there are slots
 * and memory for their longest possible output; a step computes whole prompts and decodes together.
 *
 * Departures from `vllm`: the blocks of max_model_len tokens are reserved at admission (Orca (Max)
 * in Kwon et al., SOSP 2023), so nothing is ever preempted. Prompts are not split. No prefix
 * caching and one step in flight, unless the configuration says so.
 *
 * Departures from its source: a step computes no more than max_num_batched_tokens, which Orca does
 * not know; a prompt for which the decodes leave no room in it waits. With `kv_allocation: paged`,
 * blocks for the prompt are taken at admission, and memory that runs out preempts. */
#include "admission.h"
#include "policies.h"

static void orca_plan(void *state, struct batch *batch)
{
    (void)state;
    admission_make_room(batch);
    int32_t budget = batch->max_num_batched_tokens - batch->decoding;
    struct batch_waiting head;
    while (!batch->preempted && batch->running < batch->max_num_seqs &&
           batch_peek_waiting(batch, &head) && head.wanted_tokens <= budget &&
           admission_fits(batch, &head)) {
        batch_admit(batch, head.wanted_tokens);
        budget -= head.wanted_tokens;
    }
}

const struct policy policy_orca = {
    .name = "orca",
    .summary = "Orca: iteration-level scheduling, KV cache reserved for the longest output",
    .source = "Yu et al., OSDI 2022",
    .plan = orca_plan,
    .reservation = KV_MAXIMUM,
    .whole_prompts = true,
    .steady_decodes = true,
};
