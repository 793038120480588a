/* Intervals from batches: by hand, and when there are none. */
#include "batch_means.h"
#include "unit.h"

#include <math.h>

static struct batch_means means;
static struct histogram histogram;

static void set_up(void)
{
    ck_assert(batch_means_init(&means));
    ck_assert(histogram_init(&histogram));
}

static void tear_down(void)
{
    batch_means_fini(&means);
    histogram_fini(&histogram);
}

static void add(int64_t position, int64_t value_ns)
{
    batch_means_add(&means, position, value_ns, 1);
    histogram_add(&histogram, value_ns, 1);
}

/* 10 values, -1 and +1 about 1000 by turns: mean 1000, variance of the mean 10/9/10 = 1/9, no skewness
 * and no positive correlation. Student's t of 9 degrees at 97.5 % is 2.262157. */
START_TEST(test_by_hand)
{
    for (int64_t i = 0; i < 10; i++)
        add(i, i % 2 == 0 ? 999 : 1001);
    int group = 0;
    ck_assert(batch_means_group(&means, &group));
    ck_assert_int_eq(group, 1);
    const struct interval interval = batch_means_mean(&means, group);
    ck_assert_double_eq_tol(interval.low, 1000.0 - 2.262157 / 3.0, 1e-5);
    ck_assert_double_eq_tol(interval.high, 1000.0 + 2.262157 / 3.0, 1e-5);
}
END_TEST

/* Batches are of positions, told in any order; values weigh as often as they are. */
START_TEST(test_order_and_weight)
{
    struct batch_means other;
    ck_assert(batch_means_init(&other));
    for (int64_t i = 0; i < 1000; i++) {
        batch_means_add(&means, i, 100 + i % 7, 2);
        const int64_t position = (i * 387) % 1000;
        batch_means_add(&other, position, 100 + position % 7, 1);
        batch_means_add(&other, position, 100 + position % 7, 1);
    }
    ck_assert_int_eq(means.batch_bits, 4);
    ck_assert_int_eq(other.batch_bits, 4);
    ck_assert_int_eq(means.used, 63);
    ck_assert_int_eq(other.used, 63);
    for (size_t i = 0; i < 63; i++) {
        ck_assert_int_eq(means.batches[i].count, i < 62 ? 32 : 16);
        ck_assert_int_eq(other.batches[i].count, means.batches[i].count);
        ck_assert_double_eq(other.batches[i].sum_ns, means.batches[i].sum_ns);
    }
    batch_means_fini(&other);
}
END_TEST

/* Too few, or alike to their neighbours all along. */
START_TEST(test_no_interval)
{
    int group = 0;
    for (int64_t i = 0; i < 7; i++)
        add(i, i % 2 == 0 ? 10 : 20);
    ck_assert(!batch_means_group(&means, &group));
    add(7, 20);
    ck_assert(batch_means_group(&means, &group));
    for (int64_t i = 8; i < 5000; i++)
        add(i, 100 * i);
    ck_assert(!batch_means_group(&means, &group));
}
END_TEST

/* What is there before a warm-up's end holds nothing, and does not count. */
START_TEST(test_empty_start)
{
    int group = 0;
    for (int64_t i = 40; i < 64; i++)
        add(i, i % 2 == 0 ? 10 : 20);
    ck_assert(batch_means_group(&means, &group));
    const struct interval interval = batch_means_mean(&means, group);
    ck_assert_double_eq_tol((interval.low + interval.high) / 2.0, 15.0, 1e-9);
}
END_TEST

/* Batches that are all the same have no error: the quantile is its own interval. */
START_TEST(test_percentiles)
{
    int group = 0;
    for (int64_t i = 0; i < 64 * 64; i++)
        add(i, 1000 + 10 * (i % 64));
    ck_assert(batch_means_group(&means, &group));
    struct interval interval = batch_means_percentile(&means, group, &histogram, 50.0);
    ck_assert_double_eq_tol(interval.low, 1315.0, 10.0);
    ck_assert_double_eq_tol(interval.high, 1315.0, 10.0);
    /* One batch of them is slower: of the tail there is less to say. */
    for (int64_t i = 0; i < 64; i++)
        add(64 * 50 + i, 5000 + 100 * i);
    ck_assert(batch_means_group(&means, &group));
    interval = batch_means_percentile(&means, group, &histogram, 99.5);
    ck_assert(interval.low < 8000.0 && isnan(interval.high));
    interval = batch_means_percentile(&means, group, &histogram, 50.0);
    ck_assert(interval.low < 1325.0 && interval.high > 1320.0 && interval.high < 1400.0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("batch_means");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_by_hand);
    tcase_add_test(tcase, test_order_and_weight);
    tcase_add_test(tcase, test_no_interval);
    tcase_add_test(tcase, test_empty_start);
    tcase_add_test(tcase, test_percentiles);
    return unit_run_case("batch_means", tcase);
}
