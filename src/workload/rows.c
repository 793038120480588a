/* The rows of a trace as content, for requests that arrive at other times than theirs: vLLM's
 * benchmark of a data set at a request rate. */
#include "content.h"
#include "trace_source.h"

#include <stdlib.h>

struct rows {
    struct request_source trace;
    struct request row; /* of the session begun last */
};

static enum request_source_result rows_begin(void *state, struct session *session,
                                             struct error *error)
{
    struct rows *rows = state;
    *session = (struct session){.turn = 1, .turns = 1};
    return rows->trace.next(rows->trace.state, &rows->row, error);
}

static bool rows_advance(void *state, struct session *session)
{
    (void)state;
    (void)session;
    return false;
}

static bool rows_fill(void *state, const struct session *session, struct request *request,
                      struct error *error)
{
    const struct rows *rows = state;
    (void)session;
    (void)error;
    *request = rows->row;
    return true;
}

static double rows_progress(const void *state)
{
    const struct rows *rows = state;
    return rows->trace.progress(rows->trace.state);
}

static struct source_left_out rows_left_out(const void *state)
{
    const struct rows *rows = state;
    return rows->trace.left_out(rows->trace.state);
}

static void rows_destroy(void *state)
{
    struct rows *rows = state;
    if (rows == NULL)
        return;
    rows->trace.destroy(rows->trace.state);
    free(rows);
}

bool rows_open(const struct trace_options *options, struct content *content, struct error *error)
{
    struct rows *rows = calloc(1, sizeof *rows);
    if (rows == NULL)
        return error_run(error, "out of memory");
    if (!trace_source_open(options, &rows->trace, error)) {
        free(rows);
        return false;
    }
    *content = (struct content){.state = rows,
                                .trace_format = rows->trace.trace_format,
                                .begin = rows_begin,
                                .advance = rows_advance,
                                .fill = rows_fill,
                                .progress = rows_progress,
                                .left_out = rows_left_out,
                                .destroy = rows_destroy};
    return true;
}
