#include "kv_blocks.h"

#include "kv_memory.h"
#include <stdlib.h>
#include <xxhash.h>

bool kv_blocks_init(struct kv_blocks *kv, const struct simulation_setup *setup)
{
    *kv = (struct kv_blocks){
        .total = setup->num_gpu_blocks - 1,
        .block_size = setup->block_size,
        .reservation = setup->reservation,
        .caching = setup->enable_prefix_caching,
        .offloading = setup->offload_blocks > 0,
        .swap_blocks = setup->swap_blocks,
        .maximum_blocks =
            kv_memory_reservation(setup->num_gpu_blocks, setup->block_size, setup->max_model_len),
    };
    return (!kv->caching || prefix_cache_init(&kv->cache, kv->total)) &&
           (!kv->offloading || prefix_cache_init(&kv->host, setup->offload_blocks));
}

void kv_blocks_fini(struct kv_blocks *kv)
{
    prefix_cache_fini(&kv->cache);
    prefix_cache_fini(&kv->host);
}

int64_t kv_blocks_reserved(const struct kv_blocks *kv, int64_t stored_tokens, int64_t total_tokens)
{
    switch (kv->reservation) {
    case KV_AS_COMPUTED:
        break;
    case KV_PROMPT:
        return kv_blocks_for(kv, total_tokens);
    case KV_MAXIMUM:
        return kv->maximum_blocks;
    }
    return kv_blocks_for(kv, stored_tokens);
}

/* The hashes of a request's ids, each chained to the one before it. */
static bool chain_ids(struct prefix_chain *chain, const struct request *request)
{
    chain->hashes = malloc((size_t)request->prefix_id_count * sizeof *chain->hashes);
    if (chain->hashes == NULL)
        return false;
    uint64_t hash = 0;
    for (int32_t i = 0; i < request->prefix_id_count; i++)
        chain->hashes[i] = hash = XXH64(&request->prefix_ids[i], sizeof(uint64_t), hash);
    chain->hash_count = request->prefix_id_count;
    chain->id_tokens = request->prefix_id_tokens;
    int64_t covered_tokens = (int64_t)chain->hash_count * chain->id_tokens;
    if (covered_tokens > request->prompt_tokens)
        covered_tokens = request->prompt_tokens;
    chain->id_blocks = (int32_t)(covered_tokens / chain->block_size);
    return true;
}

void kv_blocks_identify(struct kv_blocks *kv, struct sequence *sequence,
                        const struct request *request)
{
    const uint64_t own = 0x6f776e; /* apart from the hashes of ids, which begin at 0 */
    if (!kv->caching)
        return;
    int64_t request_id = sequence->outcome.request_id;
    sequence->hold = PREFIX_HOLD_NONE;
    sequence->chain = (struct prefix_chain){
        .block_size = kv->block_size,
        .id_tokens = 1,
        .own_hash = XXH64(&request_id, sizeof request_id, own),
    };
    if (request->prefix_id_count > 0 && !chain_ids(&sequence->chain, request))
        kv->out_of_memory = true;
}

void kv_blocks_forget(struct sequence *sequence)
{
    free(sequence->chain.hashes);
    sequence->chain.hashes = NULL;
}

struct kv_hit kv_blocks_match(const struct kv_blocks *kv, const struct sequence *sequence)
{
    struct kv_hit hit = {0};
    if (!kv->caching)
        return hit;
    int32_t most = (sequence_wanted_tokens(sequence) - 1) / kv->block_size;
    struct prefix_match match = prefix_cache_match(&kv->cache, &sequence->chain, most);
    hit.cached = match.blocks;
    hit.unreferenced = match.unreferenced;
    if (kv->offloading)
        hit.offloaded = prefix_cache_match_from(&kv->host, &sequence->chain, match.blocks, most);
    return hit;
}

void kv_blocks_start(struct kv_blocks *kv, struct sequence *sequence, const struct kv_hit *hit)
{
    if (kv->caching) {
        if (hit->cached > 0 &&
            !prefix_cache_acquire(&kv->cache, &sequence->chain, hit->cached, &sequence->hold))
            kv->out_of_memory = true;
        sequence->context_tokens = (hit->cached + hit->offloaded) * kv->block_size;
    }
    sequence->held_blocks = hit->cached;
    kv->held += hit->cached;
    kv->filled += kv_blocks_for(kv, sequence->context_tokens);
    kv->tokens += sequence->context_tokens;
    kv->swapped -= sequence->swapped_blocks;
    sequence->swapped_blocks = 0;
}

void kv_blocks_hold(struct kv_blocks *kv, struct sequence *sequence, int32_t blocks,
                    int32_t context_tokens)
{
    sequence->held_blocks += blocks;
    kv->held += blocks;
    int32_t full_blocks = context_tokens / kv->block_size;
    if (full_blocks > sequence->chain.id_blocks)
        full_blocks = sequence->chain.id_blocks;
    if (kv->caching && full_blocks > sequence->hold.position_blocks &&
        !prefix_cache_insert(&kv->cache, &sequence->chain, full_blocks, &sequence->hold))
        kv->out_of_memory = true;
}

/* Give back what is cached. What the sequence alone can want – the blocks that it generated – is
 * worth remembering only when it returns; else it takes room in host memory and is never found. Its own
 * copies of blocks that are cached are not copied there: whoever holds the cached ones does that. */
static int64_t release_cached(struct kv_blocks *kv, struct sequence *sequence, bool returns)
{
    struct prefix_hold *hold = &sequence->hold;
    int32_t full_blocks = sequence->context_tokens / kv->block_size;
    if (returns && full_blocks > hold->position_blocks &&
        !prefix_cache_insert(&kv->cache, &sequence->chain, full_blocks, hold))
        kv->out_of_memory = true;
    if (kv->offloading &&
        !prefix_cache_copy(&kv->host, &kv->cache, full_blocks - hold->position_blocks, hold))
        kv->out_of_memory = true;
    return prefix_cache_release(&kv->cache, sequence->held_blocks - hold->cached_blocks, hold);
}

int64_t kv_blocks_release(struct kv_blocks *kv, struct sequence *sequence, bool returns)
{
    int64_t freed = sequence->held_blocks;
    kv->held -= sequence->held_blocks;
    kv->filled -= kv_blocks_for(kv, sequence->context_tokens);
    kv->tokens -= sequence->context_tokens;
    if (kv->caching)
        freed = release_cached(kv, sequence, returns);
    sequence->held_blocks = 0;
    return freed;
}

bool kv_blocks_swap_out(struct kv_blocks *kv, struct sequence *sequence)
{
    int64_t blocks = kv_blocks_for(kv, sequence->context_tokens);
    if (blocks == 0 || kv->swapped + blocks > kv->swap_blocks)
        return false;
    sequence->swapped_blocks = (int32_t)blocks;
    kv->swapped += blocks;
    return true;
}
