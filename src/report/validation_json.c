/* The validation as JSON. */
#include "json_values.h"
#include "validation_report.h"

static json_t *comparison_json(const struct validation_comparison *comparison)
{
    json_t *object = json_object();
    bool done = json_set_whole(object, "requests", comparison->requests);
    for (int i = 0; i < LATENCY_FIGURE_COUNT; i++) {
        json_t *figure = json_object();
        const double measured_ms = comparison->measured_ms[i];
        const double predicted_ms = comparison->predicted_ms[i];
        char key[32];
        snprintf(key, sizeof key, "%s_ms", summary_figure_names[i]);
        done &= json_set_real(figure, "measured", measured_ms);
        done &= json_set_real(figure, "predicted", predicted_ms);
        done &= json_set_real(figure, "error_pct", validation_error_pct(measured_ms, predicted_ms));
        done &= json_set(object, key, figure);
    }
    done &= json_set_real(object, "mape_pct", comparison->mape_pct);
    if (done)
        return object;
    json_decref(object);
    return NULL;
}

static bool set_parts(json_t *root, const struct validation_report *report)
{
    bool done = true;
    for (int part = 0; part < VALIDATION_PART_COUNT; part++) {
        json_t *object = json_object();
        for (int m = 0; m < VALIDATION_METRIC_COUNT; m++)
            done &= json_set(object, validation_metric_names[m],
                             comparison_json(&report->comparisons[part][m]));
        done &= json_set(root, validation_part_names[part], object);
    }
    return done;
}

static bool set_rates(json_t *root, const char *key, const struct validation_rates *rates)
{
    json_t *object = json_object();
    bool done = json_set_real(object, "request_throughput", rates->requests_per_s);
    done &= json_set_real(object, "output_throughput", rates->output_tokens_per_s);
    done &= json_set_real(object, "makespan_s", rates->makespan_s);
    return json_set(root, key, object) && done;
}

static bool set_shares(json_t *root, const struct validation_report *report)
{
    json_t *object = json_object();
    bool done = json_set(object, "estimated", json_boolean(report->shares_estimated));
    for (int i = 0; i < VALIDATION_SHARE_COUNT; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_ms", validation_share_names[i]);
        done &= json_set_real(object, key, report->share_error_ms[i]);
    }
    return json_set(root, "e2e_error_by_part", object) && done;
}

static bool set_notes(json_t *root, const struct validation_report *report)
{
    json_t *notes = json_array();
    bool done = true;
    for (size_t i = 0; i < report->note_count; i++)
        done &= json_array_append_new(notes, json_text_or_null(report->notes[i])) == 0;
    return json_set(root, "notes", notes) && done;
}

bool validation_print_json(const struct validation_report *report, json_t *config, FILE *stream)
{
    json_t *root = json_object();
    bool done = json_set_text(root, "measured_log", report->path);
    done &= json_set_text(root, "format", report->format);
    done &= json_set_whole(root, "requests", report->requests);
    done &= json_set_whole(root, "failed", report->failed);
    done &= json_set_whole(root, "rejected", report->rejected);
    done &= json_set_text(root, "replayed", report->replays_trace ? "trace" : "measured");
    done &= json_set_text(root, "queued_by", report->queue_is_measured ? "measured" : "predicted");
    done &= set_parts(root, report);
    done &= set_rates(root, "measured", &report->measured);
    done &= set_rates(root, "predicted", &report->predicted);
    done &= set_shares(root, report);
    done &= json_set_text(root, "verdict", report->verdict);
    done &= set_notes(root, report);
    done &= json_set(root, "config", config);
    return json_write(root, done, stream);
}
