/* A trace out of a store is the trace out of its file. */
#include "unit.h"

#include "trace_store.h"

static struct trace_store *store;

static void enter(void)
{
    store = trace_store_create();
    ck_assert_ptr_nonnull(store);
}

static void leave(void)
{
    trace_store_destroy(store);
}

static void assert_equal_names(const struct request_name *name, const struct request_name *other)
{
    ck_assert_int_eq(name->bytes, other->bytes);
    ck_assert(name->bytes == 0 || memcmp(name->text, other->text, (size_t)name->bytes) == 0);
}

static void assert_equal(const struct request *request, const struct request *other)
{
    ck_assert_int_eq(request->arrival_ns, other->arrival_ns);
    ck_assert_int_eq(request->prompt_tokens, other->prompt_tokens);
    ck_assert_int_eq(request->output_tokens, other->output_tokens);
    ck_assert_int_eq(request->priority, other->priority);
    ck_assert_uint_eq(request->client, other->client);
    ck_assert_int_eq(request->turn, other->turn);
    assert_equal_names(&request->client_name, &other->client_name);
    assert_equal_names(&request->session, &other->session);
    assert_equal_names(&request->class_name, &other->class_name);
    ck_assert_int_eq(request->prefix_id_count, other->prefix_id_count);
    ck_assert_int_eq(request->prefix_id_tokens, other->prefix_id_tokens);
    for (int32_t i = 0; i < request->prefix_id_count; i++)
        ck_assert_uint_eq(request->prefix_ids[i], other->prefix_ids[i]);
}

static struct request_source open_source(const struct trace_options *options)
{
    struct request_source source;
    struct error error = {0};
    ck_assert_msg(trace_source_open(options, &source, &error), "%s", error.text);
    return source;
}

/* Read both to their ends; how many requests there were. */
static int64_t compare(struct trace_options options)
{
    struct request_source file = open_source(&options);
    options.store = store;
    struct request_source kept = open_source(&options);
    int64_t count = 0;
    ck_assert_ptr_eq(file.trace_format, kept.trace_format);
    for (;; count++) {
        struct request request = {0}, other = {0};
        struct error error = {0}, other_error = {0};
        const enum request_source_result result = file.next(file.state, &request, &error);
        ck_assert_int_eq(result, kept.next(kept.state, &other, &other_error));
        const struct source_left_out left_out = file.left_out(file.state);
        const struct source_left_out other_left_out = kept.left_out(kept.state);
        ck_assert_int_eq(left_out.bad_rows, other_left_out.bad_rows);
        ck_assert_int_eq(left_out.failed_requests, other_left_out.failed_requests);
        ck_assert_str_eq(error.text, other_error.text);
        if (result != SOURCE_REQUEST)
            break;
        assert_equal(&request, &other);
    }
    ck_assert_double_eq(kept.progress(kept.state), 1.0);
    file.destroy(file.state);
    kept.destroy(kept.state);
    return count;
}

static const char *shipped(const char *name)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/%s", getenv("LLMSIM_TRACES"), name);
    return path;
}

START_TEST(test_shipped_traces)
{
    static const char *const names[] = {"conversation.csv",       "samples/azure.csv",
                                        "samples/burstgpt.csv",   "samples/llmservingsim.jsonl",
                                        "samples/mooncake.jsonl", "samples/llmsim-jsonl.jsonl",
                                        "samples/sharegpt.json"};
    for (size_t i = 0; i < COUNT(names); i++) {
        const struct trace_options options = {.path = shipped(names[i]), .format = -1};
        for (int time = 0; time < 2; time++)
            ck_assert_int_gt(compare(options), 5);
    }
}
END_TEST

static void compare_text(const char *name, const char *text, bool skips, int64_t count)
{
    unit_write_file(name, text, strlen(text));
    const struct trace_options options = {.path = name, .format = -1, .skip_bad_rows = skips};
    for (int time = 0; time < 2; time++)
        ck_assert_int_eq(compare(options), count);
    unlink(name);
}

/* What is read differently is kept differently; and what was removed is still there. */
START_TEST(test_errors_and_what_is_left_out)
{
    char directory[64];
    unit_enter_directory(directory);
    const char *broken =
        "arrival_s,prompt_tokens,output_tokens,session_id\n0,1,2,a\n1,x,2,b\n2,3,4,b\n";
    compare_text("broken.csv", broken, false, 1);
    compare_text("broken.csv", broken, true, 2);
    compare_text("failed.csv",
                 "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
                 "5,GPT-4,10,20,30,API log\n6,GPT-4,10,0,10,API log\n7,GPT-4,11,21,32,API log\n",
                 false, 2);
    compare_text(
        "prefixes.jsonl",
        "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 3, \"hash_ids\": [7, 8]}\n"
        "{\"timestamp\": 9, \"input_length\": 500, \"output_length\": 4, \"hash_ids\": [7]}\n",
        false, 2);
    unit_leave_directory(directory);
}
END_TEST

START_TEST(test_no_file)
{
    struct request_source source;
    struct error error = {0};
    const struct trace_options options = {.path = "/nothing.csv", .format = -1, .store = store};
    ck_assert(!trace_source_open(&options, &source, &error));
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert(!trace_source_open(&options, &source, &error));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_shipped_traces, test_errors_and_what_is_left_out,
                                  test_no_file};
    return unit_run_with("trace_store", tests, COUNT(tests), enter, leave);
}
