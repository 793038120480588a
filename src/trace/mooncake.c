/* Mooncake's traces: JSONL, a request an object, with ids of what prompts begin with.
 *
 *     {"timestamp": 1500, "input_length": 1000, "output_length": 80, "hash_ids": [7, 8]}
 *
 * Times are in milliseconds, perhaps with a fraction. An id stands for a block of the prompt's
 * tokens: 512 at Mooncake, another number in traces that others published in this format
 * (workload.prefix_block_tokens). The last block may be a part of one, and may then be left out. */
#include "json_fields.h"

enum { ID_TOKENS = 512, NS_PER_MS = 1000000, HASH_IDS = 3 };

static const struct trace_field fields[] = {
    {"timestamp", json_read_milliseconds, false, false},
    {"input_length", json_read_prompt, false, false},
    {"output_length", json_read_output, false, false},
    [HASH_IDS] = {"hash_ids", json_read_prefix_ids, true, false},
};

enum { FIELDS = sizeof fields / sizeof *fields };

static bool mooncake_detect(const char *line, size_t length, struct trace_columns *columns)
{
    (void)columns;
    return json_detect(fields, FIELDS, line, length);
}

static bool mooncake_parse_row(struct trace_row *row, struct request *request)
{
    const char *values[JSON_MAX_FIELDS];
    return json_parse_object(fields, FIELDS, row, request, values) &&
           json_finish_prefix(row, fields[HASH_IDS].name, values[HASH_IDS], false, request);
}

/* Whole milliseconds where they are whole. */
static void mooncake_write_row(FILE *stream, const struct request *request, int64_t number)
{
    fprintf(stream, "{\"timestamp\": %lld", (long long)(request->arrival_ns / NS_PER_MS));
    if (request->arrival_ns % NS_PER_MS != 0)
        fprintf(stream, ".%06d", (int)(request->arrival_ns % NS_PER_MS));
    fprintf(stream, ", \"input_length\": %d, \"output_length\": %d", request->prompt_tokens,
            request->output_tokens);
    if (request->prefix_id_count > 0) {
        fputs(", \"hash_ids\": ", stream);
        json_write_all_ids(stream, request, number);
    }
    fputs("}\n", stream);
}

const struct trace_format trace_format_mooncake = {
    .name = "mooncake",
    .summary = "JSON lines with prefix ids, in milliseconds",
    .source = "https://github.com/kvcache-ai/Mooncake; Qin et al., Mooncake, FAST 2025",
    .header = "{\"timestamp\": 1500, \"input_length\": 1000, \"output_length\": 80, "
              "\"hash_ids\": [7, 8]}",
    .headerless = true,
    .id_tokens = ID_TOKENS,
    .holds = 1U << TRACE_PREFIX_IDS,
    .time_step_ns = 1,
    .detect = mooncake_detect,
    .parse_row = mooncake_parse_row,
    .write_row = mooncake_write_row,
};
