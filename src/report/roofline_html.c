/* The roofline as a page that stands alone: Chart.js, the data as JSON, and a few lines that show
 * the one with the other. roofline_page.html is the page; words between @ are filled in here. */
#include "roofline_plot.h"

#include "embedded.h"
#include "summary.h"

#include <math.h>
#include <string.h>

static void write_escaped(const char *text, FILE *stream)
{
    for (const char *c = text; *c != '\0'; c++) {
        if (*c == '<')
            fputs("&lt;", stream);
        else if (*c == '&')
            fputs("&amp;", stream);
        else
            fputc(*c, stream);
    }
}

static json_t *roofs_json(const struct roofline_device *device)
{
    json_t *roofs = json_array();
    for (int i = 0; i < device->roof_count; i++)
        json_array_append_new(roofs,
                              json_pack("{s:s, s:f}", "dtype", device->roofs[i].dtype,
                                        "peak_flops_per_s", device->roofs[i].peak_flops_per_s));
    return roofs;
}

static json_t *points_json(const struct roofline_plot *plot)
{
    json_t *points = json_array();
    for (int i = 0; i < plot->count; i++) {
        const struct roofline_point *point = &plot->points[i];
        json_array_append_new(
            points,
            json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:s}", "label", point->label,
                      "kind", roofline_marker_names[point->marker], "intensity_flops_per_byte",
                      point->intensity, "achieved_flops_per_s", point->flops_per_s, "share",
                      point->share, "time_s", point->time_s, "flops", point->flops, "moved_bytes",
                      point->moved_bytes, "bound", summary_bound_names[point->bound]));
    }
    return points;
}

/* No "</script>" can be in it: slashes are escaped. */
static bool write_data(const struct roofline_plot *plot, FILE *stream)
{
    struct roofline_axes axes = roofline_plot_axes(plot);
    json_t *root = json_pack(
        "{s:f, s:{s:f, s:f, s:f, s:f}, s:o, s:o}", "memory_bandwidth_bytes_per_s",
        plot->device.bandwidth_bytes_per_s, "axes", "x_low", pow(10.0, axes.x_low), "x_high",
        pow(10.0, axes.x_high), "y_low", pow(10.0, axes.y_low), "y_high", pow(10.0, axes.y_high),
        "roofs", roofs_json(&plot->device), "points", points_json(plot));
    if (root == NULL)
        return false;
    json_dumpf(root, stream, JSON_INDENT(1) | JSON_ESCAPE_SLASH | JSON_REAL_PRECISION(17));
    json_decref(root);
    return true;
}

static bool write_title(const struct roofline_plot *plot, FILE *stream)
{
    write_escaped(plot->title, stream);
    return true;
}

static bool write_subtitle(const struct roofline_plot *plot, FILE *stream)
{
    write_escaped(plot->subtitle, stream);
    return true;
}

static bool write_chart_js(const struct roofline_plot *plot, FILE *stream)
{
    (void)plot;
    fwrite(embedded_chart_js, 1, embedded_chart_js_size, stream);
    return true;
}

/* The words of the page, and what is written in their place; false when memory cannot be had. */
static const struct {
    const char *name;
    bool (*write)(const struct roofline_plot *plot, FILE *stream);
} words[] = {{"@TITLE@", write_title},
             {"@SUBTITLE@", write_subtitle},
             {"@CHART_JS@", write_chart_js},
             {"@DATA@", write_data}};

/* The number of bytes of the word that stands here; 0: none. */
static size_t write_word(const struct roofline_plot *plot, const char *text, FILE *stream,
                         bool *done)
{
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t length = strlen(words[i].name);
        if (strncmp(text, words[i].name, length) == 0) {
            *done &= words[i].write(plot, stream);
            return length;
        }
    }
    return 0;
}

bool roofline_draw_html(const struct roofline_plot *plot, FILE *stream, struct error *error)
{
    bool done = true;
    for (const char *text = embedded_page; *text != '\0';) {
        size_t length = *text == '@' ? write_word(plot, text, stream, &done) : 0;
        if (length == 0)
            fputc(*text, stream);
        text += length > 0 ? length : 1;
    }
    return done || error_run(error, "out of memory for the plot");
}
