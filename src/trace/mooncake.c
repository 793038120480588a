/* Mooncake's traces: JSONL, a request an object, with ids of what prompts begin with.
 *
 *     {"timestamp": 1500, "input_length": 1000, "output_length": 80, "hash_ids": [7, 8]}
 *
 * Times are in milliseconds, perhaps with a fraction. An id stands for a block of the prompt's
 * tokens: 512 at Mooncake, another number in traces that others published in this format
 * (workload.prefix_block_tokens). The last block may be a part of one, and may then be left out.
 *
 * Keys come in any order, and keys that are not known are passed over, whatever they hold. A key is
 * compared as it is written: one spelled with escapes is not known.
 *
 * Rows are read by hand, in place, from left to right: most of a row is ids, and a JSON library
 * makes a tree of them first, which takes jansson ten times as long. */
#include "json_row.h"

#include <assert.h>
#include <string.h>

enum {
    ID_TOKENS = 512,
    MS_EXPONENT = 6, /* 10^6 nanoseconds */
};

enum key { KEY_TIMESTAMP, KEY_INPUT_LENGTH, KEY_OUTPUT_LENGTH, KEY_HASH_IDS, KEY_COUNT };

static bool read_timestamp(struct trace_row *row, const char *name, struct request *request)
{
    const char *begin = row->cursor;
    const char *end = json_number_end(begin, row->end);
    if (end == NULL || trace_parse_time(begin, end, MS_EXPONENT, &request->arrival_ns) != end) {
        char expected[64];
        snprintf(expected, sizeof expected, "a time from 0 to %lld, in milliseconds",
                 (long long)(TRACE_TIME_MAX_NS / 1000000));
        return json_refuse_value(row, name, expected);
    }
    row->cursor = end;
    row->time_begin = begin;
    row->time_end = end;
    return true;
}

/* Digits that are no part of another number; false leaves the cursor where it is. */
static bool read_whole(struct trace_row *row, uint64_t *value)
{
    const char *c = row->cursor;
    bool fits = true;
    uint64_t sum = 0;
    for (; c < row->end && trace_is_digit(*c); c++) {
        fits &= !__builtin_mul_overflow(sum, 10U, &sum);
        fits &= !__builtin_add_overflow(sum, (unsigned)(*c - '0'), &sum);
    }
    const ptrdiff_t digits = c - row->cursor;
    const bool leading_zero = digits > 1 && *row->cursor == '0';
    const bool more = c < row->end && (*c == '.' || *c == 'e' || *c == 'E');
    if (digits == 0 || leading_zero || more || !fits)
        return false;
    row->cursor = c;
    *value = sum;
    return true;
}

static bool read_tokens(struct trace_row *row, const char *name, int32_t *tokens)
{
    const char *begin = row->cursor;
    uint64_t value = 0;
    if (read_whole(row, &value) && value >= 1 && value <= REQUEST_MAX_TOKENS) {
        *tokens = (int32_t)value;
        return true;
    }
    char expected[64];
    snprintf(expected, sizeof expected, "a whole number from 1 to %d", REQUEST_MAX_TOKENS);
    row->cursor = begin;
    return json_refuse_value(row, name, expected);
}

static bool read_input_length(struct trace_row *row, const char *name, struct request *request)
{
    return read_tokens(row, name, &request->prompt_tokens);
}

static bool read_output_length(struct trace_row *row, const char *name, struct request *request)
{
    return read_tokens(row, name, &request->output_tokens);
}

static bool read_hash_ids(struct trace_row *row, const char *name, struct request *request)
{
    int32_t count = 0;
    if (!json_take(row, '['))
        return json_refuse_value(row, name, "a list of whole numbers");
    if (json_take(row, ']'))
        return true;
    do {
        json_skip_space(row);
        assert(count < TRACE_ROW_MAX_IDS);
        if (!read_whole(row, &row->ids[count++]))
            return json_refuse_value(row, name, "a whole number from 0 to 18446744073709551615");
    } while (json_take(row, ','));
    request->prefix_id_count = count;
    return json_take(row, ']') || json_refuse_syntax(row, "a comma or a closing bracket");
}

#define KEY(text, reader) .name = (text), .quoted = "\"" text "\"", .read = (reader)

static const struct {
    const char *name, *quoted;
    /* Read the value that the cursor is at. */
    bool (*read)(struct trace_row *row, const char *name, struct request *request);
    bool optional;
} keys[] = {
    [KEY_TIMESTAMP] = {KEY("timestamp", read_timestamp)},
    [KEY_INPUT_LENGTH] = {KEY("input_length", read_input_length)},
    [KEY_OUTPUT_LENGTH] = {KEY("output_length", read_output_length)},
    [KEY_HASH_IDS] = {KEY("hash_ids", read_hash_ids), .optional = true},
};

/* The key that is written so, quotes included; KEY_COUNT: none that is known. */
static enum key find_key(const char *quoted, size_t length)
{
    enum key key = KEY_TIMESTAMP;
    while (key < KEY_COUNT &&
           !(strlen(keys[key].quoted) == length && memcmp(keys[key].quoted, quoted, length) == 0))
        key++;
    return key;
}

/* Where the known keys' values begin is noted in values[]. */
static bool read_member(struct trace_row *row, struct request *request, const char **values)
{
    json_skip_space(row);
    const char *quoted = row->cursor;
    if (!json_skip_string(row))
        return false;
    const enum key key = find_key(quoted, (size_t)(row->cursor - quoted));
    if (!json_take_colon(row))
        return false;
    if (key == KEY_COUNT)
        return json_skip_value(row);
    if (values[key] != NULL) {
        const struct location at = trace_row_location(row, quoted);
        return error_input(row->error, &at, "'%s' is given twice", keys[key].name);
    }
    json_skip_space(row);
    values[key] = row->cursor;
    return keys[key].read(row, keys[key].name, request);
}

/* The cursor is left at the closing brace. */
static bool read_members(struct trace_row *row, struct request *request, const char **values)
{
    if (!json_take(row, '{'))
        return json_refuse_syntax(row, "an object, in braces");
    if (json_is_next(row, '}'))
        return true;
    do {
        if (!read_member(row, request, values))
            return false;
    } while (json_take(row, ','));
    return json_is_next(row, '}') || json_refuse_syntax(row, "a comma or a closing brace");
}

static bool check_complete(struct trace_row *row, const char *const *values)
{
    for (enum key key = KEY_TIMESTAMP; key < KEY_COUNT; key++) {
        if (values[key] != NULL || keys[key].optional)
            continue;
        const struct location at = trace_row_location(row, row->cursor);
        return error_input(row->error, &at, "the row ends without '%s'", keys[key].name);
    }
    return true;
}

/* As many ids as the prompt has blocks, whole ones or all; otherwise a block is something else. */
static bool set_prefix(struct trace_row *row, const char *ids, struct request *request)
{
    const int32_t whole = request->prompt_tokens / row->id_tokens;
    const int32_t all = whole + (request->prompt_tokens % row->id_tokens != 0 ? 1 : 0);
    const int32_t count = request->prefix_id_count;
    if (ids != NULL && count != whole && count != all) {
        const struct location at = trace_row_location(row, ids);
        return error_input(row->error, &at,
                           "hash_ids: %d ids, where %d are expected for %d tokens at %d each: set "
                           "workload.prefix_block_tokens to the tokens that an id stands for",
                           count, all, request->prompt_tokens, row->id_tokens);
    }
    if (count > 0) {
        request->prefix_ids = row->ids;
        request->prefix_id_tokens = row->id_tokens;
    }
    return true;
}

static bool mooncake_parse_row(struct trace_row *row, struct request *request)
{
    const char *values[KEY_COUNT] = {NULL};
    if (!read_members(row, request, values) || !check_complete(row, values))
        return false;
    row->cursor++;
    json_skip_space(row);
    if (row->cursor < row->end)
        return json_refuse_syntax(row, "the end of the row");
    return set_prefix(row, values[KEY_HASH_IDS], request);
}

/* An object that holds, somewhere, every key that a row must have. */
static bool mooncake_detect(const char *line, size_t length, struct trace_columns *columns)
{
    (void)columns;
    struct trace_row row = {.cursor = line, .end = line + length};
    bool found = json_is_next(&row, '{');
    for (enum key key = KEY_TIMESTAMP; found && key < KEY_COUNT; key++)
        found = keys[key].optional ||
                memmem(line, length, keys[key].quoted, strlen(keys[key].quoted)) != NULL;
    return found;
}

const struct trace_format trace_format_mooncake = {
    .name = "mooncake",
    .summary = "JSON lines with prefix ids, in milliseconds",
    .source = "https://github.com/kvcache-ai/Mooncake; Qin et al., Mooncake, FAST 2025",
    .header = "{\"timestamp\": 1500, \"input_length\": 1000, \"output_length\": 80, "
              "\"hash_ids\": [7, 8]}",
    .headerless = true,
    .id_tokens = ID_TOKENS,
    .detect = mooncake_detect,
    .parse_row = mooncake_parse_row,
};
