#include "erratic_policy.h"

#include <assert.h>
#include <check.h>

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

static int32_t min32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

/* check's own assertions write to a file even when they hold: too slow for every call. */
static void require(bool holds, const char *what)
{
    if (!holds)
        ck_abort_msg("does not hold: %s", what);
}

/* The batch's fields agree with one another. */
static void check_view(const struct batch *batch)
{
    require(batch->decoding >= 0 && batch->prefill_count >= 0 &&
                batch->decoding + batch->prefill_count <= batch->running &&
                batch->running <= batch->max_num_seqs,
            "what decodes or prefills is running");
    require(batch->needed_blocks >= 0 && batch->free_blocks >= 0, "blocks are counted from 0");
    for (int32_t i = 0; i < batch->prefill_count; i++) {
        const struct batch_prefill *prefill = &batch->prefills[i];
        require(prefill->wanted_tokens >= 1 && prefill->chunk_tokens >= 0 &&
                    prefill->chunk_tokens <= prefill->wanted_tokens,
                "a chunk is part of what is wanted");
    }
    struct batch_waiting head;
    require(batch_peek_waiting(batch, &head) == (batch->waiting > 0), "waiting is who waits");
}

/* Chunks of any size, 0 included; the budget that is left. Whoever is first computes something,
 * since preemption may take all others, and a plan of nothing would wait for ever. */
static int32_t set_chunks(struct erratic *erratic, struct batch *batch)
{
    int32_t left = batch->max_num_batched_tokens - batch->decoding;
    for (int32_t i = 0; i < batch->prefill_count; i++) {
        int32_t most = min32(batch->prefills[i].wanted_tokens, left);
        int32_t tokens = draw_up_to(erratic, 1) == 0 ? most : draw_up_to(erratic, most);
        if (i == 0 && tokens == 0 && most > 0)
            tokens = 1;
        batch_set_chunk(batch, i, draw_up_to(erratic, most)); /* changes its mind */
        batch_set_chunk(batch, i, tokens);
        left -= tokens;
    }
    return left;
}

static void preempt(struct erratic *erratic, struct batch *batch)
{
    bool whim = draw_up_to(erratic, 60) == 0 && batch->running > 1;
    while (whim || batch->needed_blocks > batch->free_blocks) {
        int32_t running = batch->running;
        batch_preempt_last(batch);
        require(batch->preempted && batch->running == running - 1, "one is preempted at a time");
        whim = false;
    }
}

static void admit(struct erratic *erratic, struct batch *batch, int32_t left)
{
    struct batch_waiting head;
    while (left > 0 && batch->running < batch->max_num_seqs && batch_peek_waiting(batch, &head) &&
           (batch->running == 0 || draw_up_to(erratic, 2) > 0)) {
        if (head.wanted_blocks > batch->free_blocks - batch->needed_blocks)
            return;
        int32_t tokens = 1 + draw_up_to(erratic, min32(head.wanted_tokens, left) - 1);
        batch_admit(batch, tokens);
        require(batch->prefills[batch->prefill_count - 1].chunk_tokens == tokens,
                "who is admitted is the last in prefill");
        left -= tokens;
    }
}

static void erratic_plan(void *state, struct batch *batch)
{
    struct erratic *erratic = state;
    check_view(batch);
    require(!batch->preempted, "a plan starts without preemption");
    int32_t left = set_chunks(erratic, batch);
    check_view(batch);
    preempt(erratic, batch);
    check_view(batch);
    if (!batch->preempted)
        admit(erratic, batch, left);
    check_view(batch);
}

const struct policy policy_erratic = {
    .name = "erratic",
    .summary = "every edit of a plan that is allowed, at random",
    .source = "tests",
    .state_size = sizeof(struct erratic),
    .plan = erratic_plan,
};
