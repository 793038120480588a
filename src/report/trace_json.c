/* What can be said of a trace, as JSON. */
#include "trace_report.h"

#include "json_values.h"

/* The object, or NULL where it could not be completed. */
static json_t *finish(json_t *object, bool complete)
{
    if (complete)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *json_windows(const struct trace_report *report)
{
    json_t *list = json_array();
    bool done = list != NULL;
    for (size_t i = 0; i < report->window_count && done; i++) {
        const struct trace_window *window = &report->windows[i];
        json_t *item = json_object();
        done = json_set_real(item, "window_s", window->window_s) &&
               json_set_whole(item, "windows", window->windows) &&
               json_set_real(item, "index_of_dispersion", window->dispersion);
        done = json_array_append_new(list, finish(item, done)) == 0 && done;
    }
    return finish(list, done);
}

static json_t *json_lengths(const struct trace_lengths *lengths)
{
    json_t *object = json_object();
    bool done = json_set_whole(object, "total", lengths->total) &&
                json_set_real(object, "mean", lengths->mean) &&
                json_set_real(object, "std", lengths->std) &&
                json_set_whole(object, "min", lengths->minimum);
    for (size_t i = 0; i < TRACE_QUANTILES && done; i++) {
        char name[8];
        snprintf(name, sizeof name, "p%d", trace_percentiles[i]);
        done = json_set_real(object, name, lengths->quantiles[i]);
    }
    return finish(object, done && json_set_whole(object, "max", lengths->maximum));
}

static json_t *json_prefixes(const struct trace_report *report)
{
    const struct trace_prefixes *prefixes = &report->prefixes;
    json_t *object = json_object();
    const double share = (double)prefixes->hit_tokens / (double)report->prompt.total;
    return finish(object, json_set_whole(object, "requests", prefixes->requests) &&
                              json_set_whole(object, "ids", prefixes->ids) &&
                              json_set_whole(object, "distinct_blocks", prefixes->distinct) &&
                              json_set_whole(object, "estimated_from_one_in", prefixes->one_in) &&
                              json_set_whole(object, "id_tokens", prefixes->id_tokens) &&
                              json_set_whole(object, "max_hit_tokens", prefixes->hit_tokens) &&
                              json_set_real(object, "max_hit_rate", share));
}

static json_t *json_sessions(const struct trace_sessions *sessions)
{
    json_t *object = json_object();
    return finish(object,
                  json_set_whole(object, "requests", sessions->requests) &&
                      json_set_whole(object, "sessions", sessions->sessions) &&
                      json_set_whole(object, "estimated_from_one_in", sessions->one_in) &&
                      json_set_real(object, "mean_turns",
                                    (double)sessions->requests / (double)sessions->sessions) &&
                      json_set_whole(object, "max_turns", sessions->max_turns));
}

static json_t *json_clients(const struct trace_clients *clients)
{
    json_t *object = json_object();
    return finish(object, json_set_whole(object, "requests", clients->requests) &&
                              json_set_whole(object, "clients", clients->clients) &&
                              json_set_whole(object, "estimated_from_one_in", clients->one_in));
}

static json_t *json_classes(const struct trace_report *report)
{
    json_t *list = json_array();
    bool done = list != NULL;
    for (size_t i = 0; i < report->class_count && done; i++) {
        const struct trace_class *class = &report->classes[i];
        json_t *item = json_object();
        done = json_set_text(item, "class", *class->name != '\0' ? class->name : NULL) &&
               json_set_whole(item, "requests", class->requests) &&
               json_set_whole(item, "prompt_tokens", class->prompt_tokens) &&
               json_set_whole(item, "output_tokens", class->output_tokens);
        done = json_array_append_new(list, finish(item, done)) == 0 && done;
    }
    return finish(list, done);
}

static json_t *json_priorities(const struct trace_report *report)
{
    json_t *list = json_array();
    bool done = list != NULL;
    for (size_t i = 0; i < report->priority_count && done; i++) {
        json_t *item = json_object();
        done = json_set_whole(item, "priority", report->priorities[i].priority) &&
               json_set_whole(item, "requests", report->priorities[i].requests);
        done = json_array_append_new(list, finish(item, done)) == 0 && done;
    }
    return finish(list, done);
}

static json_t *json_chart(const struct trace_chart *chart)
{
    json_t *object = json_object(), *counts = json_array();
    bool done = object != NULL && counts != NULL;
    for (size_t i = 0; i < chart->columns && done; i++)
        done = json_array_append_new(counts, json_integer(chart->requests[i])) == 0;
    done = json_set(object, "requests", counts) && done;
    return finish(object, done && json_set_real(object, "column_s", chart->column_s));
}

static bool set_arrivals(json_t *root, const struct trace_report *report)
{
    return json_set_whole(root, "requests", report->requests) &&
           json_set_whole(root, "skipped_rows", report->left_out.bad_rows) &&
           json_set_whole(root, "failed_requests", report->left_out.failed_requests) &&
           json_set_real(root, "span_s", report->span_s) &&
           json_set_real(root, "rate_per_s", report->rate_per_s) &&
           json_set_real(root, "gap_mean_s", report->gap_mean_s) &&
           json_set_real(root, "gap_cv", report->gap_cv) &&
           json_set(root, "dispersion", json_windows(report)) &&
           json_set(root, "rate_over_time", json_chart(&report->chart));
}

static bool set_groups(json_t *root, const struct trace_report *report)
{
    return json_set(root, "classes", json_classes(report)) &&
           json_set_whole(root, "other_class_requests", report->other_class_requests) &&
           json_set(root, "priorities", json_priorities(report)) &&
           json_set_whole(root, "other_priority_requests", report->other_priority_requests);
}

bool trace_print_json(const struct trace_report *report, FILE *stream)
{
    json_t *root = json_object();
    bool done = json_set_text(root, "trace", report->path) &&
                json_set_text(root, "format", report->format) && set_arrivals(root, report) &&
                json_set(root, "prompt_tokens", json_lengths(&report->prompt)) &&
                json_set(root, "output_tokens", json_lengths(&report->output)) &&
                json_set_real(root, "correlation", report->correlation) &&
                json_set_real(root, "log_correlation", report->log_correlation) &&
                json_set(root, "prefixes", json_prefixes(report)) &&
                json_set(root, "sessions", json_sessions(&report->sessions)) &&
                json_set(root, "clients", json_clients(&report->clients)) &&
                set_groups(root, report);
    return json_write(root, done, stream);
}
