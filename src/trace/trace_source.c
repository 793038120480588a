/* A trace as a stream of requests. Rows are read ahead, and put in order of time (reorder.h); what
 * is wrong with one is told when those before it have been delivered. */
#include "trace_source.h"

#include "late_row.h"
#include "reorder.h"
#include "trace_format.h"
#include "trace_store.h"

#include <assert.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>
#include <string.h>

struct trace_source {
    struct text_reader *reader;
    const struct trace_format *format;
    struct trace_columns columns;
    struct reorder *window; /* owned; rows that have been read and not delivered */
    int32_t id_tokens;      /* 0: the format has no prefix ids */
    char *row; /* a first line that is a row, or the rest of one of several requests; or NULL */
    size_t row_length;
    const char *row_cursor; /* where in it; NULL: it has not been read yet */
    void *format_state;     /* owned */
    bool skip_bad_rows;
    struct source_left_out left_out;         /* of the rows that have been read */
    struct source_left_out left_out_by_then; /* of those before the row last delivered */
    /* On the trace's own clock. Of rows that have been read: */
    bool read_any;
    int64_t lowest_ns, highest_ns;
    /* Of those that have been delivered: */
    bool delivered_any;
    int64_t first_ns, last_ns;
    int64_t empty_lines; /* just before the row being read; fine at the end of the file only */
    struct location first_empty_line;
    bool first_delivered;
    struct request first;             /* read on opening, delivered first */
    enum request_source_result ahead; /* what reading came to: SOURCE_REQUEST until it ended */
    struct error failure;             /* where that is SOURCE_ERROR */
};

/* Whether the row's time can still be put in order, and stays within the simulation's. */
static bool check_time(struct trace_source *trace, struct trace_row *row, int64_t time_ns)
{
    if (trace->delivered_any && time_ns < trace->last_ns)
        return late_row_refuse(row, trace->last_ns - time_ns, !trace->format->headerless);
    const int64_t lowest_ns = trace->read_any ? trace->lowest_ns : time_ns;
    const int64_t highest_ns = trace->read_any ? trace->highest_ns : time_ns;
    if (time_ns - lowest_ns > SIM_TIME_MAX_NS)
        return trace_row_refuse_span(row, row->time_begin, row->time_end, "too late",
                                     "within 146 years of the first arrival");
    if (highest_ns - time_ns > SIM_TIME_MAX_NS)
        return trace_row_refuse_span(row, row->time_begin, row->time_end, "too early",
                                     "within 146 years of the rows before");
    trace->read_any = true;
    trace->lowest_ns = time_ns < lowest_ns ? time_ns : lowest_ns;
    trace->highest_ns = time_ns > highest_ns ? time_ns : highest_ns;
    return true;
}

/* Lines without a byte, now that a row has followed them. */
static bool pass_empty_lines(struct trace_source *trace, struct error *error)
{
    if (!trace->skip_bad_rows)
        return error_input(error, &trace->first_empty_line, "an empty line between rows");
    trace->left_out.bad_rows += trace->empty_lines;
    trace->empty_lines = 0;
    return true;
}

/* As text_reader_next, unless the row at hand has not been read to its end. */
static int next_row(struct trace_source *trace, char **line, size_t *length, struct error *error)
{
    if (trace->row != NULL) {
        *line = trace->row;
        *length = trace->row_length;
        return 1;
    }
    trace->row_cursor = NULL;
    return trace->format->objects ? text_reader_next_object(trace->reader, line, length, error)
                                  : text_reader_next(trace->reader, line, length, error);
}

enum row_result { ROW_HELD, ROW_NONE, ROW_BAD };

/* Read a request of the row into the window. ROW_BAD: *error is filled. */
static enum row_result read_row(struct trace_source *trace, char *line, size_t length,
                                struct error *error)
{
    uint64_t *ids = NULL;
    struct request *request = reorder_begin(trace->window, &ids);
    struct trace_row row = {.reader = trace->reader,
                            .begin = line,
                            .end = line + length,
                            .cursor = trace->row_cursor != NULL ? trace->row_cursor : line,
                            .columns = &trace->columns,
                            .ids = trace->id_tokens > 0 ? ids : NULL,
                            .id_tokens = trace->id_tokens,
                            .state = trace->format_state,
                            .more = trace->row_cursor != NULL,
                            .error = error};
    trace->row = NULL;
    if (!trace->format->parse_row(&row, request))
        return ROW_BAD;
    if (row.more) {
        trace->row = line;
        trace->row_length = length;
        trace->row_cursor = row.cursor;
    }
    if (row.failed || row.none) {
        trace->left_out.failed_requests += row.failed ? 1 : 0;
        return ROW_NONE;
    }
    if (!check_time(trace, &row, request->arrival_ns))
        return ROW_BAD;
    reorder_put(trace->window, &trace->left_out);
    return ROW_HELD;
}

/* Read up to the next row and hold it. */
static enum request_source_result read_ahead(struct trace_source *trace, struct error *error)
{
    assert(trace->format != NULL);
    for (;;) {
        char *line = NULL;
        size_t length = 0;
        int got = next_row(trace, &line, &length, error);
        if (got <= 0)
            return got == 0 ? SOURCE_END : SOURCE_ERROR;
        if (length == 0) {
            if (trace->empty_lines++ == 0)
                trace->first_empty_line = text_reader_location(trace->reader);
            continue;
        }
        if (trace->empty_lines > 0 && !pass_empty_lines(trace, error))
            return SOURCE_ERROR;
        const enum row_result result = read_row(trace, line, length, error);
        if (result == ROW_HELD)
            return SOURCE_REQUEST;
        if (result == ROW_NONE)
            continue;
        if (!trace->skip_bad_rows)
            return SOURCE_ERROR;
        *error = (struct error){0};
        trace->left_out.bad_rows++;
    }
}

static enum request_source_result next_in_order(struct trace_source *trace, struct request *request)
{
    while (trace->ahead == SOURCE_REQUEST && !reorder_is_full(trace->window))
        trace->ahead = read_ahead(trace, &trace->failure);
    if (reorder_is_empty(trace->window)) {
        trace->left_out_by_then = trace->left_out;
        return trace->ahead;
    }
    reorder_take(trace->window, request, &trace->left_out_by_then);
    trace->last_ns = request->arrival_ns;
    if (!trace->delivered_any)
        trace->first_ns = trace->last_ns;
    trace->delivered_any = true;
    request->arrival_ns -= trace->first_ns;
    return SOURCE_REQUEST;
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
    const enum request_source_result result = next_in_order(trace, request);
    if (result == SOURCE_ERROR)
        *error = trace->failure;
    return result;
}

static double trace_progress(const void *state)
{
    const struct trace_source *trace = state;
    return text_reader_progress(trace->reader);
}

static struct source_left_out trace_left_out(const void *state)
{
    const struct trace_source *trace = state;
    return trace->left_out_by_then;
}

static void trace_destroy(void *state)
{
    struct trace_source *trace = state;
    if (trace == NULL)
        return;
    text_reader_close(trace->reader);
    reorder_destroy(trace->window);
    free(trace->format_state);
    free(trace);
}

/* The first line, or the first object of a list. */
static bool read_beginning(struct trace_source *trace, bool is_list, char **line, size_t *length,
                           struct error *error)
{
    const int got = is_list ? text_reader_next_object(trace->reader, line, length, error)
                            : text_reader_next(trace->reader, line, length, error);
    if (got < 0)
        return false;
    if (got == 0) {
        struct location at = text_reader_location(trace->reader);
        at.line = 0;
        return error_input(error, &at,
                           is_list ? "an empty list; a trace is expected"
                                   : "an empty file; a trace is expected");
    }
    return true;
}

/* Find the format by how the file begins. */
static bool read_header(struct trace_source *trace, int format, struct error *error)
{
    char *line = NULL;
    size_t length = 0;
    bool is_list = false;
    if (!text_reader_is_list(trace->reader, &is_list, error) ||
        !read_beginning(trace, is_list, &line, &length, error))
        return false;
    trace->format =
        trace_format_detect(format, is_list, trace->reader, line, length, &trace->columns, error);
    if (trace->format == NULL)
        return false;
    if (trace->format->headerless) {
        trace->row = line;
        trace->row_length = length;
    }
    if (trace->format->state_size == 0)
        return true;
    trace->format_state = calloc(1, trace->format->state_size);
    return trace->format_state != NULL || error_run(error, "out of memory");
}

/* What an id stands for, if there are any. */
static bool set_id_tokens(struct trace_source *trace, int64_t id_tokens, struct error *error)
{
    const struct trace_format *format = trace->format;
    assert(format != NULL);
    const bool given = id_tokens != 0;
    const struct location at = {text_reader_location(trace->reader).file, 0, 0};
    if (given && format->id_tokens == 0)
        return error_input(error, &at,
                           "a trace of format '%s', for which 'prefix_block_tokens' has no meaning",
                           format->name);
    trace->id_tokens = given ? (int32_t)id_tokens : format->id_tokens;
    return true;
}

static bool create_window(struct trace_source *trace, struct error *error)
{
    trace->window = reorder_create(trace->id_tokens > 0 ? TRACE_ROW_MAX_IDS : 0, error);
    return trace->window != NULL;
}

static bool read_first_request(struct trace_source *trace, struct error *error)
{
    switch (next_in_order(trace, &trace->first)) {
    case SOURCE_REQUEST:
        return true;
    case SOURCE_ERROR:
        *error = trace->failure;
        return false;
    case SOURCE_END:
    case SOURCE_WAIT:
        break;
    }
    struct location at = text_reader_location(trace->reader);
    at.line = 0;
    if (trace->left_out.failed_requests > 0)
        return error_input(error, &at, "a trace without requests: all %lld failed",
                           (long long)trace->left_out.failed_requests);
    if (trace->left_out.bad_rows > 0)
        return error_input(error, &at, "a trace without requests: all %lld rows are bad",
                           (long long)trace->left_out.bad_rows);
    return error_input(error, &at, "a trace without requests%s",
                       trace->format->headerless ? "" : ": there is only a header");
}

bool trace_source_open(const struct trace_options *options, struct request_source *source,
                       struct error *error)
{
    if (options->store != NULL)
        return trace_store_open(options, source, error);
    struct trace_source *trace = calloc(1, sizeof *trace);
    if (trace == NULL)
        return error_run(error, "out of memory");
    trace->skip_bad_rows = options->skip_bad_rows;
    trace->reader = text_reader_open(options->path, error);
    if (trace->reader == NULL || !read_header(trace, options->format, error) ||
        !set_id_tokens(trace, options->prefix_block_tokens, error) ||
        !create_window(trace, error) || !read_first_request(trace, error)) {
        trace_destroy(trace);
        return false;
    }
    *source = (struct request_source){.state = trace,
                                      .trace_format = trace->format,
                                      .next = trace_next,
                                      .progress = trace_progress,
                                      .left_out = trace_left_out,
                                      .destroy = trace_destroy};
    return true;
}
