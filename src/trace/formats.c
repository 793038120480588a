/* The table of trace formats, and how a file's format is found. */
#include "trace_format.h"

#include <string.h>

#define FORMAT_ADDRESS(identifier, name) &trace_format_##identifier,
#define FORMAT_NAME(identifier, name)    name,
#define FORMAT_INDEX(identifier, name)   FORMAT_##identifier,

enum { TRACE_FORMATS(FORMAT_INDEX) FORMAT_COUNT };

static const struct trace_format *const formats[] = {TRACE_FORMATS(FORMAT_ADDRESS)};

const char *const trace_format_names[] = {TRACE_FORMATS(FORMAT_NAME) NULL};

const struct trace_format *trace_format_at(size_t index)
{
    return index < FORMAT_COUNT ? formats[index] : NULL;
}

/* The index of the format that begins so; −1: there is none. */
static int find_detected(bool is_list, const char *line, size_t length,
                         struct trace_columns *columns)
{
    for (int i = 0; i < FORMAT_COUNT; i++) {
        *columns = (struct trace_columns){0};
        if (formats[i]->objects == is_list && formats[i]->detect(line, length, columns))
            return i;
    }
    return -1;
}

static bool is_pointer(const char *line, size_t length)
{
    static const char pointer[] = "version https://git-lfs";
    return length >= sizeof pointer - 1 && memcmp(line, pointer, sizeof pointer - 1) == 0;
}

static void refuse_unknown(const struct location *at, const char *line, size_t length,
                           struct error *error)
{
    char known[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < FORMAT_COUNT && used < sizeof known; i++) {
        int written = snprintf(known + used, sizeof known - used, "%s%s", i > 0 ? ", " : "",
                               formats[i]->name);
        used += (size_t)written;
    }
    const int shown = length > 60 ? 60 : (int)length;
    error_input(
        error, at,
        "'%.*s' is not the first line of a known trace format (known: %s; see traces/README.md)",
        shown, line, known);
}

const struct trace_format *trace_format_detect(int index, bool is_list,
                                               const struct text_reader *reader, const char *line,
                                               size_t length, struct trace_columns *columns,
                                               struct error *error)
{
    const struct location at = text_reader_location(reader);
    const int found = find_detected(is_list, line, length, columns);
    if (is_pointer(line, length)) {
        error_input(
            error, &at,
            "a pointer into Git's large-file storage, not the trace: fetch the file itself");
        return NULL;
    }
    if (index < 0 && found < 0) {
        refuse_unknown(&at, line, length, error);
        return NULL;
    }
    if (index < 0)
        return formats[found];
    const struct trace_format *wanted = formats[index];
    *columns = (struct trace_columns){0};
    if (wanted->objects == is_list && wanted->detect(line, length, columns))
        return wanted;
    /* Without a header the first line is a row, and what is wrong with it is for the row to say. */
    if (wanted->headerless && wanted->objects == is_list && found < 0 && length > 0)
        return wanted;
    error_input(error, &at, "not of format '%s', which begins with '%s'%s%s%s", wanted->name,
                wanted->header, found >= 0 ? "; this is '" : "",
                found >= 0 ? formats[found]->name : "", found >= 0 ? "'" : "");
    return NULL;
}

const struct trace_format *trace_format_find_written(const char *name, struct error *error)
{
    const char *names[FORMAT_COUNT] = {NULL};
    for (size_t i = 0; i < FORMAT_COUNT; i++) {
        if (formats[i]->write_row == NULL)
            continue;
        if (strcmp(formats[i]->name, name) == 0)
            return formats[i];
        names[i] = formats[i]->name;
    }
    error_input(error, NULL, "no trace can be written in format '%s'", name);
    error_suggest(error, name, names, FORMAT_COUNT);
    return NULL;
}
