/* The per-request CSV: rows in order of arrival, whatever the order of completion. */
#include "unit.h"

#include "request_log.h"
#include "rng.h"
#include <gsl/gsl_randist.h>

#define HEADER                                                                                     \
    "request_id,arrival_s,prompt_tokens,output_tokens,cached_tokens,scheduled_s,first_token_s,"    \
    "finished_s,ttft_s,tpot_s,e2e_s,preemptions,status,queue_s,prefill_s,interference_s,decode_s," \
    "preemption_s,transfer_s,host_s\n"

static char *text;
static size_t length;

static struct request_log new_log(void)
{
    struct request_log log;
    FILE *stream = open_memstream(&text, &length);
    ck_assert(request_log_init(&log, stream));
    return log;
}

static void finish(struct request_log *log)
{
    FILE *stream = log->stream;
    ck_assert(!log->out_of_memory);
    request_log_fini(log);
    ck_assert_int_eq(fclose(stream), 0);
}

START_TEST(test_rows)
{
    struct request_log log = new_log();
    struct request_outcome whole = {.request_id = 1,
                                    .arrival_ns = 1500000000,
                                    .scheduled_ns = 1500000001,
                                    .first_token_ns = 2000000000,
                                    .finished_ns = 12000000002,
                                    .prompt_tokens = 10,
                                    .output_tokens = 3,
                                    .cached_tokens = 4,
                                    .preemptions = 2,
                                    .parts_ns = {1, 2, 3, 4, 5, 6, 10500000002}};
    struct request_outcome one_token = {.request_id = 0,
                                        .first_token_ns = 7,
                                        .finished_ns = 7,
                                        .prompt_tokens = 1,
                                        .output_tokens = 1,
                                        .parts_ns = {[TIME_PREFILL] = 7}};
    struct request_outcome rejected = {.request_id = 2,
                                       .arrival_ns = INT64_MAX / 2,
                                       .scheduled_ns = -1,
                                       .first_token_ns = -1,
                                       .finished_ns = -1,
                                       .prompt_tokens = 100000000,
                                       .output_tokens = 5,
                                       .status = REQUEST_REJECTED};
    request_log_add(&log, &rejected);
    request_log_add(&log, &whole);
    request_log_add(&log, &one_token);
    finish(&log);
    ck_assert_str_eq(text, HEADER
                     "0,0.000000000,1,1,0,0.000000000,0.000000007,0.000000007,0.000000007,,"
                     "0.000000007,0,completed,0.000000000,0.000000007,0.000000000,"
                     "0.000000000,0.000000000,0.000000000,0.000000000\n"
                     "1,1.500000000,10,3,4,1.500000001,2.000000000,12.000000002,0.500000000,"
                     "5.000000001,10.500000002,2,completed,0.000000001,0.000000002,0.000000003,"
                     "0.000000004,0.000000005,0.000000006,10.500000002\n"
                     "2,4611686018.427387903,100000000,5,0,,,,,,,0,rejected,,,,,,,\n");
    free(text);
}
END_TEST

START_TEST(test_only_a_header)
{
    struct request_log log = new_log();
    finish(&log);
    ck_assert_str_eq(text, HEADER);
    free(text);
}
END_TEST

/* Rows come as soon as their turn does, not only at the end. */
START_TEST(test_rows_are_written_in_time)
{
    struct request_log log = new_log();
    struct request_outcome outcome = {.output_tokens = 1};
    request_log_add(&log, &outcome);
    fflush(log.stream);
    ck_assert_uint_gt(length, strlen(HEADER));
    size_t before = length;
    outcome.request_id = 2;
    request_log_add(&log, &outcome);
    fflush(log.stream);
    ck_assert_uint_eq(length, before);
    outcome.request_id = 1;
    request_log_add(&log, &outcome);
    fflush(log.stream);
    ck_assert_uint_gt(length, before);
    finish(&log);
    free(text);
}
END_TEST

static bool is_ordered(int64_t count)
{
    const char *line = text + strlen(HEADER);
    for (int64_t id = 0; id < count; id++) {
        char *end = NULL;
        if (strtoll(line, &end, 10) != id || *end != ',')
            return false;
        line = strchr(line, '\n') + 1;
    }
    return *line == '\0';
}

/* The first request finishes last: all others wait for it, in a ring that grows. */
START_TEST(test_growth)
{
    enum { REQUESTS = 10000 };
    struct request_log log = new_log();
    struct request_outcome outcome = {.output_tokens = 1};
    for (int64_t id = REQUESTS - 1; id >= 0; id--) {
        outcome.request_id = id;
        request_log_add(&log, &outcome);
    }
    ck_assert_int_eq(log.next_id, REQUESTS);
    finish(&log);
    ck_assert(is_ordered(REQUESTS));
    free(text);
}
END_TEST

/* Batches of any size, shuffled, so that the ring grows with its start anywhere. */
START_TEST(test_shuffled)
{
    enum { REQUESTS = 50000 };
    static int64_t order[REQUESTS];
    gsl_rng *rng = rng_create(1, "test");
    for (int i = 0; i < REQUESTS; i++)
        order[i] = i;
    for (size_t start = 0, size = 1; start < REQUESTS; start += size, size += size / 2 + 1) {
        if (size > REQUESTS - start)
            size = REQUESTS - start;
        gsl_ran_shuffle(rng, order + start, size, sizeof *order);
    }
    gsl_rng_free(rng);
    struct request_log log = new_log();
    struct request_outcome outcome = {.output_tokens = 1};
    for (int i = 0; i < REQUESTS; i++) {
        outcome.request_id = order[i];
        request_log_add(&log, &outcome);
    }
    finish(&log);
    ck_assert(is_ordered(REQUESTS));
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_rows, test_only_a_header, test_rows_are_written_in_time,
                                  test_growth, test_shuffled};
    return unit_run("request_log", tests, COUNT(tests));
}
