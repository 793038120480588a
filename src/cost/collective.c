/* Collectives over n ranks, of a message of S bytes; o = n − 1 others.
 *
 * All-reduce (2·o/n·S is what a ring sends a rank):
 *
 *     NVLink:  S ≤ limit   h·o + min(a1 + o·S/(V·b1),               one-shot: everyone reads everyone
 *                                    a2 + 2·o/n·S/(V·b2))           two-shot: scatter, then gather
 *              else        h·o + a + 2·o/n·S/(V·b·(n/8)^e)          ring
 *     PCIe:    n = 2, S ≤ limit   a1 + S/(V·b1)                     one-shot
 *              else        h·o + min(a2 + o·S/(V·b2),               NCCL, low-latency protocol
 *                                    a + 2·o/n·S/(V·b·(n/8)^e))     NCCL, ring
 *
 * One-shot and two-shot are the kernels of vLLM's custom all-reduce (csrc/custom_all_reduce.cuh),
 * which leaves longer messages to NCCL.
 *
 * All-gather and reduce-scatter, where S is the message of all ranks together, and all-to-all, where
 * S is what one rank has for all of them: w = o/n·S is what one sends:
 *
 *     g + gh·o + min(w/(V·gb), gl + w/(V·glb·(n/8)^ge)) */
#include "operators.h"

#include <math.h>

/* Fitted to 2 to 8 ranks; beyond, no more than the wire. */
static double of_ranks(double efficiency, double ranks, double exponent)
{
    return fmin(efficiency * pow(ranks / 8.0, exponent), 1.0);
}

static double ring_s(const struct interconnect *link, double ranks, double bytes)
{
    double efficiency = of_ranks(link->ring_efficiency, ranks, link->ring_rank_exponent);
    return link->ring_s +
           2.0 * (ranks - 1.0) / ranks * bytes / (link->bandwidth_bytes_per_s * efficiency);
}

static double nvlink_s(const struct interconnect *link, double ranks, double bytes)
{
    double bandwidth = link->bandwidth_bytes_per_s;
    double others = ranks - 1.0;
    if (bytes > link->custom_limit_bytes)
        return link->per_rank_s * others + ring_s(link, ranks, bytes);
    double one_shot_s = link->one_shot_s + others * bytes / (bandwidth * link->one_shot_efficiency);
    double two_shot_s =
        link->two_shot_s + 2.0 * others / ranks * bytes / (bandwidth * link->two_shot_efficiency);
    return link->per_rank_s * others + fmin(one_shot_s, two_shot_s);
}

static double pcie_s(const struct interconnect *link, double ranks, double bytes)
{
    double bandwidth = link->bandwidth_bytes_per_s;
    double others = ranks - 1.0;
    if (ranks == 2.0 && bytes <= link->custom_limit_bytes)
        return link->one_shot_s + bytes / (bandwidth * link->one_shot_efficiency);
    double low_latency_s =
        link->low_latency_s + others * bytes / (bandwidth * link->low_latency_efficiency);
    return link->per_rank_s * others + fmin(low_latency_s, ring_s(link, ranks, bytes));
}

struct cost all_reduce_cost(const struct interconnect *interconnect, int ranks,
                            double message_bytes)
{
    double time_s = 0.0;
    if (ranks > 1 && interconnect->kind == INTERCONNECT_PCIE)
        time_s = pcie_s(interconnect, ranks, message_bytes);
    else if (ranks > 1)
        time_s = nvlink_s(interconnect, ranks, message_bytes);
    return cost_of(0.0, BOUND_COMMUNICATION, time_s);
}

struct cost exchange_cost(const struct interconnect *interconnect, int ranks, double message_bytes)
{
    const struct interconnect *link = interconnect;
    if (ranks < 2)
        return cost_of(0.0, BOUND_COMMUNICATION, 0.0);
    double others = ranks - 1.0;
    double sent_s = others / ranks * message_bytes / link->bandwidth_bytes_per_s;
    double efficiency = of_ranks(link->gather_long_efficiency, ranks, link->gather_rank_exponent);
    double time_s =
        link->gather_s + link->gather_per_rank_s * others +
        fmin(sent_s / link->gather_efficiency, link->gather_long_s + sent_s / efficiency);
    return cost_of(0.0, BOUND_COMMUNICATION, time_s);
}

/* Half of an exchange between two. */
struct cost point_to_point_cost(const struct interconnect *interconnect, double bytes)
{
    return exchange_cost(interconnect, 2, 2.0 * bytes);
}
