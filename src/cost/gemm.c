/* Matrix products: a roofline with a rounded knee.
 *
 *     F = 2·M·N·K                      FLOPs
 *     B = b·(M·K + K·N + M·N)          bytes of the three matrices, b an element
 *     t = t0 + pnorm(q·F / (P·ec), B / (W·em))
 *     q = 1 + γ·(ceil(w)/w − 1)  where w = ceil(M/128)·ceil(N/256)/S ≥ 1, and 1 below
 *
 * The roofline is Williams, Waterman, Patterson (CACM 2009); the p-norm instead of its maximum is
 * what measured kernels show near the ridge point. q is wave quantisation: w waves of 128 × 256
 * tiles over S SMs, the last of which is not full. Only the A100 shows it. */
#include "operators.h"

#include "accelerator_spec.h"

#include <math.h>

double cost_pnorm(double a, double b, double p)
{
    double larger = fmax(a, b), smaller = fmin(a, b);
    if (larger <= 0.0)
        return 0.0;
    return larger * pow(1.0 + pow(smaller / larger, p), 1.0 / p);
}

static double wave_factor(const struct accelerator *accelerator, const struct gemm_shape *shape)
{
    double tiles = ceil(shape->rows / 128.0) * ceil(shape->columns / 256.0);
    double waves = tiles / (double)accelerator->sm_count;
    if (waves < 1.0)
        return 1.0;
    return 1.0 + accelerator->gemm.wave_quantisation * (ceil(waves) / waves - 1.0);
}

struct cost gemm_cost(const struct accelerator *accelerator, int dtype,
                      const struct gemm_shape *shape)
{
    const struct gemm_efficiency *fit = &accelerator->gemm;
    double m = shape->rows, n = shape->columns, k = shape->inner;
    double peak = accelerator_flops_per_s(accelerator, dtype);
    double compute_s =
        wave_factor(accelerator, shape) * 2.0 * m * n * k / (peak * fit->compute_efficiency);
    double memory_s =
        gemm_bytes(shape) / (accelerator->memory_bandwidth_bytes_per_s * fit->memory_efficiency);
    struct cost cost = cost_of(fit->fixed_s, compute_s > memory_s ? BOUND_COMPUTE : BOUND_MEMORY,
                               cost_pnorm(compute_s, memory_s, fit->roofline_sharpness));
    cost.flops = 2.0 * shape->useful_rows * n * k;
    cost.bytes = shape->weight_bytes * k * n;
    return cost;
}
