/* The results of a sweep: a line a run, as CSV or as JSON lines. */
#ifndef LLMSIM_REPORT_SWEEP_TABLE_H
#define LLMSIM_REPORT_SWEEP_TABLE_H

#include "summary.h"

/* One run of it. */
struct sweep_row {
    size_t run; /* from 0 */
    const char *const *keys;
    const char *const *values;
    size_t key_count;
    const char *failure; /* why there is no summary; NULL: there is one */
    const struct summary *summary;
};

/* The line that names the columns; of JSON lines there is none. */
void sweep_print_header(const char *const *keys, size_t key_count, FILE *stream);

void sweep_print_csv(const struct sweep_row *row, FILE *stream);

/* False when memory cannot be had. */
bool sweep_print_json(const struct sweep_row *row, FILE *stream);

#endif
