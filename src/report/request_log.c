#include "request_log.h"

#include "metrics.h"
#include <assert.h>
#include <inttypes.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>
#include <string.h>

enum { INITIAL_CAPACITY = 1024 };

bool request_log_init(struct request_log *log, FILE *stream)
{
    memset(log, 0, sizeof *log);
    log->stream = stream;
    log->capacity = INITIAL_CAPACITY;
    log->waiting = calloc(log->capacity, sizeof *log->waiting);
    log->present = calloc(log->capacity, sizeof *log->present);
    fputs("request_id,arrival_s,prompt_tokens,output_tokens,cached_tokens,scheduled_s,"
          "first_token_s,finished_s,ttft_s,tpot_s,e2e_s,preemptions,status",
          stream);
    static const char *const parts[TIME_PART_COUNT] = TIME_PART_NAMES;
    for (int i = 0; i < TIME_PART_COUNT; i++)
        fprintf(stream, ",%s_s", parts[i]);
    fputc('\n', stream);
    return log->waiting != NULL && log->present != NULL;
}

void request_log_fini(struct request_log *log)
{
    free(log->waiting);
    free(log->present);
    memset(log, 0, sizeof *log);
}

/* Nine decimals are exact nanoseconds; what did not happen is empty. */
static void print_time(int64_t ns, FILE *stream)
{
    if (ns >= 0)
        fprintf(stream, "%" PRId64 ".%09" PRId64, ns / SIM_NS_PER_S, ns % SIM_NS_PER_S);
}

static void print_seconds(int64_t ns, FILE *stream)
{
    print_time(ns, stream);
    fputc(',', stream);
}

static void print_row(const struct request_outcome *outcome, FILE *stream)
{
    bool completed = outcome->status == REQUEST_COMPLETED;
    fprintf(stream, "%" PRId64 ",", outcome->request_id);
    print_seconds(outcome->arrival_ns, stream);
    fprintf(stream, "%d,%d,%d,", outcome->prompt_tokens, outcome->output_tokens,
            outcome->cached_tokens);
    print_seconds(outcome->scheduled_ns, stream);
    print_seconds(outcome->first_token_ns, stream);
    print_seconds(outcome->finished_ns, stream);
    print_seconds(completed ? outcome->first_token_ns - outcome->arrival_ns : -1, stream);
    print_seconds(metrics_tpot_ns(outcome), stream);
    print_seconds(completed ? outcome->finished_ns - outcome->arrival_ns : -1, stream);
    fprintf(stream, "%d,%s", outcome->preemptions, completed ? "completed" : "rejected");
    for (int i = 0; i < TIME_PART_COUNT; i++) {
        fputc(',', stream);
        print_time(completed ? outcome->parts_ns[i] : -1, stream);
    }
    fputc('\n', stream);
}

static bool grow(struct request_log *log, size_t needed)
{
    size_t capacity = log->capacity;
    while (capacity < needed)
        capacity *= 2;
    struct request_outcome *waiting = calloc(capacity, sizeof *waiting);
    bool *present = calloc(capacity, sizeof *present);
    if (waiting == NULL || present == NULL) {
        free(waiting);
        free(present);
        return false;
    }
    for (size_t i = 0; i < log->capacity; i++) {
        size_t id = (size_t)log->next_id + i;
        waiting[id % capacity] = log->waiting[id % log->capacity];
        present[id % capacity] = log->present[id % log->capacity];
    }
    free(log->waiting);
    free(log->present);
    log->waiting = waiting;
    log->present = present;
    log->capacity = capacity;
    return true;
}

void request_log_add(struct request_log *log, const struct request_outcome *outcome)
{
    assert(outcome->request_id >= log->next_id);
    size_t ahead = (size_t)(outcome->request_id - log->next_id);
    if (log->out_of_memory || (ahead >= log->capacity && !grow(log, ahead + 1))) {
        log->out_of_memory = true;
        return;
    }
    size_t slot = (size_t)outcome->request_id % log->capacity;
    log->waiting[slot] = *outcome;
    log->present[slot] = true;
    for (slot = (size_t)log->next_id % log->capacity; log->present[slot];
         slot = (size_t)log->next_id % log->capacity) {
        print_row(&log->waiting[slot], log->stream);
        log->present[slot] = false;
        log->next_id++;
    }
}
