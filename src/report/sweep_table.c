#include "sweep_table.h"

#include "json_values.h"
#include <inttypes.h>
#include <string.h>

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
    fputs(",saturation,digest,error\n", stream);
}

static void print_summary(const struct summary *summary, FILE *stream)
{
    struct summary_figure figures[SUMMARY_FIGURE_COUNT];
    summary_list_figures(summary, figures);
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++) {
        if (isnan(figures[i].value))
            fputc(',', stream);
        else if (figures[i].whole)
            fprintf(stream, ",%.0f", figures[i].value);
        else
            fprintf(stream, ",%.6f", figures[i].value);
    }
    fprintf(stream, ",%s,%016" PRIx64 ",\n", saturation_verdict_names[summary->saturation.verdict],
            summary->digest);
}

void sweep_print_csv(const struct sweep_row *row, FILE *stream)
{
    fprintf(stream, "%zu", row->run);
    for (size_t i = 0; i < row->key_count; i++) {
        fputc(',', stream);
        print_field(row->values[i], stream);
    }
    fprintf(stream, ",%s", row->failure == NULL ? "done" : "failed");
    if (row->failure == NULL) {
        print_summary(row->summary, stream);
        return;
    }
    for (size_t i = 0; i < SUMMARY_FIGURE_COUNT + 3; i++)
        fputc(',', stream);
    print_field(row->failure, stream);
    fputc('\n', stream);
}

bool sweep_print_json(const struct sweep_row *row, FILE *stream)
{
    json_t *root = json_object(), *values = json_object();
    bool done = json_set_whole(root, "run", (int64_t)row->run);
    for (size_t i = 0; i < row->key_count; i++)
        done &= json_set_text(values, row->keys[i], row->values[i]);
    done &= json_set(root, "values", values);
    done &= json_set_text(root, "status", row->failure == NULL ? "done" : "failed");
    if (row->failure == NULL) {
        struct summary_figure figures[SUMMARY_FIGURE_COUNT];
        char digest[17];
        summary_list_figures(row->summary, figures);
        for (size_t i = 0; i < SUMMARY_FIGURE_COUNT; i++)
            done &= json_set_real(root, figures[i].key, figures[i].value);
        snprintf(digest, sizeof digest, "%016" PRIx64, row->summary->digest);
        done &= json_set_text(root, "saturation",
                              saturation_verdict_names[row->summary->saturation.verdict]);
        done &= json_set_text(root, "digest", digest);
    }
    done &= json_set_text(root, "error", row->failure);
    if (done) {
        json_dumpf(root, stream, JSON_COMPACT | JSON_REAL_PRECISION(17));
        fputc('\n', stream);
    }
    json_decref(root);
    return done;
}
