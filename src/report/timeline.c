#include "timeline.h"

#include <inttypes.h>
#include <llmsim/sim_time.h>
#include <math.h>
#include <stdlib.h>

/* Of a level there is kept by how much it changes in the interval, and how much that adds to its
 * integral up to the interval's end: what it was before is the sum of the changes before. So spans of
 * any length cost the same, and may become known in any order. */
struct timeline_interval {
    int64_t change[LEVEL_COUNT];
    double integral_ns[LEVEL_COUNT];
    int64_t count[COUNT_COUNT];
};

bool timeline_init(struct timeline *timeline, double kv_blocks, int64_t interval_ns)
{
    *timeline = (struct timeline){
        .interval_ns = interval_ns,
        .kv_blocks = kv_blocks,
        .intervals = calloc(TIMELINE_ROWS_MAX, sizeof *timeline->intervals),
    };
    return timeline->intervals != NULL;
}

void timeline_fini(struct timeline *timeline)
{
    free(timeline->intervals);
    timeline->intervals = NULL;
}

static struct timeline_interval join(const struct timeline_interval *first,
                                     const struct timeline_interval *second, int64_t interval_ns)
{
    struct timeline_interval both;
    for (int i = 0; i < LEVEL_COUNT; i++) {
        both.change[i] = first->change[i] + second->change[i];
        both.integral_ns[i] = first->integral_ns[i] +
                              (double)first->change[i] * (double)interval_ns +
                              second->integral_ns[i];
    }
    for (int i = 0; i < COUNT_COUNT; i++)
        both.count[i] = first->count[i] + second->count[i];
    return both;
}

static void double_intervals(struct timeline *timeline)
{
    struct timeline_interval *intervals = timeline->intervals;
    for (size_t i = 0; i < TIMELINE_ROWS_MAX / 2; i++)
        intervals[i] = join(&intervals[2 * i], &intervals[2 * i + 1], timeline->interval_ns);
    for (int i = TIMELINE_ROWS_MAX / 2; i < TIMELINE_ROWS_MAX; i++)
        intervals[i] = (struct timeline_interval){0};
    timeline->interval_ns *= 2;
}

static struct timeline_interval *interval_at(struct timeline *timeline, int64_t time_ns)
{
    while (time_ns / timeline->interval_ns >= TIMELINE_ROWS_MAX)
        double_intervals(timeline);
    if (timeline->end_ns < time_ns)
        timeline->end_ns = time_ns;
    return &timeline->intervals[time_ns / timeline->interval_ns];
}

static void change(struct timeline *timeline, enum timeline_level level, int64_t time_ns,
                   int64_t amount)
{
    struct timeline_interval *interval = interval_at(timeline, time_ns);
    const int64_t left_ns = timeline->interval_ns - time_ns % timeline->interval_ns;
    interval->change[level] += amount;
    interval->integral_ns[level] += (double)amount * (double)left_ns;
}

static void span(struct timeline *timeline, enum timeline_level level, int64_t from_ns,
                 int64_t until_ns, int64_t amount)
{
    if (amount == 0)
        return;
    change(timeline, level, from_ns, amount);
    change(timeline, level, until_ns, -amount);
}

/* What is there at the end of a step belongs to the time before. */
static struct timeline_interval *interval_before(struct timeline *timeline, int64_t time_ns)
{
    return interval_at(timeline, time_ns > 0 ? time_ns - 1 : 0);
}

void timeline_step(struct timeline *timeline, const struct step_report *report)
{
    const int64_t start_ns = report->start_ns, end_ns = report->end_ns;
    span(timeline, LEVEL_PREEMPTED, start_ns, end_ns, report->preempted);
    span(timeline, LEVEL_KV_BLOCKS, start_ns, end_ns, report->kv_blocks_used);
    struct timeline_interval *interval = interval_before(timeline, end_ns);
    interval->count[COUNT_PROMPT_TOKENS] += report->prompt_tokens;
    interval->count[COUNT_OUTPUT_TOKENS] += report->output_tokens;
}

void timeline_outcome(struct timeline *timeline, const struct request_outcome *outcome)
{
    interval_at(timeline, outcome->arrival_ns)->count[COUNT_ARRIVALS]++;
    if (outcome->status != REQUEST_COMPLETED)
        return;
    span(timeline, LEVEL_QUEUED, outcome->arrival_ns, outcome->scheduled_ns, 1);
    span(timeline, LEVEL_STARTED, outcome->scheduled_ns, outcome->finished_ns, 1);
    interval_before(timeline, outcome->finished_ns)->count[COUNT_COMPLETED]++;
}

static void fill_row(const struct timeline *timeline, const struct timeline_interval *interval,
                     const int64_t before[LEVEL_COUNT], struct timeline_row *row)
{
    const int64_t left_ns = timeline->end_ns - row->start_ns;
    row->width_ns = left_ns < timeline->interval_ns ? left_ns : timeline->interval_ns;
    const double width_ns = (double)(row->width_ns > 0 ? row->width_ns : 1);
    double mean[LEVEL_COUNT];
    for (int i = 0; i < LEVEL_COUNT; i++) {
        /* Nothing is left at the end: the integral is the same, taken up to there. */
        const double integral_ns =
            interval->integral_ns[i] + (double)before[i] * (double)timeline->interval_ns;
        mean[i] = row->width_ns > 0 ? fmax(integral_ns / width_ns, 0.0) : 0.0;
    }
    row->running = fmax(mean[LEVEL_STARTED] - mean[LEVEL_PREEMPTED], 0.0);
    row->waiting = mean[LEVEL_QUEUED] + mean[LEVEL_PREEMPTED];
    row->kv_use = mean[LEVEL_KV_BLOCKS] / timeline->kv_blocks;
    for (int i = 0; i < COUNT_COUNT; i++)
        row->count[i] = interval->count[i];
    const double per_s = (double)SIM_NS_PER_S / width_ns;
    row->prompt_tokens_per_s = (double)row->count[COUNT_PROMPT_TOKENS] * per_s;
    row->output_tokens_per_s = (double)row->count[COUNT_OUTPUT_TOKENS] * per_s;
}

bool timeline_next(const struct timeline *timeline, int *index, int64_t levels[LEVEL_COUNT],
                   struct timeline_row *row)
{
    if (*index >= TIMELINE_ROWS_MAX)
        return false;
    row->start_ns = *index * timeline->interval_ns;
    if (*index > 0 && row->start_ns >= timeline->end_ns)
        return false;
    const struct timeline_interval *interval = &timeline->intervals[(*index)++];
    fill_row(timeline, interval, levels, row);
    for (int i = 0; i < LEVEL_COUNT; i++)
        levels[i] += interval->change[i];
    return true;
}

void timeline_write(const struct timeline *timeline, FILE *stream)
{
    fputs("time_s,duration_s,arrivals,completed,running,waiting,kv_use,prompt_tokens_per_s,"
          "output_tokens_per_s\n",
          stream);
    int index = 0;
    int64_t levels[LEVEL_COUNT] = {0};
    struct timeline_row row;
    while (timeline_next(timeline, &index, levels, &row))
        fprintf(stream, "%.9g,%.9g,%" PRId64 ",%" PRId64 ",%.3f,%.3f,%.5f,%.1f,%.1f\n",
                sim_s_from_ns(row.start_ns), sim_s_from_ns(row.width_ns), row.count[COUNT_ARRIVALS],
                row.count[COUNT_COMPLETED], row.running, row.waiting, row.kv_use,
                row.prompt_tokens_per_s, row.output_tokens_per_s);
}
