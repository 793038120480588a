/* Fields of a comma-separated row. Digits are read by hand: strtod and its kin would take most of
 * the time of reading a trace, obey the locale, and want a NUL behind the line. */
#include "trace_format.h"

#include <llmsim/sim_time.h>
#include <stdlib.h>
#include <string.h>

/* More of a wrong field than this is not shown. */
enum { SHOWN_BYTES = 40 };

static const char *field_end(const struct trace_row *row, const char *field)
{
    const char *comma = memchr(field, ',', (size_t)(row->end - field));
    return comma != NULL ? comma : row->end;
}

static struct location field_location(const struct trace_row *row, const char *field)
{
    struct location at = text_reader_location(row->reader);
    at.column = (int)(field - row->begin) + 1;
    return at;
}

bool trace_row_refuse(struct trace_row *row, const char *field, const char *what,
                      const char *expected)
{
    struct location at = field_location(row, field);
    size_t length = (size_t)(field_end(row, field) - field);
    if (memchr(field, '\0', length) != NULL)
        return error_input(row->error, &at, "%s: a NUL byte", what);
    bool cut = length > SHOWN_BYTES;
    return error_input(row->error, &at, "%s: '%.*s%s' is not %s", what,
                       cut ? (int)SHOWN_BYTES : (int)length, field, cut ? "..." : "", expected);
}

bool trace_row_tokens(struct trace_row *row, const char *what, int32_t *tokens)
{
    const char *c = row->cursor;
    int64_t value = 0;
    for (; c < row->end && trace_is_digit(*c) && value <= REQUEST_MAX_TOKENS; c++)
        value = 10 * value + (*c - '0');
    bool whole = c == row->end || *c == ',';
    if (!whole || value < 1 || value > REQUEST_MAX_TOKENS) {
        char expected[64];
        snprintf(expected, sizeof expected, "a whole number from 1 to %d", REQUEST_MAX_TOKENS);
        return trace_row_refuse(row, row->cursor, what, expected);
    }
    row->cursor = c;
    *tokens = (int32_t)value;
    return true;
}

/* The digits after the decimal point as nanoseconds; the first byte behind them. */
static const char *parse_fraction(const char *c, const char *end, int64_t *fraction_ns)
{
    int64_t place_ns = SIM_NS_PER_S / 10;
    int64_t sum_ns = 0;
    for (; c < end && trace_is_digit(*c) && place_ns > 0; c++, place_ns /= 10)
        sum_ns += (*c - '0') * place_ns;
    if (c < end && trace_is_digit(*c) && *c >= '5')
        sum_ns++;
    while (c < end && trace_is_digit(*c))
        c++;
    *fraction_ns = sum_ns;
    return c;
}

/* "9.2e-05", as some programs write what is less than 0.0001: read as a double, and rounded. */
static const char *parse_scientific(const char *c, const char *end, int64_t limit_s,
                                    int64_t *time_ns)
{
    char text[64];
    size_t length = 0;
    while (c + length < end && c[length] != ',')
        length++;
    if (length >= sizeof text)
        return NULL;
    memcpy(text, c, length);
    text[length] = '\0';
    char *behind = NULL;
    double seconds = strtod(text, &behind);
    bool plain = strspn(text, "0123456789.eE+-") == length && *behind == '\0';
    if (!plain || !(seconds >= 0.0 && seconds <= (double)limit_s))
        return NULL;
    *time_ns = sim_ns_from_s(seconds);
    return c + length;
}

bool trace_row_seconds(struct trace_row *row, const char *what, int64_t *time_ns)
{
    const int64_t limit_s = SIM_TIME_MAX_NS / SIM_NS_PER_S - 1;
    const char *c = row->cursor;
    int64_t seconds = 0;
    int64_t fraction_ns = 0;
    for (; c < row->end && trace_is_digit(*c) && seconds <= limit_s; c++)
        seconds = 10 * seconds + (*c - '0');
    bool number = c > row->cursor;
    if (c < row->end && *c == '.') {
        const char *digits = c + 1;
        c = parse_fraction(digits, row->end, &fraction_ns);
        number = number && c > digits;
    }
    bool whole = c == row->end || *c == ',';
    if (number && !whole && (*c == 'e' || *c == 'E')) {
        const char *behind = parse_scientific(row->cursor, row->end, limit_s, time_ns);
        if (behind != NULL) {
            row->time_field = row->cursor;
            row->cursor = behind;
            return true;
        }
    }
    if (!number || !whole || seconds > limit_s) {
        char expected[64];
        snprintf(expected, sizeof expected, "a time from 0 to %lld, in seconds",
                 (long long)limit_s);
        return trace_row_refuse(row, row->cursor, what, expected);
    }
    row->time_field = row->cursor;
    row->cursor = c;
    *time_ns = seconds * SIM_NS_PER_S + fraction_ns;
    return true;
}

void trace_row_pass(struct trace_row *row)
{
    row->cursor = field_end(row, row->cursor);
}

bool trace_row_comma(struct trace_row *row, const char *what)
{
    if (row->cursor < row->end && *row->cursor == ',') {
        row->cursor++;
        return true;
    }
    struct location at = field_location(row, row->end);
    return error_input(row->error, &at, "the row ends before its %s; a row has %d fields", what,
                       row->columns);
}

bool trace_row_finish(struct trace_row *row)
{
    if (row->cursor == row->end)
        return true;
    struct location at = field_location(row, row->cursor + 1);
    return error_input(row->error, &at, "one field too many; a row has %d", row->columns);
}
