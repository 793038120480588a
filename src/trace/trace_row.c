/* What all formats need to say what is wrong with a row, and the fields of a comma-separated one.
 * Digits are read by hand: strtol and its kin would take most of the time of reading a trace, obey
 * the locale, and want a NUL behind the line. */
#include "trace_format.h"

#include <string.h>

/* More of a wrong field than this is not shown. */
enum { SHOWN_BYTES = 40 };

static const char *field_end(const struct trace_row *row, const char *field)
{
    const char *comma = memchr(field, ',', (size_t)(row->end - field));
    return comma != NULL ? comma : row->end;
}

struct location trace_row_location(const struct trace_row *row, const char *byte)
{
    struct location at = text_reader_location(row->reader);
    const char *line = row->begin;
    for (const char *end = NULL; (end = memchr(line, '\n', (size_t)(byte - line))) != NULL;
         at.line++)
        line = end + 1;
    at.column = (int)(byte - line) + (line == row->begin ? at.column : 1);
    return at;
}

bool trace_row_refuse_span(struct trace_row *row, const char *begin, const char *end,
                           const char *what, const char *expected)
{
    struct location at = trace_row_location(row, begin);
    if (begin < end && memchr(begin, '\0', (size_t)(end - begin)) != NULL)
        return error_input(row->error, &at, "%s: a NUL byte", what);
    const char *line_end = begin < end ? memchr(begin, '\n', (size_t)(end - begin)) : NULL;
    end = line_end != NULL ? line_end : end;
    bool cut = line_end != NULL || end - begin > SHOWN_BYTES;
    int shown = end - begin > SHOWN_BYTES ? (int)SHOWN_BYTES : (int)(end - begin);
    return error_input(row->error, &at, "%s: '%.*s%s' is not %s", what, shown, begin,
                       cut ? "..." : "", expected);
}

bool trace_row_refuse(struct trace_row *row, const char *field, const char *what,
                      const char *expected)
{
    return trace_row_refuse_span(row, field, field_end(row, field), what, expected);
}

bool trace_row_whole(struct trace_row *row, const char *what, int32_t minimum, int32_t maximum,
                     int32_t *value)
{
    const char *c = row->cursor;
    const bool negative = c < row->end && *c == '-';
    const char *digits = negative ? ++c : c;
    int64_t magnitude = 0;
    for (; c < row->end && trace_is_digit(*c) && magnitude <= INT32_MAX; c++)
        magnitude = 10 * magnitude + (*c - '0');
    const bool whole = c > digits && (c == row->end || *c == ',');
    const int64_t signed_value = negative ? -magnitude : magnitude;
    if (!whole || signed_value < minimum || signed_value > maximum) {
        char expected[64];
        snprintf(expected, sizeof expected, "a whole number from %d to %d", minimum, maximum);
        return trace_row_refuse(row, row->cursor, what, expected);
    }
    row->cursor = c;
    *value = (int32_t)signed_value;
    return true;
}

bool trace_row_tokens(struct trace_row *row, const char *what, int32_t *tokens)
{
    return trace_row_whole(row, what, 1, REQUEST_MAX_TOKENS, tokens);
}

bool trace_row_float_tokens(struct trace_row *row, const char *what, int32_t *tokens)
{
    const char *begin = row->cursor;
    const char *end = field_end(row, begin);
    const char *point = memchr(begin, '.', (size_t)(end - begin));
    const char *c = point != NULL ? point + 1 : end;
    while (c < end && *c == '0')
        c++;
    if (point == NULL || point + 1 == end || c < end)
        return trace_row_tokens(row, what, tokens);
    struct trace_row whole = *row;
    struct error unused;
    whole.end = point;
    whole.error = &unused;
    if (!trace_row_tokens(&whole, what, tokens))
        return trace_row_tokens(row, what, tokens); /* which shows all of it */
    row->cursor = end;
    return true;
}

bool trace_row_name(struct trace_row *row, const char *what, const char *end,
                    struct request_name *name)
{
    const char *begin = row->cursor;
    if (end - begin > REQUEST_MAX_NAME_BYTES) {
        char expected[64];
        snprintf(expected, sizeof expected, "a name of at most %d bytes", REQUEST_MAX_NAME_BYTES);
        return trace_row_refuse_span(row, begin, end, what, expected);
    }
    if (memchr(begin, '\0', (size_t)(end - begin)) != NULL)
        return trace_row_refuse_span(row, begin, end, what, "a name");
    *name = (struct request_name){end > begin ? begin : NULL, (int32_t)(end - begin)};
    row->cursor = end;
    return true;
}

void trace_write_seconds(FILE *stream, int64_t time_ns)
{
    char decimals[16];
    int places = snprintf(decimals, sizeof decimals, ".%09d", (int)(time_ns % SIM_NS_PER_S));
    while (places > 0 && (decimals[places - 1] == '0' || decimals[places - 1] == '.'))
        places--;
    fprintf(stream, "%lld%.*s", (long long)(time_ns / SIM_NS_PER_S), places, decimals);
}

bool trace_row_seconds(struct trace_row *row, const char *what, int64_t *time_ns)
{
    const int seconds_exponent = 9;
    const char *end = trace_parse_time(row->cursor, row->end, seconds_exponent, time_ns);
    if (end == NULL || (end < row->end && *end != ',')) {
        char expected[64];
        snprintf(expected, sizeof expected, "a time from 0 to %lld, in seconds",
                 (long long)(TRACE_TIME_MAX_NS / SIM_NS_PER_S));
        return trace_row_refuse(row, row->cursor, what, expected);
    }
    row->time_begin = row->cursor;
    row->time_end = end;
    row->cursor = end;
    return true;
}

const char *trace_row_pass(struct trace_row *row)
{
    const char *field = row->cursor;
    row->cursor = field_end(row, field);
    return field;
}

bool trace_row_comma(struct trace_row *row, const char *what)
{
    if (row->cursor < row->end && *row->cursor == ',') {
        row->cursor++;
        return true;
    }
    struct location at = trace_row_location(row, row->end);
    return error_input(row->error, &at, "the row ends before its %s; a row has %d fields", what,
                       row->columns->count);
}

bool trace_row_finish(struct trace_row *row)
{
    if (row->cursor == row->end)
        return true;
    struct location at = trace_row_location(row, row->cursor + 1);
    return error_input(row->error, &at, "one field too many; a row has %d", row->columns->count);
}
