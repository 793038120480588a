#include "capacity_report.h"

#include "json_values.h"

static bool set_figures(json_t *object, const struct replications *runs)
{
    bool done = true;
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++) {
        const struct replicated *figure = &runs->figures[i];
        done &= json_set_real(object, figure->key, replicated_mean(figure));
    }
    done &=
        json_set_text(object, "saturation", saturation_verdict_names[replications_verdict(runs)]);
    return done;
}

static json_t *point_json(const struct capacity *capacity, const struct capacity_point *point)
{
    json_t *object = json_object(), *values = json_object();
    char name[32];
    bool done = json_set_real(object, "load", point->load);
    done &= json_set_real(object, "requests_per_s", point->requests_per_s);
    done &= json_set(object, "meets_slo", json_boolean(point->meets));
    slo_check_name(&capacity->checks[point->limiting], name);
    done &= json_set_text(object, "limiting", name);
    done &= json_set_real(object, "margin", point->margin);
    for (size_t i = 0; i < capacity->check_count; i++) {
        const struct replicated *value = &point->values[i];
        slo_check_name(&capacity->checks[i], name);
        done &= json_set_real(values, name, replicated_mean(value));
    }
    done &= json_set(object, "slo", values);
    done &= json_set_real(object, "busy_share", point->busy_share);
    done &= json_set_real(object, "kv_peak_use", point->kv_peak_use);
    done &= set_figures(object, &point->runs);
    if (done)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *points_json(const struct capacity *capacity)
{
    json_t *points = json_array();
    for (size_t i = 0; i < capacity->point_count; i++) {
        if (json_array_append_new(points, point_json(capacity, &capacity->points[i])) != 0) {
            json_decref(points);
            return NULL;
        }
    }
    return points;
}

static json_t *slo_json(const struct capacity *capacity)
{
    json_t *checks = json_array();
    for (size_t i = 0; i < capacity->check_count; i++) {
        const struct slo_check *check = &capacity->checks[i];
        char name[32];
        slo_check_name(check, name);
        json_array_append_new(checks, json_pack("{s:s, s:s, s:f}", "name", name, "is",
                                                check->is_goodput ? "at least" : "at most", "limit",
                                                check->limit));
    }
    return checks;
}

static json_t *cost_json(const struct capacity_cost *cost)
{
    json_t *object = json_object();
    bool done = json_set_real(object, "output_tokens_per_s", cost->output_tokens_per_s);
    done &= json_set_real(object, "total_tokens_per_s", cost->total_tokens_per_s);
    done &= json_set_real(object, "dollars_per_hour", cost->dollars_per_hour);
    done &= json_set_real(object, "dollars_per_million_output_tokens",
                          capacity_dollars_per_million_tokens(cost));
    done &= json_set_real(object, "output_tokens_per_dollar", capacity_tokens_per_dollar(cost));
    done &= json_set_real(object, "power_w", cost->power_w);
    done &= json_set_real(object, "kwh_per_million_output_tokens",
                          capacity_kwh_per_million_tokens(cost));
    if (done)
        return object;
    json_decref(object);
    return NULL;
}

static json_t *fleet_json(const struct capacity *capacity)
{
    const struct capacity_fleet *fleet = &capacity->fleet;
    json_t *object = json_object();
    if (!capacity->has_fleet)
        return json_null();
    bool done = json_set_real(object, "load", fleet->load);
    done &= json_set_whole(object, "servers", (int64_t)fleet->servers);
    done &=
        json_set_whole(object, "accelerators", (int64_t)fleet->servers * capacity->accelerators);
    done &= json_set_real(object, "requests_per_s", fleet->requests_per_s);
    done &= json_set(object, "each", point_json(capacity, &fleet->each));
    done &= json_set(object, "cost", cost_json(&fleet->cost));
    if (done)
        return object;
    json_decref(object);
    return NULL;
}

static bool set_capacity(json_t *root, const struct capacity *capacity)
{
    const struct capacity_point *best = &capacity->points[capacity->best];
    const struct interval interval = replicated_interval(&capacity->loads);
    bool done = json_set_real(root, "capacity", best->load);
    done &= json_set_real(root, "capacity_requests_per_s", best->requests_per_s);
    done &= json_set_real(root, "too_much",
                          capacity->has_limit ? capacity->points[capacity->too_much].load
                                              : (double)NAN);
    done &= json_set_real(root, "precision", capacity_reached_precision(capacity));
    done &= json_set_interval(root, "interval", &interval);
    return done;
}

json_t *capacity_to_json(const struct capacity *capacity, json_t *config)
{
    json_t *root = json_object();
    bool done = json_set_text(root, "key", capacity->key);
    done &= json_set_text(root, "unit", capacity->unit);
    done &= json_set(root, "slo", slo_json(capacity));
    done &= json_set(root, "keeps_up", json_boolean(capacity->keeps_up));
    done &= set_capacity(root, capacity);
    done &= json_set_whole(root, "runs", capacity->runs);
    done &= json_set_whole(root, "replications", capacity->replications);
    done &= json_set_real(root, "estimate_requests_per_s", capacity->estimate_per_s);
    done &= json_set_whole(root, "accelerators", capacity->accelerators);
    done &= json_set(root, "cost", cost_json(&capacity->cost));
    done &= json_set(root, "fleet", fleet_json(capacity));
    done &= json_set(root, "points", points_json(capacity));
    done &= json_set(root, "config", config != NULL ? config : json_null());
    if (done)
        return root;
    json_decref(root);
    return NULL;
}
