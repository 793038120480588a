/* llmsim's own format, the plainest: seconds and tokens. The columns that may follow the first
 * three come in any order; a row must hold them where the header does. session_id and class are for
 * programs that write them: they are not read. */
#include "trace_format.h"

#include <assert.h>
#include <string.h>
#include <xxhash.h>

#define HEADER "arrival_s,prompt_tokens,output_tokens"

static bool pass_unread(struct trace_row *row, struct request *request)
{
    (void)request;
    trace_row_pass(row);
    return true;
}

static bool read_priority(struct trace_row *row, struct request *request)
{
    const int32_t limit = 1000000000;
    return trace_row_whole(row, "priority", -limit, limit, &request->priority);
}

/* Nothing needs a client's name but to tell it from others. */
static bool read_client(struct trace_row *row, struct request *request)
{
    const char *name = trace_row_pass(row);
    const size_t length = (size_t)(row->cursor - name);
    request->client = length > 0 ? XXH64(name, length, 0) : 0;
    return true;
}

static const struct {
    const char *name;
    bool (*read)(struct trace_row *row, struct request *request);
} extra_columns[] = {
    {"session_id", pass_unread},
    {"class", pass_unread},
    {"priority", read_priority},
    {"client", read_client},
};

enum { COLUMNS = 3, EXTRA_COLUMNS = sizeof extra_columns / sizeof *extra_columns };
static_assert(COLUMNS + EXTRA_COLUMNS <= TRACE_MAX_COLUMNS,
              "no more columns than there is room for");

/* The index of the extra column called so; −1: there is none. */
static int find_extra(const char *name, size_t length)
{
    for (int i = 0; i < EXTRA_COLUMNS; i++) {
        const char *known = extra_columns[i].name;
        if (strlen(known) == length && memcmp(known, name, length) == 0)
            return i;
    }
    return -1;
}

static bool llmsim_detect(const char *line, size_t length, struct trace_columns *columns)
{
    const size_t fixed = strlen(HEADER);
    if (length < fixed || memcmp(line, HEADER, fixed) != 0)
        return false;
    const char *end = line + length;
    const char *c = line + fixed;
    unsigned seen = 0;
    columns->count = COLUMNS;
    while (c < end && *c == ',') {
        const char *name = c + 1;
        c = memchr(name, ',', (size_t)(end - name));
        if (c == NULL)
            c = end;
        int extra = find_extra(name, (size_t)(c - name));
        if (extra < 0 || (seen & 1U << extra) != 0)
            return false;
        seen |= 1U << extra;
        columns->kinds[columns->count++] = extra;
    }
    return c == end;
}

static bool llmsim_parse_row(struct trace_row *row, struct request *request)
{
    bool read = trace_row_seconds(row, "arrival_s", &request->arrival_ns) &&
                trace_row_comma(row, "prompt_tokens") &&
                trace_row_tokens(row, "prompt_tokens", &request->prompt_tokens) &&
                trace_row_comma(row, "output_tokens") &&
                trace_row_tokens(row, "output_tokens", &request->output_tokens);
    for (int i = COLUMNS; read && i < row->columns->count; i++) {
        const int extra = row->columns->kinds[i];
        read = trace_row_comma(row, extra_columns[extra].name) &&
               extra_columns[extra].read(row, request);
    }
    return read && trace_row_finish(row);
}

static void llmsim_write_header(FILE *stream)
{
    fputs(HEADER "\n", stream);
}

static void llmsim_write_row(FILE *stream, const struct request *request)
{
    fprintf(stream, "%lld.%09lld,%d,%d\n", (long long)(request->arrival_ns / SIM_NS_PER_S),
            (long long)(request->arrival_ns % SIM_NS_PER_S), request->prompt_tokens,
            request->output_tokens);
}

const struct trace_format trace_format_llmsim = {
    .name = "llmsim",
    .summary = "arrival in seconds, prompt tokens, output tokens",
    .source = "this program",
    .header = HEADER "[,session_id,class,priority,client]",
    .detect = llmsim_detect,
    .parse_row = llmsim_parse_row,
    .write_header = llmsim_write_header,
    .write_row = llmsim_write_row,
};
