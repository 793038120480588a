#include "simulation.h"

#include "answers.h"
#include "lockstep.h"
#include "pipeline.h"
#include "replica.h"
#include "rng.h"
#include "router.h"
#include <assert.h>
#include <gsl/gsl_randist.h>
#include <llmsim/sim_time.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The trace's cursor and one slot a replica are the whole event list: no heap, no closures. */
struct simulation {
    const struct simulation_setup *setup;
    struct replica *replicas; /* rank by rank; owned */
    int32_t replica_count;
    struct replica *only;       /* the one that there is; NULL: there are several */
    struct pipeline *pipelines; /* one a rank; owned; NULL without pipeline parallelism */
    gsl_rng *prediction_rng;    /* owned; NULL unless the order predicts */
    struct request next;        /* the next to arrive */
    bool has_next;
    struct answers *answers; /* NULL: nobody waits for any */
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
    case SOURCE_WAIT:
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
    const struct kv_blocks *kv = &simulation->replicas[0].kv; /* as any other */
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

/* Where it would be delivered now. */
static struct replica *target_of(const struct simulation *simulation)
{
    const struct simulation_setup *setup = simulation->setup;
    if (simulation->only != NULL)
        return simulation->only;
    return &simulation->replicas[router_choose(simulation->replicas, setup->data_parallel_size,
                                               setup->pipeline_parallel_size)];
}

/* What a predictor says of an output: the truth times a lognormal error, whose σ is stated. */
static int32_t predict_output(const struct simulation *simulation)
{
    if (simulation->prediction_rng == NULL)
        return 0;
    double error =
        gsl_ran_gaussian(simulation->prediction_rng, simulation->setup->output_prediction_error);
    double tokens = rint(simulation->next.output_tokens * exp(error));
    return (int32_t)fmin(fmax(tokens, 1.0), REQUEST_MAX_TOKENS);
}

/* What was read before an answer is void: the answer may bring an earlier request. */
static bool read_again(struct simulation *simulation)
{
    simulation->answers->given = false;
    return read_next(simulation);
}

/* A refusal is an answer too. */
static bool answer_refusal(struct simulation *simulation, int64_t request_id, int64_t now_ns)
{
    if (simulation->answers == NULL)
        return true;
    answers_give(simulation->answers, request_id, now_ns);
    return read_again(simulation);
}

/* Phase 1 of an instant. */
static bool deliver_arrivals(struct simulation *simulation, int64_t now_ns)
{
    while (simulation->has_next && simulation->next.arrival_ns <= now_ns) {
        struct replica *target = target_of(simulation);
        if (!replica_has_room(target))
            return true;
        int64_t request_id = simulation->result->requests++;
        const bool rejected = is_rejected(simulation, &simulation->next);
        if (rejected)
            reject(simulation, request_id);
        else if (!replica_deliver(target, &simulation->next, request_id, predict_output(simulation),
                                  simulation->error))
            return false;
        if (!read_next(simulation) || (rejected && !answer_refusal(simulation, request_id, now_ns)))
            return false;
    }
    return true;
}

/* The next of a replica. */
static int64_t next_event_ns(const struct simulation *simulation, int64_t now_ns)
{
    const struct simulation_setup *setup = simulation->setup;
    if (simulation->only != NULL)
        return replica_next_event_ns(simulation->only);
    if (setup->lockstep)
        return lockstep_next_event_ns(simulation->replicas, simulation->replica_count);
    int64_t event_ns = SIM_TIME_NEVER;
    int32_t slots =
        simulation->pipelines != NULL ? setup->data_parallel_size : simulation->replica_count;
    for (int32_t i = 0; i < slots; i++) {
        int64_t slot_ns = simulation->pipelines != NULL
                              ? pipeline_next_event_ns(&simulation->pipelines[i], now_ns)
                              : replica_next_event_ns(&simulation->replicas[i]);
        if (slot_ns < event_ns)
            event_ns = slot_ns;
    }
    return event_ns;
}

/* What has arrived while there was no room for it in the queue is delivered as soon as there is: time
 * does not run back to its arrival. */
static int64_t next_instant(const struct simulation *simulation, int64_t now_ns)
{
    int64_t event_ns = next_event_ns(simulation, now_ns);
    if (!simulation->has_next || simulation->next.arrival_ns >= event_ns ||
        !replica_has_room(target_of(simulation)))
        return event_ns;
    return simulation->next.arrival_ns > now_ns ? simulation->next.arrival_ns : now_ns;
}

static void complete_step(struct simulation *simulation, struct replica *replica, int64_t now_ns)
{
    if (replica->in_flight != NULL && replica->in_flight->end_ns == now_ns) {
        replica_complete_step(replica);
        simulation->result->end_ns = now_ns;
    }
}

/* Phase 3, of several replicas. */
static void start_steps(struct simulation *simulation, int64_t now_ns)
{
    const struct simulation_setup *setup = simulation->setup;
    if (setup->lockstep) {
        lockstep_start_step(simulation->replicas, simulation->replica_count, now_ns);
        return;
    }
    if (simulation->pipelines != NULL) {
        for (int32_t i = 0; i < setup->data_parallel_size; i++)
            pipeline_start_steps(&simulation->pipelines[i], now_ns);
        return;
    }
    for (int32_t i = 0; i < simulation->replica_count; i++) {
        if (simulation->replicas[i].in_flight == NULL)
            replica_start_step(&simulation->replicas[i], now_ns);
    }
}

/* Phases 2 and 3; false when the prefix cache is out of memory. */
static bool step_only(struct simulation *simulation, int64_t now_ns)
{
    struct replica *replica = simulation->only;
    complete_step(simulation, replica, now_ns);
    if (replica->in_flight == NULL)
        replica_start_step(replica, now_ns);
    return !replica->kv.out_of_memory;
}

static bool step_all(struct simulation *simulation, int64_t now_ns)
{
    for (int32_t i = 0; i < simulation->replica_count; i++)
        complete_step(simulation, &simulation->replicas[i], now_ns);
    start_steps(simulation, now_ns);
    bool out_of_memory = false;
    for (int32_t i = 0; i < simulation->replica_count; i++)
        out_of_memory |= simulation->replicas[i].kv.out_of_memory;
    return !out_of_memory;
}

static bool is_drained(const struct simulation *simulation)
{
    bool drained = !simulation->has_next;
    for (int32_t i = 0; i < simulation->replica_count; i++) {
        const struct batch *batch = &simulation->replicas[i].batch;
        drained &= batch->running == 0 && batch->waiting == 0;
    }
    return drained;
}

static bool run_instants(struct simulation *simulation)
{
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
        if (!(simulation->only != NULL ? step_only(simulation, now_ns)
                                       : step_all(simulation, now_ns)))
            return error_run(simulation->error, "out of memory for the prefix cache");
        if (simulation->answers != NULL && simulation->answers->given && !read_again(simulation))
            return false;
    }
    assert(is_drained(simulation));
    return true;
}

static bool init_replicas(struct simulation *simulation)
{
    const struct simulation_setup *setup = simulation->setup;
    int32_t count = simulation_replica_count(setup);
    simulation->replicas = calloc((size_t)count, sizeof *simulation->replicas);
    if (simulation->replicas == NULL)
        return error_run(simulation->error, "out of memory for %d replicas", count);
    for (int32_t i = 0; i < count; i++) {
        if (!replica_init(&simulation->replicas[i], setup, i, simulation->result,
                          simulation->error))
            return false;
        simulation->replica_count++;
    }
    simulation->only = count == 1 ? simulation->replicas : NULL;
    return true;
}

static bool init_pipelines(struct simulation *simulation)
{
    const struct simulation_setup *setup = simulation->setup;
    int32_t stages = setup->pipeline_parallel_size, ranks = setup->data_parallel_size;
    if (stages == 1)
        return true;
    simulation->pipelines = calloc((size_t)ranks, sizeof *simulation->pipelines);
    bool done = simulation->pipelines != NULL;
    for (int32_t i = 0; done && i < ranks; i++)
        done = pipeline_init(&simulation->pipelines[i],
                             &simulation->replicas[(ptrdiff_t)i * stages], stages);
    return done || error_run(simulation->error, "out of memory for %d pipelines", ranks);
}

static bool init_prediction(struct simulation *simulation)
{
    if (!simulation->setup->queue_order->predicts)
        return true;
    simulation->prediction_rng = rng_create(simulation->setup->seed, "output_prediction");
    return simulation->prediction_rng != NULL || error_run(simulation->error, "out of memory");
}

static void fini(struct simulation *simulation)
{
    for (int32_t i = 0; i < simulation->replica_count; i++)
        replica_fini(&simulation->replicas[i]);
    for (int32_t i = 0; simulation->pipelines != NULL && i < simulation->setup->data_parallel_size;
         i++)
        pipeline_fini(&simulation->pipelines[i]);
    if (simulation->prediction_rng != NULL)
        gsl_rng_free(simulation->prediction_rng);
    free(simulation->replicas);
    free(simulation->pipelines);
}

static void check_setup(const struct simulation_setup *setup)
{
    assert(setup->max_num_seqs >= 1 && setup->max_num_seqs <= setup->max_num_batched_tokens);
    assert(setup->policy->plan != NULL && setup->queue_order != NULL);
    assert(!setup->enable_prefix_caching ||
           (setup->swap_blocks == 0 && setup->reservation != KV_MAXIMUM &&
            !setup->policy->keeps_blocks));
    assert(setup->offload_blocks == 0 || setup->enable_prefix_caching);
    assert(setup->block_size >= 1 && setup->num_gpu_blocks >= 2);
    assert(setup->data_parallel_size >= 1 && setup->pipeline_parallel_size >= 1);
    assert(setup->pipeline_parallel_size == 1 ||
           (!setup->async_scheduling && !setup->lockstep &&
            setup->cost_model->stage_times != NULL &&
            setup->cost_model->stage_count == setup->pipeline_parallel_size));
    assert(!setup->lockstep || setup->data_parallel_size > 1);
    assert(setup->sliding_window >= 0);
    (void)setup; /* without assertions */
}

bool simulation_run(const struct simulation_setup *setup, struct simulation_result *result,
                    struct error *error)
{
    check_setup(setup);
    struct simulation simulation = {.setup = setup, .result = result, .error = error};
    struct simulation_setup answering = *setup;
    struct answers answers;
    if (setup->source->finished != NULL) {
        answers_init(&answers, setup->source, setup->observer);
        answering.observer = &answers.observer;
        simulation.setup = &answering;
        simulation.answers = &answers;
    }
    memset(result, 0, sizeof *result);
    bool done = init_replicas(&simulation) && init_pipelines(&simulation) &&
                init_prediction(&simulation) && read_next(&simulation) && run_instants(&simulation);
    fini(&simulation);
    return done;
}
