/* Charts of the terminal, looked at as text. */
#include "unit.h"

#include "text_chart.h"

static char *text;
static size_t length;
static FILE *stream;

static void enter(void)
{
    stream = open_memstream(&text, &length);
    ck_assert_ptr_nonnull(stream);
}

static void leave(void)
{
    fclose(stream);
    free(text);
}

static const char *drawn(void)
{
    ck_assert_int_eq(fflush(stream), 0);
    return text;
}

/* 1 ms to 65536 ms: sixteen intervals, each of which is twice as long as the one before. */
START_TEST(test_distribution)
{
    struct histogram histogram;
    ck_assert(histogram_init(&histogram));
    histogram_add(&histogram, 1000000, 25);
    histogram_add(&histogram, 3000000, 50);
    histogram_add(&histogram, 300000000, 24);
    histogram_add(&histogram, 65536000000, 1);
    text_chart_distribution(&histogram, "Time to first token", stream);
    const char *chart = drawn();
    ck_assert_ptr_nonnull(strstr(chart, "\nTime to first token (ms), 100 values\n"));
    ck_assert_ptr_nonnull(strstr(chart, "        1 - 2          25.0 % ####################\n"));
    ck_assert_ptr_nonnull(strstr(
        chart, "        2 - 4          50.0 % ######################################## median\n"));
    ck_assert_ptr_nonnull(strstr(chart, "      256 - 512        24.0 % ###################"
                                        "                      p90\n"));
    ck_assert_ptr_nonnull(strstr(chart, "    32768 - 65536       1.0 % #"));
    ck_assert_ptr_null(strstr(chart, " \n"));
    histogram_fini(&histogram);
}
END_TEST

START_TEST(test_distribution_of_little)
{
    struct histogram histogram;
    ck_assert(histogram_init(&histogram));
    text_chart_distribution(&histogram, "nothing", stream);
    ck_assert_str_eq(drawn() != NULL ? text : "", "");
    histogram_add(&histogram, 5000000, 3);
    text_chart_distribution(&histogram, "one", stream);
    ck_assert_str_eq(drawn(), "\none (ms), 3 values\n        5 - 5         100.0 % "
                              "######################################## median p90 p99\n");
    histogram_add(&histogram, 0, 1);
    text_chart_distribution(&histogram, "zero", stream);
    ck_assert_ptr_nonnull(strstr(drawn(), "zero (ms), 4 values\n"));
    histogram_fini(&histogram);
}
END_TEST

static int count(const char *chart, char mark)
{
    int marks = 0;
    for (; *chart != '\0'; chart++)
        marks += *chart == mark;
    return marks;
}

START_TEST(test_scatter)
{
    const struct text_point points[] = {
        {0.0, 10.0, false}, {5.0, 5.0, true}, {10.0, 0.0, false}, {5.0, 5.0, false}};
    text_chart_scatter(points, COUNT(points), "across", "up", stream);
    const char *chart = drawn();
    ck_assert_ptr_nonnull(strstr(chart, "\nup\n       10 |.\n"));
    ck_assert_int_eq(count(chart, '#'), 1);
    ck_assert_int_eq(count(chart, '.'), 2);
    ck_assert_ptr_nonnull(strstr(chart, "        0 |                                             "
                                        "                  .\n"));
    ck_assert_ptr_nonnull(strstr(chart, "           across\n"));
    ck_assert_ptr_null(strstr(chart, " \n"));
}
END_TEST

START_TEST(test_scatter_of_little)
{
    const struct text_point same[] = {{3.0, 1e300, true}, {3.0, 1e300, true}};
    text_chart_scatter(same, 0, "across", "up", stream);
    ck_assert_str_eq(drawn() != NULL ? text : "", "");
    text_chart_scatter(same, COUNT(same), "across", "up", stream);
    ck_assert_int_eq(count(drawn(), '#'), 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_distribution, test_distribution_of_little, test_scatter,
                                  test_scatter_of_little};
    return unit_run_with("text_chart", tests, COUNT(tests), enter, leave);
}
