/* All-reduce and all-gather over n tensor-parallel ranks, of a message of S bytes.
 *
 *     PCIe:    α + 2(n−1)/n·S/β                                  ring
 *     NVLink:  min(a1 + h(n−1) +   (n−1)  ·S/(V·b1),             one-shot: everyone reads everyone
 *                  a2 + h(n−1) + 2(n−1)/n·S/(V·b2))              two-shot: scatter, then gather
 *              a + 2(n−1)/n·S/(V·b·(n/8)^e)                      above 8 MiB, NCCL
 *
 * One-shot and two-shot are the kernels of vLLM's custom all-reduce (csrc/custom_all_reduce.cuh),
 * which leaves messages of more than 8 MiB to NCCL. */
#include "operators.h"

#include <math.h>

static const double custom_limit_bytes = 8.0 * 1024.0 * 1024.0;

static double nvlink_s(const struct interconnect *link, double ranks, double bytes)
{
    double bandwidth = link->bandwidth_bytes_per_s;
    double others = ranks - 1.0;
    double ring_bytes = 2.0 * others / ranks * bytes;
    if (bytes > custom_limit_bytes) {
        /* Fitted to 2 to 8 ranks; beyond, no more than the wire. */
        double scale = pow(ranks / 8.0, link->large_rank_exponent);
        double efficiency = fmin(link->large_efficiency * scale, 1.0);
        return link->large_s + ring_bytes / (bandwidth * efficiency);
    }
    double one_shot_s = link->one_shot_s + others * bytes / (bandwidth * link->one_shot_efficiency);
    double two_shot_s = link->two_shot_s + ring_bytes / (bandwidth * link->two_shot_efficiency);
    return fmin(one_shot_s, two_shot_s) + link->per_rank_s * others;
}

struct cost all_reduce_cost(const struct interconnect *interconnect, int ranks,
                            double message_bytes)
{
    double n = ranks;
    double time_s = 0.0;
    if (ranks > 1 && interconnect->kind == INTERCONNECT_PCIE)
        time_s = interconnect->latency_s +
                 2.0 * (n - 1.0) / n * message_bytes / interconnect->bandwidth_bytes_per_s;
    else if (ranks > 1)
        time_s = nvlink_s(interconnect, n, message_bytes);
    return cost_of(0.0, BOUND_COMMUNICATION, time_s);
}

/* A ring all-gather is the second half of a ring all-reduce, and moves half as much. */
struct cost all_gather_cost(const struct interconnect *interconnect, int ranks,
                            double message_bytes)
{
    return all_reduce_cost(interconnect, ranks, message_bytes / 2.0);
}
