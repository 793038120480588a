#include "trace_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

enum { REQUESTS_PER_PROGRESS = 4096 };

static bool holds_item(const struct trace_format *format, unsigned item)
{
    return (format->holds & 1U << item) != 0;
}

static bool is_replaced(const struct trace_format *format, unsigned item,
                        const struct request_name *name)
{
    if (format->replaces == NULL || !holds_item(format, item))
        return false;
    for (int32_t i = 0; i < name->bytes; i++) {
        if (strchr(format->replaces, name->text[i]) != NULL)
            return true;
    }
    return false;
}

static void count_losses(const struct request *request, const struct trace_format *format,
                         struct trace_losses *losses)
{
    const bool has[TRACE_ITEM_COUNT] = {
        [TRACE_PREFIX_IDS] = request->prefix_id_count > 0,
        [TRACE_SESSION] = request->session.bytes > 0,
        [TRACE_TURN] = request->turn > 0,
        [TRACE_CLASS] = request->class_name.bytes > 0,
        [TRACE_CLIENT] = request->client_name.bytes > 0,
        [TRACE_PRIORITY] = request->priority != 0,
    };
    for (unsigned i = 0; i < TRACE_ITEM_COUNT; i++) {
        losses->requests[i] += has[i] && !holds_item(format, i);
        losses->invented[i] += !has[i] && (format->invents & 1U << i) != 0;
    }
    losses->names += is_replaced(format, TRACE_SESSION, &request->session) ||
                     is_replaced(format, TRACE_CLASS, &request->class_name) ||
                     is_replaced(format, TRACE_CLIENT, &request->client_name);
    losses->times += format->timeless ? request->arrival_ns > 0
                                      : request->arrival_ns % format->time_step_ns != 0;
}

/* Where rows do not say how many tokens an id stands for, all must be of one size: that of the first
 * row with ids. Others lose theirs. */
static void settle_ids(struct request *request, const struct trace_format *format,
                       struct trace_losses *losses, int32_t *id_tokens)
{
    if (request->prefix_id_count == 0 || format->states_id_tokens ||
        !holds_item(format, TRACE_PREFIX_IDS))
        return;
    if (*id_tokens == 0)
        *id_tokens = request->prefix_id_tokens;
    if (*id_tokens != format->id_tokens)
        losses->prefix_block_tokens = *id_tokens;
    if (request->prefix_id_tokens == *id_tokens)
        return;
    request->prefix_id_count = 0;
    losses->requests[TRACE_PREFIX_IDS]++;
}

int64_t trace_write(struct request_source *source, const struct trace_format *format, FILE *stream,
                    void (*progress)(double fraction), struct trace_losses *losses,
                    struct error *error)
{
    int64_t requests = 0;
    int32_t id_tokens = 0;
    struct request request;
    enum request_source_result result = SOURCE_REQUEST;
    *losses = (struct trace_losses){0};
    if (source->finished != NULL) {
        error_input(error, NULL,
                    "a closed loop cannot be written as a trace: when its requests arrive depends "
                    "on the server that answers them");
        return -1;
    }
    if (format->write_header != NULL)
        format->write_header(stream);
    while (!ferror(stream) &&
           (result = source->next(source->state, &request, error)) == SOURCE_REQUEST) {
        count_losses(&request, format, losses);
        settle_ids(&request, format, losses, &id_tokens);
        format->write_row(stream, &request, requests);
        if (++requests % REQUESTS_PER_PROGRESS == 0 && progress != NULL)
            progress(source->progress(source->state));
    }
    if (result == SOURCE_ERROR)
        return -1;
    if (format->write_footer != NULL)
        format->write_footer(stream);
    if (ferror(stream)) {
        error_run(error, "the trace cannot be written: %s", strerror(errno));
        return -1;
    }
    return requests;
}

static const char *const item_names[TRACE_ITEM_COUNT] = {
    [TRACE_PREFIX_IDS] = "prefix ids", [TRACE_SESSION] = "session", [TRACE_TURN] = "turn",
    [TRACE_CLASS] = "class",           [TRACE_CLIENT] = "client",   [TRACE_PRIORITY] = "priority",
};

static size_t describe(const char *name, int64_t requests, size_t used, char *text, size_t size)
{
    if (requests == 0 || used >= size)
        return used;
    return used + (size_t)snprintf(text + used, size - used, "%s%s of %" PRId64 " requests",
                                   used > 0 ? ", " : "", name, requests);
}

bool trace_losses_describe(const struct trace_losses *losses, const struct trace_format *format,
                           char *text, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < TRACE_ITEM_COUNT; i++)
        used = describe(item_names[i], losses->requests[i], used, text, size);
    used = describe("exact names", losses->names, used, text, size);
    used =
        describe(format->timeless ? "arrival time" : "exact time", losses->times, used, text, size);
    return used > 0;
}

bool trace_inventions_describe(const struct trace_losses *losses, char *text, size_t size)
{
    size_t used = 0;
    for (int i = 0; i < TRACE_ITEM_COUNT; i++)
        used = describe(item_names[i], losses->invented[i], used, text, size);
    return used > 0;
}
