/* Alibaba Cloud's Bailian (Qwen) traces: Mooncake's keys, and those of conversations.
 *
 *     {"chat_id": 159, "parent_chat_id": 55, "timestamp": 61.114, "input_length": 521,
 *      "output_length": 132, "type": "text", "turn": 2, "hash_ids": [1089, 1090, …]}
 *
 * Times are in seconds. An id stands for 16 tokens, and for the block alone, whatever stands before
 * it: only a run of equal ids from the start is a prefix. A chat_id is a request's; a conversation is
 * a chain of parents, up to -1. It is called by its first chat_id here.
 *
 * The first chat_id of a request is remembered for its followers in a table of fixed size, where a
 * newer request takes an older one's place when they collide: a follower after more than some hundred
 * thousand other requests may be taken for the first of a conversation. */
#include "json_fields.h"

#include <inttypes.h>
#include <string.h>
#include <xxhash.h>

enum { ID_TOKENS = 16, REMEMBERED = 1 << 19 };
enum { CHAT_ID, PARENT_CHAT_ID, TIMESTAMP, INPUT_LENGTH, OUTPUT_LENGTH, TYPE, TURN, HASH_IDS };

struct chat {
    int64_t id, first_id; /* first_id: of its conversation; both less 1, so that 0 is nobody */
};

struct qwen_state {
    int64_t id, parent_id; /* of the row being read */
    char session[24];
    struct chat chats[REMEMBERED];
};

static bool read_chat_id(struct trace_row *row, const char *name, struct request *request)
{
    (void)request;
    struct qwen_state *state = row->state;
    return json_read_whole(row, name, 0, INT64_MAX - 1, &state->id);
}

static bool read_parent_id(struct trace_row *row, const char *name, struct request *request)
{
    (void)request;
    struct qwen_state *state = row->state;
    return json_read_whole(row, name, -1, INT64_MAX - 1, &state->parent_id);
}

/* "text", "search", "image", "file": without quotes as they are. */
static bool read_type(struct trace_row *row, const char *name, struct request *request)
{
    const char *quoted = row->cursor;
    if (!json_is_next(row, '"'))
        return json_refuse_value(row, name, "a text");
    if (!json_skip_string(row))
        return false;
    const char *behind = row->cursor;
    row->cursor = quoted + 1;
    const bool read = trace_row_name(row, name, behind - 1, &request->class_name);
    row->cursor = behind;
    return read;
}

static const struct trace_field fields[] = {
    [CHAT_ID] = {"chat_id", read_chat_id, false, false},
    [PARENT_CHAT_ID] = {"parent_chat_id", read_parent_id, false, false},
    [TIMESTAMP] = {"timestamp", json_read_seconds, false, false},
    [INPUT_LENGTH] = {"input_length", json_read_prompt, false, false},
    [OUTPUT_LENGTH] = {"output_length", json_read_output, false, false},
    [TYPE] = {"type", read_type, true, false},
    [TURN] = {"turn", json_read_turn, true, false},
    [HASH_IDS] = {"hash_ids", json_read_prefix_ids, true, false},
};

enum { FIELDS = sizeof fields / sizeof *fields };

static bool qwen_detect(const char *line, size_t length, struct trace_columns *columns)
{
    (void)columns;
    return json_detect(fields, FIELDS, line, length);
}

static struct chat *find_chat(struct qwen_state *state, int64_t id)
{
    return &state->chats[XXH64(&id, sizeof id, 0) % REMEMBERED];
}

/* Names the conversation, and remembers it for those who follow. */
static void set_session(struct qwen_state *state, struct request *request)
{
    int64_t first_id = state->id;
    if (state->parent_id >= 0) {
        const struct chat *parent = find_chat(state, state->parent_id);
        first_id = parent->id == state->parent_id + 1 ? parent->first_id - 1 : state->parent_id;
    }
    *find_chat(state, state->id) = (struct chat){state->id + 1, first_id + 1};
    const int bytes = snprintf(state->session, sizeof state->session, "%" PRId64, first_id);
    request->session = (struct request_name){state->session, bytes};
}

static bool qwen_parse_row(struct trace_row *row, struct request *request)
{
    const char *values[JSON_MAX_FIELDS];
    if (!json_parse_object(fields, FIELDS, row, request, values) ||
        !json_finish_prefix(row, fields[HASH_IDS].name, values[HASH_IDS], false, request))
        return false;
    set_session(row->state, request);
    return true;
}

/* A conversation is called by a number: its name where that is one, else a hash of it; below 2^52,
 * so that a double holds it. */
static int64_t first_id_of(const struct request_name *session)
{
    enum { MAX_DIGITS = 15 };
    int64_t number = 0;
    bool digits = session->bytes <= MAX_DIGITS;
    for (int32_t i = 0; digits && i < session->bytes; i++) {
        digits = trace_is_digit(session->text[i]) &&
                 (number > 0 || session->bytes == 1 || i > 0 || session->text[i] != '0');
        number = 10 * number + (session->text[i] - '0');
    }
    return digits ? number : (int64_t)(XXH64(session->text, (size_t)session->bytes, 0) >> 12);
}

/* What would have to be escaped in a text. */
#define REPLACED                                                                                   \
    "\"\\\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13\x14\x15\x16" \
    "\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"

/* The first of a conversation has its number, which all others name as their parent; these are
 * numbered from 2^52 on. */
static void qwen_write_row(FILE *stream, const struct request *request, int64_t number)
{
    const bool in_session = request->session.bytes > 0;
    const int64_t first_id = in_session ? first_id_of(&request->session) : -1;
    const bool follows = in_session && request->turn > 1;
    const int64_t own_id = in_session && !follows ? first_id : ((int64_t)1 << 52) + number;
    fprintf(stream,
            "{\"chat_id\": %" PRId64 ", \"parent_chat_id\": %" PRId64 ", \"timestamp\": ", own_id,
            follows ? first_id : -1);
    trace_write_seconds(stream, request->arrival_ns);
    fprintf(stream, ", \"input_length\": %d, \"output_length\": %d, \"type\": \"",
            request->prompt_tokens, request->output_tokens);
    const struct request_name *type = &request->class_name;
    for (int32_t i = 0; i < type->bytes; i++) {
        const char c = type->text[i];
        fputc(strchr(REPLACED, c) != NULL ? '_' : c, stream);
    }
    fprintf(stream, "%s\", \"turn\": %d", type->bytes > 0 ? "" : "text",
            request->turn > 0 ? request->turn : 1);
    if (request->prefix_id_count > 0) {
        fputs(", \"hash_ids\": ", stream);
        json_write_all_ids(stream, request, number);
    }
    fputs("}\n", stream);
}

const struct trace_format trace_format_qwen_bailian = {
    .name = "qwen-bailian",
    .summary = "JSON lines with conversations and prefix ids of 16 tokens, in seconds",
    .source = "https://github.com/alibaba-edu/qwen-bailian-usagetraces-anon; Wang et al., KVCache "
              "Cache in the Wild, ATC 2025",
    .header = "{\"chat_id\": 159, \"parent_chat_id\": 55, \"timestamp\": 61.114, \"input_length\": "
              "21, \"output_length\": 80, \"type\": \"text\", \"turn\": 2, \"hash_ids\": [7, 8]}",
    .headerless = true,
    .id_tokens = ID_TOKENS,
    .state_size = sizeof(struct qwen_state),
    .holds = 1U << TRACE_PREFIX_IDS | 1U << TRACE_SESSION | 1U << TRACE_TURN | 1U << TRACE_CLASS,
    .invents = 1U << TRACE_SESSION | 1U << TRACE_TURN | 1U << TRACE_CLASS,
    .replaces = REPLACED,
    .time_step_ns = 1,
    .detect = qwen_detect,
    .parse_row = qwen_parse_row,
    .write_row = qwen_write_row,
};
