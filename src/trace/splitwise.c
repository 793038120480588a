/* The Splitwise simulator's traces (Patel et al., ISCA 2024): seconds, one row a request.
 *
 * request_type is 2 for all inference, batch_size 1 and not used there either; application_id says
 * which model is asked. Tokens may be written as floats. */
#include "csv_fields.h"

static bool read_prompt(struct trace_row *row, const char *name, struct request *request)
{
    return trace_row_float_tokens(row, name, &request->prompt_tokens);
}

static bool read_output(struct trace_row *row, const char *name, struct request *request)
{
    return trace_row_float_tokens(row, name, &request->output_tokens);
}

static const struct trace_field fields[] = {
    {"request_id", NULL, false, false},
    {"request_type", NULL, true, false},
    {"application_id", NULL, true, false},
    {"arrival_timestamp", csv_read_seconds, false, false},
    {"batch_size", NULL, true, false},
    {"prompt_size", read_prompt, false, false},
    {"token_size", read_output, false, false},
};

static bool splitwise_detect(const char *line, size_t length, struct trace_columns *columns)
{
    return csv_detect(fields, sizeof fields / sizeof *fields, true, line, length, columns);
}

static bool splitwise_parse_row(struct trace_row *row, struct request *request)
{
    return csv_parse_row(fields, row, request);
}

static void splitwise_write_header(FILE *stream)
{
    fputs("request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,"
          "token_size\n",
          stream);
}

static void splitwise_write_row(FILE *stream, const struct request *request, int64_t number)
{
    fprintf(stream, "%lld,2,0,", (long long)number);
    trace_write_seconds(stream, request->arrival_ns);
    fprintf(stream, ",1,%d,%d\n", request->prompt_tokens, request->output_tokens);
}

const struct trace_format trace_format_splitwise = {
    .name = "splitwise",
    .summary = "the Splitwise simulator's CSV, in seconds",
    .source = "https://github.com/Mutinifni/splitwise-sim; Patel et al., Splitwise, ISCA 2024",
    .header = "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,"
              "token_size",
    .time_step_ns = 1,
    .detect = splitwise_detect,
    .parse_row = splitwise_parse_row,
    .write_header = splitwise_write_header,
    .write_row = splitwise_write_row,
};
