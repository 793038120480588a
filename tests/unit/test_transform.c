/* What may be done to a workload's requests. */
#include "trace_reading.h"

#define FOUR "arrival_s,prompt_tokens,output_tokens\n10,100,10\n11,200,20\n13,300,30\n16,400,40\n"

static struct reading transformed(const char *text, struct transform_config transform)
{
    struct workload_config config = config_of_trace();
    config.transform = transform;
    return read_bytes(text, strlen(text), config);
}

static struct transform_config unchanged(void)
{
    return config_of_trace().transform;
}

static void assert_no_request_is_left(struct transform_config transform)
{
    struct reading reading = transformed(FOUR, transform);
    ck_assert(!reading.opened);
    ck_assert_int_eq(reading.error.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(reading.error.text, "no request is left"));
}

/* The first that is left is at 0; the window's end is not in it. */
START_TEST(a_window_cuts_both_ends)
{
    struct transform_config transform = unchanged();
    transform.start_s = 1.0;
    transform.duration_s = 5.0;
    struct reading reading = transformed(FOUR, transform);
    ck_assert_int_eq(reading.count, 2);
    assert_request(&reading, 0, 0, 200, 20);
    assert_request(&reading, 1, 2 * SIM_NS_PER_S, 300, 30);
    transform.duration_s = 5.000000001;
    ck_assert_int_eq(transformed(FOUR, transform).count, 3);
    transform.start_s = 6.5;
    assert_no_request_is_left(transform);
}
END_TEST

/* What lies behind the window is not read: it may be anything. */
START_TEST(nothing_behind_the_window_is_read)
{
    struct transform_config transform = unchanged();
    transform.duration_s = 4.0;
    ck_assert_int_eq(transformed(FOUR "bad\n", transform).ended, SOURCE_END);
    transform = unchanged();
    transform.max_requests = 4;
    ck_assert_int_eq(transformed(FOUR "bad\n", transform).ended, SOURCE_END);
}
END_TEST

START_TEST(lengths_are_scaled_and_never_empty)
{
    struct transform_config transform = unchanged();
    transform.prompt_scale = 1.5;
    transform.output_scale = 0.01;
    struct reading reading = transformed(FOUR, transform);
    assert_request(&reading, 0, 0, 150, 1);
    assert_request(&reading, 3, 6 * SIM_NS_PER_S, 600, 1);
    transform.prompt_scale = 1e4;
    const char *huge = "arrival_s,prompt_tokens,output_tokens\n0,100000,1\n";
    reading = transformed(huge, transform);
    assert_request(&reading, 0, 0, REQUEST_MAX_TOKENS, 1);
}
END_TEST

/* Two prompts go on sharing the share of them that they shared. */
START_TEST(ids_stand_for_scaled_blocks)
{
    const char *text = "{\"timestamp\": 0, \"input_length\": 1200, \"output_length\": 2, "
                       "\"hash_ids\": [1, 2, 3]}\n";
    struct transform_config transform = unchanged();
    transform.prompt_scale = 0.5;
    struct reading reading = transformed(text, transform);
    ck_assert_int_eq(reading.requests[0].prompt_tokens, 600);
    ck_assert_int_eq(reading.requests[0].prefix_id_tokens, 256);
    ck_assert_int_eq(reading.requests[0].prefix_id_count, 3);
    transform.prompt_scale = 0.0011; /* 1.32 tokens: one, of which an id stands for one as well */
    reading = transformed(text, transform);
    ck_assert_int_eq(reading.requests[0].prompt_tokens, 1);
    ck_assert_int_eq(reading.requests[0].prefix_id_tokens, 1);
    ck_assert_int_eq(reading.requests[0].prefix_id_count, 1);
}
END_TEST

/* A mean gap apart, so that the rate stays what it was. */
START_TEST(repetitions_follow_a_mean_gap_apart)
{
    struct transform_config transform = unchanged();
    transform.repeat = 3;
    struct reading reading = transformed(FOUR, transform);
    ck_assert_int_eq(reading.count, 12);
    assert_request(&reading, 4, 8 * SIM_NS_PER_S, 100, 10);
    assert_request(&reading, 7, 14 * SIM_NS_PER_S, 400, 40);
    assert_request(&reading, 8, 16 * SIM_NS_PER_S, 100, 10);
    transform.max_requests = 6;
    transform.rate_scale = 2.0;
    reading = transformed(FOUR, transform);
    ck_assert_int_eq(reading.count, 6);
    assert_request(&reading, 5, 4500 * SIM_NS_PER_S / 1000, 200, 20);
}
END_TEST

START_TEST(a_repetition_shares_no_prefix_with_another)
{
    const char *text =
        "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 2, \"hash_ids\": [1, 2]}\n"
        "{\"timestamp\": 9, \"input_length\": 600, \"output_length\": 2, \"hash_ids\": [1, 5]}\n";
    struct transform_config transform = unchanged();
    transform.repeat = 2;
    struct reading reading = transformed(text, transform);
    ck_assert_int_eq(reading.count, 4);
    ck_assert_uint_eq(reading.prefix_ids[0][0], 1);
    ck_assert_uint_ne(reading.prefix_ids[2][0], 1);
    ck_assert_uint_eq(reading.prefix_ids[2][0], reading.prefix_ids[3][0]);
    ck_assert_uint_ne(reading.prefix_ids[2][1], reading.prefix_ids[3][1]);
}
END_TEST

/* Four requests in 6 s are 3 gaps, and 0.5 a second. */
START_TEST(the_target_rate_is_met)
{
    struct transform_config transform = unchanged();
    transform.target_rate_per_s = 0.25;
    struct reading reading = transformed(FOUR, transform);
    assert_request(&reading, 1, 2 * SIM_NS_PER_S, 200, 20);
    assert_request(&reading, 3, 12 * SIM_NS_PER_S, 400, 40);
    transform.max_requests = 3; /* the rate is that of what is left: 2 gaps in 3 s */
    reading = transformed(FOUR, transform);
    assert_request(&reading, 2, 8 * SIM_NS_PER_S, 300, 30);
    reading = transformed("arrival_s,prompt_tokens,output_tokens\n5,1,1\n5,1,1\n", transform);
    ck_assert_ptr_nonnull(strstr(reading.error.text, "arrive at once"));
}
END_TEST

static int32_t count_sampled(double share, uint64_t seed)
{
    struct document *document = document_create();
    struct workload_config config;
    struct request_source source;
    struct request request;
    struct error error = {0};
    char text[256];
    snprintf(text, sizeof text,
             "{arrivals: {process: constant, rate: 1}, num_requests: 10000, sample: %g,"
             " prompt_tokens: {distribution: constant, value: 8},"
             " output_tokens: {distribution: constant, value: 8}}",
             share);
    const struct node *node = document_read_text(document, "c.yaml", text, strlen(text), &error);
    ck_assert_ptr_nonnull(node);
    ck_assert(settings_read(document, &workload_settings, node, &config, &error) &&
              workload_check(&config, node, &error) &&
              workload_open(&config, seed, &source, &error));
    int32_t count = 0;
    while (source.next(source.state, &request, &error) == SOURCE_REQUEST) {
        ck_assert(count > 0 || request.arrival_ns == 0);
        count++;
    }
    source.destroy(source.state);
    document_destroy(document);
    return count;
}

/* Of 10000, within five standard deviations of a binomial distribution. */
START_TEST(a_sample_is_as_large_as_asked_and_repeatable)
{
    ck_assert_int_ge(count_sampled(0.3, 1), 3000 - 230);
    ck_assert_int_le(count_sampled(0.3, 1), 3000 + 230);
    ck_assert_int_eq(count_sampled(0.3, 1), count_sampled(0.3, 1));
    ck_assert_int_ne(count_sampled(0.3, 1), count_sampled(0.3, 2));
    ck_assert_int_eq(count_sampled(1.0, 1), 10000);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_window_cuts_both_ends,
        nothing_behind_the_window_is_read,
        lengths_are_scaled_and_never_empty,
        ids_stand_for_scaled_blocks,
        repetitions_follow_a_mean_gap_apart,
        a_repetition_shares_no_prefix_with_another,
        the_target_rate_is_met,
        a_sample_is_as_large_as_asked_and_repeatable,
    };
    return unit_run("transform", tests, COUNT(tests));
}
