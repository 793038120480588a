#include "measured_log.h"

#include "byte_reader.h"
#include "measured_formats.h"
#include <llmsim/sim_time.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Longer is no measurement: thirty years. */
static const double MAX_S = 1e9;

bool measured_refuse(struct measured_reading *reading, int64_t line, const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    const struct location at = {reading->name, line, 0};
    return error_input(reading->error, &at, "%s", text);
}

void measured_note(struct measured_log *log, const char *format, ...)
{
    if (log->note_count == MEASURED_MAX_NOTES)
        return;
    char *note = log->notes[log->note_count];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(note, MEASURED_NOTE_BYTES, format, arguments);
    va_end(arguments);
    for (size_t i = 0; i < log->note_count; i++) {
        if (strcmp(log->notes[i], note) == 0)
            return;
    }
    log->note_count++;
}

void measured_note_client(struct measured_log *log)
{
    measured_note(log,
                  "times are a client's: network and HTTP are in them, and not in a prediction");
}

bool measured_arrival_ns(double arrival_s, int64_t *arrival_ns)
{
    if (!(fabs(arrival_s) <= 4e9)) /* after 2090, or not a number */
        return false;
    *arrival_ns = (int64_t)llrint(arrival_s * 1e9);
    return true;
}

double measured_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : (double)NAN;
}

static bool is_duration(double value_s)
{
    return value_s >= 0.0 && value_s <= MAX_S;
}

static bool is_length(double tokens)
{
    return tokens >= 1.0 && tokens <= REQUEST_MAX_TOKENS && tokens == floor(tokens);
}

static bool check_row(struct measured_reading *reading, const struct measured_row *row)
{
    if (!is_length(row->prompt_tokens) || !is_length(row->output_tokens))
        return measured_refuse(reading, row->line,
                               "a prompt and an output of a whole number of tokens, 1 to %d, "
                               "are expected, not %g and %g",
                               REQUEST_MAX_TOKENS, row->prompt_tokens, row->output_tokens);
    if (!is_duration(row->ttft_s) || !is_duration(row->e2e_s))
        return measured_refuse(reading, row->line,
                               "a time to first token of %g s and an end-to-end latency of %g s "
                               "cannot be",
                               row->ttft_s, row->e2e_s);
    if (row->ttft_s > row->e2e_s)
        return measured_refuse(
            reading, row->line,
            "the first token comes after %g s, the last one before that, after %g s", row->ttft_s,
            row->e2e_s);
    if (!isnan(row->scheduled_s) && !(row->scheduled_s >= 0.0 && row->scheduled_s <= row->ttft_s))
        return measured_refuse(
            reading, row->line,
            "scheduled %g s after its arrival: not between that and its first token",
            row->scheduled_s);
    if (!isnan(row->tpot_s) && !is_duration(row->tpot_s))
        return measured_refuse(reading, row->line, "a time per output token of %g s cannot be",
                               row->tpot_s);
    return true;
}

static bool is_near(double value, double expected)
{
    return fabs(value - expected) <= 0.01 * expected;
}

static void count_definitions(struct measured_reading *reading, const struct measured_row *row)
{
    const double tokens = row->output_tokens, rest_s = row->e2e_s - row->ttft_s;
    if (isnan(row->tpot_s) || tokens < 2.0)
        return;
    reading->with_tpot++;
    reading->vllm_tpot += is_near(row->tpot_s, rest_s / (tokens - 1.0));
    reading->all_tokens_tpot += is_near(row->tpot_s, rest_s / tokens);
    reading->whole_tpot += is_near(row->tpot_s, row->e2e_s / tokens);
}

bool measured_add(struct measured_reading *reading, const struct measured_row *row)
{
    struct measured_log *log = reading->log;
    if (!check_row(reading, row))
        return false;
    if (log->count == reading->capacity) {
        const size_t capacity = reading->capacity > 0 ? 2 * reading->capacity : 1024;
        struct measured_request *grown = realloc(log->requests, capacity * sizeof *log->requests);
        if (grown == NULL)
            return error_run(reading->error, "out of memory for the measured requests");
        log->requests = grown;
        reading->capacity = capacity;
    }
    count_definitions(reading, row);
    const int64_t first_ns = row->arrival_ns + sim_ns_from_s(row->ttft_s);
    const int64_t end_ns = row->arrival_ns + sim_ns_from_s(row->e2e_s);
    log->has_scheduled &= !isnan(row->scheduled_s);
    log->requests[log->count++] = (struct measured_request){
        .arrival_ns = row->arrival_ns,
        .scheduled_ns =
            isnan(row->scheduled_s) ? -1 : row->arrival_ns + sim_ns_from_s(row->scheduled_s),
        .first_token_ns = first_ns,
        .finished_ns = end_ns,
        .prompt_tokens = (int32_t)row->prompt_tokens,
        .output_tokens = (int32_t)row->output_tokens,
    };
    return true;
}

/* In order of arrival, by merging, so that equal times stay as they are. */
static void merge_sort(struct measured_request *requests, struct measured_request *room,
                       size_t count)
{
    if (count < 2)
        return;
    const size_t half = count / 2;
    merge_sort(requests, room, half);
    merge_sort(requests + half, room, count - half);
    memcpy(room, requests, half * sizeof *room);
    size_t left = 0, right = half;
    for (size_t to = 0; left < half; to++)
        requests[to] = right < count && requests[right].arrival_ns < room[left].arrival_ns
                           ? requests[right++]
                           : room[left++];
}

static bool sort_requests(struct measured_log *log, struct error *error)
{
    struct measured_request *room = malloc(log->count * sizeof *room);
    if (room == NULL)
        return error_run(error, "out of memory for the measured requests");
    merge_sort(log->requests, room, log->count);
    free(room);
    return true;
}

static bool finish(struct measured_reading *reading)
{
    struct measured_log *log = reading->log;
    if (log->count == 0)
        return measured_refuse(reading, 0, "no request in it was completed");
    if (!sort_requests(log, reading->error))
        return false;
    const int64_t start_ns = log->requests[0].arrival_ns;
    if (sim_s_from_ns(log->requests[log->count - 1].arrival_ns - start_ns) > MAX_S)
        return measured_refuse(reading, 0, "its arrivals are more than thirty years apart");
    for (size_t i = 0; i < log->count; i++) {
        struct measured_request *request = &log->requests[i];
        request->arrival_ns -= start_ns;
        request->first_token_ns -= start_ns;
        request->finished_ns -= start_ns;
        if (request->scheduled_ns >= 0)
            request->scheduled_ns -= start_ns;
        if (!log->has_scheduled)
            request->scheduled_ns = -1;
    }
    const int64_t most = reading->with_tpot / 2;
    if (reading->with_tpot == 0 || reading->vllm_tpot > most)
        return true;
    if (reading->whole_tpot > most)
        measured_note(log, "its time per output token is E2E / output tokens, with the first "
                           "token; TPOT here is (E2E - TTFT) / (output tokens - 1)");
    else if (reading->all_tokens_tpot > most)
        measured_note(log, "its time per output token is (E2E - TTFT) / output tokens; TPOT here "
                           "is (E2E - TTFT) / (output tokens - 1)");
    else
        measured_note(log, "its time per output token is not (E2E - TTFT) / (output tokens - 1), "
                           "which TPOT is here; what it is, is unknown");
    return true;
}

static bool read_json(struct measured_reading *reading)
{
    json_error_t problem;
    json_t *root = json_loadb(reading->text, reading->length, JSON_DISABLE_EOF_CHECK, &problem);
    if (root == NULL) {
        const struct location at = {reading->name, problem.line > 0 ? problem.line : 0,
                                    problem.column > 0 ? problem.column : 0};
        return error_input(reading->error, &at, "%s", problem.text);
    }
    bool done = false;
    if (json_object_get(root, "metadata") != NULL && json_object_get(root, "metrics") != NULL)
        done = measured_read_aiperf(reading);
    else if (json_object_get(root, "benchmarks") != NULL)
        done = measured_read_guidellm(reading, root);
    else if (json_object_get(root, "ttfts") != NULL)
        done = measured_read_vllm(reading, root);
    else if (json_object_get(root, "total_input_tokens") != NULL)
        done = measured_refuse(reading, 0,
                               "has only totals: save requests too, with `vllm bench serve "
                               "--save-result --save-detailed`");
    else
        done = measured_refuse(reading, 0,
                               "is neither of `vllm bench serve --save-detailed`, nor of aiperf, "
                               "nor of GuideLLM");
    json_decref(root);
    return done;
}

/* All bytes, and a NUL behind them; the caller frees them. */
static char *read_all(struct byte_reader *reader, size_t *length, struct error *error)
{
    const struct location at = {byte_reader_name(reader), 0, 0};
    size_t capacity = 1 << 16, got = 1;
    char *text = malloc(capacity + 1);
    *length = 0;
    while (text != NULL && got > 0) {
        if (*length == capacity) {
            char *grown = capacity < MEASURED_MAX_BYTES ? realloc(text, 2 * capacity + 1) : NULL;
            if (grown == NULL) {
                free(text);
                error_input(error, &at, "is larger than %zu MiB", (size_t)MEASURED_MAX_BYTES >> 20);
                return NULL;
            }
            text = grown;
            capacity *= 2;
        }
        if (!byte_reader_read(reader, text + *length, capacity - *length, &got, &at, error)) {
            free(text);
            return NULL;
        }
        *length += got;
    }
    if (text == NULL)
        error_run(error, "out of memory");
    else
        text[*length] = '\0';
    return text;
}

static bool read_text(struct measured_reading *reading)
{
    const char *first = reading->text + strspn(reading->text, " \t\r\n");
    if (*first == '{' || *first == '[')
        return read_json(reading);
    return measured_read_csv(reading);
}

bool measured_log_read(struct measured_log *log, const char *path, struct error *error)
{
    *log = (struct measured_log){.path = path, .has_scheduled = true};
    struct byte_reader *reader = byte_reader_open(path, error);
    if (reader == NULL)
        return false;
    struct measured_reading reading = {
        .log = log, .name = byte_reader_name(reader), .error = error};
    char *text = read_all(reader, &reading.length, error);
    reading.text = text;
    const bool done = text != NULL && read_text(&reading) && finish(&reading);
    free(text);
    byte_reader_close(reader);
    return done;
}

void measured_log_fini(struct measured_log *log)
{
    free(log->requests);
    log->requests = NULL;
}

static enum request_source_result source_next(void *state, struct request *request,
                                              struct error *error)
{
    struct measured_source *source = state;
    (void)error;
    if (source->next == source->log->count)
        return SOURCE_END;
    const struct measured_request *measured = &source->log->requests[source->next++];
    *request = (struct request){.arrival_ns = measured->arrival_ns,
                                .prompt_tokens = measured->prompt_tokens,
                                .output_tokens = measured->output_tokens};
    return SOURCE_REQUEST;
}

static double source_progress(const void *state)
{
    const struct measured_source *source = state;
    return (double)source->next / (double)source->log->count;
}

static struct source_left_out source_left_out(const void *state)
{
    (void)state;
    return (struct source_left_out){0};
}

static void source_destroy(void *state)
{
    (void)state;
}

void measured_source_init(struct measured_source *state, const struct measured_log *log,
                          struct request_source *source)
{
    *state = (struct measured_source){.log = log};
    *source = (struct request_source){.state = state,
                                      .next = source_next,
                                      .progress = source_progress,
                                      .left_out = source_left_out,
                                      .destroy = source_destroy};
}
