/* The published formats, as their publishers write them: lines of the files themselves, and what
 * their columns mean. */
#include "trace_reading.h"

#define BURST_1 "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
#define BURST_3                                                                                    \
    "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log "     \
    "Type\n"

static void assert_names(const struct reading *reading, int index, const char *session, int turn,
                         const char *class_name)
{
    ck_assert_int_lt(index, reading->count);
    ck_assert_str_eq(reading->names[index].session, session);
    ck_assert_int_eq(reading->requests[index].turn, turn);
    ck_assert_str_eq(reading->names[index].class_name, class_name);
}

static void assert_read(const struct reading *reading, int count)
{
    ck_assert_str_eq(reading->error.text, "");
    ck_assert_int_eq(reading->ended, SOURCE_END);
    ck_assert_int_eq(reading->count, count);
    ck_assert_int_eq(reading->skipped_rows, 0);
}

/* Images stand before the tokens, which count them already. */
START_TEST(reads_azure_2025)
{
    struct reading reading = read_text("TIMESTAMP,NumImages,ContextTokens,GeneratedTokens\r\n"
                                       "2024-10-15T12:00:00.269Z,0,770,491\r\n"
                                       "2024-10-15T12:00:05.819Z,1,949,126\r\n"
                                       "2024-10-22T11:59:59.539Z,16,4564,137");
    assert_read(&reading, 3);
    assert_request(&reading, 0, 0, 770, 491);
    assert_request(&reading, 1, 5550000000, 949, 126);
    assert_request(&reading, 2, (604799LL * 1000 + 270) * 1000000, 4564, 137);
    reading = read_text("GeneratedTokens,TIMESTAMP,ContextTokens,NumImages\n"
                        "491,2024-10-15T12:00:00.269Z,770,0\n");
    assert_read(&reading, 1);
    assert_request(&reading, 0, 0, 770, 491);
}
END_TEST

START_TEST(reads_burstgpt_without_sessions)
{
    struct reading reading = read_text(BURST_1 "5,ChatGPT,472,18,490,Conversation log\r\n"
                                               "45,ChatGPT,1087,230,1317,Conversation log\r\n"
                                               "45,GPT-4,417,0,417,API log\r\n"
                                               "118.5,GPT-4,417.0,276.00,693.0,API log");
    assert_read(&reading, 3);
    ck_assert_int_eq(reading.failed_requests, 1);
    assert_request(&reading, 0, 0, 472, 18);
    assert_request(&reading, 1, 40 * SIM_NS_PER_S, 1087, 230);
    assert_request(&reading, 2, 113500000000, 417, 276);
    assert_names(&reading, 0, "", 0, "ChatGPT");
    assert_names(&reading, 2, "", 0, "GPT-4");
}
END_TEST

START_TEST(reads_burstgpt_with_sessions)
{
    struct reading reading =
        read_text(BURST_3 "19440110.0,1722ac82-0a46-4bf0-aa08-89794e7a2b3f,43,GPT-4,906,446,1352,"
                          "Conversation log\n"
                          "19440161.0,,,ChatGPT,36,29,65,API log\n"
                          "19440161.0,,5,ChatGPT,0,0,0,API log\n"
                          "19440162.0,,5,ChatGPT,0.0,0.0,0.0,API log\n"
                          "19440192.0,a5c69b35-4fbc-45e9-955e-18715e376d74,8,GPT-4,1779,123,1902,"
                          "Conversation log\n"
                          "19440193.0,,5,ChatGPT,7,0,7,API log\n");
    assert_read(&reading, 3);
    ck_assert_int_eq(reading.failed_requests, 3);
    assert_request(&reading, 0, 0, 906, 446);
    assert_request(&reading, 1, 51 * SIM_NS_PER_S, 36, 29);
    assert_request(&reading, 2, 82 * SIM_NS_PER_S, 1779, 123);
    assert_names(&reading, 0, "1722ac82-0a46-4bf0-aa08-89794e7a2b3f", 0, "GPT-4");
    assert_names(&reading, 1, "", 0, "ChatGPT");
    assert_names(&reading, 2, "a5c69b35-4fbc-45e9-955e-18715e376d74", 0, "GPT-4");
    reading = read_text("Log Type,Total tokens,Response tokens,Request tokens,Model,Timestamp,"
                        "Session ID\nConversation log,3,1,2,GPT-4,7,s\n");
    assert_read(&reading, 1);
    assert_request(&reading, 0, 0, 2, 1);
    assert_names(&reading, 0, "s", 0, "GPT-4");
}
END_TEST

/* Times count from the first that was answered. */
START_TEST(refuses_burstgpt_of_failures_alone)
{
    struct reading reading = read_text(BURST_1 "5,ChatGPT,472,0,472,Conversation log\n"
                                               "6,GPT-4,0,0,0,API log\n");
    ck_assert(!reading.opened);
    assert_error(&reading, ": ", "a trace without requests: all 2 failed");
    reading = read_text(BURST_1 "5,ChatGPT,472,0,472,Conversation log\n6,GPT-4,1,2,3,API log\n");
    assert_read(&reading, 1);
    assert_request(&reading, 0, 0, 1, 2);
    ck_assert_int_eq(reading.failed_requests, 1);
}
END_TEST

#define SPLITWISE                                                                                  \
    "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n"

START_TEST(reads_splitwise)
{
    struct reading reading =
        read_text(SPLITWISE "0,2,0,1,1,4096,32\n1,2,0,3,1,2048,8\n2,2,0,4.25,1,2048,16.0");
    assert_read(&reading, 3);
    assert_request(&reading, 1, 2 * SIM_NS_PER_S, 2048, 8);
    assert_request(&reading, 2, 3250000000, 2048, 16);
    reading = read_text("token_size,client_tenant,prompt_size,,arrival_timestamp,request_id\r\n"
                        "8,a b,2048,,0.43071467053131714,0\r\n9,,1.0,x,599.9999999999999,1\r\n");
    assert_read(&reading, 2);
    assert_request(&reading, 0, 0, 2048, 8);
    assert_request(&reading, 1, 600000000000 - 430714671, 1, 9);
}
END_TEST

START_TEST(reads_vidur)
{
    struct reading reading = read_text("arrived_at,num_prefill_tokens,num_decode_tokens\n"
                                       "0.0,374,44\n4.314579,396,109\n5.8926549999999995,91,16");
    assert_read(&reading, 3);
    assert_request(&reading, 1, 4314579000, 396, 109);
    assert_request(&reading, 2, 5892655000, 91, 16);
    reading = read_text("session_id,num_decode_tokens,num_prefill_tokens,block_size,arrived_at\r\n"
                        "7,44.0,374.0,16,1\r\n7,1,1,16,1.5\r\n\r\n");
    assert_read(&reading, 2);
    assert_request(&reading, 1, 500000000, 1, 1);
    assert_names(&reading, 0, "", 0, "");
}
END_TEST

/* All at once: workload.arrivals says when. */
START_TEST(reads_lengths_without_times)
{
    static const char with_times[] =
        "arrived_at,num_prefill_tokens,num_decode_tokens\n5,374,44\n9,396,109\n";
    struct reading reading = read_rows(with_times, sizeof with_times - 1, "vidur-lengths", false);
    ck_assert(!reading.opened);
    assert_error(&reading, ":1:1: ", "this is 'vidur'");
    static const char lengths[] = "num_prefill_tokens,num_decode_tokens,num_total_tokens,pd_ratio\n"
                                  "3772,54,3826,69.85185185185185\n1,156,157,inf\n";
    reading = read_rows(lengths, sizeof lengths - 1, NULL, false);
    assert_read(&reading, 2);
    assert_request(&reading, 1, 0, 1, 156);
    reading = read_rows(lengths, sizeof lengths - 1, "vidur", false);
    ck_assert(!reading.opened);
    assert_error(&reading, ":1:1: ", "this is 'vidur-lengths'");
}
END_TEST

/* In no order, with the ids of the tokens or without. */
START_TEST(reads_llmservingsim)
{
    struct reading reading =
        read_text("{\"input_toks\": 264, \"output_toks\": 575, \"arrival_time_ns\": 44493029985}\n"
                  "{\"input_toks\": 2, \"output_toks\": 1, \"arrival_time_ns\": 46926808, "
                  "\"input_tok_ids\": [1820, 2092], \"output_tok_ids\": [4897]}\r\n"
                  "{\"arrival_time_ns\": 44493029985, \"output_toks\": 5, \"input_toks\": 7}\n"
                  "{\"input_toks\": 1313, \"output_toks\": 773, \"arrival_time_ns\": 13392644288}");
    assert_read(&reading, 4);
    assert_request(&reading, 0, 0, 2, 1);
    assert_request(&reading, 1, 13392644288 - 46926808, 1313, 773);
    assert_request(&reading, 2, 44493029985 - 46926808, 264, 575);
    assert_request(&reading, 3, 44493029985 - 46926808, 7, 5);
}
END_TEST

#define CHAT(id, parent, time, turn)                                                               \
    "{\"chat_id\": " #id ", \"parent_chat_id\": " #parent ", \"timestamp\": " #time                \
    ", \"input_length\": 33, \"output_length\": 132, \"type\": \"text\", \"turn\": " #turn         \
    ", \"hash_ids\": [1089, 1090, 1090]}\n"

/* A parent that the file does not have begins a conversation, for all that name it. */
START_TEST(reads_qwen_bailian)
{
    struct reading reading = read_text(
        CHAT(0, -1, 0.0, 1) CHAT(159, 55, 61.114, 2) CHAT(160, 0, 61.5, 2) CHAT(161, 160, 62, 3)
            CHAT(162, 159, 63, 3) CHAT(163, 55, 63, 2) CHAT(9223372036854775806, -1, 64, 1));
    static const char *const sessions[] = {"0", "55", "0", "0", "55", "55", "9223372036854775806"};
    static const int turns[] = {1, 2, 2, 3, 3, 2, 1};
    assert_read(&reading, COUNT(sessions));
    for (int i = 0; i < (int)COUNT(sessions); i++) {
        assert_names(&reading, i, sessions[i], turns[i], "text");
        ck_assert_int_eq(reading.requests[i].prefix_id_tokens, 16);
        ck_assert_int_eq(reading.requests[i].prefix_id_count, 3);
        ck_assert_uint_eq(reading.prefix_ids[i][2], 1090);
    }
    assert_request(&reading, 1, 61114000000, 33, 132);
    reading = read_text("{\"parent_chat_id\":-1,\"chat_id\":3,\"timestamp\":0,\"input_length\":33,"
                        "\"output_length\":1}\r\n");
    assert_read(&reading, 1);
    assert_names(&reading, 0, "3", 0, "");
    ck_assert_int_eq(reading.requests[0].prefix_id_count, 0);
}
END_TEST

/* Every answer is a request; what is no answer is context of the next. */
static const char conversations[] =
    "[{\"id\": \"a1\", \"conversations\": [{\"from\": \"system\", \"tokens\": 3},\n"
    "  {\"from\": \"human\", \"tokens\": 12, \"value\": \"say \\\"}]\\\" {\\\\\"},\n"
    "  {\"from\": \"gpt\", \"tokens\": 40}, {\"from\": \"human\", \"num_tokens\": 5},\n"
    "  {\"token_count\": 7, \"from\": \"assistant\"}, {\"from\": \"human\", \"tokens\": 5}]},\n"
    "\r\n {\"id\": \"empty\", \"conversations\": []},\n"
    " {\"conversations\": [{\"from\": \"gpt\", \"tokens\": 9}, {\"from\": \"human\", \"tokens\": "
    "8},\n"
    "    {\"from\": \"gpt\", \"tokens\": 0}, {\"from\": \"gpt\", \"tokens\": 2}], \"id\": 17}\n"
    "]\n\n";

static void assert_conversations(const struct reading *reading)
{
    assert_read(reading, 3);
    assert_request(reading, 0, 0, 15, 40);
    assert_request(reading, 1, 0, 60, 7);
    assert_request(reading, 2, 0, 17, 2);
    assert_names(reading, 0, "a1", 1, "");
    assert_names(reading, 1, "a1", 2, "");
    assert_names(reading, 2, "17", 1, "");
    ck_assert_int_eq(reading->requests[0].prefix_id_count, 0);
    ck_assert_int_eq(reading->requests[1].prefix_id_count, 3);
    ck_assert_int_eq(reading->requests[2].prefix_id_count, 1);
    ck_assert_int_eq(reading->requests[2].prefix_id_tokens, 16);
    ck_assert_uint_ne(reading->prefix_ids[1][0], reading->prefix_ids[2][0]);
}

START_TEST(reads_conversations_on_lines_of_any_length)
{
    char text[sizeof conversations];
    memcpy(text, conversations, sizeof text);
    struct reading reading = read_rows(text, strlen(text), NULL, false);
    assert_conversations(&reading);
    for (char *c = text; *c != '\0'; c++)
        *c = *c == '\n' || *c == '\r' ? ' ' : *c;
    reading = read_rows(text, strlen(text), NULL, false);
    assert_conversations(&reading);
    static char pretty[2 * sizeof conversations];
    char *to = pretty;
    bool quoted = false;
    for (const char *c = text; *c != '\0'; c++) {
        quoted ^= *c == '"' && c[-1] != '\\';
        *to++ = *c;
        if (!quoted && strchr("[{,:", *c) != NULL)
            *to++ = '\n';
    }
    reading = read_rows(pretty, (size_t)(to - pretty), NULL, false);
    assert_conversations(&reading);
}
END_TEST

/* Names are texts with escapes, or numbers; nobody's are the same as none. */
START_TEST(reads_names_with_escapes)
{
    static const struct {
        const char *json, *name;
    } cases[] = {
        {"\"plain\"", "plain"},
        {"\"\"", ""},
        {"12", "12"},
        {"-7", "-7"},
        {"\"a\\\"b\\\\c\\/d\"", "a\"b\\c/d"},
        {"\"tab\\there\"", "tab\there"},
        {"\"\\u00e9\\u20ac\"", "\u00e9\u20ac"},
        {"\"\\ud83d\\ude00\"", "\U0001F600"},
        {"\"\u00e9, \U0001F600\"", "\u00e9, \U0001F600"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[400];
        snprintf(text, sizeof text,
                 "{\"arrival_s\": 0, \"prompt_tokens\": 1, \"output_tokens\": 1, \"session_id\": "
                 "%s, \"class\": \"x\\ny\", \"client\": %s}\n",
                 cases[i].json, cases[i].json);
        struct reading reading = read_text(text);
        assert_read(&reading, 1);
        assert_names(&reading, 0, cases[i].name, 0, "x\ny");
        ck_assert_str_eq(reading.names[0].client, cases[i].name);
        ck_assert_int_eq(reading.requests[0].client != 0, *cases[i].name != '\0');
    }
}
END_TEST

START_TEST(reads_names_of_255_bytes)
{
    static const char *const rows[] = {
        LLMSIM_ALL "0,1,1,%s,,,,0\n",
        BURST_3 "0,%s,1,GPT-4,1,1,2,Conversation log\n",
        "{\"arrival_s\":0,\"prompt_tokens\":1,\"output_tokens\":1,\"session_id\":\"%s\"}\n",
        ("[{\"id\":\"%s\",\"conversations\":[{\"from\":\"human\",\"tokens\":1},"
         "{\"from\":\"gpt\",\"tokens\":1}]}]"),
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (int bytes = 255; bytes <= 256; bytes++) {
            char name[300] = "", text[1000];
            memset(name, 'n', (size_t)bytes);
            snprintf(text, sizeof text, rows[i], name); /* NOLINT: of the table */
            struct reading reading = read_rows(text, strlen(text), NULL, false);
            ck_assert_int_eq(reading.opened, bytes == 255);
            if (bytes == 255)
                ck_assert_str_eq(reading.names[0].session, name);
            else
                ck_assert_ptr_nonnull(strstr(reading.error.text, "a name of at most 255 bytes"));
        }
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {reads_azure_2025,
                                  reads_burstgpt_without_sessions,
                                  reads_burstgpt_with_sessions,
                                  refuses_burstgpt_of_failures_alone,
                                  reads_splitwise,
                                  reads_vidur,
                                  reads_lengths_without_times,
                                  reads_llmservingsim,
                                  reads_qwen_bailian,
                                  reads_conversations_on_lines_of_any_length,
                                  reads_names_with_escapes,
                                  reads_names_of_255_bytes};
    return unit_run("trace formats", tests, COUNT(tests));
}
