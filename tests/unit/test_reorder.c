/* Rows out of order: what the window mends, what it holds meanwhile, and what comes too late. */
#include "reorder.h"
#include "trace_reading.h"

enum { MAX_IDS = TRACE_ROW_MAX_IDS };

static struct reorder *create(void)
{
    struct error error = {0};
    struct reorder *reorder = reorder_create(MAX_IDS, &error);
    ck_assert_msg(reorder != NULL, "%s", error.text);
    return reorder;
}

/* A row whose ids and session follow from its number. */
static void put(struct reorder *reorder, int64_t arrival_ns, int number, int id_count)
{
    char name[32];
    uint64_t *ids = NULL;
    struct request *request = reorder_begin(reorder, &ids);
    ck_assert_int_eq(request->session.bytes, 0);
    ck_assert_ptr_null(request->prefix_ids);
    request->arrival_ns = arrival_ns;
    request->prompt_tokens = number;
    for (int i = 0; i < id_count; i++)
        ids[i] = (uint64_t)number << 32 | (unsigned)i;
    request->prefix_ids = id_count > 0 ? ids : NULL;
    request->prefix_id_count = id_count;
    request->session = (struct request_name){name, snprintf(name, sizeof name, "row %d", number)};
    if (number % 3 == 0)
        request->class_name = (struct request_name){"chat", 4};
    const struct source_left_out mark = {.bad_rows = 2 * number};
    reorder_put(reorder, &mark);
    memset(name, '#', sizeof name);
}

/* Its number. */
static int take(struct reorder *reorder, int64_t *arrival_ns)
{
    char name[32];
    struct request request;
    struct source_left_out mark = {0};
    reorder_take(reorder, &request, &mark);
    const int number = request.prompt_tokens;
    const int bytes = snprintf(name, sizeof name, "row %d", number);
    ck_assert_int_eq(mark.bad_rows, 2 * number);
    bool right = request.session.bytes == bytes &&
                 memcmp(request.session.text, name, (size_t)bytes) == 0 &&
                 request.client_name.bytes == 0;
    right &= number % 3 != 0
                 ? request.class_name.bytes == 0
                 : request.class_name.bytes == 4 && memcmp(request.class_name.text, "chat", 4) == 0;
    for (int i = 0; i < request.prefix_id_count; i++)
        right &= request.prefix_ids[i] == ((uint64_t)number << 32 | (unsigned)i);
    ck_assert(right);
    *arrival_ns = request.arrival_ns;
    return number;
}

START_TEST(orders_by_time_and_keeps_ties)
{
    static const int64_t times[] = {5, 3, 5, 9, 3, 3, 0, 9};
    static const int expected[] = {6, 1, 4, 5, 0, 2, 3, 7};
    struct reorder *reorder = create();
    ck_assert(reorder_is_empty(reorder));
    for (int i = 0; i < (int)COUNT(times); i++)
        put(reorder, times[i], i, i);
    for (size_t i = 0; i < COUNT(expected); i++) {
        int64_t arrival_ns = 0;
        ck_assert_int_eq(take(reorder, &arrival_ns), expected[i]);
        ck_assert_int_eq(arrival_ns, times[expected[i]]);
    }
    ck_assert(reorder_is_empty(reorder));
    reorder_destroy(reorder);
    reorder_destroy(NULL);
}
END_TEST

START_TEST(holds_so_many_rows)
{
    struct reorder *reorder = create();
    int64_t arrival_ns = 0;
    for (int i = 0; i < REORDER_ROWS; i++) {
        ck_assert(!reorder_is_full(reorder));
        put(reorder, -i, i, 0);
    }
    ck_assert(reorder_is_full(reorder));
    ck_assert_int_eq(take(reorder, &arrival_ns), REORDER_ROWS - 1);
    ck_assert(!reorder_is_full(reorder));
    reorder_destroy(reorder);
}
END_TEST

/* Rows of the most ids there can be fill it sooner, and what they held is there for others. */
START_TEST(holds_so_many_ids)
{
    struct reorder *reorder = create();
    int64_t arrival_ns = 0;
    for (int i = 0; i < 50; i++) {
        while (!reorder_is_full(reorder))
            put(reorder, i, i, i % 2 == 0 ? MAX_IDS : MAX_IDS / 2 + 7 * i);
        ck_assert_int_eq(take(reorder, &arrival_ns), i > 0 ? i - 1 : 0);
        while (!reorder_is_empty(reorder))
            take(reorder, &arrival_ns);
        put(reorder, i, i, 10);
    }
    reorder_destroy(reorder);
}
END_TEST

/* As sorting all of them would have it: rows that are late by less than the window, with so many
 * ids that what is held moves about. */
START_TEST(mends_whatever_fits_the_window)
{
    enum { ROWS = 60000 };
    struct reorder *reorder = create();
    uint64_t random = 1;
    int64_t last_ns = -1;
    int last = -1;
    int taken = 0;
    for (int i = 0; taken < ROWS;) {
        while (i < ROWS && !reorder_is_full(reorder)) {
            random = random * 6364136223846793005U + 1442695040888963407U;
            const int64_t late = i % 7 == 0 ? (int64_t)(random >> 33) % 900 : 0;
            put(reorder, i / 5 * 5 - late, i, (int)(random >> 60));
            i++;
        }
        int64_t arrival_ns = 0;
        const int number = take(reorder, &arrival_ns);
        ck_assert(arrival_ns > last_ns || (arrival_ns == last_ns && number > last) || taken == 0);
        last_ns = arrival_ns;
        last = number;
        taken++;
    }
    ck_assert(reorder_is_empty(reorder));
    reorder_destroy(reorder);
}
END_TEST

START_TEST(delivers_unsorted_rows_in_order)
{
    struct reading reading = read_text(LLMSIM "5,5,1\n7,7,1\n5,6,1\n2.5,2,1\n8,8,1\n");
    ck_assert_str_eq(reading.error.text, "");
    ck_assert_int_eq(reading.count, 5);
    assert_request(&reading, 0, 0, 2, 1);
    assert_request(&reading, 1, 2500000000, 5, 1);
    assert_request(&reading, 2, 2500000000, 6, 1);
    assert_request(&reading, 3, 4500000000, 7, 1);
    reading = read_text("{\"timestamp\":9,\"input_length\":600,\"output_length\":1,"
                        "\"hash_ids\":[3,4]}\n"
                        "{\"timestamp\":1,\"input_length\":600,\"output_length\":1,"
                        "\"hash_ids\":[5,6]}\n");
    ck_assert_int_eq(reading.count, 2);
    ck_assert_uint_eq(reading.prefix_ids[0][0], 5);
    ck_assert_uint_eq(reading.prefix_ids[1][1], 4);
}
END_TEST

/* `rows` rows at `format`'s times 1 …, between a header and a last row. */
static char *many_rows(const char *header, const char *format, int rows, const char *last)
{
    const size_t room = strlen(header) + (size_t)rows * 100 + strlen(last) + 1;
    char *text = malloc(room);
    size_t used = (size_t)snprintf(text, room, "%s", header);
    for (int i = 1; i <= rows; i++)
        used += (size_t)snprintf(text + used, room - used, format, i);
    snprintf(text + used, room - used, "%s", last);
    return text;
}

/* Read all; how many requests came before the end, or the error in reading->error. */
static int count_requests(const char *text, struct workload_config config, struct reading *reading)
{
    int count = 0;
    int64_t last_ns = 0;
    struct request request;
    struct request_source source;
    *reading = (struct reading){.path = "/tmp/llmsim_trace_XXXXXX"};
    const int descriptor = mkstemp(reading->path);
    ck_assert_int_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
    config.trace = reading->path;
    ck_assert_msg(workload_open(&config, 0, &source, &reading->error), "%s", reading->error.text);
    while ((reading->ended = source.next(source.state, &request, &reading->error)) ==
           SOURCE_REQUEST) {
        ck_assert_int_ge(request.arrival_ns, last_ns);
        last_ns = request.arrival_ns;
        count++;
    }
    reading->skipped_rows = source.left_out(source.state).bad_rows;
    source.destroy(source.state);
    unlink(reading->path);
    return count;
}

START_TEST(refuses_rows_beyond_the_window)
{
    struct reading reading;
    char *text = many_rows(LLMSIM, "%d,1,1\n", REORDER_ROWS - 1, "0,1,1\n");
    ck_assert_int_eq(count_requests(text, config_of_trace(), &reading), REORDER_ROWS);
    free(text);
    text = many_rows(LLMSIM, "%d,1,1\n", REORDER_ROWS, "1,1,1\n");
    ck_assert_int_eq(count_requests(text, config_of_trace(), &reading), REORDER_ROWS + 1);
    free(text);
    text = many_rows(LLMSIM, "%d,1,1\n", REORDER_ROWS, "0.25,1,1\n9999,1,1\n");
    ck_assert_int_eq(count_requests(text, config_of_trace(), &reading), REORDER_ROWS);
    assert_error(&reading, ":1026:1: time runs back by 0.75 s, across more than the 1024 rows",
                 "; sort it, as plain text: (head -n 1 FILE; tail -n +2 FILE | LC_ALL=C sort -s "
                 "-t, -k1,1n) > sorted.csv");
    struct workload_config skipping = config_of_trace();
    skipping.on_bad_row = 1;
    ck_assert_int_eq(count_requests(text, skipping, &reading), REORDER_ROWS + 1);
    ck_assert_int_eq(reading.ended, SOURCE_END);
    ck_assert_int_eq(reading.skipped_rows, 1);
    free(text);
}
END_TEST

START_TEST(says_how_to_sort_other_formats)
{
    static const struct {
        const char *header, *format, *last, *where, *what;
    } cases[] = {
        {LLMSIM, "%d,1,1\n", "1e-1,1,1\n", ":2002:1: time", "-k1,1g) > sorted.csv"},
        {AZURE, "2024-05-10 00:00:00.%09d,1,1\n", "2024-05-09 23:59:59,1,1\n", ":2002:1: time",
         "by 1.00000098 s, across more than the 1024 rows that are put in order (fewer where they "
         "have many ids); sort it, as plain text: (head -n 1 FILE; tail -n +2 FILE | LC_ALL=C "
         "sort -s -t, -k1,1) > sorted.csv"},
        {"", "{\"timestamp\": %d, \"input_length\": 1, \"output_length\": 1}\n",
         "{\"input_length\": 1, \"output_length\": 1, \"timestamp\" : 0}\n", ":2001:55: time",
         "; sort it, as plain text: python3 -c \"import json, sys; print(*sorted(map(str.strip, "
         "sys.stdin), key=lambda row: json.loads(row)['timestamp']), sep='\\n')\" < FILE > "
         "sorted.jsonl"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct reading reading;
        char *text = many_rows(cases[i].header, cases[i].format, 2000, cases[i].last);
        ck_assert_int_eq(count_requests(text, config_of_trace(), &reading), 2000);
        assert_error(&reading, cases[i].where, cases[i].what);
        free(text);
    }
}
END_TEST

/* What is wrong with a row is not known before the rows ahead of it are through. */
START_TEST(tells_errors_when_their_time_has_come)
{
    struct reading reading;
    struct workload_config config = config_of_trace();
    char *text = many_rows(LLMSIM, "%d,1,1\n", 500, "bad\n600,1,1\n");
    ck_assert_int_eq(count_requests(text, config, &reading), 500);
    assert_error(&reading, ":502:1: arrival_s: ", "'bad' is not a time");
    config.transform.max_requests = 10;
    ck_assert_int_eq(count_requests(text, config, &reading), 10);
    ck_assert_int_eq(reading.ended, SOURCE_END);
    config.on_bad_row = 1;
    ck_assert_int_eq(count_requests(text, config, &reading), 10);
    ck_assert_int_eq(reading.skipped_rows, 0);
    config.transform.max_requests = 501;
    ck_assert_int_eq(count_requests(text, config, &reading), 501);
    ck_assert_int_eq(reading.skipped_rows, 1);
    free(text);
}
END_TEST

/* Centuries apart, whichever comes first. */
START_TEST(refuses_times_too_far_apart)
{
    struct reading reading = read_text(AZURE "1980-01-01 00:00:00,1,1\n2190-01-01 00:00:00,1,1\n");
    ck_assert_int_eq(reading.count, 1);
    assert_error(&reading, ":3:1: too late: ", "is not within 146 years of the first arrival");
    reading = read_text(AZURE "2190-01-01 00:00:00,1,1\n1980-01-01 00:00:00,1,1\n");
    ck_assert_int_eq(reading.count, 1);
    assert_error(&reading, ":3:1: too early: ", "is not within 146 years of the rows before");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {orders_by_time_and_keeps_ties,
                                  holds_so_many_rows,
                                  holds_so_many_ids,
                                  mends_whatever_fits_the_window,
                                  delivers_unsorted_rows_in_order,
                                  refuses_rows_beyond_the_window,
                                  says_how_to_sort_other_formats,
                                  tells_errors_when_their_time_has_come,
                                  refuses_times_too_far_apart};
    return unit_run("reorder", tests, COUNT(tests));
}
