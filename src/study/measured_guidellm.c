/* GuideLLM's benchmarks.json: requests by how they ended, times in seconds since 1970. Of older
 * versions (to 0.2) start and end have other names. */
#include "measured_formats.h"

#include <math.h>

static double first_of(const json_t *object, const char *key, const char *older)
{
    const double value = measured_number(object, key);
    return isnan(value) ? measured_number(object, older) : value;
}

static bool add_request(struct measured_reading *reading, const json_t *request, size_t index)
{
    const double start_s = first_of(request, "request_start_time", "start_time");
    const double end_s = first_of(request, "request_end_time", "end_time");
    const double latency_s = measured_number(request, "request_latency");
    const double tpot_ms = measured_number(request, "inter_token_latency_ms");
    double ttft_s = measured_number(request, "time_to_first_token_ms") / 1e3;
    if (isnan(ttft_s))
        ttft_s = measured_number(request, "first_token_time") - start_s;
    struct measured_row row = {
        .scheduled_s = (double)NAN,
        .ttft_s = ttft_s,
        .e2e_s = isnan(latency_s) ? end_s - start_s : latency_s,
        .tpot_s = tpot_ms / 1e3,
        .prompt_tokens = measured_number(request, "prompt_tokens"),
        .output_tokens = measured_number(request, "output_tokens"),
    };
    if (!measured_arrival_ns(start_s, &row.arrival_ns))
        return measured_refuse(reading, 0, "successful request %zu does not say when it started",
                               index);
    if (isnan(row.ttft_s))
        return measured_refuse(reading, 0,
                               "successful request %zu has no time to first token: it was not "
                               "streamed",
                               index);
    if (!isnan(measured_number(request, "time_per_output_token_ms")))
        measured_note(reading->log, "GuideLLM's time_per_output_token is E2E / output tokens, with "
                                    "the first one; its inter_token_latency is TPOT here");
    return measured_add(reading, &row);
}

bool measured_read_guidellm(struct measured_reading *reading, const json_t *root)
{
    const json_t *benchmarks = json_object_get(root, "benchmarks");
    reading->log->format = "GuideLLM";
    if (json_array_size(benchmarks) != 1)
        return measured_refuse(reading, 0,
                               "holds %zu benchmarks: a log of one is wanted, with requests of its "
                               "own",
                               json_array_size(benchmarks));
    const json_t *requests = json_object_get(json_array_get(benchmarks, 0), "requests");
    const json_t *successful = json_object_get(requests, "successful"), *request = NULL;
    size_t index = 0;
    if (!json_is_array(successful))
        return measured_refuse(reading, 0, "its benchmark has no list of successful requests");
    json_array_foreach(successful, index, request)
    {
        if (!add_request(reading, request, index))
            return false;
    }
    reading->log->failed = (int64_t)(json_array_size(json_object_get(requests, "errored")) +
                                     json_array_size(json_object_get(requests, "incomplete")));
    measured_note_client(reading->log);
    return true;
}
