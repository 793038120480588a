/* Files that are compressed: whole, in several pieces, cut off and damaged; and lines of them. */
#include "byte_reader.h"
#include "text_reader.h"
#include "unit.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <zlib.h>
#include <zstd.h>

enum { TEXT_BYTES = 3 << 20, ROOM = 2 * TEXT_BYTES };

static char directory[64];
static unsigned char packed[ROOM];

static void enter(void)
{
    unit_enter_directory(directory);
}

static void leave(void)
{
    unlink("file");
    unit_leave_directory(directory);
}

static size_t pack_gzip(const char *text, size_t length, unsigned char *to)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)text,
                       .avail_in = (uInt)length,
                       .next_out = to,
                       .avail_out = ROOM / 2};
    ck_assert_int_eq(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    const size_t bytes = stream.total_out;
    deflateEnd(&stream);
    return bytes;
}

/* With a checksum, as zstd(1) writes it. */
static size_t pack_zstd(const char *text, size_t length, unsigned char *to)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
    const size_t bytes = ZSTD_compress2(context, to, ROOM / 2, text, length);
    ck_assert(!ZSTD_isError(bytes));
    ZSTD_freeCCtx(context);
    return bytes;
}

static const struct {
    const char *name;
    size_t (*pack)(const char *text, size_t length, unsigned char *to);
} kinds[] = {{"gzip", pack_gzip}, {"zstd", pack_zstd}};

/* Lines of no great regularity, so that the packed text has many blocks. */
static char *make_text(void)
{
    char *text = malloc(TEXT_BYTES + 1);
    uint64_t random = 1;
    size_t used = 0;
    while (used + 40 < TEXT_BYTES) {
        random = random * 6364136223846793005U + 1442695040888963407U;
        used += (size_t)sprintf(text + used, "%llu,%d\n", (unsigned long long)random, (int)used);
    }
    return text;
}

/* Read the file by pieces of `room` bytes; what it holds is appended to `to`. */
static bool read_all(const char *path, size_t room, char *to, size_t *length, struct error *error)
{
    struct byte_reader *reader = byte_reader_open(path, error);
    ck_assert_msg(reader != NULL, "%s", error->text);
    const struct location at = {byte_reader_name(reader), 7, 0};
    bool read = true;
    size_t got = 1;
    while (read && got > 0) {
        const size_t left = ROOM - *length;
        ck_assert_uint_gt(left, 0);
        read = byte_reader_read(reader, to + *length, left < room ? left : room, &got, &at, error);
        *length += got;
        ck_assert_int_le(byte_reader_position(reader), byte_reader_size(reader));
    }
    if (read)
        ck_assert_int_eq(byte_reader_position(reader), byte_reader_size(reader));
    byte_reader_close(reader);
    return read;
}

static void assert_reads(const unsigned char *bytes, size_t count, size_t room,
                         const char *expected, size_t expected_length)
{
    char *text = malloc(ROOM);
    size_t length = 0;
    struct error error = {0};
    unit_write_file("file", (const char *)bytes, count);
    ck_assert_msg(read_all("file", room, text, &length, &error), "%s", error.text);
    ck_assert_uint_eq(length, expected_length);
    ck_assert_mem_eq(text, expected, length);
    free(text);
}

/* What is read is a beginning of `expected`, then there is this error. */
static void assert_fails(size_t count, const char *expected, const char *message)
{
    char *text = malloc(ROOM);
    size_t length = 0;
    struct error error = {0};
    unit_write_file("file", (const char *)packed, count);
    ck_assert(!read_all("file", 100000, text, &length, &error));
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_msg(strncmp(error.text, "file:7: ", 8) == 0 && strstr(error.text, message) != NULL,
                  "expected '%s', got '%s'", message, error.text);
    ck_assert_mem_eq(text, expected, length);
    free(text);
}

START_TEST(reads_what_was_packed)
{
    char *text = make_text();
    const size_t lengths[] = {0, 1, 5, 1000, strlen(text)};
    const size_t rooms[] = {1, 777, 128 << 10, ROOM};
    for (size_t i = 0; i < COUNT(kinds) * COUNT(lengths); i++) {
        const size_t length = lengths[i / COUNT(kinds)];
        const size_t bytes = kinds[i % COUNT(kinds)].pack(text, length, packed);
        for (size_t j = length > 1000 ? 1 : 0; j < COUNT(rooms); j++)
            assert_reads(packed, bytes, rooms[j], text, length);
    }
    free(text);
}
END_TEST

/* Whatever its first bytes are, as far as there are any. */
START_TEST(leaves_other_bytes_alone)
{
    static const struct {
        const char *bytes;
        size_t count;
    } cases[] = {{"", 0},
                 {"a", 1},
                 {"\x1f", 1},
                 {"\x1f\x8b\x08", 3},
                 {"\x28\xb5", 2},
                 {"\x28\xb5/\xfc", 4},
                 {"\x5a*M\x17yes", 7},
                 {"\0\0\0\0\0", 5},
                 {"PK\3\4", 4},
                 {"line\nline\n", 10}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t room = 1; room < 20; room += 6)
            assert_reads((const unsigned char *)cases[i].bytes, cases[i].count, room,
                         cases[i].bytes, cases[i].count);
    }
}
END_TEST

/* One stream behind another, empty ones among them. */
START_TEST(reads_several_streams)
{
    char *text = make_text();
    const size_t cuts[] = {0, 10, 10, 100000, 100001, strlen(text), strlen(text)};
    for (size_t kind = 0; kind < COUNT(kinds); kind++) {
        size_t bytes = 0;
        for (size_t i = 0; i + 1 < COUNT(cuts); i++)
            bytes += kinds[kind].pack(text + cuts[i], cuts[i + 1] - cuts[i], packed + bytes);
        assert_reads(packed, bytes, 1000, text, strlen(text));
        assert_reads(packed, bytes, ROOM, text, strlen(text));
    }
    free(text);
}
END_TEST

/* Frames without data, at the beginning and the end, as pzstd and seekable files have them. */
START_TEST(passes_over_skippable_frames)
{
    static const unsigned char frame[] = {0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 'a', 'b', 'c'};
    memcpy(packed, frame, sizeof frame);
    size_t bytes = sizeof frame;
    assert_reads(packed, bytes, 10, "", 0);
    bytes += pack_zstd("text", 4, packed + bytes);
    assert_reads(packed, bytes, 10, "text", 4);
    memcpy(packed + bytes, frame, sizeof frame);
    assert_reads(packed, bytes + sizeof frame, 10, "text", 4);
    assert_fails(bytes + sizeof frame - 1, "text", "the file ends within its zstd data: it is cut");
}
END_TEST

START_TEST(passes_over_zeros_behind_gzip)
{
    size_t bytes = pack_gzip("text", 4, packed);
    memset(packed + bytes, 0, 300000);
    assert_reads(packed, bytes + 300000, 10, "text", 4);
    bytes += 300000;
    bytes += pack_gzip("more", 4, packed + bytes);
    assert_reads(packed, bytes, 10, "textmore", 8);
    packed[bytes] = 'x';
    assert_fails(bytes + 1, "textmore", "the file ends within its gzip data");
    memset(packed + bytes, 'x', 5);
    assert_fails(bytes + 5, "textmore", "the gzip data cannot be read: incorrect header check");
    bytes = pack_zstd("text", 4, packed);
    memset(packed + bytes, 'x', 5);
    assert_fails(bytes + 5, "text", "the zstd data cannot be read: something else follows a frame");
}
END_TEST

/* Wherever the file is cut, what was there before is read, and then it is said. */
START_TEST(says_where_a_file_is_cut_off)
{
    char *text = make_text();
    for (size_t kind = 0; kind < COUNT(kinds); kind++) {
        char message[64];
        snprintf(message, sizeof message, "the file ends within its %s data: it is cut off",
                 kinds[kind].name);
        size_t bytes = kinds[kind].pack(text, 300, packed);
        for (size_t cut = 4; cut < bytes; cut++)
            assert_fails(cut, text, message);
        bytes = kinds[kind].pack(text, strlen(text), packed);
        for (size_t cut = 5; cut < bytes; cut = 3 * cut + 1)
            assert_fails(cut, text, message);
        assert_fails(bytes - 1, text, message);
    }
    free(text);
}
END_TEST

START_TEST(says_what_is_damaged)
{
    static const char text[] = "0123456789012345678901234567890123456789";
    size_t bytes = pack_gzip(text, strlen(text), packed);
    packed[bytes - 1] ^= 1;
    assert_fails(bytes, text, "the gzip data cannot be read: incorrect length check");
    packed[bytes - 5] ^= 1;
    assert_fails(bytes, text, "the gzip data cannot be read: incorrect data check");
    packed[2] = 9;
    assert_fails(bytes, text, "the gzip data cannot be read: unknown compression method");
    bytes = pack_zstd(text, strlen(text), packed);
    packed[bytes - 1] ^= 1;
    assert_fails(bytes, text, "the zstd data cannot be read: Restored data doesn't match checksum");
}
END_TEST

/* A window that would take more memory than a reader may. */
START_TEST(refuses_wide_windows)
{
    char *text = make_text();
    for (int window_log = 25; window_log <= 27; window_log += 2) {
        ZSTD_CCtx *context = ZSTD_createCCtx();
        ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
        ZSTD_inBuffer input = {text, strlen(text), 0};
        ZSTD_outBuffer output = {packed, ROOM, 0};
        /* In two steps, so that the whole size is not known at the beginning. */
        ZSTD_compressStream2(context, &output, &input, ZSTD_e_flush);
        ck_assert_uint_eq(ZSTD_compressStream2(context, &output, &input, ZSTD_e_end), 0);
        ZSTD_freeCCtx(context);
        if (window_log == 25)
            assert_reads(packed, output.pos, 1000, text, strlen(text));
        else
            assert_fails(output.pos, text,
                         "the zstd data cannot be read: a window of more than 32 MiB; compress "
                         "again without --ultra and --long");
    }
    free(text);
}
END_TEST

/* Lines through a pipe that gives a byte at a time, at first. */
START_TEST(reads_lines_from_a_pipe)
{
    char *text = make_text();
    for (size_t kind = 0; kind < COUNT(kinds); kind++) {
        const size_t bytes = kinds[kind].pack(text, strlen(text), packed);
        int ends[2];
        char path[64];
        ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
        const pid_t writer = fork();
        if (writer == 0) {
            size_t sent = 0;
            for (; sent < 10; sent++)
                sent -= write(ends[1], packed + sent, 1) == 1 ? 0 : 1;
            while (sent < bytes)
                sent += (size_t)write(ends[1], packed + sent, bytes - sent);
            _exit(0);
        }
        close(ends[1]);
        snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
        struct error error = {0};
        struct text_reader *reader = text_reader_open(path, &error);
        char *line = NULL;
        size_t length = 0;
        const char *expected = text;
        while (text_reader_next(reader, &line, &length, &error) == 1) {
            ck_assert_mem_eq(line, expected, length);
            ck_assert_int_eq(expected[length], '\n');
            expected += length + 1;
        }
        ck_assert_int_eq(error.kind, ERROR_NONE);
        ck_assert_int_eq(*expected, '\0');
        ck_assert_double_eq(text_reader_progress(reader), 0.0);
        text_reader_close(reader);
        close(ends[0]);
        waitpid(writer, NULL, 0);
    }
    free(text);
}
END_TEST

/* Whole lines come out before it is told that the next one is missing. */
START_TEST(tells_the_line_that_was_reached)
{
    char *text = make_text();
    const size_t bytes = pack_gzip(text, strlen(text), packed);
    unit_write_file("file", (const char *)packed, bytes / 2);
    struct error error = {0};
    struct text_reader *reader = text_reader_open("file", &error);
    char *line = NULL;
    size_t length = 0;
    int lines = 0;
    double progress = 0.0;
    int result;
    while ((result = text_reader_next(reader, &line, &length, &error)) == 1) {
        lines++;
        progress = text_reader_progress(reader);
        ck_assert(progress > 0.0 && progress <= 1.0);
    }
    ck_assert_int_eq(result, -1);
    ck_assert_int_gt(lines, 10000);
    ck_assert_double_gt(progress, 0.9);
    char message[100];
    snprintf(message, sizeof message, "file:%d: the file ends within its gzip data: it is cut off",
             lines);
    ck_assert_str_eq(error.text, message);
    text_reader_close(reader);
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {reads_what_was_packed,         leaves_other_bytes_alone,
                                  reads_several_streams,         passes_over_skippable_frames,
                                  passes_over_zeros_behind_gzip, says_where_a_file_is_cut_off,
                                  says_what_is_damaged,          refuses_wide_windows,
                                  reads_lines_from_a_pipe,       tells_the_line_that_was_reached};
    return unit_run_with("byte_reader", tests, COUNT(tests), enter, leave);
}
