#include "json_fields.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

enum { MS_EXPONENT = 6, S_EXPONENT = 9 }; /* nanoseconds, in powers of ten */

bool json_read_time(struct trace_row *row, const char *name, int ns_exponent, int64_t *time_ns)
{
    const char *begin = row->cursor;
    const char *end = json_number_end(begin, row->end);
    if (end == NULL || trace_parse_time(begin, end, ns_exponent, time_ns) != end) {
        static const char *const units[] = {
            [0] = "nanoseconds", [MS_EXPONENT] = "milliseconds", [S_EXPONENT] = "seconds"};
        int64_t largest = TRACE_TIME_MAX_NS;
        for (int i = 0; i < ns_exponent; i++)
            largest /= 10;
        char expected[64];
        snprintf(expected, sizeof expected, "a time from 0 to %" PRId64 ", in %s", largest,
                 units[ns_exponent]);
        return json_refuse_value(row, name, expected);
    }
    row->cursor = end;
    row->time_begin = begin;
    row->time_end = end;
    return true;
}

bool json_read_seconds(struct trace_row *row, const char *name, struct request *request)
{
    return json_read_time(row, name, S_EXPONENT, &request->arrival_ns);
}

bool json_read_milliseconds(struct trace_row *row, const char *name, struct request *request)
{
    return json_read_time(row, name, MS_EXPONENT, &request->arrival_ns);
}

/* Digits that are no part of another number; false leaves the cursor where it is. */
static bool take_digits(struct trace_row *row, uint64_t *value)
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

bool json_read_whole(struct trace_row *row, const char *name, int64_t minimum, int64_t maximum,
                     int64_t *value)
{
    const char *begin = row->cursor;
    const bool negative = begin < row->end && *begin == '-';
    row->cursor += negative ? 1 : 0;
    uint64_t magnitude = 0;
    if (take_digits(row, &magnitude) && magnitude <= INT64_MAX) {
        *value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
        if (*value >= minimum && *value <= maximum)
            return true;
    }
    char expected[80];
    snprintf(expected, sizeof expected, "a whole number from %" PRId64 " to %" PRId64, minimum,
             maximum);
    row->cursor = begin;
    return json_refuse_value(row, name, expected);
}

bool json_read_tokens(struct trace_row *row, const char *name, int32_t *tokens)
{
    int64_t value = 0;
    if (!json_read_whole(row, name, 1, REQUEST_MAX_TOKENS, &value))
        return false;
    *tokens = (int32_t)value;
    return true;
}

bool json_read_prompt(struct trace_row *row, const char *name, struct request *request)
{
    return json_read_tokens(row, name, &request->prompt_tokens);
}

bool json_read_output(struct trace_row *row, const char *name, struct request *request)
{
    return json_read_tokens(row, name, &request->output_tokens);
}

bool json_read_turn(struct trace_row *row, const char *name, struct request *request)
{
    int64_t value = 0;
    if (!json_read_whole(row, name, 1, INT32_MAX, &value))
        return false;
    request->turn = (int32_t)value;
    return true;
}

bool json_read_prefix_ids(struct trace_row *row, const char *name, struct request *request)
{
    int32_t count = 0;
    if (!json_take(row, '['))
        return json_refuse_value(row, name, "a list of whole numbers");
    if (json_take(row, ']'))
        return true;
    do {
        json_skip_space(row);
        assert(count < TRACE_ROW_MAX_IDS);
        if (!take_digits(row, &row->ids[count++]))
            return json_refuse_value(row, name, "a whole number from 0 to 18446744073709551615");
    } while (json_take(row, ','));
    request->prefix_id_count = count;
    return json_take(row, ']') || json_refuse_syntax(row, "a comma or a closing bracket");
}

/* The index of the key that is written so, quotes included; −1: none that is known. */
static int find_key(const struct trace_field *fields, int count, const char *quoted, size_t length)
{
    for (int i = 0; i < count; i++) {
        if (strlen(fields[i].name) == length - 2 &&
            memcmp(fields[i].name, quoted + 1, length - 2) == 0)
            return i;
    }
    return -1;
}

static bool read_member(const struct trace_field *fields, int count, struct trace_row *row,
                        struct request *request, const char **values)
{
    json_skip_space(row);
    const char *quoted = row->cursor;
    if (!json_skip_string(row))
        return false;
    const int key = find_key(fields, count, quoted, (size_t)(row->cursor - quoted));
    if (!json_take_colon(row))
        return false;
    if (key < 0)
        return json_skip_value(row);
    if (values[key] != NULL) {
        const struct location at = trace_row_location(row, quoted);
        return error_input(row->error, &at, "'%s' is given twice", fields[key].name);
    }
    json_skip_space(row);
    values[key] = row->cursor;
    return fields[key].read != NULL ? fields[key].read(row, fields[key].name, request)
                                    : json_skip_value(row);
}

bool json_parse_object(const struct trace_field *fields, int count, struct trace_row *row,
                       struct request *request, const char **values)
{
    assert(count <= JSON_MAX_FIELDS);
    memset(values, 0, JSON_MAX_FIELDS * sizeof *values);
    if (!json_take(row, '{'))
        return json_refuse_syntax(row, "an object, in braces");
    if (!json_is_next(row, '}')) {
        do {
            if (!read_member(fields, count, row, request, values))
                return false;
        } while (json_take(row, ','));
    }
    if (!json_is_next(row, '}'))
        return json_refuse_syntax(row, "a comma or a closing brace");
    for (int i = 0; i < count; i++) {
        if (values[i] != NULL || fields[i].optional)
            continue;
        const struct location at = trace_row_location(row, row->cursor);
        return error_input(row->error, &at, "the row ends without '%s'", fields[i].name);
    }
    row->cursor++;
    return true;
}

bool json_finish_row(struct trace_row *row)
{
    json_skip_space(row);
    return row->cursor == row->end || json_refuse_syntax(row, "the end of the row");
}

bool json_finish_prefix(struct trace_row *row, const char *name, const char *ids, bool may_end,
                        struct request *request)
{
    if (!json_finish_row(row))
        return false;
    const int32_t whole = request->prompt_tokens / row->id_tokens;
    const int32_t all = whole + (request->prompt_tokens % row->id_tokens != 0 ? 1 : 0);
    const int32_t count = request->prefix_id_count;
    if (ids != NULL && count != whole && count != all && !(may_end && count < all)) {
        const struct location at = trace_row_location(row, ids);
        return error_input(row->error, &at,
                           "%s: %d ids, where %d are expected for %d tokens at %d each: set "
                           "workload.prefix_block_tokens to the tokens that an id stands for",
                           name, count, all, request->prompt_tokens, row->id_tokens);
    }
    if (count > 0) {
        request->prefix_ids = row->ids;
        request->prefix_id_tokens = row->id_tokens;
    }
    return true;
}

bool json_detect(const struct trace_field *fields, int count, const char *line, size_t length)
{
    struct trace_row row = {.cursor = line, .end = line + length};
    bool found = json_is_next(&row, '{');
    for (int i = 0; found && i < count; i++) {
        char quoted[64];
        const int bytes = snprintf(quoted, sizeof quoted, "\"%s\"", fields[i].name);
        found = fields[i].optional || memmem(line, length, quoted, (size_t)bytes) != NULL;
    }
    return found;
}

static void write_ids(FILE *stream, const struct request *request)
{
    for (int32_t i = 0; i < request->prefix_id_count; i++)
        fprintf(stream, "%s%" PRIu64, i > 0 ? ", " : "", request->prefix_ids[i]);
}

void json_write_ids(FILE *stream, const struct request *request)
{
    fputc('[', stream);
    write_ids(stream, request);
    fputc(']', stream);
}

void json_write_all_ids(FILE *stream, const struct request *request, int64_t number)
{
    fputc('[', stream);
    write_ids(stream, request);
    const int32_t whole = request->prompt_tokens / request->prefix_id_tokens;
    for (int64_t i = request->prefix_id_count; i < whole; i++) {
        const int64_t block[] = {number, i};
        const uint64_t id = XXH64(block, sizeof block, 0) >> 11; /* 53 bits: a double holds them */
        fprintf(stream, ", %" PRIu64, id);
    }
    fputc(']', stream);
}
