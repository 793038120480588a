/* Section 6 of the design, rules 1-4 and 6-8, fcfs, after vLLM's vllm/v1/core/sched/scheduler.py
 * (schedule, _preempt_request, _update_after_schedule, update_from_output) and async_scheduler.py.
 *
 * As there, a plan counts what it computes and samples as done (`computed`, `generated`), so that
 * with async scheduling the next step can be planned on top of one that is still in flight; when
 * the step ends, its tokens leave the engine (`emitted`). */
#include "naive_simulator.h"

#include <assert.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>
#include <string.h>

struct sequence {
    int32_t computed;  /* tokens whose KV is stored once all planned steps have run */
    int32_t generated; /* tokens sampled once all planned steps have run */
    int32_t emitted;   /* tokens sampled by steps that have ended */
    int64_t blocks;
    int64_t last_token_ns;
};

struct list {
    size_t *ids;
    size_t count;
};

struct plan {
    struct naive_step step;
    int32_t budget;
    bool preempted;
    int64_t prefill_tokens, context_tokens;
    struct list emitters; /* sequences that sample a token */
};

struct server {
    const struct simulation_setup *setup;
    const struct linear_cost *cost;
    const struct request *requests;
    size_t count, arrived, steps_capacity;
    struct naive_result *result;
    struct sequence *sequences;
    struct list running; /* in order of admission */
    struct list waiting; /* in order of service */
    int64_t free_blocks;
    int64_t now_ns;
    bool executing; /* a step is on the accelerator: plans[0] */
    bool planned;   /* the step after it is decided: plans[1] */
    struct plan plans[2];
};

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (memory == NULL)
        abort();
    return memory;
}

static void list_append(struct list *list, size_t id)
{
    list->ids[list->count++] = id;
}

static void list_remove(struct list *list, size_t index)
{
    list->count--;
    memmove(list->ids + index, list->ids + index + 1, (list->count - index) * sizeof list->ids[0]);
}

static void list_prepend(struct list *list, size_t id)
{
    memmove(list->ids + 1, list->ids, list->count * sizeof list->ids[0]);
    list->ids[0] = id;
    list->count++;
}

static int64_t blocks_for(const struct server *server, int64_t tokens)
{
    int64_t block_size = server->setup->block_size;
    return (tokens + block_size - 1) / block_size;
}

/* All its tokens are sampled, the last by a step in flight: it only waits for that step's end. */
static bool is_finishing(const struct server *server, size_t id)
{
    return server->sequences[id].generated == server->requests[id].output_tokens;
}

static int32_t wanted_tokens(const struct server *server, size_t id)
{
    const struct sequence *sequence = &server->sequences[id];
    return server->requests[id].prompt_tokens + sequence->generated - sequence->computed;
}

/* Rules 1 and 2: as much as it wants, the threshold and the budget allow. */
static int32_t chunk_tokens(const struct server *server, size_t id, int32_t budget)
{
    int32_t tokens = wanted_tokens(server, id);
    int32_t threshold = server->setup->long_prefill_token_threshold;
    if (threshold > 0 && threshold < tokens)
        tokens = threshold;
    return tokens < budget ? tokens : budget;
}

/* Put `tokens` of the sequence into the plan, and take the blocks they need. */
static void compute(struct server *server, struct plan *plan, size_t id, int32_t tokens)
{
    struct sequence *sequence = &server->sequences[id];
    int64_t blocks = blocks_for(server, (int64_t)sequence->computed + tokens);
    server->free_blocks -= blocks - sequence->blocks;
    sequence->blocks = blocks;
    assert(server->free_blocks >= 0);

    if (wanted_tokens(server, id) == 1 && sequence->generated > 0) {
        plan->step.decode_sequences++;
        if (plan->step.decode_context_max < sequence->computed + 1)
            plan->step.decode_context_max = sequence->computed + 1;
    } else {
        plan->prefill_tokens += tokens;
    }
    plan->budget -= tokens;
    plan->step.tokens += tokens;
    plan->step.sequences++;

    sequence->computed += tokens;
    plan->context_tokens += sequence->computed;
    if (wanted_tokens(server, id) == 0) { /* rule 6: the last wanted token samples the next */
        sequence->generated++;
        list_append(&plan->emitters, id);
        plan->step.emitting_sequences++;
    }
}

/* Rule 4. A sequence whose last token is in flight gives up its blocks, but has nothing to return
 * for: it finishes when that step ends. */
static void preempt(struct server *server, size_t id)
{
    struct sequence *sequence = &server->sequences[id];
    server->free_blocks += sequence->blocks;
    sequence->blocks = 0;
    server->result->outcomes[id].preemptions++;
    server->result->preemptions++;
    if (is_finishing(server, id))
        return;
    sequence->computed = 0;
    list_prepend(&server->waiting, id);
}

/* Rule 2. */
static void schedule_running(struct server *server, struct plan *plan)
{
    for (size_t i = 0; i < server->running.count && plan->budget > 0; i++) {
        size_t id = server->running.ids[i];
        if (is_finishing(server, id))
            continue;
        const struct sequence *sequence = &server->sequences[id];
        int32_t tokens = chunk_tokens(server, id, plan->budget);
        int64_t needed =
            blocks_for(server, (int64_t)sequence->computed + tokens) - sequence->blocks;
        while (needed > server->free_blocks) {
            size_t victim = server->running.ids[--server->running.count];
            preempt(server, victim);
            plan->preempted = true;
            if (victim == id)
                return;
        }
        compute(server, plan, id, tokens);
    }
}

/* Rule 3. */
static void schedule_waiting(struct server *server, struct plan *plan)
{
    while (server->waiting.count > 0 && plan->budget > 0 &&
           server->running.count < (size_t)server->setup->max_num_seqs) {
        size_t id = server->waiting.ids[0];
        if (blocks_for(server, wanted_tokens(server, id)) > server->free_blocks)
            return;
        list_remove(&server->waiting, 0);
        list_append(&server->running, id);
        if (server->result->outcomes[id].scheduled_ns < 0)
            server->result->outcomes[id].scheduled_ns = server->now_ns;
        compute(server, plan, id, chunk_tokens(server, id, plan->budget));
    }
}

/* Decide a step; false when there is nothing to compute. */
static bool make_plan(struct server *server, struct plan *plan)
{
    *plan = (struct plan){.budget = server->setup->max_num_batched_tokens,
                          .emitters.ids = plan->emitters.ids};
    schedule_running(server, plan);
    if (!plan->preempted)
        schedule_waiting(server, plan);
    plan->step.running = (int32_t)server->running.count;
    for (size_t i = 0; i < server->running.count; i++) {
        const struct sequence *sequence = &server->sequences[server->running.ids[i]];
        plan->step.kv_blocks_used += sequence->blocks;
        plan->step.kv_tokens += sequence->computed;
    }
    return plan->step.tokens > 0;
}

/* The plan in plans[0] goes to the accelerator; with async scheduling, the next one is made now
 * (rule 8). */
static void start_step(struct server *server)
{
    struct plan *plan = &server->plans[0];
    plan->step.start_ns = server->now_ns;
    plan->step.end_ns =
        server->now_ns +
        sim_ns_from_s(linear_cost_s(server->cost, plan->prefill_tokens, plan->step.decode_sequences,
                                    plan->context_tokens));
    server->executing = true;
    server->planned = server->setup->async_scheduling && make_plan(server, &server->plans[1]);
}

/* Rule 7. */
static void finish(struct server *server, size_t id)
{
    server->result->outcomes[id].finished_ns = server->now_ns;
    server->result->end_ns = server->now_ns;
    server->free_blocks += server->sequences[id].blocks;
    server->sequences[id].blocks = 0;
    for (size_t i = 0; i < server->running.count; i++) {
        if (server->running.ids[i] == id) {
            list_remove(&server->running, i);
            return;
        }
    }
}

static void record_step(struct server *server, const struct naive_step *step)
{
    struct naive_result *result = server->result;
    if (result->step_count == server->steps_capacity) {
        server->steps_capacity = server->steps_capacity * 2 + 64;
        result->steps = realloc(result->steps, server->steps_capacity * sizeof result->steps[0]);
        if (result->steps == NULL)
            abort();
    }
    result->steps[result->step_count++] = *step;
}

/* The time between two tokens of a request. */
static void record_interval(struct naive_result *result, int64_t interval_ns)
{
    result->interval_count++;
    result->interval_sum_ns += interval_ns;
    result->interval_square_sum += (uint64_t)interval_ns * (uint64_t)interval_ns;
}

static void end_step(struct server *server)
{
    struct plan *plan = &server->plans[0];
    for (size_t i = 0; i < plan->emitters.count; i++) {
        size_t id = plan->emitters.ids[i];
        struct sequence *sequence = &server->sequences[id];
        if (sequence->emitted == 0)
            server->result->outcomes[id].first_token_ns = server->now_ns;
        else
            record_interval(server->result, server->now_ns - sequence->last_token_ns);
        sequence->last_token_ns = server->now_ns;
        if (++sequence->emitted == server->requests[id].output_tokens)
            finish(server, id);
    }
    record_step(server, &plan->step);
    server->executing = false;
    if (server->planned) {
        struct plan next = server->plans[1];
        server->plans[1] = server->plans[0];
        server->plans[0] = next;
        start_step(server);
    }
}

static void deliver_arrivals(struct server *server)
{
    const struct simulation_setup *setup = server->setup;
    while (server->arrived < server->count &&
           server->requests[server->arrived].arrival_ns <= server->now_ns) {
        size_t id = server->arrived++;
        const struct request *request = &server->requests[id];
        int64_t tokens = (int64_t)request->prompt_tokens + request->output_tokens;
        bool too_long = tokens > setup->max_model_len;
        bool no_memory = blocks_for(server, tokens - 1) > setup->num_gpu_blocks - 1;
        if (!too_long && !no_memory) {
            list_append(&server->waiting, id);
            continue;
        }
        server->result->outcomes[id].status = REQUEST_REJECTED;
        server->result->rejected_too_long += too_long;
        server->result->rejected_no_memory += !too_long;
    }
}

/* The next instant, in the three phases of section 5; false when nothing is to come. */
static bool advance(struct server *server)
{
    bool more = server->arrived < server->count;
    if (!more && !server->executing)
        return false;
    server->now_ns =
        more ? server->requests[server->arrived].arrival_ns : server->plans[0].step.end_ns;
    if (server->executing && server->plans[0].step.end_ns < server->now_ns)
        server->now_ns = server->plans[0].step.end_ns;

    deliver_arrivals(server);
    if (server->executing && server->plans[0].step.end_ns == server->now_ns)
        end_step(server);
    if (!server->executing && make_plan(server, &server->plans[0]))
        start_step(server);
    /* An empty cache and a free server can always serve the head of the queue. */
    assert(server->executing || server->running.count + server->waiting.count == 0);
    return true;
}

void naive_simulator_run(const struct simulation_setup *setup, const struct linear_cost *cost,
                         const struct request *requests, size_t count, struct naive_result *result)
{
    *result = (struct naive_result){.outcomes = allocate(count, sizeof result->outcomes[0])};
    for (size_t i = 0; i < count; i++)
        result->outcomes[i] = (struct request_outcome){.request_id = (int64_t)i,
                                                       .arrival_ns = requests[i].arrival_ns,
                                                       .scheduled_ns = -1,
                                                       .first_token_ns = -1,
                                                       .finished_ns = -1,
                                                       .prompt_tokens = requests[i].prompt_tokens,
                                                       .output_tokens = requests[i].output_tokens,
                                                       .status = REQUEST_COMPLETED};
    struct server server = {.setup = setup,
                            .cost = cost,
                            .requests = requests,
                            .count = count,
                            .result = result,
                            .sequences = allocate(count, sizeof(struct sequence)),
                            .running.ids = allocate(count, sizeof(size_t)),
                            .waiting.ids = allocate(count, sizeof(size_t)),
                            .free_blocks = setup->num_gpu_blocks - 1};
    for (int i = 0; i < 2; i++)
        server.plans[i].emitters.ids = allocate(count, sizeof(size_t));
    while (advance(&server))
        ;
    free(server.sequences);
    free(server.running.ids);
    free(server.waiting.ids);
    for (int i = 0; i < 2; i++)
        free(server.plans[i].emitters.ids);
}

void naive_result_fini(struct naive_result *result)
{
    free(result->outcomes);
    free(result->steps);
    *result = (struct naive_result){0};
}
