#include "trace_store.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* Ids and names, which stay where they are. */
enum { CHUNK_BYTES = 1 << 20 };
struct chunk {
    struct chunk *before;
    size_t used, bytes;
    _Alignas(uint64_t) char memory[];
};

struct row {
    struct request request;
    struct source_left_out left_out; /* before it */
};

struct stored_trace {
    struct stored_trace *next;
    struct trace_options options; /* the path is owned */
    const struct trace_format *format;
    bool too_large; /* it holds nothing, and is read from its file */
    struct row *rows;
    size_t row_count, row_room;
    struct chunk *chunk;
    enum request_source_result end; /* SOURCE_END or SOURCE_ERROR */
    struct error failure;
    struct source_left_out left_out; /* of all */
};

struct trace_store {
    pthread_mutex_t lock;
    struct stored_trace *traces;
    int64_t bytes;
};

/* A run's place in a trace. */
struct reading {
    const struct stored_trace *trace;
    size_t next;
    bool ended;
};

static bool take_bytes(struct trace_store *store, size_t bytes)
{
    if ((int64_t)bytes > TRACE_STORE_MAX_BYTES - store->bytes)
        return false;
    store->bytes += (int64_t)bytes;
    return true;
}

/* A copy of it, or NULL: no room. */
static void *keep(struct trace_store *store, struct stored_trace *trace, const void *from,
                  size_t bytes)
{
    const size_t taken = (bytes + sizeof(uint64_t) - 1) / sizeof(uint64_t) * sizeof(uint64_t);
    struct chunk *chunk = trace->chunk;
    if (chunk == NULL || chunk->bytes - chunk->used < taken) {
        const size_t room = taken > CHUNK_BYTES ? taken : CHUNK_BYTES;
        chunk = take_bytes(store, room) ? malloc(sizeof *chunk + room) : NULL;
        if (chunk == NULL)
            return NULL;
        *chunk = (struct chunk){.before = trace->chunk, .bytes = room};
        trace->chunk = chunk;
    }
    void *to = chunk->memory + chunk->used;
    chunk->used += taken;
    memcpy(to, from, bytes);
    return to;
}

static bool keep_name(struct trace_store *store, struct stored_trace *trace,
                      struct request_name *name)
{
    if (name->bytes > 0)
        name->text = keep(store, trace, name->text, (size_t)name->bytes);
    return name->bytes == 0 || name->text != NULL;
}

static bool keep_row(struct trace_store *store, struct stored_trace *trace,
                     const struct request *request, struct source_left_out left_out)
{
    if (trace->row_count == trace->row_room) {
        const size_t more = trace->row_room > 0 ? trace->row_room : 1024;
        struct row *rows = take_bytes(store, more * sizeof *rows)
                               ? realloc(trace->rows, (trace->row_room + more) * sizeof *rows)
                               : NULL;
        if (rows == NULL)
            return false;
        trace->rows = rows;
        trace->row_room += more;
    }
    struct row *row = &trace->rows[trace->row_count++];
    *row = (struct row){*request, left_out};
    if (request->prefix_id_count > 0) {
        const size_t bytes = (size_t)request->prefix_id_count * sizeof *request->prefix_ids;
        row->request.prefix_ids = keep(store, trace, request->prefix_ids, bytes);
        if (row->request.prefix_ids == NULL)
            return false;
    }
    return keep_name(store, trace, &row->request.client_name) &&
           keep_name(store, trace, &row->request.session) &&
           keep_name(store, trace, &row->request.class_name);
}

static void forget_rows(struct stored_trace *trace)
{
    free(trace->rows);
    trace->rows = NULL;
    while (trace->chunk != NULL) {
        struct chunk *before = trace->chunk->before;
        free(trace->chunk);
        trace->chunk = before;
    }
}

/* All that the source delivers; what does not fit leaves the trace too large. */
static void keep_all(struct trace_store *store, struct stored_trace *trace,
                     struct request_source *source)
{
    const int64_t bytes_before = store->bytes;
    struct request request;
    trace->format = source->trace_format;
    while ((trace->end = source->next(source->state, &request, &trace->failure)) ==
           SOURCE_REQUEST) {
        if (!keep_row(store, trace, &request, source->left_out(source->state))) {
            trace->too_large = true;
            forget_rows(trace);
            store->bytes = bytes_before;
            return;
        }
    }
    trace->left_out = source->left_out(source->state);
}

static bool is_of(const struct stored_trace *trace, const struct trace_options *options)
{
    return strcmp(trace->options.path, options->path) == 0 &&
           trace->options.format == options->format &&
           trace->options.skip_bad_rows == options->skip_bad_rows &&
           trace->options.prefix_block_tokens == options->prefix_block_tokens;
}

static void forget(struct stored_trace *trace)
{
    forget_rows(trace);
    free((void *)trace->options.path);
    free(trace);
}

/* A file that cannot be opened, or holds no request, is tried again by the next run. */
static struct stored_trace *read_trace(struct trace_store *store,
                                       const struct trace_options *options, struct error *error)
{
    struct trace_options file = *options;
    struct request_source source;
    struct stored_trace *trace = calloc(1, sizeof *trace);
    file.store = NULL;
    if (trace != NULL) {
        trace->options = file;
        trace->options.path = strdup(options->path);
    }
    if (trace == NULL || trace->options.path == NULL) {
        free(trace);
        error_run(error, "out of memory");
        return NULL;
    }
    if (!trace_source_open(&file, &source, error)) {
        forget(trace);
        return NULL;
    }
    keep_all(store, trace, &source);
    source.destroy(source.state);
    trace->next = store->traces;
    store->traces = trace;
    return trace;
}

static enum request_source_result stored_next(void *state, struct request *request,
                                              struct error *error)
{
    struct reading *reading = state;
    const struct stored_trace *trace = reading->trace;
    if (reading->next < trace->row_count) {
        *request = trace->rows[reading->next++].request;
        return SOURCE_REQUEST;
    }
    reading->ended = true;
    if (trace->end == SOURCE_ERROR)
        *error = trace->failure;
    return trace->end;
}

static double stored_progress(const void *state)
{
    const struct reading *reading = state;
    return (double)reading->next / (double)reading->trace->row_count;
}

static struct source_left_out stored_left_out(const void *state)
{
    const struct reading *reading = state;
    if (reading->ended)
        return reading->trace->left_out;
    return reading->next > 0 ? reading->trace->rows[reading->next - 1].left_out
                             : (struct source_left_out){0};
}

static void stored_destroy(void *state)
{
    free(state);
}

struct trace_store *trace_store_create(void)
{
    struct trace_store *store = calloc(1, sizeof *store);
    if (store != NULL)
        pthread_mutex_init(&store->lock, NULL);
    return store;
}

void trace_store_destroy(struct trace_store *store)
{
    if (store == NULL)
        return;
    while (store->traces != NULL) {
        struct stored_trace *next = store->traces->next;
        forget(store->traces);
        store->traces = next;
    }
    pthread_mutex_destroy(&store->lock);
    free(store);
}

bool trace_store_open(const struct trace_options *options, struct request_source *source,
                      struct error *error)
{
    struct trace_store *store = options->store;
    pthread_mutex_lock(&store->lock);
    const struct stored_trace *trace = store->traces;
    while (trace != NULL && !is_of(trace, options))
        trace = trace->next;
    if (trace == NULL)
        trace = read_trace(store, options, error);
    pthread_mutex_unlock(&store->lock);
    if (trace == NULL)
        return false;
    if (trace->too_large) {
        struct trace_options file = *options;
        file.store = NULL;
        return trace_source_open(&file, source, error);
    }
    struct reading *reading = malloc(sizeof *reading);
    if (reading == NULL)
        return error_run(error, "out of memory");
    *reading = (struct reading){.trace = trace};
    *source = (struct request_source){.state = reading,
                                      .trace_format = trace->format,
                                      .next = stored_next,
                                      .progress = stored_progress,
                                      .left_out = stored_left_out,
                                      .destroy = stored_destroy};
    return true;
}
