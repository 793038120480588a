#include "replica.h"

#include "rng.h"
#include <assert.h>
#include <gsl/gsl_randist.h>
#include <llmsim/sim_time.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More requests cannot wait at once. */
enum { MAX_SEQUENCES = 1 << 22 };

static bool step_init(struct step *step, size_t capacity)
{
    step->emissions = calloc(capacity, sizeof *step->emissions);
    step->finishing = calloc(capacity, sizeof *step->finishing);
    step->chunks = calloc(capacity, sizeof *step->chunks);
    step->continuing = calloc(capacity + 1, sizeof *step->continuing);
    return step->emissions != NULL && step->finishing != NULL && step->chunks != NULL &&
           step->continuing != NULL;
}

static void step_fini(struct step *step)
{
    free(step->emissions);
    free(step->finishing);
    free(step->chunks);
    free(step->continuing);
}

/* Room for `capacity` sequences, waiting and running. */
static bool grow(struct replica *replica, int32_t capacity)
{
    size_t room = (size_t)capacity;
    struct sequence *sequences = realloc(replica->sequences, room * sizeof *sequences);
    if (sequences != NULL)
        replica->sequences = sequences;
    int32_t *unused = realloc(replica->unused_sequences, room * sizeof *unused);
    if (unused != NULL)
        replica->unused_sequences = unused;
    if (sequences == NULL || unused == NULL || !queue_reserve(&replica->queue, sequences, capacity))
        return false;
    replica->cohort.sequences = sequences;
    for (int32_t i = capacity - 1; i >= replica->sequence_capacity; i--) {
        sequences[i].chain.hashes = NULL;
        unused[replica->unused_count++] = i;
    }
    replica->sequence_capacity = capacity;
    return true;
}

static bool allocate(struct replica *replica)
{
    const struct simulation_setup *setup = replica->setup;
    size_t capacity = (size_t)setup->max_num_seqs;
    size_t state_size = setup->policy->state_size;
    replica->policy_state = calloc(1, state_size > 0 ? state_size : 1);
    replica->prefills = calloc(capacity, sizeof *replica->prefills);
    replica->groups = calloc(capacity + 1, sizeof *replica->groups);
    if (setup->queue_order->predicts)
        replica->prediction_rng = rng_create(setup->seed, "output_prediction");
    return cohort_init(&replica->cohort, replica->sequences, setup->max_num_seqs,
                       setup->block_size) &&
           queue_init(&replica->queue, setup->queue_order, &replica->cohort.steps) &&
           kv_blocks_init(&replica->kv, setup) && step_init(&replica->steps[0], capacity) &&
           step_init(&replica->steps[1], capacity) && replica->policy_state != NULL &&
           replica->prefills != NULL && replica->groups != NULL &&
           (!setup->queue_order->predicts || replica->prediction_rng != NULL) &&
           grow(replica, 2 * setup->max_num_seqs);
}

bool replica_init(struct replica *replica, const struct simulation_setup *setup,
                  struct simulation_result *result, struct error *error)
{
    memset(replica, 0, sizeof *replica);
    replica->setup = setup;
    replica->result = result;
    if (!allocate(replica)) {
        replica_fini(replica);
        return error_run(error, "out of memory for %d sequences", setup->max_num_seqs);
    }
    replica->first_running = replica->last_running = -1;
    replica->head.request_id = -1;
    replica->wake_ns = SIM_TIME_NEVER;
    replica->batch = (struct batch){
        .max_num_batched_tokens = setup->max_num_batched_tokens,
        .max_num_seqs = setup->max_num_seqs,
        .long_prefill_token_threshold = setup->long_prefill_token_threshold,
        .enable_chunked_prefill = setup->enable_chunked_prefill,
        .watermark_blocks = setup->watermark_blocks,
        .preferred_batch_size = setup->preferred_batch_size,
        .max_queue_delay_ns = setup->max_queue_delay_ns,
        .last_is_victim = setup->queue_order->key == NULL,
        .prefills = replica->prefills,
        .free_blocks = replica->kv.total,
    };
    return true;
}

void replica_fini(struct replica *replica)
{
    for (int32_t i = 0; i < replica->sequence_capacity; i++)
        kv_blocks_forget(&replica->sequences[i]);
    free(replica->policy_state);
    free(replica->sequences);
    free(replica->unused_sequences);
    free(replica->prefills);
    free(replica->groups);
    if (replica->prediction_rng != NULL)
        gsl_rng_free(replica->prediction_rng);
    cohort_fini(&replica->cohort);
    queue_fini(&replica->queue);
    kv_blocks_fini(&replica->kv);
    step_fini(&replica->steps[0]);
    step_fini(&replica->steps[1]);
}

bool replica_has_room(const struct replica *replica)
{
    return replica->new_count < replica->setup->max_num_seqs ||
           !queue_order_by_arrival(replica->setup->queue_order);
}

/* What a predictor says of an output: the truth times a lognormal error, whose σ is stated. */
static int32_t predict_output(const struct replica *replica, const struct request *request)
{
    if (replica->prediction_rng == NULL)
        return 0;
    double error =
        gsl_ran_gaussian(replica->prediction_rng, replica->setup->output_prediction_error);
    double tokens = rint(request->output_tokens * exp(error));
    return (int32_t)fmin(fmax(tokens, 1.0), REQUEST_MAX_TOKENS);
}

bool replica_deliver(struct replica *replica, const struct request *request, int64_t request_id,
                     struct error *error)
{
    if (replica->unused_count == 0) {
        if (replica->sequence_capacity > MAX_SEQUENCES / 2)
            return error_run(error,
                             "more than %d requests wait: an order other than by arrival must see "
                             "all of them",
                             replica->sequence_capacity);
        if (!grow(replica, 2 * replica->sequence_capacity))
            return error_run(error, "out of memory for the waiting queue");
    }
    int32_t index = replica->unused_sequences[--replica->unused_count];
    replica->sequences[index] = (struct sequence){
        .outcome = {.request_id = request_id,
                    .arrival_ns = request->arrival_ns,
                    .scheduled_ns = -1,
                    .first_token_ns = -1,
                    .finished_ns = -1,
                    .prompt_tokens = request->prompt_tokens,
                    .output_tokens = request->output_tokens,
                    .status = REQUEST_COMPLETED},
        .state = SEQUENCE_WAITING,
        .last_token_ns = -1,
    };
    kv_blocks_identify(&replica->kv, &replica->sequences[index], request);
    if (!queue_push_new(&replica->queue, index, request, predict_output(replica, request)))
        return error_run(error, "out of memory for the clients");
    replica->new_count++;
    replica->batch.waiting++;
    return true;
}

int64_t replica_next_event_ns(const struct replica *replica)
{
    return replica->in_flight != NULL ? replica->in_flight->end_ns : replica->wake_ns;
}

void replica_remove_running(struct replica *replica, int32_t index, bool returns)
{
    struct sequence *sequence = &replica->sequences[index];
    if (sequence->previous >= 0)
        replica->sequences[sequence->previous].next = sequence->next;
    else
        replica->first_running = sequence->next;
    if (sequence->next >= 0)
        replica->sequences[sequence->next].previous = sequence->previous;
    else
        replica->last_running = sequence->previous;
    replica->batch.running--;
    replica->batch.free_blocks += kv_blocks_release(&replica->kv, sequence, returns);
}

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
}

static void finish_in(struct step *step, struct replica *replica, int32_t index)
{
    replica->sequences[index].state = SEQUENCE_FINISHING;
    step->finishing[step->finishing_count++] = index;
}

/* A chunk becomes part of the step's load. */
static void load_chunk(struct step *step, const struct sequence *sequence,
                       const struct batch_prefill *prefill)
{
    struct step_load *load = &step->load;
    load->tokens += prefill->chunk_tokens;
    if (sequence_wants_decode(sequence)) {
        int32_t context = sequence->context_tokens + 1;
        load->decode_sequences++;
        load->decode_context_sum += context;
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
            load_chunk(step, sequence, prefill);
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
    double offload_s = transfer_s(&setup->offload, pending->loaded);
    replica->result->swap_s += swap_s;
    replica->result->offload_s += offload_s;
    replica->pending = (struct pending_transfer){0};
    return swap_s + offload_s;
}

/* The plan becomes a step, and the engine's state is from here on the one after that step; only
 * blocks and slots of finished sequences wait for its end. */
static void commit_plan(struct replica *replica, struct step *step)
{
    struct batch *batch = &replica->batch;
    struct kv_blocks *kv = &replica->kv;
    assert(batch->needed_blocks <= batch->free_blocks);
    replica_settle(replica);
    batch->free_blocks -= batch->needed_blocks;
    assert(!kv->caching || kv->cache.free_blocks == batch->free_blocks);
    step->load = (struct step_load){.chunks = step->chunks,
                                    .padded_chunk_tokens = replica->padded_chunk_tokens,
                                    .idle_sequences = replica->idle_sequences};
    step->emission_count = step->finishing_count = step->continuing_count = 0;
    if (!replica->decodes_postponed)
        commit_decodes(replica, step);
    commit_prefills(replica, step);
    step->load.emitting_sequences += step->emission_count;
    step->running = batch->running;
    step->kv_blocks_used = kv->total - batch->free_blocks;
    step->kv_blocks_empty = kv->held - kv->filled + kv->retained;
    step->kv_slots_unfilled = kv->filled * kv->block_size - kv->tokens;
    step->kv_tokens =
        (step->kv_blocks_used - step->kv_blocks_empty) * kv->block_size - step->kv_slots_unfilled;
    if (step->load.tokens > 0)
        step->transfer_s = commit_transfers(replica);
}

/* What the policy sees before it has edited anything. */
static void fill_batch(struct replica *replica, int64_t now_ns)
{
    struct batch *batch = &replica->batch;
    if (replica->fresh_count > 0)
        replica->groups[replica->group_count++] =
            (struct token_group){replica->plan_count, replica->latest_end_ns, replica->fresh_count};
    replica->fresh_count = 0;
    replica->plan_count++;
    if (batch->running == 0) {
        batch->free_blocks += replica->kv.retained;
        replica->kv.retained = 0;
    }
    replica->decodes_postponed = false;
    replica->settled_prefills = 0;
    replica->settled_blocks = 0;
    replica->padded_chunk_tokens = replica->idle_sequences = 0;
    replica->wake_ns = SIM_TIME_NEVER;
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

/* The next step, not yet started; NULL when there is nothing to compute. */
static struct step *plan_step(struct replica *replica, int64_t now_ns)
{
    if (replica->batch.running == 0 && replica->batch.waiting == 0)
        return NULL;
    fill_batch(replica, now_ns);
    replica->setup->policy->plan(replica->policy_state, &replica->batch);
    if (replica->kv.out_of_memory)
        return NULL;
    struct step *step = &replica->steps[replica->in_flight == &replica->steps[0] ? 1 : 0];
    commit_plan(replica, step);
    assert(step_load_rows(&step->load) <= replica->setup->max_num_batched_tokens);
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
    step->cost.time_s += step->transfer_s;
    step->cost.bound_s[BOUND_COMMUNICATION] += step->transfer_s;
    int64_t duration_ns = sim_ns_from_s(step->cost.time_s);
    step->start_ns = now_ns;
    step->end_ns = replica->latest_end_ns = now_ns + duration_ns;
    replica->in_flight = step;
    replica->result->steps++;
    replica->result->busy_ns += duration_ns;
    /* vLLM's asynchronous scheduling: two steps in flight. The next one is planned before this
     * one's tokens and freed blocks are there. */
    if (replica->setup->async_scheduling)
        replica->planned = plan_step(replica, now_ns);
}

static void report_tokens(struct replica *replica, const struct step *step)
{
    const struct observer *observer = replica->setup->observer;
    for (int32_t i = 0; i < step->continuing_count; i++)
        observer->token_gaps(observer->context, step->end_ns - step->continuing[i].token_ns,
                             step->continuing[i].count);
    for (int32_t i = 0; i < step->emission_count; i++) {
        const struct emission *emission = &step->emissions[i];
        if (emission->previous_token_ns < 0)
            replica->sequences[emission->sequence].outcome.first_token_ns = step->end_ns;
        else
            observer->token_gaps(observer->context, step->end_ns - emission->previous_token_ns, 1);
    }
}

static void finish_sequences(struct replica *replica, const struct step *step)
{
    const struct observer *observer = replica->setup->observer;
    for (int32_t i = 0; i < step->finishing_count; i++) {
        int32_t index = step->finishing[i];
        struct sequence *sequence = &replica->sequences[index];
        if (!sequence->released) {
            int32_t held_blocks = sequence->held_blocks;
            replica_remove_running(replica, index, false);
            if (replica->setup->policy->keeps_blocks) {
                replica->batch.free_blocks -= held_blocks;
                replica->kv.retained += held_blocks;
            }
        }
        sequence->outcome.finished_ns = step->end_ns;
        observer->outcome(observer->context, &sequence->outcome);
        kv_blocks_forget(sequence);
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
        .running = step->running,
        .kv_blocks_used = step->kv_blocks_used,
        .kv_blocks_empty = step->kv_blocks_empty,
        .kv_tokens = step->kv_tokens,
        .kv_slots_unfilled = step->kv_slots_unfilled,
        .cost = &step->cost,
    };
    observer->step(observer->context, &report);
    report_tokens(replica, step);
    finish_sequences(replica, step);
    replica->in_flight = NULL;
}
