#include "run_charts.h"

#include "json_values.h"
#include "summary.h"
#include <llmsim/sim_time.h>

/* In tenths of a per cent: every half of one, and every tenth of the last. */
static int next_quantile(int quantile)
{
    return quantile < 990 ? quantile + 5 : quantile + 1;
}

static json_t *quantiles_json(const struct histogram *histogram)
{
    json_t *points = json_array();
    for (int quantile = 0; histogram->count > 0 && quantile <= 1000;
         quantile = next_quantile(quantile)) {
        const double share = (double)quantile / 10.0;
        const double value_ms =
            histogram_percentile(histogram, share) / ((double)SIM_NS_PER_S / 1e3);
        json_array_append_new(points, json_pack("[f, f]", value_ms, share));
    }
    return points;
}

/* Of `merged` neighbouring rows: what happened in all of them, and the means over their time. */
struct joint {
    double width_s, running, waiting, kv_use, prompt_tokens, output_tokens;
    int64_t arrivals, completed;
    int64_t start_ns;
    int rows;
};

static void join(struct joint *joint, const struct timeline_row *row)
{
    const double width_s = sim_s_from_ns(row->width_ns);
    if (joint->rows++ == 0)
        joint->start_ns = row->start_ns;
    joint->width_s += width_s;
    joint->running += row->running * width_s;
    joint->waiting += row->waiting * width_s;
    joint->kv_use += row->kv_use * width_s;
    joint->prompt_tokens += row->prompt_tokens_per_s * width_s;
    joint->output_tokens += row->output_tokens_per_s * width_s;
    joint->arrivals += row->count[COUNT_ARRIVALS];
    joint->completed += row->count[COUNT_COMPLETED];
}

static void append(json_t *rows, struct joint *joint)
{
    const double width_s = joint->width_s > 0.0 ? joint->width_s : 1.0;
    if (joint->rows > 0)
        json_array_append_new(
            rows,
            json_pack("[f, f, I, I, f, f, f, f, f]", sim_s_from_ns(joint->start_ns), joint->width_s,
                      (json_int_t)joint->arrivals, (json_int_t)joint->completed,
                      joint->running / width_s, joint->waiting / width_s, joint->kv_use / width_s,
                      joint->prompt_tokens / width_s, joint->output_tokens / width_s));
    *joint = (struct joint){0};
}

static int count_rows(const struct timeline *timeline)
{
    int index = 0, count = 0;
    int64_t levels[LEVEL_COUNT] = {0};
    struct timeline_row row;
    while (timeline_next(timeline, &index, levels, &row))
        count++;
    return count;
}

static json_t *timeline_json(const struct timeline *timeline)
{
    const int merged = (count_rows(timeline) + RUN_CHARTS_MAX_ROWS - 1) / RUN_CHARTS_MAX_ROWS;
    json_t *rows = json_array();
    int index = 0;
    int64_t levels[LEVEL_COUNT] = {0};
    struct timeline_row row;
    struct joint joint = {0};
    while (timeline_next(timeline, &index, levels, &row)) {
        join(&joint, &row);
        if (joint.rows == merged)
            append(rows, &joint);
    }
    append(rows, &joint);
    return json_pack("{s:[s, s, s, s, s, s, s, s, s], s:o, s:f, s:i}", "columns", "time_s",
                     "duration_s", "arrivals", "completed", "running", "waiting", "kv_use",
                     "prompt_tokens_per_s", "output_tokens_per_s", "rows", rows, "interval_s",
                     sim_s_from_ns(timeline->interval_ns * merged), "merged", merged);
}

json_t *run_charts_json(const struct metrics *metrics, const struct timeline *timeline)
{
    json_t *root = json_object(), *distributions = json_object();
    bool done = true;
    for (int i = 0; i < LATENCY_COUNT; i++)
        done &=
            json_set(distributions, summary_latency_names[i], quantiles_json(&metrics->latency[i]));
    done &= json_set(root, "distributions", distributions);
    done &= json_set(root, "timeline", timeline_json(timeline));
    if (done)
        return root;
    json_decref(root);
    return NULL;
}
