#include "text_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = TEXT_READER_MAX_LINE_BYTES + (256 << 10), READ_BYTES = 128 << 10 };

struct text_reader {
    int descriptor;
    bool at_end;
    int line; /* number of the line last returned */
    char *name;
    int64_t size_bytes; /* of the file; 0: unknown */
    int64_t read_bytes;
    size_t start, end; /* unread bytes of the buffer */
    size_t scanned;    /* from start: bytes known to hold no newline */
    char buffer[BUFFER_BYTES + 1];
};

struct text_reader *text_reader_open(const char *path, struct error *error)
{
    bool standard = strcmp(path, "-") == 0;
    /* Not zeroed: the untouched part of the buffer never becomes memory. */
    struct text_reader *reader = malloc(sizeof *reader);
    char *name = strdup(standard ? "stdin" : path);
    if (reader == NULL || name == NULL) {
        free(reader);
        free(name);
        error_run(error, "out of memory");
        return NULL;
    }
    struct location at = {name, 0, 0};
    struct stat status;
    int descriptor = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        error_input(error, &at, "cannot be opened: %s", strerror(errno));
    else if (fstat(descriptor, &status) != 0 || S_ISDIR(status.st_mode))
        error_input(error, &at, "is a directory; a trace file is expected");
    else {
        memset(reader, 0, offsetof(struct text_reader, buffer));
        reader->descriptor = descriptor;
        reader->name = name;
        reader->size_bytes = S_ISREG(status.st_mode) ? status.st_size : 0;
        return reader;
    }
    if (descriptor >= 0 && !standard)
        close(descriptor);
    free(reader);
    free(name);
    return NULL;
}

void text_reader_close(struct text_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->descriptor != STDIN_FILENO)
        close(reader->descriptor);
    free(reader->name);
    free(reader);
}

/* Read more behind what is there, moving it to the front when the room behind runs out. */
static bool fill(struct text_reader *reader, struct error *error)
{
    if (reader->start > 0 && BUFFER_BYTES - reader->end < READ_BYTES) {
        memmove(reader->buffer, reader->buffer + reader->start, reader->end - reader->start);
        reader->end -= reader->start;
        reader->start = 0;
    }
    size_t room = BUFFER_BYTES - reader->end;
    size_t wanted = room < READ_BYTES ? room : READ_BYTES;
    ssize_t got = 0;
    do
        got = read(reader->descriptor, reader->buffer + reader->end, wanted);
    while (got < 0 && errno == EINTR);
    if (got < 0) {
        struct location at = text_reader_location(reader);
        at.column = 0;
        error_input(error, &at, "cannot be read: %s", strerror(errno));
        return false;
    }
    reader->at_end = got == 0;
    reader->end += (size_t)got;
    reader->read_bytes += got;
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

struct location text_reader_location(const struct text_reader *reader)
{
    return (struct location){reader->name, reader->line, 1};
}

double text_reader_progress(const struct text_reader *reader)
{
    if (reader->size_bytes <= 0)
        return 0.0;
    double consumed = (double)(reader->read_bytes - (int64_t)(reader->end - reader->start));
    double fraction = consumed / (double)reader->size_bytes;
    return fraction > 1.0 ? 1.0 : fraction;
}
