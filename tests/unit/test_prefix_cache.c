/* The prefix cache: its rules, one by one. */
#include "unit.h"

#include "prefix_cache.h"

/* Prefixes of 512 tokens an id and 16 a block: 32 blocks a segment. */
static uint64_t hashes_ab[] = {0xa, 0xab};
static uint64_t hashes_ac[] = {0xa, 0xac};

static struct prefix_chain chain_of(uint64_t *hashes, int32_t hash_count, uint64_t own_hash)
{
    return (struct prefix_chain){.hashes = hashes,
                                 .hash_count = hash_count,
                                 .id_tokens = 512,
                                 .block_size = 16,
                                 .id_blocks = 32 * hash_count,
                                 .own_hash = own_hash};
}

static void start(struct prefix_cache *cache, const struct prefix_chain *chain, int32_t blocks,
                  struct prefix_hold *hold)
{
    *hold = PREFIX_HOLD_NONE;
    ck_assert(prefix_cache_acquire(cache, chain, blocks, hold));
    ck_assert_int_eq(hold->cached_blocks, blocks);
}

/* Take what is missing up to this block, and insert it. */
static void compute(struct prefix_cache *cache, const struct prefix_chain *chain, int32_t to_block,
                    struct prefix_hold *hold)
{
    prefix_cache_take(cache, to_block - hold->position_blocks);
    ck_assert(prefix_cache_insert(cache, chain, to_block, hold));
    ck_assert_int_eq(hold->position_blocks, to_block);
}

static int64_t release(struct prefix_cache *cache, struct prefix_hold *hold)
{
    return prefix_cache_release(cache, hold->position_blocks - hold->cached_blocks, hold);
}

static void assert_match(const struct prefix_cache *cache, const struct prefix_chain *chain,
                         int32_t blocks, int32_t unreferenced)
{
    struct prefix_match match = prefix_cache_match(cache, chain, INT32_MAX);
    ck_assert_int_eq(match.blocks, blocks);
    ck_assert_int_eq(match.unreferenced, unreferenced);
}

START_TEST(test_shared_prefix)
{
    struct prefix_cache cache;
    struct prefix_hold hold, other;
    struct prefix_chain ab = chain_of(hashes_ab, 2, 1), ac = chain_of(hashes_ac, 2, 2);
    ck_assert(prefix_cache_init(&cache, 1000));
    start(&cache, &ab, 0, &hold);
    compute(&cache, &ab, 70, &hold);
    assert_match(&cache, &ab, 70, 0);
    assert_match(&cache, &ac, 32, 0);
    ck_assert_int_eq(release(&cache, &hold), 70);
    assert_match(&cache, &ac, 32, 32);
    ck_assert_int_eq(prefix_cache_match(&cache, &ac, 7).unreferenced, 7);
    start(&cache, &ac, 20, &other);
    ck_assert_int_eq(cache.free_blocks, 980);
    assert_match(&cache, &ab, 70, 50);
    ck_assert_int_eq(release(&cache, &other), 20);
    prefix_cache_fini(&cache);
}
END_TEST

/* A block belongs to the id that its last token lies under. */
START_TEST(test_blocks_across_ids)
{
    struct prefix_cache cache;
    struct prefix_hold hold;
    struct prefix_chain ab = chain_of(hashes_ab, 2, 1), ac = chain_of(hashes_ac, 2, 2);
    ab.id_tokens = ac.id_tokens = 24;
    ab.id_blocks = ac.id_blocks = 3;
    ck_assert(prefix_cache_init(&cache, 100));
    start(&cache, &ab, 0, &hold);
    compute(&cache, &ab, 3, &hold);
    assert_match(&cache, &ac, 1, 0);
    release(&cache, &hold);
    prefix_cache_take(&cache, 100);
    ck_assert_int_eq(prefix_cache_release(&cache, 100, &hold), 100);
    ab.id_tokens = ac.id_tokens = 8; /* the only block ends under b, or under c */
    ab.id_blocks = ac.id_blocks = 1;
    compute(&cache, &ab, 1, &hold);
    assert_match(&cache, &ab, 1, 0);
    assert_match(&cache, &ac, 0, 0);
    release(&cache, &hold);
    prefix_cache_fini(&cache);
}
END_TEST

/* One prompt ends within the id that another goes on under. */
START_TEST(test_last_id_is_partial)
{
    struct prefix_cache cache;
    struct prefix_hold hold, other;
    struct prefix_chain whole = chain_of(hashes_ab, 2, 1), part = chain_of(hashes_ab, 2, 2);
    part.id_blocks = 40;
    ck_assert(prefix_cache_init(&cache, 1000));
    start(&cache, &whole, 0, &hold);
    compute(&cache, &whole, 64, &hold);
    assert_match(&cache, &part, 40, 0);
    start(&cache, &part, 40, &other);
    compute(&cache, &part, 50, &other);
    ck_assert_int_eq(other.cached_blocks, 50);
    ck_assert_int_eq(release(&cache, &hold), 24);
    assert_match(&cache, &part, 50, 0);
    assert_match(&cache, &whole, 64, 24);
    ck_assert_int_eq(release(&cache, &other), 50);
    prefix_cache_fini(&cache);
}
END_TEST

START_TEST(test_evicted_from_the_end)
{
    struct prefix_cache cache;
    struct prefix_hold hold, other;
    struct prefix_chain first = chain_of(NULL, 0, 1), second = chain_of(NULL, 0, 2);
    ck_assert(prefix_cache_init(&cache, 20));
    start(&cache, &first, 0, &hold);
    compute(&cache, &first, 5, &hold);
    start(&cache, &second, 0, &other);
    compute(&cache, &second, 5, &other);
    prefix_cache_take(&cache, 2);
    ck_assert_int_eq(prefix_cache_release(&cache, 2, &hold), 7);
    release(&cache, &other);
    prefix_cache_take(&cache, 10); /* 8 that nobody used and the 2 others */
    assert_match(&cache, &first, 5, 5);
    prefix_cache_take(&cache, 2);
    assert_match(&cache, &first, 3, 3);
    start(&cache, &first, 1, &hold);
    prefix_cache_take(&cache, 3);
    assert_match(&cache, &first, 1, 0);
    assert_match(&cache, &second, 4, 4);
    ck_assert_int_eq(cache.free_blocks, 4);
    release(&cache, &hold);
    prefix_cache_fini(&cache);
}
END_TEST

/* What two compute at once is cached once; what lies behind it is shared all the same, and whoever
 * shares it holds both parts. */
START_TEST(test_computed_twice)
{
    enum { HOLDS = 3 };
    const int orders[][HOLDS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct prefix_chain chain = chain_of(hashes_ab, 2, 1);
    for (size_t i = 0; i < COUNT(orders); i++) {
        struct prefix_cache cache;
        struct prefix_hold holds[HOLDS];
        ck_assert(prefix_cache_init(&cache, 200));
        start(&cache, &chain, 0, &holds[0]);
        start(&cache, &chain, 0, &holds[1]);
        compute(&cache, &chain, 32, &holds[0]);
        compute(&cache, &chain, 64, &holds[1]);
        ck_assert_int_eq(holds[1].cached_blocks, 32);
        start(&cache, &chain, 64, &holds[2]);
        ck_assert_int_eq(cache.detour_count, 1);
        int64_t freed = 0;
        for (int j = 0; j < HOLDS; j++)
            freed += release(&cache, &holds[orders[i][j]]);
        ck_assert_int_eq(freed, 96);
        ck_assert_int_eq(cache.free_blocks, 200);
        ck_assert_int_eq(cache.detour_count, 0);
        assert_match(&cache, &chain, 64, 64);
        prefix_cache_fini(&cache);
    }
}
END_TEST

/* Cached blocks begin before, in, and behind what is inserted. */
START_TEST(test_inserted_around_cached_blocks)
{
    struct prefix_cache cache;
    struct prefix_hold ahead, follower, last;
    struct prefix_chain chain = chain_of(hashes_ab, 2, 1);
    ck_assert(prefix_cache_init(&cache, 200));
    start(&cache, &chain, 0, &ahead);
    compute(&cache, &chain, 32, &ahead);
    start(&cache, &chain, 20, &last);
    compute(&cache, &chain, 30, &last);
    ck_assert_int_eq(last.cached_blocks, 20);
    compute(&cache, &chain, 40, &last);
    ck_assert_int_eq(last.cached_blocks, 28);
    release(&cache, &last);

    /* Blocks 8 … 15 outlive the ones before them. */
    start(&cache, &chain, 0, &follower);
    release(&cache, &ahead);
    prefix_cache_take(&cache, 200);
    ck_assert_int_eq(prefix_cache_release(&cache, 200, &ahead), 200);
    compute(&cache, &chain, 8, &ahead);
    compute(&cache, &chain, 16, &follower);
    release(&cache, &ahead);
    prefix_cache_take(&cache, 184);
    assert_match(&cache, &chain, 0, 0);
    prefix_cache_release(&cache, 184, &ahead);
    compute(&cache, &chain, 20, &ahead);
    ck_assert_int_eq(ahead.cached_blocks, 12);
    assert_match(&cache, &chain, 20, 0);
    release(&cache, &ahead);
    release(&cache, &follower);
    prefix_cache_fini(&cache);
}
END_TEST

START_TEST(test_extended_in_place)
{
    struct prefix_cache cache;
    struct prefix_hold hold, other;
    struct prefix_chain chain = chain_of(hashes_ab, 2, 1);
    ck_assert(prefix_cache_init(&cache, 1000));
    start(&cache, &chain, 0, &hold);
    for (int32_t to_block = 1; to_block <= 200; to_block++)
        compute(&cache, &chain, to_block, &hold);
    ck_assert_int_eq(cache.keyed_count, 3);
    start(&cache, &chain, 200, &other);
    compute(&cache, &chain, 210, &hold); /* not the other's */
    ck_assert_int_eq(cache.keyed_count, 4);
    ck_assert_int_eq(release(&cache, &hold), 10);
    ck_assert_int_eq(release(&cache, &other), 200);
    prefix_cache_fini(&cache);
}
END_TEST

START_TEST(test_version)
{
    struct prefix_cache cache;
    struct prefix_hold hold, other;
    struct prefix_chain chain = chain_of(hashes_ab, 2, 1);
    ck_assert(prefix_cache_init(&cache, 200));
    int64_t version = cache.version;
    start(&cache, &chain, 0, &hold);
    prefix_cache_take(&cache, 10);
    ck_assert_int_eq(cache.version, version);
    ck_assert(prefix_cache_insert(&cache, &chain, 10, &hold));
    ck_assert_int_gt(cache.version, version);
    version = cache.version;
    start(&cache, &chain, 10, &other); /* all of it referenced already */
    release(&cache, &other);
    release(&cache, &hold);
    ck_assert_int_eq(cache.version, version);
    start(&cache, &chain, 10, &other);
    ck_assert_int_gt(cache.version, version);
    release(&cache, &other);
    prefix_cache_fini(&cache);
}
END_TEST

START_TEST(test_second_tier)
{
    struct prefix_cache first, second, none;
    struct prefix_hold hold;
    struct prefix_chain ab = chain_of(hashes_ab, 2, 1), ac = chain_of(hashes_ac, 2, 2);
    ck_assert(prefix_cache_init(&first, 200) && prefix_cache_init(&second, 40) &&
              prefix_cache_init(&none, 0));
    start(&first, &ab, 0, &hold);
    compute(&first, &ab, 36, &hold);
    ck_assert(prefix_cache_copy(&second, &first, 2, &hold));
    ck_assert(prefix_cache_copy(&none, &first, 2, &hold));
    ck_assert_int_eq(prefix_cache_match_from(&second, &ab, 3, INT32_MAX), 33);
    ck_assert_int_eq(prefix_cache_match_from(&second, &ab, 3, 10), 7);
    ck_assert_int_eq(prefix_cache_match_from(&second, &ab, 40, 10), 0);
    ck_assert_int_eq(prefix_cache_match_from(&none, &ab, 0, INT32_MAX), 0);
    release(&first, &hold);

    /* The shared part is used again; 4 blocks pass over what was used before it. */
    start(&first, &ac, 32, &hold);
    compute(&first, &ac, 38, &hold);
    ck_assert(prefix_cache_copy(&second, &first, 0, &hold));
    ck_assert_int_eq(prefix_cache_match_from(&second, &ac, 0, INT32_MAX), 38);
    ck_assert_int_eq(prefix_cache_match_from(&second, &ab, 0, INT32_MAX), 34);

    /* More than it holds: the beginning stays. */
    compute(&first, &ac, 100, &hold);
    ck_assert(prefix_cache_copy(&second, &first, 100, &hold));
    ck_assert_int_eq(prefix_cache_match_from(&second, &ac, 0, INT32_MAX), 40);
    ck_assert_int_eq(second.free_blocks, 40);
    release(&first, &hold);
    prefix_cache_fini(&first);
    prefix_cache_fini(&second);
    prefix_cache_fini(&none);
}
END_TEST

START_TEST(test_more_blocks_than_indices)
{
    struct prefix_cache cache;
    const int64_t blocks = INT64_C(1) << 40;
    struct prefix_hold hold = PREFIX_HOLD_NONE;
    ck_assert(prefix_cache_init(&cache, blocks));
    ck_assert_int_eq(cache.free_blocks, blocks);
    prefix_cache_take(&cache, blocks - 1);
    ck_assert_int_eq(prefix_cache_release(&cache, blocks - 1, &hold), blocks - 1);
    prefix_cache_fini(&cache);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_shared_prefix,      test_blocks_across_ids,
                                  test_last_id_is_partial, test_evicted_from_the_end,
                                  test_computed_twice,     test_inserted_around_cached_blocks,
                                  test_extended_in_place,  test_version,
                                  test_second_tier,        test_more_blocks_than_indices};
    return unit_run("prefix_cache", tests, COUNT(tests));
}
