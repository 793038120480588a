/* Formats: gzip is RFC 1952, zstd RFC 8878. Either may hold several streams, one behind another:
 * what `cat a.gz b.gz` makes, and what programs that compress in parallel write. */
#include "byte_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <zstd_errors.h>

enum {
    INPUT_BYTES = 128 << 10,
    MAGIC_BYTES = 4,
    /* zstd's own levels need 8 MiB, its "ultra" ones more than this; the reader must stay below
     * 64 MiB in all. */
    ZSTD_WINDOW_LOG = 25,
    GZIP_WINDOW_BITS = 15 + 16, /* the widest window; 16: with gzip's header and checksum */
};

/* What has become of the file's bytes. */
struct byte_reader {
    int descriptor;
    char *name;         /* owned */
    int64_t size_bytes; /* of the file; 0: unknown */
    int64_t read_bytes;
    bool at_end;                     /* of the file */
    bool begun;                      /* `decoding` is known */
    bool within;                     /* a stream has begun that has not ended */
    const struct decoding *decoding; /* NULL: the bytes are what they are */
    z_stream gzip;
    ZSTD_DStream *zstd;
    const char *fault; /* what is wrong with the bytes; NULL: nothing so far */
    size_t start, end; /* bytes of the input that have not been decompressed */
    unsigned char input[INPUT_BYTES];
};

struct decoding {
    const char *name;
    bool (*begins)(const unsigned char *bytes);
    bool (*init)(struct byte_reader *reader); /* false: out of memory */
    /* Decompress what there is into `to`; how many bytes came of it. Sets `within`, and `fault`
     * where the bytes are wrong. */
    size_t (*decode)(struct byte_reader *reader, char *to, size_t room);
    void (*fini)(struct byte_reader *reader);
};

static bool gzip_begins(const unsigned char *bytes)
{
    return bytes[0] == 0x1f && bytes[1] == 0x8b;
}

static bool gzip_init(struct byte_reader *reader)
{
    return inflateInit2(&reader->gzip, GZIP_WINDOW_BITS) == Z_OK;
}

/* A stream may be followed by another, or by zeros that fill a block of a tape. Whether it is. */
static bool gzip_begin_next(struct byte_reader *reader)
{
    while (reader->start < reader->end && reader->input[reader->start] == 0)
        reader->start++;
    return reader->start < reader->end;
}

static size_t gzip_decode(struct byte_reader *reader, char *to, size_t room)
{
    reader->within = reader->within || gzip_begin_next(reader);
    if (!reader->within)
        return 0;
    z_stream *stream = &reader->gzip;
    stream->next_in = reader->input + reader->start;
    stream->avail_in = (uInt)(reader->end - reader->start);
    stream->next_out = (Bytef *)to;
    stream->avail_out = (uInt)room;
    const int result = inflate(stream, Z_NO_FLUSH);
    reader->start = reader->end - stream->avail_in;
    if (result == Z_STREAM_END) {
        reader->within = false;
        inflateReset(stream);
    } else if (result != Z_OK && result != Z_BUF_ERROR)
        reader->fault = stream->msg != NULL ? stream->msg : zError(result);
    return room - stream->avail_out;
}

static void gzip_fini(struct byte_reader *reader)
{
    inflateEnd(&reader->gzip);
}

/* A frame, or one of those that are passed over, with which some programs begin. */
static bool zstd_begins(const unsigned char *bytes)
{
    const bool skippable = (bytes[0] & 0xf0) == 0x50 && memcmp(bytes + 1, "\x2a\x4d\x18", 3) == 0;
    return skippable || memcmp(bytes, "\x28\xb5\x2f\xfd", MAGIC_BYTES) == 0;
}

static bool zstd_init(struct byte_reader *reader)
{
    reader->zstd = ZSTD_createDStream();
    return reader->zstd != NULL && !ZSTD_isError(ZSTD_DCtx_setParameter(
                                       reader->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
}

static const char *zstd_fault(size_t result)
{
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_frameParameter_windowTooLarge:
        return "a window of more than 32 MiB; compress again without --ultra and --long";
    case ZSTD_error_prefix_unknown:
        return "something else follows a frame";
    default:
        return ZSTD_getErrorName(result);
    }
}

static size_t zstd_decode(struct byte_reader *reader, char *to, size_t room)
{
    ZSTD_inBuffer input = {reader->input, reader->end, reader->start};
    ZSTD_outBuffer output = {to, room, 0};
    const size_t result = ZSTD_decompressStream(reader->zstd, &output, &input);
    const bool moved = input.pos > reader->start || output.pos > 0;
    reader->start = input.pos;
    if (ZSTD_isError(result))
        reader->fault = zstd_fault(result);
    else if (moved)
        reader->within = result != 0;
    return output.pos;
}

static void zstd_fini(struct byte_reader *reader)
{
    ZSTD_freeDStream(reader->zstd);
}

static const struct decoding decodings[] = {
    {"gzip", gzip_begins, gzip_init, gzip_decode, gzip_fini},
    {"zstd", zstd_begins, zstd_init, zstd_decode, zstd_fini},
};

struct byte_reader *byte_reader_open(const char *path, struct error *error)
{
    const bool standard = strcmp(path, "-") == 0;
    /* Not zeroed: the untouched part of the buffer never becomes memory. */
    struct byte_reader *reader = malloc(sizeof *reader);
    char *name = strdup(standard ? "stdin" : path);
    if (reader == NULL || name == NULL) {
        free(reader);
        free(name);
        error_run(error, "out of memory");
        return NULL;
    }
    const struct location at = {name, 0, 0};
    struct stat status;
    const int descriptor = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0)
        error_input(error, &at, "cannot be opened: %s", strerror(errno));
    else if (fstat(descriptor, &status) != 0 || S_ISDIR(status.st_mode))
        error_input(error, &at, "is a directory; a trace file is expected");
    else {
        memset(reader, 0, offsetof(struct byte_reader, input));
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

void byte_reader_close(struct byte_reader *reader)
{
    if (reader == NULL)
        return;
    if (reader->decoding != NULL)
        reader->decoding->fini(reader);
    if (reader->descriptor != STDIN_FILENO)
        close(reader->descriptor);
    free(reader->name);
    free(reader);
}

/* What the file has next, in one piece as it comes; 0 bytes: its end. */
static bool read_file(struct byte_reader *reader, void *to, size_t room, size_t *got,
                      const struct location *at, struct error *error)
{
    ssize_t bytes = 0;
    do
        bytes = read(reader->descriptor, to, room);
    while (bytes < 0 && errno == EINTR);
    if (bytes < 0)
        return error_input(error, at, "cannot be read: %s", strerror(errno));
    *got = (size_t)bytes;
    reader->at_end = bytes == 0;
    reader->read_bytes += bytes;
    return true;
}

/* Read as many bytes as tell what the file holds: a pipe may give one at a time. */
static bool begin(struct byte_reader *reader, const struct location *at, struct error *error)
{
    while (reader->end < MAGIC_BYTES && !reader->at_end) {
        size_t got = 0;
        if (!read_file(reader, reader->input + reader->end, INPUT_BYTES - reader->end, &got, at,
                       error))
            return false;
        reader->end += got;
    }
    reader->begun = true;
    for (size_t i = 0; i < sizeof decodings / sizeof *decodings; i++) {
        if (reader->end < MAGIC_BYTES || !decodings[i].begins(reader->input))
            continue;
        reader->decoding = &decodings[i];
        reader->within = true;
        return decodings[i].init(reader) || error_run(error, "out of memory");
    }
    return true;
}

static bool read_plain(struct byte_reader *reader, char *to, size_t room, size_t *got,
                       const struct location *at, struct error *error)
{
    const size_t held = reader->end - reader->start;
    if (held == 0)
        return reader->at_end || read_file(reader, to, room, got, at, error);
    *got = held < room ? held : room;
    memcpy(to, reader->input + reader->start, *got);
    reader->start += *got;
    return true;
}

static bool read_compressed(struct byte_reader *reader, char *to, size_t room, size_t *got,
                            const struct location *at, struct error *error)
{
    const struct decoding *decoding = reader->decoding;
    while (reader->fault == NULL) {
        /* Without input too: some output may not have found room the last time. */
        *got = decoding->decode(reader, to, room);
        if (*got > 0)
            return true;
        if (reader->fault != NULL || reader->start < reader->end)
            continue;
        if (reader->at_end && !reader->within)
            return true;
        if (reader->at_end)
            return error_input(error, at, "the file ends within its %s data: it is cut off",
                               decoding->name);
        reader->start = 0;
        if (!read_file(reader, reader->input, INPUT_BYTES, &reader->end, at, error))
            return false;
    }
    return error_input(error, at, "the %s data cannot be read: %s", decoding->name, reader->fault);
}

bool byte_reader_read(struct byte_reader *reader, char *to, size_t room, size_t *got,
                      const struct location *at, struct error *error)
{
    *got = 0;
    if (!reader->begun && !begin(reader, at, error))
        return false;
    return reader->decoding == NULL ? read_plain(reader, to, room, got, at, error)
                                    : read_compressed(reader, to, room, got, at, error);
}

const char *byte_reader_name(const struct byte_reader *reader)
{
    return reader->name;
}

int64_t byte_reader_position(const struct byte_reader *reader)
{
    return reader->read_bytes - (int64_t)(reader->end - reader->start);
}

int64_t byte_reader_size(const struct byte_reader *reader)
{
    return reader->size_bytes;
}
