/* The summary as a table for people. */
#include "summary.h"

#include <inttypes.h>

/* Whether any of its figures is marked. */
static bool print_latency(const char *title, const struct latency_summary *latency, FILE *stream)
{
    const double percentiles_ms[LATENCY_FIGURE_COUNT] = {[FIGURE_MEDIAN] = latency->median_ms,
                                                         [FIGURE_P90] = latency->p90_ms,
                                                         [FIGURE_P95] = latency->p95_ms,
                                                         [FIGURE_P99] = latency->p99_ms};
    const struct interval *interval = &latency->interval_ms[FIGURE_MEAN];
    fprintf(stream, "  %-21s%11.2f", title, latency->mean_ms);
    if (latency->batches > 0)
        fprintf(stream, " %9.2f", (interval->high - interval->low) / 2.0);
    else
        fprintf(stream, " %9s", latency->count > 0 ? "?" : "");
    fprintf(stream, " %10.2f", latency->std_ms);
    bool marked = false, thin = false;
    for (int i = FIGURE_MEDIAN; i < LATENCY_FIGURE_COUNT; i++) {
        fprintf(stream, "%c%10.2f", thin ? '*' : ' ', percentiles_ms[i]);
        thin = latency->count > 0 && latency_figure_is_thin(latency, (enum latency_figure)i);
        marked |= thin;
    }
    fputs(thin ? "*\n" : "\n", stream);
    return marked;
}

static void print_latencies(const struct summary *summary, FILE *stream)
{
    static const char *const titles[LATENCY_COUNT] = {[LATENCY_TTFT] = "Time to first token",
                                                      [LATENCY_TPOT] = "Time per output token",
                                                      [LATENCY_ITL] = "Inter-token latency",
                                                      [LATENCY_E2EL] = "End-to-end latency"};
    bool marked = false, unknown = false;
    fprintf(stream, "\n  %-21s%11s%10s%11s%11s%11s%11s%11s\n", "Latency (ms)", "mean", "+-95%",
            "std", "median", "p90", "p95", "p99");
    for (int i = 0; i < LATENCY_COUNT; i++) {
        const struct latency_summary *latency = &summary->latency[i];
        marked |= print_latency(titles[i], latency, stream);
        unknown |= latency->batches == 0 && latency->count > 0;
    }
    if (marked)
        fputs("  * fewer than 10 values lie beyond it: chance decides what it is\n", stream);
    if (unknown)
        fputs("  ? the run is too short, or its latencies drift: no error can be told\n", stream);
    fputc('\n', stream);
}

static void print_saturation(const struct saturation_summary *saturation, FILE *stream)
{
    fprintf(stream, "Load            %s", saturation_verdict_names[saturation->verdict]);
    if (saturation->verdict == LOAD_UNKNOWN) {
        fputs(": too few requests, or they arrive all at once\n", stream);
        return;
    }
    if (saturation->verdict == LOAD_OVERLOADED)
        fprintf(stream, ": %.3f requests/s arrive, %.3f are taken up;",
                saturation->arrival_rate_per_s, saturation->start_rate_per_s);
    else
        fputc(':', stream);
    fprintf(stream,
            " no room for one more %.1f %% of the time, %" PRId64 " waiting at the last arrivals\n",
            100.0 * saturation->full_share, saturation->waiting);
}

static void print_load(const struct summary *summary, FILE *stream)
{
    fprintf(stream, "Requests        %" PRId64 " completed, %" PRId64 " failed, in %.2f s\n",
            summary->completed, summary->failed, summary->duration_s);
    if (summary->warmup_s > 0.0)
        fprintf(stream, "Warm-up         %.2f s and %" PRId64 " requests before, not measured\n",
                summary->warmup_s, summary->warmup_requests);
    fprintf(stream, "Tokens          %" PRId64 " prompt, %" PRId64 " output\n",
            summary->total_input_tokens, summary->total_output_tokens);
    fprintf(stream, "Throughput      %.3f requests/s, %.1f output tokens/s, %.1f tokens/s\n",
            summary->request_throughput_per_s, summary->output_throughput_per_s,
            summary->total_token_throughput_per_s);
    if (setting_is_set(summary->request_goodput_per_s))
        fprintf(stream, "Goodput         %.3f requests/s within the SLO\n",
                summary->request_goodput_per_s);
}

static void print_kv_cache(const struct summary *summary, FILE *stream)
{
    const double gib = 1024.0 * 1024.0 * 1024.0;
    fprintf(stream,
            "KV cache        %.1f %% used at peak, %.1f %% on average, %.1f %% of that wasted: "
            "%.2f GiB in blocks\n"
            "                partly filled, %.2f GiB reserved and unused (%.2f and %.2f GiB at "
            "peak)\n",
            100.0 * summary_kv_peak_use(summary), 100.0 * summary->kv_mean_use,
            100.0 * summary->kv_waste_share, summary->internal_waste.mean_bytes / gib,
            summary->reservation_waste.mean_bytes / gib, summary->internal_waste.peak_bytes / gib,
            summary->reservation_waste.peak_bytes / gib);
    if (summary->prefix_caching) {
        fprintf(stream, "Prefix cache    %.1f %% of prompt tokens found",
                100.0 * summary_prefix_hit_rate(summary));
        if (summary->offload_s > 0.0)
            fprintf(stream, ", %.1f %% in host memory; %.3f s of transfers from there",
                    summary->prefix_query_tokens > 0 ? 100.0 * (double)summary->offload_hit_tokens /
                                                           (double)summary->prefix_query_tokens
                                                     : 0.0,
                    summary->offload_s);
        fputc('\n', stream);
    }
    fprintf(stream, "Preemptions     %" PRId64, summary->preemptions);
    if (summary->swapped_out > 0)
        fprintf(stream, ", %" PRId64 " of them swapped out: %.3f s of transfers",
                summary->swapped_out, summary->swap_s);
    fputc('\n', stream);
}

/* What the figures of the line before and of the KV cache are then figures of. */
static void print_replicas(const struct summary *summary, FILE *stream)
{
    if (summary->replicas < 2)
        return;
    fprintf(stream, "                of %" PRId64 " replicas", summary->replicas);
    if (summary->idle_steps > 0)
        fprintf(stream, ", which ran %" PRId64 " empty steps beside those", summary->idle_steps);
    fputs("; peaks are those of one, shares the mean of all\n", stream);
}

static void print_engine(const struct summary *summary, FILE *stream)
{
    fprintf(stream,
            "Engine          %" PRId64 " steps, mean batch %.1f sequences (%.1f tokens), at most "
            "%" PRId64 " running, busy %.1f %%\n",
            summary->steps, summary->mean_batch_sequences, summary->mean_batch_tokens,
            summary->max_running, 100.0 * summary->busy_share);
    print_replicas(summary, stream);
    print_kv_cache(summary, stream);
    fputs("Time by bound   ", stream);
    for (int i = 0; i < BOUND_COUNT; i++)
        fprintf(stream, "%s%s %.1f %%", i > 0 ? ", " : "", summary_bound_names[i],
                100.0 * summary->bound_share[i]);
    if (setting_is_set(summary->mfu))
        fprintf(stream, "; MFU %.1f %%, MBU %.1f %%", 100.0 * summary->mfu, 100.0 * summary->mbu);
    fputs("\nTime by request ", stream);
    for (int i = 0; i < TIME_PART_COUNT; i++)
        fprintf(stream, "%s%s %.1f %%", i > 0 ? ", " : "", summary_part_names[i],
                100.0 * summary_part_share(summary, (enum time_part)i));
    fputc('\n', stream);
}

void summary_print_text(const struct summary *summary, FILE *stream)
{
    print_load(summary, stream);
    print_saturation(&summary->saturation, stream);
    print_latencies(summary, stream);
    print_engine(summary, stream);
    fprintf(stream, "Digest          %016" PRIx64 "\n", summary->digest);
}
