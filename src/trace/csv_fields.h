/* Comma-separated files whose columns have names: told by their header, read by a table. */
#ifndef LLMSIM_TRACE_CSV_FIELDS_H
#define LLMSIM_TRACE_CSV_FIELDS_H

#include "trace_format.h"

/* Whether the line is a header with all columns of the table that are not optional, in any order,
 * and none twice; any_others: columns that are not in the table are passed over. */
bool csv_detect(const struct trace_field *fields, int count, bool any_others, const char *line,
                size_t length, struct trace_columns *columns);

/* Read a row by its columns. Fields are not quoted. */
bool csv_parse_row(const struct trace_field *fields, struct trace_row *row,
                   struct request *request);

/* What many of the columns are. */
bool csv_read_seconds(struct trace_row *row, const char *name, struct request *request);
bool csv_read_prompt(struct trace_row *row, const char *name, struct request *request);
bool csv_read_output(struct trace_row *row, const char *name, struct request *request);
bool csv_read_session(struct trace_row *row, const char *name, struct request *request);
bool csv_read_class(struct trace_row *row, const char *name, struct request *request);

/* A comma and the name, in which what parts fields and rows becomes a blank. */
#define CSV_REPLACED ",\r\n"
void csv_write_name(FILE *stream, const struct request_name *name);

#endif
