#include "fit_requests.h"

#include "key_table.h"
#include "trace_statistics.h"
#include <math.h>
#include <stdlib.h>
#include <xxhash.h>

enum {
    TABLE_BITS = 21,
    COUNT_BITS = 24, /* of a first turn's node: how often, and above that how deep */
};

/* System prompts that save less of all prompts are none. */
static const double min_shared_share = 0.01;

struct reading {
    struct fit_requests *requests;
    struct request_source *inner;
    struct key_table sessions; /* of a name, or of the last whole block: the last request, from 1 */
    struct key_table firsts;   /* blocks of first turns: how often, and how deep */
    int64_t
        repeats[FIT_MAX_DEPTH + 1]; /* of first turns whose blocks up to this depth were there */
    int64_t prompt_tokens;
};

/* The request that this one continues, by the name of its session; and this one is the next to be
 * continued. */
static int32_t continue_session(struct reading *reading, const struct request *request)
{
    const uint64_t key = XXH64(request->session.text, (size_t)request->session.bytes, 0);
    uint32_t *last = key_table_at(&reading->sessions, key);
    if (last == NULL)
        return -1;
    const int32_t previous = (int32_t)*last - 1;
    *last = (uint32_t)reading->requests->count + 1;
    return previous;
}

/* The same by its prefix: the longest that ends where an earlier request's whole blocks do. Nothing is
 * continued twice. */
static int32_t continue_prefix(struct reading *reading, const struct request *request)
{
    int32_t previous = -1;
    uint32_t *longest = NULL;
    uint64_t node = 0;
    const int32_t whole = request->prompt_tokens / request->prefix_id_tokens;
    const int32_t count = whole < request->prefix_id_count ? whole : request->prefix_id_count;
    for (int32_t i = 0; i < count; i++) {
        node = key_mix(node, request->prefix_ids[i]);
        uint32_t *last = key_table_at(&reading->sessions, node);
        if (last != NULL && *last > 0)
            longest = last;
        if (i + 1 < count || last == NULL)
            continue;
        if (longest != NULL) {
            previous = (int32_t)*longest - 1;
            *longest = 0;
        }
        *last = (uint32_t)reading->requests->count + 1;
    }
    return previous;
}

/* What first turns begin with. */
static void count_first(struct reading *reading, const struct request *request)
{
    uint64_t node = 0;
    const int32_t whole = request->prompt_tokens / request->prefix_id_tokens;
    for (int32_t i = 0; i < request->prefix_id_count && i < whole && i < FIT_MAX_DEPTH; i++) {
        node = key_mix(node, request->prefix_ids[i]);
        uint32_t *value = key_table_at(&reading->firsts, node);
        if (value == NULL)
            continue;
        if (*value > 0)
            reading->repeats[i + 1]++;
        else
            *value = (uint32_t)(i + 1) << COUNT_BITS;
        ++*value;
    }
}

static void add_request(struct reading *reading, const struct request *request)
{
    struct fit_requests *requests = reading->requests;
    int32_t previous = -1;
    if (request->session.bytes > 0)
        previous = continue_session(reading, request);
    else if (request->prefix_id_count > 0)
        previous = continue_prefix(reading, request);
    if (request->prefix_id_count > 0) {
        requests->id_tokens = request->prefix_id_tokens;
        if (previous < 0)
            count_first(reading, request);
    }
    reading->prompt_tokens += request->prompt_tokens;
    requests->followups += previous >= 0 ? 1 : 0;
    requests->items[requests->count++] = (struct fit_request){
        request->arrival_ns, request->prompt_tokens, request->output_tokens, previous, 0};
}

static int compare_descending(const void *a, const void *b)
{
    const double difference = *(const double *)b - *(const double *)a;
    return (difference > 0.0) - (difference < 0.0);
}

/* The derivative of the likelihood of these counts, the most frequent first, under the n-th having a
 * share of 1/n^exponent. */
static double zipf_slope(const double *counts, size_t count, double exponent)
{
    double weights = 0.0, weighted_logs = 0.0, total = 0.0, logs = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double rank = (double)i + 1.0, weight = pow(rank, -exponent);
        weights += weight;
        weighted_logs += weight * log(rank);
        total += counts[i];
        logs += counts[i] * log(rank);
    }
    return total * weighted_logs / weights - logs;
}

/* The most likely exponent, 0 … 10. */
static double fit_zipf(double *counts, size_t count)
{
    double low = 0.0, high = 10.0;
    qsort(counts, count, sizeof *counts, compare_descending);
    for (int i = 0; i < 40; i++) {
        const double middle = (low + high) / 2.0;
        if (zipf_slope(counts, count, middle) > 0.0)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2.0;
}

/* The depth at which sharing saves most, if anything worth the name; how many different beginnings
 * there are of that depth, and how popular they are. */
static bool find_shared_prefix(const struct reading *reading, struct error *error)
{
    struct fit_requests *requests = reading->requests;
    const struct key_table *firsts = &reading->firsts;
    int64_t depth = 0;
    for (int64_t i = 1; i <= FIT_MAX_DEPTH; i++)
        depth = i * reading->repeats[i] > depth * reading->repeats[depth] ? i : depth;
    const int64_t saved = depth * reading->repeats[depth] * requests->id_tokens;
    if ((double)saved < min_shared_share * (double)reading->prompt_tokens)
        return true;
    double *counts = malloc(firsts->used * sizeof *counts);
    if (counts == NULL)
        return error_run(error, "out of memory");
    size_t count = 0;
    for (size_t i = 0; i <= firsts->mask; i++) {
        if (firsts->keys[i] != 0 && firsts->values[i] >> COUNT_BITS == (uint32_t)depth)
            counts[count++] = (double)(firsts->values[i] & ((1U << COUNT_BITS) - 1));
    }
    requests->shared = (struct fit_shared_prefix){depth * requests->id_tokens,
                                                  (int64_t)count < 100000 ? (int64_t)count : 100000,
                                                  fit_zipf(counts, count)};
    free(counts);
    return true;
}

/* The requests of the inner source, noted as they pass, and no more than are wanted. */
static enum request_source_result note_next(void *state, struct request *request,
                                            struct error *error)
{
    struct reading *reading = state;
    const enum request_source_result result =
        reading->inner->next(reading->inner->state, request, error);
    if (result != SOURCE_REQUEST)
        return result;
    reading->requests->cut = reading->requests->count == FIT_MAX_REQUESTS;
    if (reading->requests->cut)
        return SOURCE_END;
    add_request(reading, request);
    return SOURCE_REQUEST;
}

static double inner_progress(const void *state)
{
    const struct reading *reading = state;
    return reading->inner->progress(reading->inner->state);
}

static struct source_left_out inner_left_out(const void *state)
{
    const struct reading *reading = state;
    return reading->inner->left_out(reading->inner->state);
}

bool fit_requests_read(struct fit_requests *requests, struct request_source *source,
                       void (*progress)(double fraction), struct trace_report *report,
                       struct error *error)
{
    struct reading reading = {.requests = requests, .inner = source};
    struct request_source noting = {.state = &reading,
                                    .next = note_next,
                                    .progress = inner_progress,
                                    .left_out = inner_left_out};
    *requests = (struct fit_requests){.items = malloc(FIT_MAX_REQUESTS * sizeof *requests->items)};
    bool done = requests->items != NULL && key_table_init(&reading.sessions, TABLE_BITS) &&
                key_table_init(&reading.firsts, TABLE_BITS);
    if (!done)
        error_run(error, "out of memory");
    done = done && trace_statistics_collect(&noting, progress, report, error) &&
           find_shared_prefix(&reading, error);
    key_table_fini(&reading.sessions);
    key_table_fini(&reading.firsts);
    if (!done)
        fit_requests_fini(requests);
    return done;
}

void fit_requests_fini(struct fit_requests *requests)
{
    free(requests->items);
    *requests = (struct fit_requests){0};
}
