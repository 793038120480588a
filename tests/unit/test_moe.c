/* Routed experts: how tokens choose them, against sums, searches and draws; the grouped GEMMs by hand. */
#include "round_figures.h"

#include "rng.h"
#include <gsl/gsl_randist.h>

enum { MOST_EXPERTS = 512 };

static void route(struct moe_routing routing, double tokens, double *active, double *pairs)
{
    *active = *pairs = NAN;
    moe_route(&routing, tokens, active, pairs);
}

/* Each expert's probability, its sum found by bisection. */
static void find_probabilities(const struct moe_routing *routing, double *chosen)
{
    double low = 0.0, high = 1e30;
    int experts = (int)routing->experts;
    for (int step = 0; step < 400; step++) {
        double scale = low == 0.0 ? high / 2.0 : sqrt(low * high), sum = 0.0;
        for (int i = 0; i < experts; i++) {
            chosen[i] = fmin(1.0, scale * pow(i + 1.0, -routing->skew));
            sum += chosen[i];
        }
        if (sum > routing->experts_per_token)
            high = scale;
        else
            low = scale;
    }
}

/* A token of 2 experts misses one of 8 with ¾: of T tokens, 8·(1 − ¾^T) experts have any. */
START_TEST(test_uniform)
{
    struct moe_routing routing = {8.0, 2.0, 1.0, 0.0, 0.0};
    const double expected[] = {0.0, 2.0, 3.5, 4.625, 5.46875};
    double active, pairs;
    for (int tokens = 1; tokens <= 4; tokens++) {
        route(routing, tokens, &active, &pairs);
        assert_near(active, expected[tokens]);
        assert_near(pairs, 2.0 * tokens);
    }
    route(routing, 1e6, &active, &pairs);
    assert_near(active, 8.0);
    /* Whole experts over 4 ranks: a rank has a quarter of both. */
    routing.ranks = 4.0;
    route(routing, 4.0, &active, &pairs);
    assert_near(active, 1.3671875);
    assert_near(pairs, 2.0);
    /* The busiest has half more. */
    routing.imbalance = 1.5;
    route(routing, 4.0, &active, &pairs);
    assert_near(active, 1.3671875);
    assert_near(pairs, 3.0);
    /* Every token takes every expert. */
    routing = (struct moe_routing){8.0, 8.0, 1.0, 0.0, 0.0};
    route(routing, 1.0, &active, &pairs);
    assert_near(active, 8.0);
}
END_TEST

/* Tokens that draw k different experts. */
START_TEST(test_uniform_draws)
{
    enum { EXPERTS = 64, PER_TOKEN = 6, TOKENS = 10, RUNS = 4000 };
    gsl_rng *rng = rng_create(1, "experts");
    int all[EXPERTS], drawn[PER_TOKEN];
    for (int i = 0; i < EXPERTS; i++)
        all[i] = i;
    double hit = 0.0;
    for (int run = 0; run < RUNS; run++) {
        bool active[EXPERTS] = {false};
        for (int token = 0; token < TOKENS; token++) {
            gsl_ran_choose(rng, drawn, PER_TOKEN, all, EXPERTS, sizeof *all);
            for (int i = 0; i < PER_TOKEN; i++)
                active[drawn[i]] = true;
        }
        for (int i = 0; i < EXPERTS; i++)
            hit += active[i];
    }
    gsl_rng_free(rng);
    double active, pairs;
    route((struct moe_routing){EXPERTS, PER_TOKEN, 1.0, 0.0, 0.0}, TOKENS, &active, &pairs);
    ck_assert_double_eq_tol(active, hit / RUNS, 0.01 * active);
}
END_TEST

/* 3 experts, 1 a token, skew 1: 6/11, 3/11 and 2/11 of the tokens. 2 of 3: 1, 3/5 and 2/5, as the first
 * cannot be chosen twice. */
START_TEST(test_skewed_by_hand)
{
    double active, pairs;
    struct moe_routing routing = {3.0, 1.0, 1.0, 1.0, 0.0};
    route(routing, 1.0, &active, &pairs);
    assert_near(active, 1.0);
    route(routing, 2.0, &active, &pairs);
    assert_near(active, 3.0 - (25.0 + 64.0 + 81.0) / 121.0);
    routing.experts_per_token = 2.0;
    route(routing, 2.0, &active, &pairs);
    assert_near(active, 3.0 - (4.0 + 9.0) / 25.0);
    assert_near(pairs, 4.0);
}
END_TEST

START_TEST(test_skewed_sums)
{
    static const double shapes[][2] = {{8, 2}, {64, 6}, {128, 8}, {256, 8}};
    static const double skews[] = {0.0, 0.1, 0.5, 1.0, 2.0, 5.0};
    for (size_t i = 0; i < COUNT(shapes) * COUNT(skews); i++) {
        struct moe_routing routing = {shapes[i % 4][0], shapes[i % 4][1], 1.0, skews[i / 4], 0.0};
        double chosen[MOST_EXPERTS], before = 0.0;
        find_probabilities(&routing, chosen);
        for (double tokens = 1.0; tokens < 1e5; tokens *= 3.0) {
            double sum = 0.0, active, pairs;
            for (int e = 0; e < (int)routing.experts; e++)
                sum += 1.0 - pow(1.0 - chosen[e], tokens);
            route(routing, tokens, &active, &pairs);
            ck_assert_msg(fabs(active - sum) < 1e-6 * sum, "%g not %g of %g experts, skew %g",
                          active, sum, routing.experts, routing.skew);
            assert_near(pairs, tokens * routing.experts_per_token);
            ck_assert_double_ge(active, before);
            before = active;
        }
    }
}
END_TEST

/* The busiest of the ranks that experts are dealt out to, on average over deals. */
static double deal_experts(const struct moe_routing *routing, gsl_rng *rng)
{
    enum { DEALS = 2000 };
    double chosen[MOST_EXPERTS], busiest = 0.0;
    int experts = (int)routing->experts, local = experts / (int)routing->ranks;
    find_probabilities(routing, chosen);
    for (int deal = 0; deal < DEALS; deal++) {
        gsl_ran_shuffle(rng, chosen, (size_t)experts, sizeof *chosen);
        double most = 0.0;
        for (int rank = 0; rank < (int)routing->ranks; rank++) {
            double sum = 0.0;
            for (int i = 0; i < local; i++)
                sum += chosen[rank * local + i];
            most = fmax(most, sum);
        }
        busiest += most / (routing->experts_per_token / routing->ranks);
    }
    return busiest / DEALS;
}

/* A skew alone says how much more the busiest rank has: the equation is that of normal sums. */
START_TEST(test_imbalance)
{
    static const double cases[][2] = {{4, 0.3}, {8, 0.3}, {32, 0.3}, {8, 0.5}, {16, 0.5}, {8, 0.7}};
    gsl_rng *rng = rng_create(1, "ranks");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct moe_routing routing = {256.0, 8.0, cases[i][0], cases[i][1], 0.0};
        double active, pairs, expected = deal_experts(&routing, rng);
        route(routing, 1000.0, &active, &pairs);
        double imbalance = pairs / (8000.0 / routing.ranks);
        ck_assert_msg(fabs(imbalance - expected) < 0.15 * expected, "%g not %g with %g, skew %g",
                      imbalance, expected, routing.ranks, routing.skew);
        ck_assert_double_gt(imbalance, 1.0);
    }
    gsl_rng_free(rng);
    /* Two experts, ⅔ and ⅓, on a rank each: a CV of ⅓, and c = Φ⁻¹(√0.5264) = Φ⁻¹(0.72554), which tables
     * have as 0.5994. */
    double of_two, pairs_of_two;
    route((struct moe_routing){2.0, 1.0, 2.0, 1.0, 0.0}, 100.0, &of_two, &pairs_of_two);
    ck_assert_double_eq_tol(pairs_of_two, 50.0 * (1.0 + 0.5994 / 3.0), 0.005);
    /* Never more than all pairs on one rank; one rank has no busiest; what is said wins. */
    double active, pairs;
    route((struct moe_routing){8.0, 1.0, 8.0, 6.0, 0.0}, 100.0, &active, &pairs);
    ck_assert_double_le(pairs, 100.0);
    route((struct moe_routing){256.0, 8.0, 1.0, 0.5, 0.0}, 100.0, &active, &pairs);
    assert_near(pairs, 800.0);
    route((struct moe_routing){256.0, 8.0, 8.0, 0.5, 1.25}, 100.0, &active, &pairs);
    assert_near(pairs, 125.0);
}
END_TEST

/* 100 tokens, 2 of 8 experts of 1000 × 500, all of them busy, in 16 bits. */
static const struct moe_shape round_moe = {.tokens = 100.0,
                                           .useful_tokens = 90.0,
                                           .moved_pairs = 200.0,
                                           .local_experts = 8.0,
                                           .active_experts = 8.0,
                                           .pairs = 200.0,
                                           .hidden = 1000.0,
                                           .inner = 500.0,
                                           .gated = true,
                                           .weight_bytes = 2.0,
                                           .activation_bytes = 2.0};

/* More tokens than experts: blocks of 64 rows. 8·64 = 512 rows are more than 200 + 8·32. An expert is
 * 1.5e6 weights: 2·1.5e6·512 FLOPs at 50 TFLOP/s, 30.72 µs; 24 MB at 0.5 TB/s, 48 µs; and activations
 * of 100·2·(3000 + 6·500) elements, 2.4 MB, 4.8 µs. */
START_TEST(test_gated)
{
    struct cost cost = moe_cost(&round_figures, DTYPE_BF16, &round_moe);
    double variable_s = sqrt(30.72e-6 * 30.72e-6 + 48e-6 * 48e-6) + 4.8e-6;
    assert_near(cost.time_s, 20e-6 + variable_s);
    assert_near(cost.bound_s[BOUND_OVERHEAD], 20e-6);
    assert_near(cost.bound_s[BOUND_MEMORY], variable_s);
    assert_near(cost.flops, 2.0 * 1.5e6 * 180); /* neither blocks nor padding are work */
    assert_near(cost.bytes, 24e6);
    assert_near(moe_bytes(&round_moe), 26.4e6);
}
END_TEST

/* Up and down only: two thirds of the weights; activations of 3000 + 4·500 elements. */
START_TEST(test_plain)
{
    struct moe_shape shape = round_moe;
    shape.gated = false;
    struct cost cost = moe_cost(&round_figures, DTYPE_BF16, &shape);
    double variable_s = sqrt(20.48e-6 * 20.48e-6 + 32e-6 * 32e-6) + 4e-6;
    assert_near(cost.time_s, 20e-6 + variable_s);
    assert_near(cost.flops, 2.0 * 1e6 * 180);
    assert_near(cost.bytes, 16e6);
}
END_TEST

/* Tc alone is 0.06 µs a row. */
static double rows_of(double tokens, double active, double pairs)
{
    struct accelerator accelerator = round_figures;
    accelerator.memory_bandwidth_bytes_per_s = ENDLESSLY_FAST;
    struct moe_shape shape = round_moe;
    shape.tokens = shape.useful_tokens = tokens;
    shape.active_experts = active;
    shape.pairs = pairs;
    return (moe_cost(&accelerator, DTYPE_BF16, &shape).time_s - 20e-6) / 0.06e-6;
}

START_TEST(test_padding_of_rows)
{
    /* Up to as many tokens as experts, blocks of 16. */
    assert_near(rows_of(1, 2, 2), 32.0);
    assert_near(rows_of(8, 7, 16), 112.0);
    assert_near(rows_of(8, 3, 32), 56.0); /* 32 + 3·8 */
    /* Beyond, of 64. */
    assert_near(rows_of(9, 7, 18), 448.0);
    /* Many rows have half a block of padding an expert. */
    assert_near(rows_of(1000, 8, 2000), 2256.0);
}
END_TEST

/* Many rows compute: 30000 tokens, 60000 + 256 rows, 3615.36 µs; 48 µs of weights, 1440 of activations. */
START_TEST(test_bound_by_compute)
{
    struct moe_shape shape = round_moe;
    shape.tokens = shape.useful_tokens = 30000.0;
    shape.pairs = shape.moved_pairs = 60000.0;
    struct cost cost = moe_cost(&round_figures, DTYPE_BF16, &shape);
    assert_near(cost.bound_s[BOUND_COMPUTE],
                sqrt(3615.36e-6 * 3615.36e-6 + 48e-6 * 48e-6) + 1440e-6);
    /* In fp8 twice as fast, weights half as large: 4 bits do not change the FLOPs. */
    shape.weight_bytes = 1.0;
    cost = moe_cost(&round_figures, DTYPE_FP8, &shape);
    assert_near(cost.bound_s[BOUND_COMPUTE],
                sqrt(1807.68e-6 * 1807.68e-6 + 24e-6 * 24e-6) + 1440e-6);
    shape.weight_bytes = 0.5;
    cost = moe_cost(&round_figures, DTYPE_BF16, &shape);
    assert_near(cost.bound_s[BOUND_COMPUTE],
                sqrt(3615.36e-6 * 3615.36e-6 + 12e-6 * 12e-6) + 1440e-6);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_uniform,     test_uniform_draws,   test_skewed_by_hand,
                                  test_skewed_sums, test_imbalance,       test_gated,
                                  test_plain,       test_padding_of_rows, test_bound_by_compute};
    return unit_run("moe", tests, COUNT(tests));
}
