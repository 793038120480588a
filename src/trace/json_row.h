/* JSON within a trace's row, read in place from the row's cursor on: what readers of JSON lines
 * have in common. Where a function that reads returns false, row->error holds what is wrong, at its
 * column. */
#ifndef LLMSIM_WORKLOAD_JSON_ROW_H
#define LLMSIM_WORKLOAD_JSON_ROW_H

#include "trace_format.h"

/* Step over white space. Only an object of a list holds line feeds. */
static inline void json_skip_space(struct trace_row *row)
{
    const char *c = row->cursor;
    while (c < row->end && (*c == ' ' || *c == '\t' || *c == '\r' || *c == '\n'))
        c++;
    row->cursor = c;
}

/* Step over white space; whether this byte is next. */
static inline bool json_is_next(struct trace_row *row, char c)
{
    json_skip_space(row);
    return row->cursor < row->end && *row->cursor == c;
}

/* Step over white space, and over this byte if it is next; whether it was. */
static inline bool json_take(struct trace_row *row, char c)
{
    const bool taken = json_is_next(row, c);
    row->cursor += taken ? 1 : 0;
    return taken;
}

/* What stands at the cursor is not what JSON would have there: `expected`. Always false. */
bool json_refuse_syntax(struct trace_row *row, const char *expected);

/* The value at the cursor is not what it should be: "WHAT: 'value' is not EXPECTED". Always
 * false. */
bool json_refuse_value(struct trace_row *row, const char *what, const char *expected);

/* The first byte behind the number that begins at c, as JSON writes numbers; NULL: none does. */
const char *json_number_end(const char *c, const char *end);

/* The same of a whole number, without an exponent. */
const char *json_whole_end(const char *c, const char *end);

/* A colon, behind a key. */
bool json_take_colon(struct trace_row *row);

/* Step over white space and a string, or any value. */
bool json_skip_string(struct trace_row *row);
bool json_skip_value(struct trace_row *row);

#endif
