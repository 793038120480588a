/* What every test program needs: a main that runs one suite, and a directory to write in. */
#ifndef LLMSIM_TESTS_UNIT_H
#define LLMSIM_TESTS_UNIT_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* A fresh directory, made the working directory. Unless a test fails, unit_leave_directory removes
 * it: what it still holds must be named by the test. */
static inline void unit_enter_directory(char path[64])
{
    snprintf(path, 64, "/tmp/llmsim-unit-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
    ck_assert_int_eq(chdir(path), 0);
}

static inline void unit_leave_directory(const char *path)
{
    ck_assert_int_eq(chdir("/"), 0);
    ck_assert_msg(rmdir(path) == 0, "%s holds a file that nobody expects", path);
}

static inline void unit_write_file(const char *path, const char *bytes, size_t length)
{
    FILE *stream = fopen(path, "we");
    ck_assert_ptr_nonnull(stream);
    ck_assert_uint_eq(fwrite(bytes, 1, length, stream), length);
    ck_assert_int_eq(fclose(stream), 0);
}

/* The file's text is this, and no more. */
static inline void unit_assert_file(const char *path, const char *text)
{
    char read[4096] = "";
    FILE *stream = fopen(path, "re");
    ck_assert_msg(stream != NULL, "there is no %s", path);
    size_t length = fread(read, 1, sizeof read - 1, stream);
    ck_assert_int_eq(fclose(stream), 0);
    ck_assert_uint_eq(length, strlen(text));
    ck_assert_str_eq(read, text);
}

/* Runs a suite of one case, which it takes over; what main returns. */
static inline int unit_run_case(const char *name, TCase *tcase)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* The same for these tests, each between `enter` and `leave` (may be NULL). */
static inline int unit_run_with(const char *name, const TTest *const *tests, size_t count,
                                void (*enter)(void), void (*leave)(void))
{
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, enter, leave);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    return unit_run_case(name, tcase);
}

static inline int unit_run(const char *name, const TTest *const *tests, size_t count)
{
    return unit_run_with(name, tests, count, NULL, NULL);
}

#endif
