/* Traces of any format: what is understood, what is refused and where, what is skipped, and that
 * what is written reads back. */
#include "trace_reading.h"
#include "trace_writer.h"

#include <xxhash.h>

START_TEST(reads_seconds_exactly)
{
    struct reading reading =
        read_text(LLMSIM "0,1,1\n0.1,1,1\n0.100000001,1,1\n"
                         "0.30000000000000004,1,1\n0.9999999995,1,1\n"
                         "0000000000000001.000,1,1\n"
                         "0.000000000000000000000001e24,1,1\n12e-1,1,1\n"
                         "1700000000000000000000.4999999999e-12,1,1\n"
                         "1700000000.49999999951234,1,1\n4611686016.999999999,1,1\n");
    ck_assert_str_eq(reading.error.text, "");
    assert_request(&reading, 1, 100000000, 1, 1);
    assert_request(&reading, 2, 100000001, 1, 1);
    assert_request(&reading, 3, 300000000, 1, 1);
    assert_request(&reading, 4, 1000000000, 1, 1);
    assert_request(&reading, 5, 1000000000, 1, 1);
    assert_request(&reading, 6, 1000000000, 1, 1);
    assert_request(&reading, 7, 1200000000, 1, 1);
    assert_request(&reading, 8, 1700000000000000000, 1, 1);
    assert_request(&reading, 9, 1700000000500000000, 1, 1);
    assert_request(&reading, 10, 4611686016999999999, 1, 1);
}
END_TEST

START_TEST(counts_from_the_first_arrival)
{
    struct reading reading = read_text(LLMSIM "1700000000.25,5,6\n1700000001.5,7,8\n");
    assert_request(&reading, 0, 0, 5, 6);
    assert_request(&reading, 1, 1250000000, 7, 8);
}
END_TEST

START_TEST(takes_known_columns_and_no_others)
{
    struct reading reading = read_text("arrival_s,prompt_tokens,output_tokens,class,session_id\n"
                                       "0,1,2,chat,7\n1,3,4,,\n");
    ck_assert_int_eq(reading.count, 2);
    assert_request(&reading, 1, SIM_NS_PER_S, 3, 4);
    reading = read_text("arrival_s,prompt_tokens,output_tokens,priority\n0,1,2\n");
    assert_error(&reading, ":2:6: ", "ends before its priority; a row has 4 fields");
    reading = read_text("arrival_s,prompt_tokens,output_tokens,priority\n0,1,2,3,4\n");
    assert_error(&reading, ":2:9: ", "one field too many; a row has 4");
    reading = read_text("arrival_s,prompt_tokens,output_tokens,colour\n0,1,2,3\n");
    assert_error(&reading, ":1:1: ", "not the first line of a known trace format");
    reading = read_text("arrival_s,prompt_tokens,output_tokens,class,class\n0,1,2,3,4\n");
    assert_error(&reading, ":1:1: ", "not the first line of a known trace format");
}
END_TEST

START_TEST(reads_priorities_and_clients)
{
    struct reading reading =
        read_text("arrival_s,prompt_tokens,output_tokens,client,class,priority\n"
                  "0,1,2,alice,chat,-1000000000\n1,1,2,bob,chat,1000000000\n"
                  "2,1,2,,,0\n3,1,2,alice,,-0\n4,1,2,\"A b\",,007\n");
    ck_assert_str_eq(reading.error.text, "");
    static const struct {
        int priority;
        const char *client;
    } expected[] = {
        {-1000000000, "alice"}, {1000000000, "bob"}, {0, ""}, {0, "alice"}, {7, "\"A b\""}};
    ck_assert_int_eq(reading.count, COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++) {
        const char *client = expected[i].client;
        ck_assert_int_eq(reading.requests[i].priority, expected[i].priority);
        ck_assert_uint_eq(reading.requests[i].client,
                          *client != '\0' ? XXH64(client, strlen(client), 0) : 0);
    }
    reading = read_text("arrival_s,prompt_tokens,output_tokens,client\n0,1,2,\n1,3,4\n");
    assert_error(&reading, ":3:6: ", "ends before its client; a row has 4 fields");
}
END_TEST

START_TEST(refuses_priorities_that_are_none)
{
    static const char *const priorities[] = {
        "",    "high", "-",          "+1",          "1.0",
        "1e3", " 1",   "1000000001", "-1000000001", "99999999999999999999",
    };
    for (size_t i = 0; i < COUNT(priorities); i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "arrival_s,prompt_tokens,output_tokens,priority,client\n"
                 "0,1,2,3,a\n1,1,2,%s,b\n2,1,2,5,\n",
                 priorities[i]);
        struct reading reading = read_text(text);
        ck_assert_int_eq(reading.count, 1);
        assert_error(&reading,
                     ":3:7: priority: ", "is not a whole number from -1000000000 to 1000000000");
        reading = read_skipping(text);
        ck_assert_int_eq(reading.count, 2);
        ck_assert_int_eq(reading.requests[1].priority, 5);
        ck_assert_uint_eq(reading.requests[1].client, 0);
    }
}
END_TEST

/* Nothing of one row is left in the next, whatever the format says nothing about. */
START_TEST(says_nothing_of_what_it_does_not_read)
{
    static const char *const texts[] = {
        LLMSIM "0,1,1\n",
        AZURE "2024-05-10 00:00:00,1,1\n",
        "arrival_s,prompt_tokens,output_tokens,session_id,class\n0,1,1,5,chat\n",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct reading reading = read_text(texts[i]);
        ck_assert_int_eq(reading.count, 1);
        ck_assert_int_eq(reading.requests[0].priority, 0);
        ck_assert_uint_eq(reading.requests[0].client, 0);
        ck_assert_ptr_null(reading.requests[0].prefix_ids);
        ck_assert_int_eq(reading.requests[0].prefix_id_count, 0);
        ck_assert_int_eq(reading.requests[0].prefix_id_tokens, 0);
    }
}
END_TEST

START_TEST(refuses_bad_rows_at_their_column)
{
    static const struct {
        const char *row, *where, *what;
    } cases[] = {
        {"1.5,10", ":3:7: ", "the row ends before its output_tokens; a row has 3 fields"},
        {"1.5", ":3:4: ", "the row ends before its prompt_tokens"},
        {"1.5,10,20,", ":3:11: ", "one field too many; a row has 3"},
        {"1.5,10,20,30", ":3:11: ", "one field too many"},
        {"1.5,ten,20", ":3:5: prompt_tokens: ", "'ten' is not a whole number from 1 to 100000000"},
        {"1.5,10,", ":3:8: output_tokens: ", "'' is not a whole number"},
        {"1.5,0,20", ":3:5: prompt_tokens: ", "'0' is not"},
        {"1.5,10,-1", ":3:8: output_tokens: ", "'-1' is not"},
        {"1.5,10,2.5", ":3:8: output_tokens: ", "'2.5' is not"},
        {"1.5,10,20 ", ":3:8: output_tokens: ", "'20 ' is not"},
        {"1.5,100000001,20", ":3:5: prompt_tokens: ", "'100000001' is not"},
        {"1.5,10,99999999999999999999999", ":3:8: output_tokens: ", "is not a whole number"},
        {"1.5.5,10,20", ":3:1: arrival_s: ", "'1.5.5' is not a time"},
        {"-1,10,20", ":3:1: arrival_s: ", "'-1' is not a time"},
        {"1.,10,20", ":3:1: arrival_s: ", "'1.' is not a time"},
        {".5,10,20", ":3:1: arrival_s: ", "'.5' is not a time"},
        {"1e,10,20", ":3:1: arrival_s: ", "'1e' is not a time"},
        {"1e99,10,20", ":3:1: arrival_s: ", "'1e99' is not a time"},
        {"1e3x,10,20", ":3:1: arrival_s: ", "'1e3x' is not a time"},
        {"nan,10,20", ":3:1: arrival_s: ", "'nan' is not a time"},
        {"4611686018,10,20", ":3:1: arrival_s: ", "is not a time from 0 to 4611686017"},
        {"4611686017.000000001,10,20", ":3:1: arrival_s: ", "is not a time from 0"},
        {"99999999999999999999999,10,20", ":3:1: arrival_s: ", "is not a time"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[200];
        snprintf(text, sizeof text, LLMSIM "1,1,1\n%s\n2,1,1\n", cases[i].row);
        struct reading reading = read_text(text);
        ck_assert_int_eq(reading.count, 1);
        ck_assert_int_eq(reading.ended, SOURCE_ERROR);
        assert_error(&reading, cases[i].where, cases[i].what);
        reading = read_skipping(text);
        ck_assert_int_eq(reading.ended, SOURCE_END);
        ck_assert_int_eq(reading.count, 2);
        ck_assert_int_eq(reading.skipped_rows, 1);
    }
}
END_TEST

START_TEST(refuses_nul_bytes)
{
    static const char text[] = LLMSIM "0,1\0,1\n";
    struct reading reading = read_bytes(text, sizeof text - 1, config_of_trace());
    ck_assert(!reading.opened);
    assert_error(&reading, ":2:3: prompt_tokens: ", "a NUL byte");
    static const char header[] = "arrival_s\0,prompt_tokens,output_tokens\n0,1,1\n";
    reading = read_bytes(header, sizeof header - 1, config_of_trace());
    ck_assert(!reading.opened);
    assert_error(&reading, ":1:1: ", "known trace format");
}
END_TEST

START_TEST(shows_long_fields_cut)
{
    char text[400] = LLMSIM "0,";
    size_t length = strlen(text);
    memset(text + length, 'x', 300);
    memcpy(text + length + 300, ",1\n", sizeof ",1\n");
    struct reading reading = read_text(text);
    assert_error(&reading, ":2:3: ", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' is not");
}
END_TEST

START_TEST(allows_empty_lines_at_the_end_only)
{
    struct reading reading = read_text(LLMSIM "0,1,1\n1,1,1\n\n\r\n\n");
    ck_assert_int_eq(reading.ended, SOURCE_END);
    ck_assert_int_eq(reading.count, 2);
    ck_assert_int_eq(reading.skipped_rows, 0);
    reading = read_text(LLMSIM "0,1,1\n\n\n1,1,1\n");
    ck_assert_int_eq(reading.count, 1);
    assert_error(&reading, ":3:1: ", "an empty line between rows");
    reading = read_skipping(LLMSIM "0,1,1\n\n\n1,1,1\n\n");
    ck_assert_int_eq(reading.count, 2);
    ck_assert_int_eq(reading.skipped_rows, 2);
}
END_TEST

START_TEST(refuses_files_without_requests)
{
    struct reading reading = read_text("");
    ck_assert(!reading.opened);
    assert_error(&reading, ": ", "an empty file");
    reading = read_text(AZURE);
    assert_error(&reading, ": ", "a trace without requests: there is only a header");
    reading = read_text("TIMESTAMP,ContextTokens,GeneratedTokens\r\n\r\n");
    assert_error(&reading, ": ", "there is only a header");
    reading = read_skipping(LLMSIM "a,1,1\n0,0,1\n");
    assert_error(&reading, ": ", "a trace without requests: all 2 rows are bad");
    reading = read_text("a,b,c\n1,2,3\n");
    assert_error(&reading, ":1:1: 'a,b,c' is not the first line of a known trace format",
                 "(known: azure, burstgpt, ");
    struct workload_config config = config_of_trace();
    config.trace = "/nonexistent/trace.csv";
    struct request_source source;
    ck_assert(!workload_open(&config, 0, &source, &reading.error));
    ck_assert_int_eq(reading.error.kind, ERROR_INPUT);
}
END_TEST

START_TEST(holds_a_named_format_to_its_name)
{
    static const char text[] = LLMSIM "0,1,1\n";
    struct workload_config config = config_of_trace();
    config.format = format_index("llmsim");
    struct reading reading = read_bytes(text, sizeof text - 1, config);
    ck_assert_int_eq(reading.count, 1);
    config.format = format_index("azure");
    reading = read_bytes(text, sizeof text - 1, config);
    ck_assert(!reading.opened);
    assert_error(&reading, ":1:1: ",
                 "not of format 'azure', which begins with "
                 "'TIMESTAMP,[NumImages,]ContextTokens,GeneratedTokens'; this is 'llmsim'");
}
END_TEST

START_TEST(passes_over_a_byte_order_mark)
{
    struct reading reading = read_text("\xEF\xBB\xBF" LLMSIM "0,1,1\n");
    ck_assert_int_eq(reading.count, 1);
}
END_TEST

START_TEST(scales_the_rate_and_stops_early)
{
    static const char text[] = LLMSIM "0,1,1\n1,1,1\n3,1,1\nbad\n";
    struct workload_config config = config_of_trace();
    config.transform.rate_scale = 3.0;
    config.transform.max_requests = 3;
    struct reading reading = read_bytes(text, sizeof text - 1, config);
    ck_assert_int_eq(reading.ended, SOURCE_END);
    ck_assert_int_eq(reading.count, 3);
    assert_request(&reading, 1, 333333333, 1, 1);
    assert_request(&reading, 2, 1000000000, 1, 1);
    static const char late[] = LLMSIM "0,1,1\n4000000000,1,1\n";
    config.transform.rate_scale = 0.5;
    reading = read_bytes(late, sizeof late - 1, config);
    ck_assert_int_eq(reading.error.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(reading.error.text, "not within 146 years of the first arrival"));
}
END_TEST

/* What was written, read again; `written` receives the text. */
static struct reading write_and_read(const char *text, const char *format, char *written,
                                     size_t size)
{
    char path[] = "/tmp/llmsim_trace_XXXXXX";
    int descriptor = mkstemp(path);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, text, strlen(text)), (ssize_t)strlen(text));
    close(descriptor);
    struct workload_config config = config_of_trace();
    config.trace = path;
    struct request_source source;
    struct error error = {0};
    ck_assert_msg(workload_open(&config, 0, &source, &error), "%s", error.text);
    struct trace_losses losses;
    FILE *stream = fmemopen(written, size, "w");
    ck_assert_ptr_nonnull(stream);
    ck_assert_int_gt(trace_write(&source, trace_format_find_written(format, &error), stream, NULL,
                                 &losses, &error),
                     0);
    fclose(stream);
    source.destroy(source.state);
    unlink(path);
    return read_text(written);
}

START_TEST(writes_what_it_reads)
{
    static const char text[] = LLMSIM "5,374,44\n9.314579199,396,109\n31500005,1,2\n";
    char written[400];
    struct reading reading = write_and_read(text, "llmsim", written, sizeof written);
    ck_assert_str_eq(written, LLMSIM_ALL "0.000000000,374,44,,,,,0\n4.314579199,396,109,,,,,0\n"
                                         "31500000.000000000,1,2,,,,,0\n");
    assert_request(&reading, 1, 4314579199, 396, 109);
    reading = write_and_read(text, "azure", written, sizeof written);
    ck_assert_str_eq(written, AZURE "2023-11-16 18:00:00.0000000,374,44\n"
                                    "2023-11-16 18:00:04.3145791,396,109\n"
                                    "2024-11-15 08:00:00.0000000,1,2\n");
    assert_request(&reading, 1, 4314579100, 396, 109);
    assert_request(&reading, 2, 31500000 * SIM_NS_PER_S, 1, 2);
}
END_TEST

START_TEST(writes_only_known_formats)
{
    struct error error = {0};
    ck_assert_ptr_null(trace_format_find_written("azur", &error));
    ck_assert_str_eq(error.text,
                     "no trace can be written in format 'azur' (did you mean 'azure'?)");
    ck_assert_str_eq(trace_format_find_written("azure", &error)->name, "azure");
}
END_TEST

START_TEST(reports_a_full_disk)
{
    FILE *full = fopen("/dev/full", "w");
    if (full == NULL)
        return;
    setvbuf(full, NULL, _IONBF, 0);
    struct workload_config config = config_of_trace();
    char path[] = "/tmp/llmsim_trace_XXXXXX";
    int descriptor = mkstemp(path);
    ck_assert_int_eq(write(descriptor, LLMSIM "0,1,1\n", 44), 44);
    close(descriptor);
    config.trace = path;
    struct request_source source;
    struct error error = {0};
    struct trace_losses losses;
    ck_assert(workload_open(&config, 0, &source, &error));
    ck_assert_int_eq(trace_write(&source, &trace_format_azure, full, NULL, &losses, &error), -1);
    ck_assert_int_eq(error.kind, ERROR_RUN);
    source.destroy(source.state);
    fclose(full);
    unlink(path);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {reads_seconds_exactly,
                                  counts_from_the_first_arrival,
                                  takes_known_columns_and_no_others,
                                  reads_priorities_and_clients,
                                  refuses_priorities_that_are_none,
                                  says_nothing_of_what_it_does_not_read,
                                  refuses_bad_rows_at_their_column,
                                  refuses_nul_bytes,
                                  shows_long_fields_cut,
                                  allows_empty_lines_at_the_end_only,
                                  refuses_files_without_requests,
                                  holds_a_named_format_to_its_name,
                                  passes_over_a_byte_order_mark,
                                  scales_the_rate_and_stops_early,
                                  writes_what_it_reads,
                                  writes_only_known_formats,
                                  reports_a_full_disk};
    return unit_run("trace reader", tests, COUNT(tests));
}
