/* The validation as a picture: predicted over measured, a point a request, and below both
 * distributions. */
#include "plot_drawing.h"
#include "validation_report.h"

#include <gsl/gsl_sort.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 1080, HEIGHT = 740, PANEL = 270, LEFT = 78, GAP = 78, TOP = 70, BETWEEN = 76 };
enum { POINTS_MAX = 2000, CURVE_POINTS = 200 };

static const char *const titles[VALIDATION_METRIC_COUNT] = {
    [VALIDATION_TTFT] = "TTFT", [VALIDATION_TPOT] = "TPOT", [VALIDATION_E2E] = "E2E"};

/* A square of the picture, and what its axes span, as powers of ten. */
struct panel {
    cairo_t *cairo;
    double left, top;
    double low, high; /* of x, and of y in the upper row */
};

static double x_of(const struct panel *panel, double value_ms)
{
    const double share = (log10(value_ms) - panel->low) / (panel->high - panel->low);
    return panel->left + PANEL * fmin(fmax(share, 0.0), 1.0);
}

static double y_of(const struct panel *panel, double value_ms)
{
    const double share = (log10(value_ms) - panel->low) / (panel->high - panel->low);
    return panel->top + PANEL * (1.0 - fmin(fmax(share, 0.0), 1.0));
}

/* Everything that is positive fits. */
static void span_of(const struct validation_pairs *pairs, double *low, double *high)
{
    double least = INFINITY, most = 0.0;
    for (size_t i = 0; i < pairs->count; i++) {
        const double values[] = {pairs->measured_ms[i], pairs->predicted_ms[i]};
        for (int k = 0; k < 2; k++) {
            if (values[k] > 0.0 && values[k] < least)
                least = values[k];
            most = fmax(most, values[k]);
        }
    }
    const bool any = most > 0.0;
    *low = plot_round_down(any ? least / 1.05 : 1.0);
    *high = plot_round_up(any ? most * 1.05 : 10.0);
}

static void draw_frame(const struct panel *panel, const char *x_title)
{
    cairo_set_source_rgb(panel->cairo, 0, 0, 0);
    cairo_set_line_width(panel->cairo, 1.2);
    cairo_rectangle(panel->cairo, panel->left, panel->top, PANEL, PANEL);
    cairo_stroke(panel->cairo);
    plot_text(panel->cairo, panel->left + PANEL / 2.0, panel->top + PANEL + 36, 0.5, 13.0, x_title);
}

static void draw_x_grid(const struct panel *panel)
{
    struct plot_grid_line lines[PLOT_GRID_MAX_LINES];
    const int count = plot_grid(panel->low, panel->high, lines);
    for (int i = 0; i < count; i++) {
        const double x = x_of(panel, lines[i].value);
        char text[32];
        snprintf(text, sizeof text, "%.6g", lines[i].value);
        plot_line(panel->cairo, x, panel->top, x, panel->top + PANEL, 0.6, lines[i].grey);
        if (lines[i].labelled)
            plot_text(panel->cairo, x, panel->top + PANEL + 16, 0.5, 11.0, text);
    }
}

static void draw_y_grid(const struct panel *panel)
{
    struct plot_grid_line lines[PLOT_GRID_MAX_LINES];
    const int count = plot_grid(panel->low, panel->high, lines);
    for (int i = 0; i < count; i++) {
        const double y = y_of(panel, lines[i].value);
        char text[32];
        snprintf(text, sizeof text, "%.6g", lines[i].value);
        plot_line(panel->cairo, panel->left, y, panel->left + PANEL, y, 0.6, lines[i].grey);
        if (lines[i].labelled)
            plot_text(panel->cairo, panel->left - 6, y + 4, 1.0, 11.0, text);
    }
}

/* Predicted = factor × measured. */
static void draw_diagonal(const struct panel *panel, double factor, double width, double grey)
{
    const double low = pow(10.0, panel->low), high = pow(10.0, panel->high);
    const double from = fmax(low, low / factor), to = fmin(high, high / factor);
    plot_line(panel->cairo, x_of(panel, from), y_of(panel, factor * from), x_of(panel, to),
              y_of(panel, factor * to), width, grey);
}

static void draw_scatter(const struct panel *panel, const struct validation_pairs *pairs,
                         size_t stride)
{
    draw_x_grid(panel);
    draw_y_grid(panel);
    draw_diagonal(panel, 1.1, 0.8, 0.5);
    draw_diagonal(panel, 1.0 / 1.1, 0.8, 0.5);
    draw_diagonal(panel, 1.0, 1.6, 0.0);
    for (size_t i = 0; i < pairs->count; i += stride) {
        if (pairs->measured_ms[i] <= 0.0 || pairs->predicted_ms[i] <= 0.0)
            continue;
        cairo_arc(panel->cairo, x_of(panel, pairs->measured_ms[i]),
                  y_of(panel, pairs->predicted_ms[i]), 1.8, 0, 2.0 * plot_pi);
        cairo_set_source_rgba(panel->cairo, 0.1, 0.1, 0.1, 0.55);
        cairo_fill(panel->cairo);
    }
    draw_frame(panel, "measured (ms)");
}

/* The share of requests below each value; sorted[] of `count` values. */
static void draw_curve(const struct panel *panel, const double *sorted, size_t count, double width,
                       double grey)
{
    cairo_new_path(panel->cairo);
    for (int i = 0; i <= CURVE_POINTS && count > 0; i++) {
        const double share = (double)i / CURVE_POINTS;
        const size_t at = (size_t)(share * (double)(count - 1));
        if (sorted[at] > 0.0)
            cairo_line_to(panel->cairo, x_of(panel, sorted[at]),
                          panel->top + PANEL * (1.0 - share));
    }
    cairo_set_source_rgb(panel->cairo, grey, grey, grey);
    cairo_set_line_width(panel->cairo, width);
    cairo_stroke(panel->cairo);
}

static void draw_distribution(const struct panel *panel, const struct validation_pairs *pairs,
                              double *room)
{
    draw_x_grid(panel);
    for (int i = 0; i <= 4; i++) {
        const double y = panel->top + PANEL * (1.0 - i / 4.0);
        char text[16];
        snprintf(text, sizeof text, "%d %%", 25 * i);
        plot_line(panel->cairo, panel->left, y, panel->left + PANEL, y, 0.6, 0.85);
        plot_text(panel->cairo, panel->left - 6, y + 4, 1.0, 11.0, text);
    }
    memcpy(room, pairs->measured_ms, pairs->count * sizeof *room);
    gsl_sort(room, 1, pairs->count);
    draw_curve(panel, room, pairs->count, 4.0, 0.7);
    memcpy(room, pairs->predicted_ms, pairs->count * sizeof *room);
    gsl_sort(room, 1, pairs->count);
    draw_curve(panel, room, pairs->count, 1.4, 0.0);
    draw_frame(panel, "below (ms): grey measured, black predicted");
}

/* What is drawn, and room to sort in. */
struct picture {
    const struct validation_report *report;
    double *room; /* for as many values as there are pairs */
};

static void draw(cairo_t *cairo, const void *context)
{
    const struct picture *picture = context;
    const struct validation_report *report = picture->report;
    char text[400];
    size_t stride = 1;
    while (report->pairs[VALIDATION_E2E].count / stride > POINTS_MAX)
        stride *= 2;
    cairo_select_font_face(cairo, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
    snprintf(text, sizeof text, "Predicted and measured: %lld requests",
             (long long)report->comparisons[VALIDATION_ALL][VALIDATION_E2E].requests);
    plot_text(cairo, LEFT, 26, 0.0, 17.0, text);
    if (stride > 1)
        snprintf(text, sizeof text,
                 "Lines: equal, and 10 %% more and less. One point in %zu is drawn.", stride);
    else
        snprintf(text, sizeof text, "Lines: equal, and 10 %% more and less.");
    plot_text(cairo, WIDTH - 30, 26, 1.0, PLOT_TEXT_SIZE, text);
    for (int m = 0; m < VALIDATION_METRIC_COUNT; m++) {
        const struct validation_comparison *comparison = &report->comparisons[VALIDATION_ALL][m];
        struct panel panel = {.cairo = cairo, .left = LEFT + m * (PANEL + GAP), .top = TOP};
        span_of(&report->pairs[m], &panel.low, &panel.high);
        snprintf(text, sizeof text, "%s: mean %+.2f %%, MAPE %.2f %%", titles[m],
                 validation_error_pct(comparison->measured_ms[FIGURE_MEAN],
                                      comparison->predicted_ms[FIGURE_MEAN]),
                 comparison->mape_pct);
        plot_text(cairo, panel.left, TOP - 10, 0.0, 13.0, text);
        draw_scatter(&panel, &report->pairs[m], stride);
        panel.top += PANEL + BETWEEN;
        draw_distribution(&panel, &report->pairs[m], picture->room);
    }
    plot_turned_text(cairo, 22, TOP + PANEL / 2.0, -plot_pi / 2.0, 0.5, "predicted (ms)");
    plot_turned_text(cairo, 22, TOP + 1.5 * PANEL + BETWEEN, -plot_pi / 2.0, 0.5,
                     "share of requests");
}

static bool draw_with(bool (*write)(const struct plot_drawing *, FILE *, struct error *),
                      const struct validation_report *report, FILE *stream, struct error *error)
{
    /* The end-to-end latency is what all have. */
    const size_t count = report->pairs[VALIDATION_E2E].count;
    struct picture picture = {report, calloc(count + 1, sizeof *picture.room)};
    const struct plot_drawing drawing = {WIDTH, HEIGHT, draw, &picture};
    const bool done =
        picture.room != NULL ? write(&drawing, stream, error) : error_run(error, "out of memory");
    free(picture.room);
    return done;
}

static bool draw_svg(const struct validation_report *report, FILE *stream, struct error *error)
{
    return draw_with(plot_write_svg, report, stream, error);
}

static bool draw_png(const struct validation_report *report, FILE *stream, struct error *error)
{
    return draw_with(plot_write_png, report, stream, error);
}

const struct validation_plot_format *validation_plot_format_of(const char *path,
                                                               struct error *error)
{
    static const struct validation_plot_format formats[] = {{".svg", draw_svg}, {".png", draw_png}};
    const char *suffix = strrchr(path, '.');
    for (size_t i = 0; suffix != NULL && i < sizeof formats / sizeof *formats; i++) {
        if (strcmp(suffix, formats[i].suffix) == 0)
            return &formats[i];
    }
    error_input(error, NULL, "%s: a picture's name ends in .svg or .png", path);
    return NULL;
}
