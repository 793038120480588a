#include "roofline_plot.h"

#include "plot_drawing.h"
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <strings.h>

const char *const roofline_marker_names[MARKER_COUNT] = {
    [MARKER_PREFILL] = "prefill", [MARKER_DECODE] = "decode", [MARKER_GEMM] = "GEMM"};

static const struct roofline_plot_format formats[] = {
    {".svg", roofline_draw_svg}, {".png", roofline_draw_png}, {".html", roofline_draw_html}};

const struct roofline_plot_format *roofline_plot_format_of(const char *path, struct error *error)
{
    size_t length = strlen(path);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        size_t suffix = strlen(formats[i].suffix);
        if (length > suffix && strcasecmp(path + length - suffix, formats[i].suffix) == 0)
            return &formats[i];
    }
    error_input(error, NULL, "%s: a plot is a .svg, .png or .html file",
                *path != '\0' ? path : "''");
    return NULL;
}

static void add_point(struct roofline_plot *plot, const struct roofline_point *point)
{
    if (point->flops > 0.0 && point->moved_bytes > 0.0 && point->time_s > 0.0)
        plot->points[plot->count++] = *point;
}

void roofline_plot_gemm(struct roofline_plot *plot, const struct roofline_gemm *gemm)
{
    *plot = (struct roofline_plot){.device = gemm->device};
    snprintf(plot->title, sizeof plot->title, "GEMM on %s", gemm->device.title);
    snprintf(plot->subtitle, sizeof plot->subtitle, "%.0f x %.0f x %.0f (M, N, K)", gemm->m,
             gemm->n, gemm->k);
    for (int i = 0; i < gemm->count; i++) {
        const struct roofline_gemm_row *row = &gemm->rows[i];
        struct roofline_point point = {
            .label = row->roof.dtype,
            .marker = MARKER_GEMM,
            .intensity = gemm->flops / row->moved_bytes,
            .flops_per_s = gemm->flops / row->cost.time_s,
            .share = 1.0,
            .time_s = row->cost.time_s,
            .flops = gemm->flops,
            .moved_bytes = row->moved_bytes,
            .bound = roofline_bound(&row->cost),
        };
        add_point(plot, &point);
    }
}

static void add_step(struct roofline_plot *plot, const struct roofline_step *step,
                     enum roofline_marker marker)
{
    for (int i = 0; i < step->count; i++) {
        const struct roofline_operator *item = &step->operators[i];
        const struct cost *cost = &item->cost;
        struct roofline_point point = {
            .label = item->name,
            .marker = marker,
            .intensity = roofline_intensity(item),
            .flops_per_s = cost->flops / cost->time_s,
            .share = cost->time_s / step->total.cost.time_s,
            .time_s = cost->time_s,
            .flops = cost->flops,
            .moved_bytes = item->moved_bytes,
            .bound = roofline_bound(cost),
        };
        add_point(plot, &point);
    }
}

void roofline_plot_steps(struct roofline_plot *plot, const struct roofline_steps *steps)
{
    const struct roofline_step *prefill = &steps->steps[ROOFLINE_PREFILL];
    const struct roofline_step *decode = &steps->steps[ROOFLINE_DECODE];
    char prompt[64] = "", batch[96] = "";
    *plot = (struct roofline_plot){.device = steps->device};
    snprintf(plot->title, sizeof plot->title, "%s on %" PRId64 " x %s", steps->model, steps->ranks,
             steps->device.title);
    if (prefill->sequences > 0)
        snprintf(prompt, sizeof prompt, "prefill of %" PRId64 " tokens", prefill->tokens);
    if (decode->sequences > 0)
        snprintf(batch, sizeof batch, "decode of %" PRId64 " sequence%s at %" PRId64 " tokens",
                 decode->sequences, decode->sequences > 1 ? "s" : "", decode->tokens);
    snprintf(plot->subtitle, sizeof plot->subtitle, "%s%s%s", prompt,
             *prompt != '\0' && *batch != '\0' ? "; " : "", batch);
    add_step(plot, prefill, MARKER_PREFILL);
    add_step(plot, decode, MARKER_DECODE);
}

struct roofline_axes roofline_plot_axes(const struct roofline_plot *plot)
{
    const struct roofline_device *device = &plot->device;
    double x_low = INFINITY, x_high = 0.0, y_low = INFINITY, y_high = 0.0;
    for (int i = 0; i < device->roof_count; i++) {
        double peak = device->roofs[i].peak_flops_per_s;
        double ridge = roofline_ridge(device, peak);
        x_low = fmin(x_low, ridge / 4.0);
        x_high = fmax(x_high, ridge * 4.0);
        y_low = fmin(y_low, peak / 4.0);
        y_high = fmax(y_high, peak);
    }
    for (int i = 0; i < plot->count; i++) {
        const struct roofline_point *point = &plot->points[i];
        x_low = fmin(x_low, point->intensity);
        x_high = fmax(x_high, point->intensity);
        y_low = fmin(y_low, point->flops_per_s);
        y_high = fmax(y_high, point->flops_per_s);
    }
    /* A marker on the very frame would be cut. */
    return (struct roofline_axes){
        .x_low = plot_round_down(x_low / 1.2),
        .x_high = plot_round_up(x_high * 1.5),
        .y_low = plot_round_down(y_low / 1.2),
        .y_high = plot_round_up(y_high * 1.2),
    };
}
