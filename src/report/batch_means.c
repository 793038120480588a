#include "batch_means.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Buckets as the histogram's, but of 6 leading bits of the mantissa: 1.6 % wide. */
enum { MANTISSA_BITS = 6, DOUBLE_MANTISSA_BITS = 52, DOUBLE_EXPONENT_BIAS = 1023, EXPONENTS = 64 };
enum { BUCKETS = 1 + (EXPONENTS << MANTISSA_BITS) };
enum { BATCHES_MIN = 8 };

bool batch_means_init(struct batch_means *means)
{
    memset(means, 0, sizeof *means);
    means->first_bucket = BUCKETS;
    means->buckets = calloc((size_t)BATCHES_MAX * BUCKETS, sizeof *means->buckets);
    return means->buckets != NULL;
}

void batch_means_fini(struct batch_means *means)
{
    free(means->buckets);
    means->buckets = NULL;
}

/* A logarithm of a value ≥ 1, piecewise linear, in units of the double's last bit. */
static uint64_t logarithm(double value_ns)
{
    uint64_t bits = 0;
    memcpy(&bits, &value_ns, sizeof bits);
    return bits - ((uint64_t)DOUBLE_EXPONENT_BIAS << DOUBLE_MANTISSA_BITS);
}

static size_t bucket_of(int64_t value_ns)
{
    if (value_ns == 0)
        return 0;
    return 1 + (size_t)(logarithm((double)value_ns) >> (DOUBLE_MANTISSA_BITS - MANTISSA_BITS));
}

/* Where a value is among the buckets: the whole part is its bucket, the rest the place in it. */
static double bucket_place(double value_ns)
{
    if (value_ns < 1.0)
        return 0.0;
    return 1.0 + ldexp((double)logarithm(value_ns), MANTISSA_BITS - DOUBLE_MANTISSA_BITS);
}

static int64_t *buckets_of(const struct batch_means *means, int64_t batch)
{
    return means->buckets + batch * BUCKETS;
}

/* Two batches become one, which there then is room for. */
static void double_batches(struct batch_means *means)
{
    const int64_t half = BATCHES_MAX / 2;
    for (int64_t i = 0; i < half; i++) {
        const struct means_batch *first = &means->batches[2 * i], *second = first + 1;
        means->batches[i] =
            (struct means_batch){first->count + second->count, first->sum_ns + second->sum_ns};
        int64_t *to = buckets_of(means, i);
        const int64_t *from = buckets_of(means, 2 * i), *beside = buckets_of(means, 2 * i + 1);
        for (size_t k = means->first_bucket; k < means->until; k++)
            to[k] = from[k] + beside[k];
    }
    memset(&means->batches[half], 0, (size_t)half * sizeof *means->batches);
    for (int64_t i = half; i < BATCHES_MAX && means->first_bucket < means->until; i++)
        memset(buckets_of(means, i) + means->first_bucket, 0,
               (means->until - means->first_bucket) * sizeof *means->buckets);
    means->batch_bits++;
    means->used = (means->used + 1) / 2;
}

void batch_means_add(struct batch_means *means, int64_t position, int64_t value_ns, int64_t weight)
{
    while (position >> means->batch_bits >= BATCHES_MAX)
        double_batches(means);
    const int64_t index = position >> means->batch_bits;
    struct means_batch *batch = &means->batches[index];
    batch->count += weight;
    batch->sum_ns += (double)value_ns * (double)weight;
    const size_t bucket = bucket_of(value_ns);
    buckets_of(means, index)[bucket] += weight;
    if (bucket < means->first_bucket)
        means->first_bucket = bucket;
    if (bucket >= means->until)
        means->until = bucket + 1;
    if (means->used <= index)
        means->used = index + 1;
}

/* What is estimated is Σ part / Σ count: the mean (part: the sum), or a share (part: how many). */
struct ratio {
    int count;
    double parts[BATCHES_MAX], counts[BATCHES_MAX];
};

/* Groups that hold nothing – all before a warm-up's end – are none. */
static void ratio_add(struct ratio *ratio, double part, int64_t count)
{
    if (count == 0)
        return;
    ratio->parts[ratio->count] = part;
    ratio->counts[ratio->count++] = (double)count;
}

static double ratio_value(const struct ratio *ratio)
{
    double part = 0.0, count = 0.0;
    for (int i = 0; i < ratio->count; i++) {
        part += ratio->parts[i];
        count += ratio->counts[i];
    }
    return part / count;
}

static double residual(const struct ratio *ratio, double value, int i)
{
    return ratio->parts[i] - value * ratio->counts[i];
}

/* The lag-1 correlation of neighbouring batches. */
static double correlation(const struct ratio *ratio)
{
    const double value = ratio_value(ratio);
    double squares = 0.0, products = 0.0, before = 0.0;
    for (int i = 0; i < ratio->count; i++) {
        const double difference = residual(ratio, value, i);
        squares += difference * difference;
        products += difference * before;
        before = difference;
    }
    return squares > 0.0 ? products / squares : 0.0;
}

/* Johnson's transformation of Student's t for a mean of n skewed values, `skew` their skewness over
 * 6√n (Tafazzoli et al., "Skart: a skewness- and autoregression-adjusted batch-means procedure", 2011). */
static double skewed_t(double t, double skew)
{
    if (fabs(skew) < 1e-6)
        return t;
    return (cbrt(1.0 + 6.0 * skew * (t - skew)) - 1.0) / (2.0 * skew);
}

/* The ratio's interval. Σ(part − value·count)²/(n(n − 1)) over the square of the mean count is its
 * variance; (1 + φ)/(1 − φ) times that where batches still are correlated, as an autoregression of
 * first order is. The estimate of φ is 1/n too low. */
static struct interval ratio_interval(const struct ratio *ratio)
{
    const double n = ratio->count, value = ratio_value(ratio);
    double squares = 0.0, cubes = 0.0, count = 0.0;
    for (int i = 0; i < ratio->count; i++) {
        const double difference = residual(ratio, value, i);
        squares += difference * difference;
        cubes += difference * difference * difference;
        count += ratio->counts[i];
    }
    if (squares == 0.0)
        return (struct interval){value, value};
    const double phi = fmax(correlation(ratio) + 1.0 / n, 0.0);
    const double variance = squares / (n - 1.0);
    const double error = sqrt(variance / n * (1.0 + phi) / (1.0 - phi)) / (count / n);
    const double skewness = cubes * n / ((n - 1.0) * (n - 2.0)) / (variance * sqrt(variance));
    const double skew = skewness / (6.0 * sqrt(n));
    const double t = gsl_cdf_tdist_Pinv(0.5 + interval_level / 2.0, n - 1.0);
    return (struct interval){value - error * skewed_t(t, skew), value - error * skewed_t(-t, skew)};
}

static void sums_of(const struct batch_means *means, int group, struct ratio *ratio)
{
    ratio->count = 0;
    for (int64_t i = 0; i < means->used; i += group) {
        struct means_batch sum = {0};
        for (int64_t k = i; k < i + group && k < means->used; k++) {
            sum.count += means->batches[k].count;
            sum.sum_ns += means->batches[k].sum_ns;
        }
        ratio_add(ratio, sum.sum_ns, sum.count);
    }
}

/* One-sided, at 5 %: of independent ones it is normal with a variance of 1/n. */
static bool is_correlated(const struct ratio *ratio)
{
    return correlation(ratio) > 1.645 / sqrt(ratio->count);
}

bool batch_means_group(const struct batch_means *means, int *group)
{
    for (*group = means->used > BATCHES_MAX / 2 ? 2 : 1; *group <= BATCHES_MAX / BATCHES_MIN;
         *group *= 2) {
        struct ratio ratio;
        sums_of(means, *group, &ratio);
        if (ratio.count < BATCHES_MIN)
            return false;
        if (!is_correlated(&ratio))
            return true;
    }
    return false;
}

struct interval batch_means_mean(const struct batch_means *means, int group)
{
    struct ratio ratio;
    sums_of(means, group, &ratio);
    const struct interval interval = ratio_interval(&ratio);
    return (struct interval){fmax(interval.low, 0.0), interval.high};
}

/* Values of a batch up to a place in the buckets, spread evenly over each. */
static double count_below(const struct batch_means *means, int64_t batch, double place)
{
    const int64_t *buckets = buckets_of(means, batch);
    const size_t last = (size_t)place;
    double below = 0.0;
    for (size_t i = means->first_bucket; i < last; i++)
        below += (double)buckets[i];
    return below + (place - (double)last) * (double)buckets[last];
}

struct interval batch_means_percentile(const struct batch_means *means, int group,
                                       const struct histogram *histogram, double p)
{
    assert(p > 0.0 && p < 100.0);
    const double place = bucket_place(histogram_percentile(histogram, p));
    struct ratio ratio = {0};
    for (int64_t i = 0; i < means->used; i += group) {
        double below = 0.0;
        int64_t count = 0;
        for (int64_t k = i; k < i + group && k < means->used; k++) {
            below += count_below(means, k, place);
            count += means->batches[k].count;
        }
        ratio_add(&ratio, below, count);
    }
    /* The estimate is p itself, but for the coarser buckets here. */
    const double estimate = ratio_value(&ratio);
    const struct interval share = ratio_interval(&ratio);
    const double low = p - 100.0 * (share.high - estimate);
    const double high = p + 100.0 * (estimate - share.low);
    return (struct interval){histogram_percentile(histogram, fmax(low, 0.0)),
                             high < 100.0 ? histogram_percentile(histogram, high) : (double)NAN};
}
