/* The histogram against GSL on the same values: moments exactly, quantiles within their bound. */
#include "unit.h"

#include "histogram.h"
#include "rng.h"
#include <gsl/gsl_randist.h>
#include <gsl/gsl_sort_double.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>

enum { VALUES = 50000 };
static const double BOUND = 1.0 / 4096.0;

static void assert_near(double value, double expected, double tolerance)
{
    ck_assert_msg(fabs(value - expected) <= tolerance * fabs(expected), "%.17g, not %.17g", value,
                  expected);
}

/* `values` are whole numbers; they are left sorted. */
static void assert_like_gsl(struct histogram *histogram, double *values, size_t count)
{
    double mean = gsl_stats_mean(values, 1, count);
    double deviation = gsl_stats_sd_with_fixed_mean(values, 1, count, mean);
    ck_assert_int_eq(histogram->count, (int64_t)count);
    assert_near(histogram_mean(histogram), mean, 1e-13);
    assert_near(histogram_std(histogram), deviation, 1e-10);
    gsl_sort(values, 1, count);
    ck_assert_double_eq((double)histogram->minimum_ns, values[0]);
    ck_assert_double_eq((double)histogram->maximum_ns, values[count - 1]);
    const double percentiles[] = {0, 0.1, 1, 10, 25, 33.3, 50, 75, 90, 95, 99, 99.9, 99.999, 100};
    for (size_t i = 0; i < COUNT(percentiles); i++) {
        double quantile =
            gsl_stats_quantile_from_sorted_data(values, 1, count, percentiles[i] / 100.0);
        assert_near(histogram_percentile(histogram, percentiles[i]), quantile, BOUND);
    }
}

typedef double draw_function(const gsl_rng *rng);

static double draw_small(const gsl_rng *rng)
{
    return (double)gsl_rng_uniform_int(rng, 100);
}

static double draw_uniform(const gsl_rng *rng)
{
    return floor(1e6 + 1e6 * gsl_rng_uniform(rng));
}

static double draw_lognormal(const gsl_rng *rng)
{
    return floor(gsl_ran_lognormal(rng, 15.0, 3.0));
}

static double draw_two_modes(const gsl_rng *rng)
{
    return gsl_rng_uniform(rng) < 0.95 ? 31.0e6 : floor(1e9 * gsl_rng_uniform(rng));
}

static double draw_all_exponents(const gsl_rng *rng)
{
    return floor(ldexp(gsl_rng_uniform(rng), (int)gsl_rng_uniform_int(rng, 60)));
}

START_TEST(test_distributions)
{
    static double values[VALUES];
    draw_function *const draws[] = {draw_small, draw_uniform, draw_lognormal, draw_two_modes,
                                    draw_all_exponents};
    gsl_rng *rng = rng_create(3, "test");
    for (size_t i = 0; i < COUNT(draws); i++) {
        struct histogram histogram;
        ck_assert(histogram_init(&histogram));
        for (size_t j = 0; j < VALUES; j++) {
            values[j] = draws[i](rng);
            histogram_add(&histogram, (int64_t)values[j], 1);
        }
        assert_like_gsl(&histogram, values, VALUES);
        histogram_fini(&histogram);
    }
    gsl_rng_free(rng);
}
END_TEST

/* A weight is that many insertions; a weight of 0 is none. */
START_TEST(test_weights)
{
    static double values[VALUES];
    gsl_rng *rng = rng_create(4, "test");
    struct histogram histogram;
    ck_assert(histogram_init(&histogram));
    size_t count = 0;
    while (count < VALUES - 300) {
        int64_t value = (int64_t)draw_lognormal(rng);
        size_t weight = gsl_rng_uniform_int(rng, 300);
        histogram_add(&histogram, value, (int64_t)weight);
        for (size_t i = 0; i < weight; i++)
            values[count++] = (double)value;
    }
    assert_like_gsl(&histogram, values, count);
    histogram_fini(&histogram);
    gsl_rng_free(rng);
}
END_TEST

START_TEST(test_few_values)
{
    double values[20];
    for (size_t count = 1; count <= COUNT(values); count++) {
        struct histogram histogram;
        ck_assert(histogram_init(&histogram));
        for (size_t i = 0; i < count; i++) {
            values[i] = (double)(i * i * 1000003);
            histogram_add(&histogram, (int64_t)values[i], 1);
        }
        assert_like_gsl(&histogram, values, count);
        histogram_fini(&histogram);
    }
}
END_TEST

START_TEST(test_empty)
{
    struct histogram histogram;
    ck_assert(histogram_init(&histogram));
    histogram_add(&histogram, 12345, 0);
    ck_assert_int_eq(histogram.count, 0);
    ck_assert_int_eq(histogram.minimum_ns, 0);
    ck_assert_int_eq(histogram.maximum_ns, 0);
    ck_assert_double_eq(histogram_mean(&histogram), 0.0);
    ck_assert_double_eq(histogram_std(&histogram), 0.0);
    ck_assert_double_eq(histogram_percentile(&histogram, 50.0), 0.0);
    histogram_fini(&histogram);
}
END_TEST

/* Every value alone: each percentile is the value itself, exactly, thanks to minimum and maximum.
 */
START_TEST(test_one_value)
{
    const int64_t values[] = {0,
                              1,
                              2047,
                              2048,
                              4095,
                              4096,
                              4097,
                              1000000007,
                              INT64_C(1) << 53,
                              (INT64_C(1) << 62) - 1,
                              INT64_C(1) << 62,
                              INT64_MAX};
    for (size_t i = 0; i < COUNT(values); i++) {
        struct histogram histogram;
        ck_assert(histogram_init(&histogram));
        histogram_add(&histogram, values[i], 3);
        ck_assert_double_eq(histogram_mean(&histogram), (double)values[i]);
        ck_assert_double_eq(histogram_std(&histogram), 0.0);
        ck_assert_double_eq(histogram_percentile(&histogram, 0.0), (double)values[i]);
        ck_assert_double_eq(histogram_percentile(&histogram, 99.0), (double)values[i]);
        ck_assert_double_eq(histogram_percentile(&histogram, 100.0), (double)values[i]);
        histogram_fini(&histogram);
    }
}
END_TEST

/* Below 4096 every bucket holds one whole number. */
START_TEST(test_small_values_exact)
{
    struct histogram histogram;
    ck_assert(histogram_init(&histogram));
    for (int64_t value = 0; value <= 4000; value++)
        histogram_add(&histogram, value, 1);
    for (int p = 0; p <= 100; p++)
        ck_assert_double_eq(histogram_percentile(&histogram, p), 40.0 * p);
    histogram_fini(&histogram);
}
END_TEST

/* The spread of 2 ns about 146 years: squares of 2^124, of which a double would keep nothing. */
START_TEST(test_huge_values)
{
    const int64_t middle = INT64_C(1) << 62;
    struct histogram histogram;
    ck_assert(histogram_init(&histogram));
    histogram_add(&histogram, middle - 2, 1000000);
    histogram_add(&histogram, middle + 2, 1000000);
    ck_assert_double_eq(histogram_mean(&histogram), (double)middle);
    ck_assert_double_eq(histogram_std(&histogram), 2.0);
    assert_near(histogram_percentile(&histogram, 50.0), (double)middle, BOUND);
    histogram_fini(&histogram);
}
END_TEST

/* Both ends of all that can be counted at once. */
START_TEST(test_whole_range)
{
    struct histogram histogram;
    ck_assert(histogram_init(&histogram));
    histogram_add(&histogram, 0, 1);
    histogram_add(&histogram, INT64_C(1) << 62, 1);
    ck_assert_double_eq(histogram_mean(&histogram), 0x1p61);
    ck_assert_double_eq(histogram_std(&histogram), 0x1p61);
    ck_assert_double_eq(histogram_percentile(&histogram, 0.0), 0.0);
    assert_near(histogram_percentile(&histogram, 50.0), 0x1p61, BOUND);
    ck_assert_double_eq(histogram_percentile(&histogram, 100.0), 0x1p62);
    histogram_fini(&histogram);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_distributions, test_weights,    test_few_values,
                                  test_empty,         test_one_value,  test_small_values_exact,
                                  test_huge_values,   test_whole_range};
    return unit_run("histogram", tests, COUNT(tests));
}
