/* A server's own log: a CSV row a request, all times in seconds. */
#include "measured_formats.h"

#include "units.h"
#include <math.h>
#include <string.h>

enum { FIELDS_MAX = 64 };

enum measured_column {
    COLUMN_ARRIVAL,
    COLUMN_INPUT,
    COLUMN_PROMPT,
    COLUMN_OUTPUT,
    COLUMN_SCHEDULED,
    COLUMN_FIRST_TOKEN,
    COLUMN_FINISHED,
    COLUMN_TTFT,
    COLUMN_TPOT,
    COLUMN_E2E,
    COLUMN_STATUS,
    COLUMN_COUNT
};

static const char *const names[COLUMN_COUNT] = {
    [COLUMN_ARRIVAL] = "arrival_s",     [COLUMN_INPUT] = "input_tokens",
    [COLUMN_PROMPT] = "prompt_tokens",  [COLUMN_OUTPUT] = "output_tokens",
    [COLUMN_SCHEDULED] = "scheduled_s", [COLUMN_FIRST_TOKEN] = "first_token_s",
    [COLUMN_FINISHED] = "finished_s",   [COLUMN_TTFT] = "ttft_s",
    [COLUMN_TPOT] = "tpot_s",           [COLUMN_E2E] = "e2e_s",
    [COLUMN_STATUS] = "status"};

struct csv {
    struct measured_reading *reading;
    int64_t line;
    const char *cursor;
    char text[4096]; /* the line, cut into fields */
    char *fields[FIELDS_MAX];
    int count;
    int field_of[COLUMN_COUNT]; /* −1: there is none */
    int64_t from_scheduled;     /* rows whose ttft_s counts from scheduled_s */
    int64_t unlike;             /* rows whose ttft_s is neither that nor first_token_s */
    int64_t rows;
};

/* The next line that is not empty. 1, 0: the end, −1: *error. */
static int next_line(struct csv *csv)
{
    const char *end = csv->reading->text + csv->reading->length;
    size_t length = 0;
    while (length == 0 && csv->cursor < end) {
        const char *newline = memchr(csv->cursor, '\n', (size_t)(end - csv->cursor));
        const char *stop = newline != NULL ? newline : end;
        csv->line++;
        length = (size_t)(stop - csv->cursor);
        if (length >= sizeof csv->text)
            return measured_refuse(csv->reading, csv->line, "a line of more than 4095 bytes") - 1;
        if (memchr(csv->cursor, '\0', length) != NULL)
            return measured_refuse(csv->reading, csv->line, "a NUL byte") - 1;
        memcpy(csv->text, csv->cursor, length);
        while (length > 0 && csv->text[length - 1] == '\r')
            length--;
        csv->text[length] = '\0';
        csv->cursor = newline != NULL ? newline + 1 : end;
    }
    if (length == 0)
        return 0;
    csv->count = 0;
    for (char *field = csv->text; field != NULL && csv->count < FIELDS_MAX;) {
        csv->fields[csv->count++] = field;
        field = strchr(field, ',');
        if (field != NULL)
            *field++ = '\0';
    }
    return 1;
}

static bool has(const struct csv *csv, enum measured_column column)
{
    return csv->field_of[column] >= 0;
}

static bool read_header(struct csv *csv)
{
    const int result = next_line(csv);
    if (result < 0)
        return false;
    if (result == 0)
        return measured_refuse(csv->reading, 0, "is empty");
    for (int column = 0; column < COLUMN_COUNT; column++) {
        csv->field_of[column] = -1;
        for (int i = csv->count - 1; i >= 0; i--) {
            if (strcmp(csv->fields[i], names[column]) == 0)
                csv->field_of[column] = i;
        }
    }
    const char *missing = NULL;
    if (!has(csv, COLUMN_ARRIVAL))
        missing = "arrival_s";
    else if (!has(csv, COLUMN_INPUT) && !has(csv, COLUMN_PROMPT))
        missing = "input_tokens or prompt_tokens";
    else if (!has(csv, COLUMN_OUTPUT))
        missing = "output_tokens";
    else if (!has(csv, COLUMN_TTFT) && !has(csv, COLUMN_FIRST_TOKEN))
        missing = "ttft_s or first_token_s";
    else if (!has(csv, COLUMN_E2E) && !has(csv, COLUMN_FINISHED))
        missing = "e2e_s or finished_s";
    return missing == NULL ||
           measured_refuse(csv->reading, csv->line,
                           "a measured log as CSV has a column %s; this has none", missing);
}

/* NaN where the column is not there, or empty and `optional`. */
static bool number_of(struct csv *csv, enum measured_column column, bool optional, double *value)
{
    *value = (double)NAN;
    if (!has(csv, column))
        return true;
    const int field = csv->field_of[column];
    if (field >= csv->count)
        return measured_refuse(csv->reading, csv->line, "has no %s", names[column]);
    if (optional && *csv->fields[field] == '\0')
        return true;
    if (units_parse(csv->fields[field], UNIT_NONE, value) == UNITS_OK)
        return true;
    return measured_refuse(csv->reading, csv->line, "%s '%s' is not a number", names[column],
                           csv->fields[field]);
}

static bool is_failed(const struct csv *csv)
{
    const int field = csv->field_of[COLUMN_STATUS];
    return field >= 0 && field < csv->count && strcmp(csv->fields[field], "completed") != 0;
}

/* What the file rounds. */
static bool same_s(double a_s, double b_s)
{
    return fabs(a_s - b_s) <= 2e-6 + 1e-6 * fabs(b_s);
}

static bool add_row(struct csv *csv)
{
    double arrival_s, first_s, finished_s, scheduled_s;
    const enum measured_column prompt = has(csv, COLUMN_INPUT) ? COLUMN_INPUT : COLUMN_PROMPT;
    struct measured_row row = {.line = csv->line};
    if (!number_of(csv, COLUMN_ARRIVAL, false, &arrival_s) ||
        !number_of(csv, prompt, false, &row.prompt_tokens) ||
        !number_of(csv, COLUMN_OUTPUT, false, &row.output_tokens) ||
        !number_of(csv, COLUMN_TTFT, false, &row.ttft_s) ||
        !number_of(csv, COLUMN_FIRST_TOKEN, false, &first_s) ||
        !number_of(csv, COLUMN_E2E, false, &row.e2e_s) ||
        !number_of(csv, COLUMN_FINISHED, false, &finished_s) ||
        !number_of(csv, COLUMN_SCHEDULED, true, &scheduled_s) ||
        !number_of(csv, COLUMN_TPOT, true, &row.tpot_s))
        return false;
    if (!measured_arrival_ns(arrival_s, &row.arrival_ns))
        return measured_refuse(csv->reading, csv->line, "an arrival at %g s cannot be", arrival_s);
    row.scheduled_s = scheduled_s - arrival_s;
    csv->rows++;
    if (!isnan(first_s) && !isnan(row.ttft_s)) {
        const bool agrees = same_s(row.ttft_s, first_s - arrival_s);
        const bool later = !isnan(scheduled_s) && same_s(row.ttft_s, first_s - scheduled_s);
        csv->from_scheduled += !agrees && later;
        csv->unlike += !agrees && !later;
    }
    if (!isnan(first_s))
        row.ttft_s = first_s - arrival_s;
    if (!isnan(finished_s))
        row.e2e_s = finished_s - arrival_s;
    return measured_add(csv->reading, &row);
}

bool measured_read_csv(struct measured_reading *reading)
{
    struct csv csv = {.reading = reading, .cursor = reading->text};
    reading->log->format = "CSV";
    if (!read_header(&csv))
        return false;
    int result = 0;
    while ((result = next_line(&csv)) > 0) {
        if (is_failed(&csv))
            reading->log->failed++;
        else if (!add_row(&csv))
            return false;
    }
    if (csv.from_scheduled > csv.rows / 2)
        measured_note(reading->log, "its ttft_s counts from scheduled_s; TTFT here counts from the "
                                    "arrival, so first_token_s is taken");
    else if (csv.unlike > csv.rows / 2)
        measured_note(reading->log,
                      "its ttft_s is not first_token_s - arrival_s; first_token_s is taken");
    return result == 0;
}
