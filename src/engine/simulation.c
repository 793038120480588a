#include "simulation.h"

#include "replica.h"
#include <assert.h>
#include <llmsim/sim_time.h>
#include <string.h>

/* The trace's cursor and the replica's one slot are the whole event list: no heap, no closures. */
struct simulation {
    const struct simulation_setup *setup;
    struct replica replica;
    struct request next; /* the next to arrive */
    bool has_next;
    struct simulation_result *result;
    struct error *error;
};

enum { INSTANTS_PER_PROGRESS = 1 << 16 };

static bool read_next(struct simulation *simulation)
{
    struct request_source *source = simulation->setup->source;
    switch (source->next(source->state, &simulation->next, simulation->error)) {
    case SOURCE_REQUEST:
        simulation->has_next = true;
        return true;
    case SOURCE_END:
        simulation->has_next = false;
        return true;
    case SOURCE_ERROR:
        break;
    }
    return false;
}

/* vLLM refuses a request that is longer than the model's limit; one that would not fit an empty
 * cache would wait for ever, and so would one that, preempted, would not fit a step that must hold
 * all of it. The last token's KV is never stored. */
static bool is_rejected(struct simulation *simulation, const struct request *request)
{
    const struct simulation_setup *setup = simulation->setup;
    const struct kv_blocks *kv = &simulation->replica.kv;
    int64_t tokens = (int64_t)request->prompt_tokens + request->output_tokens;
    if (tokens > setup->max_model_len ||
        (!setup->enable_chunked_prefill && tokens - 1 > setup->max_num_batched_tokens)) {
        simulation->result->rejected_too_long++;
        return true;
    }
    if (kv_blocks_for(kv, tokens - 1) > kv->total) {
        simulation->result->rejected_no_memory++;
        return true;
    }
    return false;
}

static void reject(const struct simulation *simulation, int64_t request_id)
{
    const struct observer *observer = simulation->setup->observer;
    struct request_outcome outcome = {
        .request_id = request_id,
        .arrival_ns = simulation->next.arrival_ns,
        .scheduled_ns = -1,
        .first_token_ns = -1,
        .finished_ns = -1,
        .prompt_tokens = simulation->next.prompt_tokens,
        .output_tokens = simulation->next.output_tokens,
        .status = REQUEST_REJECTED,
    };
    observer->outcome(observer->context, &outcome);
}

/* Phase 1 of an instant. */
static bool deliver_arrivals(struct simulation *simulation, int64_t now_ns)
{
    while (simulation->has_next && simulation->next.arrival_ns <= now_ns &&
           replica_has_room(&simulation->replica)) {
        int64_t request_id = simulation->result->requests++;
        if (is_rejected(simulation, &simulation->next))
            reject(simulation, request_id);
        else if (!replica_deliver(&simulation->replica, &simulation->next, request_id,
                                  simulation->error))
            return false;
        if (!read_next(simulation))
            return false;
    }
    return true;
}

/* What has arrived while there was no room for it in the queue is delivered as soon as there is: time
 * does not run back to its arrival. */
static int64_t next_instant(const struct simulation *simulation, int64_t now_ns)
{
    const struct replica *replica = &simulation->replica;
    int64_t event_ns = replica_next_event_ns(replica);
    bool arrives = simulation->has_next && replica_has_room(replica);
    if (!arrives || simulation->next.arrival_ns >= event_ns)
        return event_ns;
    return simulation->next.arrival_ns > now_ns ? simulation->next.arrival_ns : now_ns;
}

static bool run_instants(struct simulation *simulation)
{
    struct replica *replica = &simulation->replica;
    const struct simulation_setup *setup = simulation->setup;
    int64_t now_ns = 0;
    int64_t instants = 0;
    while ((now_ns = next_instant(simulation, now_ns)) != SIM_TIME_NEVER) {
        if (now_ns > SIM_TIME_MAX_NS)
            return error_input(simulation->error, NULL,
                               "the run does not end within 146 simulated years");
        if (!deliver_arrivals(simulation, now_ns))
            return false;
        if (++instants % INSTANTS_PER_PROGRESS == 0)
            setup->observer->progress(setup->observer->context,
                                      setup->source->progress(setup->source->state));
        if (replica->in_flight != NULL && replica->in_flight->end_ns == now_ns) {
            replica_complete_step(replica);
            simulation->result->end_ns = now_ns;
        }
        if (replica->in_flight == NULL)
            replica_start_step(replica, now_ns);
        if (replica->kv.out_of_memory)
            return error_run(simulation->error, "out of memory for the prefix cache");
    }
    assert(!simulation->has_next && replica->batch.running == 0 && replica->batch.waiting == 0);
    return true;
}

bool simulation_run(const struct simulation_setup *setup, struct simulation_result *result,
                    struct error *error)
{
    assert(setup->max_num_seqs >= 1 && setup->max_num_seqs <= setup->max_num_batched_tokens);
    assert(setup->policy->plan != NULL && setup->queue_order != NULL);
    assert(!setup->enable_prefix_caching ||
           (setup->swap_blocks == 0 && setup->reservation != KV_MAXIMUM &&
            !setup->policy->keeps_blocks));
    assert(setup->offload_blocks == 0 || setup->enable_prefix_caching);
    assert(setup->block_size >= 1 && setup->num_gpu_blocks >= 2);
    struct simulation simulation = {.setup = setup, .result = result, .error = error};
    memset(result, 0, sizeof *result);
    if (!replica_init(&simulation.replica, setup, result, error))
        return false;
    bool done = read_next(&simulation) && run_instants(&simulation);
    replica_fini(&simulation.replica);
    return done;
}
