/* A trace's text, read from a file as a user would give it, and what became of it. */
#ifndef LLMSIM_TESTS_TRACE_READING_H
#define LLMSIM_TESTS_TRACE_READING_H

#include "trace_format.h"
#include "trace_source.h"
#include "unit.h"
#include "workload.h"

#include <check.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AZURE      "TIMESTAMP,ContextTokens,GeneratedTokens\n"
#define LLMSIM     "arrival_s,prompt_tokens,output_tokens\n"
#define LLMSIM_ALL "arrival_s,prompt_tokens,output_tokens,session_id,turn,class,client,priority\n"

enum { MAX_REQUESTS = 16, MAX_KEPT_IDS = 8 };

/* The names of a request, which the source takes back. */
struct kept_names {
    char session[REQUEST_MAX_NAME_BYTES + 1];
    char class_name[REQUEST_MAX_NAME_BYTES + 1];
    char client[REQUEST_MAX_NAME_BYTES + 1];
};

/* What became of a trace. */
struct reading {
    struct request requests[MAX_REQUESTS];
    uint64_t prefix_ids[MAX_REQUESTS][MAX_KEPT_IDS]; /* the requests' own are gone */
    struct kept_names names[MAX_REQUESTS];           /* likewise */
    int count;
    bool opened;
    enum request_source_result ended;
    int64_t skipped_rows, failed_requests;
    struct error error;
    char path[64];
};

static inline int format_index(const char *name)
{
    for (int i = 0; trace_format_names[i] != NULL; i++) {
        if (strcmp(trace_format_names[i], name) == 0)
            return i;
    }
    ck_abort_msg("no format '%s'", name);
    return -1;
}

static inline struct workload_config config_of_trace(void)
{
    return (struct workload_config){
        .format = -1,
        .prefix_block_tokens = SETTING_UNSET_INTEGER,
        .traffic = {.arrivals = {.process = -1}},
        .num_requests = SETTING_UNSET_INTEGER,
        .transform = {.start_s = SETTING_UNSET_REAL,
                      .duration_s = SETTING_UNSET_REAL,
                      .sample = 1.0,
                      .prompt_scale = 1.0,
                      .output_scale = 1.0,
                      .repeat = 1,
                      .rate_scale = 1.0,
                      .target_rate_per_s = SETTING_UNSET_REAL,
                      .max_requests = SETTING_UNSET_INTEGER},
    };
}

static inline void keep_name(char kept[REQUEST_MAX_NAME_BYTES + 1], const struct request_name *name)
{
    ck_assert_int_le(name->bytes, REQUEST_MAX_NAME_BYTES);
    ck_assert((name->text != NULL) == (name->bytes > 0));
    if (name->bytes > 0)
        memcpy(kept, name->text, (size_t)name->bytes);
    kept[name->bytes] = '\0';
}

static inline void read_source(struct request_source *source, struct reading *reading)
{
    struct request request;
    memset(&request, 0xa5, sizeof request); /* every field is the source's to set */
    for (;;) {
        reading->ended = source->next(source->state, &request, &reading->error);
        if (reading->ended != SOURCE_REQUEST)
            break;
        ck_assert_int_lt(reading->count, MAX_REQUESTS);
        for (int i = 0; i < request.prefix_id_count && i < MAX_KEPT_IDS; i++)
            reading->prefix_ids[reading->count][i] = request.prefix_ids[i];
        struct kept_names *names = &reading->names[reading->count];
        keep_name(names->session, &request.session);
        keep_name(names->class_name, &request.class_name);
        keep_name(names->client, &request.client_name);
        reading->requests[reading->count++] = request;
    }
    reading->skipped_rows = source->left_out(source->state).bad_rows;
    reading->failed_requests = source->left_out(source->state).failed_requests;
    struct error again = {0};
    ck_assert_int_eq(source->next(source->state, &request, &again), reading->ended);
    ck_assert_str_eq(again.text, reading->error.text);
}

static inline void write_text(struct reading *reading, const char *text, size_t length)
{
    *reading = (struct reading){.path = "/tmp/llmsim_trace_XXXXXX"};
    int descriptor = mkstemp(reading->path);
    ck_assert_int_ge(descriptor, 0);
    ck_assert_int_eq(write(descriptor, text, length), (ssize_t)length);
    close(descriptor);
}

static inline struct reading read_bytes(const char *text, size_t length,
                                        struct workload_config config)
{
    struct reading reading;
    write_text(&reading, text, length);
    config.trace = reading.path;
    struct request_source source;
    reading.opened = workload_open(&config, 0, &source, &reading.error);
    if (reading.opened) {
        read_source(&source, &reading);
        source.destroy(source.state);
    }
    unlink(reading.path);
    return reading;
}

/* The rows alone, of which nobody asks when they arrive. */
static inline struct reading read_rows(const char *text, size_t length, const char *format,
                                       bool skip_bad_rows)
{
    struct reading reading;
    write_text(&reading, text, length);
    const struct trace_options options = {.path = reading.path,
                                          .format = format != NULL ? format_index(format) : -1,
                                          .skip_bad_rows = skip_bad_rows};
    struct request_source source;
    reading.opened = trace_source_open(&options, &source, &reading.error);
    if (reading.opened) {
        read_source(&source, &reading);
        source.destroy(source.state);
    }
    unlink(reading.path);
    return reading;
}

static inline struct reading read_text(const char *text)
{
    return read_bytes(text, strlen(text), config_of_trace());
}

static inline struct reading read_skipping(const char *text)
{
    struct workload_config config = config_of_trace();
    config.on_bad_row = 1;
    return read_bytes(text, strlen(text), config);
}

static inline void assert_request(const struct reading *reading, int index, int64_t arrival_ns,
                                  int prompt_tokens, int output_tokens)
{
    ck_assert_int_lt(index, reading->count);
    const struct request *request = &reading->requests[index];
    ck_assert_int_eq(request->arrival_ns, arrival_ns);
    ck_assert_int_eq(request->prompt_tokens, prompt_tokens);
    ck_assert_int_eq(request->output_tokens, output_tokens);
}

/* The error is `PATH<where> <what>…`, and it is the input's. */
static inline void assert_error(const struct reading *reading, const char *where, const char *what)
{
    ck_assert_int_eq(reading->error.kind, ERROR_INPUT);
    const size_t path_length = strlen(reading->path);
    const char *rest = reading->error.text + path_length;
    ck_assert_msg(strncmp(reading->error.text, reading->path, path_length) == 0 &&
                      strncmp(rest, where, strlen(where)) == 0 && strstr(rest, what) != NULL,
                  "expected '%s ... %s', got '%s'", where, what, reading->error.text);
}

#endif
