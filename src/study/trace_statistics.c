#include "trace_statistics.h"

#include "arrival_counts.h"
#include "key_table.h"
#include "length_counts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

enum {
    ID_BITS = 21,      /* 2^21 places */
    NAME_BITS = 19,    /* of sessions, and of clients */
    BLOCK_TOKENS = 16, /* vLLM's block_size */
    REQUESTS_PER_PROGRESS = 4096,
};

__extension__ typedef __int128 wide;

/* Prompt x and output y, request by request. */
struct joint_moments {
    wide xx, yy, xy;                             /* sums of products, exact */
    double log_x, log_y, log_xx, log_yy, log_xy; /* means and sums of deviations' products */
};

struct statistics {
    struct trace_report *report;
    struct arrival_counts arrivals;
    struct length_counts prompt, output;
    struct joint_moments joint;
    struct key_table ids;      /* the blocks that a cache without end holds of each */
    struct key_table sessions; /* the turns of each */
    struct key_table clients;  /* nothing of each */
    int64_t hit_blocks;
};

/* Welford's updates, by which small deviations from a large mean keep their digits. */
static void add_logarithms(struct joint_moments *joint, const struct request *request, double count)
{
    const double x = log(request->prompt_tokens), y = log(request->output_tokens);
    const double from_x = x - joint->log_x, from_y = y - joint->log_y;
    joint->log_x += from_x / count;
    joint->log_y += from_y / count;
    joint->log_xx += from_x * (x - joint->log_x);
    joint->log_yy += from_y * (y - joint->log_y);
    joint->log_xy += from_x * (y - joint->log_y);
}

static void count_lengths(struct statistics *statistics, const struct request *request)
{
    struct joint_moments *joint = &statistics->joint;
    const int64_t x = request->prompt_tokens, y = request->output_tokens;
    length_counts_add(&statistics->prompt, request->prompt_tokens);
    length_counts_add(&statistics->output, request->output_tokens);
    joint->xx += (wide)x * x;
    joint->yy += (wide)y * y;
    joint->xy += (wide)x * y;
    add_logarithms(joint, request, (double)statistics->prompt.count);
}

/* What a cache without end finds of the prompt, and has of it then. An id is cached as far as the
 * earlier prompt that reached furthest beneath it; and one with another before it can only be there
 * if that one is there whole, so that every id can be looked at by itself. */
static void count_prefix(struct statistics *statistics, const struct request *request)
{
    struct trace_prefixes *prefixes = &statistics->report->prefixes;
    const int64_t usable = (request->prompt_tokens - 1) / BLOCK_TOKENS;
    const int64_t whole = request->prompt_tokens / BLOCK_TOKENS;
    uint64_t node = 0;
    if (request->prefix_id_count == 0)
        return;
    prefixes->requests++;
    prefixes->ids += request->prefix_id_count;
    prefixes->id_tokens = request->prefix_id_tokens;
    for (int64_t i = 0; i < request->prefix_id_count; i++) {
        node = key_mix(node, request->prefix_ids[i]);
        uint32_t *cached = key_table_at(&statistics->ids, node);
        if (cached == NULL)
            continue;
        const int64_t first = i * request->prefix_id_tokens / BLOCK_TOKENS;
        const int64_t end = (i + 1) * request->prefix_id_tokens / BLOCK_TOKENS;
        const int64_t blocks = (end < whole ? end : whole) - first;
        const int64_t found = blocks < *cached ? blocks : *cached;
        const int64_t hit = found < usable - first ? found : usable - first;
        if (hit > 0)
            statistics->hit_blocks += hit * key_table_one_in(&statistics->ids);
        if (blocks > *cached)
            *cached = (uint32_t)blocks;
    }
}

static void count_session(struct statistics *statistics, const struct request *request)
{
    struct trace_sessions *sessions = &statistics->report->sessions;
    if (request->session.bytes == 0)
        return;
    sessions->requests++;
    uint32_t *turns = key_table_at(&statistics->sessions,
                                   XXH64(request->session.text, (size_t)request->session.bytes, 0));
    if (turns != NULL && ++*turns > sessions->max_turns)
        sessions->max_turns = *turns;
}

static void count_client(struct statistics *statistics, const struct request *request)
{
    if (request->client == 0)
        return;
    statistics->report->clients.requests++;
    key_table_at(&statistics->clients, key_mix(0, request->client));
}

static bool is_class(const struct trace_class *class, const struct request_name *name)
{
    return strncmp(class->name, name->bytes > 0 ? name->text : "", (size_t)name->bytes) == 0 &&
           class->name[name->bytes] == '\0';
}

static void count_class(struct trace_report *report, const struct request *request)
{
    const struct request_name *name = &request->class_name;
    size_t i = 0;
    while (i < report->class_count && !is_class(&report->classes[i], name))
        i++;
    if (i == TRACE_MAX_CLASSES) {
        report->other_class_requests++;
        return;
    }
    struct trace_class *class = &report->classes[i];
    if (i == report->class_count) {
        report->class_count++;
        if (name->bytes > 0)
            memcpy(class->name, name->text, (size_t)name->bytes);
    }
    class->requests++;
    class->prompt_tokens += request->prompt_tokens;
    class->output_tokens += request->output_tokens;
}

static void count_priority(struct trace_report *report, int32_t priority)
{
    size_t i = 0;
    while (i < report->priority_count && report->priorities[i].priority != priority)
        i++;
    if (i == TRACE_MAX_PRIORITIES) {
        report->other_priority_requests++;
        return;
    }
    report->priority_count += i == report->priority_count ? 1 : 0;
    report->priorities[i].priority = priority;
    report->priorities[i].requests++;
}

static bool count_requests(struct statistics *statistics, struct request_source *source,
                           void (*progress)(double fraction), struct error *error)
{
    struct trace_report *report = statistics->report;
    struct request request;
    enum request_source_result result;
    while ((result = source->next(source->state, &request, error)) == SOURCE_REQUEST) {
        arrival_counts_add(&statistics->arrivals, request.arrival_ns);
        count_lengths(statistics, &request);
        count_prefix(statistics, &request);
        count_session(statistics, &request);
        count_client(statistics, &request);
        count_class(report, &request);
        count_priority(report, request.priority);
        if (++report->requests % REQUESTS_PER_PROGRESS == 0 && progress != NULL)
            progress(source->progress(source->state));
    }
    report->left_out = source->left_out(source->state);
    if (result == SOURCE_WAIT)
        return error_input(error, NULL,
                           "when the requests of a closed loop arrive depends on who serves them");
    return result == SOURCE_END;
}

static void report_lengths(const struct length_counts *counts, wide squares,
                           struct trace_lengths *lengths)
{
    const wide spread = (wide)counts->count * squares - (wide)counts->total * counts->total;
    lengths->total = counts->total;
    lengths->minimum = counts->minimum;
    lengths->maximum = counts->maximum;
    lengths->mean = counts->count > 0 ? (double)counts->total / (double)counts->count : NAN;
    lengths->std = counts->count > 0 ? sqrt((double)spread) / (double)counts->count : NAN;
    for (size_t i = 0; i < TRACE_QUANTILES; i++)
        lengths->quantiles[i] = length_counts_quantile(counts, trace_percentiles[i] / 100.0);
}

static void report_correlation(const struct statistics *statistics, struct trace_report *report)
{
    const struct joint_moments *joint = &statistics->joint;
    const wide count = statistics->prompt.count;
    const wide x = statistics->prompt.total, y = statistics->output.total;
    const double xx = (double)(count * joint->xx - x * x);
    const double yy = (double)(count * joint->yy - y * y);
    /* 0 / 0 where all are equal: undefined, as it should be. */
    report->correlation = (double)(count * joint->xy - x * y) / (sqrt(xx) * sqrt(yy));
    report->log_correlation = joint->log_xy / (sqrt(joint->log_xx) * sqrt(joint->log_yy));
}

static int64_t estimate(const struct key_table *table)
{
    return (int64_t)table->used * key_table_one_in(table);
}

static void report_all(const struct statistics *statistics)
{
    struct trace_report *report = statistics->report;
    arrival_counts_report(&statistics->arrivals, report);
    report_lengths(&statistics->prompt, statistics->joint.xx, &report->prompt);
    report_lengths(&statistics->output, statistics->joint.yy, &report->output);
    report_correlation(statistics, report);
    report->prefixes.distinct = estimate(&statistics->ids);
    report->prefixes.one_in = key_table_one_in(&statistics->ids);
    report->prefixes.hit_tokens = statistics->hit_blocks * BLOCK_TOKENS;
    report->sessions.sessions = estimate(&statistics->sessions);
    report->sessions.one_in = key_table_one_in(&statistics->sessions);
    report->clients.clients = estimate(&statistics->clients);
    report->clients.one_in = key_table_one_in(&statistics->clients);
}

bool trace_statistics_collect(struct request_source *source, void (*progress)(double fraction),
                              struct trace_report *report, struct error *error)
{
    memset(report, 0, sizeof *report);
    struct statistics *statistics = calloc(1, sizeof *statistics);
    if (statistics == NULL)
        return error_run(error, "out of memory");
    statistics->report = report;
    arrival_counts_init(&statistics->arrivals);
    bool done = length_counts_init(&statistics->prompt) &&
                length_counts_init(&statistics->output) &&
                key_table_init(&statistics->ids, ID_BITS) &&
                key_table_init(&statistics->sessions, NAME_BITS) &&
                key_table_init(&statistics->clients, NAME_BITS);
    if (!done)
        error_run(error, "out of memory");
    done = done && count_requests(statistics, source, progress, error);
    if (done)
        report_all(statistics);
    length_counts_fini(&statistics->prompt);
    length_counts_fini(&statistics->output);
    key_table_fini(&statistics->ids);
    key_table_fini(&statistics->sessions);
    key_table_fini(&statistics->clients);
    free(statistics);
    return done;
}
