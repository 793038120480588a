/* What a policy decides is carried out here: section 6 of the design, rules 4-6, and section 7. The
 * running sequences of a plan take their blocks together, once it is settled who computes what: when
 * the queue is looked at, or at the end. */
#include "naive_server.h"

/* Blocks that a sequence holds once so many of its tokens are computed. */
static size_t blocks_to_hold(const struct naive_server *server, size_t id, int64_t tokens)
{
    size_t blocks = naive_blocks_for(server, tokens);
    size_t reserved = server->sequences[id].reserved_blocks;
    return blocks > reserved ? blocks : reserved;
}

static size_t missing_blocks(const struct naive_server *server, const struct naive_chunk *chunk)
{
    const struct naive_sequence *sequence = &server->sequences[chunk->id];
    return blocks_to_hold(server, chunk->id, (int64_t)sequence->computed + chunk->tokens) -
           sequence->blocks.count;
}

void naive_plan_chunk(struct naive_plan *plan, size_t id, int32_t tokens)
{
    plan->chunks[plan->chunk_count++] = (struct naive_chunk){.id = id, .tokens = tokens};
    plan->budget -= tokens;
}

bool naive_plan_fits(const struct naive_server *server, const struct naive_plan *plan)
{
    size_t missing = 0;
    for (size_t i = plan->computed_count; i < plan->chunk_count; i++)
        missing += missing_blocks(server, &plan->chunks[i]);
    return missing <= server->device.unused.count;
}

/* Full blocks of what a sequence has computed. */
static size_t full_blocks(const struct naive_server *server, size_t id)
{
    return (size_t)(server->sequences[id].computed / server->setup->block_size);
}

/* What the sequence has stored can be found from now on. What it alone can want is only worth finding
 * when it has to return. */
static void store(struct naive_server *server, size_t id, bool returns)
{
    const struct naive_sequence *sequence = &server->sequences[id];
    if (!server->setup->enable_prefix_caching)
        return;
    for (size_t i = 0; i < full_blocks(server, id); i++) {
        size_t block = sequence->blocks.items[i];
        if (server->device.contents[block] != 0 || server->device.is_copy[block])
            continue;
        int64_t content = naive_prefix_content(server, id, i);
        if (naive_prefix_is_own(content) == returns)
            naive_blocks_store(&server->device, block, content, server->plan_number);
    }
}

void naive_plan_release(struct naive_server *server, size_t id)
{
    struct naive_list *held = &server->sequences[id].blocks;
    naive_blocks_copy(&server->host, &server->device, held, full_blocks(server, id));
    naive_blocks_release(&server->device, held);
}

/* What the sequence has computed is kept in host memory, where there is room. */
static bool swap_out(struct naive_server *server, size_t id)
{
    struct naive_sequence *sequence = &server->sequences[id];
    size_t blocks = naive_blocks_for(server, sequence->computed);
    size_t room = (size_t)server->setup->swap_blocks - server->swapped_blocks;
    if (blocks == 0 || blocks > room) {
        server->result->events.swap_refusals += server->setup->swap_blocks > 0 && blocks > 0;
        return false;
    }
    sequence->swapped_blocks = blocks;
    server->swapped_blocks += blocks;
    server->out.copies++;
    server->out.blocks += (int64_t)blocks;
    server->result->totals.swapped_out++;
    return true;
}

static void drop_chunk(struct naive_server *server, struct naive_plan *plan, size_t id)
{
    for (size_t i = plan->computed_count; i < plan->chunk_count; i++) {
        if (plan->chunks[i].id != id)
            continue;
        server->result->events.refunds++;
        plan->budget += plan->chunks[i].tokens;
        plan->chunk_count--;
        memmove(&plan->chunks[i], &plan->chunks[i + 1],
                (plan->chunk_count - i) * sizeof plan->chunks[0]);
        return;
    }
}

/* A sequence whose last token is in flight gives up its blocks, but has nothing to return for: it
 * finishes when that step ends. */
void naive_plan_preempt(struct naive_server *server, struct naive_plan *plan, size_t index)
{
    server->result->events.early_victims += index + 1 < server->running.count;
    size_t id = naive_list_take_at(&server->running, index);
    struct naive_sequence *sequence = &server->sequences[id];
    drop_chunk(server, plan, id);
    plan->preempted = true;
    server->result->outcomes[id].preemptions++;
    server->result->totals.preemptions++;
    bool finishing = naive_is_finishing(server, id);
    bool swapped = !finishing && swap_out(server, id);
    if (!finishing)
        store(server, id, true);
    naive_plan_release(server, id);
    sequence->reserved_blocks = 0;
    sequence->prefilling = false;
    naive_plan_give_back(server);
    server->result->events.finishing += finishing;
    if (finishing)
        return;
    if (!swapped)
        sequence->computed = 0;
    naive_queue_add(server, id);
}

void naive_plan_make_room(struct naive_server *server, struct naive_plan *plan)
{
    while (!naive_plan_fits(server, plan))
        naive_plan_preempt(server, plan, naive_queue_victim(server));
}

/* Rule 6: the last wanted token samples the next. */
static void compute(struct naive_server *server, struct naive_plan *plan,
                    const struct naive_chunk *chunk)
{
    struct naive_sequence *sequence = &server->sequences[chunk->id];
    struct naive_step *step = &plan->step;
    if (naive_wanted_tokens(server, chunk->id) == 1 && sequence->generated > 0) {
        step->decode_sequences++;
        if (step->decode_context_max < sequence->computed + 1)
            step->decode_context_max = sequence->computed + 1;
    } else {
        plan->prefill_tokens += chunk->tokens;
        plan->prefill_chunks++;
        server->result->events.padded_chunks += plan->padded_tokens > chunk->tokens;
    }
    step->tokens += chunk->tokens;
    step->sequences++;
    sequence->computed += chunk->tokens;
    plan->context_tokens += sequence->computed;
    store(server, chunk->id, false);
    if (naive_wanted_tokens(server, chunk->id) == 0) {
        sequence->generated++;
        sequence->prefilling = false;
        naive_list_append(&plan->emitters, chunk->id);
        step->emitting_sequences++;
    }
}

/* All chunks that have not done so take their blocks, then fill them. */
static void settle(struct naive_server *server, struct naive_plan *plan)
{
    for (size_t i = plan->computed_count; i < plan->chunk_count; i++)
        naive_blocks_take(&server->device, missing_blocks(server, &plan->chunks[i]),
                          &server->sequences[plan->chunks[i].id].blocks);
    for (; plan->computed_count < plan->chunk_count; plan->computed_count++) {
        const struct naive_chunk *chunk = &plan->chunks[plan->computed_count];
        compute(server, plan, chunk);
    }
}

/* Blocks that the setup's allocation takes at admission. */
static size_t reservation(const struct naive_server *server, size_t id)
{
    const struct simulation_setup *setup = server->setup;
    const struct naive_sequence *sequence = &server->sequences[id];
    int64_t prompt_tokens = (int64_t)server->requests[id].prompt_tokens + sequence->generated;
    size_t maximum = naive_blocks_for(server, setup->max_model_len);
    switch (setup->reservation) {
    case KV_PROMPT:
        return naive_blocks_for(server, prompt_tokens);
    case KV_MAXIMUM: /* a cache that is smaller is reserved as a whole */
        return maximum < server->device.count ? maximum : server->device.count;
    default:
        return 0;
    }
}

bool naive_plan_peek(struct naive_server *server, struct naive_plan *plan, struct naive_head *head)
{
    settle(server, plan);
    if (server->waiting.count == 0)
        return false;
    size_t id = naive_queue_head(server);
    const struct naive_sequence *sequence = &server->sequences[id];
    bool swapped = sequence->swapped_blocks > 0;
    *head = (struct naive_head){.id = id, .swapped = swapped};
    if (!swapped)
        head->hit = naive_prefix_match(server, id);
    size_t found = head->hit.cached + head->hit.offloaded;
    head->wanted_tokens =
        naive_wanted_tokens(server, id) - (int32_t)found * server->setup->block_size;
    size_t total =
        naive_blocks_for(server, (int64_t)server->requests[id].prompt_tokens + sequence->generated);
    if (total < reservation(server, id))
        total = reservation(server, id);
    head->wanted_blocks = total - head->hit.cached + head->hit.unused;
    return true;
}

bool naive_plan_admits(struct naive_server *server, const struct naive_head *head)
{
    size_t watermark = server->running.count > 0 ? (size_t)server->setup->watermark_blocks : 0;
    if (server->running.count >= (size_t)server->setup->max_num_seqs ||
        head->wanted_blocks > server->device.unused.count)
        return false;
    bool leaves_watermark = head->wanted_blocks + watermark <= server->device.unused.count;
    server->result->events.watermark_refusals += !leaves_watermark;
    return leaves_watermark;
}

/* What the head has of its context: found, swapped out or nothing. */
static void restore(struct naive_server *server, const struct naive_head *head)
{
    struct naive_sequence *sequence = &server->sequences[head->id];
    for (size_t i = 0; i < head->hit.cached; i++) {
        int64_t content = naive_prefix_content(server, head->id, i);
        size_t block = naive_blocks_find(&server->device, content);
        naive_blocks_share(&server->device, block, &sequence->blocks);
        server->result->events.own_hits += naive_prefix_is_own(content);
        server->result->events.same_plan_hits +=
            server->device.stored_at[block] == server->plan_number;
    }
    size_t found = head->hit.cached + head->hit.offloaded;
    if (!head->swapped)
        sequence->computed = (int32_t)found * server->setup->block_size;
    if (head->hit.offloaded > 0) {
        server->offloaded.copies++;
        server->offloaded.blocks += (int64_t)head->hit.offloaded;
        server->result->events.offload_hits++;
    }
    if (head->swapped) {
        server->in.copies++;
        server->in.blocks += (int64_t)sequence->swapped_blocks;
        server->swapped_blocks -= sequence->swapped_blocks;
        sequence->swapped_blocks = 0;
        server->result->events.swapped_in++;
    }
}

/* The first time that a request is admitted. */
static void count_admission(struct naive_server *server, const struct naive_head *head)
{
    struct request_outcome *outcome = &server->result->outcomes[head->id];
    struct simulation_result *totals = &server->result->totals;
    int64_t block_size = server->setup->block_size;
    if (outcome->scheduled_ns >= 0)
        return;
    outcome->scheduled_ns = server->now_ns;
    outcome->cached_tokens =
        (int32_t)(head->hit.cached + head->hit.offloaded) * (int32_t)block_size;
    totals->prompt_tokens += outcome->prompt_tokens;
    totals->cached_tokens += (int64_t)head->hit.cached * block_size;
    totals->offloaded_tokens += (int64_t)head->hit.offloaded * block_size;
}

void naive_plan_admit(struct naive_server *server, struct naive_plan *plan,
                      const struct naive_head *head, int32_t tokens)
{
    struct naive_sequence *sequence = &server->sequences[head->id];
    assert(!plan->preempted);
    naive_queue_remove(server, head->id);
    count_admission(server, head);
    naive_list_append(&server->running, head->id);
    restore(server, head);
    sequence->prefilling = true;
    sequence->reserved_blocks = reservation(server, head->id);
    struct naive_chunk chunk = {.id = head->id, .tokens = tokens};
    naive_blocks_take(&server->device, missing_blocks(server, &chunk), &sequence->blocks);
    if (tokens == 0) {
        store(server, head->id, false);
        return;
    }
    naive_plan_chunk(plan, head->id, tokens);
    plan->computed_count++;
    assert(plan->computed_count == plan->chunk_count);
    compute(server, plan, &chunk);
}

void naive_plan_give_back(struct naive_server *server)
{
    if (server->running.count == 0)
        naive_blocks_release(&server->device, &server->kept);
}

/* Block by block, what the running sequences have stored. */
static void measure_memory(struct naive_server *server, struct naive_step *step)
{
    int64_t block_size = server->setup->block_size;
    int64_t *stored = naive_allocate(server->device.count, sizeof *stored);
    for (size_t i = 0; i < server->running.count; i++) {
        const struct naive_sequence *sequence = &server->sequences[server->running.items[i]];
        for (size_t k = 0; k < sequence->blocks.count; k++) {
            int64_t tokens = sequence->computed - (int64_t)k * block_size;
            stored[sequence->blocks.items[k]] =
                tokens > block_size ? block_size : (tokens > 0 ? tokens : 0);
        }
    }
    for (size_t i = 0; i < server->device.count; i++) {
        server->result->events.shared_blocks += server->device.users[i] > 1;
        step->kv_blocks_used += server->device.users[i] > 0;
        step->kv_blocks_empty += server->device.users[i] > 0 && stored[i] == 0;
        step->kv_tokens += stored[i];
    }
    step->kv_slots_unfilled =
        (step->kv_blocks_used - step->kv_blocks_empty) * block_size - step->kv_tokens;
    free(stored);
}

static double copies_s(const struct host_transfer *transfer, int64_t latencies, int64_t blocks)
{
    return (double)latencies * transfer->latency_s + (double)blocks * transfer->s_per_block;
}

/* The copies since the last step are this one's. */
static void price_copies(struct naive_server *server, struct naive_plan *plan)
{
    const struct simulation_setup *setup = server->setup;
    struct simulation_result *totals = &server->result->totals;
    double swap_s = copies_s(&setup->swap, (server->out.copies > 0) + (server->in.copies > 0),
                             server->out.blocks + server->in.blocks);
    double offload_s =
        copies_s(&setup->offload, server->offloaded.copies, server->offloaded.blocks);
    server->out = server->in = server->offloaded = (struct naive_copies){0};
    totals->swap_s += swap_s;
    totals->offload_s += offload_s;
    plan->transfer_s = swap_s + offload_s;
}

void naive_plan_complete(struct naive_server *server, struct naive_plan *plan)
{
    settle(server, plan);
    naive_queue_charge(server, plan);
    plan->step.running = (int32_t)server->running.count;
    measure_memory(server, &plan->step);
    server->result->events.idle_rows += plan->idle_rows;
    server->result->events.void_plans += plan->preempted && server->running.count == 0;
    if (plan->step.tokens > 0)
        price_copies(server, plan);
}
