#include "histogram.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Buckets: one for 0, then MANTISSA_BUCKETS for each power of two up to 2^63, to which INT64_MAX is
 * rounded as a double. */
enum { MANTISSA_BITS = 11, MANTISSA_BUCKETS = 1 << MANTISSA_BITS, EXPONENTS = 64 };
enum { BUCKETS = 1 + EXPONENTS * MANTISSA_BUCKETS };
enum { DOUBLE_MANTISSA_BITS = 52, DOUBLE_EXPONENT_BIAS = 1023 };

bool histogram_init(struct histogram *histogram)
{
    memset(histogram, 0, sizeof *histogram);
    histogram->buckets = calloc(BUCKETS, sizeof *histogram->buckets);
    return histogram->buckets != NULL;
}

void histogram_fini(struct histogram *histogram)
{
    free(histogram->buckets);
    histogram->buckets = NULL;
}

/* The exponent and leading mantissa bits of a double are its logarithm, piecewise linear. */
static size_t bucket_of(int64_t value_ns)
{
    if (value_ns == 0)
        return 0;
    double value = (double)value_ns;
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof bits);
    uint64_t first = (uint64_t)DOUBLE_EXPONENT_BIAS << MANTISSA_BITS;
    return 1 + (size_t)((bits >> (DOUBLE_MANTISSA_BITS - MANTISSA_BITS)) - first);
}

/* The middle of a bucket; exact where a bucket holds one integer. */
static double bucket_middle(size_t bucket)
{
    if (bucket == 0)
        return 0.0;
    int exponent = (int)((bucket - 1) >> MANTISSA_BITS);
    double mantissa = (double)((bucket - 1) & (MANTISSA_BUCKETS - 1));
    double low = ldexp(1.0 + mantissa / MANTISSA_BUCKETS, exponent);
    double width = ldexp(1.0 / MANTISSA_BUCKETS, exponent);
    return width <= 1.0 ? low : low + width / 2.0;
}

void histogram_add(struct histogram *histogram, int64_t value_ns, int64_t weight)
{
    assert(value_ns >= 0 && weight >= 0);
    if (weight == 0)
        return;
    if (histogram->count == 0 || value_ns < histogram->minimum_ns)
        histogram->minimum_ns = value_ns;
    if (value_ns > histogram->maximum_ns)
        histogram->maximum_ns = value_ns;
    histogram_wide value = (uint64_t)value_ns;
    histogram_wide times = (uint64_t)weight;
    histogram->count += weight;
    histogram->sum += value * times;
    histogram->sum_of_squares += value * value * times;
    histogram->buckets[bucket_of(value_ns)] += weight;
}

double histogram_mean(const struct histogram *histogram)
{
    return histogram->count == 0 ? 0.0 : (double)histogram->sum / (double)histogram->count;
}

/* Safely below 2^128. */
static const double SQUARES_LIMIT = 0.99 * 0x1p128;

/* From the buckets' middles. */
static double approximate_std(const struct histogram *histogram)
{
    double mean = histogram_mean(histogram);
    double squares = 0.0;
    for (size_t i = 0; i < BUCKETS; i++) {
        double distance = bucket_middle(i) - mean;
        squares += (double)histogram->buckets[i] * distance * distance;
    }
    return sqrt(squares / (double)histogram->count);
}

static double exact_std(const struct histogram *histogram)
{
    /* Squares about the whole-number mean: Σ(x−m)² = Σx² − 2mΣx + nm². */
    histogram_wide count = (uint64_t)histogram->count;
    histogram_wide middle = histogram->sum / count;
    histogram_wide squares =
        histogram->sum_of_squares - middle * (2 * histogram->sum - count * middle);
    double offset = (double)(histogram->sum - count * middle) / (double)count;
    double variance = (double)squares / (double)count - offset * offset;
    return variance > 0.0 ? sqrt(variance) : 0.0;
}

double histogram_std(const struct histogram *histogram)
{
    if (histogram->count == 0)
        return 0.0;
    /* The sums are kept modulo 2^128, which loses nothing as long as Σ(x−m)² is less. */
    double count = (double)histogram->count;
    double range = (double)(histogram->maximum_ns - histogram->minimum_ns);
    if (range * range * count >= SQUARES_LIMIT) {
        double approximate = approximate_std(histogram);
        if (approximate * approximate * count >= SQUARES_LIMIT)
            return approximate;
    }
    return exact_std(histogram);
}

/* The values of the order statistics `rank` and rank + 1 (from 0; the last one repeats). */
static void order_statistics(const struct histogram *histogram, int64_t rank, double *value,
                             double *next)
{
    int64_t below = 0;
    size_t bucket = bucket_of(histogram->minimum_ns); /* none before holds anything */
    while (below + histogram->buckets[bucket] <= rank)
        below += histogram->buckets[bucket++];
    *value = bucket_middle(bucket);
    if (below + histogram->buckets[bucket] <= rank + 1 && rank + 1 < histogram->count) {
        do
            bucket++;
        while (histogram->buckets[bucket] == 0);
    }
    *next = bucket_middle(bucket);
}

double histogram_percentile(const struct histogram *histogram, double p)
{
    assert(p >= 0.0 && p <= 100.0);
    if (histogram->count == 0)
        return 0.0;
    double position = p / 100.0 * (double)(histogram->count - 1);
    int64_t rank = (int64_t)position;
    double value = 0.0;
    double next = 0.0;
    order_statistics(histogram, rank, &value, &next);
    double result = value + (position - (double)rank) * (next - value);
    /* The ends are known exactly. */
    result = fmax(result, (double)histogram->minimum_ns);
    return fmin(result, (double)histogram->maximum_ns);
}

int64_t histogram_count_up_to(const struct histogram *histogram, double value_ns)
{
    int64_t count = 0;
    if (histogram->count == 0 || value_ns < (double)histogram->minimum_ns)
        return 0;
    for (size_t bucket = bucket_of(histogram->minimum_ns);
         count < histogram->count && bucket_middle(bucket) <= value_ns; bucket++)
        count += histogram->buckets[bucket];
    return count;
}
