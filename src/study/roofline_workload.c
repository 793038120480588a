/* The mean request of a workload. */
#include "roofline_parts.h"

static bool is_served(const struct engine_config *engine, const struct request *request)
{
    return (int64_t)request->prompt_tokens + request->output_tokens <= engine->max_model_len;
}

/* Of a closed loop, every request is answered as soon as all users wait. */
static enum request_source_result next_request(struct request_source *source, int64_t taken,
                                               int64_t *answered, int64_t now_ns,
                                               struct request *request, struct error *error)
{
    enum request_source_result result = source->next(source->state, request, error);
    while (result == SOURCE_WAIT && *answered < taken) {
        while (*answered < taken)
            source->finished(source->state, (*answered)++, now_ns);
        result = source->next(source->state, request, error);
    }
    return result;
}

bool roofline_read_workload(const struct experiment_config *config,
                            struct roofline_workload *workload, struct error *error)
{
    struct request_source source = {0};
    if (!workload_open(&config->workload, (uint64_t)config->seed, &source, error))
        return false;
    int64_t limit =
        config->workload.trace != NULL ? ROOFLINE_TRACE_REQUESTS : ROOFLINE_GENERATED_REQUESTS;
    enum request_source_result result = SOURCE_REQUEST;
    int64_t requests = 0, prompt_tokens = 0, output_tokens = 0, answered = 0, now_ns = 0;
    for (int64_t i = 0; i < limit && result == SOURCE_REQUEST; i++) {
        struct request request;
        result = next_request(&source, i, &answered, now_ns, &request, error);
        if (result != SOURCE_REQUEST)
            continue;
        now_ns = request.arrival_ns;
        if (!is_served(&config->engine, &request))
            continue;
        requests++;
        prompt_tokens += request.prompt_tokens;
        output_tokens += request.output_tokens;
    }
    *workload =
        (struct roofline_workload){.requests = requests, .left_out = source.left_out(source.state)};
    source.destroy(source.state);
    if (result == SOURCE_ERROR)
        return false;
    if (requests == 0)
        return error_input(error, NULL,
                           "no request of the workload is as short as max_model_len (%lld tokens)",
                           (long long)config->engine.max_model_len);
    workload->mean_prompt_tokens = (double)prompt_tokens / (double)requests;
    workload->mean_output_tokens = (double)output_tokens / (double)requests;
    return true;
}
