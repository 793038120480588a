/* Conversations in ShareGPT's form, with the tokens of every turn: a list of
 *
 *     {"id": "a1", "conversations": [{"from": "human", "tokens": 12, "value": "…"},
 *                                    {"from": "gpt", "tokens": 40}, …]}
 *
 * As published (ShareGPT_V3_unfiltered_cleaned_split.json) it has texts and no counts, which depend on
 * the model's tokenizer: such a file is refused. `tokens` may be called num_tokens or token_count.
 * Every answer is a request, whose prompt is all that stands before it; a conversation without an
 * answer is none. Nothing says when requests arrive (workload.arrivals does). */
#include "json_fields.h"

#include <string.h>
#include <xxhash.h>

enum { ID_TOKENS = 16, CONVERSATION_FIELDS = 2, TURN_FIELDS = 4 };
enum { TURN_FROM, TURN_TOKENS, TURN_NUM_TOKENS, TURN_TOKEN_COUNT };

struct sharegpt_state {
    int64_t conversations;  /* read so far, this one included */
    int64_t context_tokens; /* of the turns so far */
    int32_t answers;
    bool answers_now; /* whose turn is read */
    int32_t tokens;
    struct request_name id; /* in the row */
};

static bool read_text(struct trace_row *row, const char *name, struct request_name *text)
{
    const char *begin = row->cursor;
    if (!json_is_next(row, '"')) {
        const char *end = json_whole_end(begin, row->end);
        return end != NULL ? trace_row_name(row, name, end, text)
                           : json_refuse_value(row, name, "a text or a whole number");
    }
    if (!json_skip_string(row))
        return false;
    const char *behind = row->cursor;
    row->cursor = begin + 1;
    const bool read = trace_row_name(row, name, behind - 1, text);
    row->cursor = behind;
    return read;
}

static bool read_id(struct trace_row *row, const char *name, struct request *request)
{
    (void)request;
    struct sharegpt_state *state = row->state;
    return read_text(row, name, &state->id);
}

static bool read_from(struct trace_row *row, const char *name, struct request *request)
{
    (void)request;
    static const char *const answering[] = {"gpt", "assistant", "chatgpt", "bing", "bard", "model"};
    struct sharegpt_state *state = row->state;
    struct request_name from = {NULL, 0};
    if (!read_text(row, name, &from))
        return false;
    for (size_t i = 0; i < sizeof answering / sizeof *answering; i++)
        state->answers_now |= strlen(answering[i]) == (size_t)from.bytes &&
                              memcmp(answering[i], from.text, (size_t)from.bytes) == 0;
    return true;
}

static bool read_turn_tokens(struct trace_row *row, const char *name, struct request *request)
{
    (void)request;
    struct sharegpt_state *state = row->state;
    int64_t tokens = 0;
    if (!json_read_whole(row, name, 0, REQUEST_MAX_TOKENS, &tokens))
        return false;
    state->tokens = (int32_t)tokens;
    return true;
}

static const struct trace_field conversation_fields[CONVERSATION_FIELDS] = {
    {"conversations", NULL, false, false},
    {"id", read_id, true, false},
};

static const struct trace_field turn_fields[TURN_FIELDS] = {
    [TURN_FROM] = {"from", read_from, false, false},
    [TURN_TOKENS] = {"tokens", read_turn_tokens, true, false},
    [TURN_NUM_TOKENS] = {"num_tokens", read_turn_tokens, true, false},
    [TURN_TOKEN_COUNT] = {"token_count", read_turn_tokens, true, false},
};

/* One turn of the list; it is in the state then. */
static bool read_turn(struct trace_row *row, struct request *request)
{
    struct sharegpt_state *state = row->state;
    const char *values[JSON_MAX_FIELDS];
    json_skip_space(row);
    const struct location at = trace_row_location(row, row->cursor);
    state->answers_now = false;
    if (!json_parse_object(turn_fields, TURN_FIELDS, row, request, values))
        return false;
    if (values[TURN_TOKENS] != NULL || values[TURN_NUM_TOKENS] != NULL ||
        values[TURN_TOKEN_COUNT] != NULL)
        return true;
    return error_input(row->error, &at,
                       "a turn without 'tokens': the file has texts, but how many tokens they are "
                       "depends on the model's tokenizer; count them first");
}

/* Up to the first turn. */
static bool begin_conversation(struct trace_row *row, struct request *request)
{
    struct sharegpt_state *state = row->state;
    const char *values[JSON_MAX_FIELDS];
    state->conversations++;
    state->context_tokens = state->answers = 0;
    state->id = (struct request_name){NULL, 0};
    if (!json_parse_object(conversation_fields, CONVERSATION_FIELDS, row, request, values) ||
        !json_finish_row(row))
        return false;
    row->cursor = values[0];
    if (!json_take(row, '['))
        return json_refuse_value(row, "conversations", "a list of turns");
    row->more = !json_take(row, ']');
    return true;
}

/* The conversation so far, in blocks that nobody else has. */
static void fill_request(struct trace_row *row, struct request *request)
{
    struct sharegpt_state *state = row->state;
    request->prompt_tokens = (int32_t)state->context_tokens;
    request->output_tokens = state->tokens;
    request->session = state->id;
    request->turn = ++state->answers;
    const int32_t blocks = request->prompt_tokens / row->id_tokens;
    if (blocks == 0 || blocks > TRACE_ROW_MAX_IDS)
        return;
    for (int64_t i = 0; i < blocks; i++) {
        const int64_t block[] = {state->conversations, i};
        row->ids[i] = XXH64(block, sizeof block, 0) >> 11; /* 53 bits: a double holds them */
    }
    request->prefix_ids = row->ids;
    request->prefix_id_count = blocks;
    request->prefix_id_tokens = row->id_tokens;
}

static bool sharegpt_parse_row(struct trace_row *row, struct request *request)
{
    struct sharegpt_state *state = row->state;
    if (!row->more && !begin_conversation(row, request))
        return false;
    while (row->more) {
        if (!read_turn(row, request))
            return false;
        row->more = json_take(row, ',');
        if (!row->more && !json_take(row, ']'))
            return json_refuse_syntax(row, "a comma or a closing bracket");
        const bool answered = state->answers_now && state->context_tokens > 0 && state->tokens > 0;
        if (answered && state->context_tokens > REQUEST_MAX_TOKENS) {
            const struct location at = trace_row_location(row, row->begin);
            return error_input(row->error, &at,
                               "a conversation of more than %d tokens before an answer",
                               REQUEST_MAX_TOKENS);
        }
        if (answered)
            fill_request(row, request);
        state->context_tokens += state->tokens;
        if (answered)
            return true;
    }
    row->none = true;
    return true;
}

static bool sharegpt_detect(const char *line, size_t length, struct trace_columns *columns)
{
    (void)columns;
    return json_detect(conversation_fields, CONVERSATION_FIELDS, line, length);
}

static void sharegpt_write_header(FILE *stream)
{
    fputc('[', stream);
}

/* A conversation of one question and one answer. */
static void sharegpt_write_row(FILE *stream, const struct request *request, int64_t number)
{
    fprintf(stream,
            "%s\n{\"id\": \"%lld\", \"conversations\": [{\"from\": \"human\", \"tokens\": %d}, "
            "{\"from\": \"gpt\", \"tokens\": %d}]}",
            number > 0 ? "," : "", (long long)number, request->prompt_tokens,
            request->output_tokens);
}

static void sharegpt_write_footer(FILE *stream)
{
    fputs("\n]\n", stream);
}

const struct trace_format trace_format_sharegpt = {
    .name = "sharegpt",
    .summary = "conversations with token counts, without times (workload.arrivals says when)",
    .source = "https://huggingface.co/datasets/anon8231489123/ShareGPT_Vicuna_unfiltered",
    .header = "[{\"id\": \"a1\", \"conversations\": [{\"from\": \"human\", \"tokens\": 12}, "
              "{\"from\": \"gpt\", \"tokens\": 40}]}]",
    .headerless = true,
    .objects = true,
    .timeless = true,
    .id_tokens = ID_TOKENS,
    .state_size = sizeof(struct sharegpt_state),
    .detect = sharegpt_detect,
    .parse_row = sharegpt_parse_row,
    .write_row = sharegpt_write_row,
    .write_header = sharegpt_write_header,
    .write_footer = sharegpt_write_footer,
};
