/* The calls by which a policy edits a plan (llmsim/policy.h). */
#include "replica.h"

#include <assert.h>

/* The policy's struct batch is the first member of its replica. */
static struct replica *replica_of(struct batch *batch)
{
    return (struct replica *)(void *)batch;
}

void batch_set_chunk(struct batch *batch, int32_t index, int32_t tokens)
{
    struct replica *replica = replica_of(batch);
    assert(index >= 0 && index < batch->prefill_count);
    struct batch_prefill *prefill = &replica->prefills[index];
    assert(tokens >= 0 && tokens <= prefill->wanted_tokens);
    const struct sequence *sequence = &replica->sequences[prefill->sequence];
    int64_t context = sequence->context_tokens;
    batch->needed_blocks += replica_blocks(replica, context + tokens) -
                            replica_blocks(replica, context + prefill->chunk_tokens);
    prefill->chunk_tokens = tokens;
}

/* Out of the cohort before its last token, which it emitted at the end of the latest step. */
static void stop_decoding(struct replica *replica, int32_t index)
{
    struct sequence *sequence = &replica->sequences[index];
    int32_t needed_before = cohort_blocks_needed(&replica->cohort);
    sequence->context_tokens = cohort_leave(&replica->cohort, index);
    replica->batch.needed_blocks += cohort_blocks_needed(&replica->cohort) - needed_before;
    replica->batch.decoding--;
    sequence->generated_tokens = sequence->context_tokens + 1 - sequence->outcome.prompt_tokens;
    sequence->last_token_ns = replica->latest_end_ns;
}

void batch_preempt_last(struct batch *batch)
{
    struct replica *replica = replica_of(batch);
    int32_t index = replica->last_running;
    assert(index >= 0);
    struct sequence *sequence = &replica->sequences[index];
    switch (sequence->state) {
    case SEQUENCE_DECODING:
        stop_decoding(replica, index);
        break;
    case SEQUENCE_PREFILLING:
        /* The last admitted of all is the last of those in prefill. */
        assert(replica->prefills[batch->prefill_count - 1].sequence == index);
        batch_set_chunk(batch, batch->prefill_count - 1, 0);
        batch->prefill_count--;
        break;
    case SEQUENCE_FINISHING:
        /* Its last token is on its way: it loses its blocks early and never waits again. */
        sequence->released = true;
        break;
    case SEQUENCE_PREEMPTED:
        assert(false);
    }
    replica_remove_running(replica, index);
    sequence->outcome.preemptions++;
    batch->preempted = true;
    replica->preemptions++;
    if (sequence->state == SEQUENCE_FINISHING)
        return;
    sequence->state = SEQUENCE_PREEMPTED;
    sequence->context_tokens = 0;
    replica->preempted[replica->preempted_count++] = index;
    batch->waiting++;
}

bool batch_peek_waiting(const struct batch *batch, struct batch_waiting *head)
{
    const struct replica *replica = (const struct replica *)(const void *)batch;
    if (replica->preempted_count > 0) {
        const struct sequence *sequence =
            &replica->sequences[replica->preempted[replica->preempted_count - 1]];
        head->wanted_tokens = sequence_wanted_tokens(sequence);
    } else if (replica->arrival_count > 0) {
        const struct request *request = &replica->arrivals[replica->arrival_first].request;
        head->wanted_tokens = request->prompt_tokens;
    } else {
        return false;
    }
    head->wanted_blocks = replica_blocks(replica, head->wanted_tokens);
    return true;
}

/* The first arrival becomes a sequence. */
static int32_t take_arrival(struct replica *replica)
{
    const struct arrival *arrival = &replica->arrivals[replica->arrival_first];
    assert(replica->arrival_count > 0 && replica->unused_count > 0);
    int32_t index = replica->unused_sequences[--replica->unused_count];
    replica->sequences[index] = (struct sequence){
        .outcome = {.request_id = arrival->request_id,
                    .arrival_ns = arrival->request.arrival_ns,
                    .scheduled_ns = replica->batch.now_ns,
                    .first_token_ns = -1,
                    .finished_ns = -1,
                    .prompt_tokens = arrival->request.prompt_tokens,
                    .output_tokens = arrival->request.output_tokens,
                    .status = REQUEST_COMPLETED},
        .last_token_ns = -1,
    };
    replica->arrival_count--;
    if (++replica->arrival_first == replica->setup->max_num_seqs)
        replica->arrival_first = 0;
    return index;
}

void batch_admit(struct batch *batch, int32_t tokens)
{
    struct replica *replica = replica_of(batch);
    assert(batch->running < batch->max_num_seqs && batch->waiting > 0 && !batch->preempted);
    int32_t index = replica->preempted_count > 0 ? replica->preempted[--replica->preempted_count]
                                                 : take_arrival(replica);
    struct sequence *sequence = &replica->sequences[index];
    sequence->state = SEQUENCE_PREFILLING;
    sequence->previous = replica->last_running;
    sequence->next = -1;
    if (replica->last_running >= 0)
        replica->sequences[replica->last_running].next = index;
    replica->last_running = index;
    batch->running++;
    batch->waiting--;
    replica->prefills[batch->prefill_count++] = (struct batch_prefill){
        .wanted_tokens = sequence_wanted_tokens(sequence), .sequence = index};
    batch_set_chunk(batch, batch->prefill_count - 1, tokens);
}
