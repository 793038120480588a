#include "server_times.h"

#include "validation.h"
#include <math.h>
#include <stdlib.h>

/* Decodes of fewer tokens say more of single steps than of the server. */
enum { DECODE_TOKENS_MIN = 4, BLOCKS = 10 };

double server_time_predicted_ns(const struct server_time *time,
                                const struct measured_replay *replay)
{
    const struct request_outcome *outcome = &replay->outcomes[time->request];
    if (outcome->status != REQUEST_COMPLETED)
        return (double)NAN;
    if (time->is_decode)
        return (double)(outcome->finished_ns - outcome->first_token_ns);
    return (double)(outcome->first_token_ns -
                    (replay->log->has_scheduled ? outcome->scheduled_ns : outcome->arrival_ns));
}

/* Decodes that were as fast had about the same company; prefills are alike in their prompts. */
static void add_time(struct server_times *times, const struct measured_replay *replay,
                     size_t request, bool is_decode, int64_t measured_ns)
{
    const struct measured_log *log = replay->log;
    const struct measured_request *measured = &log->requests[request];
    const struct server_time time = {
        .request = request,
        .is_decode = is_decode,
        .half = (int)(request * BLOCKS / log->count) % 2,
        .measured_ns = (double)measured_ns,
        .order = is_decode ? (double)measured_ns / (measured->output_tokens - 1)
                           : (double)measured->prompt_tokens,
    };
    if (measured_ns > 0 && server_time_predicted_ns(&time, replay) > 0.0)
        times->times[times->count++] = time;
}

static void list_times(struct server_times *times, const struct measured_replay *replay)
{
    const struct measured_log *log = replay->log;
    for (size_t i = 0; i < log->count; i++) {
        const struct measured_request *measured = &log->requests[i];
        const struct request_outcome *outcome = &replay->outcomes[i];
        if (outcome->status != REQUEST_COMPLETED)
            continue;
        if (measured->output_tokens >= DECODE_TOKENS_MIN)
            add_time(times, replay, i, true, measured->finished_ns - measured->first_token_ns);
        if (log->has_scheduled)
            add_time(times, replay, i, false, measured->first_token_ns - measured->scheduled_ns);
        else if (!validation_has_queued(outcome))
            add_time(times, replay, i, false, measured->first_token_ns - measured->arrival_ns);
    }
}

static int kind_of(const struct server_time *time)
{
    return 2 * time->half + time->is_decode;
}

static int compare_times(const void *left, const void *right)
{
    const struct server_time *a = left, *b = right;
    if (kind_of(a) != kind_of(b))
        return kind_of(a) - kind_of(b);
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return a->request < b->request ? -1 : a->request > b->request;
}

/* Neighbours of a kind go together. */
static void group_times(struct server_times *times)
{
    struct server_time *all = times->times;
    qsort(all, times->count, sizeof *all, compare_times);
    for (size_t from = 0, until = 0; from < times->count; from = until) {
        while (until < times->count && kind_of(&all[until]) == kind_of(&all[from]))
            until++;
        const size_t count = until - from;
        const size_t groups = count < SERVER_GROUPS ? count : SERVER_GROUPS;
        for (size_t i = from; i < until; i++)
            all[i].group = times->group_count + (int)((i - from) * groups / count);
        times->group_count += (int)groups;
    }
}

bool server_times_init(struct server_times *times, const struct measured_replay *replay)
{
    *times = (struct server_times){
        .times = calloc(2 * replay->log->count, sizeof *times->times),
    };
    if (times->times == NULL)
        return false;
    list_times(times, replay);
    group_times(times);
    return true;
}

void server_times_fini(struct server_times *times)
{
    free(times->times);
    *times = (struct server_times){0};
}
