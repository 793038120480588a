/* The calls by which a policy edits a plan (llmsim/policy.h). */
#include "replica.h"

#include <assert.h>
#include <string.h>

/* The policy's struct batch is the first member of its replica. */
static struct replica *replica_of(struct batch *batch)
{
    return (struct replica *)(void *)batch;
}

static const struct replica *replica_of_const(const struct batch *batch)
{
    return (const struct replica *)(const void *)batch;
}

void batch_set_chunk(struct batch *batch, int32_t index, int32_t tokens)
{
    struct replica *replica = replica_of(batch);
    assert(index >= replica->settled_prefills && index < batch->prefill_count);
    struct batch_prefill *prefill = &replica->prefills[index];
    assert(tokens >= 0 && tokens <= prefill->wanted_tokens);
    const struct sequence *sequence = &replica->sequences[prefill->sequence];
    int64_t stored = (int64_t)sequence->context_tokens + tokens;
    int64_t total = (int64_t)sequence->context_tokens + prefill->wanted_tokens;
    int64_t needed = kv_blocks_reserved(&replica->kv, stored, total) - sequence->held_blocks;
    batch->needed_blocks += needed - prefill->needed_blocks;
    prefill->needed_blocks = (int32_t)needed;
    prefill->chunk_tokens = tokens;
}

void batch_postpone_decodes(struct batch *batch)
{
    struct replica *replica = replica_of(batch);
    assert(!replica->decodes_postponed);
    replica->decodes_postponed = true;
    batch->needed_blocks -= replica_decode_blocks(replica);
    batch->decoding = 0;
}

void batch_resume_decodes(struct batch *batch)
{
    struct replica *replica = replica_of(batch);
    assert(replica->decodes_postponed);
    replica->decodes_postponed = false;
    batch->needed_blocks += replica_decode_blocks(replica);
    batch->decoding = replica->cohort.count;
}

int32_t batch_victim(const struct batch *batch)
{
    const struct replica *replica = replica_of_const(batch);
    int32_t victim = replica->last_running;
    assert(victim >= 0);
    if (batch->last_is_victim)
        return victim;
    for (int32_t i = victim; i >= 0; i = replica->sequences[i].previous) {
        if (queue_is_after(&replica->queue, i, victim))
            victim = i;
    }
    return victim;
}

/* Its index in prefills[]; −1: not there. */
static int32_t find_prefill(const struct replica *replica, int32_t sequence)
{
    for (int32_t i = replica->batch.prefill_count - 1; i >= 0; i--) {
        if (replica->prefills[i].sequence == sequence)
            return i;
    }
    return -1;
}

static void remove_prefill(struct batch *batch, int32_t index)
{
    struct replica *replica = replica_of(batch);
    struct batch_prefill *removed = &replica->prefills[index];
    assert(index >= replica->settled_prefills);
    batch->needed_blocks -= removed->needed_blocks;
    size_t behind = (size_t)(--batch->prefill_count - index);
    memmove(removed, removed + 1, behind * sizeof *removed);
}

/* It waits again, with what it has generated. */
static void requeue(struct replica *replica, int32_t index)
{
    struct sequence *sequence = &replica->sequences[index];
    sequence->state = SEQUENCE_WAITING;
    if (sequence->swapped_blocks == 0) {
        if (sequence->account.lost_tokens < sequence->context_tokens)
            sequence->account.lost_tokens = sequence->context_tokens;
        sequence->context_tokens = 0;
    }
    queue_push(&replica->queue, index);
    replica->batch.waiting++;
}

void batch_preempt(struct batch *batch, int32_t sequence)
{
    struct replica *replica = replica_of(batch);
    struct sequence *victim = &replica->sequences[sequence];
    assert(victim->state != SEQUENCE_WAITING && !victim->released);
    bool finishing = victim->state == SEQUENCE_FINISHING;
    if (victim->state == SEQUENCE_DECODING)
        replica_leave_cohort(replica, sequence);
    else if (victim->state == SEQUENCE_PREFILLING)
        remove_prefill(batch, find_prefill(replica, sequence));
    if (!finishing && kv_blocks_swap_out(&replica->kv, victim)) {
        replica->pending.swapped_out += victim->swapped_blocks;
        replica->result->swapped_out++;
    }
    replica_remove_running(replica, sequence, !finishing);
    victim->outcome.preemptions++;
    replica->result->preemptions++;
    batch->preempted = true;
    /* Its last token is on its way: it loses its blocks early and never waits again. */
    victim->released = finishing;
    if (!finishing)
        requeue(replica, sequence);
}

int32_t batch_next_running(const struct batch *batch, int32_t sequence)
{
    const struct replica *replica = replica_of_const(batch);
    int32_t next = sequence < 0 ? replica->first_running : replica->sequences[sequence].next;
    /* Who was preempted in this plan still leads to whoever came after it. */
    while (next >= 0 && (replica->sequences[next].state == SEQUENCE_WAITING ||
                         replica->sequences[next].released))
        next = replica->sequences[next].next;
    return next;
}

struct batch_running batch_describe_running(const struct batch *batch, int32_t sequence)
{
    const struct replica *replica = replica_of_const(batch);
    const struct sequence *described = &replica->sequences[sequence];
    struct batch_running running = {.admission = described->admission, .prefill = -1};
    if (described->state == SEQUENCE_DECODING && !replica->decodes_postponed) {
        running.decodes = true;
        running.needed_blocks =
            replica_decode_blocks(replica) > 0 && cohort_is_at_boundary(&replica->cohort, sequence);
    } else if (described->state == SEQUENCE_PREFILLING) {
        running.prefill = find_prefill(replica, sequence);
        running.needed_blocks = replica->prefills[running.prefill].needed_blocks;
    }
    return running;
}

void batch_postpone(struct batch *batch, int32_t sequence)
{
    struct replica *replica = replica_of(batch);
    struct sequence *postponed = &replica->sequences[sequence];
    assert(postponed->state == SEQUENCE_DECODING && replica->settled_prefills == 0);
    replica_leave_cohort(replica, sequence);
    postponed->state = SEQUENCE_PREFILLING;
    int32_t place = batch->prefill_count++;
    for (; place > 0; place--) {
        const struct batch_prefill *before = &replica->prefills[place - 1];
        if (replica->sequences[before->sequence].admission < postponed->admission)
            break;
        replica->prefills[place] = *before;
    }
    replica->prefills[place] = (struct batch_prefill){.wanted_tokens = 1, .sequence = sequence};
    batch_set_chunk(batch, place,
                    0); /* where prompts are reserved whole, it takes its next block */
}

/* What the caches have of the head of the queue. While it does not fit, and nothing has come into
 * the caches or been referenced anew, it needs at least as many blocks as it did: what was found
 * then is kept, and the head of a full cache is not looked up on every step. */
static void match_head(struct replica *replica, int32_t index)
{
    struct head_match *match = &replica->head;
    const struct sequence *sequence = &replica->sequences[index];
    struct kv_blocks *kv = &replica->kv;
    int64_t version = kv->cache.version + kv->host.version;
    const struct batch *batch = &replica->batch;
    int64_t kept = batch->running > 0 ? batch->watermark_blocks : 0;
    int64_t left = batch->free_blocks - batch->needed_blocks - kept;
    bool known = match->request_id == sequence->outcome.request_id && match->version == version;
    match->current = !known || match->wanted_blocks <= left;
    if (!match->current)
        return;
    int64_t total = (int64_t)sequence->outcome.prompt_tokens + sequence->generated_tokens;
    match->request_id = sequence->outcome.request_id;
    match->version = version;
    match->hit = kv_blocks_match(kv, sequence);
    match->wanted_blocks =
        kv_blocks_reserved(kv, total, total) - match->hit.cached + match->hit.unreferenced;
}

bool batch_peek_waiting(struct batch *batch, struct batch_waiting *head)
{
    struct replica *replica = replica_of(batch);
    int32_t index = queue_head(&replica->queue);
    if (index < 0)
        return false;
    if (replica->kv.caching)
        replica_settle(replica);
    match_head(replica, index);
    const struct sequence *sequence = &replica->sequences[index];
    const struct kv_hit *hit = &replica->head.hit;
    *head = (struct batch_waiting){
        .arrival_ns = sequence->outcome.arrival_ns,
        .wanted_tokens = sequence_wanted_tokens(sequence) -
                         (hit->cached + hit->offloaded) * replica->kv.block_size,
        .wanted_blocks = replica->head.wanted_blocks,
        .decodes = sequence->swapped_blocks > 0 && sequence_wants_decode(sequence),
    };
    return true;
}

int64_t batch_oldest_arrival_ns(const struct batch *batch)
{
    const struct replica *replica = replica_of_const(batch);
    assert(batch->waiting > 0);
    return queue_oldest_arrival_ns(&replica->queue);
}

static void note_first_admission(struct replica *replica, struct sequence *sequence)
{
    const struct kv_hit *hit = &replica->head.hit;
    int32_t block_size = replica->kv.block_size;
    sequence->outcome.scheduled_ns = replica->batch.now_ns;
    sequence->outcome.cached_tokens = (hit->cached + hit->offloaded) * block_size;
    replica->result->prompt_tokens += sequence->outcome.prompt_tokens;
    replica->result->cached_tokens += (int64_t)hit->cached * block_size;
    replica->result->offloaded_tokens += (int64_t)hit->offloaded * block_size;
    queue_note_admission(&replica->queue, sequence);
    replica->new_count--;
}

static void append_running(struct replica *replica, int32_t index)
{
    struct sequence *sequence = &replica->sequences[index];
    sequence->previous = replica->last_running;
    sequence->next = -1;
    if (replica->last_running >= 0)
        replica->sequences[replica->last_running].next = index;
    else
        replica->first_running = index;
    replica->last_running = index;
    sequence->admission = ++replica->admissions;
}

void batch_admit(struct batch *batch, int32_t tokens)
{
    struct replica *replica = replica_of(batch);
    assert(batch->running < batch->max_num_seqs && batch->waiting > 0 && !batch->preempted);
    int32_t index = queue_head(&replica->queue);
    struct sequence *sequence = &replica->sequences[index];
    const struct head_match *match = &replica->head;
    assert(match->current && match->request_id == sequence->outcome.request_id);
    queue_pop(&replica->queue, index);
    append_running(replica, index);
    sequence->state = SEQUENCE_PREFILLING;
    account_admit(&sequence->account, batch->now_ns, sequence->outcome.scheduled_ns >= 0);
    if (sequence->outcome.scheduled_ns < 0)
        note_first_admission(replica, sequence);
    replica->pending.swapped_in += sequence->swapped_blocks;
    replica->pending.loaded += match->hit.offloaded;
    replica->pending.loads += match->hit.offloaded > 0;
    kv_blocks_start(&replica->kv, sequence, &match->hit);
    batch->free_blocks -= match->hit.unreferenced;
    batch->running++;
    batch->waiting--;
    replica->prefills[batch->prefill_count++] = (struct batch_prefill){
        .wanted_tokens = sequence_wanted_tokens(sequence), .sequence = index};
    batch_set_chunk(batch, batch->prefill_count - 1, tokens);
    replica->head.request_id = -1;
}

void batch_pad(struct batch *batch, int32_t chunk_tokens, int32_t idle_sequences)
{
    struct replica *replica = replica_of(batch);
    assert(chunk_tokens >= 0 && idle_sequences >= 0);
    replica->padded_chunk_tokens = chunk_tokens;
    replica->idle_sequences = idle_sequences;
}

void batch_wake_at(struct batch *batch, int64_t time_ns)
{
    struct replica *replica = replica_of(batch);
    assert(time_ns > batch->now_ns);
    replica->wake_ns = time_ns;
}
