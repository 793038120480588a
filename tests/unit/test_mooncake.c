/* Mooncake's traces: JSON as people and programs write it, prefix ids, and what is refused, and
 * where. */
#include "trace_reading.h"

#define ROW "{\"timestamp\": 0, \"input_length\": 1000, \"output_length\": 80}\n"

static struct workload_config config_of_blocks(int64_t prefix_block_tokens)
{
    struct workload_config config = config_of_trace();
    config.prefix_block_tokens = prefix_block_tokens;
    return config;
}

static struct reading read_with(const char *text, struct workload_config config)
{
    return read_bytes(text, strlen(text), config);
}

/* One row after a good one. */
static struct reading read_second(const char *row, int on_bad_row)
{
    char text[2000];
    snprintf(text, sizeof text, ROW "%s\n", row);
    struct workload_config config = config_of_trace();
    config.on_bad_row = on_bad_row;
    return read_with(text, config);
}

static void assert_ids(const struct reading *reading, int index, int id_tokens, int count,
                       const uint64_t *ids)
{
    ck_assert_int_lt(index, reading->count);
    const struct request *request = &reading->requests[index];
    ck_assert_int_eq(request->prefix_id_count, count);
    ck_assert_int_eq(request->prefix_id_tokens, id_tokens);
    ck_assert((request->prefix_ids != NULL) == (count > 0));
    for (int i = 0; i < count; i++)
        ck_assert_uint_eq(reading->prefix_ids[index][i], ids[i]);
}

START_TEST(reads_rows)
{
    struct reading reading = read_text(
        "{\"timestamp\": 1500, \"input_length\": 1000, \"output_length\": 80, "
        "\"hash_ids\": [7, 18446744073709551615]}\n"
        "{\"timestamp\": 1500, \"input_length\": 1025, \"output_length\": 1, \"hash_ids\": "
        "[7,8,0]}\n"
        "{\"timestamp\": 2500, \"input_length\": 100000000, \"output_length\": 100000000}\n"
        "{\"timestamp\": 2501, \"input_length\": 512, \"output_length\": 2, \"hash_ids\": [9]}\n");
    ck_assert_str_eq(reading.error.text, "");
    ck_assert_int_eq(reading.ended, SOURCE_END);
    ck_assert_int_eq(reading.count, 4);
    assert_request(&reading, 0, 0, 1000, 80);
    assert_ids(&reading, 0, 512, 2, (uint64_t[]){7, UINT64_MAX});
    assert_request(&reading, 1, 0, 1025, 1);
    assert_ids(&reading, 1, 512, 3, (uint64_t[]){7, 8, 0});
    assert_request(&reading, 2, SIM_NS_PER_S, 100000000, 100000000);
    assert_ids(&reading, 2, 0, 0, NULL);
    ck_assert_int_eq(reading.requests[2].priority, 0);
    ck_assert_uint_eq(reading.requests[2].client, 0);
    assert_request(&reading, 3, 1001000000, 512, 2);
    assert_ids(&reading, 3, 512, 1, (uint64_t[]){9});
}
END_TEST

START_TEST(reads_milliseconds_exactly)
{
    static const struct {
        const char *time;
        int64_t ns;
    } cases[] = {
        {"0", 0},
        {"284.929", 284929000},
        {"0.000001", 1},
        {"0.0000005", 1},
        {"0.00000049999999999999999999999", 0},
        {"1e3", 1000000000},
        {"1E+3", 1000000000},
        {"1.5e-3", 1500},
        {"0e5", 0},
        {"123456789.123456", 123456789123456},
        {"0.30000000000000004", 300000},
        {"1740000000000.123456499", 1740000000000123456},
        {"1740000000000.123456500", 1740000000000123457},
        {"1740000000000123456789e-9", 1740000000000123457},
        {"4611686017000", 4611686017000000000},
        {"4611686016999.999999", 4611686016999999999},
        {"1e-400000000000000000000", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char row[200];
        snprintf(row, sizeof row, "{\"timestamp\":%s,\"input_length\":1,\"output_length\":2}",
                 cases[i].time);
        struct reading reading = read_second(row, 0);
        ck_assert_msg(reading.count == 2, "%s: %s", cases[i].time, reading.error.text);
        assert_request(&reading, 1, cases[i].ns, 1, 2);
    }
}
END_TEST

START_TEST(takes_json_as_it_comes)
{
    static const char *const rows[] = {
        "{\"hash_ids\":[1,2],\"output_length\":80,\"input_length\":1000,\"timestamp\":5}",
        " \t{ \t\"timestamp\"\t:  5\t, \"output_length\" :80 ,\"input_length\": 1000\r,"
        "\"hash_ids\" : [ 1\t,2 ] } \t",
        "{\"chat_id\": 159, \"parent_chat_id\": -1, \"timestamp\": 5.0, \"input_length\": 1000, "
        "\"output_length\": 80, \"type\": \"text\", \"turn\": 2, \"hash_ids\": [1, 2]}",
        "{\"a\":{},\"b\":[],\"c\":[{\"timestamp\":[1,-2.5e+7,0.5]},null,true,false,\"]\"],"
        "\"timestamp\":5,\"input_length\":1000,\"output_length\":80,\"hash_ids\":[1,2],"
        "\"d\":{\"x\\\"}\":\"\\\\\",\"y\":{\"z\":\"\\u00e9,\"}}}",
        "{\"\":0,\"\":0,\"timestamps\":1,\"timestam\":2,\"Timestamp\":3,\"timestamp\":5,"
        "\"input_length\":1000,\"output_length\":80,\"hash_ids\":[1,2]}",
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct reading reading = read_second(rows[i], 0);
        ck_assert_msg(reading.count == 2, "%s: %s", rows[i], reading.error.text);
        assert_request(&reading, 1, 5000000, 1000, 80);
        assert_ids(&reading, 1, 512, 2, (uint64_t[]){1, 2});
    }
}
END_TEST

/* The first line is a row: it is neither lost nor read twice. */
START_TEST(reads_the_first_line)
{
    static const char *const texts[] = {
        ROW ROW,
        "\xEF\xBB\xBF" ROW ROW,
        "\xEF\xBB\xBF  {\"output_length\": 80, \"input_length\": 1000, \"timestamp\": 0 }\r\n" ROW
        "\r\n\n",
        ROW "{\"timestamp\": 0, \"input_length\": 1000, \"output_length\": 80}",
        ROW "{\"timestamp\": 0, \"input_length\": 1000, \"output_length\": 80}\r",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        for (int format = -1; format <= format_index("mooncake");
             format += format_index("mooncake") + 1) {
            struct workload_config config = config_of_trace();
            config.format = format;
            struct reading reading = read_with(texts[i], config);
            ck_assert_str_eq(reading.error.text, "");
            ck_assert_int_eq(reading.count, 2);
            assert_request(&reading, 0, 0, 1000, 80);
            assert_request(&reading, 1, 0, 1000, 80);
        }
    }
    struct workload_config config = config_of_trace();
    config.transform.max_requests = 1;
    ck_assert_int_eq(read_with(ROW "bad\n", config).count, 1);
}
END_TEST

START_TEST(names_what_is_wrong_with_the_first_line)
{
    struct reading reading = read_text("\xEF\xBB\xBF{\"timestamp\": x, \"input_length\": 1, "
                                       "\"output_length\": 1}\n");
    ck_assert(!reading.opened);
    assert_error(&reading, ":1:15: timestamp: ", "is not a time");
    static const char cut[] = "{\"timestamp\": 0, \"input_length\": 1}\n";
    reading = read_text(cut);
    assert_error(&reading, ":1:1: ", "is not the first line of a known trace format");
    assert_error(&reading, ":1:1: ", "qwen-bailian, mooncake, ");
    struct workload_config config = config_of_trace();
    config.format = format_index("mooncake");
    reading = read_with(cut, config);
    assert_error(&reading, ":1:35: ", "the row ends without 'output_length'");
    reading = read_with(LLMSIM "0,1,1\n", config);
    assert_error(&reading, ":1:1: ", "not of format 'mooncake', which begins with '{\"timestamp\"");
    assert_error(&reading, ":1:1: ", "; this is 'llmsim'");
    config.on_bad_row = 1;
    reading = read_with("{}\n" ROW, config);
    ck_assert_int_eq(reading.count, 1);
    ck_assert_int_eq(reading.skipped_rows, 1);
    reading = read_with("{}\n{}\n", config);
    assert_error(&reading, ": ", "a trace without requests: all 2 rows are bad");
    reading = read_with("\n" ROW, config);
    assert_error(&reading, ":1:1: ", "not of format 'mooncake'");
    config.format = format_index("azure");
    reading = read_with(ROW, config);
    assert_error(&reading, ":1:1: ", "; this is 'mooncake'");
}
END_TEST

#define TIME   "\"timestamp\":5"
#define INPUT  ",\"input_length\":1000"
#define OUTPUT ",\"output_length\":80"

static const struct {
    const char *row, *where, *what;
} bad_rows[] = {
    {"{" TIME INPUT "}", ":2:35: ", "the row ends without 'output_length'"},
    {"{" TIME OUTPUT " }", ":2:35: ", "the row ends without 'input_length'"},
    {"{\"a\":1" INPUT OUTPUT "}", ":2:46: ", "the row ends without 'timestamp'"},
    {"{}", ":2:2: ", "the row ends without 'timestamp'"},
    {"{\"time\\u0073tamp\":5" INPUT OUTPUT "}", ":2:59: ", "ends without 'timestamp'"},
    {"{" TIME INPUT OUTPUT ", " TIME "}", ":2:56: ", "'timestamp' is given twice"},
    {"{" TIME INPUT INPUT OUTPUT "}", ":2:36: ", "'input_length' is given twice"},
    {"{" TIME INPUT OUTPUT ",\"hash_ids\":[1,2],\"hash_ids\":[1,2]}",
     ":2:72: ", "'hash_ids' is given twice"},
    {"{\"timestamp\": \"5\"" INPUT OUTPUT "}",
     ":2:15: timestamp: ", "'\"5\"' is not a time from 0 to 4611686017000, in milliseconds"},
    {"{\"timestamp\":-5" INPUT OUTPUT "}", ":2:14: timestamp: ", "'-5' is not a time"},
    {"{\"timestamp\":null" INPUT OUTPUT "}", ":2:14: timestamp: ", "'null' is not a time"},
    {"{\"timestamp\":05" INPUT OUTPUT "}", ":2:14: timestamp: ", "is not a time"},
    {"{\"timestamp\":.5" INPUT OUTPUT "}", ":2:14: timestamp: ", "is not a time"},
    {"{\"timestamp\":5." INPUT OUTPUT "}", ":2:14: timestamp: ", "is not a time"},
    {"{\"timestamp\":5e" INPUT OUTPUT "}", ":2:14: timestamp: ", "is not a time"},
    {"{\"timestamp\":4611686017000.000001" INPUT OUTPUT "}",
     ":2:14: timestamp: ", "'4611686017000.000001' is not a time"},
    {"{\"timestamp\":1e99" INPUT OUTPUT "}", ":2:14: timestamp: ", "'1e99' is not a time"},
    {"{\"timestamp\":1e99999999999999999999" INPUT OUTPUT "}", ":2:14: timestamp: ", "is not"},
    {"{\"timestamp\":5x" INPUT OUTPUT "}", ":2:15: not JSON: ", "is not a comma or a closing"},
    {"{" TIME ",\"input_length\":\"1\"" OUTPUT "}",
     ":2:31: input_length: ", "'\"1\"' is not a whole number from 1 to 100000000"},
    {"{" TIME ",\"input_length\":0" OUTPUT "}", ":2:31: input_length: ", "'0' is not"},
    {"{" TIME ",\"input_length\":1.0" OUTPUT "}", ":2:31: input_length: ", "'1.0' is not"},
    {"{" TIME ",\"input_length\":1e2" OUTPUT "}", ":2:31: input_length: ", "'1e2' is not"},
    {"{" TIME ",\"input_length\":01" OUTPUT "}", ":2:31: input_length: ", "is not a whole"},
    {"{" TIME ",\"input_length\":[1, 2]" OUTPUT "}", ":2:31: input_length: ", "'[1, 2]' is not"},
    {"{" TIME ",\"input_length\":100000001" OUTPUT "}",
     ":2:31: input_length: ", "'100000001' is not"},
    {"{" TIME ",\"input_length\":18446744073709551617" OUTPUT "}",
     ":2:31: input_length: ", "'18446744073709551617' is not"},
    {"{" TIME INPUT ",\"output_length\":-80}", ":2:52: output_length: ", "'-80' is not"},
    {"{" TIME INPUT ",\"output_length\":0}", ":2:52: output_length: ", "'0' is not"},
    {"{" TIME INPUT ",\"output_length\":}", ":2:52: output_length: ", "'}' is not"},
    {"{" TIME INPUT ",\"output_length\":", ":2:52: output_length: ", "'' is not"},
    {"{" TIME INPUT ",\"output_length\"", ":2:51: ", "not JSON: the row ends before a colon"},
    {"{" TIME INPUT ",\"output_length\" 8}", ":2:52: not JSON: ", "'8}' is not a colon"},
    {"{" TIME INPUT OUTPUT, ":2:54: ", "not JSON: the row ends before a comma or a closing brace"},
    {"{" TIME INPUT OUTPUT ",}", ":2:55: not JSON: ", "'}' is not a text in double quotes"},
    {"{" TIME INPUT OUTPUT ",a:1}", ":2:55: not JSON: ", "'a:1}' is not a text in double"},
    {"{" TIME INPUT OUTPUT ",\"a:1}", ":2:55: not JSON: ", "is not a text that ends"},
    {"{" TIME INPUT OUTPUT "} {}", ":2:56: not JSON: ", "'{}' is not the end of the row"},
    {"{" TIME INPUT OUTPUT "},", ":2:55: not JSON: ", "',' is not the end of the row"},
    {"[5,1000,80]", ":2:1: not JSON: ", "'[5,1000,80]' is not an object, in braces"},
    {"5,1000,80", ":2:1: not JSON: ", "is not an object"},
    {" ", ":2:2: ", "not JSON: the row ends before an object, in braces"},
    {"{\"timestamp\":1000000" INPUT OUTPUT "}}", ":2:61: not JSON: ", "'}' is not the end"},
};

START_TEST(refuses_bad_rows_at_their_column)
{
    for (size_t i = 0; i < COUNT(bad_rows); i++) {
        struct reading reading = read_second(bad_rows[i].row, 0);
        ck_assert_int_eq(reading.ended, SOURCE_ERROR);
        ck_assert_int_eq(reading.count, 1);
        assert_error(&reading, bad_rows[i].where, bad_rows[i].what);
        reading = read_second(bad_rows[i].row, 1);
        ck_assert_int_eq(reading.ended, SOURCE_END);
        ck_assert_int_eq(reading.count, 1);
        ck_assert_int_eq(reading.skipped_rows, 1);
    }
}
END_TEST

/* Of values that are passed over. */
START_TEST(refuses_what_is_no_json)
{
    static const struct {
        const char *value, *where, *what;
    } cases[] = {
        {"nul", ":2:59: ", "'nul}' is not a value"},
        {"True", ":2:59: ", "is not a value"},
        {"", ":2:59: ", "'}' is not a value"},
        {"+1", ":2:59: ", "is not a value"},
        {"-", ":2:59: ", "is not a value"},
        {"-01", ":2:59: ", "is not a value"},
        {"1.e5", ":2:59: ", "is not a value"},
        {"1e+", ":2:59: ", "is not a value"},
        {"'a'", ":2:59: ", "is not a value"},
        {"\"a\tb\"", ":2:59: ", "is not a text that ends"},
        {"\"a\\", ":2:59: ", "is not a text that ends"},
        {"[1,]", ":2:62: ", "']}' is not a value"},
        {"[1 2]", ":2:62: ", "'2]}' is not a comma or a closing bracket"},
        {"[1", ":2:61: ", "'}' is not a comma or a closing bracket"},
        {"{\"b\":1,}", ":2:66: ", "'}}' is not a text in double quotes"},
        {"{\"b\" 1}", ":2:64: ", "'1}}' is not a colon"},
        {"{1:1}", ":2:60: ", "is not a text in double quotes"},
        {"{\"b\":1]", ":2:65: ", "']}' is not a comma or a closing brace"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char row[300];
        snprintf(row, sizeof row, "{" TIME INPUT OUTPUT ",\"a\":%s}", cases[i].value);
        struct reading reading = read_second(row, 0);
        ck_assert_int_eq(reading.count, 1);
        assert_error(&reading, cases[i].where, cases[i].what);
        ck_assert_ptr_nonnull(strstr(reading.error.text, ": not JSON: "));
    }
    static const char nul[] = ROW "{\"timestamp\":5,\"\0\":1}\n";
    struct reading reading = read_bytes(nul, sizeof nul - 1, config_of_trace());
    assert_error(&reading, ":2:16: ", "not JSON: a NUL byte");
}
END_TEST

START_TEST(passes_over_values_up_to_a_depth)
{
    enum { DEPTH = 32 };
    for (int depth = DEPTH; depth <= DEPTH + 1; depth++) {
        char open[DEPTH + 2] = "", close[DEPTH + 2] = "", row[300];
        memset(open, '[', (size_t)depth);
        memset(close, ']', (size_t)depth);
        snprintf(row, sizeof row, "{\"a\":%s%s," TIME INPUT OUTPUT "}", open, close);
        struct reading reading = read_second(row, 0);
        ck_assert_int_eq(reading.count, depth == DEPTH ? 2 : 1);
        if (depth > DEPTH)
            assert_error(&reading, ":2:38: ", "is not nested less than 33 deep");
    }
}
END_TEST

START_TEST(refuses_bad_ids)
{
    static const struct {
        const char *ids, *where, *what;
    } cases[] = {
        {"[-1,2]",
         ":2:67: hash_ids: ", "'-1' is not a whole number from 0 to 18446744073709551615"},
        {"[1,2.5]", ":2:69: hash_ids: ", "'2.5' is not a whole number"},
        {"[1,2e0]", ":2:69: hash_ids: ", "'2e0' is not a whole number"},
        {"[1, 18446744073709551616]", ":2:70: hash_ids: ", "'18446744073709551616' is not"},
        {"[99999999999999999999999999,2]", ":2:67: hash_ids: ", "is not a whole number"},
        {"[1,02]", ":2:69: hash_ids: ", "is not a whole number"},
        {"[1,\"2\"]", ":2:69: hash_ids: ", "'\"2\"' is not a whole number"},
        {"[1,null]", ":2:69: hash_ids: ", "'null' is not a whole number"},
        {"[1,[2]]", ":2:69: hash_ids: ", "'[2]' is not a whole number"},
        {"[1,]", ":2:69: hash_ids: ", "']}' is not a whole number"},
        {"[1,,2]", ":2:69: hash_ids: ", "is not a whole number"},
        {"[1 2]", ":2:69: not JSON: ", "'2]}' is not a comma or a closing bracket"},
        {"[1,2", ":2:70: not JSON: ", "'}' is not a comma or a closing bracket"},
        {"[1,", ":2:69: hash_ids: ", "'}' is not a whole number"},
        {"1", ":2:66: hash_ids: ", "'1' is not a list of whole numbers"},
        {"null", ":2:66: hash_ids: ", "'null' is not a list"},
        {"{\"a\":[1,2]}", ":2:66: hash_ids: ", "'{\"a\":[1,2]}' is not a list"},
        {"[]", ":2:66: ", "hash_ids: 0 ids, where 2 are expected for 1000 tokens at 512 each"},
        {"[1,2,3]", ":2:66: ", "hash_ids: 3 ids, where 2 are expected"},
        {"[1,2,3]", ":2:66: ", "set workload.prefix_block_tokens"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char row[300];
        snprintf(row, sizeof row, "{" TIME INPUT OUTPUT ",\"hash_ids\":%s}", cases[i].ids);
        struct reading reading = read_second(row, 0);
        ck_assert_int_eq(reading.count, 1);
        assert_error(&reading, cases[i].where, cases[i].what);
        ck_assert_int_eq(read_second(row, 1).skipped_rows, 1);
    }
}
END_TEST

/* All blocks of a prompt, or the whole ones. */
START_TEST(counts_ids_by_blocks)
{
    static const struct {
        int64_t block_tokens; /* 0: what the format says */
        int prompt_tokens, fewest, most;
    } cases[] = {
        {0, 511, 0, 1},
        {0, 512, 1, 1},
        {0, 513, 1, 2},
        {0, 1024, 2, 2},
        {16, 1, 0, 1},
        {16, 80, 5, 5},
        {16, 81, 5, 6},
        {1, 4, 4, 4},
        {1000, 5, 0, 1},
        {7, 50, 7, 8},
        {1048576, 100000000, 95, 96},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const int64_t given = cases[i].block_tokens;
        const int id_tokens = given == 0 ? 512 : (int)given;
        const int fewest = cases[i].fewest > 0 ? cases[i].fewest - 1 : 0;
        for (int count = fewest; count <= cases[i].most + 1; count++) {
            char text[1000];
            char ids[800] = "";
            for (int id = 0; id < count; id++)
                sprintf(ids + strlen(ids), "%s%d", id > 0 ? "," : "", id + 1);
            const int length = snprintf(text, sizeof text,
                                        "{\"hash_ids\":[%s],\"timestamp\":0,\"input_length\":%d,"
                                        "\"output_length\":1}\n",
                                        ids, cases[i].prompt_tokens);
            ck_assert_int_lt(length, (int)sizeof text);
            struct reading reading =
                read_with(text, config_of_blocks(given == 0 ? SETTING_UNSET_INTEGER : given));
            const bool right = count >= cases[i].fewest && count <= cases[i].most;
            ck_assert_int_eq(reading.opened, right);
            if (right) {
                ck_assert_int_eq(reading.requests[0].prefix_id_count, count);
                ck_assert_int_eq(reading.requests[0].prefix_id_tokens, count > 0 ? id_tokens : 0);
                continue;
            }
            char expected[200];
            snprintf(expected, sizeof expected, "%d ids, where %d are expected for %d tokens at %d",
                     count, cases[i].most, cases[i].prompt_tokens, id_tokens);
            assert_error(&reading, ":1:13: hash_ids: ", expected);
        }
    }
}
END_TEST

START_TEST(refuses_block_tokens_where_there_are_no_ids)
{
    struct reading reading = read_with(LLMSIM "0,1,1\n", config_of_blocks(16));
    ck_assert(!reading.opened);
    assert_error(&reading, ": ",
                 "a trace of format 'llmsim', for which 'prefix_block_tokens' has no");
}
END_TEST

/* A row whose ids are wrong leaves nothing in the next one, which has none. */
START_TEST(keeps_rows_apart)
{
    struct reading reading = read_skipping(
        "{\"timestamp\":0,\"input_length\":600,\"output_length\":1,\"hash_ids\":[3,4]}\n"
        "{\"timestamp\":1,\"input_length\":600,\"output_length\":1,\"hash_ids\":[5,6,7]}\n"
        "{\"timestamp\":2,\"input_length\":600,\"output_length\":1,\"hash_ids\":[8,9],}\n"
        "{\"timestamp\":3,\"input_length\":600,\"output_length\":1}\n"
        "{\"timestamp\":-1,\"input_length\":600,\"output_length\":1,\"hash_ids\":[1,2]}\n"
        "\n"
        "{\"timestamp\":4,\"input_length\":600,\"output_length\":1,\"hash_ids\":[10]}\n");
    ck_assert_int_eq(reading.ended, SOURCE_END);
    ck_assert_int_eq(reading.count, 3);
    ck_assert_int_eq(reading.skipped_rows, 4);
    assert_ids(&reading, 0, 512, 2, (uint64_t[]){3, 4});
    assert_ids(&reading, 1, 0, 0, NULL);
    assert_ids(&reading, 2, 512, 1, (uint64_t[]){10});
}
END_TEST

/* The longest line that is read at all, all of it ids. */
START_TEST(reads_a_line_of_a_mebibyte)
{
    static const char head[] = "{\"hash_ids\":[1";
    enum { LINE_BYTES = TEXT_READER_MAX_LINE_BYTES, TAIL_BYTES = 60 };
    char *text = malloc(LINE_BYTES + 2);
    ck_assert_ptr_nonnull(text);
    memset(text, ' ', LINE_BYTES);
    memcpy(text, head, sizeof head - 1);
    size_t used = sizeof head - 1;
    int count = 1;
    for (; used + 2 + TAIL_BYTES <= LINE_BYTES; used += 2, count++) {
        text[used] = ',';
        text[used + 1] = '9';
    }
    char tail[TAIL_BYTES + 1];
    const int tail_bytes = snprintf(
        tail, sizeof tail, "],\"timestamp\":0,\"input_length\":%d,\"output_length\":1}", count);
    ck_assert_int_le(tail_bytes, TAIL_BYTES);
    memcpy(text + used, tail, (size_t)tail_bytes);
    text[LINE_BYTES] = '\n';
    struct reading reading = read_bytes(text, LINE_BYTES + 1, config_of_blocks(1));
    ck_assert_str_eq(reading.error.text, "");
    ck_assert_int_eq(reading.count, 1);
    ck_assert_int_eq(reading.requests[0].prefix_id_count, count);
    ck_assert_uint_eq(reading.prefix_ids[0][MAX_KEPT_IDS - 1], 9);
    text[LINE_BYTES] = ' ';
    text[LINE_BYTES + 1] = '\n';
    reading = read_bytes(text, LINE_BYTES + 2, config_of_blocks(1));
    assert_error(&reading, ":1:1: ", "a line of more than 1048576 bytes");
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        reads_rows,
        reads_milliseconds_exactly,
        takes_json_as_it_comes,
        reads_the_first_line,
        names_what_is_wrong_with_the_first_line,
        refuses_bad_rows_at_their_column,
        refuses_what_is_no_json,
        passes_over_values_up_to_a_depth,
        refuses_bad_ids,
        counts_ids_by_blocks,
        refuses_block_tokens_where_there_are_no_ids,
        keeps_rows_apart,
        reads_a_line_of_a_mebibyte,
    };
    return unit_run("mooncake", tests, COUNT(tests));
}
