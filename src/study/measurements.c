/* Reading measurements: lines into fields, fields into the values of columns, and those through
 * their kind into kernels. */
#include "measurements.h"

#include "measurement_rows.h"
#include "text_reader.h"
#include "units.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 64 };

struct csv {
    struct text_reader *reader;
    const struct measurement_kind *kind;
    size_t field_count;
    int field_of[COLUMN_COUNT]; /* −1: the file has no such column */
    char *fields[FIELDS_MAX];   /* of the line last read */
    char *line;
};

struct reading {
    struct measurements *measurements;
    const struct accelerator *accelerator;
    struct row_context context;
    struct csv csv;
    struct error *error;
};

/* What files say is shown in tables, a line each. */
static void clean(char *text)
{
    for (char *c = text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            *c = '?';
    }
}

void measurement_file_leave_out(struct measurement_file *file, const char *reason)
{
    for (int i = 0; i < file->left_out_count; i++) {
        if (strcmp(file->left_out[i].reason, reason) == 0) {
            file->left_out[i].rows++;
            return;
        }
    }
    if (file->left_out_count == MEASUREMENT_MAX_REASONS) {
        file->left_out[MEASUREMENT_MAX_REASONS - 1].rows++;
        return;
    }
    struct left_out *added = &file->left_out[file->left_out_count++];
    bool last = file->left_out_count == MEASUREMENT_MAX_REASONS;
    snprintf(added->reason, sizeof added->reason, "%s", last ? "other reasons" : reason);
    added->rows = 1;
}

static bool refuse_at(struct reading *reading, const char *byte, const char *text)
{
    struct location at = text_reader_location(reading->csv.reader);
    at.column = (int)(byte - reading->csv.line) + 1;
    return error_input(reading->error, &at, "%s", text);
}

/* The next line that is not empty, cut into fields in place. 1, 0: the end, −1: *error. */
static int next_line(struct reading *reading)
{
    struct csv *csv = &reading->csv;
    size_t length = 0;
    do {
        int result = text_reader_next(csv->reader, &csv->line, &length, reading->error);
        if (result <= 0)
            return result;
    } while (length == 0);
    const char *nul = memchr(csv->line, '\0', length);
    if (nul != NULL)
        return refuse_at(reading, nul, "a NUL byte") - 1;
    csv->line[length] = '\0';
    csv->field_count = 0;
    for (char *field = csv->line; field != NULL;) {
        if (csv->field_count == FIELDS_MAX)
            return refuse_at(reading, field, "more than 64 fields") - 1;
        csv->fields[csv->field_count++] = field;
        field = strchr(field, ',');
        if (field != NULL)
            *field++ = '\0';
    }
    return 1;
}

static size_t missing_columns(const struct csv *csv, const struct measurement_kind *kind,
                              enum column *first)
{
    size_t missing = 0;
    for (size_t i = 0; i < kind->column_count; i++) {
        if (csv->field_of[kind->columns[i]] >= 0)
            continue;
        if (missing++ == 0)
            *first = kind->columns[i];
    }
    return missing;
}

/* The kind that has all its columns here; of several, the one that has most. */
static bool find_kind(struct reading *reading)
{
    struct csv *csv = &reading->csv;
    const struct measurement_kind *nearest = NULL;
    enum column missing = COLUMN_COUNT, nearest_missing = COLUMN_COUNT;
    size_t least = SIZE_MAX;
    csv->kind = NULL;
    for (size_t i = 0; i < measurement_kind_count; i++) {
        const struct measurement_kind *kind = &measurement_kinds[i];
        size_t count = missing_columns(csv, kind, &missing);
        if (count == 0 && (csv->kind == NULL || kind->column_count > csv->kind->column_count))
            csv->kind = kind;
        if (count < least && count < kind->column_count) {
            least = count;
            nearest = kind;
            nearest_missing = missing;
        }
    }
    if (csv->kind != NULL && csv->field_of[COLUMN_LATENCY] >= 0)
        return true;
    struct location at = text_reader_location(csv->reader);
    if (csv->kind != NULL)
        return error_input(reading->error, &at, "a header without a column 'latency_us'");
    if (nearest == NULL)
        return error_input(reading->error, &at, "no header of measured kernels");
    return error_input(reading->error, &at,
                       "no header of measured kernels: nearest to %s, without a column '%s'",
                       nearest->name, column_types[nearest_missing].name);
}

static bool read_header(struct reading *reading)
{
    struct csv *csv = &reading->csv;
    int result = next_line(reading);
    if (result < 0)
        return false;
    struct location at = text_reader_location(csv->reader);
    if (result == 0)
        return error_input(reading->error, &(struct location){at.file, 0, 0}, "the file is empty");
    if (strncmp(csv->fields[0], "\xef\xbb\xbf", 3) == 0) /* a byte order mark */
        csv->fields[0] += 3;
    for (int column = 0; column < COLUMN_COUNT; column++) {
        csv->field_of[column] = -1;
        for (size_t i = 0; i < csv->field_count; i++) {
            if (strcmp(csv->fields[i], column_types[column].name) != 0)
                continue;
            if (csv->field_of[column] >= 0)
                return refuse_at(reading, csv->fields[i], "a column for the second time");
            csv->field_of[column] = (int)i;
        }
    }
    return find_kind(reading);
}

/* A whole number, or a number, of the column's bounds. */
static bool read_number(struct reading *reading, enum column column, const char *text,
                        double *value)
{
    const struct column_type *type = &column_types[column];
    bool whole = type->holds == HOLDS_WHOLE;
    enum units_result result = units_parse(text, UNIT_NONE, value);
    if (result == UNITS_OK && *value >= type->minimum && *value <= type->maximum &&
        (!whole || *value == floor(*value)))
        return true;
    struct location at = text_reader_location(reading->csv.reader);
    at.column = (int)(text - reading->csv.line) + 1;
    return error_input(reading->error, &at, "%s: '%.40s' is not a %snumber from %g to %g",
                       type->name, text, whole ? "whole " : "", type->minimum, type->maximum);
}

/* The values of the columns that there are. */
static bool read_columns(struct reading *reading, size_t header_fields, struct measured_row *row)
{
    struct csv *csv = &reading->csv;
    if (csv->field_count != header_fields) {
        struct location at = text_reader_location(csv->reader);
        at.column = (int)(csv->fields[csv->field_count - 1] - csv->line) + 1;
        return error_input(reading->error, &at, "%zu fields, where the header has %zu",
                           csv->field_count, header_fields);
    }
    for (int column = 0; column < COLUMN_COUNT; column++) {
        row->text[column] = NULL;
        if (csv->field_of[column] < 0)
            continue;
        const char *text = csv->fields[csv->field_of[column]];
        row->text[column] = text;
        if (column_types[column].holds == HOLDS_TEXT) {
            if (*text == '\0')
                return refuse_at(reading, text, "an empty field");
        } else if (!read_number(reading, (enum column)column, text, &row->number[column])) {
            return false;
        }
    }
    return true;
}

/* The index of a part of the file's rows. */
static int32_t find_part(struct measurement_file *file, const char *name)
{
    for (int32_t i = 0; i < file->part_count; i++) {
        if (strcmp(file->parts[i], name) == 0)
            return i;
    }
    if (file->part_count == MEASUREMENT_MAX_PARTS)
        return MEASUREMENT_MAX_PARTS - 1;
    bool last = file->part_count == MEASUREMENT_MAX_PARTS - 1;
    snprintf(file->parts[file->part_count], sizeof file->parts[0], "%s", last ? "others" : name);
    return file->part_count++;
}

static bool append(struct measurements *measurements, const struct measurement *measurement,
                   struct error *error)
{
    if (measurements->count == measurements->capacity) {
        size_t capacity = measurements->capacity > 0 ? 2 * measurements->capacity : 1024;
        struct measurement *rows = realloc(measurements->rows, capacity * sizeof *rows);
        if (rows == NULL)
            return error_run(error, "out of memory");
        measurements->rows = rows;
        measurements->capacity = capacity;
    }
    measurements->rows[measurements->count++] = *measurement;
    return true;
}

static bool add_row(struct reading *reading, const struct measured_row *row, int32_t file_index)
{
    struct row_context *context = &reading->context;
    struct csv *csv = &reading->csv;
    struct measurement measurement = {.file = file_index,
                                      .latency_s = row->number[COLUMN_LATENCY] * 1e-6,
                                      .line = text_reader_location(csv->reader).line};
    struct error row_error = {0};
    switch (csv->kind->convert(row, context, &measurement, &row_error)) {
    case ROW_FAILED:
        *reading->error = row_error;
        return false;
    case ROW_WRONG:
        return refuse_at(reading,
                         csv->field_of[context->wrong] >= 0
                             ? csv->fields[csv->field_of[context->wrong]]
                             : csv->line,
                         row_error.text);
    case ROW_LEFT_OUT:
        clean(context->left_out);
        measurement_file_leave_out(context->file, context->left_out);
        return true;
    case ROW_TAKEN:
        break;
    }
    const char *obstacle = kernel_obstacle(reading->accelerator, &measurement.kernel);
    if (obstacle != NULL) {
        measurement_file_leave_out(context->file, obstacle);
        return true;
    }
    if (measurement.fit_only) {
        measurement_file_leave_out(context->file, context->left_out);
    } else {
        clean(context->part);
        measurement.part = find_part(context->file, context->part);
        context->file->rows++;
    }
    return append(reading->measurements, &measurement, reading->error);
}

static bool read_rows(struct reading *reading, int32_t file_index)
{
    struct measurement_file *file = &reading->measurements->files[file_index];
    struct row_context *context = &reading->context;
    if (!read_header(reading))
        return false;
    const size_t header_fields = reading->csv.field_count;
    context->file = file;
    file->kind = reading->csv.kind->name;
    context->file_model = NULL;
    if (reading->csv.kind->has_model && reading->csv.field_of[COLUMN_MODEL] < 0 &&
        !measured_models_of_file(context->models, file->path, &context->file_model, reading->error))
        return false;
    struct measured_row row = {0};
    int result = 0;
    int64_t lines = 0;
    while ((result = next_line(reading)) > 0) {
        if (!read_columns(reading, header_fields, &row) || !add_row(reading, &row, file_index))
            return false;
        lines++;
    }
    if (result == 0 && lines == 0)
        return error_input(reading->error, &(struct location){file->path, 0, 0},
                           "no measurements behind the header");
    return result == 0;
}

bool measurements_read(struct measurements *measurements, const char *const *paths, size_t count,
                       const struct accelerator *accelerator,
                       const struct measurement_options *options, struct error *error)
{
    *measurements = (struct measurements){.file_count = count};
    struct measured_models *models = malloc(sizeof *models);
    measurements->files = calloc(count + 1, sizeof *measurements->files);
    if (models == NULL || measurements->files == NULL) {
        free(models);
        return error_run(error, "out of memory");
    }
    bool done = measured_models_init(models, options, error);
    struct reading reading = {.measurements = measurements,
                              .accelerator = accelerator,
                              .context = {.models = models, .options = options},
                              .error = error};
    for (size_t i = 0; i < count && done; i++) {
        measurements->files[i].path = paths[i];
        reading.csv.reader = text_reader_open(paths[i], error);
        done = reading.csv.reader != NULL && read_rows(&reading, (int32_t)i);
        text_reader_close(reading.csv.reader);
    }
    measured_models_fini(models);
    free(models);
    return done;
}

void measurements_fini(struct measurements *measurements)
{
    free(measurements->rows);
    free(measurements->files);
    *measurements = (struct measurements){0};
}
