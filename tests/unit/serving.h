/* A workload section served by the engine, at a cost that is linear: what was sent, and what became
 * of it. */
#ifndef LLMSIM_TESTS_SERVING_H
#define LLMSIM_TESTS_SERVING_H

#include "generating.h"
#include "orders.h"
#include "policies.h"
#include "simulation.h"

struct serving {
    double base_s, per_prefill_token_s; /* of a step */
    struct request_source inner;
    struct generated sent;            /* by request_id */
    struct kept_request offered;      /* given last */
    bool offers;                      /* and it may be taken */
    struct request_outcome *outcomes; /* owned; by request_id */
    size_t capacity;
    int64_t outcome_count;
    struct simulation_result result;
    struct error error;
};

static inline void serving_forget_offer(struct serving *serving)
{
    if (serving->offers)
        free((uint64_t *)serving->offered.request.prefix_ids);
    serving->offers = false;
}

static inline enum request_source_result serving_next(void *state, struct request *request,
                                                      struct error *error)
{
    struct serving *serving = state;
    if (serving->offers) { /* what was given last has been taken */
        ck_assert_uint_lt(serving->sent.count, serving->capacity);
        serving->sent.requests[serving->sent.count++] = serving->offered;
        serving->offers = false;
    }
    const enum request_source_result result =
        serving->inner.next(serving->inner.state, request, error);
    if (result != SOURCE_REQUEST)
        return result;
    serving->offered = keep_request(request);
    serving->offers = true;
    return result;
}

static inline void serving_finished(void *state, int64_t request_id, int64_t now_ns)
{
    struct serving *serving = state;
    serving_forget_offer(serving);
    ck_assert_int_lt(request_id, (int64_t)serving->sent.count);
    serving->inner.finished(serving->inner.state, request_id, now_ns);
}

static inline double serving_progress(const void *state)
{
    const struct serving *serving = state;
    return serving->inner.progress(serving->inner.state);
}

static inline struct source_left_out serving_left_out(const void *state)
{
    (void)state;
    return (struct source_left_out){0};
}

static inline void serving_destroy(void *state)
{
    (void)state;
}

static inline void serving_cost(void *state, const struct step_load *load, struct cost *cost)
{
    const struct serving *serving = state;
    const int32_t prefill_tokens = load->tokens - load->decode_sequences;
    *cost =
        (struct cost){.time_s = serving->base_s + serving->per_prefill_token_s * prefill_tokens};
}

static inline void serving_step(void *context, const struct step_report *report)
{
    (void)context;
    (void)report;
}

static inline void serving_token_gaps(void *context, int64_t gap_ns, int32_t count)
{
    (void)context;
    (void)gap_ns;
    (void)count;
}

static inline void serving_outcome(void *context, const struct request_outcome *outcome)
{
    struct serving *serving = context;
    ck_assert_uint_lt((size_t)outcome->request_id, serving->capacity);
    serving->outcomes[outcome->request_id] = *outcome;
    serving->outcome_count++;
}

static inline void serving_report_progress(void *context, double fraction)
{
    (void)context;
    ck_assert(fraction >= 0.0 && fraction <= 1.0);
}

static inline struct simulation_setup serving_setup(void)
{
    return (struct simulation_setup){.data_parallel_size = 1,
                                     .pipeline_parallel_size = 1,
                                     .policy = &policy_vllm,
                                     .queue_order = &order_fcfs,
                                     .enable_chunked_prefill = true,
                                     .enable_prefix_caching = true,
                                     .num_gpu_blocks = 1 << 20,
                                     .block_size = 16,
                                     .max_num_seqs = 256,
                                     .max_num_batched_tokens = 100000,
                                     .max_model_len = 100000,
                                     .preferred_batch_size = 1};
}

/* Runs all of it, at most `capacity` requests; false: the engine refused. `base_s` and
 * `per_prefill_token_s` are the caller's to set before. */
static inline bool serve(struct serving *serving, const char *text, size_t capacity,
                         struct simulation_setup setup)
{
    struct document *document = document_create();
    ck_assert_msg(open_workload(document, text, 1, &serving->inner, &serving->error), "%s",
                  serving->error.text);
    serving->capacity = capacity;
    serving->sent.requests = calloc(capacity, sizeof *serving->sent.requests);
    serving->outcomes = calloc(capacity, sizeof *serving->outcomes);
    ck_assert(serving->sent.requests != NULL && serving->outcomes != NULL);
    struct request_source source = {
        serving,          NULL,
        serving_next,     serving_progress,
        serving_left_out, serving->inner.finished != NULL ? serving_finished : NULL,
        serving_destroy};
    const struct observer observer = {serving, serving_step, serving_token_gaps, serving_outcome,
                                      serving_report_progress};
    struct cost_model cost_model = {
        .state = serving, .step = serving_cost, .destroy = serving_destroy, .stage_count = 1};
    setup.source = &source;
    setup.observer = &observer;
    setup.cost_model = &cost_model;
    const bool done = simulation_run(&setup, &serving->result, &serving->error);
    serving_forget_offer(serving);
    serving->inner.destroy(serving->inner.state);
    document_destroy(document);
    if (done) {
        ck_assert_int_eq(serving->outcome_count, (int64_t)serving->sent.count);
        ck_assert_int_eq(serving->result.requests, (int64_t)serving->sent.count);
    }
    return done;
}

static inline void serving_fini(struct serving *serving)
{
    generated_fini(&serving->sent);
    free(serving->outcomes);
}

#endif
