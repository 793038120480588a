/* Rows of a trace in order of time, where they are out of it by a little: so many rows are held
 * that the earliest of them is likely to be the earliest of all that are to come. Rows of one time
 * keep the file's order. Memory is bounded, however many prefix ids the rows have. */
#ifndef LLMSIM_TRACE_REORDER_H
#define LLMSIM_TRACE_REORDER_H

#include <llmsim/request.h>
#include <stddef.h>

/* Rows held at most, and bytes of ids and names, the row that passes them included. (Fuzzers have
 * smaller limits.) */
#ifndef REORDER_ROWS
#define REORDER_ROWS  1024
#define REORDER_BYTES (4 << 20)
#endif

struct reorder;

/* For rows of at most max_ids prefix ids. NULL with *error filled when memory runs out. */
struct reorder *reorder_create(size_t max_ids, struct error *error);
void reorder_destroy(struct reorder *reorder); /* accepts NULL */

/* No more rows fit: take one first. */
bool reorder_is_full(const struct reorder *reorder);
bool reorder_is_empty(const struct reorder *reorder);

/* Where the next row is to be read into, all zero, and room for its ids. Where reorder_put does not
 * follow, the row is forgotten. Not while full. */
struct request *reorder_begin(struct reorder *reorder, uint64_t **ids);

/* Hold the row, by its arrival_ns. Its ids, if any, are those of reorder_begin; its names are
 * copied. `mark` is copied, and handed back with it. */
void reorder_put(struct reorder *reorder, const struct source_left_out *mark);

/* The earliest row, which is held no more. Its ids and names are valid until the next
 * reorder_begin. Not while empty. */
void reorder_take(struct reorder *reorder, struct request *request, struct source_left_out *mark);

#endif
