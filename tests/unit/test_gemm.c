/* Matrix products by hand: which tiles, how many waves, a split inner dimension, the stream from
 * memory, and where both meet. */
#include "round_figures.h"

/* In 16 bits, no padding. */
static struct gemm_shape shape_of(double rows, double columns, double inner)
{
    return (struct gemm_shape){rows, rows, columns, inner, 2.0, 2.0, 2.0};
}

/* Tc alone: memory takes no time. */
static double tiles_s(struct accelerator accelerator, int dtype, struct gemm_shape shape)
{
    accelerator.memory_bandwidth_bytes_per_s = ENDLESSLY_FAST;
    return gemm_cost(&accelerator, dtype, &shape).time_s - accelerator.gemm.fixed_s;
}

/* Tm alone. */
static double stream_s(struct accelerator accelerator, struct gemm_shape shape)
{
    accelerator.bf16_flops_per_s = ENDLESSLY_FAST;
    accelerator.gemm.sm_bandwidth_bytes_per_s = ENDLESSLY_FAST;
    accelerator.gemm.tile_s = 0.0;
    return gemm_cost(&accelerator, DTYPE_BF16, &shape).time_s - accelerator.gemm.fixed_s;
}

START_TEST(test_pnorm)
{
    ck_assert_double_eq(cost_pnorm(3.0, 4.0, 2.0), 5.0);
    ck_assert_double_eq(cost_pnorm(4.0, 3.0, 1.0), 7.0);
    ck_assert_double_eq(cost_pnorm(0.0, 0.0, 2.0), 0.0);
    ck_assert_double_eq(cost_pnorm(0.0, 4.0, 1.6), 4.0);
    ck_assert_double_eq_tol(cost_pnorm(3.0, 4.0, 100.0), 4.0, 1e-9);
    /* Neither over- nor underflows on the way. */
    assert_near(cost_pnorm(3e-200, 4e-200, 2.0), 5e-200);
    assert_near(cost_pnorm(3e200, 4e200, 2.0), 5e200);
}
END_TEST

/* What a step along K takes a tile of bf16, computing at 5 TFLOP/s and fed at 100 GB/s:
 *     16 × 64     max(0.4096, 1.6)   = 1.6 ns        64 × 128    max(3.2768, 3.84)  = 3.84 ns
 *     64 × 64     max(1.6384, 2.56)  = 2.56 ns       128 × 128   max(6.5536, 5.12)  = 6.5536 ns
 *                                                    128 × 256   max(13.1072, 7.68) = 13.1072 ns
 * and 1 µs beside. */
START_TEST(test_large_tiles_for_many_rows)
{
    /* 10 · 10 tiles of 128 × 256 are 10 full waves of 1 + 13.1072 µs. Of 128 × 128 there would be 20, of
     * 7.5536 µs; of 64 × 128, 40 of 4.84 µs; the smaller, the worse. */
    assert_near(tiles_s(round_figures, DTYPE_BF16, shape_of(1280, 2560, 1000)), 141.072e-6);
}
END_TEST

/* 10 tiles of 64 × 64 are a wave of 1 + 2.56 µs; 5 of 64 × 128 one of 1 + 3.84; 40 of 16 × 64 four of
 * 1 + 1.6. */
START_TEST(test_small_tiles_reach_all_sms)
{
    assert_near(tiles_s(round_figures, DTYPE_BF16, shape_of(64, 640, 1000)), 3.56e-6);
}
END_TEST

START_TEST(test_partial_wave)
{
    struct accelerator accelerator = round_figures;
    struct gemm_shape shape = shape_of(128, 3072, 1000);
    /* 12 tiles of 128 × 256 are 1.2 waves, as long as 1.6 with γ = ½: 1.6 · 14.1072 = 22.57 µs. 24 of
     * 128 × 128 are 2.4, as long as 2.7: 2.7 · 7.5536 = 20.39472 µs. 48 of 64 × 128: 4.9 · 4.84 = 23.7. */
    assert_near(tiles_s(accelerator, DTYPE_BF16, shape), 20.39472e-6);
    /* γ = 0: 1.2 · 14.1072 µs are less than 2.4 · 7.5536. */
    accelerator.gemm.wave_quantisation = 0.0;
    assert_near(tiles_s(accelerator, DTYPE_BF16, shape), 16.92864e-6);
    /* γ = 1: 2 · 14.1072 µs are more than 3 · 7.5536. */
    accelerator.gemm.wave_quantisation = 1.0;
    assert_near(tiles_s(accelerator, DTYPE_BF16, shape), 22.6608e-6);
}
END_TEST

/* One tile of 16 × 64, with K = 16384. Split s times, it is s tiles of (1 + 26.2144/s) µs, and
 * 2 µs + 8·s·16·64/1e12 of adding up:
 *     s = 1   27.2144                                  s = 8    1 + 3.2768 + 2 + 0.065536 = 6.342336
 *     s = 4   1 + 6.5536 + 2 + 0.032768 = 9.586368     s = 16   1.8·(1 + 1.6384) + 2 + 0.131072 = 6.88
 * (16 tiles on 10 SMs are 1.6 waves, as long as 1.8). */
START_TEST(test_split_inner_dimension)
{
    struct accelerator accelerator = round_figures;
    struct gemm_shape shape = shape_of(16, 64, 16384);
    assert_near(tiles_s(accelerator, DTYPE_BF16, shape), 6.342336e-6);
    /* A single row takes as long, but for its own partial sums: 8·8·64/1e12 s. */
    assert_near(tiles_s(accelerator, DTYPE_BF16, shape_of(1, 64, 16384)), 6.2768e-6 + 0.004096e-6);
    /* 21 µs of adding up are not worth it: 27.2144 against 25.342336 µs still are, 23 µs are not. */
    accelerator.gemm.split_s = 21e-6;
    assert_near(tiles_s(accelerator, DTYPE_BF16, shape), 25.342336e-6);
    accelerator.gemm.split_s = 23e-6;
    assert_near(tiles_s(accelerator, DTYPE_BF16, shape), 27.2144e-6);
    /* Nobody splits 32 times: on 1000 SMs, 16 times 1 + 1.6384 + 2 + 8·16·1024/(100e9·1000). */
    accelerator = round_figures;
    accelerator.sm_count = 1000;
    accelerator.bf16_flops_per_s = ENDLESSLY_FAST;
    assert_near(tiles_s(accelerator, DTYPE_BF16, shape), 4.63840e-6 + 0.00131072e-6);
}
END_TEST

/* B = 2·(100·500 + 500·300 + 100·300) = 460 kB take 0.46 µs at full speed. */
START_TEST(test_memory)
{
    struct accelerator accelerator = round_figures;
    struct gemm_shape shape = shape_of(100, 300, 500);
    accelerator.gemm.split_s = 0.0;
    assert_near(stream_s(accelerator, shape), 0.92e-6);
    /* τ = 1 µs: √(1·0.46) µs more. */
    accelerator.gemm.memory_ramp_s = 1e-6;
    assert_near(stream_s(accelerator, shape), 0.92e-6 + 0.678232998312527e-6);
    ck_assert_double_eq(gemm_bytes(&shape), 460e3);
    /* Weights of 4 bits: 75 + 100 + 60 kB. */
    shape.weight_bytes = 0.5;
    ck_assert_double_eq(gemm_bytes(&shape), 235e3);
    accelerator.gemm.memory_ramp_s = 0.0;
    assert_near(stream_s(accelerator, shape), 0.47e-6);
    /* fp32 out. */
    shape.output_bytes = 4.0;
    assert_near(stream_s(accelerator, shape), 0.59e-6);
}
END_TEST

/* The two joined, with p = 2, and 7 µs on top. 1280 × 1000 times 1000 × 2560: 141.072 µs of tiles (above)
 * and 2·(1.28e6 + 2.56e6 + 3.2768e6) bytes at 0.5 TB/s, 28.4672 µs. */
START_TEST(test_whole)
{
    struct gemm_shape shape = shape_of(1280, 2560, 1000);
    shape.useful_rows = 1200;
    struct cost cost = gemm_cost(&round_figures, DTYPE_BF16, &shape);
    double variable_s = sqrt(141.072e-6 * 141.072e-6 + 28.4672e-6 * 28.4672e-6);
    assert_near(cost.time_s, 7e-6 + variable_s);
    assert_near(cost.bound_s[BOUND_OVERHEAD], 7e-6);
    assert_near(cost.bound_s[BOUND_COMPUTE], variable_s);
    ck_assert_double_eq(cost.bound_s[BOUND_MEMORY], 0.0);
    ck_assert_double_eq(cost.flops, 2.0 * 1200 * 2560 * 1000); /* padding is no work */
    ck_assert_double_eq(cost.bytes, 2.0 * 2560 * 1000);        /* activations stay on chip */
    /* At a tenth of the memory's speed, 284.672 µs. */
    struct accelerator slow = round_figures;
    slow.memory_bandwidth_bytes_per_s = 1e11;
    cost = gemm_cost(&slow, DTYPE_BF16, &shape);
    variable_s = sqrt(141.072e-6 * 141.072e-6 + 284.672e-6 * 284.672e-6);
    assert_near(cost.bound_s[BOUND_MEMORY], variable_s);
    ck_assert_double_eq(cost.bound_s[BOUND_COMPUTE], 0.0);
}
END_TEST

/* Both operands of 8 bits; 128 × 128 and no other: a step along K takes max(3.2768, 256/50 = 5.12) ns. */
START_TEST(test_8bit)
{
    struct accelerator accelerator = round_figures;
    struct gemm_shape shape = {300, 300, 1000, 1000, 1.0, 1.0, 2.0};
    /* 3 · 8 tiles are 2.4 waves, as long as 2.55 with γ = ¼, each of 3 + 5.12 µs. */
    assert_near(tiles_s(accelerator, DTYPE_FP8, shape), 20.706e-6);
    /* Nothing is split, however few tiles there are. */
    struct gemm_shape thin = {1, 1, 64, 16384, 1.0, 1.0, 2.0};
    assert_near(tiles_s(accelerator, DTYPE_FP8, thin), 3e-6 + 83.88608e-6);
    /* Fed faster, it computes: 3.2768 ns. */
    accelerator.gemm_8bit.sm_bandwidth_bytes_per_s = ENDLESSLY_FAST;
    assert_near(tiles_s(accelerator, DTYPE_FP8, thin), 3e-6 + 53.6870912e-6);
    /* Any tiles: one of 16 × 64, 80/50 = 1.6 ns. */
    accelerator = round_figures;
    accelerator.gemm_8bit.tiles = GEMM_TILES_ANY;
    assert_near(tiles_s(accelerator, DTYPE_FP8, thin), 3e-6 + 26.2144e-6);
    /* The rest is as in 16 bits: 7 µs, and B = 1e6 + 0.3e6 + 2·0.3e6 bytes at 0.5 TB/s. */
    double variable_s = sqrt(20.706e-6 * 20.706e-6 + 3.8e-6 * 3.8e-6);
    struct cost cost = gemm_cost(&round_figures, DTYPE_FP8, &shape);
    assert_near(cost.time_s, 7e-6 + variable_s);
    assert_near(cost.bytes, 1e6);
}
END_TEST

/* Weights of 8 bits that are multiplied in 16: the FLOPs of 16, less to read. */
START_TEST(test_weight_only)
{
    struct gemm_shape shape = shape_of(1280, 2560, 1000);
    double both_s = tiles_s(round_figures, DTYPE_BF16, shape);
    shape.weight_bytes = 1.0;
    assert_near(tiles_s(round_figures, DTYPE_BF16, shape), both_s); /* bound by multiplications */
    assert_near(gemm_cost(&round_figures, DTYPE_BF16, &shape).bytes, 2.56e6);
    /* Few rows are bound by what a tile waits for: (16·2 + 64·1)/100 = 0.96 ns, in place of 1.6. */
    shape = shape_of(16, 64, 16384);
    shape.weight_bytes = 1.0;
    assert_near(tiles_s(round_figures, DTYPE_BF16, shape),
                1e-6 + 2048 * 0.96e-9 + 2e-6 + 0.065536e-6);
}
END_TEST

/* 3 bytes for each of 100 · (500 + 100) elements at 0.5 TB/s: 0.36 µs. */
START_TEST(test_quantise)
{
    struct cost cost = quantise_cost(&round_figures, 100, 500);
    assert_near(cost.time_s, 3.36e-6);
    assert_near(cost.bound_s[BOUND_OVERHEAD], 3e-6);
    assert_near(cost.bound_s[BOUND_MEMORY], 0.36e-6);
    ck_assert_double_eq(cost.flops, 0.0);
}
END_TEST

/* fp32 runs without tensor cores: at a fifth of the speed, 10 · (1 + 65.536) µs in the tiles of above, or
 * 20 · (1 + 32.768), 40 · (1 + 16.384), 80 · (1 + 8.192) µs: the largest have least beside. */
START_TEST(test_dtype)
{
    assert_near(tiles_s(round_figures, DTYPE_FP32, shape_of(1280, 2560, 1000)), 665.36e-6);
}
END_TEST

/* 4 heads of 50 rows on a matrix each: the tiles of 200 rows, which wait for one head's weights; 4 times
 * 2·300·500 bytes of weights, 200 and 120 kB of rows. */
START_TEST(test_matrices)
{
    struct accelerator accelerator = round_figures;
    struct gemm_shape shape = shape_of(200, 300, 500);
    struct cost cost = gemm_batch_cost(&accelerator, DTYPE_BF16, &shape, 4.0);
    assert_near(cost.bytes, 1.2e6);
    assert_near(cost.flops, 2.0 * 200 * 300 * 500);
    double compute_s = tiles_s(accelerator, DTYPE_BF16, shape), memory_s = 1.52e6 / 0.5e12;
    assert_near(cost.time_s, 7e-6 + sqrt(compute_s * compute_s + memory_s * memory_s));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_pnorm,
                                  test_large_tiles_for_many_rows,
                                  test_small_tiles_reach_all_sms,
                                  test_partial_wave,
                                  test_split_inner_dimension,
                                  test_memory,
                                  test_whole,
                                  test_8bit,
                                  test_weight_only,
                                  test_quantise,
                                  test_dtype,
                                  test_matrices};
    return unit_run("gemm", tests, COUNT(tests));
}
