/* llmsim's own format, the plainest: seconds and tokens, and what else is known of a request.
 * Columns come in any order; a row must hold a field, perhaps an empty one, for each of them. */
#include "csv_fields.h"

#include <string.h>
#include <xxhash.h>

enum { PRIORITY_LIMIT = 1000000000 };

static bool read_turn(struct trace_row *row, const char *name, struct request *request)
{
    return trace_row_whole(row, name, 1, INT32_MAX, &request->turn);
}

static bool read_priority(struct trace_row *row, const char *name, struct request *request)
{
    return trace_row_whole(row, name, -PRIORITY_LIMIT, PRIORITY_LIMIT, &request->priority);
}

static bool read_client(struct trace_row *row, const char *name, struct request *request)
{
    const char *begin = row->cursor;
    const char *end = memchr(begin, ',', (size_t)(row->end - begin));
    if (!trace_row_name(row, name, end != NULL ? end : row->end, &request->client_name))
        return false;
    const size_t length = (size_t)request->client_name.bytes;
    request->client = length > 0 ? XXH64(begin, length, 0) : 0;
    return true;
}

static const struct trace_field fields[] = {
    {"arrival_s", csv_read_seconds, false, false},
    {"prompt_tokens", csv_read_prompt, false, false},
    {"output_tokens", csv_read_output, false, false},
    {"session_id", csv_read_session, true, true},
    {"turn", read_turn, true, true},
    {"class", csv_read_class, true, true},
    {"client", read_client, true, true},
    {"priority", read_priority, true, false},
};

static bool llmsim_detect(const char *line, size_t length, struct trace_columns *columns)
{
    return csv_detect(fields, sizeof fields / sizeof *fields, false, line, length, columns);
}

static bool llmsim_parse_row(struct trace_row *row, struct request *request)
{
    return csv_parse_row(fields, row, request);
}

static void llmsim_write_header(FILE *stream)
{
    fputs("arrival_s,prompt_tokens,output_tokens,session_id,turn,class,client,priority\n", stream);
}

static void llmsim_write_row(FILE *stream, const struct request *request, int64_t number)
{
    (void)number;
    fprintf(stream, "%lld.%09lld,%d,%d", (long long)(request->arrival_ns / SIM_NS_PER_S),
            (long long)(request->arrival_ns % SIM_NS_PER_S), request->prompt_tokens,
            request->output_tokens);
    csv_write_name(stream, &request->session);
    if (request->turn > 0)
        fprintf(stream, ",%d", request->turn);
    else
        fputc(',', stream);
    csv_write_name(stream, &request->class_name);
    csv_write_name(stream, &request->client_name);
    fprintf(stream, ",%d\n", request->priority);
}

const struct trace_format trace_format_llmsim = {
    .name = "llmsim",
    .summary = "CSV in seconds, with sessions, turns, classes, clients and priorities",
    .source = "this program",
    .header =
        "arrival_s,prompt_tokens,output_tokens[,session_id][,turn][,class][,client][,priority]",
    .holds = 1U << TRACE_SESSION | 1U << TRACE_TURN | 1U << TRACE_CLASS | 1U << TRACE_CLIENT |
             1U << TRACE_PRIORITY,
    .replaces = CSV_REPLACED,
    .time_step_ns = 1,
    .detect = llmsim_detect,
    .parse_row = llmsim_parse_row,
    .write_header = llmsim_write_header,
    .write_row = llmsim_write_row,
};
