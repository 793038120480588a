/* Vidur's traces (Agrawal et al., MLSys 2024): seconds and tokens; other columns are passed over.
 * Its files of lengths alone have no times; workload.arrivals says when such requests arrive. */
#include "csv_fields.h"

#include <string.h>

static bool read_prompt(struct trace_row *row, const char *name, struct request *request)
{
    return trace_row_float_tokens(row, name, &request->prompt_tokens);
}

static bool read_output(struct trace_row *row, const char *name, struct request *request)
{
    return trace_row_float_tokens(row, name, &request->output_tokens);
}

static const struct trace_field fields[] = {
    {"num_prefill_tokens", read_prompt, false, false},
    {"num_decode_tokens", read_output, false, false},
    {"arrived_at", csv_read_seconds, false, false},
};

enum { LENGTH_FIELDS = 2, FIELDS = sizeof fields / sizeof *fields };

static bool vidur_detect(const char *line, size_t length, struct trace_columns *columns)
{
    return csv_detect(fields, FIELDS, true, line, length, columns);
}

static bool vidur_lengths_detect(const char *line, size_t length, struct trace_columns *columns)
{
    return csv_detect(fields, LENGTH_FIELDS, true, line, length, columns) &&
           memmem(line, length, "arrived_at", strlen("arrived_at")) == NULL;
}

static bool vidur_parse_row(struct trace_row *row, struct request *request)
{
    return csv_parse_row(fields, row, request);
}

static void vidur_write_header(FILE *stream)
{
    fputs("arrived_at,num_prefill_tokens,num_decode_tokens\n", stream);
}

static void vidur_write_row(FILE *stream, const struct request *request, int64_t number)
{
    (void)number;
    trace_write_seconds(stream, request->arrival_ns);
    fprintf(stream, ",%d,%d\n", request->prompt_tokens, request->output_tokens);
}

static void vidur_lengths_write_header(FILE *stream)
{
    fputs("num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio\n", stream);
}

static void vidur_lengths_write_row(FILE *stream, const struct request *request, int64_t number)
{
    (void)number;
    fprintf(stream, "%d,%d,%d,%.6g\n", request->prompt_tokens, request->output_tokens,
            request->prompt_tokens + request->output_tokens,
            (double)request->prompt_tokens / request->output_tokens);
}

const struct trace_format trace_format_vidur = {
    .name = "vidur",
    .summary = "Vidur's CSV, in seconds",
    .source = "https://github.com/microsoft/vidur; Agrawal et al., Vidur, MLSys 2024",
    .header = "arrived_at,num_prefill_tokens,num_decode_tokens",
    .time_step_ns = 1,
    .detect = vidur_detect,
    .parse_row = vidur_parse_row,
    .write_header = vidur_write_header,
    .write_row = vidur_write_row,
};

const struct trace_format trace_format_vidur_lengths = {
    .name = "vidur-lengths",
    .summary = "the same without times: workload.arrivals says when requests arrive",
    .source = "https://github.com/microsoft/vidur; Agrawal et al., Vidur, MLSys 2024",
    .header = "num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio",
    .timeless = true,
    .detect = vidur_lengths_detect,
    .parse_row = vidur_parse_row,
    .write_header = vidur_lengths_write_header,
    .write_row = vidur_lengths_write_row,
};
