/* A trace as a stream of requests. */
#include "trace_source.h"
#include "trace_format.h"

#include <assert.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>
#include <string.h>

struct trace_source {
    struct text_reader *reader;
    const struct trace_format *format;
    struct trace_columns columns;
    uint64_t *ids; /* owned; of the row last read, NULL where the format has none */
    int32_t id_tokens;
    char *first_row; /* a first line that is a row and has not been read as one yet; or NULL */
    size_t first_row_length;
    bool skip_bad_rows;
    bool started; /* a request has been read: first_ns and last_ns hold */
    bool first_delivered;
    int64_t skipped_rows;
    int64_t first_ns, last_ns; /* on the trace's own clock */
    int64_t empty_lines; /* just before the row being read; fine at the end of the file only */
    struct location first_empty_line;
    struct request first;             /* read on opening, delivered first */
    enum request_source_result state; /* SOURCE_REQUEST until the end or an error */
    struct error failure;
};

/* The row's time, from the trace's clock to the simulation's. */
static bool set_arrival(struct trace_source *trace, struct trace_row *row, struct request *request)
{
    int64_t time_ns = request->arrival_ns;
    if (!trace->started) {
        trace->first_ns = time_ns;
    } else if (time_ns < trace->last_ns) {
        return trace_row_refuse_span(row, row->time_begin, row->time_end, "time runs back",
                                     "as late as the row before");
    }
    int64_t arrival_ns = time_ns - trace->first_ns;
    if (arrival_ns > SIM_TIME_MAX_NS)
        return trace_row_refuse_span(row, row->time_begin, row->time_end, "too late",
                                     "within 146 years of the first arrival");
    trace->started = true;
    trace->last_ns = time_ns;
    request->arrival_ns = arrival_ns;
    return true;
}

/* Lines without a byte, now that a row has followed them. */
static bool pass_empty_lines(struct trace_source *trace, struct error *error)
{
    if (!trace->skip_bad_rows)
        return error_input(error, &trace->first_empty_line, "an empty line between rows");
    trace->skipped_rows += trace->empty_lines;
    trace->empty_lines = 0;
    return true;
}

/* As text_reader_next, which may have read the first row to tell the format. */
static int next_line(struct trace_source *trace, char **line, size_t *length, struct error *error)
{
    if (trace->first_row == NULL)
        return text_reader_next(trace->reader, line, length, error);
    *line = trace->first_row;
    *length = trace->first_row_length;
    trace->first_row = NULL;
    return 1;
}

static enum request_source_result read_request(struct trace_source *trace, struct request *request,
                                               struct error *error)
{
    assert(trace->format != NULL);
    for (;;) {
        char *line = NULL;
        size_t length = 0;
        int got = next_line(trace, &line, &length, error);
        if (got <= 0)
            return got == 0 ? SOURCE_END : SOURCE_ERROR;
        if (length == 0) {
            if (trace->empty_lines++ == 0)
                trace->first_empty_line = text_reader_location(trace->reader);
            continue;
        }
        if (trace->empty_lines > 0 && !pass_empty_lines(trace, error))
            return SOURCE_ERROR;
        struct trace_row row = {.reader = trace->reader,
                                .begin = line,
                                .end = line + length,
                                .cursor = line,
                                .columns = &trace->columns,
                                .ids = trace->ids,
                                .id_tokens = trace->id_tokens,
                                .error = error};
        *request = (struct request){0};
        if (trace->format->parse_row(&row, request) && set_arrival(trace, &row, request))
            return SOURCE_REQUEST;
        if (!trace->skip_bad_rows)
            return SOURCE_ERROR;
        *error = (struct error){0};
        trace->skipped_rows++;
    }
}

static enum request_source_result trace_next(void *state, struct request *request,
                                             struct error *error)
{
    struct trace_source *trace = state;
    if (!trace->first_delivered) {
        trace->first_delivered = true;
        *request = trace->first;
        return SOURCE_REQUEST;
    }
    if (trace->state == SOURCE_REQUEST)
        trace->state = read_request(trace, request, &trace->failure);
    if (trace->state == SOURCE_ERROR)
        *error = trace->failure;
    return trace->state;
}

static double trace_progress(const void *state)
{
    const struct trace_source *trace = state;
    return text_reader_progress(trace->reader);
}

static int64_t trace_skipped_rows(const void *state)
{
    const struct trace_source *trace = state;
    return trace->skipped_rows;
}

static void trace_destroy(void *state)
{
    struct trace_source *trace = state;
    if (trace == NULL)
        return;
    text_reader_close(trace->reader);
    free(trace->ids);
    free(trace);
}

/* Find the format by the first line. */
static bool read_header(struct trace_source *trace, int format, struct error *error)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    char *line = NULL;
    size_t length = 0;
    int got = text_reader_next(trace->reader, &line, &length, error);
    if (got < 0)
        return false;
    if (got == 0) {
        struct location at = text_reader_location(trace->reader);
        at.line = 0;
        return error_input(error, &at, "an empty file; a trace is expected");
    }
    const size_t mark_bytes = sizeof byte_order_mark - 1;
    if (length >= mark_bytes && memcmp(line, byte_order_mark, mark_bytes) == 0) {
        line += mark_bytes;
        length -= mark_bytes;
    }
    trace->format =
        trace_format_detect(format, trace->reader, line, length, &trace->columns, error);
    if (trace->format == NULL)
        return false;
    if (trace->format->headerless) {
        trace->first_row = line;
        trace->first_row_length = length;
    }
    return true;
}

/* Room for the ids of any row: no row needs more, and what none touches never becomes memory. */
static bool make_room_for_ids(struct trace_source *trace, int64_t id_tokens, struct error *error)
{
    const struct trace_format *format = trace->format;
    assert(format != NULL);
    const bool given = id_tokens != 0;
    const struct location at = {text_reader_location(trace->reader).file, 0, 0};
    if (format->id_tokens == 0)
        return !given || error_input(error, &at,
                                     "a trace of format '%s', for which 'prefix_block_tokens' has "
                                     "no meaning",
                                     format->name);
    trace->id_tokens = given ? (int32_t)id_tokens : format->id_tokens;
    trace->ids = malloc(TRACE_ROW_MAX_IDS * sizeof *trace->ids);
    return trace->ids != NULL || error_run(error, "out of memory");
}

static bool read_first_request(struct trace_source *trace, struct error *error)
{
    switch (read_request(trace, &trace->first, error)) {
    case SOURCE_REQUEST:
        return true;
    case SOURCE_ERROR:
        return false;
    case SOURCE_END:
    case SOURCE_WAIT:
        break;
    }
    struct location at = text_reader_location(trace->reader);
    at.line = 0;
    if (trace->skipped_rows > 0)
        return error_input(error, &at, "a trace without requests: all %lld rows are bad",
                           (long long)trace->skipped_rows);
    return error_input(error, &at, "a trace without requests: there is only a header");
}

bool trace_source_open(const struct trace_options *options, struct request_source *source,
                       struct error *error)
{
    struct trace_source *trace = calloc(1, sizeof *trace);
    if (trace == NULL)
        return error_run(error, "out of memory");
    trace->skip_bad_rows = options->skip_bad_rows;
    trace->reader = text_reader_open(options->path, error);
    if (trace->reader == NULL || !read_header(trace, options->format, error) ||
        !make_room_for_ids(trace, options->prefix_block_tokens, error) ||
        !read_first_request(trace, error)) {
        trace_destroy(trace);
        return false;
    }
    *source = (struct request_source){.state = trace,
                                      .next = trace_next,
                                      .progress = trace_progress,
                                      .skipped_rows = trace_skipped_rows,
                                      .destroy = trace_destroy};
    return true;
}

const struct trace_format *trace_source_format(const struct request_source *source)
{
    const struct trace_source *trace = source->state;
    return trace->format;
}
