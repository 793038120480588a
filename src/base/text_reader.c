#include "text_reader.h"

#include "byte_reader.h"

#include <stdlib.h>
#include <string.h>

/* Room for twice the longest line that is looked at: what cannot move to the front has as much
 * room behind it. */
enum { READ_BYTES = 128 << 10, BUFFER_BYTES = 2 * (TEXT_READER_MAX_LINE_BYTES + READ_BYTES) };

/* A list of gigabytes may be one line: beyond this columns are not counted. */
enum { COLUMN_MAX = 1 << 30 };

struct text_reader {
    struct byte_reader *bytes; /* owned */
    bool at_end;
    int64_t line;            /* number of the line last returned */
    int64_t delivered_bytes; /* that `bytes` has handed out */
    size_t start, end;       /* unread bytes of the buffer */
    size_t scanned; /* from start: bytes known to hold no newline, or to be of the object */
    enum { LIST_BEFORE, LIST_FIRST, LIST_COMMA, LIST_ITEM, LIST_BEHIND } list; /* expected next */
    int64_t object_lines; /* line feeds within the object last returned */
    int object_column;    /* where that begins */
    int column;           /* of the first unread byte; of lists only */
    char buffer[BUFFER_BYTES + 1];
};

struct text_reader *text_reader_open(const char *path, struct error *error)
{
    /* Not zeroed: the untouched part of the buffer never becomes memory. */
    struct text_reader *reader = malloc(sizeof *reader);
    if (reader == NULL) {
        error_run(error, "out of memory");
        return NULL;
    }
    memset(reader, 0, offsetof(struct text_reader, buffer));
    reader->bytes = byte_reader_open(path, error);
    if (reader->bytes != NULL)
        return reader;
    free(reader);
    return NULL;
}

void text_reader_close(struct text_reader *reader)
{
    if (reader == NULL)
        return;
    byte_reader_close(reader->bytes);
    free(reader);
}

/* Read more behind what is there, which moves to the front where that is little work: the part of
 * the buffer in use stays small, and in the processor's cache. */
static bool fill(struct text_reader *reader, struct error *error)
{
    const size_t unread = reader->end - reader->start;
    if (unread <= reader->start) {
        memmove(reader->buffer, reader->buffer + reader->start, unread);
        reader->start = 0;
        reader->end = unread;
    }
    const size_t room = BUFFER_BYTES - reader->end;
    struct location at = text_reader_location(reader);
    at.column = 0;
    size_t got = 0;
    if (!byte_reader_read(reader->bytes, reader->buffer + reader->end,
                          room < READ_BYTES ? room : READ_BYTES, &got, &at, error))
        return false;
    reader->at_end = got == 0;
    reader->end += got;
    reader->delivered_bytes += (int64_t)got;
    return true;
}

int text_reader_next(struct text_reader *reader, char **line, size_t *length, struct error *error)
{
    char *newline = NULL;
    for (;;) {
        char *from = reader->buffer + reader->start + reader->scanned;
        newline = memchr(from, '\n', (size_t)(reader->buffer + reader->end - from));
        if (newline != NULL || reader->at_end)
            break;
        reader->scanned = reader->end - reader->start;
        if (reader->scanned > TEXT_READER_MAX_LINE_BYTES + 1) /* 1: of a CRLF */
            break;
        if (!fill(reader, error))
            return -1;
    }
    size_t available = reader->end - reader->start;
    if (newline == NULL && available == 0)
        return 0;
    reader->line++;
    reader->scanned = 0;
    *line = reader->buffer + reader->start;
    size_t bytes = newline != NULL ? (size_t)(newline - *line) : available;
    *length = bytes > 0 && (*line)[bytes - 1] == '\r' ? bytes - 1 : bytes;
    if (*length > TEXT_READER_MAX_LINE_BYTES) {
        struct location at = text_reader_location(reader);
        error_input(error, &at, "a line of more than %d bytes", TEXT_READER_MAX_LINE_BYTES);
        return -1;
    }
    reader->start += newline != NULL ? bytes + 1 : bytes;
    return 1;
}

/* The byte at `offset` from the first unread one; −1: there is none; −2: *error is filled. */
static int byte_at(struct text_reader *reader, size_t offset, struct error *error)
{
    while (reader->start + offset >= reader->end) {
        if (reader->at_end)
            return -1;
        if (!fill(reader, error))
            return -2;
    }
    return (unsigned char)reader->buffer[reader->start + offset];
}

bool text_reader_is_list(struct text_reader *reader, bool *is_list, struct error *error)
{
    static const unsigned char byte_order_mark[] = {0xEF, 0xBB, 0xBF};
    int byte = 0;
    size_t marked = 0;
    while (marked < sizeof byte_order_mark &&
           byte_at(reader, marked, error) == byte_order_mark[marked])
        marked++;
    reader->start += marked == sizeof byte_order_mark ? marked : 0;
    for (size_t i = 0; i < READ_BYTES; i++) {
        byte = byte_at(reader, i, error);
        if (byte != ' ' && byte != '\t' && byte != '\r' && byte != '\n')
            break;
    }
    *is_list = byte == '[';
    return byte != -2;
}

static bool refuse_list(const struct text_reader *reader, const char *expected, struct error *error)
{
    const struct location at = {byte_reader_name(reader->bytes), reader->line, 0};
    return error_input(error, &at, "not a JSON list of objects: %s is expected", expected);
}

static void count_column(struct text_reader *reader, int byte)
{
    if (byte == '\n')
        reader->column = 1;
    else if (reader->column < COLUMN_MAX)
        reader->column++;
}

/* Up to the next object, past what parts it from the one before. 1: it is there; 0: the end of the
 * list; −1: *error is filled. */
static int skip_to_object(struct text_reader *reader, struct error *error)
{
    for (int byte = 0;; count_column(reader, byte), reader->start++) {
        byte = byte_at(reader, 0, error);
        if (byte == -2)
            return -1;
        reader->line += byte == '\n' ? 1 : 0;
        if (byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n')
            continue;
        if (byte == -1 && reader->list == LIST_BEHIND)
            return 0;
        if (byte == '{' && (reader->list == LIST_FIRST || reader->list == LIST_ITEM))
            return 1;
        if (byte == '[' && reader->list == LIST_BEFORE)
            reader->list = LIST_FIRST;
        else if (byte == ',' && reader->list == LIST_COMMA)
            reader->list = LIST_ITEM;
        else if (byte == ']' && (reader->list == LIST_FIRST || reader->list == LIST_COMMA))
            reader->list = LIST_BEHIND;
        else {
            static const char *const expected[] = {"an opening bracket", "an object",
                                                   "a comma or a closing bracket", "an object",
                                                   "nothing more"};
            refuse_list(reader, expected[reader->list], error);
            return -1;
        }
    }
}

int text_reader_next_object(struct text_reader *reader, char **object, size_t *length,
                            struct error *error)
{
    reader->line += reader->line == 0 ? 1 : reader->object_lines;
    reader->column += reader->column == 0 ? 1 : 0;
    reader->object_lines = 0;
    const int found = skip_to_object(reader, error);
    if (found <= 0)
        return found;
    reader->object_column = reader->column;
    int64_t depth = 0;
    bool in_text = false;
    size_t bytes = 0;
    do {
        const int byte = byte_at(reader, bytes++, error);
        if (byte == -2 || (byte == -1 && !refuse_list(reader, "the end of an object", error)))
            return -1;
        if (bytes > TEXT_READER_MAX_LINE_BYTES) {
            const struct location at = text_reader_location(reader);
            error_input(error, &at, "an object of more than %d bytes", TEXT_READER_MAX_LINE_BYTES);
            return -1;
        }
        reader->object_lines += byte == '\n' ? 1 : 0;
        count_column(reader, byte);
        if (in_text && byte == '\\') {
            bytes++; /* whatever it is, it is of the text */
            count_column(reader, 0);
        } else if (byte == '"')
            in_text = !in_text;
        else if (!in_text && (byte == '{' || byte == '}'))
            depth += byte == '{' ? 1 : -1;
    } while (depth > 0);
    *object = reader->buffer + reader->start;
    *length = bytes;
    reader->start += bytes;
    reader->list = LIST_COMMA;
    return 1;
}

struct location text_reader_location(const struct text_reader *reader)
{
    const int column = reader->list == LIST_BEFORE ? 1 : reader->object_column;
    return (struct location){byte_reader_name(reader->bytes), reader->line, column};
}

double text_reader_progress(const struct text_reader *reader)
{
    const int64_t size_bytes = byte_reader_size(reader->bytes);
    if (size_bytes <= 0 || reader->delivered_bytes == 0)
        return 0.0;
    /* What is compressed is taken to be equally dense so far. */
    const double expansion =
        (double)reader->delivered_bytes / (double)byte_reader_position(reader->bytes);
    const int64_t consumed = reader->delivered_bytes - (int64_t)(reader->end - reader->start);
    const double fraction = (double)consumed / expansion / (double)size_bytes;
    return fraction > 1.0 ? 1.0 : fraction;
}
