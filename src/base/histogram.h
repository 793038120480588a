/* Exact moments and near-exact quantiles of a stream of durations, in memory that does not grow.
 *
 * Sums of whole nanoseconds and of their squares are kept in 128 bits, so the mean, the standard
 * deviation, minimum and maximum are exact (the deviation unless a million values differ by years:
 * then it has the quantiles' error). Quantiles come from a log-linear histogram indexed by a
 * value's binary exponent and the 11 leading bits of its mantissa: a bucket's middle is within
 * 1/4096 = 0.0244 % of every value in it (and values below 2048 ns are exact). */
#ifndef LLMSIM_BASE_HISTOGRAM_H
#define LLMSIM_BASE_HISTOGRAM_H

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 histogram_wide;

struct histogram {
    int64_t count;
    int64_t minimum_ns, maximum_ns; /* of an empty histogram: 0 */
    histogram_wide sum;
    histogram_wide sum_of_squares;
    int64_t *buckets; /* owned */
};

/* False when memory cannot be had. */
bool histogram_init(struct histogram *histogram);
void histogram_fini(struct histogram *histogram);

/* Count `weight` ≥ 0 values of value_ns ≥ 0. */
void histogram_add(struct histogram *histogram, int64_t value_ns, int64_t weight);

/* In nanoseconds; 0 for an empty histogram. Population standard deviation. */
double histogram_mean(const struct histogram *histogram);
double histogram_std(const struct histogram *histogram);

/* The p-th percentile, 0 ≤ p ≤ 100, interpolated linearly between order statistics as numpy does.
 */
double histogram_percentile(const struct histogram *histogram, double p);

/* How many values are at most value_ns: those of the buckets whose middle is. */
int64_t histogram_count_up_to(const struct histogram *histogram, double value_ns);

#endif
