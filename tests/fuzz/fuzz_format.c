/* Any bytes as a trace of one format, FUZZED_FORMAT. The first byte says how it is read. What is read
 * is written in the same format, and read back: no request may be lost, or change its tokens, or an
 * item that rows of the format hold. */
#include "fuzz_requests.h"
#include "trace_source.h"
#include "trace_writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int fuzzed_format(void)
{
    int index = 0;
    while (strcmp(trace_format_names[index], FUZZED_FORMAT) != 0)
        index++;
    return index;
}

static unsigned check_name(const struct request_name *name)
{
    unsigned sum = 0;
    require(name->bytes >= 0 && name->bytes <= REQUEST_MAX_NAME_BYTES);
    require((name->bytes > 0) == (name->text != NULL));
    for (int32_t i = 0; i < name->bytes; i++)
        sum = 31 * sum + (unsigned char)name->text[i];
    return sum;
}

/* What must come back, folded. */
static uint64_t fold(const struct request *request, unsigned holds)
{
    uint64_t sum = (uint64_t)request->prompt_tokens << 32 | (uint32_t)request->output_tokens;
    if ((holds & 1U << TRACE_PRIORITY) != 0)
        sum += 7919U * (uint64_t)(uint32_t)request->priority;
    if ((holds & 1U << TRACE_PREFIX_IDS) != 0)
        sum += 104729U * (uint64_t)(uint32_t)request->prefix_id_count;
    return sum;
}

/* What a reader may hand on, whatever it reads; how many requests, and all of them folded. */
static int64_t read_all(struct request_source *source, uint64_t *folded)
{
    struct request request;
    struct error error = {0};
    int64_t count = 0;
    int64_t last_ns = 0;
    enum request_source_result result;
    *folded = 0;
    while ((result = source->next(source->state, &request, &error)) == SOURCE_REQUEST) {
        require_request(&request, source->trace_format, count++, last_ns);
        require(request.turn >= 0);
        volatile unsigned names = check_name(&request.session) + check_name(&request.class_name) +
                                  check_name(&request.client_name);
        (void)names;
        *folded += fold(&request, source->trace_format->holds) * (uint64_t)(2 * count + 1);
        last_ns = request.arrival_ns;
    }
    require_end(source, result, &error);
    return result == SOURCE_ERROR ? -1 : count;
}

static void check_round_trip(const struct trace_options *options, int64_t count, uint64_t folded)
{
    struct request_source source;
    struct error error = {0};
    struct trace_losses losses;
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    require(stream != NULL && trace_source_open(options, &source, &error));
    const struct trace_format *format = source.trace_format;
    const int64_t written = trace_write(&source, format, stream, NULL, &losses, &error);
    require(written == count && fclose(stream) == 0);
    source.destroy(source.state);
    char path[FUZZ_PATH_BYTES];
    const int descriptor = open_bytes(text, size, path);
    const struct trace_options again = {.path = path, .format = options->format};
    uint64_t folded_again = 0;
    if (losses.prefix_block_tokens == 0 && losses.requests[TRACE_PREFIX_IDS] == 0) {
        require(trace_source_open(&again, &source, &error));
        require(read_all(&source, &folded_again) == count && folded_again == folded);
        source.destroy(source.state);
    }
    close(descriptor);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    char path[FUZZ_PATH_BYTES];
    const int descriptor = open_bytes(data + 1, size - 1, path);
    const struct trace_format *format = trace_format_at((size_t)fuzzed_format());
    const struct trace_options options = {
        .path = path,
        .format = fuzzed_format(),
        .skip_bad_rows = (data[0] & 1) != 0,
        .prefix_block_tokens = (data[0] & 8) != 0 && format->id_tokens > 0 ? 16 : 0,
    };
    struct request_source source;
    struct error error = {0};
    if (trace_source_open(&options, &source, &error)) {
        uint64_t folded = 0;
        const int64_t count = read_all(&source, &folded);
        source.destroy(source.state);
        if (count > 0 && format->write_row != NULL)
            check_round_trip(&options, count, folded);
    } else {
        require_input_error(&error);
    }
    close(descriptor);
    return 0;
}
