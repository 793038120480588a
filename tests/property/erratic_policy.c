#include "erratic_policy.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

struct erratic {
    uint64_t counter; /* the same numbers in every run */
};

/* splitmix64 (Steele, Lea and Flood, OOPSLA 2014), reduced to 0 … bound. */
static int32_t draw_up_to(struct erratic *erratic, int32_t bound)
{
    assert(bound >= 0);
    uint64_t bits = erratic->counter += 0x9e3779b97f4a7c15u;
    bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
    bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
    return (int32_t)((bits ^ (bits >> 31)) % ((uint64_t)bound + 1));
}

static bool draw_one_in(struct erratic *erratic, int32_t count)
{
    return draw_up_to(erratic, count - 1) == 0;
}

static int32_t min32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* Like an assertion of the engine's, which a policy's test can do nothing else about. */
static void require(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "the erratic policy finds that it does not hold: %s\n", what);
    abort();
}

/* Sums over batch_next_running. */
struct walk {
    int32_t running, decoding, prefills;
    int64_t needed_blocks, admission;
};

static void check_running(const struct batch *batch, int32_t sequence, struct walk *walk)
{
    struct batch_running running = batch_describe_running(batch, sequence);
    require(running.admission > walk->admission, "who runs is told by admission");
    require(!running.decodes || running.prefill < 0, "who decodes has no prompt to compute");
    if (running.prefill >= 0) {
        require(running.prefill == walk->prefills, "prefills are told by admission");
        const struct batch_prefill *prefill = &batch->prefills[running.prefill];
        require(prefill->sequence == sequence && prefill->needed_blocks == running.needed_blocks,
                "a prefill is a running sequence's");
        require(prefill->wanted_tokens >= 1 && prefill->chunk_tokens >= 0 &&
                    prefill->chunk_tokens <= prefill->wanted_tokens,
                "a chunk is part of what is wanted");
    }
    walk->running++;
    walk->decoding += running.decodes;
    walk->prefills += running.prefill >= 0;
    walk->needed_blocks += running.needed_blocks;
    walk->admission = running.admission;
}

/* The batch's fields agree with one another, and with its running sequences. */
static void check_view(const struct batch *batch)
{
    struct walk walk = {.admission = -1};
    int32_t last = -1;
    bool has_victim = false;
    int32_t victim = batch->running > 0 ? batch_victim(batch) : -1;
    for (int32_t i = -1; (i = batch_next_running(batch, i)) >= 0; last = i) {
        check_running(batch, i, &walk);
        has_victim |= i == victim;
    }
    require(walk.running == batch->running && batch->running <= batch->max_num_seqs,
            "what runs is counted");
    require(walk.decoding == batch->decoding && walk.prefills == batch->prefill_count,
            "what decodes or prefills is running");
    require(walk.needed_blocks == batch->needed_blocks && batch->free_blocks >= 0,
            "needed blocks are somebody's");
    require(batch->running == 0 || (has_victim && (!batch->last_is_victim || victim == last)),
            "the victim is running");
    require(batch->waiting >= 0, "who waits is counted");
    require(batch->waiting == 0 || batch_oldest_arrival_ns(batch) <= batch->now_ns,
            "who waits has arrived");
}

/* Of the step, as planned so far. */
static int32_t count_tokens(const struct batch *batch)
{
    int32_t tokens = batch->decoding;
    for (int32_t i = 0; i < batch->prefill_count; i++)
        tokens += batch->prefills[i].chunk_tokens;
    return tokens;
}

/* 0 … wanted, as the budget allows, mostly as much as that; all or nothing where prompts are not
 * split. */
static int32_t draw_chunk(struct erratic *erratic, const struct batch *batch, int32_t wanted,
                          int32_t left)
{
    int32_t most = min32(wanted, left);
    if (!batch->enable_chunked_prefill && most < wanted)
        return 0;
    if (!draw_one_in(erratic, 3))
        return most;
    return batch->enable_chunked_prefill ? draw_up_to(erratic, most) : 0;
}

static void set_chunks(struct erratic *erratic, struct batch *batch)
{
    for (int32_t i = 0; i < batch->prefill_count; i++) {
        int32_t others = count_tokens(batch) - batch->prefills[i].chunk_tokens;
        batch_set_chunk(batch, i,
                        draw_chunk(erratic, batch, batch->prefills[i].wanted_tokens,
                                   batch->max_num_batched_tokens - others));
    }
}

/* Any running sequence, from the one that is due to whoever it hits. */
static int32_t draw_victim(struct erratic *erratic, const struct batch *batch)
{
    if (!draw_one_in(erratic, 4))
        return batch_victim(batch);
    int32_t sequence = batch_next_running(batch, -1);
    for (int32_t i = draw_up_to(erratic, batch->running - 1); i > 0; i--)
        sequence = batch_next_running(batch, sequence);
    return sequence;
}

static void preempt(struct batch *batch, int32_t victim)
{
    int32_t running = batch->running, waiting = batch->waiting;
    int64_t free_blocks = batch->free_blocks;
    int32_t next = batch_next_running(batch, victim);
    bool finishing = !batch_describe_running(batch, victim).decodes &&
                     batch_describe_running(batch, victim).prefill < 0;
    batch_preempt(batch, victim);
    require(batch->preempted && batch->running == running - 1, "one is preempted at a time");
    require(batch->waiting == waiting + 1 || (finishing && batch->waiting == waiting),
            "who is preempted waits, unless there is nothing to wait for");
    require(batch->free_blocks >= free_blocks, "preemption frees blocks");
    require(batch_next_running(batch, victim) == next, "a victim leads to whoever came after it");
}

static void postpone_some(struct erratic *erratic, struct batch *batch)
{
    for (int32_t i = -1; (i = batch_next_running(batch, i)) >= 0;) {
        if (!batch_describe_running(batch, i).decodes || !draw_one_in(erratic, 3))
            continue;
        int32_t decoding = batch->decoding;
        batch_postpone(batch, i);
        struct batch_running postponed = batch_describe_running(batch, i);
        require(batch->decoding == decoding - 1 && postponed.prefill >= 0 &&
                    batch->prefills[postponed.prefill].wanted_tokens == 1 &&
                    batch->prefills[postponed.prefill].chunk_tokens == 0,
                "who is postponed wants one token");
    }
}

/* No decode, or all of those that nobody has postponed; false where the budget is gone. */
static bool toggle_decodes(struct batch *batch, bool *postponed)
{
    if (!*postponed) {
        batch_postpone_decodes(batch);
        *postponed = true;
        return true;
    }
    batch_resume_decodes(batch);
    *postponed = count_tokens(batch) > batch->max_num_batched_tokens;
    if (*postponed)
        batch_postpone_decodes(batch);
    return !*postponed;
}

/* Edits of who runs, in any order, checked after each. */
static void edit_running(struct erratic *erratic, struct batch *batch, bool *postponed)
{
    for (int32_t edits = draw_up_to(erratic, 3); edits > 0; edits--) {
        int32_t edit = draw_up_to(erratic, 39);
        if (edit < 20)
            set_chunks(erratic, batch);
        else if (edit < 28)
            toggle_decodes(batch, postponed);
        else if (edit < 34)
            postpone_some(erratic, batch);
        else if (edit == 34 && batch->running > 1)
            preempt(batch, draw_victim(erratic, batch));
        check_view(batch);
    }
    if (*postponed && !draw_one_in(erratic, 4))
        toggle_decodes(batch, postponed);
    set_chunks(erratic, batch);
    check_view(batch);
}

static void make_room(struct erratic *erratic, struct batch *batch)
{
    while (batch->needed_blocks > batch->free_blocks) {
        preempt(batch, draw_victim(erratic, batch));
        check_view(batch);
    }
}

static void check_head(const struct batch *batch, const struct batch_waiting *head)
{
    require(head->wanted_tokens >= 1 && head->wanted_blocks >= 0, "who waits wants something");
    require(!head->decodes || head->wanted_tokens == 1, "a decode is one token");
    require(head->arrival_ns <= batch->now_ns && head->arrival_ns >= batch_oldest_arrival_ns(batch),
            "the head of the queue has arrived, but others may have before it");
}

static void admit_one(struct erratic *erratic, struct batch *batch,
                      const struct batch_waiting *head)
{
    int32_t running = batch->running, waiting = batch->waiting, count = batch->prefill_count;
    int64_t left_blocks = batch->free_blocks - batch->needed_blocks;
    int32_t left = batch->max_num_batched_tokens - count_tokens(batch);
    int32_t tokens = draw_chunk(erratic, batch, head->wanted_tokens, left);
    batch_admit(batch, tokens);
    require(batch->running == running + 1 && batch->waiting == waiting - 1 &&
                batch->prefill_count == count + 1,
            "one is admitted at a time");
    const struct batch_prefill *admitted = &batch->prefills[count];
    require(admitted->chunk_tokens == tokens && admitted->wanted_tokens == head->wanted_tokens,
            "who is admitted is the last in prefill, and wants what it said");
    int64_t taken_blocks = left_blocks - (batch->free_blocks - batch->needed_blocks);
    require(taken_blocks >= 0 && taken_blocks <= head->wanted_blocks &&
                (tokens < head->wanted_tokens || taken_blocks == head->wanted_blocks),
            "who is admitted takes the blocks that it said");
}

static void admit(struct erratic *erratic, struct batch *batch)
{
    struct batch_waiting head;
    while (batch_peek_waiting(batch, &head)) {
        check_head(batch, &head);
        check_view(batch);
        int64_t kept_blocks = batch->running > 0 ? batch->watermark_blocks : 0;
        if (batch->preempted || batch->running == batch->max_num_seqs ||
            head.wanted_blocks > batch->free_blocks - batch->needed_blocks - kept_blocks ||
            (batch->running > 0 && draw_one_in(erratic, 3)))
            return;
        admit_one(erratic, batch, &head);
        check_view(batch);
    }
    require(batch->waiting == 0, "waiting is who waits");
}

/* As a scheduler does that serves prompts first: decodes that do not fit what was admitted stand
 * still after all. */
static void resume(struct batch *batch)
{
    bool postponed = true;
    if (toggle_decodes(batch, &postponed) && batch->needed_blocks > batch->free_blocks)
        batch_postpone_decodes(batch);
    check_view(batch);
}

static void pad(struct erratic *erratic, struct batch *batch)
{
    int32_t chunks = 0, longest = 0, left = batch->max_num_batched_tokens - batch->decoding;
    for (int32_t i = 0; i < batch->prefill_count; i++) {
        int32_t tokens = batch->prefills[i].chunk_tokens;
        chunks += tokens > 0;
        longest = tokens > longest ? tokens : longest;
    }
    int32_t most = chunks > 0 ? left / chunks : 0;
    if (most >= longest && most > 0) {
        int32_t padded = longest + draw_up_to(erratic, most - longest);
        batch_pad(batch, padded, draw_up_to(erratic, left - padded * chunks));
    } else {
        batch_pad(batch, 0,
                  draw_up_to(erratic, batch->max_num_batched_tokens - count_tokens(batch)));
    }
}

static void erratic_plan(void *state, struct batch *batch)
{
    struct erratic *erratic = state;
    bool postponed = false;
    require(!batch->preempted && (batch->running > 0 || batch->waiting > 0),
            "a plan starts without preemption, and with somebody to plan for");
    check_view(batch);
    edit_running(erratic, batch, &postponed);
    make_room(erratic, batch);
    admit(erratic, batch);
    if (postponed && draw_one_in(erratic, 2))
        resume(batch);
    if (draw_one_in(erratic, 4))
        pad(erratic, batch);
    /* What is planned may be nothing at all. */
    batch_wake_at(batch, batch->now_ns + 1 + draw_up_to(erratic, 100000000));
}

const struct policy policy_erratic = {
    .name = "erratic",
    .summary = "every edit of a plan that is allowed, at random",
    .source = "tests",
    .state_size = sizeof(struct erratic),
    .plan = erratic_plan,
};

const struct policy policy_erratic_keeping = {
    .name = "erratic, keeping blocks",
    .summary = "every edit of a plan that is allowed, at random",
    .source = "tests",
    .state_size = sizeof(struct erratic),
    .plan = erratic_plan,
    .keeps_blocks = true,
};
