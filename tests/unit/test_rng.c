/* Random streams: the same again, unrelated to each other, and using the whole seed. */
#include "unit.h"

#include "rng.h"
#include <gsl/gsl_statistics_double.h>
#include <math.h>

enum { DRAWS = 20000 };

static void draw(uint64_t seed, const char *purpose, double *values)
{
    gsl_rng *rng = rng_create(seed, purpose);
    ck_assert_ptr_nonnull(rng);
    for (int i = 0; i < DRAWS; i++)
        values[i] = gsl_rng_uniform(rng);
    gsl_rng_free(rng);
}

START_TEST(test_repeats)
{
    static double first[DRAWS], second[DRAWS];
    draw(27, "arrivals", first);
    draw(27, "arrivals", second);
    ck_assert_mem_eq(first, second, sizeof first);
}
END_TEST

/* The correlation of two independent streams is normal with deviation 1/sqrt(n): at 5 of those, one
 * run in two million would fail, and this one is always the same. */
static void assert_unrelated(uint64_t seed_a, const char *purpose_a, uint64_t seed_b,
                             const char *purpose_b)
{
    static double a[DRAWS], b[DRAWS];
    draw(seed_a, purpose_a, a);
    draw(seed_b, purpose_b, b);
    double correlation = gsl_stats_correlation(a, 1, b, 1, DRAWS);
    ck_assert_double_lt(fabs(correlation), 5.0 / sqrt(DRAWS));
    ck_assert_double_lt(fabs(gsl_stats_mean(a, 1, DRAWS) - 0.5), 5.0 / sqrt(12.0 * DRAWS));
}

START_TEST(test_unrelated)
{
    assert_unrelated(0, "arrivals", 0, "prompt_tokens");
    assert_unrelated(0, "arrivals", 1, "arrivals");
    assert_unrelated(1, "a", 2, "b");
    assert_unrelated(7, "arrivals", 7 + (UINT64_C(1) << 32), "arrivals");
    assert_unrelated(UINT64_MAX, "arrivals", UINT64_MAX - 1, "arrivals");
    assert_unrelated(0, "", 4357, "");
}
END_TEST

static int compare(const void *left, const void *right)
{
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Of the 32 bits that mt19937 takes, 10 000 seeds share 0.01 on average. */
START_TEST(test_seeds_differ)
{
    enum { SEEDS = 10000 };
    static uint64_t first[SEEDS];
    for (int i = 0; i < SEEDS; i++) {
        gsl_rng *rng = rng_create((uint64_t)i, "arrivals");
        first[i] = (uint64_t)gsl_rng_get(rng) << 32;
        first[i] |= gsl_rng_get(rng);
        gsl_rng_free(rng);
    }
    qsort(first, SEEDS, sizeof *first, compare);
    int equal = 0;
    for (int i = 1; i < SEEDS; i++)
        equal += first[i] == first[i - 1];
    ck_assert_int_eq(equal, 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_repeats, test_unrelated, test_seeds_differ};
    return unit_run("rng", tests, COUNT(tests));
}
