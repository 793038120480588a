#include "sweep_table.h"

#include "json_values.h"
#include <inttypes.h>
#include <string.h>

/* What a sweep compares, beside the figures of every run. */
static const char *const trade_keys[] = {"accelerators", "tokens_per_s_per_user",
                                         "tokens_per_s_per_accelerator",
                                         "dollars_per_million_tokens"};
enum { TRADE_KEYS = sizeof trade_keys / sizeof *trade_keys };

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

static bool set_trade(json_t *root, const struct sweep_row *row)
{
    const double accelerators = (double)row->accelerators;
    const double tokens_per_s = row->summary->output_throughput_per_s;
    const double dollars_per_s = row->price_per_hour_dollars * accelerators / 3600.0;
    const bool answers = tokens_per_s > 0.0;
    bool done = json_set_whole(root, trade_keys[0], row->accelerators);
    done &= json_set_real(root, trade_keys[1], 1e3 / row->summary->latency[LATENCY_TPOT].mean_ms);
    done &= json_set_real(root, trade_keys[2], tokens_per_s / accelerators);
    done &= json_set_real(root, trade_keys[3],
                          answers ? dollars_per_s / tokens_per_s * 1e6 : (double)NAN);
    return done;
}

static bool set_summary(json_t *root, const struct sweep_row *row)
{
    struct summary_figure figures[SUMMARY_FIGURE_COUNT];
    char digest[17];
    bool done = true;
    summary_list_figures(row->summary, figures);
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++)
        done &= figures[i].whole ? json_set_whole(root, figures[i].key, (int64_t)figures[i].value)
                                 : json_set_real(root, figures[i].key, figures[i].value);
    done &= set_trade(root, row);
    snprintf(digest, sizeof digest, "%016" PRIx64, row->summary->digest);
    done &= json_set_text(root, "saturation",
                          saturation_verdict_names[row->summary->saturation.verdict]);
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
        done &= set_summary(root, row);
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

void sweep_print_header(const char *const *keys, size_t key_count, FILE *stream)
{
    const struct summary none = {0};
    struct summary_figure figures[SUMMARY_FIGURE_COUNT];
    summary_list_figures(&none, figures);
    fputs("run", stream);
    for (size_t i = 0; i < key_count; i++) {
        fputc(',', stream);
        print_field(keys[i], stream);
    }
    fputs(",status", stream);
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++)
        fprintf(stream, ",%s", figures[i].key);
    for (int i = 0; i < TRADE_KEYS; i++)
        fprintf(stream, ",%s", trade_keys[i]);
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

void sweep_print_csv(const json_t *row, const char *const *keys, size_t key_count, FILE *stream)
{
    const struct summary none = {0};
    struct summary_figure figures[SUMMARY_FIGURE_COUNT];
    const json_t *values = json_object_get(row, "values");
    summary_list_figures(&none, figures);
    fprintf(stream, "%" JSON_INTEGER_FORMAT, json_integer_value(json_object_get(row, "run")));
    for (size_t i = 0; i < key_count; i++)
        print_text(values, keys[i], stream);
    print_text(row, "status", stream);
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++)
        print_number(row, figures[i].key, stream);
    for (int i = 0; i < TRADE_KEYS; i++)
        print_number(row, trade_keys[i], stream);
    print_text(row, "saturation", stream);
    print_text(row, "digest", stream);
    print_text(row, "error", stream);
    fputc('\n', stream);
}
