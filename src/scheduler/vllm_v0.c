/* vLLM's first scheduler: prefill first, steps that are all prefill or all decode.
 *
 * Source: vLLM 0.6, vllm/core/scheduler.py, Scheduler._schedule_default(), and block_manager.py;
 * Kwon et al., SOSP 2023, section 4.5.
 *
 * Departures from `vllm`: whenever the head of the waiting queue fits, the step computes prompts
 * only, as many whole ones as the budget, slots and memory hold, and the decoding sequences stand
 * still. Otherwise they decode, and what was swapped out comes back in such a step; new prompts wait
 * until it has. Prompts are not split. An admission leaves 1 % of the blocks free, the watermark.
 * Blocks are taken for the whole prompt at once. No prefix caching and one step in flight, unless
 * the configuration says so.
 *
 * Departures from its source: a prompt that the watermark would keep out for ever is admitted when
 * nothing else runs, where vLLM ignores the request. A decode preempts when it needs a block and none
 * is free; vLLM wants a free one for each, needed or not. When the swap space is full, the sequence is
 * computed again, where vLLM stops. In a queue order other than by arrival, a sequence that was
 * swapped out stands where the order puts it, not before everybody; who waits never preempts, as
 * vLLM's priority policy makes it. */
#include "admission.h"
#include "policies.h"

static bool admit_prompts(struct batch *batch)
{
    int32_t budget = batch->max_num_batched_tokens;
    struct batch_waiting head;
    bool admitted = false;
    while (batch->running < batch->max_num_seqs && batch_peek_waiting(batch, &head) &&
           !head.decodes && head.wanted_tokens <= budget && admission_fits(batch, &head)) {
        batch_admit(batch, head.wanted_tokens);
        budget -= head.wanted_tokens;
        admitted = true;
    }
    return admitted;
}

static void swap_in(struct batch *batch)
{
    struct batch_waiting head;
    while (batch->running < batch->max_num_seqs && batch_peek_waiting(batch, &head) &&
           head.decodes && admission_fits(batch, &head))
        batch_admit(batch, 1);
}

static void vllm_v0_plan(void *state, struct batch *batch)
{
    (void)state;
    batch_postpone_decodes(batch);
    if (admit_prompts(batch))
        return;
    batch_resume_decodes(batch);
    admission_make_room(batch);
    if (!batch->preempted)
        swap_in(batch);
}

const struct policy policy_vllm_v0 = {
    .name = "vllm-v0",
    .summary = "vLLM v0: prefill first, steps of prefill or of decode only, 1 % watermark",
    .source = "vLLM 0.6 core/scheduler.py; Kwon et al., SOSP 2023",
    .plan = vllm_v0_plan,
    .reservation = KV_PROMPT,
    .watermark = 0.01,
    .whole_prompts = true,
    .steady_decodes = true,
};
