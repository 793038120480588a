/* llmsim's own format, the plainest: seconds and tokens. The columns that may follow the first
 * three are for programs that write them; a row must hold them where the header does. */
#include "trace_format.h"

#include <llmsim/sim_time.h>
#include <string.h>

#define HEADER "arrival_s,prompt_tokens,output_tokens"

static const char *const extra_columns[] = {"session_id", "class", "priority"};

enum { COLUMNS = 3, EXTRA_COLUMNS = sizeof extra_columns / sizeof *extra_columns };

/* The index of the extra column called so; −1: there is none. */
static int find_extra(const char *name, size_t length)
{
    for (int i = 0; i < EXTRA_COLUMNS; i++) {
        if (strlen(extra_columns[i]) == length && memcmp(extra_columns[i], name, length) == 0)
            return i;
    }
    return -1;
}

static int llmsim_detect(const char *line, size_t length)
{
    const size_t fixed = strlen(HEADER);
    if (length < fixed || memcmp(line, HEADER, fixed) != 0)
        return 0;
    const char *end = line + length;
    const char *c = line + fixed;
    unsigned seen = 0;
    int columns = COLUMNS;
    for (; c < end && *c == ','; columns++) {
        const char *name = c + 1;
        c = memchr(name, ',', (size_t)(end - name));
        if (c == NULL)
            c = end;
        int extra = find_extra(name, (size_t)(c - name));
        if (extra < 0 || (seen & 1U << extra) != 0)
            return 0;
        seen |= 1U << extra;
    }
    return c == end ? columns : 0;
}

static bool llmsim_parse_row(struct trace_row *row, struct request *request)
{
    bool read = trace_row_seconds(row, "arrival_s", &request->arrival_ns) &&
                trace_row_comma(row, "prompt_tokens") &&
                trace_row_tokens(row, "prompt_tokens", &request->prompt_tokens) &&
                trace_row_comma(row, "output_tokens") &&
                trace_row_tokens(row, "output_tokens", &request->output_tokens);
    for (int i = COLUMNS; read && i < row->columns; i++) {
        read = trace_row_comma(row, "next field");
        if (read)
            trace_row_pass(row);
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
    .header = HEADER "[,session_id,class,priority]",
    .detect = llmsim_detect,
    .parse_row = llmsim_parse_row,
    .write_header = llmsim_write_header,
    .write_row = llmsim_write_row,
};
