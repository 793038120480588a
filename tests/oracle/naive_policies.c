/* The policies, each after the opening comment of its file in src/scheduler and the source named
 * there. */
#include "naive_server.h"
#include "policies.h"

static int32_t smaller32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* It has sampled since it was admitted, and has more to sample. */
static bool is_decoding(const struct naive_server *server, size_t id)
{
    return !server->sequences[id].prefilling && !naive_is_finishing(server, id);
}

/* One token for all that decode; the number of them. */
static size_t decode(struct naive_server *server, struct naive_plan *plan)
{
    size_t decoding = 0;
    for (size_t i = 0; i < server->running.count; i++) {
        if (!is_decoding(server, server->running.items[i]))
            continue;
        naive_plan_chunk(plan, server->running.items[i], 1);
        decoding++;
    }
    return decoding;
}

/* Rules 1 and 2: as much as it wants, the threshold and the budget allow. */
static int32_t limit_tokens(const struct naive_server *server, int32_t wanted_tokens)
{
    int32_t threshold = server->setup->long_prefill_token_threshold;
    return threshold > 0 ? smaller32(threshold, wanted_tokens) : wanted_tokens;
}

/* Rule 2; vllm/v1/core/sched/scheduler.py preempts as it goes, one sequence at a time. */
static void schedule_running(struct naive_server *server, struct naive_plan *plan)
{
    for (size_t i = 0; i < server->running.count && plan->budget > 0; i++) {
        size_t id = server->running.items[i];
        if (naive_is_finishing(server, id))
            continue;
        int32_t tokens = limit_tokens(server, naive_wanted_tokens(server, id));
        naive_plan_chunk(plan, id, smaller32(tokens, plan->budget));
        while (!naive_plan_fits(server, plan)) {
            size_t index = naive_queue_victim(server);
            bool itself = index == i;
            naive_plan_preempt(server, plan, index);
            if (itself) {
                server->result->events.self_victims += i < server->running.count;
                return;
            }
            i -= index < i;
        }
    }
}

/* Rule 3. */
static void plan_vllm(struct naive_server *server, struct naive_plan *plan)
{
    struct naive_head head;
    schedule_running(server, plan);
    while (!plan->preempted && plan->budget > 0 && naive_plan_peek(server, plan, &head) &&
           naive_plan_admits(server, &head)) {
        int32_t tokens = limit_tokens(server, head.wanted_tokens);
        if (!server->setup->enable_chunked_prefill && tokens > plan->budget) {
            server->result->events.chunk_refusals++;
            return;
        }
        naive_plan_admit(server, plan, &head, smaller32(tokens, plan->budget));
    }
}

static void plan_vllm_v0(struct naive_server *server, struct naive_plan *plan)
{
    struct naive_head head;
    while (naive_plan_peek(server, plan, &head) && !head.swapped &&
           head.wanted_tokens <= plan->budget && naive_plan_admits(server, &head))
        naive_plan_admit(server, plan, &head, head.wanted_tokens);
    if (plan->chunk_count > 0)
        return;
    decode(server, plan);
    naive_plan_make_room(server, plan);
    while (!plan->preempted && plan->budget > 0 && naive_plan_peek(server, plan, &head) &&
           head.swapped && naive_plan_admits(server, &head))
        naive_plan_admit(server, plan, &head, head.wanted_tokens);
}

static void plan_sarathi(struct naive_server *server, struct naive_plan *plan)
{
    struct naive_head head;
    decode(server, plan);
    naive_plan_make_room(server, plan);
    for (size_t i = 0; i < server->running.count && plan->budget > 0; i++) {
        size_t id = server->running.items[i];
        if (server->sequences[id].prefilling)
            naive_plan_chunk(plan, id, smaller32(naive_wanted_tokens(server, id), plan->budget));
    }
    while (!plan->preempted && plan->budget > 0 && naive_plan_peek(server, plan, &head) &&
           naive_plan_admits(server, &head))
        naive_plan_admit(server, plan, &head, smaller32(head.wanted_tokens, plan->budget));
}

static void plan_orca(struct naive_server *server, struct naive_plan *plan)
{
    struct naive_head head;
    decode(server, plan);
    naive_plan_make_room(server, plan);
    while (!plan->preempted && naive_plan_peek(server, plan, &head) &&
           head.wanted_tokens <= plan->budget && naive_plan_admits(server, &head))
        naive_plan_admit(server, plan, &head, head.wanted_tokens);
}

/* Nothing runs: as many as slots and memory hold become a batch. */
static void form_batch(struct naive_server *server, struct naive_plan *plan)
{
    struct naive_head head;
    server->batch_rows = 0;
    server->batch_longest = 0;
    while (naive_plan_peek(server, plan, &head) && naive_plan_admits(server, &head)) {
        naive_plan_admit(server, plan, &head, 0);
        server->batch_rows++;
        if (server->batch_longest < (size_t)head.wanted_tokens)
            server->batch_longest = (size_t)head.wanted_tokens;
    }
}

/* Prompts, as many padded ones as the budget holds; once there are none left, decodes. */
static void run_batch(struct naive_server *server, struct naive_plan *plan)
{
    size_t rows = 0, computed = 0;
    if (server->batch_longest > 0)
        rows = (size_t)plan->budget / server->batch_longest;
    plan->padded_tokens = (int64_t)server->batch_longest;
    for (size_t i = 0; i < server->running.count && computed < rows; i++) {
        size_t id = server->running.items[i];
        if (!server->sequences[id].prefilling)
            continue;
        naive_plan_chunk(plan, id, naive_wanted_tokens(server, id));
        computed++;
    }
    if (computed > 0)
        return;
    plan->padded_tokens = 0;
    size_t running = server->running.count;
    decode(server, plan);
    naive_plan_make_room(server, plan);
    server->batch_rows -= running - server->running.count;
    plan->idle_rows = (int64_t)(server->batch_rows - plan->chunk_count);
}

static void plan_static(struct naive_server *server, struct naive_plan *plan)
{
    if (server->running.count == 0)
        form_batch(server, plan);
    run_batch(server, plan);
}

static int64_t oldest_arrival_ns(const struct naive_server *server)
{
    int64_t oldest_ns = INT64_MAX;
    for (size_t i = 0; i < server->waiting.count; i++) {
        int64_t arrival_ns = server->requests[server->waiting.items[i]].arrival_ns;
        oldest_ns = arrival_ns < oldest_ns ? arrival_ns : oldest_ns;
    }
    return oldest_ns;
}

static void plan_dynamic(struct naive_server *server, struct naive_plan *plan)
{
    if (server->running.count == 0 && server->waiting.count > 0) {
        int64_t due_ns = oldest_arrival_ns(server) + server->setup->max_queue_delay_ns;
        if (server->waiting.count < (size_t)server->setup->preferred_batch_size &&
            due_ns > server->now_ns) {
            server->wake_ns = due_ns;
            return;
        }
        form_batch(server, plan);
    }
    run_batch(server, plan);
}

void naive_policies_plan(struct naive_server *server, struct naive_plan *plan)
{
    static const struct {
        const struct policy *policy;
        void (*plan)(struct naive_server *server, struct naive_plan *plan);
    } policies[] = {
        {&policy_vllm, plan_vllm}, {&policy_vllm_v0, plan_vllm_v0}, {&policy_sarathi, plan_sarathi},
        {&policy_orca, plan_orca}, {&policy_static, plan_static},   {&policy_dynamic, plan_dynamic},
    };
    size_t index = 0;
    while (policies[index].policy != server->setup->policy)
        index++;
    policies[index].plan(server, plan);
}
