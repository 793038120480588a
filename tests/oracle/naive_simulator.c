/* The engine's clock: section 5 of the design, and rules 7 and 8 of section 6, after vLLM's
 * vllm/v1/core/sched/scheduler.py (_update_after_schedule, update_from_output) and
 * async_scheduler.py. */
#include "naive_simulator.h"

#include "naive_server.h"
#include "rng.h"

#include <llmsim/sim_time.h>

/* Decide a step; false when there is nothing to compute. */
static bool make_plan(struct naive_server *server, struct naive_plan *plan)
{
    *plan = (struct naive_plan){.budget = server->setup->max_num_batched_tokens,
                                .chunks = plan->chunks,
                                .emitters = plan->emitters};
    plan->emitters.count = 0;
    server->plan_number++;
    server->wake_ns = SIM_TIME_NEVER;
    naive_policies_plan(server, plan);
    naive_plan_complete(server, plan);
    return plan->step.tokens > 0;
}

/* The engine is idle; a plan that preempts everybody has made room for another one. */
static bool make_first_plan(struct naive_server *server)
{
    bool done = false;
    do
        done = make_plan(server, &server->plans[0]);
    while (!done && server->plans[0].preempted);
    return done;
}

/* The plan in plans[0] goes to the accelerator; with async scheduling, the next one is made now
 * (rule 8). */
static void start_step(struct naive_server *server)
{
    struct naive_plan *plan = &server->plans[0];
    int64_t prefill_rows =
        plan->padded_tokens > 0 ? plan->padded_tokens * plan->prefill_chunks : plan->prefill_tokens;
    double computing_s =
        linear_cost_s(server->cost, prefill_rows, plan->step.decode_sequences + plan->idle_rows,
                      plan->context_tokens);
    plan->step.start_ns = server->now_ns;
    plan->step.end_ns = server->now_ns + sim_ns_from_s(computing_s + plan->transfer_s);
    server->executing = true;
    server->planned = server->setup->async_scheduling && make_plan(server, &server->plans[1]);
}

/* Rule 7. */
static void finish(struct naive_server *server, size_t id)
{
    struct naive_sequence *sequence = &server->sequences[id];
    if (!server->setup->policy->keeps_blocks) {
        naive_plan_release(server, id);
        return;
    }
    for (size_t i = 0; i < sequence->blocks.count; i++)
        naive_list_append(&server->kept, sequence->blocks.items[i]);
    sequence->blocks.count = 0;
}

static bool has_finished(const struct naive_server *server, size_t id)
{
    return server->sequences[id].emitted == server->requests[id].output_tokens;
}

static void remove_finished(struct naive_server *server)
{
    for (size_t i = 0; i < server->running.count;) {
        size_t id = server->running.items[i];
        if (has_finished(server, id)) {
            naive_list_take_at(&server->running, i);
            finish(server, id);
        } else {
            i++;
        }
    }
    naive_plan_give_back(server);
}

static void record_step(struct naive_result *result, const struct naive_step *step)
{
    if (result->step_count == result->step_capacity) {
        result->step_capacity = result->step_capacity * 2 + 64;
        result->steps = realloc(result->steps, result->step_capacity * sizeof result->steps[0]);
        if (result->steps == NULL)
            abort();
    }
    result->steps[result->step_count++] = *step;
    result->totals.busy_ns += step->end_ns - step->start_ns;
}

/* The time between two tokens of a request. */
static void record_interval(struct naive_result *result, int64_t interval_ns)
{
    result->interval_count++;
    result->interval_sum_ns += interval_ns;
    result->interval_square_sum += (uint64_t)interval_ns * (uint64_t)interval_ns;
}

static void end_step(struct naive_server *server)
{
    struct naive_plan *plan = &server->plans[0];
    for (size_t i = 0; i < plan->emitters.count; i++) {
        size_t id = plan->emitters.items[i];
        struct naive_sequence *sequence = &server->sequences[id];
        struct request_outcome *outcome = &server->result->outcomes[id];
        if (sequence->emitted == 0)
            outcome->first_token_ns = server->now_ns;
        else
            record_interval(server->result, server->now_ns - sequence->last_token_ns);
        sequence->last_token_ns = server->now_ns;
        sequence->emitted++;
        if (has_finished(server, id))
            server->result->totals.end_ns = outcome->finished_ns = server->now_ns;
    }
    remove_finished(server);
    record_step(server->result, &plan->step);
    server->executing = false;
    if (server->planned) {
        struct naive_plan next = server->plans[1];
        server->plans[1] = server->plans[0];
        server->plans[0] = next;
        start_step(server);
    }
}

static void deliver(struct naive_server *server, size_t id)
{
    const struct simulation_setup *setup = server->setup;
    struct simulation_result *totals = &server->result->totals;
    const struct request *request = &server->requests[id];
    int64_t tokens = (int64_t)request->prompt_tokens + request->output_tokens;
    bool too_long = tokens > setup->max_model_len ||
                    (!setup->enable_chunked_prefill && tokens - 1 > setup->max_num_batched_tokens);
    bool no_memory = naive_blocks_for(server, tokens - 1) > server->device.count;
    totals->requests++;
    if (!too_long && !no_memory) {
        naive_queue_arrive(server, id);
        return;
    }
    server->result->outcomes[id].status = REQUEST_REJECTED;
    totals->rejected_too_long += too_long;
    totals->rejected_no_memory += !too_long;
}

/* The next instant, in the three phases of section 5; false when nothing is to come. */
static bool advance(struct naive_server *server)
{
    int64_t arrival_ns = server->arrived < server->count
                             ? server->requests[server->arrived].arrival_ns
                             : SIM_TIME_NEVER;
    int64_t engine_ns = server->executing ? server->plans[0].step.end_ns : server->wake_ns;
    server->now_ns = arrival_ns < engine_ns ? arrival_ns : engine_ns;
    if (server->now_ns == SIM_TIME_NEVER)
        return false;

    server->result->events.wakes += !server->executing && engine_ns < arrival_ns;
    while (server->arrived < server->count &&
           server->requests[server->arrived].arrival_ns == server->now_ns)
        deliver(server, server->arrived++);
    if (server->executing && engine_ns == server->now_ns)
        end_step(server);
    if (!server->executing && make_first_plan(server))
        start_step(server);
    /* An empty cache and a free server can always serve the head of the queue. */
    assert(server->executing || server->wake_ns != SIM_TIME_NEVER ||
           server->running.count + server->waiting.count == 0);
    return true;
}

static void init_result(struct naive_result *result, const struct request *requests, size_t count)
{
    *result = (struct naive_result){.outcomes = naive_allocate(count, sizeof result->outcomes[0])};
    for (size_t i = 0; i < count; i++)
        result->outcomes[i] = (struct request_outcome){.request_id = (int64_t)i,
                                                       .arrival_ns = requests[i].arrival_ns,
                                                       .scheduled_ns = -1,
                                                       .first_token_ns = -1,
                                                       .finished_ns = -1,
                                                       .prompt_tokens = requests[i].prompt_tokens,
                                                       .output_tokens = requests[i].output_tokens,
                                                       .status = REQUEST_COMPLETED};
}

static void init_server(struct naive_server *server)
{
    size_t count = server->count;
    naive_blocks_init(&server->device, (size_t)server->setup->num_gpu_blocks - 1);
    naive_blocks_init(&server->host, (size_t)server->setup->offload_blocks);
    server->sequences = naive_allocate(count, sizeof *server->sequences);
    for (size_t i = 0; i < count; i++)
        naive_list_init(&server->sequences[i].blocks, server->device.count);
    naive_list_init(&server->running, count);
    naive_list_init(&server->waiting, count);
    naive_list_init(&server->kept, server->device.count);
    server->clients = naive_allocate(count, sizeof *server->clients);
    server->predictions = rng_create(server->setup->seed, "output_prediction");
    if (server->predictions == NULL)
        abort();
    for (int i = 0; i < 2; i++) {
        server->plans[i].chunks = naive_allocate(count, sizeof(struct naive_chunk));
        naive_list_init(&server->plans[i].emitters, count);
    }
}

static void fini_server(struct naive_server *server)
{
    naive_blocks_fini(&server->device);
    naive_blocks_fini(&server->host);
    for (size_t i = 0; i < server->count; i++)
        naive_list_fini(&server->sequences[i].blocks);
    free(server->sequences);
    naive_list_fini(&server->running);
    naive_list_fini(&server->waiting);
    naive_list_fini(&server->kept);
    free(server->clients);
    gsl_rng_free(server->predictions);
    for (int i = 0; i < 2; i++) {
        free(server->plans[i].chunks);
        naive_list_fini(&server->plans[i].emitters);
    }
}

void naive_simulator_run(const struct simulation_setup *setup, const struct linear_cost *cost,
                         const struct request *requests, size_t count, struct naive_result *result)
{
    struct naive_server server = {.setup = setup,
                                  .cost = cost,
                                  .requests = requests,
                                  .count = count,
                                  .result = result,
                                  .last_taken = -1,
                                  .wake_ns = SIM_TIME_NEVER};
    init_result(result, requests, count);
    init_server(&server);
    while (advance(&server))
        ;
    result->totals.steps = (int64_t)result->step_count;
    result->events.evictions = server.device.evictions;
    result->events.duplicates = server.device.duplicates;
    fini_server(&server);
}

void naive_result_fini(struct naive_result *result)
{
    free(result->outcomes);
    free(result->steps);
    *result = (struct naive_result){0};
}
