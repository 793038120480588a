#include "replica.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More requests cannot wait at once. */
enum { MAX_SEQUENCES = 1 << 22 };

/* A router must see how long the queues are, but not to the end. */
enum { ROUTED_ROOM = 1 << 20 };

static bool step_init(struct step *step, size_t capacity)
{
    step->emissions = calloc(capacity, sizeof *step->emissions);
    step->finishing = calloc(capacity, sizeof *step->finishing);
    step->chunks = calloc(capacity, sizeof *step->chunks);
    step->members = calloc(capacity, sizeof *step->members);
    step->continuing = calloc(capacity + 1, sizeof *step->continuing);
    return step->emissions != NULL && step->finishing != NULL && step->chunks != NULL &&
           step->members != NULL && step->continuing != NULL;
}

static void step_fini(struct step *step)
{
    free(step->emissions);
    free(step->finishing);
    free(step->members);
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
    return cohort_init(&replica->cohort, replica->sequences, setup->max_num_seqs, setup->block_size,
                       setup->sliding_window) &&
           queue_init(&replica->queue, setup->queue_order, &replica->cohort.steps) &&
           kv_blocks_init(&replica->kv, setup) && step_init(&replica->steps[0], capacity) &&
           step_init(&replica->steps[1], capacity) && replica->policy_state != NULL &&
           replica->prefills != NULL && replica->groups != NULL &&
           grow(replica, 2 * setup->max_num_seqs);
}

static int32_t new_room(const struct simulation_setup *setup)
{
    if (!queue_order_by_arrival(setup->queue_order))
        return INT32_MAX;
    return simulation_replica_count(setup) == 1 ? setup->max_num_seqs : ROUTED_ROOM;
}

bool replica_init(struct replica *replica, const struct simulation_setup *setup, int32_t index,
                  struct simulation_result *result, struct error *error)
{
    memset(replica, 0, sizeof *replica);
    replica->setup = setup;
    replica->index = index;
    replica->new_room = new_room(setup);
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
    cohort_fini(&replica->cohort);
    queue_fini(&replica->queue);
    kv_blocks_fini(&replica->kv);
    step_fini(&replica->steps[0]);
    step_fini(&replica->steps[1]);
}

bool replica_deliver(struct replica *replica, const struct request *request, int64_t request_id,
                     int32_t predicted_output_tokens, struct error *error)
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
        .account.until_ns = request->arrival_ns,
    };
    kv_blocks_identify(&replica->kv, &replica->sequences[index], request);
    if (!queue_push_new(&replica->queue, index, request, predicted_output_tokens))
        return error_run(error, "too many clients, or no memory for them");
    replica->result->saw_priorities |= request->priority != 0;
    replica->result->saw_clients |= request->client != 0;
    replica->result->saw_prefixes |= request->prefix_id_count > 0;
    replica->new_count++;
    replica->steady = false;
    replica->batch.waiting++;
    return true;
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

bool replica_prepare_step(struct replica *replica, int64_t now_ns)
{
    assert(replica->in_flight == NULL);
    struct step *step =
        replica->planned != NULL ? replica->planned : replica_plan_step(replica, now_ns);
    /* A sequence that was its own victim leaves nothing to compute when nobody runs but those behind
     * it: they are next, or those who wait. */
    const struct batch *batch = &replica->batch;
    while (step == NULL && batch->preempted && batch->running + batch->waiting > 0)
        step = replica_plan_step(replica, now_ns);
    replica->planned = step;
    return step != NULL;
}

void replica_cost_step(struct replica *replica)
{
    struct step *step = replica->planned;
    struct cost_model *cost_model = replica->setup->cost_model;
    cost_model->step(cost_model->state, &step->load, &step->cost);
    if (step->transfer_s > 0.0) {
        step->cost.time_s += step->transfer_s;
        step->cost.bound_s[BOUND_COMMUNICATION] += step->transfer_s;
    }
}

/* Of what a step with chunks computes, the part that they add. */
static double prompts_share(const struct step *step)
{
    const struct cost *cost = &step->cost;
    const double computed_s = cost->time_s - step->transfer_s - cost->host_s;
    return computed_s > 0.0 ? fmin(fmax(cost->prompts_s / computed_s, 0.0), 1.0) : 0.0;
}

/* The time of everybody whose step it is. */
static void account_for_step(struct replica *replica, const struct step *step)
{
    const struct step_load *load = &step->load;
    const struct cost *cost = &step->cost;
    const double share = load->chunk_count > 0 ? prompts_share(step) : 0.0;
    const struct step_parts parts =
        account_divide(step->start_ns, step->end_ns, step->transfer_s, cost->host_s, share);
    account_step(&replica->account, &parts, step->cohort_decodes);
    const double prompt_tokens = load->tokens - load->decode_sequences;
    for (int32_t i = 0; i < step->member_count; i++) {
        const struct step_member *member = &step->members[i];
        struct account_entry *entry = &replica->sequences[member->sequence].account;
        if (member->decodes)
            account_decode(entry, &parts);
        else
            account_chunk(entry, &parts, member->tokens / prompt_tokens, member->again);
    }
    for (int32_t i = 0; i < step->emission_count; i++)
        account_join(&replica->sequences[step->emissions[i].sequence].account, &replica->account);
}

void replica_launch_step(struct replica *replica, int64_t now_ns, int64_t end_ns)
{
    struct step *step = replica->planned;
    replica->planned = NULL;
    step->start_ns = now_ns;
    step->end_ns = replica->latest_end_ns = end_ns;
    replica->in_flight = step;
    replica->result->steps++;
    replica->result->busy_ns += end_ns - now_ns;
    account_for_step(replica, step);
    /* vLLM's asynchronous scheduling: two steps in flight. The next one is planned before this
     * one's tokens and freed blocks are there. */
    if (replica->setup->async_scheduling)
        replica->planned = replica_plan_step(replica, now_ns);
}

void replica_start_step(struct replica *replica, int64_t now_ns)
{
    if (!replica_prepare_step(replica, now_ns))
        return;
    replica_cost_step(replica);
    replica_launch_step(replica, now_ns, now_ns + sim_ns_from_s(replica->planned->cost.time_s));
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

static void close_account(struct sequence *sequence)
{
    struct request_outcome *outcome = &sequence->outcome;
    int64_t sum_ns = 0;
    for (int i = 0; i < TIME_PART_COUNT; i++) {
        outcome->parts_ns[i] = sequence->account.parts_ns[i];
        sum_ns += outcome->parts_ns[i];
    }
    assert(sum_ns == outcome->finished_ns - outcome->arrival_ns);
    (void)sum_ns; /* without assertions */
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
        account_leave(&sequence->account, &replica->account);
        close_account(sequence);
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
        .replica = replica->index,
        .start_ns = step->start_ns,
        .end_ns = step->end_ns,
        .tokens = step->load.tokens,
        .sequences = step->load.decode_sequences + step->load.chunk_count,
        .prompt_tokens = step->load.tokens - step->load.decode_sequences,
        .output_tokens = step->load.emitting_sequences,
        .running = step->running,
        .preempted = step->preempted,
        .full = step->full,
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
