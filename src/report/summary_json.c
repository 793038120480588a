/* The summary as JSON, by the keys of vLLM's benchmark. */
#include "summary.h"

#include <inttypes.h>

/* Seventeen digits read back as the very double: the configuration in it runs to the same digest.
 */
enum { JSON_STYLE = JSON_INDENT(2) | JSON_REAL_PRECISION(17) };

static json_t *real_or_null(double value)
{
    return setting_is_set(value) ? json_real(value) : json_null();
}

/* Steals `value`; false when memory could not be had. */
static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static bool set_latency(json_t *root, const char *name, const struct latency_summary *latency)
{
    const struct {
        const char *statistic;
        double value_ms;
    } statistics[] = {
        {"mean", latency->mean_ms}, {"median", latency->median_ms}, {"std", latency->std_ms},
        {"p90", latency->p90_ms},   {"p95", latency->p95_ms},       {"p99", latency->p99_ms},
    };
    bool done = true;
    for (size_t i = 0; i < sizeof statistics / sizeof *statistics; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_%s_ms", statistics[i].statistic, name);
        done &= set(root, key, json_real(statistics[i].value_ms));
    }
    return done;
}

static bool set_benchmark(json_t *root, const struct summary *summary)
{
    bool done = set(root, "duration", json_real(summary->duration_s));
    done &= set(root, "completed", json_integer(summary->completed));
    done &= set(root, "failed", json_integer(summary->failed));
    done &= set(root, "total_input_tokens", json_integer(summary->total_input_tokens));
    done &= set(root, "total_output_tokens", json_integer(summary->total_output_tokens));
    done &= set(root, "request_throughput", json_real(summary->request_throughput_per_s));
    done &= set(root, "output_throughput", json_real(summary->output_throughput_per_s));
    done &= set(root, "total_token_throughput", json_real(summary->total_token_throughput_per_s));
    done &= set(root, "request_goodput", real_or_null(summary->request_goodput_per_s));
    for (int i = 0; i < LATENCY_COUNT; i++)
        done &= set_latency(root, summary_latency_names[i], &summary->latency[i]);
    return done;
}

static json_t *interval_json(const struct interval *interval)
{
    return json_pack("[o, o]", real_or_null(interval->low), real_or_null(interval->high));
}

/* How far the figures above can be trusted: 95 % intervals, and which of them chance decides. */
static bool set_confidence(json_t *root, const struct summary *summary)
{
    json_t *confidence = json_object(), *thin = json_array();
    bool done = set(confidence, "level", json_real(interval_level));
    for (int i = 0; i < LATENCY_COUNT; i++) {
        const struct latency_summary *latency = &summary->latency[i];
        json_t *object = json_object();
        done &= set(object, "samples", json_integer(latency->count));
        done &= set(object, "batches", json_integer(latency->batches));
        for (int k = 0; k < LATENCY_FIGURE_COUNT; k++) {
            char key[32];
            snprintf(key, sizeof key, "%s_ms", summary_figure_names[k]);
            done &= set(object, key, interval_json(&latency->interval_ms[k]));
            snprintf(key, sizeof key, "%s_%s_ms", summary_figure_names[k],
                     summary_latency_names[i]);
            if (latency_figure_is_thin(latency, (enum latency_figure)k))
                done &= json_array_append_new(thin, json_string(key)) == 0;
        }
        done &= set(confidence, summary_latency_names[i], object);
    }
    done &= set(confidence, "few_samples", thin);
    return set(root, "confidence", confidence) && done;
}

static bool set_saturation(json_t *root, const struct saturation_summary *saturation)
{
    json_t *object = json_object();
    const bool known = saturation->verdict != LOAD_UNKNOWN;
    bool done = set(object, "verdict", json_string(saturation_verdict_names[saturation->verdict]));
    if (known) {
        done &= set(object, "full_share", json_real(saturation->full_share));
        done &= set(object, "arrival_rate", json_real(saturation->arrival_rate_per_s));
        done &= set(object, "start_rate", json_real(saturation->start_rate_per_s));
        done &= set(object, "waiting_at_last_arrivals", json_integer(saturation->waiting));
        done &= set(object, "queue_growth_over_error", real_or_null(saturation->growth_over_error));
    }
    return set(root, "saturation", object) && done;
}

static bool set_warmup(json_t *root, const struct summary *summary)
{
    json_t *warmup = json_object();
    bool done = set(warmup, "duration_s", json_real(summary->warmup_s));
    done &= set(warmup, "requests", json_integer(summary->warmup_requests));
    return set(root, "warmup", warmup) && done;
}

/* Where the time of completed requests goes. */
static bool set_account(json_t *root, const struct summary *summary)
{
    json_t *account = json_object();
    bool done = true;
    for (int i = 0; i < TIME_PART_COUNT; i++) {
        char key[32];
        snprintf(key, sizeof key, "mean_%s_ms", summary_part_names[i]);
        done &= set(account, key, json_real(summary->part_mean_ms[i]));
        snprintf(key, sizeof key, "%s_share", summary_part_names[i]);
        done &= set(account, key, json_real(summary_part_share(summary, (enum time_part)i)));
    }
    return set(root, "request_time", account) && done;
}

static bool set_waste(json_t *object, const char *name, const struct kv_waste *waste)
{
    json_t *bytes = json_object();
    bool done = set(bytes, "mean_bytes", json_real(waste->mean_bytes));
    done &= set(bytes, "peak_bytes", json_real(waste->peak_bytes));
    return set(object, name, bytes) && done;
}

static bool set_kv_cache(json_t *root, const struct summary *summary)
{
    json_t *kv_cache = json_object();
    bool done = set(kv_cache, "num_gpu_blocks", json_integer(summary->num_gpu_blocks));
    done &= set(kv_cache, "block_size", json_integer(summary->block_size));
    done &= set(kv_cache, "peak_blocks", json_integer(summary->kv_blocks_peak));
    done &= set(kv_cache, "peak_use", json_real(summary_kv_peak_use(summary)));
    done &= set(kv_cache, "mean_use", json_real(summary->kv_mean_use));
    done &= set(kv_cache, "waste", json_real(summary->kv_waste_share));
    done &= set_waste(kv_cache, "internal_waste", &summary->internal_waste);
    done &= set_waste(kv_cache, "reservation_waste", &summary->reservation_waste);
    done &= set(kv_cache, "preemptions", json_integer(summary->preemptions));
    done &= set(kv_cache, "swapped_out", json_integer(summary->swapped_out));
    done &= set(kv_cache, "swap_time_s", json_real(summary->swap_s));
    done &= set(kv_cache, "prefix_query_tokens", json_integer(summary->prefix_query_tokens));
    done &= set(kv_cache, "prefix_hit_tokens", json_integer(summary->prefix_hit_tokens));
    done &= set(kv_cache, "offload_hit_tokens", json_integer(summary->offload_hit_tokens));
    done &= set(kv_cache, "prefix_hit_rate", json_real(summary_prefix_hit_rate(summary)));
    done &= set(kv_cache, "offload_time_s", json_real(summary->offload_s));
    return set(root, "kv_cache", kv_cache) && done;
}

static bool set_engine(json_t *root, const struct summary *summary)
{
    json_t *engine = json_object();
    bool done = set(engine, "steps", json_integer(summary->steps));
    done &= set(engine, "mean_batch_sequences", json_real(summary->mean_batch_sequences));
    done &= set(engine, "mean_batch_tokens", json_real(summary->mean_batch_tokens));
    done &= set(engine, "max_running", json_integer(summary->max_running));
    done &= set(engine, "busy_share", json_real(summary->busy_share));
    if (summary->replicas > 1) {
        done &= set(engine, "replicas", json_integer(summary->replicas));
        done &= set(engine, "idle_steps", json_integer(summary->idle_steps));
    }
    return set(root, "engine", engine) && done;
}

static bool set_utilisation(json_t *root, const struct summary *summary)
{
    json_t *utilisation = json_object();
    bool done = set(utilisation, "mfu", real_or_null(summary->mfu));
    done &= set(utilisation, "mbu", real_or_null(summary->mbu));
    for (int i = 0; i < BOUND_COUNT; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_share", summary_bound_names[i]);
        done &= set(utilisation, key, json_real(summary->bound_share[i]));
    }
    return set(root, "utilisation", utilisation) && done;
}

bool summary_print_json(const struct summary *summary, json_t *config, FILE *stream)
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
    done &= set(root, "config", config);
    done &= set(root, "digest", json_string(digest));
    if (done) {
        json_dumpf(root, stream, JSON_STYLE);
        fputc('\n', stream);
    }
    json_decref(root);
    return done;
}
