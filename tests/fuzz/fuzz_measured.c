/* Any bytes as a measured log. What is taken can have happened. */
#include "fuzz_checks.h"
#include "measured_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require_log(const struct measured_log *log)
{
    int64_t before_ns = 0;
    require(log->count > 0 && log->requests[0].arrival_ns == 0);
    for (size_t i = 0; i < log->count; i++) {
        const struct measured_request *request = &log->requests[i];
        require(request->arrival_ns >= before_ns);
        before_ns = request->arrival_ns;
        require(request->first_token_ns >= request->arrival_ns);
        require(request->finished_ns >= request->first_token_ns);
        require(request->prompt_tokens >= 1 && request->output_tokens >= 1);
        if (log->has_scheduled)
            require(request->scheduled_ns >= request->arrival_ns &&
                    request->scheduled_ns <= request->first_token_ns);
        else
            require(request->scheduled_ns == -1);
    }
}

static void require_source(const struct measured_log *log)
{
    struct measured_source state;
    struct request_source source;
    struct request request;
    struct error error = {0};
    size_t count = 0;
    measured_source_init(&state, log, &source);
    while (source.next(source.state, &request, &error) == SOURCE_REQUEST)
        require(request.arrival_ns == log->requests[count++].arrival_ns);
    require(count == log->count && error.kind == ERROR_NONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[FUZZ_PATH_BYTES];
    const int descriptor = open_bytes(data, size, path);
    struct measured_log log;
    struct error error = {0};
    if (measured_log_read(&log, path, &error)) {
        require_log(&log);
        require_source(&log);
    } else {
        require_input_error(&error);
    }
    for (size_t i = 0; i < log.note_count; i++)
        require(strlen(log.notes[i]) > 0);
    measured_log_fini(&log);
    close(descriptor);
    return 0;
}
