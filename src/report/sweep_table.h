/* The results of a sweep: a row a run, as JSON while they come, as CSV or JSON lines in the end. */
#ifndef LLMSIM_REPORT_SWEEP_TABLE_H
#define LLMSIM_REPORT_SWEEP_TABLE_H

#include "capacity_report.h"

/* One run of it. */
struct sweep_row {
    size_t run; /* from 0 */
    const char *const *keys;
    const char *const *values; /* NULL: as in the base */
    size_t key_count;
    const char *failure; /* why there are no results; NULL: there are */
    /* Where there is no failure: */
    const struct replications *runs; /* one or more */
    const struct capacity *capacity; /* of which these are the runs at its best load; NULL: none */
    int64_t accelerators;            /* ≥ 1 */
    double price_per_hour_dollars;   /* of one of them; NaN: not known */
};

/* The row as an object; NULL when memory cannot be had. Tokens a second a user are 1 / mean TPOT; those
 * an accelerator, and dollars, are of output tokens. */
json_t *sweep_row_json(const struct sweep_row *row);

/* Its one line, without newline; the caller frees it. NULL when memory cannot be had. */
char *sweep_row_line(const json_t *row);

/* What is a column of CSV. */
struct sweep_columns {
    const char *const *keys;
    size_t key_count;
    bool capacity; /* the rows have one */
};

/* The line that names the columns. */
void sweep_print_header(const struct sweep_columns *columns, FILE *stream);

/* A row as sweep_row_json makes it, perhaps read back. */
void sweep_print_csv(const json_t *row, const struct sweep_columns *columns, FILE *stream);

#endif
