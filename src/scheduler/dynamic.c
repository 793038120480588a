/* Request-level batching that waits for a good batch, as in Triton.
 *
 * Source: NVIDIA Triton Inference Server, user guide, "Dynamic Batcher": preferred_batch_size and
 * max_queue_delay_microseconds.
 *
 * When the engine is free, a batch begins as soon as preferred_batch_size requests wait, or one has
 * waited for max_queue_delay; it takes up to max_num_seqs of them. The rest is as in `static`, whose
 * departures are these.
 *
 * Departure from its source: one preferred size instead of a list; a batch takes whoever waits, not
 * a preferred number of them. */
#include "policies.h"
#include "request_batch.h"

static void dynamic_plan(void *state, struct batch *batch)
{
    if (batch->running == 0) {
        int64_t deadline_ns = batch_oldest_arrival_ns(batch) + batch->max_queue_delay_ns;
        if (batch->waiting < batch->preferred_batch_size && batch->now_ns < deadline_ns) {
            batch_wake_at(batch, deadline_ns);
            return;
        }
        request_batch_form(state, batch);
    }
    request_batch_run(state, batch);
}

const struct policy policy_dynamic = {
    .name = "dynamic",
    .summary = "Triton: as static, once preferred_batch_size wait or after max_queue_delay",
    .source = "NVIDIA Triton Inference Server, dynamic batcher",
    .state_size = sizeof(struct request_batch),
    .plan = dynamic_plan,
    .reservation = KV_MAXIMUM,
    .whole_prompts = true,
    .waits_for_batch = true,
    .keeps_blocks = true,
    .steady_decodes = true,
};
