/* Trace formats: one file and one line in TRACE_FORMATS a format.
 *
 * A format is a struct trace_format named trace_format_<name>. It is told by the file's first line,
 * and turns each line after that into a request. Files are read line by line, never whole. */
#ifndef LLMSIM_WORKLOAD_TRACE_FORMAT_H
#define LLMSIM_WORKLOAD_TRACE_FORMAT_H

#include "text_reader.h"
#include <llmsim/request.h>

/* X(name) a format. */
#define TRACE_FORMATS(X)                                                                           \
    X(azure)                                                                                       \
    X(llmsim)

/* A row being read, from left to right. */
struct trace_row {
    const struct text_reader *reader; /* knows where the row stands */
    const char *begin, *end;          /* of the line */
    const char *cursor;               /* of what has not been read yet */
    const char *time_field;           /* where the time was found */
    int columns;                      /* what detect returned */
    struct error *error;
};

struct trace_format {
    const char *name;
    const char *summary; /* one line */
    const char *source;  /* where it is described */
    const char *header;  /* the first line, as a person would write it down */
    /* Required. How many columns a file has that begins with this line; 0: it is not this format.
     */
    int (*detect)(const char *line, size_t length);
    /* Required. Read a row; arrival_ns is on the trace's own clock. On failure row->error holds
     * what is wrong, at its column. */
    bool (*parse_row)(struct trace_row *row, struct request *request);
    /* Optional, both or none. Failures stay in the stream's error flag. */
    void (*write_header)(FILE *stream);
    void (*write_row)(FILE *stream, const struct request *request);
};

#define TRACE_FORMAT_DECLARE(name) extern const struct trace_format trace_format_##name;
TRACE_FORMATS(TRACE_FORMAT_DECLARE)
#undef TRACE_FORMAT_DECLARE

/* The names of all formats, NULL-terminated: the choices of `workload.format`. */
extern const char *const trace_format_names[];

/* In the order of the names; NULL beyond the last. */
const struct trace_format *trace_format_at(size_t index);

/* The format of a file that begins with the line last read: the one at `index` of the names, or any
 * that fits where that is −1. NULL with *error filled when it does not fit. */
const struct trace_format *trace_format_detect(int index, const struct text_reader *reader,
                                               const char *line, size_t length, int *columns,
                                               struct error *error);

/* The format of that name, which can be written; NULL with *error filled when there is none. */
const struct trace_format *trace_format_find_written(const char *name, struct error *error);

/* Record that the field that starts at `field` is wrong: "WHAT: 'text' is not EXPECTED". Always
 * false. */
bool trace_row_refuse(struct trace_row *row, const char *field, const char *what,
                      const char *expected);

/* Read a field of 1 … REQUEST_MAX_TOKENS tokens. `what` names it in messages, here and below. */
bool trace_row_tokens(struct trace_row *row, const char *what, int32_t *tokens);

/* Read a field of decimal seconds, exactly; from the tenth place on they are rounded, half up. With
 * an exponent they are read as a double. */
bool trace_row_seconds(struct trace_row *row, const char *what, int64_t *time_ns);

/* Pass over a field; an empty one will do. */
void trace_row_pass(struct trace_row *row);

/* Step over the comma before the field named `what`; a missing one is an error. */
bool trace_row_comma(struct trace_row *row, const char *what);

/* The row must end here. */
bool trace_row_finish(struct trace_row *row);

static inline bool trace_is_digit(char c)
{
    return (unsigned)c - '0' <= 9;
}

#endif
