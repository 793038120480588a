/* Collectives by hand, every branch. */
#include "round_figures.h"

/* V = 100 GB/s, h = 1 µs, a1 = 5, a2 = 10, a = 50 µs; b1 = b2 = 0.5, b = 0.8, e = 1; limit 1 MB. */
START_TEST(test_nvlink)
{
    const struct interconnect *link = &round_figures.interconnect;
    ck_assert_double_eq(all_reduce_cost(link, 1, 1e6).time_s, 0.0);
    /* One-shot: 3·1 + 5 + 3·1 kB/(50 GB/s), against 3 + 10 + 1.5·1 kB/(50 GB/s). */
    struct cost cost = all_reduce_cost(link, 4, 1e3);
    assert_near(cost.time_s, 8.06e-6);
    ck_assert_double_eq(cost.bound_s[BOUND_COMMUNICATION], cost.time_s);
    ck_assert_double_eq(cost.flops + cost.bytes, 0.0);
    /* Two-shot: 3 + 10 + 1.5·1 MB/(50 GB/s), against 3 + 5 + 60; at the limit. */
    assert_near(all_reduce_cost(link, 4, 1e6).time_s, 43e-6);
    /* Two ranks: 1 + 5 + 20 against 1 + 10 + 20. */
    assert_near(all_reduce_cost(link, 2, 1e6).time_s, 26e-6);
    /* Beyond, a ring at 0.8·4/8 of V: 3 + 50 + 1.5·2 MB/(40 GB/s). */
    assert_near(all_reduce_cost(link, 4, 2e6).time_s, 128e-6);
    /* 8 ranks: 7 + 50 + 1.75·2 MB/(80 GB/s). */
    assert_near(all_reduce_cost(link, 8, 2e6).time_s, 100.75e-6);
    /* 16 ranks would reach 1.6 of V: no more than V. 15 + 50 + 1.875·2 MB/(100 GB/s). */
    assert_near(all_reduce_cost(link, 16, 2e6).time_s, 102.5e-6);
}
END_TEST

START_TEST(test_pcie)
{
    const struct interconnect link = {.kind = INTERCONNECT_PCIE,
                                      .bandwidth_bytes_per_s = 10e9,
                                      .one_shot_s = 5e-6,
                                      .one_shot_efficiency = 0.5,
                                      .low_latency_s = 4e-6,
                                      .low_latency_efficiency = 0.25,
                                      .custom_limit_bytes = 1e6,
                                      .per_rank_s = 2e-6,
                                      .ring_s = 30e-6,
                                      .ring_efficiency = 0.4,
                                      .ring_rank_exponent = -0.5};
    ck_assert_double_eq(all_reduce_cost(&link, 1, 1e6).time_s, 0.0);
    /* One-shot: 5 + 100 kB/(5 GB/s), and nothing a rank. */
    assert_near(all_reduce_cost(&link, 2, 1e5).time_s, 25e-6);
    /* Beyond the limit, a ring at 0.4·√4 of V: 2 + 30 + 2 MB/(8 GB/s). */
    assert_near(all_reduce_cost(&link, 2, 2e6).time_s, 282e-6);
    /* No one-shot between four: NCCL's low-latency protocol, 3·2 + 4 + 3·1 kB/(2.5 GB/s)… */
    assert_near(all_reduce_cost(&link, 4, 1e3).time_s, 11.2e-6);
    /* … or its ring, at 0.4·√2 of V: 3·2 + 30 + 1.5·1 MB/V'. */
    assert_near(all_reduce_cost(&link, 4, 1e6).time_s, 36e-6 + 1.5e6 / (4e9 * sqrt(2.0)));
    /* 8 and 32 ranks: a share of 0.4, and of 0.4/2. */
    assert_near(all_reduce_cost(&link, 8, 1e6).time_s, 44e-6 + 1.75e6 / 4e9);
    assert_near(all_reduce_cost(&link, 32, 1e6).time_s, 92e-6 + 1.9375e6 / 2e9);
}
END_TEST

/* g = 6 µs, gh = 1 µs, gb = 0.25, gl = 14 µs, glb = 0.5, ge = 1. */
START_TEST(test_exchange)
{
    const struct interconnect *link = &round_figures.interconnect;
    ck_assert_double_eq(exchange_cost(link, 1, 1e6).time_s, 0.0);
    /* One rank sends ¾ of 100 kB: 6 + 3 + 75 kB/(25 GB/s). The long way would be 6 + 3 + 14 + 3. */
    struct cost cost = exchange_cost(link, 4, 1e5);
    assert_near(cost.time_s, 12e-6);
    ck_assert_double_eq(cost.bound_s[BOUND_COMMUNICATION], cost.time_s);
    /* ⅞ of 10 MB: 6 + 7 + 14 + 8.75 MB/(50 GB/s), against 350 µs. */
    assert_near(exchange_cost(link, 8, 1e7).time_s, 202e-6);
    /* 32 ranks would reach twice V: 6 + 31 + 14 + 9.6875 MB/(100 GB/s). */
    assert_near(exchange_cost(link, 32, 1e7).time_s, 147.875e-6);
}
END_TEST

/* Half of an exchange between two: 6 + 1 + 100 kB/(25 GB/s). */
START_TEST(test_point_to_point)
{
    const struct interconnect *link = &round_figures.interconnect;
    assert_near(point_to_point_cost(link, 1e5).time_s, 11e-6);
    ck_assert_double_eq(point_to_point_cost(link, 1e5).time_s, exchange_cost(link, 2, 2e5).time_s);
}
END_TEST

/* A longer message never takes less. Where custom kernels end that is vLLM's choice, which may be a bad
 * one for a link: only on either side of it. */
static void check_growth(const char *name)
{
    struct document *document = document_create();
    struct accelerator accelerator;
    fixture_read_accelerator(document, name, &accelerator);
    const struct interconnect *link = &accelerator.interconnect;
    for (int ranks = 2; ranks <= 64; ranks *= 2) {
        double reduced_s = 0.0, exchanged_s = 0.0;
        for (double bytes = 1.0; bytes < 1e13; bytes *= 1.5) {
            double now_s = all_reduce_cost(link, ranks, bytes).time_s;
            bool kernels_change =
                bytes > link->custom_limit_bytes && bytes / 1.5 <= link->custom_limit_bytes;
            ck_assert_msg(isfinite(now_s) && (now_s >= reduced_s || kernels_change),
                          "%s: all-reduce of %g bytes over %d", name, bytes, ranks);
            reduced_s = now_s;
            now_s = exchange_cost(link, ranks, bytes).time_s;
            ck_assert_msg(isfinite(now_s) && now_s >= exchanged_s,
                          "%s: exchange of %g bytes over %d", name, bytes, ranks);
            exchanged_s = now_s;
        }
        /* The last 8 TB go at most at the speed of the wire. */
        ck_assert_double_gt(reduced_s,
                            2.0 * (ranks - 1) / ranks * 6e12 / link->bandwidth_bytes_per_s);
    }
    document_destroy(document);
}

START_TEST(test_shipped_links)
{
    fixture_each("accelerators", check_growth);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_nvlink, test_pcie, test_exchange, test_point_to_point,
                                  test_shipped_links};
    return unit_run("collective", tests, COUNT(tests));
}
