/* How far the figures of one run can be trusted: confidence intervals from the means of batches.
 *
 * Latencies of neighbouring requests depend on each other, so their number says little. The run is cut
 * into 17 to 32 batches of consecutive observations, which hardly do: what these scatter tells the
 * error of the whole (Law, Simulation Modeling and Analysis, 9.5.3), with an allowance for skewness and
 * for what dependence is left. Where neighbouring batches still are alike (their lag-1 correlation is
 * significant), they are joined, down to 8; beyond that there is no interval. Quantiles: the share of each batch that lies below the run's quantile gives the error
 * of that share, and the run's own distribution turns it into one of the quantile. */
#ifndef LLMSIM_REPORT_BATCH_MEANS_H
#define LLMSIM_REPORT_BATCH_MEANS_H

#include "histogram.h"
#include <stddef.h>

enum { BATCHES_MAX = 64 };

/* 95 % of such intervals hold the true figure. NaN: unknown. */
struct interval {
    double low, high;
};

static const double interval_level = 0.95;

struct means_batch {
    int64_t count;
    double sum_ns;
};

struct batch_means {
    int batch_bits; /* a batch spans so many positions: two to this power */
    int64_t used;   /* batches, up to the last that holds anything */
    struct means_batch batches[BATCHES_MAX];
    int64_t *buckets;           /* owned: a coarse histogram a batch */
    size_t first_bucket, until; /* those that hold anything in any batch */
};

/* False when memory cannot be had. */
bool batch_means_init(struct batch_means *means);
void batch_means_fini(struct batch_means *means);

/* `weight` values of value_ns ≥ 0 at a position ≥ 0 in the run's order, which may be told in any. */
void batch_means_add(struct batch_means *means, int64_t position, int64_t value_ns, int64_t weight);

/* Whether there are batches enough, and independent enough; how many are joined to one, ≥ 1. */
bool batch_means_group(const struct batch_means *means, int *group);

/* In nanoseconds, of the mean. `group`: as batch_means_group gives it. */
struct interval batch_means_mean(const struct batch_means *means, int group);

/* Of the p-th percentile, 0 < p < 100, of all values: those in `histogram`. An upper end of NaN: so
 * few values lie beyond that it cannot be told. */
struct interval batch_means_percentile(const struct batch_means *means, int group,
                                       const struct histogram *histogram, double p);

#endif
