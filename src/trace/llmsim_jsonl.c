/* llmsim's own format for everything that a request can have: an object a line.
 *
 *     {"arrival_s": 1.5, "prompt_tokens": 40, "output_tokens": 8, "session_id": "s1", "turn": 2,
 *      "class": "chat", "client": "c3", "priority": 0, "prefix_block_tokens": 16,
 *      "prefix_ids": [7, 8, 9]}
 *
 * The first three are needed. Names are texts, or whole numbers. An id stands for
 * prefix_block_tokens tokens: as the row says, or else the configuration, or else 16. Where the row
 * says it, its ids may end before the prompt does: what is behind them is nobody else's. */
#include "json_fields.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum { ID_TOKENS = 16, PRIORITY_LIMIT = 1000000000, NAMES = 3 };

/* Names whose escapes have been resolved. */
struct jsonl_state {
    char names[NAMES][REQUEST_MAX_NAME_BYTES];
};

enum { NAME_SESSION, NAME_CLASS, NAME_CLIENT };

/* A text with escapes means what jansson says. */
static bool resolve_name(struct trace_row *row, const char *what, const char *quoted, char *buffer,
                         struct request_name *name)
{
    json_t *text = json_loadb(quoted, (size_t)(row->cursor - quoted), JSON_DECODE_ANY, NULL);
    const size_t bytes = text != NULL ? json_string_length(text) : 0;
    const bool fits = text != NULL && bytes <= REQUEST_MAX_NAME_BYTES;
    if (fits) {
        memcpy(buffer, json_string_value(text), bytes);
        *name = (struct request_name){bytes > 0 ? buffer : NULL, (int32_t)bytes};
    }
    json_decref(text);
    const char *end = row->cursor;
    return fits || trace_row_refuse_span(row, quoted, end, what,
                                         "a JSON text of at most 255 bytes without NUL");
}

static bool read_name(struct trace_row *row, const char *what, int index, struct request_name *name)
{
    struct jsonl_state *state = row->state;
    const char *begin = row->cursor;
    if (!json_is_next(row, '"')) {
        const char *end = json_whole_end(begin, row->end);
        if (end == NULL)
            return json_refuse_value(row, what, "a text or a whole number");
        return trace_row_name(row, what, end, name);
    }
    if (!json_skip_string(row))
        return false;
    const char *end = row->cursor;
    if (memchr(begin, '\\', (size_t)(end - begin)) != NULL)
        return resolve_name(row, what, begin, state->names[index], name);
    row->cursor = begin + 1;
    const bool read = trace_row_name(row, what, end - 1, name);
    row->cursor = end;
    return read;
}

static bool read_session(struct trace_row *row, const char *name, struct request *request)
{
    return read_name(row, name, NAME_SESSION, &request->session);
}

static bool read_class(struct trace_row *row, const char *name, struct request *request)
{
    return read_name(row, name, NAME_CLASS, &request->class_name);
}

static bool read_client(struct trace_row *row, const char *name, struct request *request)
{
    struct request_name *client = &request->client_name;
    if (!read_name(row, name, NAME_CLIENT, client))
        return false;
    request->client = client->bytes > 0 ? XXH64(client->text, (size_t)client->bytes, 0) : 0;
    return true;
}

static bool read_priority(struct trace_row *row, const char *name, struct request *request)
{
    int64_t value = 0;
    if (!json_read_whole(row, name, -PRIORITY_LIMIT, PRIORITY_LIMIT, &value))
        return false;
    request->priority = (int32_t)value;
    return true;
}

static bool read_block_tokens(struct trace_row *row, const char *name, struct request *request)
{
    (void)request;
    return json_read_tokens(row, name, &row->id_tokens);
}

static const struct trace_field fields[] = {
    {"arrival_s", json_read_seconds, false, false},
    {"prompt_tokens", json_read_prompt, false, false},
    {"output_tokens", json_read_output, false, false},
    {"session_id", read_session, true, false},
    {"turn", json_read_turn, true, false},
    {"class", read_class, true, false},
    {"client", read_client, true, false},
    {"priority", read_priority, true, false},
    {"prefix_block_tokens", read_block_tokens, true, false},
    {"prefix_ids", json_read_prefix_ids, true, false},
};

enum { FIELDS = sizeof fields / sizeof *fields, BLOCK_TOKENS = FIELDS - 2, PREFIX_IDS };

static bool jsonl_detect(const char *line, size_t length, struct trace_columns *columns)
{
    (void)columns;
    return json_detect(fields, FIELDS, line, length);
}

static bool jsonl_parse_row(struct trace_row *row, struct request *request)
{
    const char *values[JSON_MAX_FIELDS];
    return json_parse_object(fields, FIELDS, row, request, values) &&
           json_finish_prefix(row, fields[PREFIX_IDS].name, values[PREFIX_IDS],
                              values[BLOCK_TOKENS] != NULL, request);
}

static void write_name(FILE *stream, const char *key, const struct request_name *name)
{
    if (name->bytes == 0)
        return;
    /* A name in a CSV file may be anything; JSON is UTF-8. */
    json_t *text = json_stringn(name->text, (size_t)name->bytes);
    const bool is_utf8 = text != NULL;
    json_decref(text);
    fprintf(stream, ", \"%s\": \"", key);
    for (int32_t i = 0; i < name->bytes; i++) {
        const unsigned char c = (unsigned char)name->text[i];
        if (c < ' ')
            fprintf(stream, "\\u%04x", c);
        else
            fprintf(stream, "%s%c", c == '"' || c == '\\' ? "\\" : "",
                    c < 0x80 || is_utf8 ? c : '?');
    }
    fputc('"', stream);
}

static void jsonl_write_row(FILE *stream, const struct request *request, int64_t number)
{
    (void)number;
    fputs("{\"arrival_s\": ", stream);
    trace_write_seconds(stream, request->arrival_ns);
    fprintf(stream, ", \"prompt_tokens\": %d, \"output_tokens\": %d", request->prompt_tokens,
            request->output_tokens);
    write_name(stream, "session_id", &request->session);
    if (request->turn > 0)
        fprintf(stream, ", \"turn\": %d", request->turn);
    write_name(stream, "class", &request->class_name);
    write_name(stream, "client", &request->client_name);
    if (request->priority != 0)
        fprintf(stream, ", \"priority\": %d", request->priority);
    if (request->prefix_id_count > 0) {
        fprintf(stream,
                ", \"prefix_block_tokens\": %d, \"prefix_ids\": ", request->prefix_id_tokens);
        json_write_ids(stream, request);
    }
    fputs("}\n", stream);
}

const struct trace_format trace_format_llmsim_jsonl = {
    .name = "llmsim-jsonl",
    .summary = "JSON lines of everything that a request can have, in seconds",
    .source = "this program",
    .header = "{\"arrival_s\": 1.5, \"prompt_tokens\": 40, \"output_tokens\": 8}",
    .headerless = true,
    .id_tokens = ID_TOKENS,
    .states_id_tokens = true,
    .state_size = sizeof(struct jsonl_state),
    .holds = (1U << TRACE_ITEM_COUNT) - 1,
    .time_step_ns = 1,
    .detect = jsonl_detect,
    .parse_row = jsonl_parse_row,
    .write_row = jsonl_write_row,
};
