/* A distribution of lengths as a table: how much of it is at most so many tokens. */
#ifndef LLMSIM_WORKLOAD_LENGTH_TABLE_H
#define LLMSIM_WORKLOAD_LENGTH_TABLE_H

#include <llmsim/error.h>
#include <stdbool.h>
#include <stddef.h>

/* Different lengths of a table, and rows of a histogram or requests of a trace that are read for
 * one: what a trace has beyond them is left out. */
#define LENGTH_TABLE_MAX_ROWS (1 << 20)

/* Which of a request's lengths it is. */
enum length_side { LENGTH_PROMPT, LENGTH_OUTPUT };

struct length_table {
    double *tokens; /* owned; increasing */
    double
        *cumulative; /* owned; increasing: share of the lengths that are at most that; ends in 1 */
    size_t count;
};

/* Lengths from minimum to maximum, n as often as n^−exponent; at most LENGTH_TABLE_MAX_ROWS. */
bool length_table_zipf(struct length_table *table, double exponent, double minimum_tokens,
                       double maximum_tokens, struct error *error);

/* The lengths that a file has: of a histogram ("tokens,count" and a row for each length), or one
 * side of a trace's requests, in any format that is told by its content. */
bool length_table_read(struct length_table *table, const char *path, enum length_side side,
                       struct error *error);

/* The least length of which at least the share p, 0 … 1, are no longer. */
double length_table_quantile(const struct length_table *table, double p);

/* The share of lengths that are at most so many tokens. */
double length_table_share(const struct length_table *table, double tokens);

void length_table_fini(struct length_table *table);

#endif
