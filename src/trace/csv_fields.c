#include "csv_fields.h"

#include <string.h>

/* The index of the field called so; −1: there is none. */
static int find_field(const struct trace_field *fields, int count, const char *name, size_t length)
{
    for (int i = 0; i < count; i++) {
        if (strlen(fields[i].name) == length && memcmp(fields[i].name, name, length) == 0)
            return i;
    }
    return -1;
}

bool csv_detect(const struct trace_field *fields, int count, bool any_others, const char *line,
                size_t length, struct trace_columns *columns)
{
    const char *end = line + length;
    unsigned seen = 0;
    for (const char *name = line; name <= end;) {
        const char *comma = memchr(name, ',', (size_t)(end - name));
        if (comma == NULL)
            comma = end;
        const int field = find_field(fields, count, name, (size_t)(comma - name));
        const bool twice = field >= 0 && (seen & 1U << field) != 0;
        if (twice || (field < 0 && !any_others) || columns->count == TRACE_MAX_COLUMNS)
            return false;
        seen |= field >= 0 ? 1U << field : 0;
        columns->kinds[columns->count++] = field;
        name = comma + 1;
    }
    for (int i = 0; i < count; i++) {
        if (!fields[i].optional && (seen & 1U << i) == 0)
            return false;
    }
    return true;
}

bool csv_parse_row(const struct trace_field *fields, struct trace_row *row, struct request *request)
{
    const struct trace_columns *columns = row->columns;
    for (int i = 0; i < columns->count; i++) {
        const int kind = columns->kinds[i];
        const struct trace_field *field = kind >= 0 ? &fields[kind] : NULL;
        if (i > 0 && !trace_row_comma(row, field != NULL ? field->name : "next field"))
            return false;
        if (field != NULL && field->empties && (row->cursor == row->end || *row->cursor == ','))
            continue;
        if (field == NULL || field->read == NULL)
            trace_row_pass(row);
        else if (!field->read(row, field->name, request))
            return false;
    }
    return trace_row_finish(row);
}

bool csv_read_seconds(struct trace_row *row, const char *name, struct request *request)
{
    return trace_row_seconds(row, name, &request->arrival_ns);
}

bool csv_read_prompt(struct trace_row *row, const char *name, struct request *request)
{
    return trace_row_tokens(row, name, &request->prompt_tokens);
}

bool csv_read_output(struct trace_row *row, const char *name, struct request *request)
{
    return trace_row_tokens(row, name, &request->output_tokens);
}

static bool read_name(struct trace_row *row, const char *what, struct request_name *name)
{
    const char *begin = trace_row_pass(row);
    const char *end = row->cursor;
    row->cursor = begin;
    const bool read = trace_row_name(row, what, end, name);
    row->cursor = end;
    return read;
}

bool csv_read_session(struct trace_row *row, const char *name, struct request *request)
{
    return read_name(row, name, &request->session);
}

bool csv_read_class(struct trace_row *row, const char *name, struct request *request)
{
    return read_name(row, name, &request->class_name);
}

void csv_write_name(FILE *stream, const struct request_name *name)
{
    fputc(',', stream);
    for (int32_t i = 0; i < name->bytes; i++)
        fputc(strchr(CSV_REPLACED, name->text[i]) != NULL ? ' ' : name->text[i], stream);
}
