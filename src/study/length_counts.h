/* How often each length in tokens occurs: exact quantiles of a stream, in memory that does not grow.
 *
 * Every length below LENGTH_COUNTS_EXACT has a counter of its own; above, 2^12 counters share an
 * octave, so that a counter's middle is within 0.0123 % of every length in it. */
#ifndef LLMSIM_STUDY_LENGTH_COUNTS_H
#define LLMSIM_STUDY_LENGTH_COUNTS_H

#include <stdbool.h>
#include <stdint.h>

#define LENGTH_COUNTS_EXACT (1 << 19)

struct length_counts {
    int64_t *counts; /* owned */
    int64_t count, total;
    int64_t minimum, maximum;
};

/* False when memory cannot be had. */
bool length_counts_init(struct length_counts *lengths);
void length_counts_fini(struct length_counts *lengths);

/* 1 ≤ tokens ≤ REQUEST_MAX_TOKENS */
void length_counts_add(struct length_counts *lengths, int32_t tokens);

/* The quantile at 0 ≤ p ≤ 1, interpolated linearly between order statistics; of none: NaN. */
double length_counts_quantile(const struct length_counts *lengths, double p);

#endif
