/* Lines of files and pipes, whatever ends them. */
#include "unit.h"

#include "text_reader.h"
#include <fcntl.h>

static char directory[64];

static void enter(void)
{
    unit_enter_directory(directory);
}

static void leave(void)
{
    unlink("file");
    unit_leave_directory(directory);
}

static struct text_reader *open_text(const char *bytes, size_t length)
{
    struct error error = {0};
    unit_write_file("file", bytes, length);
    struct text_reader *reader = text_reader_open("file", &error);
    ck_assert_msg(reader != NULL, "%s", error.text);
    return reader;
}

static void assert_line(struct text_reader *reader, int number, const char *expected)
{
    struct error error = {0};
    char *line = NULL;
    size_t length = 0;
    ck_assert_int_eq(text_reader_next(reader, &line, &length, &error), 1);
    ck_assert_uint_eq(length, strlen(expected));
    ck_assert_mem_eq(line, expected, length);
    line[length] = '\0'; /* allowed: the byte behind the line is the reader's */
    struct location at = text_reader_location(reader);
    ck_assert_str_eq(at.file, "file");
    ck_assert_int_eq(at.line, number);
    ck_assert_int_eq(at.column, 1);
}

static void assert_end(struct text_reader *reader)
{
    struct error error = {0};
    char *line = NULL;
    size_t length = 0;
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(text_reader_next(reader, &line, &length, &error), 0);
    ck_assert_int_eq(error.kind, ERROR_NONE);
    text_reader_close(reader);
}

START_TEST(test_line_ends)
{
    const char text[] = "one\ntwo\r\n\n\r\nthr\ree\n last ";
    struct text_reader *reader = open_text(text, strlen(text));
    assert_line(reader, 1, "one");
    assert_line(reader, 2, "two");
    assert_line(reader, 3, "");
    assert_line(reader, 4, "");
    assert_line(reader, 5, "thr\ree");
    assert_line(reader, 6, " last ");
    assert_end(reader);
}
END_TEST

START_TEST(test_final_newline)
{
    struct text_reader *reader = open_text("one\n", 4);
    assert_line(reader, 1, "one");
    assert_end(reader);
    reader = open_text("\n", 1);
    assert_line(reader, 1, "");
    assert_end(reader);
    assert_end(open_text("", 0));
}
END_TEST

START_TEST(test_nul_is_a_byte)
{
    struct error error = {0};
    char *line = NULL;
    size_t length = 0;
    struct text_reader *reader = open_text("a\0b\nc", 5);
    ck_assert_int_eq(text_reader_next(reader, &line, &length, &error), 1);
    ck_assert_uint_eq(length, 3);
    ck_assert_mem_eq(line, "a\0b", 3);
    assert_line(reader, 2, "c");
    assert_end(reader);
}
END_TEST

/* Lines of every length around the reader's own buffers. */
START_TEST(test_many_lines)
{
    enum { BYTES = 5 << 20 };
    char *text = malloc(BYTES);
    size_t used = 0;
    int lines = 0;
    for (; used + 70000 < BYTES; lines++) {
        size_t length = (size_t)lines * 7919 % 65536;
        memset(text + used, 'a' + lines % 26, length);
        used += length;
        text[used++] = '\n';
    }
    struct text_reader *reader = open_text(text, used);
    struct error error = {0};
    char *line = NULL;
    size_t length = 0;
    bool right = true;
    double progress = 0.0;
    const char *expected = text;
    for (int i = 0; i < lines; i++) {
        right &= text_reader_next(reader, &line, &length, &error) == 1;
        right &= length == (size_t)i * 7919 % 65536 && memcmp(line, expected, length + 1) == 0;
        right &= text_reader_progress(reader) > progress;
        progress = text_reader_progress(reader);
        expected += length + 1;
    }
    ck_assert(right);
    ck_assert_double_eq(progress, 1.0);
    assert_end(reader);
    free(text);
}
END_TEST

/* `before` bytes stand before a line of `length` bytes and its end. */
static int read_long_line(size_t before, size_t length, const char *end, struct error *error)
{
    size_t bytes = before + 1 + length + strlen(end);
    char *text = malloc(bytes);
    memset(text, 'x', bytes);
    text[before] = '\n';
    memcpy(text + before + 1 + length, end, strlen(end));
    struct text_reader *reader = open_text(text, bytes);
    char *line = NULL;
    size_t got = 0;
    ck_assert_int_eq(text_reader_next(reader, &line, &got, error), 1);
    ck_assert_uint_eq(got, before);
    int result = text_reader_next(reader, &line, &got, error);
    if (result == 1) {
        ck_assert_uint_eq(got, length);
        ck_assert_mem_eq(line, text + before + 1, length);
    }
    text_reader_close(reader);
    free(text);
    return result;
}

START_TEST(test_longest_line)
{
    static const char *const ends[] = {"\n", "", "\nnext", "\r\n"};
    const size_t before[] = {0, 1, 1000, 128 << 10, 300000, TEXT_READER_MAX_LINE_BYTES};
    for (size_t i = 0; i < COUNT(ends) * COUNT(before); i++) {
        struct error error = {0};
        size_t most = TEXT_READER_MAX_LINE_BYTES;
        const char *end = ends[i % COUNT(ends)];
        size_t start = before[i / COUNT(ends)];
        ck_assert_int_eq(read_long_line(start, most, end, &error), 1);
        ck_assert_int_eq(read_long_line(start, most + 1, end, &error), -1);
        ck_assert_int_eq(error.kind, ERROR_INPUT);
        ck_assert_str_eq(error.text, "file:2:1: a line of more than 1048576 bytes");
    }
}
END_TEST

START_TEST(test_not_files)
{
    struct error error = {0};
    unit_write_file("file", "", 0);
    ck_assert_ptr_null(text_reader_open("missing", &error));
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_str_eq(error.text, "missing: cannot be opened: No such file or directory");
    ck_assert_ptr_null(text_reader_open("file/x", &error));
    ck_assert_str_eq(error.text, "file/x: cannot be opened: Not a directory");
    ck_assert_ptr_null(text_reader_open(".", &error));
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_str_eq(error.text, ".: is a directory; a trace file is expected");
}
END_TEST

/* A pipe's size is unknown, and what it holds comes in pieces. */
START_TEST(test_pipe)
{
    int ends[2];
    char path[64];
    struct error error = {0};
    char *line = NULL;
    size_t length = 0;
    ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
    snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
    ck_assert_int_eq(write(ends[1], "one\ntw", 6), 6);
    struct text_reader *reader = text_reader_open(path, &error);
    ck_assert_ptr_nonnull(reader);
    ck_assert_int_eq(text_reader_next(reader, &line, &length, &error), 1);
    ck_assert_int_eq(write(ends[1], "o\n", 2), 2);
    close(ends[1]);
    ck_assert_int_eq(text_reader_next(reader, &line, &length, &error), 1);
    ck_assert_uint_eq(length, 3);
    ck_assert_mem_eq(line, "two", 3);
    ck_assert_double_eq(text_reader_progress(reader), 0.0);
    ck_assert_int_eq(text_reader_next(reader, &line, &length, &error), 0);
    text_reader_close(reader);
    close(ends[0]);
}
END_TEST

/* "-" is stdin; closing the reader leaves it open. */
START_TEST(test_stdin)
{
    struct error error = {0};
    char *line = NULL;
    size_t length = 0;
    unit_write_file("file", "one\n", 4);
    int descriptor = open("file", O_RDONLY | O_CLOEXEC);
    ck_assert_int_eq(dup2(descriptor, STDIN_FILENO), STDIN_FILENO);
    close(descriptor);
    struct text_reader *reader = text_reader_open("-", &error);
    ck_assert_ptr_nonnull(reader);
    ck_assert_int_eq(text_reader_next(reader, &line, &length, &error), 1);
    ck_assert_mem_eq(line, "one", 3);
    ck_assert_str_eq(text_reader_location(reader).file, "stdin");
    text_reader_close(reader);
    ck_assert_int_ne(fcntl(STDIN_FILENO, F_GETFD), -1);
    text_reader_close(NULL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_line_ends,  test_final_newline, test_nul_is_a_byte,
                                  test_many_lines, test_longest_line,  test_not_files,
                                  test_pipe,       test_stdin};
    return unit_run_with("text_reader", tests, COUNT(tests), enter, leave);
}
