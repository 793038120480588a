/* After vLLM v0 (vllm/engine/async_llm_engine.py, vllm/engine/llm_engine.py): a scheduler, and an
 * equal share of the KV blocks, for each of pipeline_parallel_size virtual engines. Where this
 * departs from vLLM v1:
 *
 * - v1 has one scheduler and one pool of KV blocks, and queues up to pipeline_parallel_size batches
 *   of it: a sequence that is in one of them is left out of the next ones. Here the running
 *   sequences are divided between engines once and for all, which comes to the same micro-batches
 *   while the engines are evenly loaded, but an engine can run out of blocks while another has some,
 *   and a request that outgrows an engine's share is rejected.
 * - max_num_seqs, which v1 applies to all batches together, is divided among the engines, rounding
 *   up (v0 gives each of them all of it).
 * - One null block for each engine, where v1 has one in all.
 *
 * From both: a stage takes the next step while its output is on its way; a send never blocks. */
#include "pipeline.h"

#include <llmsim/sim_time.h>
#include <stdlib.h>

bool pipeline_init(struct pipeline *pipeline, struct replica *engines, int32_t stage_count)
{
    *pipeline = (struct pipeline){
        .engines = engines,
        .stage_count = stage_count,
        .stage_free_ns = calloc((size_t)stage_count, sizeof *pipeline->stage_free_ns),
        .stage_s = calloc((size_t)stage_count, sizeof *pipeline->stage_s),
    };
    return pipeline->stage_free_ns != NULL && pipeline->stage_s != NULL;
}

void pipeline_fini(struct pipeline *pipeline)
{
    free(pipeline->stage_free_ns);
    free(pipeline->stage_s);
}

int64_t pipeline_next_event_ns(const struct pipeline *pipeline, int64_t now_ns)
{
    int64_t free_ns = pipeline->stage_free_ns[0];
    int64_t event_ns = free_ns > now_ns ? free_ns : SIM_TIME_NEVER;
    for (int32_t i = 0; i < pipeline->stage_count; i++) {
        const struct replica *engine = &pipeline->engines[i];
        int64_t engine_ns = replica_next_event_ns(engine);
        /* It is not asked before it can start. */
        if (engine->in_flight == NULL && engine_ns < free_ns)
            engine_ns = free_ns;
        if (engine_ns < event_ns)
            event_ns = engine_ns;
    }
    return event_ns;
}

/* Beyond the end of time nothing adds up any more. */
static int64_t after(int64_t time_ns, int64_t duration_ns)
{
    int64_t end_ns = time_ns + duration_ns;
    return end_ns <= SIM_TIME_MAX_NS ? end_ns : SIM_TIME_MAX_NS + 1;
}

/* What the step computes, without the copies that come before it. */
static struct cost cost_of_stages(const struct step *step)
{
    struct cost cost = step->cost;
    cost.time_s -= step->transfer_s;
    cost.bound_s[BOUND_COMMUNICATION] -= step->transfer_s;
    return cost;
}

/* The engine's planned step goes through all stages; when it will have left the last one. */
static int64_t enter_stages(struct pipeline *pipeline, struct replica *engine, int64_t now_ns)
{
    const struct cost_model *cost_model = engine->setup->cost_model;
    const struct step *step = engine->planned;
    struct cost cost = cost_of_stages(step);
    double transfer_s = 0.0;
    cost_model->stage_times(cost_model->state, &step->load, &cost, pipeline->stage_s, &transfer_s);
    pipeline->stage_s[0] += step->transfer_s; /* to and from host memory */
    int64_t transfer_ns = sim_ns_from_s(transfer_s);
    int64_t time_ns = now_ns;
    for (int32_t i = 0; i < pipeline->stage_count; i++) {
        int64_t *free_ns = &pipeline->stage_free_ns[i];
        if (i > 0)
            time_ns = after(time_ns, transfer_ns);
        if (time_ns < *free_ns)
            time_ns = *free_ns;
        time_ns = after(time_ns, sim_ns_from_s(pipeline->stage_s[i]));
        *free_ns = time_ns;
    }
    return time_ns;
}

void pipeline_start_steps(struct pipeline *pipeline, int64_t now_ns)
{
    int32_t first = pipeline->next_engine;
    for (int32_t i = 0; i < pipeline->stage_count && pipeline->stage_free_ns[0] <= now_ns; i++) {
        int32_t turn = (first + i) % pipeline->stage_count;
        struct replica *engine = &pipeline->engines[turn];
        if (engine->in_flight != NULL || !replica_prepare_step(engine, now_ns))
            continue;
        replica_cost_step(engine);
        replica_launch_step(engine, now_ns, enter_stages(pipeline, engine, now_ns));
        pipeline->next_engine = (turn + 1) % pipeline->stage_count;
    }
}
