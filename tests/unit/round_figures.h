/* An accelerator with which equations are worked out by hand: round figures, not those of any. Tests
 * take terms away by making a part endlessly fast. */
#ifndef LLMSIM_TESTS_ROUND_FIGURES_H
#define LLMSIM_TESTS_ROUND_FIGURES_H

#include "cost_fixture.h"

#include "operators.h"

/* 10 SMs; 1 TB/s; 100 TFLOP/s, of which a tile reaches 5 on its SM; in fp8 200, of which it reaches
 * 10; 100 GB/s from L2 to an SM. */
static const struct accelerator round_figures = {
    .name = "round",
    .memory_bandwidth_bytes_per_s = 1e12,
    .fp32_flops_per_s = 20e12,
    .bf16_flops_per_s = 100e12,
    .fp16_flops_per_s = NAN,
    .fp8_flops_per_s = 200e12,
    .int8_flops_per_s = NAN,
    .fp4_flops_per_s = NAN,
    .sm_count = 10,
    .flash_attention = 2,
    .l2_cache_bytes = 10e6,
    .gemm = {.fixed_s = 7e-6,
             .compute_efficiency = 0.5,
             .memory_efficiency = 0.5,
             .memory_ramp_s = 0.0,
             .roofline_sharpness = 2.0,
             .wave_quantisation = 0.5,
             .tile_s = 1e-6,
             .sm_bandwidth_bytes_per_s = 100e9,
             .split_s = 2e-6},
    .gemm_8bit = {.compute_efficiency = 0.5,
                  .wave_quantisation = 0.25,
                  .tile_s = 3e-6,
                  .sm_bandwidth_bytes_per_s = 50e9,
                  .tiles = GEMM_TILES_128,
                  .quantise_s = 3e-6,
                  .quantise_efficiency = 0.5,
                  .quantise_row_elements = 100.0},
    .decode_attention = {.fixed_s = 10e-6,
                         .per_sequence_s = 2e-6,
                         .memory_efficiency = 0.5,
                         .split_s = 4e-6,
                         .tail_s_per_token = 0.1e-6},
    .prefill_attention = {.fixed_s = 5e-6,
                          .per_tile_s = 1e-6,
                          .compute_efficiency = 0.5,
                          .empty_tile_s = 0.25e-6,
                          .critical_path = 0.5,
                          .exposed_traffic = 0.25},
    .elementwise = {.fixed_s = 2e-6, .l2_bandwidth_bytes_per_s = 2e12, .l2_resident_fraction = 0.5},
    .moe = {.fixed_s = 20e-6,
            .compute_efficiency = 0.5,
            .memory_efficiency = 0.5,
            .roofline_sharpness = 2.0},
    .interconnect = {.kind = INTERCONNECT_NVLINK,
                     .bandwidth_bytes_per_s = 100e9,
                     .one_shot_s = 5e-6,
                     .one_shot_efficiency = 0.5,
                     .two_shot_s = 10e-6,
                     .two_shot_efficiency = 0.5,
                     .custom_limit_bytes = 1e6,
                     .per_rank_s = 1e-6,
                     .ring_s = 50e-6,
                     .ring_efficiency = 0.8,
                     .ring_rank_exponent = 1.0,
                     .gather_s = 6e-6,
                     .gather_per_rank_s = 1e-6,
                     .gather_efficiency = 0.25,
                     .gather_long_s = 14e-6,
                     .gather_long_efficiency = 0.5,
                     .gather_rank_exponent = 1.0},
};

/* So fast that it takes no time. */
#define ENDLESSLY_FAST 1e40

#endif
