#include "metrics.h"

#include <llmsim/sim_time.h>
#include <string.h>
#include <xxhash.h>

#define METRICS(member) offsetof(struct metrics_config, member)

static const char *const warmup_words[] = {"auto", NULL};

static const struct setting metrics_keys[] = {
    {
        .name = "warmup",
        .kind = SETTING_REAL,
        .unit = UNIT_SECONDS,
        .offset = METRICS(warmup_s),
        .preset = "none",
        .minimum = 0,
        .maximum = 1e9,
        .choices = warmup_words,
        .help = "requests that arrive in this time from the first arrival are served and not "
                "measured; auto: found by MSER-5 in a run before",
    },
    {
        .name = "replications",
        .kind = SETTING_INTEGER,
        .offset = METRICS(replications),
        .preset = "1",
        .minimum = 1,
        .maximum = 10000,
        .help = "runs with seed, seed + 1, ..., and intervals over them",
    },
};

const struct settings_table metrics_settings = {"the metrics section", metrics_keys,
                                                sizeof metrics_keys / sizeof *metrics_keys};

bool metrics_init(struct metrics *metrics, const struct slo *slo, int64_t warmup_ns,
                  int64_t replicas)
{
    memset(metrics, 0, sizeof *metrics);
    for (int i = 0; i < LATENCY_COUNT; i++)
        metrics->good_limit_s[i] = slo_request_limit_s(slo, (enum latency)i);
    metrics->has_slo = slo_has_good_requests(slo);
    metrics->warmup_ns = warmup_ns;
    metrics->measures = warmup_ns == 0;
    saturation_init(&metrics->saturation, replicas);
    bool done = true;
    for (int i = 0; i < LATENCY_COUNT; i++)
        done =
            done && histogram_init(&metrics->latency[i]) && batch_means_init(&metrics->batches[i]);
    return done;
}

void metrics_fini(struct metrics *metrics)
{
    for (int i = 0; i < LATENCY_COUNT; i++) {
        histogram_fini(&metrics->latency[i]);
        batch_means_fini(&metrics->batches[i]);
    }
}

static void add_latency(struct metrics *metrics, enum latency latency, int64_t position,
                        int64_t value_ns, int64_t weight)
{
    histogram_add(&metrics->latency[latency], value_ns, weight);
    batch_means_add(&metrics->batches[latency], position, value_ns, weight);
}

void metrics_step(struct metrics *metrics, const struct step_report *report)
{
    int64_t duration_ns = report->end_ns - report->start_ns;
    saturation_step(&metrics->saturation, report);
    metrics->measures = report->start_ns >= metrics->warmup_ns;
    if (!metrics->measures)
        return;
    metrics->steps++;
    metrics->busy_ns += duration_ns;
    metrics->sequence_sum += report->sequences;
    metrics->token_sum += report->tokens;
    if (report->running > metrics->running_max)
        metrics->running_max = report->running;
    if (report->kv_blocks_used > metrics->kv_blocks_peak)
        metrics->kv_blocks_peak = report->kv_blocks_used;
    if (report->kv_blocks_empty > metrics->kv_empty_peak)
        metrics->kv_empty_peak = report->kv_blocks_empty;
    if (report->kv_slots_unfilled > metrics->kv_unfilled_peak)
        metrics->kv_unfilled_peak = report->kv_slots_unfilled;
    metrics->kv_block_ns += (double)report->kv_blocks_used * (double)duration_ns;
    metrics->kv_empty_ns += (double)report->kv_blocks_empty * (double)duration_ns;
    metrics->kv_unfilled_ns += (double)report->kv_slots_unfilled * (double)duration_ns;
    cost_add(&metrics->cost, report->cost);
}

void metrics_token_gaps(struct metrics *metrics, int64_t gap_ns, int32_t count)
{
    if (metrics->measures)
        add_latency(metrics, LATENCY_ITL, metrics->latency[LATENCY_ITL].count, gap_ns, count);
}

int64_t metrics_tpot_ns(const struct request_outcome *outcome)
{
    int64_t gaps = outcome->output_tokens - 1;
    if (outcome->status != REQUEST_COMPLETED || gaps < 1)
        return -1;
    return (outcome->finished_ns - outcome->first_token_ns + gaps / 2) / gaps;
}

/* Hashes are added, so that the digest does not depend on the order of completion. */
static uint64_t outcome_hash(const struct request_outcome *outcome)
{
    int64_t fields[] = {
        outcome->request_id,     outcome->arrival_ns,    outcome->scheduled_ns,
        outcome->first_token_ns, outcome->finished_ns,   outcome->prompt_tokens,
        outcome->output_tokens,  outcome->cached_tokens, outcome->preemptions,
        outcome->status,
    };
    return XXH64(fields, sizeof fields, 0);
}

/* A limit is met by what is not longer; a request of one token has no TPOT and meets any. */
static bool meets(double limit_s, int64_t value_ns)
{
    return !setting_is_set(limit_s) || value_ns < 0 || value_ns <= sim_ns_from_s(limit_s);
}

void metrics_outcome(struct metrics *metrics, const struct request_outcome *outcome)
{
    metrics->digest += outcome_hash(outcome);
    saturation_outcome(&metrics->saturation, outcome);
    if (outcome->arrival_ns < metrics->warmup_ns) {
        metrics->warmup_requests++;
        return;
    }
    if (outcome->status != REQUEST_COMPLETED) {
        metrics->failed++;
        return;
    }
    int64_t ttft_ns = outcome->first_token_ns - outcome->arrival_ns;
    int64_t e2el_ns = outcome->finished_ns - outcome->arrival_ns;
    int64_t tpot_ns = metrics_tpot_ns(outcome);
    metrics->completed++;
    metrics->input_tokens += outcome->prompt_tokens;
    metrics->output_tokens += outcome->output_tokens;
    for (int i = 0; i < TIME_PART_COUNT; i++)
        metrics->parts_ns[i] += (uint64_t)outcome->parts_ns[i];
    add_latency(metrics, LATENCY_TTFT, outcome->request_id, ttft_ns, 1);
    add_latency(metrics, LATENCY_E2EL, outcome->request_id, e2el_ns, 1);
    if (tpot_ns >= 0)
        add_latency(metrics, LATENCY_TPOT, outcome->request_id, tpot_ns, 1);
    const double *limit_s = metrics->good_limit_s;
    if (meets(limit_s[LATENCY_TTFT], ttft_ns) && meets(limit_s[LATENCY_TPOT], tpot_ns) &&
        meets(limit_s[LATENCY_E2EL], e2el_ns))
        metrics->good++;
}
