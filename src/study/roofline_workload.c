/* The mean request of a workload. */
#include "roofline_parts.h"

static bool is_served(const struct engine_config *engine, const struct request *request)
{
    return (int64_t)request->prompt_tokens + request->output_tokens <= engine->max_model_len;
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
    int64_t requests = 0, prompt_tokens = 0, output_tokens = 0;
    for (int64_t i = 0; i < limit && result == SOURCE_REQUEST; i++) {
        struct request request;
        result = source.next(source.state, &request, error);
        if (result != SOURCE_REQUEST || !is_served(&config->engine, &request))
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
