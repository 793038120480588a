#include "parallel_invariants.h"

#include <llmsim/sim_time.h>
#include <stdlib.h>

/* Of a step's decodes, each sees its context or the window. */
static const char *check_windows(const struct simulation_setup *setup,
                                 const struct recorded_run *run)
{
    int64_t window = setup->sliding_window;
    for (size_t i = 0; i < run->load_count; i++) {
        const struct step_load *load = &run->loads[i];
        int64_t most = window * load->decode_sequences;
        if (load->decode_window_sum > load->decode_context_sum || load->decode_window_sum > most)
            return "a window holds no more than the context and the window";
        if (window >= load->decode_context_max && window > 0 &&
            load->decode_window_sum != load->decode_context_sum)
            return "a window that is longer than any context changes nothing";
        if (window > 0 && load->decode_context_max > window &&
            load->decode_window_sum >= load->decode_context_sum)
            return "a window that is shorter than a context cuts it";
    }
    return NULL;
}

/* The loads are costed group by group, rank by rank. */
static const char *check_group_rows(const struct simulation_setup *setup,
                                    const struct recorded_run *run)
{
    size_t ranks = (size_t)setup->data_parallel_size;
    if (run->load_count % ranks != 0)
        return "every rank takes part in a lockstep step";
    for (size_t first = 0; first < run->load_count; first += ranks) {
        int32_t rows = 0;
        for (size_t i = first; i < first + ranks; i++)
            rows += step_load_rows(&run->loads[i]);
        for (size_t i = first; i < first + ranks; i++) {
            if (run->loads[i].group_rows != rows)
                return "a lockstep step knows the rows of all ranks";
        }
    }
    return NULL;
}

/* Steps overlap only where they are the same. Those reported together are in order of rank. */
static const char *check_lockstep(const struct simulation_setup *setup,
                                  const struct recorded_run *run)
{
    const char *unlike = "the ranks' steps begin and end together";
    for (size_t i = 0; i < run->step_count; i++) {
        const struct step_report *step = &run->steps[i];
        double time_s = run->costs[i].time_s;
        if (llabs(step->end_ns - step->start_ns - sim_ns_from_s(time_s)) > 1)
            return "a lockstep step lasts what it computes and waits";
        if (i == 0 || step->start_ns >= step[-1].end_ns)
            continue;
        if (step->start_ns != step[-1].start_ns || step->end_ns != step[-1].end_ns ||
            step->replica <= step[-1].replica)
            return unlike;
    }
    return check_group_rows(setup, run);
}

/* When the stages are free again after one more step, which must find the first one free and end
 * when it leaves the last one. */
static bool passes_stages(const struct step_report *step, const struct cost *cost, int32_t stages,
                          int64_t *free_ns)
{
    struct cost computing = *cost;
    double copies_s = cost->bound_s[BOUND_COMMUNICATION];
    computing.time_s -= copies_s;
    bool first_is_free = step->start_ns >= free_ns[0];
    int64_t time_ns = step->start_ns;
    for (int32_t i = 0; i < stages; i++) {
        double stage_s = recorder_stage_s(&computing, i, stages) + (i == 0 ? copies_s : 0.0);
        if (i > 0)
            time_ns += sim_ns_from_s(recorder_transfer_s(&computing, stages));
        time_ns = time_ns < free_ns[i] ? free_ns[i] : time_ns;
        time_ns += sim_ns_from_s(stage_s);
        free_ns[i] = time_ns;
    }
    return first_is_free && time_ns == step->end_ns;
}

/* Steps leave a pipeline in the order in which they enter it, unless they take no time. */
static const char *check_pipelines(const struct simulation_setup *setup,
                                   const struct recorded_run *run)
{
    int64_t free_ns[PARALLEL_MAX_REPLICAS][PARALLEL_MAX_REPLICAS] = {0};
    int32_t stages = setup->pipeline_parallel_size;
    for (size_t i = 0; i < run->step_count; i++) {
        const struct step_report *step = &run->steps[i];
        if (!passes_stages(step, &run->costs[i], stages, free_ns[step->replica / stages]))
            return "a pipeline's steps follow one another through its stages";
    }
    return NULL;
}

const char *parallel_invariants_broken(const struct simulation_setup *setup,
                                       const struct recorded_run *run)
{
    const char *broken = check_windows(setup, run);
    if (broken == NULL && setup->lockstep)
        broken = check_lockstep(setup, run);
    if (broken == NULL && !setup->lockstep && run->result.idle_steps > 0)
        broken = "only ranks in lockstep run empty steps";
    if (broken == NULL && setup->pipeline_parallel_size > 1)
        broken = check_pipelines(setup, run);
    return broken;
}
