/* The roofline as SVG and as PNG: one drawing, two surfaces of cairo. Black, white and grey, so that
 * it prints; shapes, not colours, tell the steps apart. */
#include "roofline_plot.h"

#include "plot_drawing.h"
#include "plot_labels.h"

#include <math.h>

enum { WIDTH = 960, HEIGHT = 640, LEFT = 84, RIGHT = 24, TOP = 66, BOTTOM = 58 };

static const double text_size = PLOT_TEXT_SIZE;

struct canvas {
    cairo_t *cairo;
    const struct roofline_plot *plot;
    struct roofline_axes axes;
    struct plot_field field; /* its frame: of the axes */
};

static double x_of(const struct canvas *canvas, double intensity)
{
    const struct roofline_axes *axes = &canvas->axes;
    double share = (log10(intensity) - axes->x_low) / (axes->x_high - axes->x_low);
    return canvas->field.frame.left +
           share * (canvas->field.frame.right - canvas->field.frame.left);
}

static double y_of(const struct canvas *canvas, double flops_per_s)
{
    const struct roofline_axes *axes = &canvas->axes;
    double share = (log10(flops_per_s) - axes->y_low) / (axes->y_high - axes->y_low);
    return canvas->field.frame.bottom -
           share * (canvas->field.frame.bottom - canvas->field.frame.top);
}

static void draw_x_axis(const struct canvas *canvas)
{
    const struct plot_box *frame = &canvas->field.frame;
    struct plot_grid_line lines[PLOT_GRID_MAX_LINES];
    int count = plot_grid(canvas->axes.x_low, canvas->axes.x_high, lines);
    for (int i = 0; i < count; i++) {
        char text[32];
        double x = x_of(canvas, lines[i].value);
        plot_line(canvas->cairo, x, frame->top, x, frame->bottom, 0.6, lines[i].grey);
        snprintf(text, sizeof text, "%.6g", lines[i].value);
        if (lines[i].labelled)
            plot_text(canvas->cairo, x, frame->bottom + 17, 0.5, text_size, text);
    }
    plot_text(canvas->cairo, (frame->left + frame->right) / 2.0, frame->bottom + 42, 0.5, 13.0,
              "Operational intensity (FLOPs/byte)");
}

static void draw_y_axis(const struct canvas *canvas)
{
    const struct plot_box *frame = &canvas->field.frame;
    struct plot_grid_line lines[PLOT_GRID_MAX_LINES];
    int count = plot_grid(canvas->axes.y_low, canvas->axes.y_high, lines);
    for (int i = 0; i < count; i++) {
        char text[32];
        double y = y_of(canvas, lines[i].value);
        plot_line(canvas->cairo, frame->left, y, frame->right, y, 0.6, lines[i].grey);
        snprintf(text, sizeof text, "%.6g", lines[i].value / 1e12);
        if (lines[i].labelled)
            plot_text(canvas->cairo, frame->left - 7, y + 4, 1.0, text_size, text);
    }
    plot_turned_text(canvas->cairo, 22, (frame->top + frame->bottom) / 2.0, -plot_pi / 2.0, 0.5,
                     "Performance (TFLOP/s)");
}

static void add_obstacle(struct canvas *canvas, double left, double top, double right,
                         double bottom)
{
    struct plot_field *field = &canvas->field;
    if (field->obstacle_count < PLOT_MAX_OBSTACLES)
        field->obstacles[field->obstacle_count++] = (struct plot_box){left, top, right, bottom};
}

/* A roof for each dtype. */
static void draw_roofs(struct canvas *canvas)
{
    const struct roofline_device *device = &canvas->plot->device;
    double right = canvas->field.frame.right, bandwidth = device->bandwidth_bytes_per_s;
    for (int i = 0; i < device->roof_count; i++) {
        char text[96];
        double peak = device->roofs[i].peak_flops_per_s;
        double x = x_of(canvas, peak / bandwidth), y = y_of(canvas, peak);
        plot_line(canvas->cairo, x, y, right, y, 2.0, 0.0);
        snprintf(text, sizeof text, "%s %.4g TFLOP/s, ridge point %.1f", device->roofs[i].dtype,
                 peak / 1e12, peak / bandwidth);
        double width = plot_text(canvas->cairo, right - 6, y - 6, 1.0, text_size, text);
        add_obstacle(canvas, x, y - 1, right, y + 1);
        add_obstacle(canvas, right - 6 - width, y - 6 - text_size, right, y);
    }
}

/* The slope of the memory, up to the highest ridge point. */
static void draw_slope(struct canvas *canvas)
{
    enum { PARTS = 80 };
    const struct roofline_device *device = &canvas->plot->device;
    double bandwidth = device->bandwidth_bytes_per_s, highest = 0.0;
    char text[32];
    for (int i = 0; i < device->roof_count; i++)
        highest = fmax(highest, device->roofs[i].peak_flops_per_s);
    double low = fmax(pow(10.0, canvas->axes.x_low), pow(10.0, canvas->axes.y_low) / bandwidth);
    double x1 = x_of(canvas, low), y1 = y_of(canvas, low * bandwidth);
    double x2 = x_of(canvas, highest / bandwidth), y2 = y_of(canvas, highest);
    plot_line(canvas->cairo, x1, y1, x2, y2, 2.0, 0.0);
    for (int i = 0; i < PARTS; i++) {
        double width = (x2 - x1) / PARTS, height = (y1 - y2) / PARTS;
        add_obstacle(canvas, x1 + i * width, y1 - (i + 1) * height, x1 + (i + 1) * width,
                     y1 - i * height);
    }
    snprintf(text, sizeof text, "%.4g GB/s", bandwidth / 1e9);
    double angle = atan2(y2 - y1, x2 - x1);
    plot_turned_text(canvas->cairo, (x1 + x2) / 2.0 + 7 * sin(angle),
                     (y1 + y2) / 2.0 - 7 * cos(angle), angle, 0.5, text);
}

/* An area that goes with the share of the time. */
static double radius_of(const struct roofline_point *point)
{
    if (point->marker == MARKER_GEMM)
        return 6.0;
    return 3.5 + 9.0 * sqrt(point->share);
}

/* Prefill: a full circle; decode: an empty diamond; GEMM: a full square. */
static void draw_marker(cairo_t *cairo, double x, double y, double radius,
                        enum roofline_marker marker)
{
    cairo_new_path(cairo);
    if (marker == MARKER_PREFILL) {
        cairo_arc(cairo, x, y, radius, 0, 2.0 * plot_pi);
    } else if (marker == MARKER_GEMM) {
        cairo_rectangle(cairo, x - radius, y - radius, 2.0 * radius, 2.0 * radius);
    } else {
        cairo_move_to(cairo, x, y - radius);
        cairo_line_to(cairo, x + radius, y);
        cairo_line_to(cairo, x, y + radius);
        cairo_line_to(cairo, x - radius, y);
        cairo_close_path(cairo);
    }
    double fill = marker == MARKER_DECODE ? 1.0 : 0.35;
    cairo_set_source_rgb(cairo, fill, fill, fill);
    cairo_fill_preserve(cairo);
    cairo_set_source_rgb(cairo, 0, 0, 0);
    cairo_set_line_width(cairo, 1.3);
    cairo_stroke(cairo);
}

static void label_text(const struct roofline_point *point, char *text, size_t size)
{
    if (point->marker == MARKER_GEMM)
        snprintf(text, size, "%s: %.4g TFLOP/s", point->label, point->flops_per_s / 1e12);
    else
        snprintf(text, size, "%s %.0f %%", point->label, 100.0 * point->share);
}

/* Decodes are in italics, as their markers are empty. */
static void select_face(cairo_t *cairo, enum roofline_marker marker)
{
    cairo_select_font_face(cairo, "sans-serif",
                           marker == MARKER_DECODE ? CAIRO_FONT_SLANT_ITALIC
                                                   : CAIRO_FONT_SLANT_NORMAL,
                           CAIRO_FONT_WEIGHT_NORMAL);
}

static void place_labels(const struct canvas *canvas, struct plot_label *labels)
{
    const struct roofline_plot *plot = canvas->plot;
    cairo_set_font_size(canvas->cairo, text_size - 1.0);
    for (int i = 0; i < plot->count; i++) {
        const struct roofline_point *point = &plot->points[i];
        cairo_text_extents_t extents;
        char text[96];
        label_text(point, text, sizeof text);
        select_face(canvas->cairo, point->marker);
        cairo_text_extents(canvas->cairo, text, &extents);
        labels[i] = (struct plot_label){.x = x_of(canvas, point->intensity),
                                        .y = y_of(canvas, point->flops_per_s),
                                        .radius = radius_of(point),
                                        .width = extents.x_advance + 4.0,
                                        .height = text_size + 1.0,
                                        .importance = point->share};
    }
    plot_labels_place(labels, plot->count, &canvas->field);
}

static void draw_leader(cairo_t *cairo, const struct plot_label *label)
{
    const struct plot_box *box = &label->box;
    if (label->apart)
        plot_line(cairo, label->x, label->y, fmin(fmax(label->x, box->left), box->right),
                  fmin(fmax(label->y, box->top), box->bottom), 0.7, 0.45);
}

static void draw_label(cairo_t *cairo, const struct plot_label *label,
                       const struct roofline_point *point)
{
    const struct plot_box *box = &label->box;
    char text[96];
    /* Lines of the grid and the roofs do not run through it. */
    cairo_set_source_rgba(cairo, 1, 1, 1, 0.8);
    cairo_rectangle(cairo, box->left, box->top, box->right - box->left, box->bottom - box->top);
    cairo_fill(cairo);
    label_text(point, text, sizeof text);
    select_face(cairo, point->marker);
    plot_text(cairo, box->left + 2, box->bottom - 3.5, 0.0, text_size - 1.0, text);
}

static void draw_points(const struct canvas *canvas)
{
    const struct roofline_plot *plot = canvas->plot;
    struct plot_label labels[ROOFLINE_MAX_POINTS];
    bool drawn[ROOFLINE_MAX_POINTS] = {false};
    cairo_t *cairo = canvas->cairo;
    place_labels(canvas, labels);
    for (int i = 0; i < plot->count; i++)
        draw_leader(cairo, &labels[i]);
    for (int i = 0; i < plot->count; i++)
        draw_label(cairo, &labels[i], &plot->points[i]);
    /* The large ones first, lest they hide the small. */
    for (int round = 0; round < plot->count; round++) {
        int next = -1;
        for (int i = 0; i < plot->count; i++) {
            if (!drawn[i] && (next < 0 || labels[i].radius > labels[next].radius))
                next = i;
        }
        drawn[next] = true;
        draw_marker(cairo, labels[next].x, labels[next].y, labels[next].radius,
                    plot->points[next].marker);
    }
}

/* The title, and what the markers mean. */
static void draw_heading(const struct canvas *canvas)
{
    const struct roofline_plot *plot = canvas->plot;
    cairo_t *cairo = canvas->cairo;
    plot_text(cairo, LEFT, 26, 0.0, 17.0, plot->title);
    plot_text(cairo, LEFT, 48, 0.0, 13.0, plot->subtitle);
    double x = canvas->field.frame.right;
    if (plot->count > 0 && plot->points[0].marker != MARKER_GEMM)
        x -= plot_text(cairo, x, 48, 1.0, text_size, "area, %: share of the step's time") + 24;
    for (int marker = MARKER_COUNT - 1; marker >= 0; marker--) {
        bool used = false;
        for (int i = 0; i < plot->count; i++)
            used |= (int)plot->points[i].marker == marker;
        if (!used)
            continue;
        select_face(cairo, (enum roofline_marker)marker);
        x -= plot_text(cairo, x, 48, 1.0, text_size, roofline_marker_names[marker]) + 12;
        draw_marker(cairo, x, 44, 5, (enum roofline_marker)marker);
        x -= 18;
    }
}

static void draw(cairo_t *cairo, const void *context)
{
    const struct roofline_plot *plot = context;
    struct canvas canvas = {.cairo = cairo,
                            .plot = plot,
                            .axes = roofline_plot_axes(plot),
                            .field.frame = {LEFT, TOP, WIDTH - RIGHT, HEIGHT - BOTTOM}};
    const struct plot_box *frame = &canvas.field.frame;
    select_face(cairo, MARKER_GEMM);
    draw_x_axis(&canvas);
    draw_y_axis(&canvas);
    draw_roofs(&canvas);
    draw_slope(&canvas);
    draw_points(&canvas);
    cairo_set_source_rgb(cairo, 0, 0, 0);
    cairo_set_line_width(cairo, 1.2);
    cairo_rectangle(cairo, frame->left, frame->top, frame->right - frame->left,
                    frame->bottom - frame->top);
    cairo_stroke(cairo);
    select_face(cairo, MARKER_GEMM);
    draw_heading(&canvas);
}

bool roofline_draw_svg(const struct roofline_plot *plot, FILE *stream, struct error *error)
{
    return plot_write_svg(&(struct plot_drawing){WIDTH, HEIGHT, draw, plot}, stream, error);
}

bool roofline_draw_png(const struct roofline_plot *plot, FILE *stream, struct error *error)
{
    return plot_write_png(&(struct plot_drawing){WIDTH, HEIGHT, draw, plot}, stream, error);
}
