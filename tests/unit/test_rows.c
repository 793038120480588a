/* The requests of a trace, arriving as `arrivals` says: a data set at a rate. */
#include "generating.h"

#include <llmsim/sim_time.h>

static const char mooncake[] =
    "{\"timestamp\": 500, \"input_length\": 600, \"output_length\": 52, \"hash_ids\": [7, 8]}\n"
    "{\"timestamp\": 500, \"input_length\": 40, \"output_length\": 53, \"hash_ids\": [9]}\n"
    "{\"timestamp\": 90000, \"input_length\": 1024, \"output_length\": 54, \"hash_ids\": [7, 3]}\n";

static char directory[64];

static void enter(void)
{
    unit_enter_directory(directory);
    unit_write_file("t.jsonl", mooncake, strlen(mooncake));
}

static void leave(void)
{
    ck_assert_int_eq(unlink("t.jsonl"), 0);
    unit_leave_directory(directory);
}

START_TEST(rows_keep_all_but_their_times)
{
    static const uint64_t ids[][2] = {{7, 8}, {9, 0}, {7, 3}};
    static const int prompt_tokens[] = {600, 40, 1024};
    struct generated generated =
        generate_all("trace: t.jsonl\narrivals: {process: constant, rate: 10}\n", 1);
    ck_assert_uint_eq(generated.count, 3);
    for (int i = 0; i < 3; i++) {
        const struct request *request = &generated.requests[i].request;
        ck_assert_int_eq(request->arrival_ns, i * SIM_NS_PER_S / 10);
        ck_assert_int_eq(request->prompt_tokens, prompt_tokens[i]);
        ck_assert_int_eq(request->output_tokens, 52 + i);
        ck_assert_int_eq(request->prefix_id_count, i == 1 ? 1 : 2);
        ck_assert_int_eq(request->prefix_id_tokens, 512);
        for (int j = 0; j < request->prefix_id_count; j++)
            ck_assert_uint_eq(request->prefix_ids[j], ids[i][j]);
    }
    generated_fini(&generated);
}
END_TEST

/* The same draws as of generated traffic. */
START_TEST(arrivals_are_those_of_generated_traffic)
{
    struct generated rows =
        generate_all("trace: t.jsonl\narrivals: {process: gamma, rate: 3, cv: 2}\n", 5);
    struct generated drawn = generate_all("arrivals: {process: gamma, rate: 3, cv: 2}\n"
                                          "num_requests: 3\n"
                                          "prompt_tokens: {distribution: constant, value: 9}\n"
                                          "output_tokens: {distribution: constant, value: 9}\n",
                                          5);
    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(rows.requests[i].request.arrival_ns, drawn.requests[i].request.arrival_ns);
    generated_fini(&rows);
    generated_fini(&drawn);
}
END_TEST

START_TEST(transformations_apply)
{
    struct generated generated = generate_all(
        "trace: t.jsonl\narrivals: {process: constant, rate: 10}\nrepeat: 2\nrate_scale: 2\n"
        "max_requests: 5\nprefix_block_tokens: 550\n",
        1);
    ck_assert_uint_eq(generated.count, 5);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(generated.requests[i].request.arrival_ns, i * SIM_NS_PER_S / 20);
        ck_assert_int_eq(generated.requests[i].request.prefix_id_tokens, 550);
    }
    generated_fini(&generated);
}
END_TEST

START_TEST(bad_rows_are_errors_or_counted)
{
    static const char bad[] = "arrival_s,prompt_tokens,output_tokens\n0,5,6\n1,x,6\n2,7,8\n";
    unit_write_file("bad.csv", bad, strlen(bad));
    static const char skips[] =
        "trace: bad.csv\narrivals: {process: constant, rate: 10}\non_bad_row: skip\n";
    struct document *document = document_create();
    struct request_source source;
    struct request request;
    struct error error = {0};
    ck_assert(open_workload(document, skips, 1, &source, &error));
    ck_assert_int_eq(source.next(source.state, &request, &error), SOURCE_REQUEST);
    ck_assert_int_eq(source.next(source.state, &request, &error), SOURCE_REQUEST);
    ck_assert_int_eq(request.prompt_tokens, 7);
    ck_assert_int_eq(source.next(source.state, &request, &error), SOURCE_END);
    ck_assert_int_eq(source.left_out(source.state).bad_rows, 1);
    source.destroy(source.state);
    ck_assert(open_workload(document, "trace: bad.csv\narrivals: {process: constant, rate: 10}\n",
                            1, &source, &error));
    ck_assert_int_eq(source.next(source.state, &request, &error), SOURCE_REQUEST);
    for (int i = 0; i < 2; i++) {
        error = (struct error){0};
        ck_assert_int_eq(source.next(source.state, &request, &error), SOURCE_ERROR);
        ck_assert_ptr_nonnull(strstr(error.text, "bad.csv:3:3: "));
    }
    source.destroy(source.state);
    document_destroy(document);
    ck_assert_int_eq(unlink("bad.csv"), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        rows_keep_all_but_their_times,
        arrivals_are_those_of_generated_traffic,
        transformations_apply,
        bad_rows_are_errors_or_counted,
    };
    return unit_run_with("rows", tests, COUNT(tests), enter, leave);
}
