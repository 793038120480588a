/* LLMServingSim's requests: JSON lines of token counts, in nanoseconds, in no particular order.
 *
 *     {"input_toks": 25, "output_toks": 619, "arrival_time_ns": 46926808}
 *
 * The one form in which ShareGPT's conversations are published with counts of tokens. Token ids
 * (input_tok_ids, output_tok_ids) are passed over; a session of several calls (sub_requests) is not a
 * request, and refused. */
#include "json_fields.h"

static bool read_arrival(struct trace_row *row, const char *name, struct request *request)
{
    return json_read_time(row, name, 0, &request->arrival_ns);
}

static bool refuse_calls(struct trace_row *row, const char *name, struct request *request)
{
    (void)request;
    const struct location at = trace_row_location(row, row->cursor);
    return error_input(row->error, &at,
                       "'%s': a session whose calls wait for one another is not read; write a row "
                       "a request",
                       name);
}

static const struct trace_field fields[] = {
    {"sub_requests", refuse_calls, true, false},
    {"input_toks", json_read_prompt, false, false},
    {"output_toks", json_read_output, false, false},
    {"arrival_time_ns", read_arrival, false, false},
};

enum { FIELDS = sizeof fields / sizeof *fields };

static bool llmservingsim_detect(const char *line, size_t length, struct trace_columns *columns)
{
    (void)columns;
    return json_detect(fields, FIELDS, line, length);
}

static bool llmservingsim_parse_row(struct trace_row *row, struct request *request)
{
    const char *values[JSON_MAX_FIELDS];
    return json_parse_object(fields, FIELDS, row, request, values) && json_finish_row(row);
}

static void llmservingsim_write_row(FILE *stream, const struct request *request, int64_t number)
{
    (void)number;
    fprintf(stream, "{\"input_toks\": %d, \"output_toks\": %d, \"arrival_time_ns\": %lld}\n",
            request->prompt_tokens, request->output_tokens, (long long)request->arrival_ns);
}

const struct trace_format trace_format_llmservingsim = {
    .name = "llmservingsim",
    .summary = "LLMServingSim's JSON lines (ShareGPT with token counts), in nanoseconds",
    .source = "https://github.com/casys-kaist/LLMServingSim; Cho et al., LLMServingSim, IISWC 2024",
    .header = "{\"input_toks\": 25, \"output_toks\": 619, \"arrival_time_ns\": 46926808}",
    .headerless = true,
    .time_step_ns = 1,
    .detect = llmservingsim_detect,
    .parse_row = llmservingsim_parse_row,
    .write_row = llmservingsim_write_row,
};
