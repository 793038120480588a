/* BurstGPT: requests to ChatGPT and GPT-4 at a university, over months (Wang et al., KDD 2025).
 *
 * Times are seconds from the first day's midnight, whole ones, and do not begin at 0. Files 1 and 2
 * have six columns; since file 3 there are the session, empty but for "Conversation log" rows, and
 * the elapsed time until the answer, which is an outcome and passed over. Response tokens of 0 are a
 * request that failed: it is left out, and counted. The model is the request's class. */
#include "csv_fields.h"

/* "0", or "0.0". */
static bool take_nought(struct trace_row *row)
{
    const char *begin = row->cursor;
    const char *c = begin;
    while (c < row->end && *c == '0')
        c++;
    const bool point = c > begin && c < row->end && *c == '.';
    const char *digits = point ? ++c : begin;
    while (c < row->end && *c == '0')
        c++;
    if (c == digits || (c < row->end && *c != ','))
        return false;
    row->cursor = c;
    return true;
}

/* A failed request may have a prompt of no tokens. */
static bool read_prompt(struct trace_row *row, const char *name, struct request *request)
{
    return take_nought(row) || trace_row_float_tokens(row, name, &request->prompt_tokens);
}

static bool read_response(struct trace_row *row, const char *name, struct request *request)
{
    row->failed = take_nought(row);
    return row->failed || trace_row_float_tokens(row, name, &request->output_tokens);
}

enum { REQUEST_TOKENS = 4 };

static const struct trace_field fields[] = {
    {"Timestamp", csv_read_seconds, false, false},
    {"Session ID", csv_read_session, true, true},
    {"Elapsed time", NULL, true, false},
    {"Model", csv_read_class, false, true},
    [REQUEST_TOKENS] = {"Request tokens", read_prompt, false, false},
    {"Response tokens", read_response, false, false},
    {"Total tokens", NULL, false, false},
    {"Log Type", NULL, false, false},
};

static bool burstgpt_detect(const char *line, size_t length, struct trace_columns *columns)
{
    return csv_detect(fields, sizeof fields / sizeof *fields, false, line, length, columns);
}

/* Where the prompt's field begins, of a row that has been read. */
static const char *find_prompt(const struct trace_row *row)
{
    struct trace_row again = *row;
    again.cursor = row->begin;
    for (const int *kind = row->columns->kinds; *kind != REQUEST_TOKENS; kind++) {
        trace_row_pass(&again);
        again.cursor++;
    }
    return again.cursor;
}

static bool burstgpt_parse_row(struct trace_row *row, struct request *request)
{
    if (!csv_parse_row(fields, row, request))
        return false;
    if (row->failed || request->prompt_tokens > 0)
        return true;
    const struct location at = trace_row_location(row, find_prompt(row));
    return error_input(row->error, &at, "Request tokens: 0, of a request that was answered");
}

static void burstgpt_write_header(FILE *stream)
{
    fputs("Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,"
          "Log Type\n",
          stream);
}

/* The log has two types, and a session in one of them. */
static void burstgpt_write_row(FILE *stream, const struct request *request, int64_t number)
{
    (void)number;
    static const struct request_name unnamed = {"ChatGPT", sizeof "ChatGPT" - 1};
    const struct request_name *session = &request->session;
    const struct request_name *model =
        request->class_name.bytes > 0 ? &request->class_name : &unnamed;
    trace_write_seconds(stream, request->arrival_ns);
    csv_write_name(stream, session);
    fputc(',', stream); /* no elapsed time */
    csv_write_name(stream, model);
    fprintf(stream, ",%d,%d,%d,%s log\n", request->prompt_tokens, request->output_tokens,
            request->prompt_tokens + request->output_tokens,
            session->bytes > 0 ? "Conversation" : "API");
}

const struct trace_format trace_format_burstgpt = {
    .name = "burstgpt",
    .summary = "BurstGPT, with sessions (files from 3 on) or without; failed requests are left out",
    .source = "https://github.com/HPMLL/BurstGPT; Wang et al., BurstGPT, KDD 2025",
    .header = "Timestamp,[Session ID,Elapsed time,]Model,Request tokens,Response tokens,Total "
              "tokens,Log Type",
    .holds = 1U << TRACE_SESSION | 1U << TRACE_CLASS,
    .invents = 1U << TRACE_CLASS,
    .replaces = CSV_REPLACED,
    .time_step_ns = 1,
    .detect = burstgpt_detect,
    .parse_row = burstgpt_parse_row,
    .write_header = burstgpt_write_header,
    .write_row = burstgpt_write_row,
};
