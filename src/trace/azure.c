/* The traces of Azure's LLM inference services, 2023, 2024 and (with images) 2025.
 *
 * The years differ in how a time is written: "2023-11-16 18:17:03.9799600", seven places and lines
 * that end in CRLF; "2024-05-10 00:00:00.009930+00:00", six places with an offset from UTC, and no
 * fraction at all on whole seconds; "2024-10-15T12:00:00.269Z". All are read, with 0 to 9 places.
 *
 * In the trace of 2025 a column NumImages stands before ContextTokens, which count "text and image":
 * the prompt is those tokens, and nothing is added for the images (nor the encoder's time). */
#include "csv_fields.h"

#include <llmsim/sim_time.h>
#include <string.h>

#define HEADER "TIMESTAMP,ContextTokens,GeneratedTokens"

enum {
    DATE_BYTES = 10,      /* YYYY-MM-DD */
    DATE_TIME_BYTES = 19, /* YYYY-MM-DD HH:MM:SS */
    OFFSET_BYTES = 6,     /* +HH:MM */
    YEAR_MIN = 1970,
    YEAR_MAX = 2199, /* whose nanoseconds since 1970 fit an int64_t */
    SECONDS_PER_DAY = 86400,
};

/* 2023-11-16 18:00:00, before the first arrival of the conversation trace of 2023. */
static const int64_t written_epoch_s = 1700157600;

/* Days from 1970-01-01, and back: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms",
 * days_from_civil and civil_from_days, for years from 1970. A year begins in March, so that the
 * leap day is its last. */
static int64_t days_from_date(int year, int month, int day)
{
    int y = month <= 2 ? year - 1 : year;
    int era = y / 400;
    int year_of_era = y - era * 400;
    int day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t)era * 146097 + day_of_era - 719468;
}

static void date_from_days(int days, int *year, int *month, int *day)
{
    int z = days + 719468;
    int era = z / 146097;
    int day_of_era = z - era * 146097;
    int year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int march_month = (5 * day_of_year + 2) / 153;
    *day = day_of_year - (153 * march_month + 2) / 5 + 1;
    *month = march_month < 10 ? march_month + 3 : march_month - 9;
    *year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Two digits at c as a number; what is above 99 where they are none. */
static inline int two_digits(const char *c)
{
    return trace_is_digit(c[0]) && trace_is_digit(c[1]) ? 10 * (c[0] - '0') + (c[1] - '0')
                                                        : 1 << 20;
}

/* "+HH:MM" at c as seconds; false where it is nothing of the kind. */
static bool parse_offset(const char *c, int64_t *offset_s)
{
    int hours = two_digits(c + 1);
    int minutes = two_digits(c + 4);
    if ((c[0] != '+' && c[0] != '-') || c[3] != ':' || hours > 23 || minutes > 59)
        return false;
    int64_t magnitude_s = hours * 3600 + minutes * 60;
    *offset_s = c[0] == '-' ? -magnitude_s : magnitude_s;
    return true;
}

/* What may follow the whole seconds: a fraction, then an offset from UTC, as nanoseconds to add. */
static bool parse_rest(const char *c, const char *end, int64_t *rest_ns)
{
    int64_t fraction_ns = 0;
    int64_t offset_s = 0;
    if (c < end && *c == '.') {
        int64_t place_ns = SIM_NS_PER_S / 10;
        const char *digits = ++c;
        for (; c < end && trace_is_digit(*c) && place_ns > 0; c++, place_ns /= 10)
            fraction_ns += (*c - '0') * place_ns;
        if (c == digits)
            return false;
    }
    const bool utc = end - c == 1 && *c == 'Z';
    if (utc || (end - c == OFFSET_BYTES && parse_offset(c, &offset_s)))
        c = end;
    *rest_ns = fraction_ns - offset_s * SIM_NS_PER_S;
    return c == end;
}

static bool parse_timestamp(struct trace_row *row, int64_t *time_ns)
{
    const char *field = row->cursor;
    const char *end = memchr(field, ',', (size_t)(row->end - field));
    if (end == NULL)
        end = row->end;
    const char *expected = "a time like 2023-11-16 18:17:03.9799600 or 2024-05-10 "
                           "00:00:00.009930+00:00";
    if (end - field < DATE_TIME_BYTES)
        return trace_row_refuse(row, field, "TIMESTAMP", expected);
    int year = 100 * two_digits(field) + two_digits(field + 2);
    int month = two_digits(field + 5);
    int day = two_digits(field + 8);
    const char *clock = field + DATE_BYTES + 1;
    int hour = two_digits(clock);
    int minute = two_digits(clock + 3);
    int second = two_digits(clock + 6);
    bool digits =
        year <= 9999 && month <= 99 && day <= 99 && hour <= 99 && minute <= 99 && second <= 99;
    bool separators = field[4] == '-' && field[7] == '-' &&
                      (clock[-1] == ' ' || clock[-1] == 'T') && clock[2] == ':' && clock[5] == ':';
    int64_t rest_ns = 0;
    if (!digits || !separators || !parse_rest(field + DATE_TIME_BYTES, end, &rest_ns))
        return trace_row_refuse(row, field, "TIMESTAMP", expected);
    if (year < YEAR_MIN || year > YEAR_MAX)
        return trace_row_refuse(row, field, "TIMESTAMP", "a date from 1970 to 2199");
    if (month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return trace_row_refuse(row, field, "TIMESTAMP", "a date of the calendar");
    if (hour > 23 || minute > 59 || second > 59)
        return trace_row_refuse(row, field, "TIMESTAMP", "a time of day");
    const int second_of_day = hour * 3600 + minute * 60 + second;
    int64_t seconds = days_from_date(year, month, day) * SECONDS_PER_DAY + second_of_day;
    row->time_begin = field;
    row->time_end = end;
    row->cursor = end;
    *time_ns = seconds * SIM_NS_PER_S + rest_ns;
    return true;
}

static bool read_timestamp(struct trace_row *row, const char *name, struct request *request)
{
    (void)name; /* the only one there is */
    return parse_timestamp(row, &request->arrival_ns);
}

static bool read_images(struct trace_row *row, const char *name, struct request *request)
{
    (void)request;
    int32_t images = 0;
    return trace_row_whole(row, name, 0, INT32_MAX, &images);
}

static const struct trace_field fields[] = {
    {"TIMESTAMP", read_timestamp, false, false},
    {"NumImages", read_images, true, false},
    {"ContextTokens", csv_read_prompt, false, false},
    {"GeneratedTokens", csv_read_output, false, false},
};

static bool azure_detect(const char *line, size_t length, struct trace_columns *columns)
{
    return csv_detect(fields, sizeof fields / sizeof *fields, false, line, length, columns);
}

static bool azure_parse_row(struct trace_row *row, struct request *request)
{
    return csv_parse_row(fields, row, request);
}

static void azure_write_header(FILE *stream)
{
    fputs(HEADER "\n", stream);
}

/* Seven places, as in the trace of 2023: the hundreds of nanoseconds that have begun. */
static void azure_write_row(FILE *stream, const struct request *request, int64_t number)
{
    (void)number;
    int64_t time_s = written_epoch_s + request->arrival_ns / SIM_NS_PER_S;
    int second_of_day = (int)(time_s % SECONDS_PER_DAY);
    int year = 0, month = 0, day = 0;
    date_from_days((int)(time_s / SECONDS_PER_DAY), &year, &month, &day);
    fprintf(stream, "%04d-%02d-%02d %02d:%02d:%02d.%07d,%d,%d\n", year, month, day,
            second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60,
            (int)(request->arrival_ns % SIM_NS_PER_S / 100), request->prompt_tokens,
            request->output_tokens);
}

const struct trace_format trace_format_azure = {
    .name = "azure",
    .summary = "Azure LLM inference traces of 2023, 2024 and, with images, 2025",
    .source = "https://github.com/Azure/AzurePublicDataset; Patel et al., Splitwise, ISCA 2024",
    .header = "TIMESTAMP,[NumImages,]ContextTokens,GeneratedTokens",
    .time_step_ns = 100,
    .detect = azure_detect,
    .parse_row = azure_parse_row,
    .write_header = azure_write_header,
    .write_row = azure_write_row,
};
