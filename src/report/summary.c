#include "summary.h"

#include <assert.h>
#include <llmsim/sim_time.h>
#include <stdio.h>

const char *const summary_latency_names[LATENCY_COUNT] = {[LATENCY_TTFT] = "ttft",
                                                          [LATENCY_TPOT] = "tpot",
                                                          [LATENCY_ITL] = "itl",
                                                          [LATENCY_E2EL] = "e2el"};

const char *const summary_figure_names[LATENCY_FIGURE_COUNT] = {[FIGURE_MEAN] = "mean",
                                                                [FIGURE_MEDIAN] = "median",
                                                                [FIGURE_P90] = "p90",
                                                                [FIGURE_P95] = "p95",
                                                                [FIGURE_P99] = "p99"};

const char *const summary_bound_names[BOUND_COUNT] = {[BOUND_COMPUTE] = "compute",
                                                      [BOUND_MEMORY] = "memory",
                                                      [BOUND_COMMUNICATION] = "communication",
                                                      [BOUND_OVERHEAD] = "overhead"};

const char *const summary_part_names[TIME_PART_COUNT] = TIME_PART_NAMES;

static const double NS_PER_MS = 1e6;

static double ratio(double part, double whole)
{
    return whole > 0.0 ? part / whole : 0.0;
}

static const double figure_percentiles[LATENCY_FIGURE_COUNT] = {
    [FIGURE_MEDIAN] = 50.0, [FIGURE_P90] = 90.0, [FIGURE_P95] = 95.0, [FIGURE_P99] = 99.0};

static void fill_intervals(struct latency_summary *latency, const struct histogram *histogram,
                           const struct batch_means *means)
{
    int group = 0;
    const bool known = batch_means_group(means, &group);
    latency->batches = known ? (int)((means->used + group - 1) / group) : 0;
    for (int i = 0; i < LATENCY_FIGURE_COUNT; i++) {
        struct interval interval = {(double)NAN, (double)NAN};
        if (known && i == FIGURE_MEAN)
            interval = batch_means_mean(means, group);
        else if (known)
            interval = batch_means_percentile(means, group, histogram, figure_percentiles[i]);
        latency->interval_ms[i] =
            (struct interval){interval.low / NS_PER_MS, interval.high / NS_PER_MS};
    }
}

static void fill_latency(struct latency_summary *latency, const struct histogram *histogram,
                         const struct batch_means *means)
{
    latency->count = histogram->count;
    latency->mean_ms = histogram_mean(histogram) / NS_PER_MS;
    latency->std_ms = histogram_std(histogram) / NS_PER_MS;
    latency->median_ms = histogram_percentile(histogram, 50.0) / NS_PER_MS;
    latency->p90_ms = histogram_percentile(histogram, 90.0) / NS_PER_MS;
    latency->p95_ms = histogram_percentile(histogram, 95.0) / NS_PER_MS;
    latency->p99_ms = histogram_percentile(histogram, 99.0) / NS_PER_MS;
    fill_intervals(latency, histogram, means);
}

/* From the end of the warm-up; nothing may be behind it. */
static int64_t duration_ns(const struct metrics *metrics, const struct summary_context *context)
{
    const int64_t duration = context->end_ns - metrics->warmup_ns;
    return duration > 0 ? duration : 0;
}

static void fill_utilisation(struct summary *summary, const struct metrics *metrics,
                             const struct summary_context *context)
{
    double replicas_s = summary->duration_s * (double)context->replicas;
    const struct cost *cost = &metrics->cost;
    summary->mfu = context->peak_flops_per_s > 0.0 ? ratio(cost->flops + context->idle_flops,
                                                           replicas_s * context->peak_flops_per_s)
                                                   : SETTING_UNSET_REAL;
    summary->mbu = context->peak_bytes_per_s > 0.0 ? ratio(cost->bytes + context->idle_bytes,
                                                           replicas_s * context->peak_bytes_per_s)
                                                   : SETTING_UNSET_REAL;
    for (int i = 0; i < BOUND_COUNT; i++)
        summary->bound_share[i] = ratio(cost->bound_s[i], cost->time_s);
}

static void fill_kv_cache(struct summary *summary, const struct metrics *metrics,
                          const struct summary_context *context)
{
    double replicas_ns = (double)duration_ns(metrics, context) * (double)context->replicas;
    double block_size = (double)context->block_size;
    double token_bytes = context->block_bytes / block_size;
    double usable_blocks = (double)(context->num_gpu_blocks - 1);
    double wasted_slots_ns = metrics->kv_empty_ns * block_size + metrics->kv_unfilled_ns;
    summary->num_gpu_blocks = context->num_gpu_blocks;
    summary->block_size = context->block_size;
    summary->kv_blocks_peak = metrics->kv_blocks_peak;
    summary->kv_mean_use = ratio(metrics->kv_block_ns, replicas_ns * usable_blocks);
    summary->kv_waste_share = ratio(wasted_slots_ns, metrics->kv_block_ns * block_size);
    summary->internal_waste = (struct kv_waste){
        ratio(metrics->kv_unfilled_ns, replicas_ns) * token_bytes,
        (double)metrics->kv_unfilled_peak * token_bytes,
    };
    summary->reservation_waste = (struct kv_waste){
        ratio(metrics->kv_empty_ns, replicas_ns) * context->block_bytes,
        (double)metrics->kv_empty_peak * context->block_bytes,
    };
    summary->preemptions = context->preemptions;
    summary->swapped_out = context->swapped_out;
    summary->swap_s = context->swap_s;
    summary->prefix_caching = context->prefix_caching;
    summary->prefix_query_tokens = context->admitted_prompt_tokens;
    summary->prefix_hit_tokens = context->cached_tokens + context->offloaded_tokens;
    summary->offload_hit_tokens = context->offloaded_tokens;
    summary->offload_s = context->offload_s;
}

void summary_fill(struct summary *summary, const struct metrics *metrics,
                  const struct summary_context *context)
{
    double duration_s = sim_s_from_ns(duration_ns(metrics, context));
    double replicas_ns = (double)duration_ns(metrics, context) * (double)context->replicas;
    int64_t tokens = metrics->input_tokens + metrics->output_tokens;
    *summary = (struct summary){
        .duration_s = duration_s,
        .warmup_s = sim_s_from_ns(metrics->warmup_ns),
        .warmup_requests = metrics->warmup_requests,
        .completed = metrics->completed,
        .failed = metrics->failed,
        .total_input_tokens = metrics->input_tokens,
        .total_output_tokens = metrics->output_tokens,
        .request_throughput_per_s = ratio((double)metrics->completed, duration_s),
        .request_goodput_per_s =
            metrics->has_slo ? ratio((double)metrics->good, duration_s) : SETTING_UNSET_REAL,
        .output_throughput_per_s = ratio((double)metrics->output_tokens, duration_s),
        .total_token_throughput_per_s = ratio((double)tokens, duration_s),
        .replicas = context->replicas,
        .steps = metrics->steps,
        .idle_steps = context->idle_steps,
        .mean_batch_sequences = ratio((double)metrics->sequence_sum, (double)metrics->steps),
        .mean_batch_tokens = ratio((double)metrics->token_sum, (double)metrics->steps),
        .max_running = metrics->running_max,
        .busy_share = ratio((double)context->busy_ns, replicas_ns),
        .digest = metrics->digest,
    };
    for (int i = 0; i < LATENCY_COUNT; i++)
        fill_latency(&summary->latency[i], &metrics->latency[i], &metrics->batches[i]);
    saturation_judge(&metrics->saturation, &summary->saturation);
    for (int i = 0; i < TIME_PART_COUNT; i++)
        summary->part_mean_ms[i] =
            ratio((double)metrics->parts_ns[i] / NS_PER_MS, (double)metrics->completed);
    fill_kv_cache(summary, metrics, context);
    fill_utilisation(summary, metrics, context);
}

static struct summary_figure figure(const char *key, double value)
{
    struct summary_figure figure = {.value = value};
    snprintf(figure.key, sizeof figure.key, "%s", key);
    return figure;
}

static struct summary_figure whole_figure(const char *key, int64_t value)
{
    struct summary_figure whole = figure(key, (double)value);
    whole.whole = true;
    return whole;
}

static size_t list_latency(const struct latency_summary *latency, const char *name,
                           struct summary_figure *figures)
{
    const struct {
        const char *statistic;
        double value_ms;
    } statistics[] = {
        {"mean", latency->mean_ms}, {"median", latency->median_ms}, {"std", latency->std_ms},
        {"p90", latency->p90_ms},   {"p95", latency->p95_ms},       {"p99", latency->p99_ms},
    };
    const size_t count = sizeof statistics / sizeof *statistics;
    for (size_t i = 0; i < count; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_%s_ms", statistics[i].statistic, name);
        figures[i] = figure(key, statistics[i].value_ms);
    }
    return count;
}

void summary_list_figures(const struct summary *summary,
                          struct summary_figure figures[SUMMARY_FIGURE_COUNT])
{
    size_t count = 0;
    figures[count++] = figure("duration", summary->duration_s);
    figures[count++] = whole_figure("completed", summary->completed);
    figures[count++] = whole_figure("failed", summary->failed);
    figures[count++] = whole_figure("total_input_tokens", summary->total_input_tokens);
    figures[count++] = whole_figure("total_output_tokens", summary->total_output_tokens);
    figures[count++] = figure("request_throughput", summary->request_throughput_per_s);
    figures[count++] = figure("output_throughput", summary->output_throughput_per_s);
    figures[count++] = figure("total_token_throughput", summary->total_token_throughput_per_s);
    figures[count++] = figure("request_goodput", summary->request_goodput_per_s);
    for (int i = 0; i < LATENCY_COUNT; i++)
        count += list_latency(&summary->latency[i], summary_latency_names[i], &figures[count]);
    assert(count == SUMMARY_FIGURE_COUNT);
}
