#include "replica.h"

#include <assert.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>
#include <string.h>

static bool step_init(struct step *step, size_t capacity)
{
    step->emissions = calloc(capacity, sizeof *step->emissions);
    step->finishing = calloc(capacity, sizeof *step->finishing);
    step->chunks = calloc(capacity, sizeof *step->chunks);
    step->load.chunks = step->chunks;
    return step->emissions != NULL && step->finishing != NULL && step->chunks != NULL;
}

static void step_fini(struct step *step)
{
    free(step->emissions);
    free(step->finishing);
    free(step->chunks);
}

bool replica_init(struct replica *replica, const struct simulation_setup *setup,
                  struct error *error)
{
    memset(replica, 0, sizeof *replica);
    size_t capacity = (size_t)setup->max_num_seqs;
    size_t state_size = setup->policy->state_size;
    replica->setup = setup;
    replica->policy_state = calloc(1, state_size > 0 ? state_size : 1);
    replica->sequences = calloc(capacity, sizeof *replica->sequences);
    replica->unused_sequences = calloc(capacity, sizeof *replica->unused_sequences);
    replica->prefills = calloc(capacity, sizeof *replica->prefills);
    replica->preempted = calloc(capacity, sizeof *replica->preempted);
    replica->arrivals = calloc(capacity, sizeof *replica->arrivals);
    if (!cohort_init(&replica->cohort, replica->sequences, setup->max_num_seqs,
                     setup->block_size) ||
        !step_init(&replica->steps[0], capacity) || !step_init(&replica->steps[1], capacity) ||
        replica->policy_state == NULL || replica->sequences == NULL ||
        replica->unused_sequences == NULL || replica->prefills == NULL ||
        replica->preempted == NULL || replica->arrivals == NULL) {
        replica_fini(replica);
        return error_run(error, "out of memory for %d sequences", setup->max_num_seqs);
    }
    for (int32_t i = setup->max_num_seqs - 1; i >= 0; i--)
        replica->unused_sequences[replica->unused_count++] = i;
    replica->last_running = -1;
    replica->batch = (struct batch){
        .max_num_batched_tokens = setup->max_num_batched_tokens,
        .max_num_seqs = setup->max_num_seqs,
        .long_prefill_token_threshold = setup->long_prefill_token_threshold,
        .prefills = replica->prefills,
        .free_blocks = setup->num_gpu_blocks - 1, /* vLLM's null block holds no tokens */
    };
    return true;
}

void replica_fini(struct replica *replica)
{
    free(replica->policy_state);
    free(replica->sequences);
    free(replica->unused_sequences);
    free(replica->prefills);
    free(replica->preempted);
    free(replica->arrivals);
    cohort_fini(&replica->cohort);
    step_fini(&replica->steps[0]);
    step_fini(&replica->steps[1]);
}

bool replica_has_room(const struct replica *replica)
{
    return replica->arrival_count < replica->setup->max_num_seqs;
}

void replica_deliver(struct replica *replica, const struct request *request, int64_t request_id)
{
    assert(replica_has_room(replica));
    int32_t position = replica->arrival_first + replica->arrival_count;
    if (position >= replica->setup->max_num_seqs)
        position -= replica->setup->max_num_seqs;
    replica->arrivals[position] = (struct arrival){*request, request_id};
    replica->arrival_count++;
    replica->batch.waiting++;
}

int64_t replica_next_event_ns(const struct replica *replica)
{
    return replica->in_flight != NULL ? replica->in_flight->end_ns : SIM_TIME_NEVER;
}

void replica_remove_running(struct replica *replica, int32_t index)
{
    const struct sequence *sequence = &replica->sequences[index];
    if (sequence->previous >= 0)
        replica->sequences[sequence->previous].next = sequence->next;
    if (sequence->next >= 0)
        replica->sequences[sequence->next].previous = sequence->previous;
    else
        replica->last_running = sequence->previous;
    replica->batch.running--;
    replica->batch.free_blocks += replica_blocks(replica, sequence->context_tokens);
    replica->kv_tokens -= sequence->context_tokens;
}

static void finish_in(struct step *step, struct replica *replica, int32_t index,
                      int32_t context_tokens)
{
    replica->sequences[index].state = SEQUENCE_FINISHING;
    replica->sequences[index].context_tokens = context_tokens;
    step->finishing[step->finishing_count++] = index;
}

/* A chunk becomes part of the step's load. A sequence that wants one token and has generated some
 * before is a decode, whatever brought it here. */
static void load_chunk(struct step_load *load, struct prefill_chunk *chunks,
                       const struct sequence *sequence, const struct batch_prefill *prefill)
{
    load->tokens += prefill->chunk_tokens;
    if (prefill->wanted_tokens == 1 && sequence->generated_tokens > 0) {
        int32_t context = sequence->context_tokens + 1;
        load->decode_sequences++;
        load->decode_context_sum += context;
        if (context > load->decode_context_max)
            load->decode_context_max = context;
        return;
    }
    chunks[load->chunk_count++] =
        (struct prefill_chunk){prefill->chunk_tokens, sequence->context_tokens};
}

/* What the planned chunks compute is taken as computed; sequences that reach their next token emit
 * it in this step and decode from the next one on. */
static void commit_prefills(struct replica *replica, struct step *step)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < replica->batch.prefill_count; i++) {
        struct batch_prefill *prefill = &replica->prefills[i];
        struct sequence *sequence = &replica->sequences[prefill->sequence];
        if (prefill->chunk_tokens > 0)
            load_chunk(&step->load, step->chunks, sequence, prefill);
        sequence->context_tokens += prefill->chunk_tokens;
        if (prefill->chunk_tokens < prefill->wanted_tokens) {
            replica->prefills[kept++] = *prefill;
            continue;
        }
        step->emissions[step->emission_count++] =
            (struct emission){prefill->sequence, sequence->last_token_ns};
        sequence->generated_tokens++;
        int32_t left = sequence->outcome.output_tokens - sequence->generated_tokens;
        if (left == 0) {
            finish_in(step, replica, prefill->sequence, sequence->context_tokens);
        } else {
            sequence->state = SEQUENCE_DECODING;
            cohort_join(&replica->cohort, prefill->sequence, sequence->context_tokens, left);
        }
    }
    replica->batch.prefill_count = kept;
}

/* The plan becomes a step, and the engine's state is from here on the one after that step; only
 * blocks and slots of finished sequences wait for its end. */
static void commit_plan(struct replica *replica, struct step *step)
{
    struct batch *batch = &replica->batch;
    struct cohort *cohort = &replica->cohort;
    assert(batch->needed_blocks <= batch->free_blocks && batch->decoding == cohort->count);
    batch->free_blocks -= batch->needed_blocks;
    step->load = (struct step_load){
        .tokens = cohort->count,
        .decode_sequences = cohort->count,
        .decode_context_sum = cohort->context_sum + cohort->count,
        .decode_context_max = cohort->count > 0 ? cohort_context_max(cohort) + 1 : 0,
        .chunks = step->chunks,
    };
    step->continuing_sequences = cohort->count;
    step->emission_count = step->finishing_count = 0;
    cohort_advance(cohort);
    int32_t context_tokens = 0;
    for (int32_t index = cohort_pop_finished(cohort, &context_tokens); index >= 0;
         index = cohort_pop_finished(cohort, &context_tokens))
        finish_in(step, replica, index, context_tokens);
    commit_prefills(replica, step);
    step->load.emitting_sequences = step->continuing_sequences + step->emission_count;
    replica->kv_tokens += step->load.tokens;
    step->running = batch->running;
    step->kv_tokens = replica->kv_tokens;
    step->kv_blocks_used = replica->setup->num_gpu_blocks - 1 - batch->free_blocks;
}

/* What the policy sees before it has edited anything. */
static void fill_batch(struct replica *replica, int64_t now_ns)
{
    struct batch *batch = &replica->batch;
    batch->now_ns = now_ns;
    batch->decoding = replica->cohort.count;
    batch->needed_blocks = cohort_blocks_needed(&replica->cohort);
    batch->preempted = false;
    for (int32_t i = 0; i < batch->prefill_count; i++) {
        struct batch_prefill *prefill = &replica->prefills[i];
        prefill->chunk_tokens = 0;
        prefill->wanted_tokens = sequence_wanted_tokens(&replica->sequences[prefill->sequence]);
    }
}

/* The next step, not yet started; NULL when there is nothing to compute. */
static struct step *plan_step(struct replica *replica, int64_t now_ns)
{
    if (replica->batch.running == 0 && replica->batch.waiting == 0)
        return NULL;
    fill_batch(replica, now_ns);
    replica->setup->policy->plan(replica->policy_state, &replica->batch);
    struct step *step = &replica->steps[replica->in_flight == &replica->steps[0] ? 1 : 0];
    commit_plan(replica, step);
    assert(step->load.tokens <= replica->setup->max_num_batched_tokens);
    return step->load.tokens > 0 ? step : NULL;
}

void replica_start_step(struct replica *replica, int64_t now_ns)
{
    assert(replica->in_flight == NULL);
    struct step *step = replica->planned != NULL ? replica->planned : plan_step(replica, now_ns);
    replica->planned = NULL;
    if (step == NULL)
        return;
    struct cost_model *cost_model = replica->setup->cost_model;
    cost_model->step(cost_model->state, &step->load, &step->cost);
    int64_t duration_ns = sim_ns_from_s(step->cost.time_s);
    step->start_ns = now_ns;
    step->end_ns = replica->latest_end_ns = now_ns + duration_ns;
    replica->in_flight = step;
    replica->step_count++;
    replica->busy_ns += duration_ns;
    /* vLLM's asynchronous scheduling: two steps in flight. The next one is planned before this
     * one's tokens and freed blocks are there. */
    if (replica->setup->async_scheduling)
        replica->planned = plan_step(replica, now_ns);
}

static void emit_first_tokens(struct replica *replica, const struct step *step)
{
    const struct observer *observer = replica->setup->observer;
    for (int32_t i = 0; i < step->emission_count; i++) {
        const struct emission *emission = &step->emissions[i];
        struct request_outcome *outcome = &replica->sequences[emission->sequence].outcome;
        if (emission->previous_token_ns < 0)
            outcome->first_token_ns = step->end_ns;
        else
            observer->token_gap(observer->context, step->end_ns - emission->previous_token_ns);
    }
}

static void finish_sequences(struct replica *replica, const struct step *step)
{
    const struct observer *observer = replica->setup->observer;
    for (int32_t i = 0; i < step->finishing_count; i++) {
        int32_t index = step->finishing[i];
        struct sequence *sequence = &replica->sequences[index];
        if (!sequence->released)
            replica_remove_running(replica, index);
        sequence->outcome.finished_ns = step->end_ns;
        observer->outcome(observer->context, &sequence->outcome);
        replica->unused_sequences[replica->unused_count++] = index;
    }
}

void replica_complete_step(struct replica *replica)
{
    const struct step *step = replica->in_flight;
    const struct observer *observer = replica->setup->observer;
    struct step_report report = {
        .start_ns = step->start_ns,
        .end_ns = step->end_ns,
        .tokens = step->load.tokens,
        .sequences = step->load.decode_sequences + step->load.chunk_count,
        .continuing_sequences = step->continuing_sequences,
        .running = step->running,
        .kv_blocks_used = step->kv_blocks_used,
        .kv_tokens = step->kv_tokens,
        .cost = &step->cost,
    };
    observer->step(observer->context, &report);
    emit_first_tokens(replica, step);
    finish_sequences(replica, step);
    replica->in_flight = NULL;
}
