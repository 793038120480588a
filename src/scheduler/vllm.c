/* vLLM v1's scheduler, the reference.
 *
 * Source: vLLM 0.19, vllm/v1/core/sched/scheduler.py, Scheduler.schedule(); Kwon et al., "Efficient
 * Memory Management for Large Language Model Serving with PagedAttention", SOSP 2023; chunked
 * prefill after Agrawal et al., "Taming Throughput-Latency Tradeoff in LLM Inference with
 * Sarathi-Serve", OSDI 2024.
 *
 * A step has a budget of tokens and no phases. Running sequences come first, in order of admission;
 * each takes what it wants, within the budget and long_prefill_token_threshold. Memory that is
 * missing is taken from the sequences admitted last. Then, unless something was preempted, waiting
 * ones are admitted in order while budget, slots and memory for the whole prompt last.
 *
 * Departures: none in what is scheduled. vLLM asks for blocks one sequence at a time and preempts
 * as it goes; since victims are always the last and nobody behind a victim is scheduled, preempting
 * from the tail until the whole step fits leaves the same sequences. */
#include "policies.h"

static int32_t min32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t limit_chunk(const struct batch *batch, int32_t wanted_tokens)
{
    int32_t threshold = batch->long_prefill_token_threshold;
    return threshold > 0 ? min32(wanted_tokens, threshold) : wanted_tokens;
}

/* The budget left after the running sequences have taken theirs.
 *
 * The budget never runs out before a decode: everything that runs was scheduled in the plan before,
 * and wants no more now than it took then, except for the last one admitted, whose chunk the budget
 * may have cut short, and which takes what the others leave. */
static int32_t schedule_running(struct batch *batch)
{
    int32_t budget = batch->max_num_batched_tokens - batch->decoding;
    for (int32_t i = 0; i < batch->prefill_count; i++) {
        int32_t chunk = min32(limit_chunk(batch, batch->prefills[i].wanted_tokens), budget);
        batch_set_chunk(batch, i, chunk);
        budget -= chunk;
    }
    while (batch->needed_blocks > batch->free_blocks)
        batch_preempt_last(batch);
    return budget;
}

static void admit_waiting(struct batch *batch, int32_t budget)
{
    struct batch_waiting head;
    while (budget > 0 && batch->running < batch->max_num_seqs && batch_peek_waiting(batch, &head)) {
        if (head.wanted_blocks > batch->free_blocks - batch->needed_blocks)
            break;
        int32_t chunk = min32(limit_chunk(batch, head.wanted_tokens), budget);
        batch_admit(batch, chunk);
        budget -= chunk;
    }
}

static void vllm_plan(void *state, struct batch *batch)
{
    (void)state;
    int32_t budget = schedule_running(batch);
    if (!batch->preempted)
        admit_waiting(batch, budget);
}

const struct policy policy_vllm = {
    .name = "vllm",
    .summary = "vLLM v1: token budget, chunked prefill, running first, recompute preemption",
    .source = "vLLM 0.19 v1/core/sched/scheduler.py; Kwon et al., SOSP 2023",
    .plan = vllm_plan,
};
