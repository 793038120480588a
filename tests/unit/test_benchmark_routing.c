/* How a benchmark gives tokens to experts: by hand, and what holds of every draw. */
#include "benchmark_routing.h"
#include "unit.h"

#include <math.h>

static struct benchmark_load route(const char *distribution, double tokens,
                                   double experts_per_token, double experts, double ranks)
{
    struct benchmark_load load = {-1.0, -1.0};
    ck_assert(benchmark_route(distribution, tokens, experts_per_token, experts, ranks, &load));
    return load;
}

START_TEST(test_balanced_by_hand)
{
    const struct {
        double tokens, experts_per_token, experts, ranks, active, pairs;
    } cases[] = {
        {64, 2, 8, 1, 8, 128}, /* 16 each */
        {3, 2, 8, 1, 6, 6},    /* one each, and two experts without */
        {3, 2, 8, 2, 3, 3},    /* six, over two ranks of four */
        {5, 2, 8, 4, 2, 3},    /* one each, and two left over: one on each of two ranks */
        {7, 1, 8, 8, 1, 1},    {1, 8, 128, 1, 8, 8}, {1, 8, 128, 4, 2, 2}, {33, 1, 1, 1, 1, 33},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct benchmark_load load = route("balanced", cases[i].tokens, cases[i].experts_per_token,
                                           cases[i].experts, cases[i].ranks);
        ck_assert_double_eq(load.active_experts, cases[i].active);
        ck_assert_double_eq(load.pairs, cases[i].pairs);
    }
}
END_TEST

/* Exponent 0 is a uniform density, whose quantiles are on a line. */
START_TEST(test_power_law_by_hand)
{
    /* Two experts, at 1/4 and 3/4 between 1 and 80: 20.75 and 60.25, scaled to 100 in all. */
    struct benchmark_load load = route("power_law_0", 100, 1, 2, 1);
    ck_assert_double_eq(load.active_experts, 2.0);
    ck_assert_double_eq_tol(load.pairs, 100.0, 1e-9);
    /* An expert a rank: the busier one is timed. */
    load = route("power_law_0", 100, 1, 2, 2);
    ck_assert_double_eq(load.active_experts, 1.0);
    ck_assert_double_eq_tol(load.pairs, 100.0 * 60.25 / 81.0, 1e-9);
    /* Fewer pairs than experts: 0.26, 0.76, 1.25 and 1.75, scaled to 2, are 0, 0, 1 and 1. */
    load = route("power_law_0", 2, 1, 4, 1);
    ck_assert_double_eq(load.active_experts, 2.0);
    ck_assert_double_eq_tol(load.pairs, 2.0, 1e-9);
    /* The steeper, the busier the busiest rank. */
    ck_assert(route("power_law_1.2", 4096, 8, 128, 8).pairs >
              route("power_law_1.01", 4096, 8, 128, 8).pairs);
}
END_TEST

static void check_load(const char *distribution, double tokens, double experts_per_token,
                       double experts, double ranks)
{
    struct benchmark_load load = route(distribution, tokens, experts_per_token, experts, ranks);
    double pairs = tokens * experts_per_token;
    ck_assert_msg(load.active_experts > 0.0 && load.active_experts <= experts / ranks + 1e-9 &&
                      load.active_experts <= load.pairs + 1e-9 &&
                      load.pairs >= pairs / ranks * (1.0 - 1e-9) &&
                      load.pairs <= pairs * (1.0 + 1e-9),
                  "%s, %g tokens, %g of %g experts, %g ranks: %g active, %g pairs", distribution,
                  tokens, experts_per_token, experts, ranks, load.active_experts, load.pairs);
    if (ranks == 1.0)
        ck_assert_double_eq_tol(load.pairs, pairs, 1e-9 * pairs);
}

START_TEST(test_what_holds_of_every_draw)
{
    static const char *const names[] = {"balanced",      "power_law_0", "power_law_1",
                                        "power_law_1.2", "power_law_3", "power_law_10"};
    for (size_t i = 0; i < COUNT(names); i++) {
        for (double experts = 1; experts <= 256; experts *= 4) {
            for (double k = 1; k <= fmin(8, experts); k *= 2) {
                for (double tokens = 1; tokens <= 20000; tokens = ceil(1.3 * tokens)) {
                    for (double ranks = 1; ranks <= fmin(16, experts); ranks *= 2)
                        check_load(names[i], tokens, k, experts, ranks);
                }
            }
        }
    }
}
END_TEST

START_TEST(test_unknown_distributions)
{
    static const char *const wrong[] = {"",
                                        "Balanced",
                                        "balanced ",
                                        "zipf",
                                        "power_law",
                                        "power_law_",
                                        "power_law_x",
                                        "power_law_1.2x",
                                        "power_law_-1",
                                        "power_law_11",
                                        "power_law_nan",
                                        "power_law_inf"};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct benchmark_load load;
        ck_assert_msg(!benchmark_route(wrong[i], 64, 2, 8, 1, &load), "'%s' is taken", wrong[i]);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_balanced_by_hand, test_power_law_by_hand,
                                  test_what_holds_of_every_draw, test_unknown_distributions};
    return unit_run("benchmark_routing", tests, COUNT(tests));
}
