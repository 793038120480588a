/* After vLLM's DPEngineCoreProc (vllm/v1/engine/core.py): a rank that has nothing to compute while
 * others have runs a dummy batch of one token, since the experts of a layer are spread over all of
 * them. Where this departs from it:
 *
 * - There the ranks find out every 32 steps that none has work left, and step on emptily until
 *   then; here they stop at once, so that an arrival finds them idle.
 * - There a step's rows may be padded to the largest rank's, for the sake of CUDA graphs; here each
 *   rank is padded by itself. */
#include "lockstep.h"

#include <llmsim/sim_time.h>

int64_t lockstep_next_event_ns(const struct replica *ranks, int32_t count)
{
    int64_t event_ns = SIM_TIME_NEVER;
    for (int32_t i = 0; i < count; i++) {
        if (ranks[i].in_flight != NULL)
            return ranks[i].in_flight->end_ns; /* as of all others */
        if (ranks[i].wake_ns < event_ns)
            event_ns = ranks[i].wake_ns;
    }
    return event_ns;
}

/* What its dummy batch costs a rank, which is part of the others' work: it holds some experts. It
 * is never the longest. */
static void count_idle_step(const struct replica *rank, int32_t group_rows)
{
    struct cost_model *cost_model = rank->setup->cost_model;
    const struct step_load dummy = {
        .tokens = 1,
        .decode_sequences = 1,
        .decode_context_sum = 1,
        .decode_context_max = 1,
        .decode_window_sum = rank->setup->sliding_window > 0 ? 1 : 0,
        .emitting_sequences = 1,
        .group_rows = group_rows,
    };
    struct cost cost;
    cost_model->step(cost_model->state, &dummy, &cost);
    rank->result->idle_steps++;
    rank->result->idle_flops += cost.flops;
    rank->result->idle_bytes += cost.bytes;
}

/* The rows of all ranks' plans; 0 when nobody has work. */
static int32_t prepare_steps(struct replica *ranks, int32_t count, int64_t now_ns)
{
    int32_t rows = 0, idle = 0;
    for (int32_t i = 0; i < count; i++) {
        if (ranks[i].in_flight != NULL)
            return 0;
        if (replica_prepare_step(&ranks[i], now_ns))
            rows += step_load_rows(&ranks[i].planned->load);
        else
            idle++;
    }
    return rows > 0 ? rows + idle : 0;
}

void lockstep_start_step(struct replica *ranks, int32_t count, int64_t now_ns)
{
    int32_t group_rows = prepare_steps(ranks, count, now_ns);
    if (group_rows == 0)
        return;
    double longest_s = 0.0;
    for (int32_t i = 0; i < count; i++) {
        struct step *step = ranks[i].planned;
        if (step == NULL) {
            count_idle_step(&ranks[i], group_rows);
            continue;
        }
        step->load.group_rows = group_rows;
        replica_cost_step(&ranks[i]);
        if (step->cost.time_s > longest_s)
            longest_s = step->cost.time_s;
    }
    int64_t end_ns = now_ns + sim_ns_from_s(longest_s);
    for (int32_t i = 0; i < count; i++) {
        struct step *step = ranks[i].planned;
        if (step == NULL)
            continue;
        /* Who is done early waits for the others in the exchange. */
        double wait_s = longest_s - step->cost.time_s;
        step->cost.time_s += wait_s;
        step->cost.bound_s[BOUND_COMMUNICATION] += wait_s;
        replica_launch_step(&ranks[i], now_ns, end_ns);
    }
}
