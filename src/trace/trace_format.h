/* Trace formats: one file and one line in TRACE_FORMATS a format.
 *
 * A format is a struct trace_format named trace_format_<name>. It is told by the file's first line,
 * and turns each line after that (or that one already) into a request. Files are read line by line,
 * never whole. */
#ifndef LLMSIM_WORKLOAD_TRACE_FORMAT_H
#define LLMSIM_WORKLOAD_TRACE_FORMAT_H

#include "text_reader.h"
#include <llmsim/request.h>
#include <llmsim/sim_time.h>

/* X(identifier, name) a format. The first that fits a file is its format: what has more keys than
 * another comes before it. */
#define TRACE_FORMATS(X)                                                                           \
    X(azure, "azure")                                                                              \
    X(burstgpt, "burstgpt")                                                                        \
    X(llmservingsim, "llmservingsim")                                                              \
    X(llmsim, "llmsim")                                                                            \
    X(llmsim_jsonl, "llmsim-jsonl")                                                                \
    X(qwen_bailian, "qwen-bailian")                                                                \
    X(mooncake, "mooncake")                                                                        \
    X(sharegpt, "sharegpt")                                                                        \
    X(splitwise, "splitwise")                                                                      \
    X(vidur, "vidur")                                                                              \
    X(vidur_lengths, "vidur-lengths")

/* An id takes two bytes at least, with what parts it from the next, and a line is bounded. */
#define TRACE_ROW_MAX_IDS (TEXT_READER_MAX_LINE_BYTES / 2)

/* The latest time on a trace's own clock: a whole number of seconds. */
#define TRACE_TIME_MAX_NS ((SIM_TIME_MAX_NS / SIM_NS_PER_S - 1) * SIM_NS_PER_S)

enum { TRACE_MAX_COLUMNS = 16 };

/* What the first line says of every row. */
struct trace_columns {
    int count; /* of a row's fields; formats without columns: 0 */
    int kinds
        [TRACE_MAX_COLUMNS]; /* what each field is: an index into the format's fields; −1: it is
                                     passed over */
};

/* What a row may hold beside its time and its tokens. */
enum trace_item {
    TRACE_PREFIX_IDS,
    TRACE_SESSION,
    TRACE_TURN,
    TRACE_CLASS,
    TRACE_CLIENT,
    TRACE_PRIORITY,
    TRACE_ITEM_COUNT
};

/* A row being read, from left to right. */
struct trace_row {
    const struct text_reader *reader;  /* knows where the row stands */
    const char *begin, *end;           /* of the line */
    const char *cursor;                /* of what has not been read yet */
    const char *time_begin, *time_end; /* where the time was found */
    const struct trace_columns *columns;
    uint64_t *ids;     /* room for TRACE_ROW_MAX_IDS; NULL where the format has no prefix ids */
    int32_t id_tokens; /* that an id stands for */
    void *state;       /* of the format, for all rows of a file; NULL where it needs none */
    bool failed;       /* set by the format: the request was not answered, and is left out */
    bool none;         /* set by the format: there is no request here after all */
    bool more;         /* set by the format: the cursor is at another request of the same row */
    struct error *error;
};

/* A column of a CSV file, or a key of an object. */
struct trace_field {
    const char *name;
    /* Read the value at the cursor into *request, up to what follows it; `name` is for messages.
     * NULL: whatever it is, it is passed over. */
    bool (*read)(struct trace_row *row, const char *name, struct request *request);
    bool optional; /* a row, or a header, may do without */
    bool empties;  /* of a CSV file: fields may be empty, and are not read then */
};

struct trace_format {
    const char *name;
    const char *summary; /* one line */
    const char *source;  /* where it is described */
    const char *header;  /* the first line, as a person would write it down */
    bool headerless;     /* the first line is a row like all others */
    bool objects;        /* a list of objects, over any lines, in place of lines */
    bool timeless;       /* rows do not say when they arrive, the workload's `arrivals` must: 0 */
    int32_t id_tokens;   /* that a prefix id stands for where nobody says so; 0: there are no ids */
    bool states_id_tokens; /* rows say it themselves */
    size_t state_size;     /* of what is kept from row to row; zeroed before the first */
    unsigned holds;        /* bits 1 << enum trace_item of what a row that is written may hold */
    unsigned invents; /* of those, what a row that is written has even if the request has none */
    const char *replaces; /* what names that are written cannot hold; NULL: they hold everything */
    int64_t time_step_ns; /* between two times that can be written */
    /* Required. Whether a file that begins with this line is of this format; what its columns are
     * into *columns, all zero before. */
    bool (*detect)(const char *line, size_t length, struct trace_columns *columns);
    /* Required. Read a row into *request, all zero before; arrival_ns is on the trace's own clock.
     * On failure row->error holds what is wrong, at its column. */
    bool (*parse_row)(struct trace_row *row, struct request *request);
    /* Optional. A request as a row; `number` counts them from 0. Failures stay in the stream's error
     * flag, here and below. */
    void (*write_row)(FILE *stream, const struct request *request, int64_t number);
    /* Optional: what stands before all rows, and behind them. */
    void (*write_header)(FILE *stream);
    void (*write_footer)(FILE *stream);
};

#define TRACE_FORMAT_DECLARE(identifier, name)                                                     \
    extern const struct trace_format trace_format_##identifier;
TRACE_FORMATS(TRACE_FORMAT_DECLARE)
#undef TRACE_FORMAT_DECLARE

/* The names of all formats, NULL-terminated: the choices of `workload.format`. */
extern const char *const trace_format_names[];

/* In the order of the names; NULL beyond the last. */
const struct trace_format *trace_format_at(size_t index);

/* The format of a file that begins with the line last read: the one at `index` of the names, or any
 * that fits where that is −1; is_list: it is the first object of a list. NULL with *error filled when it does not fit. */
const struct trace_format *trace_format_detect(int index, bool is_list,
                                               const struct text_reader *reader, const char *line,
                                               size_t length, struct trace_columns *columns,
                                               struct error *error);

/* The format of that name, which can be written; NULL with *error filled when there is none. */
const struct trace_format *trace_format_find_written(const char *name, struct error *error);

/* The decimal number at `text`, perhaps with an exponent, in units of 10^ns_exponent nanoseconds:
 * exactly, then rounded to whole nanoseconds, half up. The first byte behind it; NULL where no
 * number from 0 to TRACE_TIME_MAX_NS begins. */
const char *trace_parse_time(const char *text, const char *end, int ns_exponent, int64_t *time_ns);

/* Where a byte of the row stands. */
struct location trace_row_location(const struct trace_row *row, const char *byte);

/* Record that the bytes from `begin` to before `end` are wrong: "WHAT: 'text' is not EXPECTED".
 * Always false. */
bool trace_row_refuse_span(struct trace_row *row, const char *begin, const char *end,
                           const char *what, const char *expected);

/* The same of the field that starts at `field` and goes up to the next comma. */
bool trace_row_refuse(struct trace_row *row, const char *field, const char *what,
                      const char *expected);

/* What is at the cursor is no longer than a name may be: the bytes up to `end` become *name. */
bool trace_row_name(struct trace_row *row, const char *what, const char *end,
                    struct request_name *name);

/* Read a field that is a whole number. `what` names it in messages, here and below. */
bool trace_row_whole(struct trace_row *row, const char *what, int32_t minimum, int32_t maximum,
                     int32_t *value);

/* Read a field of 1 … REQUEST_MAX_TOKENS tokens. */
bool trace_row_tokens(struct trace_row *row, const char *what, int32_t *tokens);

/* The same where a whole number may be written with a point and noughts, as pandas does. */
bool trace_row_float_tokens(struct trace_row *row, const char *what, int32_t *tokens);

/* Read a field of seconds, as trace_parse_time does. */
bool trace_row_seconds(struct trace_row *row, const char *what, int64_t *time_ns);

/* Pass over a field and return where it starts; an empty one will do. */
const char *trace_row_pass(struct trace_row *row);

/* Step over the comma before the field named `what`; a missing one is an error. */
bool trace_row_comma(struct trace_row *row, const char *what);

/* The row must end here. */
bool trace_row_finish(struct trace_row *row);

/* Seconds, with as many decimals as are needed and no more. */
void trace_write_seconds(FILE *stream, int64_t time_ns);

static inline bool trace_is_digit(char c)
{
    return (unsigned)c - '0' <= 9;
}

#endif
