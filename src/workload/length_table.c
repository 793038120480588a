#include "length_table.h"

#include "trace_format.h"
#include "trace_source.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct length_table *table, size_t count, struct error *error)
{
    assert(count > 0);
    *table = (struct length_table){
        .tokens = calloc(count, sizeof *table->tokens),
        .cumulative = calloc(count, sizeof *table->cumulative),
    };
    if (table->tokens != NULL && table->cumulative != NULL)
        return true;
    length_table_fini(table);
    error_run(error, "out of memory for %zu lengths", count);
    return false;
}

void length_table_fini(struct length_table *table)
{
    free(table->tokens);
    free(table->cumulative);
    *table = (struct length_table){0};
}

/* From weights to the share up to each. */
static void accumulate(struct length_table *table)
{
    double sum = 0.0;
    for (size_t i = 0; i < table->count; i++) {
        sum += table->cumulative[i];
        table->cumulative[i] = sum;
    }
    for (size_t i = 0; i < table->count; i++)
        table->cumulative[i] /= sum;
}

bool length_table_zipf(struct length_table *table, double exponent, double minimum_tokens,
                       double maximum_tokens, struct error *error)
{
    const size_t count = (size_t)(maximum_tokens - minimum_tokens) + 1;
    if (!make_room(table, count, error))
        return false;
    table->count = count;
    for (size_t i = 0; i < count; i++) {
        table->tokens[i] = minimum_tokens + (double)i;
        /* Relative to the first, so that the sum is no smaller than 1 for any exponent. */
        table->cumulative[i] = pow(table->tokens[i] / minimum_tokens, -exponent);
    }
    accumulate(table);
    return true;
}

/* Lengths as a file gives them. */
struct tally {
    struct tally_row {
        int32_t tokens, count;
    } * rows; /* owned */
    size_t count;
};

static int compare_rows(const void *left, const void *right)
{
    const struct tally_row *a = left, *b = right;
    return (a->tokens > b->tokens) - (a->tokens < b->tokens);
}

static bool tabulate(struct tally *tally, struct length_table *table, struct error *error)
{
    qsort(tally->rows, tally->count, sizeof *tally->rows, compare_rows);
    if (!make_room(table, tally->count, error))
        return false;
    for (size_t i = 0; i < tally->count; i++) {
        const struct tally_row *row = &tally->rows[i];
        if (row->count == 0)
            continue;
        if (table->count == 0 || table->tokens[table->count - 1] != row->tokens)
            table->tokens[table->count++] = row->tokens;
        table->cumulative[table->count - 1] += row->count;
    }
    accumulate(table);
    return true;
}

static bool read_trace(struct tally *tally, const char *path, enum length_side side,
                       struct error *error)
{
    const struct trace_options options = {.path = path, .format = -1};
    struct request_source source;
    struct request request;
    enum request_source_result result = SOURCE_REQUEST;
    if (!trace_source_open(&options, &source, error))
        return false;
    while (tally->count < LENGTH_TABLE_MAX_ROWS &&
           (result = source.next(source.state, &request, error)) == SOURCE_REQUEST)
        tally->rows[tally->count++] = (struct tally_row){
            side == LENGTH_PROMPT ? request.prompt_tokens : request.output_tokens, 1};
    source.destroy(source.state);
    return result != SOURCE_ERROR;
}

static bool read_row(const struct text_reader *reader, char *line, size_t length,
                     struct tally_row *tallied, struct error *error)
{
    static const struct trace_columns columns = {.count = 2};
    struct trace_row row = {.reader = reader,
                            .begin = line,
                            .end = line + length,
                            .cursor = line,
                            .columns = &columns,
                            .error = error};
    return trace_row_tokens(&row, "tokens", &tallied->tokens) && trace_row_comma(&row, "count") &&
           trace_row_whole(&row, "count", 0, INT32_MAX, &tallied->count) && trace_row_finish(&row);
}

/* The rows behind the header. */
static bool read_histogram(struct tally *tally, struct text_reader *reader, struct error *error)
{
    char *line = NULL;
    size_t length = 0;
    int got = 0;
    double total = 0.0;
    while ((got = text_reader_next(reader, &line, &length, error)) > 0) {
        const struct location at = text_reader_location(reader);
        if (tally->count == LENGTH_TABLE_MAX_ROWS)
            return error_input(error, &at, "a histogram of more than %d rows",
                               LENGTH_TABLE_MAX_ROWS);
        if (!read_row(reader, line, length, &tally->rows[tally->count], error))
            return false;
        total += tally->rows[tally->count++].count;
    }
    const struct location at = {text_reader_location(reader).file, 0, 0};
    if (got == 0 && total == 0.0)
        return error_input(error, &at, "a histogram without lengths");
    return got == 0;
}

/* A trace is opened by its own reader; only its first line is looked at here. */
static bool read_file(struct tally *tally, const char *path, enum length_side side,
                      struct error *error)
{
    static const char header[] = "tokens,count";
    struct text_reader *reader = text_reader_open(path, error);
    char *line = NULL;
    size_t length = 0;
    const int got = reader != NULL ? text_reader_next(reader, &line, &length, error) : -1;
    const bool histogram =
        got > 0 && length == sizeof header - 1 && memcmp(line, header, length) == 0;
    const bool read = histogram && read_histogram(tally, reader, error);
    text_reader_close(reader);
    return histogram || got < 0 ? read : read_trace(tally, path, side, error);
}

bool length_table_read(struct length_table *table, const char *path, enum length_side side,
                       struct error *error)
{
    struct tally tally = {.rows = malloc(LENGTH_TABLE_MAX_ROWS * sizeof *tally.rows)};
    if (tally.rows == NULL)
        return error_run(error, "out of memory for %d lengths", LENGTH_TABLE_MAX_ROWS);
    const bool read = read_file(&tally, path, side, error) && tabulate(&tally, table, error);
    free(tally.rows);
    return read;
}

/* The number of the table's first values, in rising order, that are less than x. */
static size_t count_below(const double *values, size_t count, double x)
{
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (values[middle] < x)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

double length_table_quantile(const struct length_table *table, double p)
{
    const size_t index = count_below(table->cumulative, table->count, p);
    return table->tokens[index < table->count ? index : table->count - 1];
}

double length_table_share(const struct length_table *table, double tokens)
{
    const size_t index = count_below(table->tokens, table->count, nextafter(tokens, INFINITY));
    return index > 0 ? table->cumulative[index - 1] : 0.0;
}
