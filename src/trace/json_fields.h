/* JSON lines, an object a request, read by a table of keys.
 *
 * Keys come in any order, and keys that are not in the table are passed over, whatever they hold. A
 * key is compared as it is written: one spelled with escapes is not known.
 *
 * Rows are read by hand, in place, from left to right: most of a row is ids, and a JSON library
 * makes a tree of them first, which takes jansson ten times as long. */
#ifndef LLMSIM_TRACE_JSON_FIELDS_H
#define LLMSIM_TRACE_JSON_FIELDS_H

#include "json_row.h"

enum { JSON_MAX_FIELDS = 16 };

/* An object that holds, somewhere, every key of the table that is not optional. */
bool json_detect(const struct trace_field *fields, int count, const char *line, size_t length);

/* Read the object at the cursor, up to behind its brace. Where the values of the table's keys begin
 * is noted in values[], of JSON_MAX_FIELDS; NULL: the key is not there. */
bool json_parse_object(const struct trace_field *fields, int count, struct trace_row *row,
                       struct request *request, const char **values);

/* Nothing but white space is left of the row. */
bool json_finish_row(struct trace_row *row);

/* The same, and then check that there are as many ids as the prompt has blocks of row->id_tokens,
 * whole ones or all, or fewer if they `may_end`: otherwise a block is something else. `ids`: where the list called `name` begins;
 * NULL: there is none. */
bool json_finish_prefix(struct trace_row *row, const char *name, const char *ids, bool may_end,
                        struct request *request);

/* What many of the keys are. Times: a number of 10^ns_exponent nanoseconds. */
bool json_read_time(struct trace_row *row, const char *name, int ns_exponent, int64_t *time_ns);
bool json_read_seconds(struct trace_row *row, const char *name, struct request *request);
bool json_read_milliseconds(struct trace_row *row, const char *name, struct request *request);
bool json_read_whole(struct trace_row *row, const char *name, int64_t minimum, int64_t maximum,
                     int64_t *value);
bool json_read_tokens(struct trace_row *row, const char *name, int32_t *tokens);
bool json_read_prompt(struct trace_row *row, const char *name, struct request *request);
bool json_read_output(struct trace_row *row, const char *name, struct request *request);
bool json_read_turn(struct trace_row *row, const char *name, struct request *request);
bool json_read_prefix_ids(struct trace_row *row, const char *name, struct request *request);

/* [7, 8]: the ids that the request has. */
void json_write_ids(FILE *stream, const struct request *request);

/* The same for formats that have an id for every whole block of the prompt: behind those that the
 * request has, ids that are nobody else's. `number` is the row's. */
void json_write_all_ids(FILE *stream, const struct request *request, int64_t number);

#endif
