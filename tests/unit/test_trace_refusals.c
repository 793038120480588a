/* What is wrong with a trace of each format, and where it is said to be. In the texts here a caret
 * stands before the byte that is to blame. */
#include "trace_reading.h"

#define MARKED_BYTES 4096

/* The text without its caret, read; the error is at the caret. */
static void assert_refused_at_caret(const char *format, const char *marked, const char *what)
{
    char text[MARKED_BYTES], where[64];
    const char *caret = strchr(marked, '^');
    ck_assert_ptr_nonnull(caret);
    int line = 1, column = 1;
    for (const char *c = marked; c < caret; c++) {
        column = *c == '\n' ? 1 : column + 1;
        line += *c == '\n' ? 1 : 0;
    }
    ck_assert_int_lt(
        snprintf(text, sizeof text, "%.*s%s", (int)(caret - marked), marked, caret + 1),
        MARKED_BYTES);
    snprintf(where, sizeof where, ":%d:%d: ", line, column);
    struct reading reading = read_rows(text, strlen(text), format, false);
    ck_assert_msg(reading.error.kind == ERROR_INPUT, "read: %s", marked);
    assert_error(&reading, where, what);
    ck_assert_msg(strchr(reading.error.text, '\n') == NULL, "of two lines: %s", reading.error.text);
}

struct refusal {
    const char *marked, *what;
};

static void assert_all_refused(const struct refusal *refusals, size_t count)
{
    for (size_t i = 0; i < count; i++)
        assert_refused_at_caret(NULL, refusals[i].marked, refusals[i].what);
}

#define IMAGES "TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\n2024-10-15T12:00:00.269Z,0,7,4\n"
#define BURST_1                                                                                    \
    "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,GPT-4,1,1,2,x\n"
#define BURST_3                                                                                    \
    "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log "     \
    "Type\n"
#define SPLITWISE                                                                                  \
    "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n"
#define VIDUR "arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,1,1\n"

START_TEST(names_the_field_of_a_table)
{
    static const struct refusal refusals[] = {
        {IMAGES "^2024-10-15T12:00:00.269z,0,7,4\n", "TIMESTAMP: '2024-10-15T12:00:00.269z' is"},
        {IMAGES "2024-10-15T12:00:00.269Z,^,7,4\n", "NumImages: '' is not a whole number from 0"},
        {IMAGES "2024-10-15T12:00:00.269Z,^-1,7,4\n", "NumImages: '-1' is not"},
        {IMAGES "2024-10-15T12:00:00.269Z,1,^0,4\n", "ContextTokens: '0' is not"},
        {IMAGES "2024-10-15T12:00:00.269Z,1,7,^0\n", "GeneratedTokens: '0' is not"},
        {IMAGES "2024-10-15T12:00:00.269Z,1,7^\n", "ends before its GeneratedTokens"},
        {BURST_1 "^x,GPT-4,1,1,2,x\n", "Timestamp: 'x' is not a time from 0"},
        {BURST_1 "5,GPT-4,^-1,1,2,x\n", "Request tokens: '-1' is not"},
        {BURST_1 "5,GPT-4,1,^-0,2,x\n", "Response tokens: '-0' is not"},
        {BURST_1 "5,GPT-4,1,^,2,x\n", "Response tokens: '' is not"},
        {BURST_1 "5,GPT-4,1,^0.5,2,x\n", "Response tokens: '0.5' is not"},
        {BURST_1 "5,GPT-4,1,^0.,2,x\n", "Response tokens: '0.' is not"},
        {BURST_1 "5,GPT-4,1,^0.0.0,2,x\n", "Response tokens: '0.0.0' is not"},
        {BURST_1 "5,GPT-4,^1.5,0,2,x\n", "Request tokens: '1.5' is not"},
        {BURST_1 "5,GPT-4,^0,1,1,x\n", "Request tokens: 0, of a request that was answered"},
        {BURST_1 "5,GPT-4,0,0,0^\n", "ends before its Log Type; a row has 6 fields"},
        {BURST_1 "5,GPT-4,0,0,0,x,^y\n", "one field too many; a row has 6"},
        {BURST_3 "1.0,s,1,GPT-4,^100000001,1,2,x\n", "Request tokens: '100000001' is not"},
        {BURST_3 "1.0,s,1,GPT-4,1,^100000000000000000000.0,2,x\n", "'100000000000000000000"},
        {SPLITWISE "0,2,0,^,1,1,1\n", "arrival_timestamp: '' is not a time"},
        {SPLITWISE "0,2,0,1,1,^1.5,1\n", "prompt_size: '1.5' is not"},
        {SPLITWISE "0,2,0,1,1,1,^0.0\n", "token_size: '0.0' is not a whole number from 1"},
        {SPLITWISE "0,2,0,1,1,1,^1e2\n", "token_size: '1e2' is not"},
        {SPLITWISE "0,2,0,1^\n", "ends before its batch_size; a row has 7 fields"},
        {VIDUR "^nan,1,1\n", "arrived_at: 'nan' is not a time"},
        {VIDUR "1,^ 1,1\n", "num_prefill_tokens: ' 1' is not"},
        {VIDUR "1,1,^1.\n", "num_decode_tokens: '1.' is not"},
        {"x,arrived_at,num_prefill_tokens,num_decode_tokens,y\n,1,1,1^\n", "next field"},
        {"num_decode_tokens,num_prefill_tokens\n1,^-1.0\n", "num_prefill_tokens: '-1.0' is not"},
    };
    assert_all_refused(refusals, COUNT(refusals));
}
END_TEST

#define SERVING "{\"input_toks\":1,\"output_toks\":1,\"arrival_time_ns\":0}\n"
#define PLAIN   "{\"arrival_s\":0,\"prompt_tokens\":17,\"output_tokens\":1}\n"
#define MORE    "{\"arrival_s\":0,\"prompt_tokens\":17,\"output_tokens\":1,"
#define QWEN                                                                                       \
    "{\"chat_id\":1,\"parent_chat_id\":-1,\"timestamp\":0,\"input_length\":1,"                     \
    "\"output_length\":1}\n"
#define CHAT(id, parent)                                                                           \
    "{\"chat_id\":" id ",\"parent_chat_id\":" parent                                               \
    ",\"timestamp\":0,\"input_length\":33,\"output_length\":1"

START_TEST(names_the_key_of_an_object)
{
    static const struct refusal refusals[] = {
        {SERVING "{\"input_toks\":1,\"output_toks\":^0,\"arrival_time_ns\":0}\n",
         "output_toks: '0' is not a whole number from 1"},
        {SERVING "{\"input_toks\":1,\"output_toks\":1,\"arrival_time_ns\":^-1}\n",
         "arrival_time_ns: '-1' is not a time from 0 to 4611686017000000000, in nanoseconds"},
        {SERVING "{\"input_toks\":1,\"output_toks\":1,\"arrival_time_ns\":^4611686017000000001}\n",
         "arrival_time_ns: '4611686017000000001' is not a time"},
        {SERVING "{\"input_toks\":1,\"output_toks\":1^}\n", "ends without 'arrival_time_ns'"},
        {"{\"session_id\": \"session_0\", \"arrival_time_ns\": 4059740, \"sub_requests\": "
         "^[{\"input_toks\": 1472, \"output_toks\": 133, \"tool_duration_ns\": 127348767}]}\n",
         "'sub_requests': a session whose calls"},
        {PLAIN MORE "\"turn\":^0}\n", "turn: '0' is not a whole number from 1 to 2147483647"},
        {PLAIN MORE "\"turn\":^2147483648}\n", "turn: '2147483648' is not"},
        {PLAIN MORE "\"priority\":^-1000000001}\n", "priority: '-1000000001' is not"},
        {PLAIN MORE "\"class\":^null}\n", "class: 'null' is not a text or a whole number"},
        {PLAIN MORE "\"client\":^[1]}\n", "client: '[1]' is not a text"},
        {PLAIN MORE "\"client\":^1.5}\n", "client: '1.5' is not a text or a whole number"},
        {PLAIN MORE "\"class\":^\"a\\u0000b\"}\n", "class: '\"a\\u0000b\"' is not a JSON text"},
        {PLAIN MORE "\"class\":^\"\\ud83d\"}\n", "class: '\"\\ud83d\"' is not a JSON text"},
        {PLAIN MORE "\"class\":^\"\\x\"}\n", "class: '\"\\x\"' is not a JSON text"},
        {PLAIN MORE "\"prefix_block_tokens\":^0}\n", "prefix_block_tokens: '0' is not"},
        {PLAIN MORE "\"prefix_ids\":^[1,2,3]}\n", "prefix_ids: 3 ids, where 2 are expected"},
        {PLAIN MORE "\"prefix_ids\":^[1,2,3,4],\"prefix_block_tokens\":8}\n",
         "prefix_ids: 4 ids, where 3 are expected for 17 tokens at 8 each"},
        {PLAIN MORE "\"prefix_ids\":[1,^-2]}\n", "prefix_ids: '-2' is not a whole number"},
        {PLAIN MORE "^\"prompt_tokens\":17}\n", "'prompt_tokens' is given twice"},
        {QWEN CHAT("^-1", "-1") "}\n", "chat_id: '-1' is not a whole number from 0"},
        {QWEN CHAT("^9223372036854775807", "-1") "}\n", "chat_id: '9223372036854775807' is not"},
        {QWEN CHAT("2", "^-2") "}\n", "parent_chat_id: '-2' is not a whole number from -1"},
        {QWEN CHAT("2", "^null") "}\n", "parent_chat_id: 'null' is not"},
        {QWEN CHAT("^\"2\"", "1") "}\n", "chat_id: '\"2\"' is not"},
        {QWEN CHAT("2", "1") ",\"type\":^7}\n", "type: '7' is not a text"},
        {QWEN CHAT("2", "1") ",\"hash_ids\":^[1]}\n", "hash_ids: 1 ids, where 3 are expected"},
        {QWEN CHAT("2", "1") ",\"hash_ids\":[1,2 ^}\n", "not JSON"},
        {"{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":^{\"a\":[1]}}\n",
         "hash_ids: '{\"a\":[1]}' is not a list of whole numbers"},
        {"{\"timestamp\":^\"27482\",\"input_length\":1,\"output_length\":1}\n",
         "timestamp: '\"27482\"' is not a time"},
    };
    assert_all_refused(refusals, COUNT(refusals));
}
END_TEST

#define FIRST  "[{\"id\": \"a\", \"conversations\": [{\"from\": \"human\", \"tokens\": 1}]}"
#define TURNS  "{\"id\": \"b\", \"conversations\": ["
#define PRETTY "[\n  {\n    \"id\": \"b\",\n    \"conversations\": [\n      "

/* Wherever objects begin, and however many share a line. */
START_TEST(names_the_place_in_a_list)
{
    static const struct refusal refusals[] = {
        {PRETTY "{\"from\": \"human\", \"tokens\": ^-1}]}]", "tokens: '-1' is not a whole number"},
        {PRETTY "^{\n\"from\": \"human\",\n\"value\": \"text\"\n}\n]\n}\n]",
         "a turn without 'tokens': the file has texts"},
        {PRETTY "{\"tokens\": 5^}]}]", "the row ends without 'from'"},
        {PRETTY "{\"tokens\": 5\n^\"from\": \"gpt\"\n}]}]", "not JSON: '\"from\": \"gpt\""},
        {"[" TURNS "{\"from\": ^7.5, \"tokens\": 1}]}]", "from: '7.5' is not a text or a whole"},
        {"[" TURNS "^7]}]", "not JSON: '7]}' is not an object"},
        {"[\n" TURNS "{\"from\": \"human\", \"tokens\": ^100000001}]}]", "tokens: '100000001' is"},
        {FIRST ", " TURNS "{\"from\": \"human\", \"tokens\": ^1.0}]}]", "tokens: '1.0' is not"},
        {FIRST ",\n\n  " TURNS "{\"from\": \"human\", \"tokens\": ^\"1\"}]}]",
         "tokens: '\"1\"' is"},
        {FIRST ",\n  {\"id\": \"b\", \"conversations\": ^{}}]",
         "conversations: '{}' is not a list"},
        {FIRST ",\n  {\"id\": ^[], \"conversations\": []}]", "id: '[]' is not a text"},
        {"[\n ^{\"conversations\": [{\"from\":\"human\",\"tokens\":100000000},"
         "{\"from\":\"gpt\",\"tokens\":1},{\"from\":\"gpt\",\"tokens\":1}]}]",
         "a conversation of more than 100000000 tokens"},
        {FIRST ",\n  {\"id\": \"b\"^}]", "the row ends without 'conversations'"},
    };
    assert_all_refused(refusals, COUNT(refusals));
}
END_TEST

/* As published, without counts. */
START_TEST(refuses_sharegpt_as_it_is_published)
{
    static const char text[] = "[{\"id\":\"QWJhYvA_0\",\"conversations\":[{\"from\":\"human\","
                               "\"value\":\"Hi\"},{\"from\":\"gpt\",\"value\":\"Hello\"}]},"
                               "{\"id\":\"x\",\"conversations\":[]}]";
    struct reading reading = read_rows(text, sizeof text - 1, NULL, false);
    ck_assert(!reading.opened);
    assert_error(&reading, ":1:37: a turn without 'tokens'", "count them first");
}
END_TEST

#define ANSWER                                                                                     \
    "{\"conversations\":[{\"from\":\"human\",\"tokens\":1},{\"from\":\"gpt\",\"tokens\":1}]}"

START_TEST(refuses_lists_that_are_none)
{
    static const struct {
        const char *text, *where, *what;
        int count;
    } cases[] = {
        {"[]", ": ", "an empty list; a trace is expected", 0},
        {" \n[\n]\n", ": ", "an empty list", 0},
        {"[", ":1: ", "an object is expected", 0},
        {"[1]", ":1: ", "an object is expected", 0},
        {"[" ANSWER, ":1: ", "a comma or a closing bracket is expected", 1},
        {"[" ANSWER "\n " ANSWER "]", ":2: ", "a comma or a closing bracket is expected", 1},
        {"[" ANSWER ",\n", ":2: ", "an object is expected", 1},
        {"[" ANSWER ",\n]", ":2: ", "an object is expected", 1},
        {"[" ANSWER ",,", ":1: ", "an object is expected", 1},
        {"[" ANSWER "]\n\n]", ":3: ", "nothing more is expected", 1},
        {"[" ANSWER "]" ANSWER, ":1: ", "nothing more is expected", 1},
        {"[" ANSWER ",\n{\"conversations\": [{\"", ":2: ", "the end of an object is expected", 1},
        {"[" ANSWER ",\n{\"a\\", ":2: ", "the end of an object is expected", 1},
        {"[{\"conversations\":[]},{\"conversations\":[]}]\n", ": ", "a trace without requests", 0},
        {"[{\"prompt\": \"Hi\"}]", ":1:2: ", "is not the first line of a known trace format", 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct reading reading = read_rows(cases[i].text, strlen(cases[i].text), NULL, false);
        ck_assert_msg(reading.error.text[0] != '\0', "read: %s", cases[i].text);
        assert_error(&reading, cases[i].where, cases[i].what);
        ck_assert_int_eq(reading.count, cases[i].count);
        ck_assert_ptr_null(strstr(reading.error.text, "header"));
    }
}
END_TEST

/* As some editors leave it: it is no part of what follows. */
START_TEST(passes_over_a_byte_order_mark)
{
    static const char *const texts[] = {("\xEF\xBB\xBF[" ANSWER "]"), ("\xEF\xBB\xBF" QWEN),
                                        ("\xEF\xBB\xBF" VIDUR)};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct reading reading = read_rows(texts[i], strlen(texts[i]), NULL, false);
        ck_assert_str_eq(reading.error.text, "");
        ck_assert_int_eq(reading.count, 1);
    }
    static const char marks[] = "\xEF\xBB\xBF\xEF\xBB\xBF" QWEN;
    ck_assert(!read_rows(marks, sizeof marks - 1, NULL, false).opened);
    ck_assert(!read_rows(marks, 3, NULL, false).opened);
    ck_assert(!read_rows(marks, 2, NULL, false).opened);
}
END_TEST

/* A bad turn takes the rest of its conversation with it, and no more. */
START_TEST(skips_the_rest_of_a_bad_conversation)
{
    static const char text[] =
        "[{\"id\":1,\"conversations\":[{\"from\":\"human\",\"tokens\":1},"
        "{\"from\":\"gpt\",\"tokens\":2},{\"from\":\"gpt\"},{\"from\":\"gpt\",\"tokens\":3}]},"
        "{\"id\":2,\"conversations\":7}," ANSWER ",{}]";
    struct reading reading = read_rows(text, sizeof text - 1, NULL, true);
    ck_assert_str_eq(reading.error.text, "");
    ck_assert_int_eq(reading.count, 2);
    assert_request(&reading, 0, 0, 1, 2);
    assert_request(&reading, 1, 0, 1, 1);
    ck_assert_str_eq(reading.names[1].session, "");
    ck_assert_int_eq(reading.skipped_rows, 3);
}
END_TEST

/* What Git leaves in place of a large file, whatever it should have been. */
START_TEST(knows_a_pointer_into_large_file_storage)
{
    static const char text[] = "version https://git-lfs.github.com/spec/v1\noid sha256:"
                               "07cedc9ed8aff301994ac68ed4aede8123b7603673575eeba9dd677de663db17\n"
                               "size 56354493\n";
    static const char *const formats[] = {NULL, "qwen-bailian", "burstgpt", "sharegpt"};
    for (size_t i = 0; i < COUNT(formats); i++) {
        struct reading reading = read_rows(text, sizeof text - 1, formats[i], false);
        ck_assert(!reading.opened);
        assert_error(&reading, ":1:1: ", "large-file storage, not the trace");
    }
}
END_TEST

START_TEST(refuses_nul_bytes_in_every_format)
{
    static const struct {
        const char *text; /* an at sign is the NUL byte */
        const char *where;
    } cases[] = {
        {IMAGES "2024-10-15T12:00:00.269Z,0,7@,4\n", ":3:28: "},
        {BURST_1 "5,GP@-4,1,1,2,x\n", ":3:3: "},
        {SPLITWISE "0,2,0,1@,1,1,1\n", ":2:7: "},
        {VIDUR "1,1,1@\n", ":3:5: "},
        {SERVING "{\"input_toks\":1@,\"output_toks\":1,\"arrival_time_ns\":0}\n", ":2:16: "},
        {PLAIN MORE "\"class\":\"a@b\"}\n", ":2:61: "},
        {PLAIN MORE "\"class\":\"a\\@b\"}\n", ":2:61: "},
        {QWEN CHAT("2", "1") ",\"type\":\"a@\"}\n", ":2:90: "},
        {"[" ANSWER ",\n{\"id\":\"@\",\"conversations\":[]}]", ":2:7: "},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[MARKED_BYTES];
        const size_t length = strlen(cases[i].text);
        memcpy(text, cases[i].text, length);
        *(char *)memchr(text, '@', length) = '\0';
        struct reading reading = read_rows(text, length, NULL, false);
        ck_assert_msg(reading.error.kind == ERROR_INPUT, "read: %s", cases[i].text);
        assert_error(&reading, cases[i].where, "a NUL byte");
    }
}
END_TEST

/* An object may be as long as a line. */
START_TEST(refuses_objects_of_more_than_a_mebibyte)
{
    static const char head[] = "[" ANSWER ",\n{\"value\":\"";
    static const char tail[] = "\",\"conversations\":[]}]";
    for (size_t beyond = 0; beyond < 2; beyond++) {
        const size_t object_bytes = TEXT_READER_MAX_LINE_BYTES + beyond;
        const size_t before = sizeof "[" ANSWER ",\n" - 1;
        const size_t length = before + object_bytes + 1;
        char *text = malloc(length);
        ck_assert_ptr_nonnull(text);
        memset(text, '{', length);
        memcpy(text, head, sizeof head - 1);
        memcpy(text + length - (sizeof tail - 1), tail, sizeof tail - 1);
        struct reading reading = read_rows(text, length, NULL, false);
        free(text);
        ck_assert_int_eq(reading.count, 1);
        ck_assert_int_eq(reading.ended, beyond > 0 ? SOURCE_ERROR : SOURCE_END);
        if (beyond > 0)
            assert_error(&reading, ":2:1: ", "an object of more than 1048576 bytes");
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {names_the_field_of_a_table,
                                  names_the_key_of_an_object,
                                  names_the_place_in_a_list,
                                  refuses_sharegpt_as_it_is_published,
                                  refuses_lists_that_are_none,
                                  passes_over_a_byte_order_mark,
                                  skips_the_rest_of_a_bad_conversation,
                                  knows_a_pointer_into_large_file_storage,
                                  refuses_nul_bytes_in_every_format,
                                  refuses_objects_of_more_than_a_mebibyte};
    return unit_run("trace refusals", tests, COUNT(tests));
}
