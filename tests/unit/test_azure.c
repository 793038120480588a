/* Azure's traces: their two ways of writing a time, and what is no time. */
#include "trace_reading.h"

START_TEST(reads_azure_2023)
{
    struct reading reading = read_text("TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
                                       "2023-11-16 18:15:46.6805900,374,44\r\n"
                                       "2023-11-16 18:15:50.9951690,396,109\r\n"
                                       "2023-11-17 00:00:00.0000000,1,100000000");
    ck_assert_int_eq(reading.ended, SOURCE_END);
    ck_assert_int_eq(reading.count, 3);
    assert_request(&reading, 0, 0, 374, 44);
    assert_request(&reading, 1, 4314579000, 396, 109);
    assert_request(&reading, 2, 20653319410000, 1, 100000000);
}
END_TEST

START_TEST(reads_azure_2024)
{
    struct reading reading = read_text(AZURE "2024-05-10 00:00:00+00:00,1,1\n"
                                             "2024-05-10 00:00:00.009930+00:00,2,2\n"
                                             "2024-05-10 01:30:00.5+01:30,3,3\n"
                                             "2024-05-09 21:00:01.000000001-03:00,4,4\n"
                                             "2024-05-10T00:00:02Z,5,5\n\n\r\n");
    ck_assert_int_eq(reading.ended, SOURCE_END);
    ck_assert_int_eq(reading.count, 5);
    assert_request(&reading, 1, 9930000, 2, 2);
    assert_request(&reading, 2, 500000000, 3, 3);
    assert_request(&reading, 3, 1000000001, 4, 4);
    assert_request(&reading, 4, 2000000000, 5, 5);
}
END_TEST

/* Across a leap day, a century that is no leap year, and one that is. */
START_TEST(knows_the_calendar)
{
    static const struct {
        const char *first, *second;
        int64_t days;
    } cases[] = {
        {"2024-02-28", "2024-03-01", 2},     {"2023-02-28", "2023-03-01", 1},
        {"2100-02-28", "2100-03-01", 1},     {"2000-02-29", "2000-03-01", 1},
        {"1970-01-01", "2000-01-01", 10957}, {"2023-12-31", "2024-01-01", 1},
        {"2024-01-01", "2024-12-31", 365},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[200];
        snprintf(text, sizeof text, AZURE "%s 12:00:00,1,1\n%s 12:00:00,1,1\n", cases[i].first,
                 cases[i].second);
        struct reading reading = read_text(text);
        assert_request(&reading, 1, cases[i].days * 86400 * SIM_NS_PER_S, 1, 1);
    }
}
END_TEST

START_TEST(refuses_times_that_are_none)
{
    static const struct {
        const char *time, *what;
    } cases[] = {
        {"2023-02-29 00:00:00", "'2023-02-29 00:00:00' is not a date of the calendar"},
        {"2023-13-01 00:00:00", "is not a date of the calendar"},
        {"2023-00-10 00:00:00", "is not a date of the calendar"},
        {"2023-04-31 00:00:00", "is not a date of the calendar"},
        {"2023-01-01 24:00:00", "is not a time of day"},
        {"2023-01-01 23:60:00", "is not a time of day"},
        {"1969-12-31 23:59:59", "is not a date from 1970 to 2199"},
        {"9999-12-31 23:59:59", "is not a date from 1970 to 2199"},
        {"2023-01-01 00:00", "is not a time like"},
        {"2023/01/01 00:00:00", "is not a time like"},
        {"2023-01-01 00:00:00.", "is not a time like"},
        {"2023-01-01 00:00:00.1234567890", "is not a time like"},
        {"2023-01-01 00:00:00+24:00", "is not a time like"},
        {"2023-01-01 00:00:00+0100", "is not a time like"},
        {"2023-01-01 00:00:00 ", "is not a time like"},
        {"2023-0a-01 00:00:00", "is not a time like"},
        {"", "is not a time like"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[200];
        snprintf(text, sizeof text, AZURE "2023-01-01 00:00:00,1,1\n%s,1,1\n", cases[i].time);
        struct reading reading = read_text(text);
        ck_assert_int_eq(reading.count, 1);
        ck_assert_int_eq(reading.ended, SOURCE_ERROR);
        assert_error(&reading, ":3:1: TIMESTAMP: ", cases[i].what);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {reads_azure_2023, reads_azure_2024, knows_the_calendar,
                                  refuses_times_that_are_none};
    return unit_run("azure", tests, COUNT(tests));
}
