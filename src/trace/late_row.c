/* Sorting is left to programs that can sort what does not fit into memory. The command is made for
 * the row at hand: the column, or the key, of its time, and how times are compared. */
#include "late_row.h"

#include "reorder.h"
#include <ctype.h>
#include <string.h>

/* The number of the column that begins at `field`, from 1; 0: quotes make it uncertain. */
static int column_number(const char *begin, const char *field)
{
    int number = 1;
    for (const char *c = begin; c < field; c++) {
        if (*c == '"')
            return 0;
        number += *c == ',' ? 1 : 0;
    }
    return number;
}

/* How sort(1) compares times like this one: numbers, numbers with exponents, or else as text, as
 * dates are that begin with the year. */
static const char *sort_key_type(const char *time, const char *end)
{
    bool number = true;
    bool exponent = false;
    for (const char *c = time; c < end; c++) {
        exponent |= *c == 'e' || *c == 'E';
        number &= trace_is_digit(*c) || strchr(".+-eE", *c) != NULL;
        number &= *c != '-' || (c > time && (c[-1] == 'e' || c[-1] == 'E'));
    }
    return !number ? "" : exponent ? "g" : "n";
}

static void describe_csv(const struct trace_row *row, bool header, char *text, size_t size)
{
    const int column = column_number(row->begin, row->time_begin);
    if (column == 0)
        snprintf(text, size, "sort it by its times");
    else
        snprintf(text, size,
                 "sort it, as plain text: %sLC_ALL=C sort -s -t, -k%d,%d%s%s > sorted.csv",
                 header ? "(head -n 1 FILE; tail -n +2 FILE | " : "", column, column,
                 sort_key_type(row->time_begin, row->time_end), header ? ")" : " FILE");
}

/* The key stands before the time, a colon and perhaps a quote between them. */
static void describe_json(const struct trace_row *row, char *text, size_t size)
{
    const char *end = row->time_begin;
    while (end > row->begin && strchr(" \t:\"", end[-1]) != NULL)
        end--;
    const char *key = end;
    while (key > row->begin && (isalnum((unsigned char)key[-1]) || key[-1] == '_'))
        key--;
    snprintf(text, size,
             "sort it, as plain text: python3 -c \"import json, sys; print(*sorted(map(str.strip, "
             "sys.stdin), key=lambda row: json.loads(row)['%.*s']), sep='\\n')\" "
             "< FILE > sorted.jsonl",
             (int)(end - key), key);
}

bool late_row_refuse(struct trace_row *row, int64_t back_ns, bool header)
{
    const struct location at = trace_row_location(row, row->time_begin);
    char how[400];
    const char *first = row->begin;
    while (first < row->end && isspace((unsigned char)*first))
        first++;
    if (first < row->end && *first == '{')
        describe_json(row, how, sizeof how);
    else
        describe_csv(row, header, how, sizeof how);
    return error_input(row->error, &at,
                       "time runs back by %.9g s, across more than the %d rows that are put in "
                       "order (fewer where they have many ids); %s",
                       (double)back_ns / (double)SIM_NS_PER_S, REORDER_ROWS, how);
}
