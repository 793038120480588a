/* Attention over the cache, by hand: decodes split and whole, mixed batches of tiles, windows. */
#include "round_figures.h"

/* 8 query heads on 2 KV heads, 100 wide, in 16 bits: 800 bytes of cache a token. */
static const struct attention_shape round_shape = {
    .layers = 1.0,
    .window = INFINITY,
    .query_heads = 8.0,
    .kv_heads = 2.0,
    .head_dim = 100.0,
    .value_dim = 100.0,
    .element_bytes = 2.0,
    .kv_bytes_per_token = 800.0,
    .flops_per_s = 100e12,
};

static struct attention attention_of(const struct accelerator *accelerator,
                                     struct attention_shape shape)
{
    struct attention attention;
    attention_init(&attention, accelerator, &shape);
    return attention;
}

static double decode_s(const struct attention *attention, int32_t sequences, int32_t context)
{
    struct step_load load = fixture_decodes(sequences, context);
    return attention_decode_cost(attention, &load).time_s;
}

static struct step_load chunks_load(const struct prefill_chunk *chunks, int32_t count)
{
    struct step_load load = {.chunk_count = count, .chunks = chunks};
    for (int32_t i = 0; i < count; i++)
        load.tokens += chunks[i].tokens;
    return load;
}

static double mixed_s(const struct attention *attention, const struct step_load *load)
{
    return attention_mixed_cost(attention, load).time_s;
}

/* 10 µs; 2 µs·2/10 = 0.4 µs a sequence; at 0.5 TB/s 1.6 ns a token of context and 6.4 ns a sequence for
 * its 3200 bytes of query and output. */
START_TEST(test_split_decodes)
{
    struct attention attention = attention_of(&round_figures, round_shape);
    struct step_load load = fixture_decodes(3, 1000);
    struct cost cost = attention_decode_cost(&attention, &load);
    double variable_s = sqrt(1.2e-6 * 1.2e-6 + 4.8192e-6 * 4.8192e-6);
    assert_near(cost.time_s, 14e-6 + variable_s); /* 4 µs of adding up */
    assert_near(cost.bound_s[BOUND_OVERHEAD], 14e-6);
    assert_near(cost.bound_s[BOUND_MEMORY], variable_s);
    ck_assert_double_eq(cost.flops, 4.0 * 8 * 100 * 3000);
    ck_assert_double_eq(cost.bytes, 2.4e6);
    /* Contexts below 512 tokens are not split: 3·511·1.6 + 19.2 ns. */
    assert_near(decode_s(&attention, 3, 511), 10e-6 + sqrt(1.2e-6 * 1.2e-6 + 2.472e-6 * 2.472e-6));
    assert_near(decode_s(&attention, 3, 512),
                14e-6 + sqrt(1.2e-6 * 1.2e-6 + 2.4768e-6 * 2.4768e-6));
    /* All of it for each layer. */
    struct attention_shape layers = round_shape;
    layers.layers = 5.0;
    attention = attention_of(&round_figures, layers);
    assert_near(decode_s(&attention, 3, 1000), 5.0 * (14e-6 + variable_s));
}
END_TEST

/* From 1.6·10/2 = 8 sequences on, contexts are whole. One SM walks through them at 0.1 µs a token. */
START_TEST(test_whole_decodes)
{
    struct accelerator accelerator = round_figures;
    struct attention attention = attention_of(&accelerator, round_shape);
    double block_s = 7 * 0.4e-6, stream_s = 7 * (1.6e-6 + 6.4e-9);
    assert_near(decode_s(&attention, 7, 1000),
                14e-6 + sqrt(block_s * block_s + stream_s * stream_s));
    /* One wave of blocks: 100 µs for 1000 tokens, more than the stream's 12.8512. */
    block_s = 8 * 0.4e-6;
    assert_near(decode_s(&attention, 8, 1000), 10e-6 + sqrt(block_s * block_s + 1e-8));
    /* 20 sequences are 20·2/(2·10) = 2 waves: half of 100 µs, behind 20·1.6064. */
    block_s = 20 * 0.4e-6;
    stream_s = 32.128e-6 + 50e-6;
    assert_near(decode_s(&attention, 20, 1000),
                10e-6 + sqrt(block_s * block_s + stream_s * stream_s));
    /* The longest context counts, not the mean. */
    struct step_load load = fixture_decodes(20, 1000);
    load.decode_context_max = 3000;
    stream_s = 32.128e-6 + 150e-6;
    assert_near(attention_decode_cost(&attention, &load).time_s,
                10e-6 + sqrt(block_s * block_s + stream_s * stream_s));
    /* An SM that walks at 1 ns a token keeps up with the stream in one wave. */
    accelerator.decode_attention.tail_s_per_token = 1e-9;
    attention = attention_of(&accelerator, round_shape);
    block_s = 3.2e-6;
    stream_s = 12.8512e-6;
    assert_near(decode_s(&attention, 8, 1000),
                10e-6 + sqrt(block_s * block_s + stream_s * stream_s));
}
END_TEST

/* Padding decides whether contexts are split, but it is no waves. */
START_TEST(test_padded_decodes)
{
    struct attention attention = attention_of(&round_figures, round_shape);
    struct decode_attention five = attention_decode_prepare(&attention, 5, 5);
    struct decode_attention eight = attention_decode_prepare(&attention, 5, 8);
    ck_assert_double_eq(five.split_s, 4e-6);
    ck_assert_double_eq(five.floor_s_per_token, 0.0);
    ck_assert_double_eq(eight.split_s, 0.0);
    ck_assert_double_eq(eight.floor_s_per_token, 0.1e-6);
    ck_assert_double_eq(eight.block_s, five.block_s);
    struct cost cost = attention_decode_finish(&attention, &eight, 5000.0, 1000.0);
    assert_near(cost.time_s, 10e-6 + sqrt(2e-6 * 2e-6 + 1e-8));
    /* 3 KV heads: 5·3 blocks are fewer than 1.6·10, 6·3 are not. */
    struct attention_shape shape = round_shape;
    shape.kv_heads = 3.0;
    attention = attention_of(&round_figures, shape);
    ck_assert_double_eq(attention_decode_prepare(&attention, 5, 5).split_s, 4e-6);
    ck_assert_double_eq(attention_decode_prepare(&attention, 6, 6).split_s, 0.0);
}
END_TEST

/* A KV head of its own for every query head: version 2 never splits, version 3 up to 1.6·10/8 = 2. */
START_TEST(test_own_heads)
{
    struct accelerator accelerator = round_figures;
    struct attention_shape shape = round_shape;
    shape.kv_heads = 8.0;
    shape.kv_bytes_per_token = 3200.0;
    struct attention attention = attention_of(&accelerator, shape);
    double block_s = 2e-6 * 8 / 10;
    assert_near(decode_s(&attention, 1, 1000), 10e-6 + sqrt(block_s * block_s + 1e-8));
    accelerator.flash_attention = 3;
    attention = attention_of(&accelerator, shape);
    double read_s = 6.4e-6 + 6.4e-9;
    assert_near(decode_s(&attention, 1, 1000), 14e-6 + sqrt(block_s * block_s + read_s * read_s));
}
END_TEST

/* A token of context is 4·8·100 FLOPs: at 1 TFLOP/s, half of it reached, 6.4 ns are more than 1.6. */
START_TEST(test_decodes_bound_by_compute)
{
    struct attention_shape shape = round_shape;
    shape.flops_per_s = 1e12;
    struct attention attention = attention_of(&round_figures, shape);
    struct step_load load = fixture_decodes(3, 500);
    struct cost cost = attention_decode_cost(&attention, &load);
    ck_assert_double_eq(cost.bound_s[BOUND_MEMORY], 0.0);
    double stream_s = 9.6e-6 + 19.2e-9;
    assert_near(cost.bound_s[BOUND_COMPUTE], sqrt(1.2e-6 * 1.2e-6 + stream_s * stream_s));
}
END_TEST

/* Contexts of 100 and 1000 tokens, of which a window of 256 leaves 356. */
START_TEST(test_window_of_decodes)
{
    struct attention_shape shape = round_shape;
    shape.window = 256.0;
    struct attention attention = attention_of(&round_figures, shape);
    struct step_load load = {.tokens = 2,
                             .decode_sequences = 2,
                             .decode_context_sum = 1100,
                             .decode_context_max = 1000,
                             .decode_window_sum = 356,
                             .emitting_sequences = 2};
    struct cost cost = attention_decode_cost(&attention, &load);
    double stream_s = 356 * 1.6e-9 + 2 * 6.4e-9;
    /* 256 tokens are not split. */
    assert_near(cost.time_s, 10e-6 + sqrt(0.8e-6 * 0.8e-6 + stream_s * stream_s));
    ck_assert_double_eq(cost.flops, 4.0 * 8 * 100 * 356);
    ck_assert_double_eq(cost.bytes, 800.0 * 356);
}
END_TEST

/* A chunk of 200 tokens over 300, and decodes of 400 and 600: τ = 4·64·100·10/(50e12), 5.12 ns. */
static struct step_load mixed_load(void)
{
    static const struct prefill_chunk chunk = {200, 300};
    return (struct step_load){.tokens = 202,
                              .decode_sequences = 2,
                              .decode_context_sum = 1000,
                              .decode_context_max = 600,
                              .emitting_sequences = 2,
                              .chunk_count = 1,
                              .chunks = &chunk};
}

/* The norm of 6 that joins computing and the reading of the cache. */
static double rounded_maximum(double a, double b)
{
    return pow(pow(a, 6.0) + pow(b, 6.0), 1.0 / 6.0);
}

/* A quarter of 3200 bytes of queries and results and 800 of keys and values a token, at 1 TB/s. */
static double new_tokens_s(double tokens)
{
    return 0.25 * 4000.0 * tokens / 1e12;
}

START_TEST(test_mixed)
{
    struct attention attention = attention_of(&round_figures, round_shape);
    struct step_load load = mixed_load();
    /* Four tiles that see 300 + 132 tokens, one a decode; grids are as long as the longest: 4·3. */
    double tau = 5.12e-9;
    double busy = 4 * (1e-6 + tau * 432) + 2 * 1e-6 + tau * 1000 + 0.25e-6 * (12 - 6);
    double longest = 1e-6 + tau * 600;
    double compute_s = 8.0 / 10 * busy + 0.5 * longest;
    /* 400 bytes·1500 in a KV head are little of 10 MB: read once, at 0.5 TB/s. */
    double variable_s = rounded_maximum(compute_s, 800.0 * 1500 / 0.5e12);
    struct cost cost = attention_mixed_cost(&attention, &load);
    assert_near(cost.time_s, 5e-6 + variable_s + new_tokens_s(202));
    assert_near(cost.bound_s[BOUND_COMPUTE], variable_s);
    assert_near(cost.bound_s[BOUND_MEMORY], new_tokens_s(202));
    ck_assert_double_eq(cost.flops, 4.0 * 8 * 100 * (200 * 300 + 200 * 201 / 2 + 1000));
    ck_assert_double_eq(cost.bytes, 800.0 * 1500);
}
END_TEST

/* Chunks of 200 tokens over 300 and of 10 over 100: 4 tiles that see 432, and one that sees 110 (less than
 * half a tile ahead); 2·4 − 5 with nothing to do, in whatever order they come. */
START_TEST(test_uneven_chunks)
{
    const struct prefill_chunk chunks[2][2] = {{{200, 300}, {10, 100}}, {{10, 100}, {200, 300}}};
    struct attention attention = attention_of(&round_figures, round_shape);
    double tau = 5.12e-9;
    double busy = 5 * 1e-6 + tau * (4 * 432 + 110) + 3 * 0.25e-6;
    double compute_s = 0.8 * busy + 0.5 * (1e-6 + tau * 500);
    for (int i = 0; i < 2; i++) {
        struct step_load load = chunks_load(chunks[i], 2);
        assert_near(mixed_s(&attention, &load),
                    5e-6 + rounded_maximum(compute_s, 800.0 * 610 / 0.5e12) + new_tokens_s(210));
    }
}
END_TEST

/* Nothing ends before its longest tile does: one of a lone decode with 8 heads on 1000 SMs. */
START_TEST(test_critical_path)
{
    struct accelerator accelerator = round_figures;
    accelerator.sm_count = 1000;
    accelerator.memory_bandwidth_bytes_per_s = ENDLESSLY_FAST;
    struct attention attention = attention_of(&accelerator, round_shape);
    const struct prefill_chunk chunk = {64, 1000};
    struct step_load load = chunks_load(&chunk, 1);
    /* τ = 0.512 µs. One tile: D = 1 + τ·1064; A + D/2, with 8/1000 of 1 + τ·1064, is less. */
    assert_near(mixed_s(&attention, &load), 5e-6 + 1e-6 + 0.512e-6 * 1064);
    accelerator.prefill_attention.critical_path = 1.0;
    attention = attention_of(&accelerator, round_shape);
    double tile_s = 1e-6 + 0.512e-6 * (1000 + 64); /* (64 + 64)/2 of its own */
    assert_near(mixed_s(&attention, &load), 5e-6 + 1.008 * tile_s);
}
END_TEST

/* FlashAttention 3: tiles of 128 rows, of which 4 are the query heads of one token: 32 tokens. */
START_TEST(test_packed_heads)
{
    struct accelerator accelerator = round_figures;
    accelerator.flash_attention = 3;
    accelerator.l2_cache_bytes = 1.0; /* everything misses; nothing is read again even so */
    struct attention attention = attention_of(&accelerator, round_shape);
    struct step_load load = mixed_load();
    double tau = 10.24e-9;
    double busy = 7 * (1e-6 + tau * (300 + 116)) + 2 * 1e-6 + tau * 1000 + 0.25e-6 * (21 - 9);
    double compute_s = 8.0 / 40 * busy + 0.5 * (1e-6 + tau * 600);
    assert_near(mixed_s(&attention, &load),
                5e-6 + rounded_maximum(compute_s, 800.0 * 1500 / 0.5e12) + new_tokens_s(202));
}
END_TEST

/* With 1 MB of L2, where tiles take no time. A KV head of 2500 tokens is 1 MB: half misses. */
START_TEST(test_reading_again)
{
    struct accelerator accelerator = round_figures;
    accelerator.l2_cache_bytes = 1e6;
    accelerator.prefill_attention.per_tile_s = accelerator.prefill_attention.empty_tile_s = 0.0;
    struct attention_shape shape = round_shape;
    shape.flops_per_s = ENDLESSLY_FAST;
    struct attention attention = attention_of(&accelerator, shape);
    const struct {
        struct prefill_chunk chunk;
        double reads;
    } cases[] = {
        {{500, 1000}, 1.0}, /* 0.6 of the L2 stays */
        {{500, 2000}, 2.2}, /* 8 tiles: 1.25 heads at once, (4 + 0.25)/1.25 = 3.4 times */
        {{640, 1860}, 2.5}, /* 10 tiles: a head at a time, 4 times */
        {{2500, 0}, 2.5},   /* 40 tiles: no less than a head */
        {{64, 2436}, 1.15}, /* one tile: 10 heads at once, (4 + 9)/10 = 1.3 times */
        {{500, 3000}, 3.4}, /* 1.4 of the L2: all of it misses */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct prefill_chunk *chunk = &cases[i].chunk;
        struct step_load load = chunks_load(chunk, 1);
        double tokens = chunk->tokens + chunk->context_tokens;
        struct cost cost = attention_mixed_cost(&attention, &load);
        assert_near(cost.time_s,
                    5e-6 + 800.0 * tokens * cases[i].reads / 0.5e12 + new_tokens_s(chunk->tokens));
        ck_assert_double_eq(cost.bytes, 800.0 * tokens); /* needed once */
        assert_near(cost.bound_s[BOUND_MEMORY], cost.time_s - 5e-6);
    }
}
END_TEST

/* Scores of 8 heads, written and read twice: 64 bytes a pair of tokens, at 0.5 TB/s. */
START_TEST(test_unfused)
{
    struct attention_shape shape = round_shape;
    struct attention fused = attention_of(&round_figures, shape);
    shape.unfused = true;
    struct attention unfused = attention_of(&round_figures, shape);
    struct step_load load = mixed_load();
    double pairs = 200.0 * 500 + 1000; /* mask or not */
    struct cost cost = attention_mixed_cost(&unfused, &load);
    assert_near(cost.time_s, mixed_s(&fused, &load) + 64.0 * pairs / 0.5e12);
    ck_assert_double_eq(cost.bytes, 800.0 * 1500 + 64.0 * pairs);
    ck_assert_double_eq(cost.flops, attention_mixed_cost(&fused, &load).flops);
    /* Of decodes they join the stream: 3·500·(1.6 + 0.128) + 19.2 ns. */
    double stream_s = 3 * 500 * 1.728e-9 + 19.2e-9;
    assert_near(decode_s(&unfused, 3, 500), 10e-6 + sqrt(1.2e-6 * 1.2e-6 + stream_s * stream_s));
}
END_TEST

/* Pairs of a query token and a key token that it sees, one by one. */
static double count_pairs(int32_t tokens, int32_t context, double window)
{
    double pairs = 0.0;
    for (int32_t i = 0; i < tokens; i++)
        pairs += fmin(context + i + 1.0, window);
    return pairs;
}

/* Keys that a tile of so many query tokens walks through, of all its tiles. */
static double count_keys(int32_t tokens, int32_t context, double window, int32_t rows)
{
    double keys = 0.0;
    for (int32_t first = 0; first < tokens; first += rows) {
        int32_t last = first + rows < tokens ? first + rows - 1 : tokens - 1;
        double seen_from = fmax(0.0, context + first + 1.0 - window);
        keys += context + last + 1.0 - seen_from;
    }
    return keys;
}

START_TEST(test_windows_of_chunks)
{
    static const int32_t lengths[] = {1, 2, 31, 64, 65, 100, 128, 200, 1000};
    static const int32_t contexts[] = {0, 1, 50, 99, 100, 101, 400};
    static const double windows[] = {1.0, 64.0, 100.0, 128.0, 600.0, INFINITY};
    struct accelerator accelerator = round_figures;
    accelerator.memory_bandwidth_bytes_per_s = ENDLESSLY_FAST;
    accelerator.prefill_attention =
        (struct prefill_attention_efficiency){.compute_efficiency = 0.5};
    for (size_t i = 0; i < COUNT(lengths) * COUNT(contexts) * COUNT(windows); i++) {
        int32_t tokens = lengths[i % COUNT(lengths)];
        int32_t context = contexts[i / COUNT(lengths) % COUNT(contexts)];
        double window = windows[i / COUNT(lengths) / COUNT(contexts)];
        struct attention_shape shape = round_shape;
        shape.window = window;
        struct attention attention = attention_of(&accelerator, shape);
        struct prefill_chunk chunks[20];
        for (size_t j = 0; j < COUNT(chunks); j++)
            chunks[j] = (struct prefill_chunk){tokens, context};
        struct step_load load = chunks_load(chunks, COUNT(chunks));
        struct cost cost = attention_mixed_cost(&attention, &load);
        assert_near(cost.flops, 3200.0 * COUNT(chunks) * count_pairs(tokens, context, window));
        /* So many chunks that the longest tile does not matter: 0.8·5.12 ns a key of a tile. Half a
         * tile too many at one edge of the window and half too few at the other. */
        double keys = cost.time_s / (0.8 * 5.12e-9 * COUNT(chunks));
        double tiles = (tokens + 63) / 64;
        ck_assert_msg(fabs(keys - count_keys(tokens, context, window, 64)) <= 33.0 * tiles,
                      "%g keys of %d over %d in a window of %g", keys, tokens, context, window);
    }
}
END_TEST

/* 200 tokens over 300 with a window of 100: all 200·100 pairs; 4 tiles that see 100 + 32 each. */
START_TEST(test_window_of_chunk)
{
    struct attention_shape shape = round_shape;
    shape.window = 100.0;
    struct attention attention = attention_of(&round_figures, shape);
    const struct prefill_chunk chunk = {200, 300};
    struct step_load load = chunks_load(&chunk, 1);
    double tau = 5.12e-9;
    double compute_s = 0.8 * 4 * (1e-6 + tau * 132) + 0.5 * (1e-6 + tau * 164);
    struct cost cost = attention_mixed_cost(&attention, &load);
    assert_near(cost.time_s,
                5e-6 + rounded_maximum(compute_s, 800.0 * 300 / 0.5e12) + new_tokens_s(200));
    ck_assert_double_eq(cost.bytes, 800.0 * 300);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_split_decodes,
                                  test_whole_decodes,
                                  test_padded_decodes,
                                  test_own_heads,
                                  test_decodes_bound_by_compute,
                                  test_window_of_decodes,
                                  test_mixed,
                                  test_uneven_chunks,
                                  test_critical_path,
                                  test_packed_heads,
                                  test_reading_again,
                                  test_unfused,
                                  test_windows_of_chunks,
                                  test_window_of_chunk};
    return unit_run("attention", tests, COUNT(tests));
}
