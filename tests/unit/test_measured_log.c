/* Measured logs in all their formats: what is read, what is noted, what is refused. */
#include "measured_log.h"
#include "unit.h"

#include <math.h>

#define MS 1000000

static char directory[64];

static void set_up(void)
{
    unit_enter_directory(directory);
}

static void tear_down(void)
{
    ck_assert_int_eq(unlink("log"), 0);
    unit_leave_directory(directory);
}

static bool read_text(const char *text, struct measured_log *log, struct error *error)
{
    *error = (struct error){0};
    unit_write_file("log", text, strlen(text));
    return measured_log_read(log, "log", error);
}

static void read_good(const char *text, const char *format, size_t count, struct measured_log *log)
{
    struct error error;
    ck_assert_msg(read_text(text, log, &error), "%s", error.text);
    ck_assert_str_eq(log->format, format);
    ck_assert_uint_eq(log->count, count);
}

static void assert_request(const struct measured_log *log, size_t index, int64_t arrival_ms,
                           int64_t first_token_ms, int64_t finished_ms, int32_t prompt_tokens,
                           int32_t output_tokens)
{
    const struct measured_request *request = &log->requests[index];
    ck_assert_int_eq(request->arrival_ns, arrival_ms * MS);
    ck_assert_int_eq(request->first_token_ns, first_token_ms * MS);
    ck_assert_int_eq(request->finished_ns, finished_ms * MS);
    ck_assert_int_eq(request->prompt_tokens, prompt_tokens);
    ck_assert_int_eq(request->output_tokens, output_tokens);
}

static bool has_note(const struct measured_log *log, const char *text)
{
    for (size_t i = 0; i < log->note_count; i++) {
        if (strstr(log->notes[i], text) != NULL)
            return true;
    }
    return false;
}

static const char csv_header[] = "request_id,arrival_s,input_tokens,output_tokens,ttft_s,tpot_s,"
                                 "e2e_s,scheduled_s,first_token_s,finished_s\n";

/* Out of order, and not from 0. */
START_TEST(test_csv)
{
    struct measured_log log;
    char text[1024];
    snprintf(text, sizeof text,
             "%s1,12.5,100,11,0.5,0.1,1.5,12.75,13.0,14.0\r\n\n"
             "0,12.0,200,3,0.25,0.05,0.35,12.1,12.25,12.35",
             csv_header);
    read_good(text, "CSV", 2, &log);
    assert_request(&log, 0, 0, 250, 350, 200, 3);
    assert_request(&log, 1, 500, 1000, 2000, 100, 11);
    ck_assert(log.has_scheduled);
    ck_assert_int_eq(log.requests[1].scheduled_ns, 750 * MS);
    ck_assert_uint_eq(log.note_count, 0);
    ck_assert_int_eq(log.failed, 0);
    measured_log_fini(&log);
    /* llmsim's own, with a request that was rejected. */
    read_good("request_id,arrival_s,prompt_tokens,output_tokens,cached_tokens,scheduled_s,"
              "first_token_s,finished_s,ttft_s,tpot_s,e2e_s,preemptions,status\n"
              "0,0.0,5,2,0,0.0,0.1,0.3,0.1,0.2,0.3,0,completed\n"
              "1,0.1,5,2,0,,,,,,,0,rejected\n",
              "CSV", 1, &log);
    assert_request(&log, 0, 0, 100, 300, 5, 2);
    ck_assert_int_eq(log.failed, 1);
    measured_log_fini(&log);
    read_good("arrival_s,input_tokens,output_tokens,ttft_s,e2e_s\n3,7,1,0.5,0.5\n", "CSV", 1, &log);
    assert_request(&log, 0, 0, 500, 500, 7, 1);
    ck_assert(!log.has_scheduled);
    ck_assert_int_eq(log.requests[0].scheduled_ns, -1);
    measured_log_fini(&log);
}
END_TEST

/* What a column is not. */
START_TEST(test_definitions)
{
    static const struct {
        const char *row, *note;
    } rows[] = {
        {"0,0,10,5,0.2,0.25,1.2,0.1,0.2,1.2", NULL},
        {"0,0,10,5,0.2,0.2,1.2,0.1,0.2,1.2", "is (E2E - TTFT) / output tokens;"},
        {"0,0,10,5,0.2,0.24,1.2,0.1,0.2,1.2", "is E2E / output tokens, with the first"},
        {"0,0,10,5,0.2,0.9,1.2,0.1,0.2,1.2", "what it is, is unknown"},
        {"0,0,10,5,0.1,0.25,1.2,0.1,0.2,1.2", "its ttft_s counts from scheduled_s"},
        {"0,0,10,5,0.15,0.25,1.2,0.1,0.2,1.2", "is not first_token_s - arrival_s"},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct measured_log log;
        char text[1024];
        snprintf(text, sizeof text, "%s%s\n", csv_header, rows[i].row);
        read_good(text, "CSV", 1, &log);
        /* Whatever it says, what happened is the same. */
        assert_request(&log, 0, 0, 200, 1200, 10, 5);
        ck_assert_uint_eq(log.note_count, rows[i].note != NULL);
        ck_assert_msg(rows[i].note == NULL || has_note(&log, rows[i].note), "%s", log.notes[0]);
        measured_log_fini(&log);
    }
}
END_TEST

START_TEST(test_vllm)
{
    struct measured_log log;
    read_good("{\"duration\": 9, \"input_lens\": [10, 20, 30], \"output_lens\": [3, 0, 2],\n"
              "\"ttfts\": [0.5, 0, 0.25], \"itls\": [[0.25, 0.5], [], [1.0]],\n"
              "\"errors\": [\"\", \"refused\", \"\"], \"start_times\": [101.0, 100.5, 100.0]}",
              "vllm bench serve", 2, &log);
    assert_request(&log, 0, 0, 250, 1250, 30, 2);
    assert_request(&log, 1, 1000, 1500, 2250, 10, 3);
    ck_assert_int_eq(log.failed, 1);
    ck_assert(!log.has_scheduled);
    ck_assert(has_note(&log, "times are a client's"));
    ck_assert_uint_eq(log.note_count, 1);
    measured_log_fini(&log);
    /* Tokens that come together; an end that is saved. */
    read_good("{\"input_lens\": [10], \"output_lens\": [9], \"ttfts\": [0.5], \"itls\": [[0.5, 1]],"
              "\"latencies\": [2.25], \"start_times\": [3.0]}",
              "vllm bench serve", 1, &log);
    assert_request(&log, 0, 0, 500, 2250, 10, 9);
    ck_assert(has_note(&log, "25 % of the gaps between tokens"));
    measured_log_fini(&log);
}
END_TEST

/* Two at a time, of 1, 2, 1 and 1 s: the third is sent when the first has ended, the fourth when the
 * second and third have. */
START_TEST(test_vllm_untimed)
{
    struct measured_log log;
    const char *text = "{\"input_lens\": [1, 2, 3, 4], \"output_lens\": [1, 1, 1, 1], "
                       "\"ttfts\": [1, 2, 1, 1], \"itls\": [[], [], [], []], "
                       "\"request_rate\": \"inf\", \"max_concurrency\": 2}";
    read_good(text, "vllm bench serve", 4, &log);
    assert_request(&log, 0, 0, 1000, 1000, 1, 1);
    assert_request(&log, 1, 0, 2000, 2000, 2, 1);
    assert_request(&log, 2, 1000, 2000, 2000, 3, 1);
    assert_request(&log, 3, 2000, 3000, 3000, 4, 1);
    ck_assert(has_note(&log, "each as soon as one of 2 before it had ended"));
    measured_log_fini(&log);
    read_good("{\"input_lens\": [1, 2], \"output_lens\": [1, 1], \"ttfts\": [1, 2], "
              "\"itls\": [[], []], \"request_rate\": \"inf\", \"max_concurrency\": null}",
              "vllm bench serve", 2, &log);
    assert_request(&log, 1, 0, 2000, 2000, 2, 1);
    ck_assert(has_note(&log, "all at once"));
    measured_log_fini(&log);
}
END_TEST

START_TEST(test_aiperf)
{
    struct measured_log log;
    read_good("{\"metadata\": {\"request_start_ns\": 1759813207532900363, \"benchmark_phase\": "
              "\"warmup\"},"
              " \"metrics\": {}, \"error\": null}\n"
              "{\"metadata\": {\"request_start_ns\": 1759813207532900363, \"benchmark_phase\": "
              "\"profiling\", \"was_cancelled\": false}, \"metrics\": {"
              "\"input_sequence_length\": {\"value\": 550, \"unit\": \"tokens\"}, "
              "\"output_sequence_length\": {\"value\": 5, \"unit\": \"tokens\"}, "
              "\"time_to_first_token\": {\"value\": 200, \"unit\": \"ms\"}, "
              "\"request_latency\": {\"value\": 1.2, \"unit\": \"s\"}, "
              "\"inter_token_latency\": {\"value\": 250, \"unit\": \"ms\"}}, \"error\": null}\n\n"
              "{\"metadata\": {\"request_start_ns\": 1759813207632900363}, \"metrics\": {}, "
              "\"error\": {\"code\": 499}}\n"
              "{\"metadata\": {\"request_start_ns\": 1759813207732900363}, \"metrics\": {"
              "\"input_sequence_length\": {\"value\": 7, \"unit\": \"tokens\"}, "
              "\"output_token_count\": {\"value\": 1, \"unit\": \"tokens\"}, "
              "\"time_to_first_token\": {\"value\": 100000, \"unit\": \"us\"}, "
              "\"request_latency\": {\"value\": 100000000, \"unit\": \"ns\"}}}",
              "aiperf", 2, &log);
    assert_request(&log, 0, 0, 200, 1200, 550, 5);
    assert_request(&log, 1, 200, 300, 300, 7, 1);
    ck_assert_int_eq(log.failed, 1);
    ck_assert(has_note(&log, "aiperf's inter_token_latency is TPOT"));
    ck_assert(has_note(&log, "warmup phase are left out"));
    ck_assert_uint_eq(log.note_count, 3);
    measured_log_fini(&log);
}
END_TEST

/* As it is now, and as it was. */
START_TEST(test_guidellm)
{
    struct measured_log log;
    read_good("{\"benchmarks\": [{\"requests\": {\"successful\": [\n"
              "{\"request_start_time\": 1700000000.5, \"request_latency\": 1.2, "
              "\"time_to_first_token_ms\": 200, \"inter_token_latency_ms\": 250, "
              "\"time_per_output_token_ms\": 240, \"prompt_tokens\": 512, \"output_tokens\": 5},\n"
              "{\"start_time\": 1700000000.0, \"end_time\": 1700000001.0, "
              "\"first_token_time\": 1700000000.25, \"prompt_tokens\": 3, \"output_tokens\": 2}],"
              "\"errored\": [{}], \"incomplete\": [{}, {}]}}]}",
              "GuideLLM", 2, &log);
    assert_request(&log, 0, 0, 250, 1000, 3, 2);
    assert_request(&log, 1, 500, 700, 1700, 512, 5);
    ck_assert_int_eq(log.failed, 3);
    ck_assert(has_note(&log, "time_per_output_token is E2E / output tokens"));
    ck_assert_uint_eq(log.note_count, 2);
    measured_log_fini(&log);
}
END_TEST

START_TEST(test_refusals)
{
    static const struct {
        const char *text, *message;
    } refused[] = {
        {"", "log: is empty"},
        {"a,b\n1,2\n", "log:1: a measured log as CSV has a column arrival_s; this has none"},
        {"arrival_s,input_tokens,output_tokens,e2e_s\n", "has a column ttft_s or first_token_s"},
        {"arrival_s,input_tokens,output_tokens,ttft_s,e2e_s\n",
         "log: no request in it was completed"},
        {"arrival_s,input_tokens,output_tokens,ttft_s,e2e_s\n0,1,1,0.1\n", "log:2: has no e2e_s"},
        {"arrival_s,input_tokens,output_tokens,ttft_s,e2e_s\n0,1,1,x,1\n",
         "log:2: ttft_s 'x' is not a number"},
        {"arrival_s,input_tokens,output_tokens,ttft_s,e2e_s\n0,1.5,1,0.1,1\n",
         "log:2: a prompt and an output of a whole number of tokens, 1 to 100000000, are expected, "
         "not 1.5 and 1"},
        {"arrival_s,input_tokens,output_tokens,ttft_s,e2e_s\n0,1,1,2,1\n",
         "log:2: the first token comes after 2 s, the last one before that, after 1 s"},
        {"arrival_s,input_tokens,output_tokens,ttft_s,e2e_s\n0,1,1,-1,1\n", "cannot be"},
        {"arrival_s,input_tokens,output_tokens,ttft_s,e2e_s,scheduled_s\n0,1,1,1,1,5\n",
         "log:2: scheduled 5 s after its arrival"},
        {"arrival_s,input_tokens,output_tokens,ttft_s,e2e_s\n1e300,1,1,1,1\n",
         "log:2: an arrival at 1e+300 s cannot be"},
        {"arrival_s,input_tokens,output_tokens,ttft_s,e2e_s\n-4e9,1,1,1,1\n4e9,1,1,1,1\n",
         "more than thirty years apart"},
        {"{\"ttfts\": [1}", "log:1:13: "},
        {"{\"hello\": 1}", "is neither of `vllm bench serve --save-detailed`, nor of aiperf"},
        {"[1]", "is neither of"},
        {"{\"total_input_tokens\": 5}", "has only totals: save requests too"},
        {"{\"ttfts\": [1], \"input_lens\": [1, 2]}",
         "'input_lens' is no list of 1, one item a request"},
        {"{\"ttfts\": [1], \"input_lens\": [1], \"output_lens\": [1], \"itls\": [[]], "
         "\"request_rate\": 4.0}",
         "does not say when requests were sent: 'start_times' is missing"},
        {"{\"ttfts\": [1], \"input_lens\": [1], \"output_lens\": [1], \"itls\": [[]], "
         "\"request_rate\": \"inf\", \"max_concurrency\": 1e9}",
         "'max_concurrency' of 1e+09 cannot be"},
        {"{\"metadata\": {\"request_start_ns\": 5}, \"metrics\": {}}",
         "log:1: no time_to_first_token: profile with --streaming"},
        {"{\"metadata\": {}, \"metrics\": {\"time_to_first_token\": {\"value\": 1, \"unit\": "
         "\"s\"}}}",
         "log:1: 'request_start_ns' is no time in nanoseconds"},
        {"{\"metadata\": {}, \"metrics\": {}, \"error\": 1}\n{\"metadata\": ", "log:2:"},
        {"{\"benchmarks\": [{}, {}]}", "holds 2 benchmarks"},
        {"{\"benchmarks\": [{}]}", "no list of successful requests"},
        {"{\"benchmarks\": [{\"requests\": {\"successful\": [{}]}}]}",
         "successful request 0 does not say when it started"},
        {"{\"benchmarks\": [{\"requests\": {\"successful\": [{\"start_time\": 1}]}}]}",
         "successful request 0 has no time to first token"},
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        struct measured_log log;
        struct error error;
        ck_assert_msg(!read_text(refused[i].text, &log, &error), "%s", refused[i].text);
        ck_assert_int_eq(error.kind, ERROR_INPUT);
        ck_assert_msg(strstr(error.text, refused[i].message) != NULL, "%s\nis not\n%s", error.text,
                      refused[i].message);
        measured_log_fini(&log);
    }
}
END_TEST

START_TEST(test_source)
{
    struct measured_log log;
    struct measured_source state;
    struct request_source source;
    struct request request;
    struct error error;
    read_good("arrival_s,input_tokens,output_tokens,ttft_s,e2e_s\n3,7,1,0.5,0.5\n4,8,2,0.5,1\n",
              "CSV", 2, &log);
    measured_source_init(&state, &log, &source);
    ck_assert_int_eq(source.next(source.state, &request, &error), SOURCE_REQUEST);
    ck_assert_int_eq(source.next(source.state, &request, &error), SOURCE_REQUEST);
    ck_assert_int_eq(request.arrival_ns, 1000 * (int64_t)MS);
    ck_assert_int_eq(request.prompt_tokens, 8);
    ck_assert_int_eq(request.output_tokens, 2);
    ck_assert_int_eq(request.prefix_id_count, 0);
    ck_assert_double_eq(source.progress(source.state), 1.0);
    ck_assert_int_eq(source.next(source.state, &request, &error), SOURCE_END);
    ck_assert_int_eq(source.next(source.state, &request, &error), SOURCE_END);
    source.destroy(source.state);
    measured_log_fini(&log);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("measured_log");
    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, test_csv);
    tcase_add_test(tcase, test_definitions);
    tcase_add_test(tcase, test_vllm);
    tcase_add_test(tcase, test_vllm_untimed);
    tcase_add_test(tcase, test_aiperf);
    tcase_add_test(tcase, test_guidellm);
    tcase_add_test(tcase, test_refusals);
    tcase_add_test(tcase, test_source);
    return unit_run_case("measured_log", tcase);
}
