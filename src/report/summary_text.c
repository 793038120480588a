/* The summary as a table for people. */
#include "summary.h"

#include <inttypes.h>

static void print_latency(const char *title, const struct latency_summary *latency, FILE *stream)
{
    fprintf(stream, "  %-26s %10.2f %10.2f %10.2f %10.2f %10.2f %10.2f\n", title, latency->mean_ms,
            latency->std_ms, latency->median_ms, latency->p90_ms, latency->p95_ms, latency->p99_ms);
}

static void print_load(const struct summary *summary, FILE *stream)
{
    fprintf(stream, "Requests        %" PRId64 " completed, %" PRId64 " failed, in %.2f s\n",
            summary->completed, summary->failed, summary->duration_s);
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
    static const char *const titles[LATENCY_COUNT] = {[LATENCY_TTFT] = "Time to first token",
                                                      [LATENCY_TPOT] = "Time per output token",
                                                      [LATENCY_ITL] = "Inter-token latency",
                                                      [LATENCY_E2EL] = "End-to-end latency"};
    print_load(summary, stream);
    fprintf(stream, "\n  %-26s%11s%11s%11s%11s%11s%11s\n", "Latency (ms)", "mean", "std", "median",
            "p90", "p95", "p99");
    for (int i = 0; i < LATENCY_COUNT; i++)
        print_latency(titles[i], &summary->latency[i], stream);
    fputc('\n', stream);
    print_engine(summary, stream);
    fprintf(stream, "Digest          %016" PRIx64 "\n", summary->digest);
}
