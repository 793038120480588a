/* The roofline as a picture: log FLOP/s over log operational intensity. */
#ifndef LLMSIM_REPORT_ROOFLINE_PLOT_H
#define LLMSIM_REPORT_ROOFLINE_PLOT_H

#include "roofline_report.h"
#include <jansson.h>

enum { ROOFLINE_MAX_POINTS = ROOFLINE_PHASE_COUNT * ROOFLINE_MAX_OPERATORS };

/* What a marker's shape says. */
enum roofline_marker { MARKER_PREFILL, MARKER_DECODE, MARKER_GEMM, MARKER_COUNT };
extern const char *const roofline_marker_names[MARKER_COUNT];

/* An operator at its intensity, as fast as it runs. */
struct roofline_point {
    const char *label;
    enum roofline_marker marker;
    double intensity;   /* FLOPs/byte */
    double flops_per_s; /* achieved: FLOPs / time */
    double share;       /* of its step's time */
    double time_s, flops, moved_bytes;
    enum bound bound;
};

struct roofline_plot {
    char title[256], subtitle[256];
    struct roofline_device device;
    int count;
    struct roofline_point points[ROOFLINE_MAX_POINTS];
};

void roofline_plot_gemm(struct roofline_plot *plot, const struct roofline_gemm *gemm);
void roofline_plot_steps(struct roofline_plot *plot, const struct roofline_steps *steps);

/* The ends of the axes, log10 of 1, 2 or 5 times a power of ten: they hold every point and every ridge
 * point. */
struct roofline_axes {
    double x_low, x_high, y_low, y_high;
};
struct roofline_axes roofline_plot_axes(const struct roofline_plot *plot);

/* What a page draws it from; NULL when memory cannot be had. */
json_t *roofline_plot_json(const struct roofline_plot *plot);

/* A way to draw it. */
struct roofline_plot_format {
    const char *suffix; /* of the file's name: ".svg" */
    /* The same bytes for the same plot and fonts. False when memory cannot be had or the stream
     * cannot be written. */
    bool (*draw)(const struct roofline_plot *plot, FILE *stream, struct error *error);
};

/* By the suffix of a path; NULL with *error filled when there is none such. */
const struct roofline_plot_format *roofline_plot_format_of(const char *path, struct error *error);

bool roofline_draw_svg(const struct roofline_plot *plot, FILE *stream, struct error *error);
bool roofline_draw_png(const struct roofline_plot *plot, FILE *stream, struct error *error);
bool roofline_draw_html(const struct roofline_plot *plot, FILE *stream, struct error *error);

#endif
