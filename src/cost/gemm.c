/* Matrix products: a grid of tiles over the SMs against a stream from memory.
 *
 *     F = 2·M·N·K FLOPs,  B bytes of the three matrices,  T = B/W
 *     memory:   Tm = T/em + √(τ·T)                          a short stream never reaches full speed
 *     compute:  Tc = min over kernels: tiles bm × bn, the inner dimension split s times
 *               u  = max(2·bm·bn·S/(P·ec), (ba·bm + bw·bn)/ws)     one tile, one step along K
 *               w  = ceil(M/bm)·ceil(N/bn)·s/S,  w' = max(1, w + γ·(ceil(w) − w))        waves
 *               Tc = w'·(tl + K/s·u) + (s > 1: tr + 8·s·M·N/(ws·S))
 *     t = t0 + pnorm(Tc, Tm)
 *
 * with ba and bw bytes an element of activations and weights. A tile computes, or waits for its
 * operands from L2; the library picks the kernel that is fastest for a shape, small tiles or a split
 * K for few rows, which reach all SMs, large ones for many; partial sums are written and read in
 * fp32. (The roofline is Williams, Waterman, Patterson, CACM 2009; tiles, waves and split-K are
 * NVIDIA's "Matrix Multiplication Background User's Guide" and CUTLASS.) One roofline over the whole
 * product, without tiles, has 1.3 to 3 times the error on measured kernels.
 *
 * Where activations are quantised to 8 bits first, that is a pass over them:
 *
 *     t += tq + 3·M·(K + k0)/(W·eq)                         2 bytes in, 1 out, an element */
#include "operators.h"

#include "accelerator_spec.h"

#include <llmsim/model.h>
#include <math.h>

/* A kernel computes tiles of so many rows and columns; [0] is the only one of GEMM_TILES_128. */
static const struct tile {
    double rows, columns;
} tiles[] = {{128, 128}, {16, 64}, {64, 64}, {64, 128}, {128, 256}};
enum { TILE_KINDS = sizeof tiles / sizeof *tiles, LARGEST_SPLIT = 16 };

double cost_pnorm(double a, double b, double p)
{
    double larger = fmax(a, b), smaller = fmin(a, b);
    if (larger <= 0.0)
        return 0.0;
    return larger * pow(1.0 + pow(smaller / larger, p), 1.0 / p);
}

/* What the tiles of a product have to reckon with. */
struct tiling {
    double sms;
    double sm_flops_per_s; /* that a tile reaches */
    double sm_bandwidth, wave_quantisation, tile_s, split_s;
    double activation_bytes, weight_bytes; /* an element */
    int tile_kinds, largest_split;
};

static struct tiling tiling_of(const struct accelerator *accelerator, int dtype,
                               const struct gemm_shape *shape)
{
    const struct gemm_efficiency *fit = &accelerator->gemm;
    const struct gemm_8bit_efficiency *fit_8bit = &accelerator->gemm_8bit;
    bool eight = dtype == DTYPE_FP8 || dtype == DTYPE_INT8;
    double sms = (double)accelerator->sm_count;
    double efficiency = eight ? fit_8bit->compute_efficiency : fit->compute_efficiency;
    return (struct tiling){
        .sms = sms,
        .sm_flops_per_s = accelerator_flops_per_s(accelerator, dtype) * efficiency / sms,
        .sm_bandwidth = eight ? fit_8bit->sm_bandwidth_bytes_per_s : fit->sm_bandwidth_bytes_per_s,
        .wave_quantisation = eight ? fit_8bit->wave_quantisation : fit->wave_quantisation,
        .tile_s = eight ? fit_8bit->tile_s : fit->tile_s,
        .split_s = fit->split_s,
        .activation_bytes = shape->activation_bytes,
        .weight_bytes = shape->weight_bytes,
        .tile_kinds = eight && fit_8bit->tiles == GEMM_TILES_128 ? 1 : TILE_KINDS,
        .largest_split = eight ? 1 : LARGEST_SPLIT,
    };
}

static double tile_time(const struct tiling *tiling, const struct tile *tile, double split,
                        const struct gemm_shape *shape)
{
    double operands = tile->rows * tiling->activation_bytes + tile->columns * tiling->weight_bytes;
    double unit_s = fmax(2.0 * tile->rows * tile->columns / tiling->sm_flops_per_s,
                         operands / tiling->sm_bandwidth);
    double grid = ceil(shape->rows / tile->rows) * ceil(shape->columns / tile->columns) * split;
    double waves = grid / tiling->sms;
    waves = fmax(1.0, waves + tiling->wave_quantisation * (ceil(waves) - waves));
    double time_s = waves * (tiling->tile_s + shape->inner / split * unit_s);
    if (split > 1.0)
        time_s += tiling->split_s +
                  8.0 * split * shape->rows * shape->columns / (tiling->sm_bandwidth * tiling->sms);
    return time_s;
}

/* The kernel that is fastest for the shape. */
static double compute_time(const struct tiling *tiling, const struct gemm_shape *shape)
{
    double least_s = INFINITY;
    for (int i = 0; i < tiling->tile_kinds; i++) {
        for (int split = 1; split <= tiling->largest_split; split *= 2)
            least_s = fmin(least_s, tile_time(tiling, &tiles[i], split, shape));
    }
    return least_s;
}

struct cost gemm_batch_cost(const struct accelerator *accelerator, int dtype,
                            const struct gemm_shape *shape, double matrices)
{
    const struct gemm_efficiency *fit = &accelerator->gemm;
    struct tiling tiling = tiling_of(accelerator, dtype, shape);
    double compute_s = compute_time(&tiling, shape);
    double weight_bytes = shape->weight_bytes * shape->inner * shape->columns;
    double bytes = gemm_bytes(shape) + (matrices - 1.0) * weight_bytes;
    double stream_s = bytes / accelerator->memory_bandwidth_bytes_per_s;
    double memory_s = stream_s / fit->memory_efficiency + sqrt(fit->memory_ramp_s * stream_s);
    struct cost cost = cost_of(fit->fixed_s, compute_s > memory_s ? BOUND_COMPUTE : BOUND_MEMORY,
                               cost_pnorm(compute_s, memory_s, fit->roofline_sharpness));
    cost.flops = 2.0 * shape->useful_rows * shape->columns * shape->inner;
    cost.bytes = matrices * weight_bytes;
    return cost;
}

struct cost gemm_cost(const struct accelerator *accelerator, int dtype,
                      const struct gemm_shape *shape)
{
    return gemm_batch_cost(accelerator, dtype, shape, 1.0);
}

struct cost quantise_cost(const struct accelerator *accelerator, double rows, double columns)
{
    const struct gemm_8bit_efficiency *fit = &accelerator->gemm_8bit;
    double bytes = 3.0 * rows * (columns + fit->quantise_row_elements);
    double bandwidth = accelerator->memory_bandwidth_bytes_per_s * fit->quantise_efficiency;
    return cost_of(fit->quantise_s, BOUND_MEMORY, bytes / bandwidth);
}
