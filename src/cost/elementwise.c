/* Norms, rotary embedding, activations, copies: bytes, and nothing else.
 *
 *     t = el0 + B/W_L2 + max(0, B − φ·L2)·(1/(W·em) − 1/W_L2)
 *
 * Such a kernel finds what the one before it wrote in the L2 cache, as long as it is less than a
 * share φ of it; the rest comes at the speed of device memory. Leaving these kernels out makes a
 * model 2–5 % too fast. */
#include "operators.h"

#include <math.h>

struct cost elementwise_cost(const struct accelerator *accelerator, double moved_bytes)
{
    const struct elementwise_efficiency *fit = &accelerator->elementwise;
    double cached = 1.0 / fit->l2_bandwidth_bytes_per_s;
    double uncached =
        1.0 / (accelerator->memory_bandwidth_bytes_per_s * accelerator->gemm.memory_efficiency);
    double spilled =
        fmax(0.0, moved_bytes - fit->l2_resident_fraction * accelerator->l2_cache_bytes);
    double variable_s = moved_bytes * cached + spilled * fmax(0.0, uncached - cached);
    return cost_of(fit->fixed_s, BOUND_MEMORY, variable_s);
}
