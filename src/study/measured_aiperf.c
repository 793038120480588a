/* aiperf's profile_export.jsonl: an object a line, a request each; metrics with their units. */
#include "measured_formats.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *unit;
    double seconds;
} time_units[] = {{"ns", 1e-9}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1.0}, {"sec", 1.0}};

/* Of a metric {"value": 3.5, "unit": "ms"}; NaN where it is not there. */
static double metric_s(const json_t *metrics, const char *key)
{
    const json_t *metric = json_object_get(metrics, key);
    const char *unit = json_string_value(json_object_get(metric, "unit"));
    for (size_t i = 0; unit != NULL && i < sizeof time_units / sizeof *time_units; i++) {
        if (strcmp(unit, time_units[i].unit) == 0)
            return measured_number(metric, "value") * time_units[i].seconds;
    }
    return (double)NAN;
}

static double metric_tokens(const json_t *metrics, const char *key)
{
    return measured_number(json_object_get(metrics, key), "value");
}

static bool add_record(struct measured_reading *reading, const json_t *record, int64_t line)
{
    struct measured_log *log = reading->log;
    const json_t *metadata = json_object_get(record, "metadata");
    const json_t *metrics = json_object_get(record, "metrics");
    const json_t *error = json_object_get(record, "error");
    const json_t *start = json_object_get(metadata, "request_start_ns");
    const char *phase = json_string_value(json_object_get(metadata, "benchmark_phase"));
    if (!json_is_object(metadata) || !json_is_object(metrics))
        return measured_refuse(reading, line, "has no 'metadata' and 'metrics', as aiperf's have");
    if (phase != NULL && strcmp(phase, "profiling") != 0) {
        measured_note(log, "requests of its %.40s phase are left out", phase);
        return true;
    }
    if ((error != NULL && !json_is_null(error)) ||
        json_is_true(json_object_get(metadata, "was_cancelled"))) {
        log->failed++;
        return true;
    }
    struct measured_row row = {
        .line = line,
        .arrival_ns = json_integer_value(start),
        .scheduled_s = (double)NAN,
        .ttft_s = metric_s(metrics, "time_to_first_token"),
        .e2e_s = metric_s(metrics, "request_latency"),
        .tpot_s = metric_s(metrics, "inter_token_latency"),
        .prompt_tokens = metric_tokens(metrics, "input_sequence_length"),
        .output_tokens = metric_tokens(metrics, "output_sequence_length"),
    };
    if (isnan(row.output_tokens))
        row.output_tokens = metric_tokens(metrics, "output_token_count");
    if (!json_is_integer(start) || row.arrival_ns < 0 || row.arrival_ns > (int64_t)4e18)
        return measured_refuse(reading, line, "'request_start_ns' is no time in nanoseconds");
    if (isnan(row.ttft_s))
        return measured_refuse(reading, line, "no time_to_first_token: profile with --streaming");
    if (!isnan(row.tpot_s))
        measured_note(log, "aiperf's inter_token_latency is TPOT: (request_latency - "
                           "time_to_first_token) / (output tokens - 1)");
    return measured_add(reading, &row);
}

bool measured_read_aiperf(struct measured_reading *reading)
{
    const char *cursor = reading->text, *end = reading->text + reading->length;
    reading->log->format = "aiperf";
    for (int64_t line = 1; cursor < end; line++) {
        const char *newline = memchr(cursor, '\n', (size_t)(end - cursor));
        const char *stop = newline != NULL ? newline : end;
        const size_t length = (size_t)(stop - cursor);
        json_error_t problem;
        json_t *record = NULL;
        if (strspn(cursor, " \t\r") < length) {
            record = json_loadb(cursor, length, 0, &problem);
            if (record == NULL) {
                const struct location at = {reading->name, line, problem.column};
                return error_input(reading->error, &at, "%s", problem.text);
            }
            const bool added = add_record(reading, record, line);
            json_decref(record);
            if (!added)
                return false;
        }
        cursor = newline != NULL ? newline + 1 : end;
    }
    measured_note_client(reading->log);
    return true;
}
