#include "json_row.h"

#include <string.h>

/* No value that is passed over is nested deeper. */
enum { MAX_DEPTH = 32 };

bool json_refuse_syntax(struct trace_row *row, const char *expected)
{
    if (row->cursor < row->end)
        return trace_row_refuse_span(row, row->cursor, row->end, "not JSON", expected);
    const struct location at = trace_row_location(row, row->end);
    return error_input(row->error, &at, "not JSON: the row ends before %s", expected);
}

bool json_take_colon(struct trace_row *row)
{
    return json_take(row, ':') || json_refuse_syntax(row, "a colon");
}

/* What it holds is nobody's concern, but where it ends is. */
bool json_skip_string(struct trace_row *row)
{
    if (!json_is_next(row, '"'))
        return json_refuse_syntax(row, "a text in double quotes");
    for (const char *c = row->cursor + 1; c < row->end && (unsigned char)*c >= ' '; c++) {
        if (*c == '"') {
            row->cursor = c + 1;
            return true;
        }
        if (*c == '\\' && c + 1 < row->end)
            c++;
    }
    return json_refuse_syntax(row, "a text that ends");
}

static const char *skip_digits(const char *c, const char *end)
{
    while (c < end && trace_is_digit(*c))
        c++;
    return c;
}

/* No plus sign, no leading zero, digits on both sides of a point. */
const char *json_number_end(const char *c, const char *end)
{
    c += c < end && *c == '-' ? 1 : 0;
    const char *digits = c;
    c = skip_digits(c, end);
    bool number = c - digits == 1 || (c > digits && *digits != '0');
    if (c < end && *c == '.') {
        digits = c + 1;
        c = skip_digits(digits, end);
        number = number && c > digits;
    }
    if (c < end && (*c == 'e' || *c == 'E')) {
        c++;
        c += c < end && (*c == '-' || *c == '+') ? 1 : 0;
        digits = c;
        c = skip_digits(digits, end);
        number = number && c > digits;
    }
    return number ? c : NULL;
}

const char *json_whole_end(const char *c, const char *end)
{
    const char *behind = json_number_end(c, end);
    for (; behind != NULL && c < behind; c++) {
        if (*c != '-' && !trace_is_digit(*c))
            return NULL;
    }
    return behind;
}

/* A number, or one of three words. */
static bool skip_scalar(struct trace_row *row)
{
    static const char *const words[] = {"null", "true", "false"};
    const char *end = json_number_end(row->cursor, row->end);
    for (size_t i = 0; end == NULL && i < sizeof words / sizeof *words; i++) {
        const size_t length = strlen(words[i]);
        if ((size_t)(row->end - row->cursor) >= length &&
            memcmp(row->cursor, words[i], length) == 0)
            end = row->cursor + length;
    }
    if (end == NULL)
        return json_refuse_syntax(row, "a value");
    row->cursor = end;
    return true;
}

static bool skip_value(struct trace_row *row, int depth);

/* An object or a list. */
static bool skip_nested(struct trace_row *row, int depth)
{
    const bool object = *row->cursor == '{';
    const char close = object ? '}' : ']';
    if (depth == MAX_DEPTH)
        return json_refuse_syntax(row, "nested less than 33 deep");
    row->cursor++;
    if (json_take(row, close))
        return true;
    do {
        if ((object && !(json_skip_string(row) && json_take_colon(row))) ||
            !skip_value(row, depth + 1))
            return false;
    } while (json_take(row, ','));
    return json_take(row, close) ||
           json_refuse_syntax(row, object ? "a comma or a closing brace"
                                          : "a comma or a closing bracket");
}

static bool skip_value(struct trace_row *row, int depth)
{
    if (json_is_next(row, '"'))
        return json_skip_string(row);
    if (json_is_next(row, '{') || json_is_next(row, '['))
        return skip_nested(row, depth);
    return skip_scalar(row);
}

bool json_skip_value(struct trace_row *row)
{
    return skip_value(row, 0);
}

bool json_refuse_value(struct trace_row *row, const char *what, const char *expected)
{
    struct error unused;
    struct trace_row value = *row;
    value.error = &unused;
    const char *end = json_skip_value(&value) ? value.cursor : row->end;
    return trace_row_refuse_span(row, row->cursor, end, what, expected);
}
