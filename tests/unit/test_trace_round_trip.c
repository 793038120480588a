/* What is written in a format, and read back: all that the format holds, and the rest is counted. */
#include "trace_reading.h"
#include "trace_writer.h"

enum { TEXT_BYTES = 1 << 16 };

/* Requests that have every item between them, and one that has none. */
static const char everything[] =
    "{\"arrival_s\": 0, \"prompt_tokens\": 40, \"output_tokens\": 8, \"session_id\": \"s, one\", "
    "\"turn\": 1, \"class\": \"chat \\\"fast\\\", \\n\\u00e9\", \"client\": \"c\\\\3,\", "
    "\"priority\": -1000000000, \"prefix_block_tokens\": 16, \"prefix_ids\": [7, 8, 9]}\n"
    "{\"arrival_s\": 0.000000050, \"prompt_tokens\": 1, \"output_tokens\": 100000000}\n"
    "{\"arrival_s\": 1.1, \"prompt_tokens\": 32, \"output_tokens\": 1, \"session_id\": \"12\", "
    "\"turn\": 1, \"class\": \"batch\", \"client\": \"c4\", \"priority\": 5, "
    "\"prefix_block_tokens\": 16, \"prefix_ids\": [18446744073709551615, 0]}\n"
    "{\"arrival_s\": 2.000000123, \"prompt_tokens\": 33, \"output_tokens\": 2, \"session_id\": "
    "\"s, one\", \"turn\": 2, \"class\": \"batch\"}\n"
    "{\"arrival_s\": 86400, \"prompt_tokens\": 3, \"output_tokens\": 2, \"session_id\": \"012\", "
    "\"turn\": 7}\n"
    "{\"arrival_s\": 4000000000.5, \"prompt_tokens\": 3, \"output_tokens\": 2, \"session_id\": "
    "\"s, one\", \"turn\": 2147483647, \"client\": \"c4\"}\n";

/* The text's requests in the format, as a text. */
static int64_t write_as(const char *text, const char *format, char written[TEXT_BYTES],
                        struct trace_losses *losses)
{
    struct reading file;
    write_text(&file, text, strlen(text));
    struct workload_config config = config_of_trace();
    config.trace = file.path;
    struct request_source source;
    struct error error = {0};
    ck_assert_msg(workload_open(&config, 0, &source, &error), "%s", error.text);
    FILE *stream = fmemopen(written, TEXT_BYTES, "w");
    ck_assert_ptr_nonnull(stream);
    const struct trace_format *wanted = trace_format_find_written(format, &error);
    const int64_t requests = trace_write(&source, wanted, stream, NULL, losses, &error);
    ck_assert_int_eq(fclose(stream), 0);
    source.destroy(source.state);
    unlink(file.path);
    return requests;
}

/* A name as tables can hold it. */
static void assert_name(const char *read, const char *name, bool exactly, const char *format)
{
    char expected[REQUEST_MAX_NAME_BYTES + 1];
    snprintf(expected, sizeof expected, "%s", name);
    for (char *c = expected; *c != '\0'; c++)
        *c = !exactly && strchr(",\r\n", *c) != NULL ? ' ' : *c;
    ck_assert_msg(strcmp(read, expected) == 0, "%s: '%s', not '%s'", format, read, expected);
}

static void assert_ids(const struct reading *back, const struct reading *first, int i)
{
    const struct request *request = &back->requests[i], *wanted = &first->requests[i];
    ck_assert_int_eq(request->prefix_id_count, wanted->prefix_id_count);
    ck_assert_int_eq(request->prefix_id_tokens, wanted->prefix_id_tokens);
    ck_assert_mem_eq(back->prefix_ids[i], first->prefix_ids[i],
                     (size_t)request->prefix_id_count * sizeof(uint64_t));
}

/* Whatever they are called, requests belong together as before; those of no session to nobody. */
static void assert_same_sessions(const struct reading *back, const struct reading *first)
{
    for (int i = 0; i < first->count; i++) {
        for (int j = 0; j < i; j++) {
            const char *name = first->names[i].session;
            const bool together = *name != '\0' && strcmp(name, first->names[j].session) == 0;
            ck_assert_int_eq(strcmp(back->names[i].session, back->names[j].session) == 0, together);
        }
    }
}

/* What becomes of names: all of them is there; in tables less what parts fields; or only who belongs
 * together, and the class as far as it needs no escapes. */
enum names_kept { NAMES_EXACT, NAMES_OF_TABLE, NAMES_BELONG };

static void assert_held(const struct reading *back, const struct reading *first,
                        const struct trace_format *format, enum names_kept kept)
{
    const unsigned holds = format->holds;
    const bool exactly = kept == NAMES_EXACT;
    for (int i = 0; i < first->count; i++) {
        const struct request *request = &back->requests[i], *wanted = &first->requests[i];
        const struct kept_names *names = &first->names[i];
        assert_request(
            back, i,
            format->timeless ? 0 : wanted->arrival_ns - wanted->arrival_ns % format->time_step_ns,
            wanted->prompt_tokens, wanted->output_tokens);
        if (format->timeless)
            continue;
        if ((holds & 1U << TRACE_PREFIX_IDS) != 0)
            assert_ids(back, first, i);
        else
            ck_assert_int_eq(request->prefix_id_count, 0);
        if (kept != NAMES_BELONG)
            assert_name(back->names[i].session,
                        (holds & 1U << TRACE_SESSION) != 0 ? names->session : "", exactly,
                        format->name);
        if (kept != NAMES_BELONG || wanted->turn > 0)
            ck_assert_int_eq(request->turn, (holds & 1U << TRACE_TURN) != 0 ? wanted->turn : 0);
        if ((holds & 1U << TRACE_CLASS) == 0 ||
            (names->class_name[0] != '\0' && kept != NAMES_BELONG))
            assert_name(back->names[i].class_name,
                        (holds & 1U << TRACE_CLASS) != 0 ? names->class_name : "", exactly,
                        format->name);
        assert_name(back->names[i].client, (holds & 1U << TRACE_CLIENT) != 0 ? names->client : "",
                    exactly, format->name);
        ck_assert_int_eq(request->priority,
                         (holds & 1U << TRACE_PRIORITY) != 0 ? wanted->priority : 0);
    }
    if ((holds & 1U << TRACE_SESSION) != 0 && kept == NAMES_BELONG)
        assert_same_sessions(back, first);
}

static const struct {
    const char *format, *losses;
    enum names_kept kept;
    int prefix_block_tokens;
} formats[] = {
    {"azure",
     "prefix ids of 2 requests, session of 5 requests, turn of 5 requests, class of 3 requests, "
     "client of 3 requests, priority of 2 requests, exact time of 2 requests",
     NAMES_OF_TABLE, 0},
    {"burstgpt",
     "prefix ids of 2 requests, turn of 5 requests, client of 3 requests, priority of 2 requests, "
     "exact names of 3 requests",
     NAMES_OF_TABLE, 0},
    {"llmservingsim",
     "prefix ids of 2 requests, session of 5 requests, turn of 5 requests, class of 3 requests, "
     "client of 3 requests, priority of 2 requests",
     NAMES_OF_TABLE, 0},
    {"llmsim", "prefix ids of 2 requests, exact names of 3 requests", NAMES_OF_TABLE, 0},
    {"llmsim-jsonl", "", NAMES_EXACT, 0},
    {"qwen-bailian", "client of 3 requests, priority of 2 requests, exact names of 1 requests",
     NAMES_BELONG, 0},
    {"mooncake",
     "session of 5 requests, turn of 5 requests, class of 3 requests, client of 3 requests, "
     "priority of 2 requests",
     NAMES_EXACT, 16},
    {"sharegpt",
     "prefix ids of 2 requests, session of 5 requests, turn of 5 requests, class of 3 requests, "
     "client of 3 requests, priority of 2 requests, arrival time of 5 requests",
     NAMES_EXACT, 0},
    {"splitwise",
     "prefix ids of 2 requests, session of 5 requests, turn of 5 requests, class of 3 requests, "
     "client of 3 requests, priority of 2 requests",
     NAMES_OF_TABLE, 0},
    {"vidur",
     "prefix ids of 2 requests, session of 5 requests, turn of 5 requests, class of 3 requests, "
     "client of 3 requests, priority of 2 requests",
     NAMES_OF_TABLE, 0},
    {"vidur-lengths",
     "prefix ids of 2 requests, session of 5 requests, turn of 5 requests, class of 3 requests, "
     "client of 3 requests, priority of 2 requests, arrival time of 5 requests",
     NAMES_OF_TABLE, 0},
};

static struct reading read_back(const char *written, const char *format, int prefix_block_tokens)
{
    if (prefix_block_tokens == 0)
        return read_rows(written, strlen(written), NULL, false);
    struct workload_config config = config_of_trace();
    config.format = format_index(format);
    config.prefix_block_tokens = prefix_block_tokens;
    return read_bytes(written, strlen(written), config);
}

START_TEST(reads_back_what_the_format_holds)
{
    const struct reading first = read_text(everything);
    ck_assert_str_eq(first.error.text, "");
    ck_assert_int_eq(first.count, 6);
    for (size_t i = 0; i < COUNT(formats); i++) {
        static char written[TEXT_BYTES], again[TEXT_BYTES];
        const char *name = formats[i].format;
        const int block_tokens = formats[i].prefix_block_tokens;
        struct trace_losses losses;
        ck_assert_int_eq(write_as(everything, name, written, &losses), first.count);
        ck_assert_int_eq(losses.prefix_block_tokens, block_tokens);
        char lost[1000] = "";
        const struct trace_format *written_as = trace_format_at((size_t)format_index(name));
        ck_assert_int_eq(trace_losses_describe(&losses, written_as, lost, sizeof lost),
                         *formats[i].losses != '\0');
        ck_assert_msg(strcmp(lost, formats[i].losses) == 0, "%s: lost %s", name, lost);
        struct reading back = read_back(written, name, block_tokens);
        ck_assert_msg(back.ended == SOURCE_END && back.count == first.count, "%s: %s\n%s", name,
                      back.error.text, written);
        assert_held(&back, &first, written_as, formats[i].kept);
        if (written_as->timeless || block_tokens > 0 || formats[i].kept == NAMES_BELONG)
            continue;
        write_as(written, name, again, &losses);
        ck_assert_str_eq(again, written); /* what has been written once loses no more */
        ck_assert_int_eq(losses.times, 0);
    }
}
END_TEST

/* No format that can be written is missing above. */
START_TEST(every_format_is_tried)
{
    size_t written = 0;
    for (size_t i = 0; trace_format_at(i) != NULL; i++)
        written += trace_format_at(i)->write_row != NULL ? 1 : 0;
    ck_assert_uint_eq(written, COUNT(formats));
}
END_TEST

/* Of sessions whose turns nobody has counted, and of a conversation's own numbers. */
START_TEST(keeps_sessions_together)
{
    static const char *const texts[] = {
        LLMSIM_ALL "0,1,1,a,,,,0\n1,1,1,a,,,,0\n2,1,1,b,,,,0\n3,1,1,,,,,0\n4,1,1,,,,,0\n"
                   "5,1,1,b,9,,,0\n6,1,1,0,1,,,0\n7,1,1,00,1,,,0\n8,1,1,0,,,,0\n",
        LLMSIM_ALL "0,1,1,999999999999999,2,,,0\n1,1,1,9999999999999999,2,,,0\n"
                   "2,1,1,4503599627370496,1,,,0\n3,1,1,4503599627370499,1,,,0\n4,1,1,-1,1,,,0\n"
                   "5,1,1,1,1,,,0\n6,1,1,-1,2,,,0\n",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        char written[TEXT_BYTES];
        struct trace_losses losses;
        const struct reading first = read_text(texts[i]);
        write_as(texts[i], "qwen-bailian", written, &losses);
        const struct reading back = read_text(written);
        ck_assert_str_eq(back.error.text, "");
        ck_assert_int_eq(back.count, first.count);
        assert_same_sessions(&back, &first);
    }
}
END_TEST

START_TEST(describes_losses_as_far_as_there_is_room)
{
    char text[40];
    ck_assert(
        !trace_losses_describe(&(struct trace_losses){0}, &trace_format_llmsim, text, sizeof text));
    ck_assert(!trace_losses_describe(&(struct trace_losses){.prefix_block_tokens = 16},
                                     &trace_format_llmsim, text, sizeof text));
    const struct trace_losses losses = {
        .requests = {[TRACE_SESSION] = 12, [TRACE_PRIORITY] = INT64_MAX}, .times = 3};
    ck_assert(trace_losses_describe(&losses, &trace_format_llmsim, text, sizeof text));
    ck_assert_str_eq(text, "session of 12 requests, priority of 922");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {reads_back_what_the_format_holds, every_format_is_tried,
                                  keeps_sessions_together,
                                  describes_losses_as_far_as_there_is_room};
    return unit_run("trace round trip", tests, COUNT(tests));
}
