/* Output files appear whole or not at all. */
#include "unit.h"

#include "output_file.h"
#include <fcntl.h>

static char directory[64];

static void enter(void)
{
    unit_enter_directory(directory);
}

static void leave(void)
{
    unit_leave_directory(directory);
}

static mode_t mode_of(const char *path)
{
    struct stat status;
    ck_assert_int_eq(lstat(path, &status), 0);
    return status.st_mode;
}

static struct output_file open_output(const char *path)
{
    struct error error = {0};
    struct output_file file;
    ck_assert_msg(output_file_open(&file, path, &error), "%s", error.text);
    ck_assert_int_eq(error.kind, ERROR_NONE);
    return file;
}

static void commit(struct output_file *file)
{
    struct error error = {0};
    ck_assert_msg(output_files_commit(file, 1, &error), "%s", error.text);
    ck_assert_ptr_null(file->stream);
    output_file_discard(file);
}

static void assert_refused(const char *path, const char *message)
{
    struct error error = {0};
    struct output_file file;
    ck_assert_msg(!output_file_open(&file, path, &error), "'%s' was opened", path);
    ck_assert_int_eq(error.kind, ERROR_RUN);
    ck_assert_str_eq(error.text, message);
    ck_assert_ptr_null(file.stream);
    output_file_discard(&file);
}

START_TEST(test_new_file)
{
    struct output_file file = open_output("new");
    fputs("text", file.stream);
    fflush(file.stream);
    ck_assert_int_ne(access("new", F_OK), 0);
    commit(&file);
    unit_assert_file("new", "text");
    ck_assert_int_eq(unlink("new"), 0);
}
END_TEST

START_TEST(test_old_file)
{
    unit_write_file("old", "before", 6);
    struct output_file file = open_output("old");
    fputs("after", file.stream);
    fflush(file.stream);
    unit_assert_file("old", "before");
    commit(&file);
    unit_assert_file("old", "after");
    ck_assert_int_eq(unlink("old"), 0);
}
END_TEST

START_TEST(test_discard)
{
    unit_write_file("old", "before", 6);
    struct output_file old = open_output("old");
    struct output_file new = open_output("new");
    fputs("after", old.stream);
    fputs("after", new.stream);
    for (int i = 0; i < 2; i++) {
        output_file_discard(&old);
        output_file_discard(&new);
    }
    unit_assert_file("old", "before");
    ck_assert_int_eq(unlink("old"), 0);
    struct output_file zeroed = {0};
    output_file_discard(&zeroed);
}
END_TEST

START_TEST(test_modes)
{
    umask(027);
    struct output_file file = open_output("file");
    commit(&file);
    ck_assert_uint_eq(mode_of("file"), S_IFREG | 0640);
    ck_assert_int_eq(chmod("file", 0604), 0);
    file = open_output("file");
    commit(&file);
    ck_assert_uint_eq(mode_of("file"), S_IFREG | 0604);
    ck_assert_uint_eq(umask(022), 027);
    ck_assert_int_eq(unlink("file"), 0);
}
END_TEST

/* The link stays, and what it points to is replaced: in its own directory. */
START_TEST(test_symbolic_link)
{
    ck_assert_int_eq(mkdir("sub", 0777), 0);
    unit_write_file("sub/target", "before", 6);
    ck_assert_int_eq(symlink("sub/target", "link"), 0);
    struct output_file file = open_output("link");
    fputs("after", file.stream);
    commit(&file);
    ck_assert(S_ISLNK(mode_of("link")));
    unit_assert_file("sub/target", "after");
    ck_assert_int_eq(unlink("sub/target"), 0);
    ck_assert_int_eq(rmdir("sub"), 0);
    ck_assert_int_eq(unlink("link"), 0);
}
END_TEST

START_TEST(test_refused)
{
    unit_write_file("file", "text", 4);
    ck_assert_int_eq(mkdir("sub", 0777), 0);
    ck_assert_int_eq(symlink("sub", "link"), 0);
    assert_refused("missing/x", "missing/x: cannot be written: No such file or directory");
    assert_refused("missing/", "missing/: cannot be written: No such file or directory");
    assert_refused("file/x", "file/x: cannot be written: Not a directory");
    assert_refused("sub", "sub: cannot be written: Is a directory");
    assert_refused("link", "link: cannot be written: Is a directory");
    assert_refused(".", ".: cannot be written: Is a directory");
    assert_refused("", "'': cannot be written: No such file or directory");
    unit_assert_file("file", "text");
    ck_assert_int_eq(unlink("file"), 0);
    ck_assert_int_eq(unlink("link"), 0);
    ck_assert_int_eq(rmdir("sub"), 0);
}
END_TEST

/* Not even root makes files in /proc. */
START_TEST(test_unwritable_directory)
{
    struct error error = {0};
    struct output_file file;
    ck_assert(!output_file_open(&file, "/proc/result.json", &error));
    ck_assert_int_eq(error.kind, ERROR_RUN);
    ck_assert_ptr_nonnull(strstr(error.text, "/proc/result.json: cannot be written: "));
}
END_TEST

/* Devices and pipes are written to, not replaced. */
START_TEST(test_special_files)
{
    struct output_file file = open_output("/dev/null");
    fputs("text", file.stream);
    commit(&file);
    ck_assert(S_ISCHR(mode_of("/dev/null")));

    ck_assert_int_eq(mkfifo("pipe", 0600), 0);
    int reader = open("pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    char text[8] = "";
    file = open_output("pipe");
    fputs("text", file.stream);
    commit(&file);
    ck_assert_int_eq(read(reader, text, sizeof text), 4);
    ck_assert_str_eq(text, "text");
    close(reader);
    ck_assert(S_ISFIFO(mode_of("pipe")));
    ck_assert_int_eq(unlink("pipe"), 0);
}
END_TEST

START_TEST(test_full_disk)
{
    struct error error = {0};
    struct output_file file = open_output("/dev/full");
    fputs("text", file.stream);
    ck_assert(!output_files_commit(&file, 1, &error));
    ck_assert_int_eq(error.kind, ERROR_RUN);
    ck_assert_str_eq(error.text, "/dev/full: cannot be written: No space left on device");
    ck_assert_ptr_null(file.stream);

    /* A failure that later writes would hide. */
    file = open_output("/dev/full");
    fputs("text", file.stream);
    ck_assert_int_ne(fflush(file.stream), 0);
    error = (struct error){0};
    ck_assert(!output_files_commit(&file, 1, &error));
    ck_assert_int_eq(error.kind, ERROR_RUN);
}
END_TEST

/* The disk is full, or the name has been taken by a directory: the old state stays. */
START_TEST(test_failed_commit)
{
    struct error error = {0};
    unit_write_file("old", "before", 6);
    struct output_file file = open_output("old");
    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(dup2(full, fileno(file.stream)), 0);
    fputs("after", file.stream);
    ck_assert(!output_files_commit(&file, 1, &error));
    ck_assert_int_eq(error.kind, ERROR_RUN);
    ck_assert_ptr_nonnull(strstr(error.text, "old: cannot be written: No space left on device"));
    close(full);
    unit_assert_file("old", "before");
    ck_assert_int_eq(unlink("old"), 0);

    file = open_output("new");
    ck_assert_int_eq(mkdir("new", 0777), 0);
    ck_assert(!output_files_commit(&file, 1, &error));
    ck_assert_int_eq(error.kind, ERROR_RUN);
    ck_assert_ptr_nonnull(strstr(error.text, "new: cannot be put in place: Is a directory"));
    ck_assert_int_eq(rmdir("new"), 0);
}
END_TEST

START_TEST(test_stdout)
{
    struct error error = {0};
    struct output_file file = open_output("-");
    ck_assert_ptr_eq(file.stream, stdout);
    commit(&file);
    file = open_output("-");
    output_file_discard(&file);
    ck_assert_int_ge(fcntl(STDOUT_FILENO, F_GETFD), 0);

    int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
    fflush(stdout);
    ck_assert_int_eq(dup2(full, STDOUT_FILENO), STDOUT_FILENO);
    close(full);
    file = open_output("-");
    fputs("text", file.stream);
    ck_assert(!output_files_commit(&file, 1, &error));
    ck_assert_int_eq(error.kind, ERROR_RUN);
    ck_assert_str_eq(error.text, "stdout: cannot be written: No space left on device");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_new_file,  test_old_file,      test_discard,
        test_modes,     test_symbolic_link, test_refused,
        test_full_disk, test_failed_commit, test_unwritable_directory,
        test_stdout,    test_special_files,
    };
    return unit_run_with("output_file", tests, COUNT(tests), enter, leave);
}
