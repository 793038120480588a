/* What is said of a trace: sessions, classes, priorities and clients on a trace worked out by hand,
 * and what is estimated when there is more of it than memory. Real traces: tests/truth. */
#include "key_table.h"
#include "length_counts.h"
#include "trace_statistics.h"
#include "unit.h"

#include <llmsim/sim_time.h>
#include <math.h>

/* A source out of an array. */
struct list {
    const struct request *requests;
    size_t count, at;
};

static enum request_source_result list_next(void *state, struct request *request,
                                            struct error *error)
{
    struct list *list = state;
    (void)error;
    if (list->at == list->count)
        return SOURCE_END;
    *request = list->requests[list->at++];
    return SOURCE_REQUEST;
}

static struct source_left_out list_left_out(const void *state)
{
    (void)state;
    return (struct source_left_out){.bad_rows = 3, .failed_requests = 4};
}

static struct trace_report collect(const struct request *requests, size_t count)
{
    struct list list = {requests, count, 0};
    struct request_source source = {.state = &list, .next = list_next, .left_out = list_left_out};
    struct trace_report report;
    struct error error = {0};
    ck_assert(trace_statistics_collect(&source, NULL, &report, &error));
    return report;
}

static struct request_name name(const char *text)
{
    return (struct request_name){text, (int32_t)strlen(text)};
}

START_TEST(test_names)
{
    struct request requests[6] = {0};
    for (size_t i = 0; i < COUNT(requests); i++) {
        requests[i].arrival_ns = (int64_t)i * SIM_NS_PER_S;
        requests[i].prompt_tokens = 10 * (int32_t)(i + 1);
        requests[i].output_tokens = 6 - (int32_t)i;
    }
    const char *const sessions[] = {"a", "b", "a", NULL, "a", "ab"};
    const char *const classes[] = {"chat", NULL, "chat", "chatter", "chat", NULL};
    for (size_t i = 0; i < COUNT(requests); i++) {
        if (sessions[i] != NULL)
            requests[i].session = name(sessions[i]);
        if (classes[i] != NULL)
            requests[i].class_name = name(classes[i]);
    }
    requests[1].priority = requests[5].priority = -2;
    requests[0].client = requests[3].client = 17;
    requests[4].client = 18;
    const struct trace_report report = collect(requests, COUNT(requests));
    ck_assert_int_eq(report.requests, 6);
    ck_assert_int_eq(report.left_out.bad_rows, 3);
    ck_assert_int_eq(report.left_out.failed_requests, 4);
    ck_assert_int_eq(report.sessions.requests, 5);
    ck_assert_int_eq(report.sessions.sessions, 3);
    ck_assert_int_eq(report.sessions.max_turns, 3);
    ck_assert_uint_eq(report.class_count, 3);
    ck_assert_str_eq(report.classes[0].name, "chat");
    ck_assert_int_eq(report.classes[0].requests, 3);
    ck_assert_int_eq(report.classes[0].prompt_tokens, 90);
    ck_assert_str_eq(report.classes[1].name, "");
    ck_assert_int_eq(report.classes[1].output_tokens, 6);
    ck_assert_str_eq(report.classes[2].name, "chatter");
    ck_assert_uint_eq(report.priority_count, 2);
    ck_assert_int_eq(report.priorities[1].priority, -2);
    ck_assert_int_eq(report.priorities[1].requests, 2);
    ck_assert_int_eq(report.clients.requests, 3);
    ck_assert_int_eq(report.clients.clients, 2);
    ck_assert_double_eq_tol(report.correlation, -1.0, 1e-12);
    ck_assert_double_eq_tol(report.gap_cv, 0.0, 1e-12);
    ck_assert_double_eq(report.rate_per_s, 1.0);
}
END_TEST

/* A single request has no rate, no gaps and no correlation; all else is said of it. */
START_TEST(test_one_request)
{
    const struct request request = {.prompt_tokens = 33, .output_tokens = 5};
    const struct trace_report report = collect(&request, 1);
    ck_assert(isnan(report.rate_per_s) && isnan(report.gap_cv) && isnan(report.correlation));
    ck_assert_double_eq(report.prompt.quantiles[0], 33.0);
    ck_assert_double_eq(report.output.std, 0.0);
    ck_assert_uint_eq(report.window_count, 0);
    ck_assert_int_eq(report.prefixes.ids, 0);
}
END_TEST

/* What vLLM's cache would find: whole blocks of 16, never all of a prompt, an id as far as the
 * prompt that went furthest beneath it. */
START_TEST(test_prefix_hits)
{
    const uint64_t ids[] = {1, 2, 3}, other[] = {9, 2};
    const struct {
        const uint64_t *ids;
        int32_t prompt_tokens, count, hit_tokens;
    } cases[] = {
        {ids, 100, 2, 0},    /* 64 under 1, 36 (two blocks) under 2 */
        {ids, 128, 2, 96},   /* 2 was cached for two blocks only */
        {ids, 128, 2, 112},  /* all but the last token's block */
        {ids, 150, 3, 128},  /* 3 is new */
        {other, 128, 2, 0},  /* 2 behind another id is something else */
        {ids, 1000, 3, 144}, /* one block under 3; and what is behind its ids is nobody else's */
    };
    struct request requests[COUNT(cases)] = {0};
    int64_t expected = 0;
    for (size_t i = 0; i < COUNT(cases); i++) {
        requests[i] = (struct request){.prompt_tokens = cases[i].prompt_tokens,
                                       .output_tokens = 1,
                                       .prefix_ids = cases[i].ids,
                                       .prefix_id_count = cases[i].count,
                                       .prefix_id_tokens = 64};
        expected += cases[i].hit_tokens;
        const struct trace_report report = collect(requests, i + 1);
        ck_assert_msg(report.prefixes.hit_tokens == expected, "after case %zu: %lld", i,
                      (long long)report.prefixes.hit_tokens);
    }
    const struct trace_report report = collect(requests, COUNT(cases));
    ck_assert_int_eq(report.prefixes.ids, 14);
    ck_assert_int_eq(report.prefixes.distinct, 5);
    ck_assert_int_eq(report.prefixes.one_in, 1);
}
END_TEST

/* Exact until it is full; then an estimate, whose error is that of a sample of half a table. */
START_TEST(test_key_table)
{
    enum { BITS = 12, FULL = (1 << BITS) / 8 * 7 };
    struct key_table table;
    ck_assert(key_table_init(&table, BITS));
    for (uint64_t i = 0; i < 1000000; i++) {
        uint32_t *value = key_table_at(&table, key_mix(i, 5));
        if (value != NULL)
            ++*value;
        ck_assert(i >= FULL || (table.used == i + 1 && table.halvings == 0));
    }
    const double estimate = (double)table.used * (double)key_table_one_in(&table);
    ck_assert_double_eq_tol(estimate, 1e6, 4e6 / sqrt(FULL / 2.0));
    /* Every key that is held is found again, each once. */
    const size_t used = table.used;
    size_t found = 0;
    for (uint64_t i = 0; i < 1000000; i++) {
        const uint32_t *value = key_table_at(&table, key_mix(i, 5));
        ck_assert(value == NULL || *value == 1);
        found += value != NULL ? 1 : 0;
    }
    ck_assert_uint_eq(found, used);
    ck_assert_uint_eq(table.used, used);
    key_table_fini(&table);
}
END_TEST

/* Beyond the exact counters within the stated error, to the largest length there is. */
START_TEST(test_long_lengths)
{
    static const int32_t lengths[] = {1,       524287,  524288,   524415,
                                      1048575, 1048576, 33554431, REQUEST_MAX_TOKENS};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct length_counts counts;
        ck_assert(length_counts_init(&counts));
        length_counts_add(&counts, 1);
        length_counts_add(&counts, lengths[i]);
        length_counts_add(&counts, REQUEST_MAX_TOKENS);
        const double median = length_counts_quantile(&counts, 0.5);
        const double tolerance = lengths[i] < LENGTH_COUNTS_EXACT ? 1e-9 : 1.23e-4 * lengths[i];
        ck_assert_double_eq_tol(median, lengths[i], tolerance);
        ck_assert_double_eq(length_counts_quantile(&counts, 1.0), REQUEST_MAX_TOKENS);
        length_counts_fini(&counts);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_names, test_one_request, test_prefix_hits, test_key_table,
                                  test_long_lengths};
    return unit_run("trace_statistics", tests, COUNT(tests));
}
