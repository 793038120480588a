/* The roofline: operators against values worked out by hand, steps against physics. */
#include "cost_fixture.h"

#include "operators.h"
#include "roofline.h"
#include <math.h>

/* Round figures: 100 TFLOP/s, 1 TB/s, 10 SMs, 10 MB of L2. */
static const struct accelerator round_figures = {
    .name = "round",
    .memory_bandwidth_bytes_per_s = 1e12,
    .bf16_flops_per_s = 100e12,
    .sm_count = 10,
    .l2_cache_bytes = 10e6,
    .gemm = {1e-6, 0.5, 0.5, 2.0, 0.0},
    .decode_attention = {10e-6, 2e-6, 0.5, 1e-7},
    .prefill_attention = {5e-6, 1e-6, 0.5, 0.25e-6, 0.5},
    .elementwise = {2e-6, 2e12, 0.5},
    .interconnect = {.kind = INTERCONNECT_PCIE, .latency_s = 30e-6, .bandwidth_bytes_per_s = 1e9},
};

START_TEST(test_gemm_by_hand)
{
    struct accelerator accelerator = round_figures;
    /* Compute: 2·100·300·500/(100e12·0.5) = 0.6 µs. Memory: 2·(50000 + 150000 + 30000) bytes over
     * 0.5e12 bytes/s = 0.92 µs. p = 2. */
    struct gemm_shape shape = {100, 90, 300, 500, 2, 2};
    struct cost cost = gemm_cost(&accelerator, DTYPE_BF16, &shape);
    double variable_s = sqrt(0.6e-6 * 0.6e-6 + 0.92e-6 * 0.92e-6);
    ck_assert_double_eq_tol(cost.time_s, 1e-6 + variable_s, 1e-18);
    ck_assert_double_eq_tol(cost.bound_s[BOUND_OVERHEAD], 1e-6, 1e-18);
    ck_assert_double_eq_tol(cost.bound_s[BOUND_MEMORY], variable_s, 1e-18);
    ck_assert_double_eq(cost.flops, 2.0 * 90 * 300 * 500); /* padding is no work */
    ck_assert_double_eq(cost.bytes, 2.0 * 300 * 500);

    /* 3 · 4 tiles on 10 SMs are 1.2 waves, which take 2: with γ = 0.5, 1 + 0.5·(2/1.2 − 1) = 4/3 of
     * the compute time. A p of 1 adds the two. */
    accelerator.gemm = (struct gemm_efficiency){0.0, 1.0, 1.0, 1.0, 0.5};
    shape = (struct gemm_shape){300, 300, 1000, 1000, 2, 2};
    cost = gemm_cost(&accelerator, DTYPE_BF16, &shape);
    ck_assert_double_eq_tol(cost.time_s, 6e-6 * 4.0 / 3.0 + 2.0 * (300e3 + 1e6 + 300e3) / 1e12,
                            1e-16);
    ck_assert_double_gt(cost.bound_s[BOUND_COMPUTE], 0.0);
}
END_TEST

START_TEST(test_pnorm)
{
    ck_assert_double_eq(cost_pnorm(3.0, 4.0, 2.0), 5.0);
    ck_assert_double_eq(cost_pnorm(0.0, 0.0, 2.0), 0.0);
    ck_assert_double_eq(cost_pnorm(0.0, 4.0, 1.6), 4.0);
    ck_assert_double_eq_tol(cost_pnorm(3.0, 4.0, 100.0), 4.0, 1e-9);
}
END_TEST

START_TEST(test_elementwise_by_hand)
{
    /* 4 MB stay within half of 10 MB: 4e6/2e12 = 2 µs. */
    struct cost cost = elementwise_cost(&round_figures, 4e6);
    ck_assert_double_eq_tol(cost.time_s, 4e-6, 1e-15);
    /* Of 6 MB, 1 MB spills: 3 µs + 1e6·(1/0.5e12 − 1/2e12) = 4.5 µs. */
    cost = elementwise_cost(&round_figures, 6e6);
    ck_assert_double_eq_tol(cost.time_s, 2e-6 + 4.5e-6, 1e-15);
}
END_TEST

START_TEST(test_collectives_by_hand)
{
    const struct interconnect *pcie = &round_figures.interconnect;
    ck_assert_double_eq(all_reduce_cost(pcie, 1, 1e6).time_s, 0.0);
    ck_assert_double_eq_tol(all_reduce_cost(pcie, 2, 1e6).time_s, 30e-6 + 1e-3, 1e-12);
    ck_assert_double_eq_tol(all_reduce_cost(pcie, 4, 1e6).time_s, 30e-6 + 1.5e-3, 1e-12);
    ck_assert_double_eq_tol(all_gather_cost(pcie, 4, 1e6).time_s, 30e-6 + 0.75e-3, 1e-12);

    const struct interconnect nvlink = {.kind = INTERCONNECT_NVLINK,
                                        .bandwidth_bytes_per_s = 100e9,
                                        .one_shot_s = 5e-6,
                                        .one_shot_efficiency = 0.5,
                                        .two_shot_s = 10e-6,
                                        .two_shot_efficiency = 0.5,
                                        .per_rank_s = 1e-6,
                                        .large_s = 50e-6,
                                        .large_efficiency = 0.8,
                                        .large_rank_exponent = 1.0};
    /* One-shot: 5 + 3 + 3·1e3/50e9; two-shot would be 10 + 3 + …. */
    struct cost cost = all_reduce_cost(&nvlink, 4, 1e3);
    ck_assert_double_eq_tol(cost.time_s, 8e-6 + 0.06e-6, 1e-15);
    ck_assert_double_eq(cost.bound_s[BOUND_COMMUNICATION], cost.time_s);
    /* Two-shot: 10 + 3 + 1.5·1e6/50e9. */
    ck_assert_double_eq_tol(all_reduce_cost(&nvlink, 4, 1e6).time_s, 13e-6 + 30e-6, 1e-15);
    /* NCCL at half of its share of the bandwidth: 50 + 1.5·1e7/40e9. */
    ck_assert_double_eq_tol(all_reduce_cost(&nvlink, 4, 1e7).time_s, 50e-6 + 375e-6, 1e-14);
}
END_TEST

static struct attention round_attention(bool unfused)
{
    struct attention_shape shape = {1, 8, 2, 100, 100, 2, 800, 100e12, unfused};
    struct attention attention;
    attention_init(&attention, &round_figures, &shape);
    return attention;
}

START_TEST(test_decode_attention_by_hand)
{
    struct attention attention = round_attention(false);
    /* 3 decodes of 1000 tokens: 10 µs + 2 µs·3·2/10 + (2·2·2·100·3000 + 2·2·3·8·100)/0.5e12. */
    struct step_load load = fixture_decodes(3, 1000);
    double expected = 10e-6 + 1.2e-6 + (2.4e6 + 9600.0) / 0.5e12;
    struct cost cost = attention_decode_cost(&attention, &load);
    ck_assert_double_eq_tol(cost.time_s, expected, 1e-16);
    ck_assert_double_eq(cost.flops, 4.0 * 8 * 100 * 3000);
    ck_assert_double_eq(cost.bytes, 2.4e6);
    /* The tail: 0.1 µs·1000/(3·2/10). */
    attention.decode_tail_from = 3;
    cost = attention_decode_cost(&attention, &load);
    ck_assert_double_eq_tol(cost.time_s, expected + 1e-4 / 0.6, 1e-15);
}
END_TEST

START_TEST(test_mixed_attention_by_hand)
{
    struct attention attention = round_attention(false);
    /* A chunk of 200 tokens over 300, and 2 decodes of 1000 tokens in all, the longer one 600. */
    const struct prefill_chunk chunk = {200, 300};
    struct step_load load = {.tokens = 202,
                             .decode_sequences = 2,
                             .decode_context_sum = 1000,
                             .decode_context_max = 600,
                             .emitting_sequences = 2,
                             .chunk_count = 1,
                             .chunks = &chunk};
    double tau = 4.0 * 64 * 100 * 10 / 50e12; /* 5.12 ns */
    double busy = 4 * (1e-6 + tau * (300 + 132)) + 2 * 1e-6 + tau * 1000;
    double throughput = 8.0 / 10 * (busy + 0.25e-6 * (4 * 3 - 6));
    double longest = 1e-6 + tau * 600;
    double kv_bytes = 2.0 * 2 * 2 * 100 * 1500; /* 600 kB a KV head of 10 MB of L2: no misses */
    double expected = 5e-6 + fmax(throughput + 0.5 * longest, kv_bytes / 1e12);
    struct cost cost = attention_mixed_cost(&attention, &load);
    ck_assert_double_eq_tol(cost.time_s, expected, 1e-15);
    ck_assert_double_eq(cost.flops, 4.0 * 8 * 100 * (200 * 300 + 200 * 201 / 2 + 1000));
    ck_assert_double_eq(cost.bytes, kv_bytes);

    attention = round_attention(true);
    double score_s = 4.0 * 2 * 8 * (200.0 * 500 + 1000) / 0.5e12;
    cost = attention_mixed_cost(&attention, &load);
    ck_assert_double_eq_tol(cost.time_s, expected + score_s, 1e-15);
}
END_TEST

START_TEST(test_padding)
{
    const int32_t pairs[][2] = {{1, 1},     {2, 2},     {3, 4},     {4, 4},     {5, 8},
                                {8, 8},     {9, 16},    {17, 24},   {249, 256}, {256, 256},
                                {257, 272}, {500, 512}, {512, 512}, {513, 513}, {8192, 8192}};
    for (size_t i = 0; i < COUNT(pairs); i++)
        ck_assert_int_eq(roofline_padded_tokens(pairs[i][0], 256, 8192), pairs[i][1]);
    /* Nothing is captured beyond twice max_num_seqs, nor beyond the budget. */
    ck_assert_int_eq(roofline_padded_tokens(13, 8, 8192), 16);
    ck_assert_int_eq(roofline_padded_tokens(17, 8, 8192), 17);
    ck_assert_int_eq(roofline_padded_tokens(3, 1, 8192), 3);
    ck_assert_int_eq(roofline_padded_tokens(99, 256, 100), 99);
    ck_assert_int_eq(roofline_padded_tokens(2000000000, 2000000000, 2000000000), 2000000000);
}
END_TEST

START_TEST(test_decode_is_bound_by_weights)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-2-7b", "a100-sxm-80gb");
    struct step_load load = fixture_decodes(1, 100);
    struct cost cost = fixture_step(&fixture, 1, &load);
    /* 13.48 GB at 2039 GB/s are 6.6 ms. */
    ck_assert_double_gt(cost.time_s, 6.6e-3);
    ck_assert_double_lt(cost.time_s, 6.6e-3 * 1.8);
    ck_assert_double_gt(cost.bound_s[BOUND_MEMORY], 0.7 * cost.time_s);
    /* Every weight but the embedding's other rows and the norms, once; the KV cache, once. */
    double h = 4096;
    double matrices = 6738415616.0 - 32000 * h - 65 * h;
    ck_assert_double_eq_tol(cost.flops, 2.0 * matrices + 32 * 4.0 * h * 100, 1.0);
    ck_assert_double_eq_tol(cost.bytes, 2.0 * matrices + 2 * h + 32 * 2 * 2 * h * (100 + 1), 1.0);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_what_helps_what)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-3.1-8b", "h100-sxm");
    const struct prefill_chunk chunk = {8192, 0};
    struct step_load prefill = fixture_prefill(&chunk), decode = fixture_decodes(32, 2000);
    double prefill_s = fixture_step(&fixture, 1, &prefill).time_s;
    double decode_s = fixture_step(&fixture, 1, &decode).time_s;

    struct fixture wide = fixture;
    wide.accelerator.memory_bandwidth_bytes_per_s *= 2.0;
    ck_assert_double_lt(fixture_step(&wide, 1, &decode).time_s, 0.7 * decode_s);
    ck_assert_double_gt(fixture_step(&wide, 1, &prefill).time_s, 0.9 * prefill_s);

    struct fixture fast = fixture;
    fast.accelerator.bf16_flops_per_s *= 2.0;
    ck_assert_double_lt(fixture_step(&fast, 1, &prefill).time_s, 0.7 * prefill_s);
    ck_assert_double_gt(fixture_step(&fast, 1, &decode).time_s, 0.97 * decode_s);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_dtype_chooses_the_peak)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-2-7b", "h100-sxm");
    struct cost_model cost_model = fixture_create(&fixture, 1);
    ck_assert_double_eq(cost_model.peak_flops_per_s, fixture.accelerator.fp16_flops_per_s);
    cost_model.destroy(cost_model.state);
    fixture.model.dtype = DTYPE_FP32;
    cost_model = fixture_create(&fixture, 1);
    ck_assert_double_eq(cost_model.peak_flops_per_s, fixture.accelerator.fp32_flops_per_s);
    ck_assert_double_eq(cost_model.peak_bytes_per_s,
                        fixture.accelerator.memory_bandwidth_bytes_per_s);
    cost_model.destroy(cost_model.state);
    fixture_fini(&fixture);
}
END_TEST

/* The bounds add up to the time, and nothing beats its peak. */
static void check_step(const struct fixture *fixture, int ranks, const struct step_load *load)
{
    struct cost_model cost_model = fixture_create(fixture, ranks);
    struct cost cost, again;
    cost_model.step(cost_model.state, load, &cost);
    cost_model.step(cost_model.state, load, &again);
    ck_assert(cost.time_s == again.time_s); /* filling a table changes nothing */
    double bounds_s = 0.0;
    for (int i = 0; i < BOUND_COUNT; i++)
        bounds_s += cost.bound_s[i];
    ck_assert_double_eq_tol(bounds_s, cost.time_s, 1e-12 * cost.time_s);
    ck_assert_double_lt(cost.flops, cost.time_s * cost_model.peak_flops_per_s);
    ck_assert_double_lt(cost.bytes, cost.time_s * cost_model.peak_bytes_per_s);
    cost_model.destroy(cost_model.state);
}

START_TEST(test_sums)
{
    static const char *const models[] = {"llama-2-7b", "llama-3.1-70b", "qwen3-8b"};
    static const char *const accelerators[] = {"a100-sxm-80gb", "h100-sxm", "rtx-4090",
                                               "rtx-pro-6000"};
    const struct prefill_chunk chunks[] = {{1, 70}, {64, 0}, {65, 4000}, {3000, 0}};
    for (size_t i = 0; i < COUNT(models) * COUNT(accelerators); i++) {
        struct fixture fixture;
        fixture_init(&fixture, models[i % COUNT(models)], accelerators[i / COUNT(models)]);
        for (int ranks = 1; ranks <= 8; ranks *= 8) {
            struct step_load load = fixture_decodes(1, 1);
            check_step(&fixture, ranks, &load);
            load = fixture_decodes(200, 3000);
            check_step(&fixture, ranks, &load);
            load = fixture_prefill(&chunks[3]);
            load.emitting_sequences = 0; /* the prompt goes on in the next step */
            check_step(&fixture, ranks, &load);
            load = (struct step_load){.tokens = 3130 + 100,
                                      .decode_sequences = 100,
                                      .decode_context_sum = 70000,
                                      .decode_context_max = 1500,
                                      .emitting_sequences = 103,
                                      .chunk_count = 4,
                                      .chunks = chunks};
            check_step(&fixture, ranks, &load);
            load.idle_sequences = 30;
            check_step(&fixture, ranks, &load);
        }
        fixture_fini(&fixture);
    }
}
END_TEST

static double relative_difference(double a, double b)
{
    return fabs(a - b) / b;
}

/* A padded chunk takes as long as one that is that long, and computes what it computes. */
START_TEST(test_padded_chunks)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-2-7b", "a100-sxm-80gb");
    const struct prefill_chunk chunks[] = {{100, 0}, {700, 0}, {1000, 0}};
    const struct prefill_chunk equal[] = {{1000, 0}, {1000, 0}, {1000, 0}};
    struct step_load load = {
        .tokens = 1800, .emitting_sequences = 3, .chunk_count = 3, .chunks = chunks};
    struct step_load longest = {
        .tokens = 3000, .emitting_sequences = 3, .chunk_count = 3, .chunks = equal};
    struct cost useful = fixture_step(&fixture, 1, &load);
    load.padded_chunk_tokens = 1000;
    struct cost padded = fixture_step(&fixture, 1, &load);
    struct cost whole = fixture_step(&fixture, 1, &longest);
    ck_assert_double_eq_tol(padded.time_s, whole.time_s, 1e-12);
    ck_assert_double_gt(padded.time_s, 1.3 * useful.time_s);
    ck_assert_double_lt(relative_difference(padded.flops, useful.flops), 1e-9);
    ck_assert_double_eq(padded.bytes, useful.bytes);
    ck_assert_double_gt(whole.bytes, useful.bytes);
    fixture_fini(&fixture);
}
END_TEST

/* Rows that decode for nobody go through the layers, and have no context to attend to. */
START_TEST(test_idle_sequences)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-2-7b", "a100-sxm-80gb");
    struct step_load load = fixture_decodes(10, 1000), all = fixture_decodes(200, 1000);
    struct cost useful = fixture_step(&fixture, 1, &load);
    load.idle_sequences = 190;
    struct cost padded = fixture_step(&fixture, 1, &load);
    ck_assert_double_gt(padded.time_s, 1.02 * useful.time_s);
    ck_assert_double_lt(padded.time_s, 0.8 * fixture_step(&fixture, 1, &all).time_s);
    ck_assert_double_lt(relative_difference(padded.flops, useful.flops), 1e-9);
    double bounds_s = 0.0;
    for (int i = 0; i < BOUND_COUNT; i++)
        bounds_s += padded.bound_s[i];
    ck_assert_double_eq_tol(bounds_s, padded.time_s, 1e-12);
    ck_assert_double_eq(padded.bytes, useful.bytes);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_tensor_parallelism)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-3.1-70b", "h100-sxm");
    const struct prefill_chunk chunk = {4096, 0};
    struct step_load loads[] = {fixture_decodes(64, 1000), fixture_prefill(&chunk)};
    for (size_t i = 0; i < COUNT(loads); i++) {
        struct cost one = fixture_step(&fixture, 1, &loads[i]);
        struct cost two = fixture_step(&fixture, 2, &loads[i]);
        struct cost eight = fixture_step(&fixture, 8, &loads[i]);
        ck_assert_double_lt(two.time_s, one.time_s);
        ck_assert_double_gt(two.time_s, 0.5 * one.time_s);
        ck_assert_double_lt(eight.time_s, two.time_s);
        ck_assert_double_eq(one.bound_s[BOUND_COMMUNICATION], 0.0);
        ck_assert_double_gt(two.bound_s[BOUND_COMMUNICATION], 0.0);
        ck_assert_double_eq_tol(two.flops, one.flops / 2.0, 1e-9 * one.flops);
    }
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_unfused_attention_is_slower)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-2-7b", "a100-sxm-80gb");
    const struct prefill_chunk chunk = {4096, 0};
    struct step_load prefill = fixture_prefill(&chunk), decode = fixture_decodes(16, 2000);
    double prefill_s = fixture_step(&fixture, 1, &prefill).time_s;
    double decode_s = fixture_step(&fixture, 1, &decode).time_s;
    fixture.config.attention = ATTENTION_UNFUSED;
    /* 32 layers write and read 32 heads' 4096² scores in fp16, twice: 137 GB. */
    double traffic_s = 4.0 * 2 * 32 * 32 * 4096.0 * 4096.0 / 2039e9;
    ck_assert_double_gt(fixture_step(&fixture, 1, &prefill).time_s, prefill_s + traffic_s);
    ck_assert_double_gt(fixture_step(&fixture, 1, &decode).time_s, decode_s);
    fixture_fini(&fixture);
}
END_TEST

/* 1.6 · 188 SMs over 8 KV heads are 37.6 sequences: the first that pads to 40 is the 33rd. */
START_TEST(test_split_kv_switches_off)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-3.1-8b", "rtx-pro-6000");
    struct step_load loads[] = {fixture_decodes(32, 2000), fixture_decodes(33, 2000)};
    double tail_s[2];
    for (int i = 0; i < 2; i++) {
        double even_s = fixture_step(&fixture, 1, &loads[i]).time_s;
        loads[i].decode_context_max += 1000;
        tail_s[i] = fixture_step(&fixture, 1, &loads[i]).time_s - even_s;
    }
    ck_assert_double_eq_tol(tail_s[0], 0.0, 1e-12);
    ck_assert_double_eq_tol(tail_s[1], 32 * 0.0373e-6 * 1000 / (33.0 * 8 / 188), 1e-9);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_host_overhead)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-3.1-8b", "rtx-pro-6000");
    const struct prefill_chunk chunk = {100, 0};
    struct step_load prefill = fixture_prefill(&chunk), decode = fixture_decodes(4, 100);
    double prefill_s = fixture_step(&fixture, 1, &prefill).time_s;
    double decode_s = fixture_step(&fixture, 1, &decode).time_s;
    fixture.accelerator.host = (struct host_overhead){0};
    double sampler_s = 20e-6, sequence_s = 0.5e-6;
    ck_assert_double_eq_tol(prefill_s - fixture_step(&fixture, 1, &prefill).time_s,
                            5.5e-3 + sampler_s + sequence_s, 1e-12);
    ck_assert_double_eq_tol(decode_s - fixture_step(&fixture, 1, &decode).time_s,
                            sampler_s + 4 * sequence_s, 1e-12);
    fixture_fini(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_gemm_by_hand,
                                  test_pnorm,
                                  test_elementwise_by_hand,
                                  test_collectives_by_hand,
                                  test_decode_attention_by_hand,
                                  test_mixed_attention_by_hand,
                                  test_padding,
                                  test_decode_is_bound_by_weights,
                                  test_what_helps_what,
                                  test_dtype_chooses_the_peak,
                                  test_sums,
                                  test_padded_chunks,
                                  test_idle_sequences,
                                  test_tensor_parallelism,
                                  test_unfused_attention_is_slower,
                                  test_split_kv_switches_off,
                                  test_host_overhead};
    return unit_run("roofline", tests, COUNT(tests));
}
