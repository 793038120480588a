/* Who holds how many KV blocks, and of what: counts, and with prefix caching identities too.
 *
 * A sequence holds what it has reserved and what its context fills, whichever is more. Blocks are
 * free or held; with prefix caching free ones may still be cached, on the device and, offloaded, in
 * host memory. What a sequence gives back is copied there at no cost, on the side; what is found
 * there is copied back before the step that wants it. */
#ifndef LLMSIM_ENGINE_KV_BLOCKS_H
#define LLMSIM_ENGINE_KV_BLOCKS_H

#include "sequence.h"
#include "simulation.h"

struct kv_blocks {
    int64_t total; /* vLLM's null block, which holds no tokens, is not among them */
    int32_t block_size;
    enum kv_reservation reservation;
    int64_t maximum_blocks; /* KV_MAXIMUM: of a sequence */
    /* Sums over running sequences; shared blocks count for each of those that share them. */
    int64_t held, filled, tokens;
    int64_t retained; /* by sequences that have finished */
    bool caching;     /* prefixes, on the device; `cache` is what is free */
    struct prefix_cache cache;
    bool offloading; /* and behind it in host memory */
    struct prefix_cache host;
    int64_t swap_blocks,
        swapped;        /* room in host memory for preempted sequences, and what is taken */
    bool out_of_memory; /* of the simulator's own: the run must end */
};

/* What the caches have of a waiting sequence's beginning, in blocks. */
struct kv_hit {
    int32_t cached;       /* on the device */
    int32_t unreferenced; /* of those: free as well */
    int32_t offloaded;    /* behind those, in host memory */
};

bool kv_blocks_init(struct kv_blocks *kv, const struct simulation_setup *setup);
void kv_blocks_fini(struct kv_blocks *kv);

/* Blocks that hold so many tokens. */
static inline int64_t kv_blocks_for(const struct kv_blocks *kv, int64_t tokens)
{
    return (tokens + kv->block_size - 1) / kv->block_size;
}

/* Blocks to be held by a sequence of which `total_tokens` are to be computed for its next token, and
 * `stored_tokens` of those are stored. */
int64_t kv_blocks_reserved(const struct kv_blocks *kv, int64_t stored_tokens, int64_t total_tokens);

/* What identifies a new request's blocks. `sequence` owns it until kv_blocks_forget. */
void kv_blocks_identify(struct kv_blocks *kv, struct sequence *sequence,
                        const struct request *request);
void kv_blocks_forget(struct sequence *sequence);

/* What is cached of a waiting sequence, but for its last token, which is always computed. */
struct kv_hit kv_blocks_match(const struct kv_blocks *kv, const struct sequence *sequence);

/* A waiting sequence starts to run with what it has of its context: cached, offloaded (for which it
 * has yet to take blocks), swapped out or nothing. */
void kv_blocks_start(struct kv_blocks *kv, struct sequence *sequence, const struct kv_hit *hit);

/* A running sequence has taken `blocks`, and `context_tokens` are computed or about to be: they can
 * be matched from now on. */
void kv_blocks_hold(struct kv_blocks *kv, struct sequence *sequence, int32_t blocks,
                    int32_t context_tokens);

/* A running sequence gives everything back; the number of blocks that have become free. `returns`:
 * it will want what it has computed, what it generated included. */
int64_t kv_blocks_release(struct kv_blocks *kv, struct sequence *sequence, bool returns);

/* A running sequence, about to give its blocks back, is copied to host memory; false where there is
 * no room, or nothing to be copied. */
bool kv_blocks_swap_out(struct kv_blocks *kv, struct sequence *sequence);

#endif
