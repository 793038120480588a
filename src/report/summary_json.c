/* The summary as JSON, by the keys of vLLM's benchmark. */
#include "summary.h"

#include "json_values.h"
#include <inttypes.h>

static bool set_benchmark(json_t *root, const struct summary *summary)
{
    struct summary_figure figures[SUMMARY_FIGURE_COUNT];
    summary_list_figures(summary, figures);
    bool done = true;
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++) {
        const struct summary_figure *figure = &figures[i];
        done &= figure->whole ? json_set_whole(root, figure->key, (int64_t)figure->value)
                              : json_set_real(root, figure->key, figure->value);
    }
    return done;
}

/* How far the figures above can be trusted: 95 % intervals, and which of them chance decides. */
static bool set_confidence(json_t *root, const struct summary *summary)
{
    json_t *confidence = json_object(), *thin = json_array();
    bool done = json_set_real(confidence, "level", interval_level);
    for (int i = 0; i < LATENCY_COUNT; i++) {
        const struct latency_summary *latency = &summary->latency[i];
        json_t *object = json_object();
        done &= json_set_whole(object, "samples", latency->count);
        done &= json_set_whole(object, "batches", latency->batches);
        for (int k = 0; k < LATENCY_FIGURE_COUNT; k++) {
            char key[32];
            snprintf(key, sizeof key, "%s_ms", summary_figure_names[k]);
            done &= json_set_interval(object, key, &latency->interval_ms[k]);
            snprintf(key, sizeof key, "%s_%s_ms", summary_figure_names[k],
                     summary_latency_names[i]);
            if (latency_figure_is_thin(latency, (enum latency_figure)k))
                done &= json_array_append_new(thin, json_string(key)) == 0;
        }
        done &= json_set(confidence, summary_latency_names[i], object);
    }
    done &= json_set(confidence, "few_samples", thin);
    return json_set(root, "confidence", confidence) && done;
}

static bool set_saturation(json_t *root, const struct saturation_summary *saturation)
{
    json_t *object = json_object();
    const bool known = saturation->verdict != LOAD_UNKNOWN;
    bool done =
        json_set(object, "verdict", json_string(saturation_verdict_names[saturation->verdict]));
    if (known) {
        done &= json_set_real(object, "full_share", saturation->full_share);
        done &= json_set_real(object, "arrival_rate", saturation->arrival_rate_per_s);
        done &= json_set_real(object, "start_rate", saturation->start_rate_per_s);
        done &= json_set_whole(object, "waiting_at_last_arrivals", saturation->waiting);
        done &= json_set_real(object, "queue_growth_over_error", saturation->growth_over_error);
    }
    return json_set(root, "saturation", object) && done;
}

static bool set_warmup(json_t *root, const struct summary *summary)
{
    json_t *warmup = json_object();
    bool done = json_set_real(warmup, "duration_s", summary->warmup_s);
    done &= json_set_whole(warmup, "requests", summary->warmup_requests);
    return json_set(root, "warmup", warmup) && done;
}

/* Where the time of completed requests goes. */
static bool set_account(json_t *root, const struct summary *summary)
{
    json_t *account = json_object();
    bool done = true;
    for (int i = 0; i < TIME_PART_COUNT; i++) {
        char key[32];
        snprintf(key, sizeof key, "mean_%s_ms", summary_part_names[i]);
        done &= json_set_real(account, key, summary->part_mean_ms[i]);
        snprintf(key, sizeof key, "%s_share", summary_part_names[i]);
        done &= json_set_real(account, key, summary_part_share(summary, (enum time_part)i));
    }
    return json_set(root, "request_time", account) && done;
}

static bool set_waste(json_t *object, const char *name, const struct kv_waste *waste)
{
    json_t *bytes = json_object();
    bool done = json_set_real(bytes, "mean_bytes", waste->mean_bytes);
    done &= json_set_real(bytes, "peak_bytes", waste->peak_bytes);
    return json_set(object, name, bytes) && done;
}

static bool set_kv_cache(json_t *root, const struct summary *summary)
{
    json_t *kv_cache = json_object();
    bool done = json_set_whole(kv_cache, "num_gpu_blocks", summary->num_gpu_blocks);
    done &= json_set_whole(kv_cache, "block_size", summary->block_size);
    done &= json_set_whole(kv_cache, "peak_blocks", summary->kv_blocks_peak);
    done &= json_set_real(kv_cache, "peak_use", summary_kv_peak_use(summary));
    done &= json_set_real(kv_cache, "mean_use", summary->kv_mean_use);
    done &= json_set_real(kv_cache, "waste", summary->kv_waste_share);
    done &= set_waste(kv_cache, "internal_waste", &summary->internal_waste);
    done &= set_waste(kv_cache, "reservation_waste", &summary->reservation_waste);
    done &= json_set_whole(kv_cache, "preemptions", summary->preemptions);
    done &= json_set_whole(kv_cache, "swapped_out", summary->swapped_out);
    done &= json_set_real(kv_cache, "swap_time_s", summary->swap_s);
    done &= json_set_whole(kv_cache, "prefix_query_tokens", summary->prefix_query_tokens);
    done &= json_set_whole(kv_cache, "prefix_hit_tokens", summary->prefix_hit_tokens);
    done &= json_set_whole(kv_cache, "offload_hit_tokens", summary->offload_hit_tokens);
    done &= json_set_real(kv_cache, "prefix_hit_rate", summary_prefix_hit_rate(summary));
    done &= json_set_real(kv_cache, "offload_time_s", summary->offload_s);
    return json_set(root, "kv_cache", kv_cache) && done;
}

static bool set_engine(json_t *root, const struct summary *summary)
{
    json_t *engine = json_object();
    bool done = json_set_whole(engine, "steps", summary->steps);
    done &= json_set_real(engine, "mean_batch_sequences", summary->mean_batch_sequences);
    done &= json_set_real(engine, "mean_batch_tokens", summary->mean_batch_tokens);
    done &= json_set_whole(engine, "max_running", summary->max_running);
    done &= json_set_real(engine, "busy_share", summary->busy_share);
    if (summary->replicas > 1) {
        done &= json_set_whole(engine, "replicas", summary->replicas);
        done &= json_set_whole(engine, "idle_steps", summary->idle_steps);
    }
    return json_set(root, "engine", engine) && done;
}

static bool set_utilisation(json_t *root, const struct summary *summary)
{
    json_t *utilisation = json_object();
    bool done = json_set_real(utilisation, "mfu", summary->mfu);
    done &= json_set_real(utilisation, "mbu", summary->mbu);
    for (int i = 0; i < BOUND_COUNT; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_share", summary_bound_names[i]);
        done &= json_set_real(utilisation, key, summary->bound_share[i]);
    }
    return json_set(root, "utilisation", utilisation) && done;
}

bool summary_print_json(const struct summary *summary, json_t *sensitivity, json_t *config,
                        FILE *stream)
{
    char digest[17];
    snprintf(digest, sizeof digest, "%016" PRIx64, summary->digest);
    json_t *root = json_object();
    bool done = set_benchmark(root, summary);
    done &= set_confidence(root, summary);
    done &= set_saturation(root, &summary->saturation);
    done &= set_warmup(root, summary);
    done &= set_account(root, summary);
    done &= set_kv_cache(root, summary);
    done &= set_engine(root, summary);
    done &= set_utilisation(root, summary);
    if (sensitivity != NULL)
        done &= json_set(root, "sensitivity", sensitivity);
    done &= json_set(root, "config", config);
    done &= json_set(root, "digest", json_string(digest));
    return json_write(root, done, stream);
}
