/* MSER-5: where it cuts, and when it does not. */
#include "unit.h"
#include "warmup.h"

static struct warmup warmup;

static void set_up(void)
{
    ck_assert(warmup_init(&warmup));
}

static void tear_down(void)
{
    warmup_fini(&warmup);
}

/* Request `id` arrives at second id. */
static void add(int64_t id, int64_t ttft_ns, int64_t e2el_ns)
{
    const int64_t arrival_ns = id * 1000000000;
    const struct request_outcome outcome = {.request_id = id,
                                            .arrival_ns = arrival_ns,
                                            .first_token_ns = arrival_ns + ttft_ns,
                                            .finished_ns = arrival_ns + e2el_ns};
    warmup_outcome(&warmup, &outcome);
}

/* Alike but for a little noise, which is not cut. */
static int64_t noise(int64_t id)
{
    return id * 7919 % 1000;
}

/* The first hundred find an empty server. */
START_TEST(test_transient)
{
    int64_t end_ns = -1;
    for (int64_t id = 999; id >= 0; id--)
        add(id, (id < 100 ? 50000 : 80000) + noise(id), 1000000 + noise(id));
    ck_assert(warmup_end(&warmup, &end_ns));
    ck_assert_int_eq(end_ns, 100 * (int64_t)1000000000);
}
END_TEST

/* The later cut of the two latencies counts. */
START_TEST(test_end_to_end)
{
    int64_t end_ns = -1;
    for (int64_t id = 0; id < 1000; id++)
        add(id, 80000 + noise(id), (id < 250 ? 700000 : 1000000) + noise(id));
    ck_assert(warmup_end(&warmup, &end_ns));
    ck_assert_int_eq(end_ns, 250 * (int64_t)1000000000);
}
END_TEST

/* A queue that grows without end has no warm-up; nor does what is too short. */
START_TEST(test_unknown)
{
    int64_t end_ns = -1;
    for (int64_t id = 0; id < 99; id++)
        add(id, 80000 + noise(id), 1000000 + noise(id));
    ck_assert_int_eq(warmup.used, 20);
    ck_assert(warmup_end(&warmup, &end_ns));
    warmup_fini(&warmup);
    ck_assert(warmup_init(&warmup));
    for (int64_t id = 0; id < 95; id++)
        add(id, 80000 + noise(id), 1000000 + noise(id));
    ck_assert(!warmup_end(&warmup, &end_ns));
    for (int64_t id = 95; id < 1000; id++)
        add(id, 80000 + 1000 * id, 1000000 + 1000 * id);
    ck_assert(!warmup_end(&warmup, &end_ns));
    ck_assert_int_eq(end_ns, 0);
}
END_TEST

/* Of a long run, larger batches. Who was rejected is not there. */
START_TEST(test_long_run)
{
    int64_t end_ns = -1;
    for (int64_t id = 0; id < 100000; id++)
        add(id, (id < 8000 ? 50000 : 80000) + noise(id), 1000000 + noise(id));
    const struct request_outcome rejected = {.request_id = 100000, .status = REQUEST_REJECTED};
    warmup_outcome(&warmup, &rejected);
    ck_assert_int_eq(warmup.batch_requests, 40);
    ck_assert_int_eq(warmup.used, 2500);
    ck_assert(warmup_end(&warmup, &end_ns));
    ck_assert_int_eq(end_ns, 8000 * (int64_t)1000000000);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("warmup");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_transient);
    tcase_add_test(tcase, test_end_to_end);
    tcase_add_test(tcase, test_unknown);
    tcase_add_test(tcase, test_long_run);
    return unit_run_case("warmup", tcase);
}
