/* The orders that are a key; vtc.c is the one that is more. */
#include "orders.h"

#define ORDER_POINTER(identifier, name) &order_##identifier,
static const struct queue_order *const orders[] = {QUEUE_ORDERS(ORDER_POINTER)};

#define ORDER_NAME(identifier, name) name,
const char *const queue_order_names[] = {QUEUE_ORDERS(ORDER_NAME) NULL};

const struct queue_order *queue_order_at(size_t index)
{
    return index < sizeof orders / sizeof *orders ? orders[index] : NULL;
}

const struct queue_order order_fcfs = {
    .name = "fcfs",
    .summary = "first come, first served",
    .source = "vLLM 0.19 v1/core/sched/request_queue.py, FCFSRequestQueue",
};

static int64_t priority_key(const struct queued_request *request)
{
    return request->priority;
}

const struct queue_order order_priority = {
    .name = "priority",
    .summary = "the trace's priority, the smallest number first; then by arrival",
    .source = "vLLM 0.19 v1/core/sched/request_queue.py, PriorityRequestQueue",
    .key = priority_key,
};

static int64_t prompt_key(const struct queued_request *request)
{
    return request->prompt_tokens;
}

const struct queue_order order_sjf = {
    .name = "sjf",
    .summary = "shortest job first, by prompt length",
    .source =
        "Schrage and Miller, Operations Research 14(4), 1966: what is known of a job's length",
    .key = prompt_key,
};

static int64_t predicted_output_key(const struct queued_request *request)
{
    return request->predicted_output_tokens;
}

const struct queue_order order_sjf_predicted = {
    .name = "sjf-predicted",
    .summary = "shortest job first, by a predicted output length (output_prediction_error)",
    .source = "Qiu et al., \"Efficient Interactive LLM Serving with Proxy Model-based Sequence "
              "Length Prediction\", AIOps 2024",
    .key = predicted_output_key,
    .predicts = true,
};
