/* A mixture of experts (Shazeer et al. 2017): T tokens, k experts of h × f each, over ep ranks.
 *
 * Routing: expert i of E is chosen with a probability that goes as i^−s, q_i = min(1, k·i^−s/Σ), so
 *
 *     active = Σ (1 − (1 − q_i)^T)/ep                       experts of a rank with any token
 *     pairs  = T·k/ep · imbalance                           of the busiest rank
 *     imbalance = min(ep, 1 + c·CV(q)/√(E/ep))              what the largest of ep sums of E/ep
 *                                                           draws has, c = Φ⁻¹(0.5264^(1/ep))
 *
 * The kernel (vLLM's fused_moe, a grouped GEMM up and one down) pads the rows of each expert to blocks
 * of b = 16 where T ≤ E/ep, else 64; for weights of 4 bits (Marlin) to the smallest of 8, 16, 32 and 64
 * that holds the pairs of an active expert:
 *
 *     rows = max(b·active, pairs + b/2·active)
 *     w    = (gated: 3, else 2)·h·f
 *     t    = t0 + pnorm(2·w·rows/(P·ec), bw·w·active/(W·em))
 *          + ba·T·k·(3·h + 2·(3 or 2)·f)/(W·em)             gather, activation and sum over experts
 *
 * (T·k: those of its own pairs, where a rank is given no other tokens)
 *
 * with bw and ba bytes an element of weights and activations. */
#include "operators.h"

#include "accelerator_spec.h"

#include <gsl/gsl_cdf.h>
#include <math.h>

/* A probability of 1 is reached by at most k of them. */
enum { CAPPING_ROUNDS = 8 };

/* The factor of i^−s that makes the probabilities, each at most 1, add up to k. */
static double probability_scale(const struct moe_routing *routing)
{
    int experts = (int)routing->experts;
    double scale = 0.0;
    int certain = 0; /* the first so many are chosen by every token */
    for (int round = 0; round < CAPPING_ROUNDS; round++) {
        double sum = 0.0;
        for (int i = certain; i < experts; i++)
            sum += pow(i + 1.0, -routing->skew);
        scale = (routing->experts_per_token - certain) / sum;
        int now = certain;
        while (now < experts && scale * pow(now + 1.0, -routing->skew) > 1.0)
            now++;
        if (now == certain)
            break;
        certain = now;
    }
    return scale;
}

double moe_largest_deviation(double ranks)
{
    return gsl_cdf_ugaussian_Pinv(pow(0.5264, 1.0 / ranks));
}

static double default_imbalance(double ranks, double mean, double mean_square, double local_experts)
{
    double deviation = sqrt(fmax(mean_square - mean * mean, 0.0)) / mean;
    return fmin(1.0 + moe_largest_deviation(ranks) * deviation / sqrt(local_experts), ranks);
}

void moe_route(const struct moe_routing *routing, double tokens, double *active_experts,
               double *pairs)
{
    double experts = routing->experts, ranks = routing->ranks;
    double mean_pairs = tokens * routing->experts_per_token / ranks;
    double imbalance = fmax(routing->imbalance, 1.0);
    double active = 0.0;
    if (routing->skew == 0.0) {
        active = experts * -expm1(tokens * log1p(-routing->experts_per_token / experts));
    } else {
        double scale = probability_scale(routing), sum = 0.0, squares = 0.0;
        for (int i = 0; i < (int)experts; i++) {
            double chosen = fmin(scale * pow(i + 1.0, -routing->skew), 1.0);
            active += chosen < 1.0 ? -expm1(tokens * log1p(-chosen)) : 1.0;
            sum += chosen;
            squares += chosen * chosen;
        }
        if (ranks > 1.0 && routing->imbalance == 0.0)
            imbalance = default_imbalance(ranks, sum / experts, squares / experts, experts / ranks);
    }
    *active_experts = active / ranks;
    *pairs = mean_pairs * imbalance;
}

static double matrix_elements(const struct moe_shape *shape)
{
    return (shape->gated ? 3.0 : 2.0) * shape->hidden * shape->inner;
}

static double activation_traffic(const struct moe_shape *shape)
{
    return shape->activation_bytes * shape->moved_pairs *
           (3.0 * shape->hidden + 2.0 * (shape->gated ? 3.0 : 2.0) * shape->inner);
}

double moe_bytes(const struct moe_shape *shape)
{
    return shape->weight_bytes * matrix_elements(shape) * shape->active_experts +
           activation_traffic(shape);
}

static double block_rows(const struct moe_shape *shape)
{
    double block = 8.0;
    if (shape->weight_bytes >= 1.0)
        return shape->tokens <= shape->local_experts ? 16.0 : 64.0;
    while (block < 64.0 && block * shape->active_experts < shape->pairs)
        block *= 2.0;
    return block;
}

struct cost moe_cost(const struct accelerator *accelerator, int dtype,
                     const struct moe_shape *shape)
{
    const struct moe_efficiency *fit = &accelerator->moe;
    double block = block_rows(shape);
    double rows =
        fmax(block * shape->active_experts, shape->pairs + block / 2.0 * shape->active_experts);
    double elements = matrix_elements(shape);
    double bandwidth = accelerator->memory_bandwidth_bytes_per_s * fit->memory_efficiency;
    double weight_bytes = shape->weight_bytes * elements * shape->active_experts;
    double compute_s = 2.0 * elements * rows /
                       (accelerator_flops_per_s(accelerator, dtype) * fit->compute_efficiency);
    double weights_s = weight_bytes / bandwidth;
    double activations_s = activation_traffic(shape) / bandwidth;
    struct cost cost =
        cost_of(fit->fixed_s, compute_s > weights_s + activations_s ? BOUND_COMPUTE : BOUND_MEMORY,
                cost_pnorm(compute_s, weights_s, fit->roofline_sharpness) + activations_s);
    cost.flops = 2.0 * elements * shape->pairs * shape->useful_tokens / shape->tokens;
    cost.bytes = weight_bytes;
    return cost;
}
