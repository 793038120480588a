/* From what the policy is shown to a step: the plan is filled in, settled and committed. */
#include "replica.h"

#include <assert.h>
#include <llmsim/sim_time.h>
#include <string.h>

/* What a sequence has when it stops decoding. */
static void stop_decoding(struct replica *replica, struct sequence *sequence,
                          int32_t context_tokens)
{
    int32_t filled = (int32_t)kv_blocks_for(&replica->kv, context_tokens);
    sequence->context_tokens = context_tokens;
    if (sequence->held_blocks < filled)
        sequence->held_blocks = filled;
    queue_note_decoding(&replica->queue, sequence, -1);
}

/* When its latest token came, or will. */
static int64_t leave_group(struct replica *replica, const struct sequence *sequence)
{
    int64_t plan = sequence->joined_plan > replica->last_decode_plan ? sequence->joined_plan
                                                                     : replica->last_decode_plan;
    int32_t i = replica->group_count - 1;
    while (replica->groups[i].plan != plan)
        i--;
    struct token_group *group = &replica->groups[i];
    int64_t token_ns = group->token_ns;
    if (--group->count == 0) {
        size_t behind = (size_t)(--replica->group_count - i);
        memmove(group, group + 1, behind * sizeof *group);
    }
    return token_ns;
}

void replica_leave_cohort(struct replica *replica, int32_t index)
{
    struct sequence *sequence = &replica->sequences[index];
    int32_t needed_before = replica_decode_blocks(replica);
    stop_decoding(replica, sequence, cohort_leave(&replica->cohort, index));
    if (!replica->decodes_postponed) {
        replica->batch.needed_blocks += replica_decode_blocks(replica) - needed_before;
        replica->batch.decoding--;
    }
    sequence->generated_tokens = sequence->context_tokens + 1 - sequence->outcome.prompt_tokens;
    sequence->last_token_ns = leave_group(replica, sequence);
    account_leave(&sequence->account, &replica->account);
}

/* In order of admission: as the running list is gone through in vLLM, so are the blocks freed. */
static void finish_in(struct step *step, struct replica *replica, int32_t index)
{
    struct sequence *sequences = replica->sequences;
    int32_t place = step->finishing_count++;
    sequences[index].state = SEQUENCE_FINISHING;
    for (; place > 0; place--) {
        int32_t before = step->finishing[place - 1];
        if (sequences[before].admission < sequences[index].admission)
            break;
        step->finishing[place] = before;
    }
    step->finishing[place] = index;
}

/* A chunk becomes part of the step's load. */
static void load_chunk(struct step *step, const struct sequence *sequence,
                       const struct batch_prefill *prefill, int32_t window)
{
    struct step_load *load = &step->load;
    const bool decodes = sequence_wants_decode(sequence);
    load->tokens += prefill->chunk_tokens;
    step->members[step->member_count++] = (struct step_member){
        .sequence = prefill->sequence,
        .tokens = prefill->chunk_tokens,
        .decodes = decodes,
        .again = sequence->context_tokens < sequence->account.lost_tokens,
    };
    if (decodes) {
        int32_t context = sequence->context_tokens + 1;
        load->decode_sequences++;
        load->decode_context_sum += context;
        load->decode_window_sum += context < window ? context : window;
        if (context > load->decode_context_max)
            load->decode_context_max = context;
        return;
    }
    step->chunks[load->chunk_count++] =
        (struct prefill_chunk){prefill->chunk_tokens, sequence->context_tokens};
}

/* The sequence has reached its next token: it emits it in this step, and decodes from the next one
 * on. */
static void emit(struct replica *replica, struct step *step, int32_t index)
{
    struct sequence *sequence = &replica->sequences[index];
    step->emissions[step->emission_count++] = (struct emission){index, sequence->last_token_ns};
    sequence->generated_tokens++;
    queue_note_token(&replica->queue, sequence);
    int32_t left = sequence->outcome.output_tokens - sequence->generated_tokens;
    if (left == 0) {
        finish_in(step, replica, index);
        return;
    }
    sequence->state = SEQUENCE_DECODING;
    sequence->joined_plan = replica->plan_count;
    replica->fresh_count++;
    cohort_join(&replica->cohort, index, sequence->context_tokens, left);
    queue_note_decoding(&replica->queue, sequence, 1);
}

/* What the planned chunks compute is taken as computed. */
static void commit_prefills(struct replica *replica, struct step *step)
{
    struct kv_blocks *kv = &replica->kv;
    int32_t kept = 0;
    for (int32_t i = 0; i < replica->batch.prefill_count; i++) {
        struct batch_prefill *prefill = &replica->prefills[i];
        struct sequence *sequence = &replica->sequences[prefill->sequence];
        if (prefill->chunk_tokens > 0)
            load_chunk(step, sequence, prefill, replica->cohort.window);
        kv->filled -= kv_blocks_for(kv, sequence->context_tokens);
        sequence->context_tokens += prefill->chunk_tokens;
        kv->filled += kv_blocks_for(kv, sequence->context_tokens);
        kv->tokens += prefill->chunk_tokens;
        if (prefill->chunk_tokens < prefill->wanted_tokens)
            replica->prefills[kept++] = *prefill;
        else
            emit(replica, step, prefill->sequence);
    }
    replica->batch.prefill_count = kept;
}

/* Every member of the cohort takes its token. */
static void commit_decodes(struct replica *replica, struct step *step)
{
    struct cohort *cohort = &replica->cohort;
    struct step_load *load = &step->load;
    load->tokens = load->decode_sequences = cohort->count;
    load->decode_context_sum = cohort->context_sum + cohort->count;
    load->decode_window_sum = cohort->window_sum + cohort->below_window;
    load->decode_context_max = cohort->count > 0 ? cohort_context_max(cohort) + 1 : 0;
    load->emitting_sequences = cohort->count;
    /* The groups become the step's; all their members are in one with it. */
    struct token_group *groups = step->continuing;
    step->continuing = replica->groups;
    step->continuing_count = replica->group_count;
    replica->groups = groups;
    replica->group_count = 0;
    replica->last_decode_plan = replica->plan_count;
    replica->kv.held += replica_decode_blocks(replica);
    replica->kv.filled += cohort_blocks_needed(cohort);
    replica->kv.tokens += cohort->count;
    cohort_advance(cohort);
    int32_t context_tokens = 0;
    for (int32_t index = cohort_pop_finished(cohort, &context_tokens); index >= 0;
         index = cohort_pop_finished(cohort, &context_tokens)) {
        stop_decoding(replica, &replica->sequences[index], context_tokens);
        finish_in(step, replica, index);
    }
    replica->fresh_count = cohort->count;
}

void replica_settle(struct replica *replica)
{
    struct kv_blocks *kv = &replica->kv;
    int64_t unsettled = replica->batch.needed_blocks - replica->settled_blocks;
    if (kv->caching && unsettled > 0)
        prefix_cache_take(&kv->cache, unsettled);
    replica->settled_blocks += unsettled;
    for (; replica->settled_prefills < replica->batch.prefill_count; replica->settled_prefills++) {
        struct batch_prefill *prefill = &replica->prefills[replica->settled_prefills];
        struct sequence *sequence = &replica->sequences[prefill->sequence];
        kv_blocks_hold(kv, sequence, prefill->needed_blocks,
                       sequence->context_tokens + prefill->chunk_tokens);
    }
}

static double transfer_s(const struct host_transfer *transfer, int64_t blocks)
{
    return blocks > 0 ? transfer->latency_s + transfer->s_per_block * (double)blocks : 0.0;
}

/* The step begins with what has to be copied: out of the way first, then in. */
static double commit_transfers(struct replica *replica)
{
    const struct simulation_setup *setup = replica->setup;
    const struct pending_transfer *pending = &replica->pending;
    double swap_s = transfer_s(&setup->swap, pending->swapped_out) +
                    transfer_s(&setup->swap, pending->swapped_in);
    double offload_s = setup->offload.latency_s * pending->loads +
                       setup->offload.s_per_block * (double)pending->loaded;
    replica->result->swap_s += swap_s;
    replica->result->offload_s += offload_s;
    replica->pending = (struct pending_transfer){0};
    return swap_s + offload_s;
}

/* The step planned last has started: the time of its tokens is known. */
static void group_fresh(struct replica *replica)
{
    if (replica->fresh_count > 0)
        replica->groups[replica->group_count++] =
            (struct token_group){replica->plan_count, replica->latest_end_ns, replica->fresh_count};
    replica->fresh_count = 0;
}

/* KV memory once the step is planned. */
static void count_blocks(const struct replica *replica, struct step *step)
{
    const struct kv_blocks *kv = &replica->kv;
    step->kv_blocks_used = kv->total - replica->batch.free_blocks;
    step->kv_blocks_empty = kv->held - kv->filled + kv->retained;
    step->kv_slots_unfilled = kv->filled * kv->block_size - kv->tokens;
    step->kv_tokens =
        (step->kv_blocks_used - step->kv_blocks_empty) * kv->block_size - step->kv_slots_unfilled;
}

/* No room for one more request, whatever it is. */
static bool is_full(const struct replica *replica)
{
    return replica->batch.waiting > 0 || replica->batch.running >= replica->setup->max_num_seqs;
}

/* The plan becomes a step, and the engine's state is from here on the one after that step; only
 * blocks and slots of finished sequences wait for its end. */
static void commit_plan(struct replica *replica, struct step *step)
{
    struct batch *batch = &replica->batch;
    assert(batch->needed_blocks <= batch->free_blocks);
    replica_settle(replica);
    batch->free_blocks -= batch->needed_blocks;
    assert(!replica->kv.caching || replica->kv.cache.free_blocks == batch->free_blocks);
    step->load = (struct step_load){.chunks = step->chunks,
                                    .padded_chunk_tokens = replica->padded_chunk_tokens,
                                    .idle_sequences = replica->idle_sequences};
    step->emission_count = step->finishing_count = step->continuing_count = 0;
    step->member_count = 0;
    step->cohort_decodes = !replica->decodes_postponed;
    if (!replica->decodes_postponed)
        commit_decodes(replica, step);
    commit_prefills(replica, step);
    step->load.emitting_sequences += step->emission_count;
    step->running = batch->running;
    step->preempted = batch->waiting - replica->new_count;
    step->full = is_full(replica);
    count_blocks(replica, step);
    const struct pending_transfer *pending = &replica->pending;
    bool copies = pending->swapped_out + pending->swapped_in + pending->loaded > 0;
    step->transfer_s = copies && step->load.tokens > 0 ? commit_transfers(replica) : 0.0;
    bool decodes_alone = step->load.decode_sequences == batch->running && batch->running > 0 &&
                         step->emission_count == 0 && batch->prefill_count == 0;
    /* What a preemption has freed is for the next plan to give away. */
    replica->steady = decodes_alone && !batch->preempted && step->finishing_count == 0 &&
                      replica->setup->policy->steady_decodes && !replica->setup->queue_order->fair;
}

/* The plan before was decodes alone, and nothing has arrived or ended since: while there are blocks,
 * the policy would say the same again. A run of decodes needs nothing else than this. */
static void repeat_plan(struct replica *replica, struct step *step)
{
    struct batch *batch = &replica->batch;
    int32_t needed_blocks = replica_decode_blocks(replica);
    if (replica->kv.caching && needed_blocks > 0)
        prefix_cache_take(&replica->kv.cache, needed_blocks);
    batch->free_blocks -= needed_blocks;
    group_fresh(replica);
    replica->plan_count++;
    step->load.chunk_count = step->load.padded_chunk_tokens = 0;
    step->load.idle_sequences = replica->idle_sequences;
    step->emission_count = step->finishing_count = step->member_count = 0;
    step->cohort_decodes = true;
    step->transfer_s = 0.0;
    commit_decodes(replica, step);
    step->running = batch->running;
    step->preempted = batch->waiting - replica->new_count;
    step->full = is_full(replica);
    count_blocks(replica, step);
    replica->steady = step->finishing_count == 0;
}

/* What the policy sees before it has edited anything. */
static void fill_batch(struct replica *replica, int64_t now_ns)
{
    struct batch *batch = &replica->batch;
    group_fresh(replica);
    replica->plan_count++;
    if (batch->running == 0) {
        batch->free_blocks += replica->kv.retained;
        replica->kv.retained = 0;
    }
    replica->decodes_postponed = false;
    replica->settled_prefills = 0;
    replica->settled_blocks = 0;
    replica->padded_chunk_tokens = replica->idle_sequences = 0;
    batch->now_ns = now_ns;
    batch->decoding = replica->cohort.count;
    batch->needed_blocks = replica_decode_blocks(replica);
    batch->preempted = false;
    for (int32_t i = 0; i < batch->prefill_count; i++) {
        struct batch_prefill *prefill = &replica->prefills[i];
        prefill->chunk_tokens = prefill->needed_blocks = 0;
        prefill->wanted_tokens = sequence_wanted_tokens(&replica->sequences[prefill->sequence]);
    }
}

struct step *replica_plan_step(struct replica *replica, int64_t now_ns)
{
    struct batch *batch = &replica->batch;
    struct step *step = &replica->steps[replica->in_flight == &replica->steps[0] ? 1 : 0];
    replica->wake_ns = SIM_TIME_NEVER; /* whoever set it asked for the plan that begins here */
    if (replica->steady && replica_decode_blocks(replica) <= batch->free_blocks) {
        repeat_plan(replica, step);
        return step;
    }
    if (batch->running == 0 && batch->waiting == 0)
        return NULL;
    fill_batch(replica, now_ns);
    replica->setup->policy->plan(replica->policy_state, batch);
    if (replica->kv.out_of_memory)
        return NULL;
    commit_plan(replica, step);
    assert(step_load_rows(&step->load) <= replica->setup->max_num_batched_tokens);
    return step->load.tokens > 0 ? step : NULL;
}
