#include "sweep_table.h"

#include "json_values.h"
#include <inttypes.h>
#include <string.h>

/* What a sweep compares, beside the figures of every run. */
static const char *const trade_keys[] = {"accelerators", "tokens_per_s_per_user",
                                         "tokens_per_s_per_accelerator",
                                         "dollars_per_million_tokens"};
enum { TRADE_KEYS = sizeof trade_keys / sizeof *trade_keys };

static const char *const capacity_keys[] = {"capacity",
                                            "capacity_requests_per_s",
                                            "capacity_precision",
                                            "load",
                                            "load_servers",
                                            "load_accelerators",
                                            "load_dollars_per_hour",
                                            "load_dollars_per_million_tokens"};
enum { CAPACITY_KEYS = sizeof capacity_keys / sizeof *capacity_keys };

/* In quotes where it needs them (RFC 4180). */
static void print_field(const char *text, FILE *stream)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '"')
            fputc('"', stream);
        fputc(*c, stream);
    }
    fputc('"', stream);
}

static double mean_of(const struct replications *runs, const char *key)
{
    return replicated_mean(replications_find(runs, key));
}

static bool set_trade(json_t *root, const struct sweep_row *row)
{
    const double accelerators = (double)row->accelerators;
    const double tokens_per_s = mean_of(row->runs, "output_throughput");
    const double dollars_per_s = row->price_per_hour_dollars * accelerators / 3600.0;
    const bool answers = tokens_per_s > 0.0;
    bool done = json_set_whole(root, trade_keys[0], row->accelerators);
    done &= json_set_real(root, trade_keys[1], 1e3 / mean_of(row->runs, "mean_tpot_ms"));
    done &= json_set_real(root, trade_keys[2], tokens_per_s / accelerators);
    done &= json_set_real(root, trade_keys[3],
                          answers ? dollars_per_s / tokens_per_s * 1e6 : (double)NAN);
    return done;
}

static bool set_capacity(json_t *root, const struct capacity *capacity)
{
    const struct capacity_fleet *fleet = &capacity->fleet;
    const struct capacity_point *best = &capacity->points[capacity->best];
    char limiting[32];
    bool done = json_set_real(root, capacity_keys[0], best->load);
    done &= json_set_real(root, capacity_keys[1], best->requests_per_s);
    done &= json_set_real(root, capacity_keys[2], capacity_reached_precision(capacity));
    done &= json_set_real(root, capacity_keys[3], fleet->load);
    done &= json_set_whole(root, capacity_keys[4], (int64_t)fleet->servers);
    done &=
        json_set_whole(root, capacity_keys[5], (int64_t)fleet->servers * capacity->accelerators);
    done &= json_set_real(root, capacity_keys[6], fleet->cost.dollars_per_hour);
    done &=
        json_set_real(root, capacity_keys[7], capacity_dollars_per_million_tokens(&fleet->cost));
    slo_check_name(&capacity->checks[best->limiting], limiting);
    return json_set_text(root, "limiting", limiting) && done;
}

static bool set_results(json_t *root, const struct sweep_row *row)
{
    const struct summary none = {0};
    struct summary_figure figures[SUMMARY_FIGURE_COUNT];
    char digest[17];
    bool done = true;
    summary_list_figures(&none, figures);
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++) {
        const double mean = mean_of(row->runs, figures[i].key);
        done &= figures[i].whole && row->runs->count == 1
                    ? json_set_whole(root, figures[i].key, (int64_t)mean)
                    : json_set_real(root, figures[i].key, mean);
    }
    done &= set_trade(root, row);
    if (row->capacity != NULL)
        done &= set_capacity(root, row->capacity);
    snprintf(digest, sizeof digest, "%016" PRIx64, row->runs->digest);
    done &= json_set_text(root, "saturation",
                          saturation_verdict_names[replications_verdict(row->runs)]);
    done &= json_set_text(root, "digest", digest);
    return done;
}

json_t *sweep_row_json(const struct sweep_row *row)
{
    json_t *root = json_object(), *values = json_object();
    bool done = json_set_whole(root, "run", (int64_t)row->run);
    for (size_t i = 0; i < row->key_count; i++)
        done &= json_set_text(values, row->keys[i], row->values[i]);
    done &= json_set(root, "values", values);
    done &= json_set_text(root, "status", row->failure == NULL ? "done" : "failed");
    if (row->failure == NULL)
        done &= set_results(root, row);
    done &= json_set_text(root, "error", row->failure);
    if (done)
        return root;
    json_decref(root);
    return NULL;
}

char *sweep_row_line(const json_t *row)
{
    return json_dumps(row, JSON_COMPACT | JSON_REAL_PRECISION(17));
}

void sweep_print_header(const struct sweep_columns *columns, FILE *stream)
{
    const struct summary none = {0};
    struct summary_figure figures[SUMMARY_FIGURE_COUNT];
    summary_list_figures(&none, figures);
    fputs("run", stream);
    for (size_t i = 0; i < columns->key_count; i++) {
        fputc(',', stream);
        print_field(columns->keys[i], stream);
    }
    fputs(",status", stream);
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++)
        fprintf(stream, ",%s", figures[i].key);
    for (int i = 0; i < TRADE_KEYS; i++)
        fprintf(stream, ",%s", trade_keys[i]);
    for (int i = 0; columns->capacity && i < CAPACITY_KEYS; i++)
        fprintf(stream, ",%s", capacity_keys[i]);
    fputs(columns->capacity ? ",limiting" : "", stream);
    fputs(",saturation,digest,error\n", stream);
}

static void print_text(const json_t *row, const char *key, FILE *stream)
{
    const char *text = json_string_value(json_object_get(row, key));
    fputc(',', stream);
    print_field(text != NULL ? text : "", stream);
}

/* Nothing where there is none. */
static void print_number(const json_t *row, const char *key, FILE *stream)
{
    const json_t *value = json_object_get(row, key);
    fputc(',', stream);
    if (json_is_integer(value))
        fprintf(stream, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        fprintf(stream, "%.6f", json_real_value(value));
}

void sweep_print_csv(const json_t *row, const struct sweep_columns *columns, FILE *stream)
{
    const struct summary none = {0};
    struct summary_figure figures[SUMMARY_FIGURE_COUNT];
    const json_t *values = json_object_get(row, "values");
    summary_list_figures(&none, figures);
    fprintf(stream, "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(row, "run")));
    for (size_t i = 0; i < columns->key_count; i++)
        print_text(values, columns->keys[i], stream);
    print_text(row, "status", stream);
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++)
        print_number(row, figures[i].key, stream);
    for (int i = 0; i < TRADE_KEYS; i++)
        print_number(row, trade_keys[i], stream);
    for (int i = 0; columns->capacity && i < CAPACITY_KEYS; i++)
        print_number(row, capacity_keys[i], stream);
    if (columns->capacity)
        print_text(row, "limiting", stream);
    print_text(row, "saturation", stream);
    print_text(row, "digest", stream);
    print_text(row, "error", stream);
    fputc('\n', stream);
}
