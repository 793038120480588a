/* vLLM v1's scheduler, the reference.
 *
 * Source: vLLM 0.19, vllm/v1/core/sched/scheduler.py, Scheduler.schedule(); Kwon et al., "Efficient
 * Memory Management for Large Language Model Serving with PagedAttention", SOSP 2023; chunked
 * prefill after Agrawal et al., "Taming Throughput-Latency Tradeoff in LLM Inference with
 * Sarathi-Serve", OSDI 2024.
 *
 * A step has a budget of tokens and no phases. Running sequences come first, in order of admission;
 * each takes what it wants, within the budget and long_prefill_token_threshold. Memory that is
 * missing is taken from the sequences admitted last, or, by priority, from the least urgent. Then,
 * unless something was preempted, waiting ones are admitted in order while budget, slots and memory
 * for the whole prompt last; without chunked prefill a prompt that the budget does not hold ends
 * that.
 *
 * Departures: none in what is scheduled. vLLM asks for blocks one sequence at a time and preempts
 * as it goes. Where victims are always the last and nobody behind a victim is scheduled, preempting
 * from the tail until the whole step fits leaves the same sequences; elsewhere it is done as there.
 * Where a block's tokens come from is the engine's (kv_blocks.h): prefixes in host memory are waited
 * for by the whole step, where vLLM lets the others go on. */
#include "admission.h"
#include "policies.h"

static int32_t limit_chunk(const struct batch *batch, int32_t wanted_tokens)
{
    int32_t threshold = batch->long_prefill_token_threshold;
    return threshold > 0 ? min32(wanted_tokens, threshold) : wanted_tokens;
}

/* The budget left after the running sequences have taken theirs.
 *
 * The budget never runs out before a decode: everything that runs was scheduled in some plan with
 * all of the others, and wants no more now than it took then, except for the last one admitted,
 * whose chunk the budget may have cut short, and which takes what the others leave. */
static int32_t set_chunks(struct batch *batch)
{
    int32_t budget = batch->max_num_batched_tokens - batch->decoding;
    for (int32_t i = 0; i < batch->prefill_count; i++) {
        int32_t chunk = min32(limit_chunk(batch, batch->prefills[i].wanted_tokens), budget);
        batch_set_chunk(batch, i, chunk);
        budget -= chunk;
    }
    return budget;
}

/* One by one, with what those before it have left. */
struct walk {
    int32_t budget;
    int64_t taken_blocks;
};

/* Give the sequence its chunk, before its memory is asked for; the tokens it computes. */
static int32_t try_chunk(struct batch *batch, const struct walk *walk, int32_t prefill)
{
    if (prefill < 0)
        return 1;
    int32_t chunk = min32(limit_chunk(batch, batch->prefills[prefill].wanted_tokens), walk->budget);
    batch_set_chunk(batch, prefill, chunk);
    return chunk;
}

/* A victim that has had its turn gives back what it took. */
static void refund(const struct batch *batch, struct walk *walk, const struct batch_running *victim,
                   int64_t admission)
{
    if (victim->admission >= admission || (victim->prefill < 0 && !victim->decodes))
        return;
    walk->taken_blocks -= victim->needed_blocks;
    walk->budget += victim->prefill < 0 ? 1 : batch->prefills[victim->prefill].chunk_tokens;
}

/* Preempt the least urgent until the sequence has its blocks; false when it was itself the victim.
 */
static bool make_room_for(struct batch *batch, struct walk *walk, int32_t sequence)
{
    struct batch_running running = batch_describe_running(batch, sequence);
    while (walk->taken_blocks + running.needed_blocks > batch->free_blocks) {
        int32_t victim = batch_victim(batch);
        struct batch_running leaving = batch_describe_running(batch, victim);
        refund(batch, walk, &leaving, running.admission);
        batch_preempt(batch, victim);
        if (victim == sequence)
            return false;
    }
    walk->taken_blocks += running.needed_blocks;
    return true;
}

/* Behind a sequence that was its own victim nothing is scheduled in this step. */
static void postpone_behind(struct batch *batch, int32_t sequence)
{
    while ((sequence = batch_next_running(batch, sequence)) >= 0) {
        if (batch_describe_running(batch, sequence).decodes)
            batch_postpone(batch, sequence);
    }
}

static void schedule_one_by_one(struct batch *batch)
{
    struct walk walk = {.budget = batch->max_num_batched_tokens};
    for (int32_t i = 0; i < batch->prefill_count; i++)
        batch_set_chunk(batch, i, 0);
    int32_t sequence = -1;
    while ((sequence = batch_next_running(batch, sequence)) >= 0) {
        struct batch_running running = batch_describe_running(batch, sequence);
        if (running.prefill < 0 && !running.decodes)
            continue;
        int32_t tokens = try_chunk(batch, &walk, running.prefill);
        if (!make_room_for(batch, &walk, sequence)) {
            postpone_behind(batch, sequence);
            return;
        }
        walk.budget -= tokens;
    }
}

static void admit_waiting(struct batch *batch, int32_t budget)
{
    struct batch_waiting head;
    while (budget > 0 && batch->running < batch->max_num_seqs && batch_peek_waiting(batch, &head)) {
        int32_t chunk = limit_chunk(batch, head.wanted_tokens);
        if ((!batch->enable_chunked_prefill && chunk > budget) || !admission_fits(batch, &head))
            break;
        chunk = min32(chunk, budget);
        batch_admit(batch, chunk);
        budget -= chunk;
    }
}

static void vllm_plan(void *state, struct batch *batch)
{
    (void)state;
    int32_t budget = set_chunks(batch);
    if (batch->last_is_victim)
        admission_make_room(batch);
    else if (batch->needed_blocks > batch->free_blocks)
        schedule_one_by_one(batch);
    if (!batch->preempted)
        admit_waiting(batch, budget);
}

const struct policy policy_vllm = {
    .name = "vllm",
    .summary = "vLLM v1: token budget, chunked prefill, running first",
    .source = "vLLM 0.19 v1/core/sched/scheduler.py; Kwon et al., SOSP 2023",
    .plan = vllm_plan,
    .reservation = KV_AS_COMPUTED,
    .prefix_caching = true,
    .async_scheduling = true,
    .steady_decodes = true,
};
