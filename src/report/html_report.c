#include "html_report.h"

#include "embedded.h"
#include "json_values.h"
#include <stdlib.h>
#include <string.h>

/* The scripts of each kind, in this order. */
static const struct {
    const char *name;
    const char *scripts[2];
} kinds[] = {
    [HTML_RUN] = {"run", {embedded_html_roofline_chart, embedded_html_run}},
    [HTML_SWEEP] = {"sweep", {embedded_html_sweep, ""}},
    [HTML_CAPACITY] = {"capacity", {embedded_html_capacity, ""}},
    [HTML_ROOFLINE] = {"roofline", {embedded_html_roofline_chart, embedded_html_roofline}},
    [HTML_VALIDATION] = {"validation", {embedded_html_validate, ""}},
};

static bool write_title(const struct html_report *report, FILE *stream)
{
    for (const char *c = report->title; *c != '\0'; c++) {
        if (*c == '<')
            fputs("&lt;", stream);
        else if (*c == '&')
            fputs("&amp;", stream);
        else
            fputc(*c, stream);
    }
    return true;
}

/* Within a JSON text, '<' is in strings only: there it may be written so, and ends no script. */
static void write_json_text(const char *text, FILE *stream)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '<')
            fputs("\\u003c", stream);
        else
            fputc(*c, stream);
    }
}

static bool write_member(const char *name, json_t *value, FILE *stream)
{
    char *text = value != NULL
                     ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17))
                     : NULL;
    json_decref(value);
    if (text == NULL)
        return false;
    fprintf(stream, "\"%s\":", name);
    write_json_text(text, stream);
    fputs(",\n", stream);
    free(text);
    return true;
}

static bool write_data(const struct html_report *report, FILE *stream)
{
    fputs("{", stream);
    json_t *extra = report->extra != NULL ? json_incref(report->extra) : json_object();
    bool done = write_member("kind", json_string(kinds[report->kind].name), stream);
    done &= write_member("title", json_text_or_null(report->title), stream);
    done &= write_member("subtitle", json_text_or_null(report->subtitle), stream);
    done &= write_member("command", json_text_or_null(report->command), stream);
    done &= write_member("version", json_string(LLMSIM_VERSION), stream);
    done &= write_member("extra", extra, stream);
    fputs("\"report\":", stream);
    write_json_text(report->report_json, stream);
    fputs("}\n", stream);
    return done;
}

static bool write_kind_js(const struct html_report *report, FILE *stream)
{
    fputs(kinds[report->kind].scripts[0], stream);
    fputs(kinds[report->kind].scripts[1], stream);
    return true;
}

/* The words of the page, and what stands in their place: a text, or what is written; false when memory
 * cannot be had. */
static const struct {
    const char *name, *text;
    bool (*write)(const struct html_report *report, FILE *stream);
} words[] = {
    {"@TITLE@", NULL, write_title},
    {"@CSS@", embedded_html_css, NULL},
    {"@CHART_JS@", embedded_chart_js, NULL},
    {"@DATA@", NULL, write_data},
    {"@REPORT_JS@", embedded_html_report, NULL},
    {"@KIND_JS@", NULL, write_kind_js},
};

/* The number of bytes of the word that stands here; 0: none. */
static size_t write_word(const struct html_report *report, const char *text, FILE *stream,
                         bool *done)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i].name);
        if (strncmp(text, words[i].name, length) == 0) {
            if (words[i].text != NULL)
                fputs(words[i].text, stream);
            else
                *done &= words[i].write(report, stream);
            return length;
        }
    }
    return 0;
}

bool html_report_write(const struct html_report *report, FILE *stream, struct error *error)
{
    bool done = true;
    for (const char *text = embedded_html_page; *text != '\0';) {
        size_t length = *text == '@' ? write_word(report, text, stream, &done) : 0;
        if (length == 0)
            fputc(*text, stream);
        text += length > 0 ? length : 1;
    }
    return done || error_run(error, "out of memory for the page");
}
