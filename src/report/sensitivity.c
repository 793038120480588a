#include "sensitivity.h"

#include "json_values.h"

const double sensitivity_speeds[SENSITIVITY_SPEEDS] = {0.9, 0.95, 1.0, 1.05, 1.1};

static double good_per_s(const struct summary *summary)
{
    return isnan(summary->request_goodput_per_s) ? summary->request_throughput_per_s
                                                 : summary->request_goodput_per_s;
}

static double change(double value, double base)
{
    return base > 0.0 ? value / base - 1.0 : (double)NAN;
}

void sensitivity_add(struct sensitivity *sensitivity,
                     const struct summary summaries[SENSITIVITY_SPEEDS], const struct summary *rush)
{
    const struct summary *base = &summaries[SENSITIVITY_BASE];
    sensitivity->has_slo = !isnan(base->request_goodput_per_s);
    for (int i = 0; i < SENSITIVITY_SPEEDS; i++) {
        struct sensitivity_row *row = &sensitivity->rows[i];
        replications_add(&row->runs, &summaries[i]);
        replicated_add(&row->ttft_change, change(summaries[i].latency[LATENCY_TTFT].mean_ms,
                                                 base->latency[LATENCY_TTFT].mean_ms));
        replicated_add(&row->good_change, change(good_per_s(&summaries[i]), good_per_s(base)));
    }
    if (rush == NULL || rush->duration_s == 0.0)
        return;
    const double capacity_per_s = rush->request_throughput_per_s;
    replicated_add(&sensitivity->capacity_per_s, capacity_per_s);
    if (base->saturation.verdict != LOAD_UNKNOWN)
        replicated_add(&sensitivity->load, base->saturation.arrival_rate_per_s / capacity_per_s);
}

static double half_width(const struct replicated *figure)
{
    const struct interval interval = replicated_interval(figure);
    return (interval.high - interval.low) / 2.0;
}

static void print_change(const struct replicated *figure, FILE *stream)
{
    fprintf(stream, "%+9.1f %%", figure->count > 0 ? 100.0 * figure->mean : 0.0);
    if (figure->count > 1)
        fprintf(stream, " +-%5.1f", 100.0 * half_width(figure));
}

static void print_capacity(const struct sensitivity *sensitivity, FILE *stream)
{
    if (sensitivity->capacity_per_s.count == 0)
        return;
    fprintf(stream, "Capacity        %.3f requests/s, when all requests are there from the start",
            sensitivity->capacity_per_s.mean);
    if (sensitivity->load.count > 0) {
        const double load = sensitivity->load.mean;
        fprintf(stream, ": the load is %.2f of it\nKnee            ", load);
        if (load < 1.0)
            fprintf(stream, "a server %.0f %% slower would be at its limit", 100.0 * (1.0 - load));
        else
            fprintf(stream, "the server would have to be %.0f %% faster", 100.0 * (load - 1.0));
    }
    fputc('\n', stream);
}

void sensitivity_print_text(const struct sensitivity *sensitivity, FILE *stream)
{
    const int change_width = sensitivity->rows[0].runs.count > 1 ? 19 : 11;
    fprintf(stream, "\n  %-14s%13s%*s%13s%13s%13s%*s  %s\n", "Speed", "mean TTFT", change_width,
            "change", "p99 TTFT", "mean TPOT", sensitivity->has_slo ? "goodput/s" : "requests/s",
            change_width, "change", "load");
    for (int i = 0; i < SENSITIVITY_SPEEDS; i++) {
        const struct sensitivity_row *row = &sensitivity->rows[i];
        const struct replications *runs = &row->runs;
        const char *good = sensitivity->has_slo ? "request_goodput" : "request_throughput";
        if (i == SENSITIVITY_BASE)
            fprintf(stream, "  %-14s", "as configured");
        else
            fprintf(stream, "  %+-3.0f %-10s", 100.0 * (sensitivity_speeds[i] - 1.0), "%");
        fprintf(stream, "%13.2f", replications_find(runs, "mean_ttft_ms")->mean);
        print_change(&row->ttft_change, stream);
        fprintf(stream, "%13.2f%13.2f%13.3f", replications_find(runs, "p99_ttft_ms")->mean,
                replications_find(runs, "mean_tpot_ms")->mean, replications_find(runs, good)->mean);
        print_change(&row->good_change, stream);
        fprintf(stream, "  %s\n", saturation_verdict_names[replications_verdict(runs)]);
    }
    fputc('\n', stream);
    print_capacity(sensitivity, stream);
}

static bool set_change(json_t *object, const char *key, const struct replicated *figure)
{
    json_t *change = json_object();
    const struct interval interval = replicated_interval(figure);
    bool done = json_set_real(change, "mean", replicated_mean(figure));
    done &= json_set_interval(change, "interval", &interval);
    return json_set(object, key, change) && done;
}

static bool append_row(json_t *rows, const struct sensitivity_row *row, double speed)
{
    json_t *object = json_object();
    bool done = json_set_real(object, "speed", speed);
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++) {
        const struct replicated *figure = &row->runs.figures[i];
        done &= json_set_real(object, figure->key, replicated_mean(figure));
    }
    done &= set_change(object, "mean_ttft_change", &row->ttft_change);
    done &= set_change(object, "goodput_change", &row->good_change);
    done &= json_set_text(object, "saturation",
                          saturation_verdict_names[replications_verdict(&row->runs)]);
    return json_array_append_new(rows, object) == 0 && done;
}

json_t *sensitivity_to_json(const struct sensitivity *sensitivity)
{
    json_t *root = json_object(), *rows = json_array();
    bool done = true;
    for (int i = 0; i < SENSITIVITY_SPEEDS; i++)
        done &= append_row(rows, &sensitivity->rows[i], sensitivity_speeds[i]);
    done &= json_set(root, "speeds", rows);
    const struct replicated *capacity = &sensitivity->capacity_per_s, *load = &sensitivity->load;
    done &= json_set_real(root, "capacity", replicated_mean(capacity));
    done &= json_set_real(root, "load", replicated_mean(load));
    if (done)
        return root;
    json_decref(root);
    return NULL;
}
