#include "run_recorder.h"

#include <llmsim/sim_time.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

struct recorder {
    const struct linear_cost *cost;
    const struct request *requests;
    size_t count, next;
    uint64_t *prefix_ids; /* of the request read last; owned */
    struct recorded_run *run;
    size_t steps_capacity, costs_capacity, loads_capacity;
    int32_t stages;
    bool single;            /* one replica: the step that ends is the one costed last */
    double computing_s;     /* of the step costed last */
    int64_t context_tokens; /* that it reads */
};

static void *allocate(size_t count, size_t size)
{
    void *memory = calloc(count + 1, size);
    if (memory == NULL)
        abort();
    return memory;
}

/* Room for one more than `count` elements. */
static void *grow(void *array, size_t count, size_t *capacity, size_t size)
{
    if (count < *capacity)
        return array;
    *capacity = *capacity * 2 + 64;
    array = realloc(array, *capacity * size);
    if (array == NULL)
        abort();
    return array;
}

static void digest(struct recorder *recorder, const int64_t *fields, size_t size)
{
    recorder->run->digest = XXH64(fields, size, recorder->run->digest);
}

static void record_load(struct recorder *recorder, const struct step_load *load)
{
    struct recorded_run *run = recorder->run;
    const int64_t fields[] = {
        load->tokens,
        load->decode_sequences,
        load->decode_context_sum,
        load->decode_context_max,
        load->decode_window_sum,
        load->group_rows,
        load->emitting_sequences,
        load->padded_chunk_tokens,
        load->idle_sequences,
    };
    digest(recorder, fields, sizeof fields);
    for (int32_t i = 0; i < load->chunk_count; i++) {
        const int64_t chunk[] = {load->chunks[i].tokens, load->chunks[i].context_tokens};
        digest(recorder, chunk, sizeof chunk);
        run->later_chunks += load->chunks[i].context_tokens > 0;
    }
    run->loads = grow(run->loads, run->load_count, &recorder->loads_capacity, sizeof run->loads[0]);
    run->loads[run->load_count] = *load;
    run->loads[run->load_count++].chunks = NULL; /* the engine's, soon overwritten */
}

static void cost_step(void *state, const struct step_load *load, struct cost *cost)
{
    struct recorder *recorder = state;
    int64_t prefill_tokens = 0;
    int64_t context_tokens = load->decode_context_sum;
    bool sound = load->tokens >= 1;
    for (int32_t i = 0; i < load->chunk_count; i++) {
        const struct prefill_chunk *chunk = &load->chunks[i];
        sound = sound && chunk->tokens >= 1 && chunk->context_tokens >= 0;
        prefill_tokens += chunk->tokens;
        context_tokens += (int64_t)chunk->context_tokens + chunk->tokens;
    }
    int32_t sequences = load->decode_sequences + load->chunk_count;
    sound = sound && load->tokens == prefill_tokens + load->decode_sequences &&
            load->emitting_sequences >= load->decode_sequences &&
            load->emitting_sequences <= sequences &&
            (load->decode_context_max > 0) == (load->decode_sequences > 0) &&
            load->decode_context_max <= load->decode_context_sum &&
            (int64_t)load->decode_context_max * load->decode_sequences >= load->decode_context_sum;

    /* Padding takes its time. */
    int32_t decode_rows = load->decode_sequences + load->idle_sequences;
    int64_t prefill_rows = step_load_rows(load) - decode_rows;
    sound = sound && prefill_rows >= prefill_tokens && load->idle_sequences >= 0;
    recorder->run->misreported_step_loads += !sound;
    record_load(recorder, load);

    double seconds = linear_cost_s(recorder->cost, prefill_rows, decode_rows, context_tokens);
    double host_s = recorder_host_s(recorder->cost);
    double alone_s =
        load->decode_sequences > 0
            ? linear_cost_s(recorder->cost, 0, load->decode_sequences, load->decode_context_sum) -
                  host_s
            : 0.0;
    *cost = (struct cost){.time_s = seconds,
                          .bound_s[BOUND_OVERHEAD] = seconds,
                          .host_s = host_s,
                          .prompts_s = seconds - host_s - alone_s};
    recorder->computing_s = seconds;
    recorder->context_tokens = context_tokens;
}

static void time_stages(void *state, const struct step_load *load, const struct cost *cost,
                        double *stage_s, double *transfer_s)
{
    const struct recorder *recorder = state;
    (void)load;
    for (int32_t i = 0; i < recorder->stages; i++)
        stage_s[i] = recorder_stage_s(cost, i, recorder->stages);
    *transfer_s = recorder_transfer_s(cost, recorder->stages);
}

/* The recorder lives on the stack of its run. */
static void destroy_nothing(void *state)
{
    (void)state;
}

static enum request_source_result source_next(void *state, struct request *request,
                                              struct error *error)
{
    (void)error;
    struct recorder *recorder = state;
    if (recorder->next == recorder->count)
        return SOURCE_END;
    *request = recorder->requests[recorder->next++];
    free(recorder->prefix_ids);
    recorder->prefix_ids = NULL;
    if (request->prefix_id_count > 0) {
        size_t size = (size_t)request->prefix_id_count * sizeof *request->prefix_ids;
        recorder->prefix_ids = allocate(size, 1);
        memcpy(recorder->prefix_ids, request->prefix_ids, size);
        request->prefix_ids = recorder->prefix_ids;
    }
    return SOURCE_REQUEST;
}

static double source_progress(const void *state)
{
    const struct recorder *recorder = state;
    return (double)recorder->next / (double)(recorder->count + 1);
}

static struct source_left_out source_left_out(const void *state)
{
    (void)state;
    return (struct source_left_out){0};
}

static void observe_step(void *context, const struct step_report *report)
{
    struct recorder *recorder = context;
    struct recorded_run *run = recorder->run;
    const int64_t fields[] = {
        report->replica,        report->start_ns,
        report->end_ns,         report->tokens,
        report->sequences,      report->running,
        report->kv_blocks_used, report->kv_blocks_empty,
        report->kv_tokens,      report->kv_slots_unfilled,
    };
    digest(recorder, fields, sizeof fields);
    /* Nothing computed is filed under communication: all of it is transfers. */
    double transfer_s = report->cost->bound_s[BOUND_COMMUNICATION];
    double time_s = recorder->computing_s + transfer_s;
    run->transfer_s += transfer_s;
    if (recorder->single) {
        run->mistimed_steps += report->cost->time_s != time_s || transfer_s < 0.0 ||
                               report->end_ns - report->start_ns != sim_ns_from_s(time_s);
        run->unstored_contexts += report->kv_tokens < recorder->context_tokens;
    }
    run->costs = grow(run->costs, run->step_count, &recorder->costs_capacity, sizeof run->costs[0]);
    run->costs[run->step_count] = *report->cost;
    run->steps = grow(run->steps, run->step_count, &recorder->steps_capacity, sizeof run->steps[0]);
    run->steps[run->step_count] = *report;
    run->steps[run->step_count++].cost = NULL; /* the engine's, gone with the run */
}

static void observe_token_gaps(void *context, int64_t gap_ns, int32_t count)
{
    struct recorder *recorder = context;
    const int64_t fields[] = {gap_ns, count};
    digest(recorder, fields, sizeof fields);
    recorder->run->void_gaps += count < 1 || gap_ns < 0;
    recorder->run->gap_count += count;
    recorder->run->gap_sum_ns += count * gap_ns;
    recorder->run->gap_square_sum += (uint64_t)count * (uint64_t)gap_ns * (uint64_t)gap_ns;
}

static void observe_outcome(void *context, const struct request_outcome *outcome)
{
    struct recorder *recorder = context;
    struct recorded_run *run = recorder->run;
    const int64_t fields[] = {
        outcome->request_id,     outcome->arrival_ns,    outcome->scheduled_ns,
        outcome->first_token_ns, outcome->finished_ns,   outcome->prompt_tokens,
        outcome->output_tokens,  outcome->cached_tokens, outcome->preemptions,
        outcome->status,
    };
    digest(recorder, fields, sizeof fields);
    if (outcome->request_id < 0 || outcome->request_id >= (int64_t)run->request_count) {
        run->unknown_outcomes++;
        return;
    }
    run->outcomes[outcome->request_id] = *outcome;
    run->outcome_counts[outcome->request_id]++;
}

static void observe_progress(void *context, double fraction)
{
    (void)context;
    (void)fraction;
}

bool run_recorder_run(const struct simulation_setup *setup, const struct linear_cost *cost,
                      const struct request *requests, size_t count, struct recorded_run *run,
                      struct error *error)
{
    *run = (struct recorded_run){.outcomes = allocate(count, sizeof run->outcomes[0]),
                                 .outcome_counts = allocate(count, sizeof run->outcome_counts[0]),
                                 .request_count = count};
    struct recorder recorder = {.cost = cost, .requests = requests, .count = count, .run = run};
    struct simulation_setup complete = *setup;
    if (complete.data_parallel_size == 0)
        complete.data_parallel_size = 1;
    if (complete.pipeline_parallel_size == 0)
        complete.pipeline_parallel_size = 1;
    recorder.stages = complete.pipeline_parallel_size;
    recorder.single = simulation_replica_count(&complete) == 1;
    struct cost_model cost_model = {.state = &recorder,
                                    .step = cost_step,
                                    .destroy = destroy_nothing,
                                    .stage_times = time_stages,
                                    .stage_count = recorder.stages};
    struct request_source source = {.state = &recorder,
                                    .next = source_next,
                                    .progress = source_progress,
                                    .left_out = source_left_out,
                                    .destroy = destroy_nothing};
    struct observer observer = {.context = &recorder,
                                .step = observe_step,
                                .token_gaps = observe_token_gaps,
                                .outcome = observe_outcome,
                                .progress = observe_progress};
    complete.cost_model = &cost_model;
    complete.source = &source;
    complete.observer = &observer;
    bool done = simulation_run(&complete, &run->result, error);
    free(recorder.prefix_ids);
    return done;
}

void recorded_run_fini(struct recorded_run *run)
{
    free(run->outcomes);
    free(run->outcome_counts);
    free(run->steps);
    free(run->costs);
    free(run->loads);
    *run = (struct recorded_run){0};
}
