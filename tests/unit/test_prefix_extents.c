/* The prefix cache against single blocks, through random sequences. */
#include "unit.h"

#include "prefix_extents.h"
#include "rng.h"
#include "single_blocks.h"

enum { CHAINS = 16, SEQUENCES = 6, MAX_IDS = 6, MAX_SEQUENCE_BLOCKS = 40 };

/* The cache and single blocks side by side. */
struct pair {
    struct prefix_cache tiers[2];
    struct single_tier single_tiers[2];
    struct prefix_chain chains[CHAINS];
    uint64_t hashes[CHAINS][MAX_IDS];
    struct {
        int32_t chain; /* −1: none */
        struct prefix_hold hold;
        struct single_hold single_hold;
    } sequences[SEQUENCES];
    struct prefix_match matches[CHAINS]; /* at the version before */
    int64_t version;
    gsl_rng *rng;
};

static int32_t below(struct pair *pair, int64_t limit)
{
    return (int32_t)gsl_rng_uniform_int(pair->rng, (unsigned long)limit);
}

static int32_t up_to(struct pair *pair, int64_t limit)
{
    return below(pair, limit + 1);
}

/* Chains out of a tree with two or three ids at every node; now and then the same chain again, as
 * it comes back after a preemption. */
static void make_chains(struct pair *pair)
{
    int32_t id_tokens = 1 + below(pair, 40), block_size = 1 + below(pair, 12);
    for (int32_t i = 0; i < CHAINS; i++) {
        uint64_t hash = 0;
        for (int32_t j = 0; j < MAX_IDS; j++) {
            hash = 3 * hash + 1 + (uint64_t)below(pair, 2 + (j == 1));
            pair->hashes[i][j] = hash;
        }
        int32_t hash_count = up_to(pair, MAX_IDS);
        int32_t id_tokens_in_all = hash_count * id_tokens;
        int32_t prompt_tokens = id_tokens_in_all - (hash_count > 0 ? below(pair, id_tokens) : 0);
        pair->chains[i] = (struct prefix_chain){.hashes = pair->hashes[i],
                                                .hash_count = hash_count,
                                                .id_tokens = id_tokens,
                                                .block_size = block_size,
                                                .id_blocks = prompt_tokens / block_size,
                                                .own_hash = UINT64_MAX - (uint64_t)i};
    }
}

static bool start_sequence(struct pair *pair, int32_t sequence)
{
    int32_t index = below(pair, CHAINS);
    const struct prefix_chain *chain = &pair->chains[index];
    struct prefix_hold *hold = &pair->sequences[sequence].hold;
    int32_t blocks = prefix_cache_match(&pair->tiers[0], chain, MAX_SEQUENCE_BLOCKS).blocks;
    if (below(pair, 3) == 0)
        blocks = up_to(pair, blocks);
    pair->sequences[sequence].chain = index;
    single_acquire(&pair->single_tiers[0], chain, blocks, &pair->sequences[sequence].single_hold);
    return prefix_cache_acquire(&pair->tiers[0], chain, blocks, hold);
}

/* Takes blocks, and inserts some of those it has. */
static bool extend_sequence(struct pair *pair, int32_t sequence)
{
    const struct prefix_chain *chain = &pair->chains[pair->sequences[sequence].chain];
    struct single_hold *single = &pair->sequences[sequence].single_hold;
    int64_t most = MAX_SEQUENCE_BLOCKS - single->cached_count - single->other_count;
    if (most > pair->tiers[0].free_blocks)
        most = pair->tiers[0].free_blocks;
    int32_t taken = up_to(pair, below(pair, 3) == 0 || most < 3 ? most : 3);
    prefix_cache_take(&pair->tiers[0], taken);
    for (int32_t i = 0; i < taken; i++)
        single->others[single->other_count++] = single_take(&pair->single_tiers[0]);
    int32_t not_inserted = single->cached_count + single->other_count - single->position;
    int32_t to_block = single->position + up_to(pair, not_inserted);
    single_insert(&pair->single_tiers[0], chain, to_block, single);
    return prefix_cache_insert(&pair->tiers[0], chain, to_block, &pair->sequences[sequence].hold);
}

static bool end_sequence(struct pair *pair, int32_t sequence)
{
    struct prefix_hold *hold = &pair->sequences[sequence].hold;
    struct single_hold *single = &pair->sequences[sequence].single_hold;
    if (below(pair, 3) > 0) {
        int32_t full = up_to(pair, single->other_count);
        single_copy(&pair->single_tiers[1], &pair->single_tiers[0], full, single);
        if (!prefix_cache_copy(&pair->tiers[1], &pair->tiers[0], full, hold))
            return false;
    }
    if (below(pair, 8) == 0)
        return true; /* copied, and goes on */
    int64_t freed = -pair->single_tiers[0].queue_length;
    int32_t others = single->other_count;
    single_release(&pair->single_tiers[0], single);
    freed += pair->single_tiers[0].queue_length;
    pair->sequences[sequence].chain = -1;
    return prefix_cache_release(&pair->tiers[0], others, hold) == freed &&
           hold->deepest_extent == -1 && hold->cached_blocks == 0;
}

/* Matches, and whether the version told of every change that it has to tell of. */
static bool matches_agree(struct pair *pair)
{
    for (int32_t i = 0; i < CHAINS; i++) {
        const struct prefix_chain *chain = &pair->chains[i];
        int32_t most = below(pair, 2) == 0 ? SINGLE_MAX : below(pair, MAX_SEQUENCE_BLOCKS);
        int32_t from = below(pair, MAX_SEQUENCE_BLOCKS);
        struct prefix_match match = prefix_cache_match(&pair->tiers[0], chain, most);
        struct prefix_match single = single_match(&pair->single_tiers[0], chain, most);
        if (match.blocks != single.blocks || match.unreferenced != single.unreferenced ||
            prefix_cache_match_from(&pair->tiers[1], chain, from, most) !=
                (from > most ? 0 : single_match_from(&pair->single_tiers[1], chain, from, most)))
            return false;
        match = prefix_cache_match(&pair->tiers[0], chain, SINGLE_MAX);
        struct prefix_match before = pair->matches[i];
        if (pair->tiers[0].version == pair->version &&
            (match.blocks > before.blocks ||
             (match.blocks == before.blocks && match.unreferenced < before.unreferenced)))
            return false;
        pair->matches[i] = match;
    }
    pair->version = pair->tiers[0].version;
    return true;
}

/* The queue in order, the extents' places, and every block that can be found. */
static bool tiers_agree(const struct prefix_cache *cache, const struct single_tier *single)
{
    int32_t position = 0, places = cache->keyed_count + cache->detour_count;
    for (int32_t i = cache->lru_first; i >= 0; i = cache->extents[i].lru_next) {
        const struct prefix_extent *extent = &cache->extents[i];
        bool keyed = extent->first_block >= 0;
        places += !keyed;
        for (int64_t j = extent->block_count; j-- > 0; position++) {
            const struct single_block *block = &single->blocks[single->queue[position]];
            if (block->number != (keyed ? extent->first_block + j : -1) ||
                (keyed && block->hash != extent->hash))
                return false;
        }
    }
    int32_t identities = 0;
    for (int32_t i = 0; i < single->block_count; i++)
        identities += single->blocks[i].number >= 0;
    for (uint32_t bucket = 0; bucket <= cache->bucket_mask; bucket++) {
        for (int32_t i = cache->buckets[bucket]; i >= 0; i = cache->extents[i].bucket_next) {
            const struct prefix_extent *extent = &cache->extents[i];
            identities -= (int32_t)extent->block_count;
            for (int32_t j = extent->first_block; j < prefix_extent_end(extent); j++) {
                int32_t block = single_find(single, extent->hash, j);
                if (block < 0 || single->blocks[block].references != extent->references)
                    return false;
            }
        }
    }
    for (int32_t i = cache->unused_extent; i >= 0; i = cache->extents[i].lru_next)
        places++;
    return position == single->queue_length && identities == 0 && places == cache->extent_count;
}

static bool operate(struct pair *pair)
{
    int32_t sequence = below(pair, SEQUENCES);
    bool right;
    if (pair->sequences[sequence].chain < 0)
        right = start_sequence(pair, sequence);
    else if (below(pair, 5) == 0)
        right = end_sequence(pair, sequence);
    else
        right = extend_sequence(pair, sequence);
    for (int i = 0; right && i < SEQUENCES; i++) {
        const struct prefix_hold *hold = &pair->sequences[i].hold;
        const struct single_hold *single = &pair->sequences[i].single_hold;
        right = hold->position_blocks == single->position &&
                hold->cached_blocks == single->cached_count;
    }
    for (int i = 0; right && i < 2; i++)
        right = pair->tiers[i].free_blocks == pair->single_tiers[i].queue_length &&
                (below(pair, 8) > 0 || tiers_agree(&pair->tiers[i], &pair->single_tiers[i]));
    return right && matches_agree(pair);
}

START_TEST(test_against_single_blocks)
{
    enum { CASES = 400, OPERATIONS = 500 };
    static struct pair pair;
    for (int i = 0; i < CASES; i++) {
        memset(&pair, 0, sizeof pair);
        pair.rng = rng_create((uint64_t)i, "test");
        make_chains(&pair);
        for (int j = 0; j < 2; j++) {
            int32_t blocks = up_to(&pair, below(&pair, 2) == 0 ? 20 : SINGLE_MAX);
            ck_assert(prefix_cache_init(&pair.tiers[j], blocks));
            single_init(&pair.single_tiers[j], blocks);
        }
        for (int j = 0; j < SEQUENCES; j++) {
            pair.sequences[j].chain = -1;
            pair.sequences[j].hold = PREFIX_HOLD_NONE;
        }
        int right = 0;
        while (right < OPERATIONS && operate(&pair))
            right++;
        ck_assert_msg(right == OPERATIONS, "case %d: wrong after %d operations", i, right);
        prefix_cache_fini(&pair.tiers[0]);
        prefix_cache_fini(&pair.tiers[1]);
        gsl_rng_free(pair.rng);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_against_single_blocks};
    return unit_run("prefix_extents", tests, COUNT(tests));
}
