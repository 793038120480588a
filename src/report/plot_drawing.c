#include "plot_drawing.h"

#include <cairo-svg.h>
#include <fontconfig/fontconfig.h>
#include <math.h>

void plot_line(cairo_t *cairo, double x1, double y1, double x2, double y2, double width,
               double grey)
{
    cairo_set_source_rgb(cairo, grey, grey, grey);
    cairo_set_line_width(cairo, width);
    cairo_move_to(cairo, x1, y1);
    cairo_line_to(cairo, x2, y2);
    cairo_stroke(cairo);
}

double plot_text(cairo_t *cairo, double x, double y, double align, double size, const char *text)
{
    cairo_text_extents_t extents;
    cairo_set_source_rgb(cairo, 0, 0, 0);
    cairo_set_font_size(cairo, size);
    cairo_text_extents(cairo, text, &extents);
    cairo_move_to(cairo, x - align * extents.x_advance, y);
    cairo_show_text(cairo, text);
    return extents.x_advance;
}

void plot_turned_text(cairo_t *cairo, double x, double y, double angle, double align,
                      const char *text)
{
    cairo_save(cairo);
    cairo_translate(cairo, x, y);
    cairo_rotate(cairo, angle);
    plot_text(cairo, 0, 0, align, PLOT_TEXT_SIZE, text);
    cairo_restore(cairo);
}

int plot_grid(double low, double high, struct plot_grid_line lines[PLOT_GRID_MAX_LINES])
{
    int count = 0;
    for (int decade = (int)floor(low); decade <= (int)ceil(high); decade++) {
        for (int digit = 1; digit < 10 && count < PLOT_GRID_MAX_LINES; digit++) {
            double at = decade + log10(digit);
            if (at < low - 1e-9 || at > high + 1e-9)
                continue;
            lines[count++] = (struct plot_grid_line){
                .value = digit * pow(10.0, decade),
                .grey = digit == 1 ? 0.75 : 0.9,
                .labelled = digit == 1 || (high - low < 2.5 && (digit == 2 || digit == 5)),
            };
        }
    }
    return count;
}

double plot_round_down(double value)
{
    double decade = floor(log10(value)), digit = value / pow(10.0, decade);
    return decade + log10(digit >= 5.0 ? 5.0 : digit >= 2.0 ? 2.0 : 1.0);
}

double plot_round_up(double value)
{
    double decade = floor(log10(value)), digit = value / pow(10.0, decade);
    return decade + log10(digit <= 2.0 ? 2.0 : digit <= 5.0 ? 5.0 : 10.0);
}

static cairo_status_t write_bytes(void *stream, const unsigned char *bytes, unsigned count)
{
    return fwrite(bytes, 1, count, stream) == count ? CAIRO_STATUS_SUCCESS
                                                    : CAIRO_STATUS_WRITE_ERROR;
}

/* Frees the caches of fonts too: nothing else is drawn. A stream that cannot be written says so
 * itself when it is closed. */
static bool finish(cairo_surface_t *surface, cairo_status_t written, struct error *error)
{
    cairo_surface_finish(surface);
    cairo_status_t status =
        written != CAIRO_STATUS_SUCCESS ? written : cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    cairo_debug_reset_static_data();
    FcFini();
    if (status == CAIRO_STATUS_SUCCESS || status == CAIRO_STATUS_WRITE_ERROR)
        return true;
    return error_run(error, "the plot cannot be drawn: %s", cairo_status_to_string(status));
}

static void draw_on(cairo_surface_t *surface, const struct plot_drawing *drawing, double scale)
{
    cairo_t *cairo = cairo_create(surface);
    cairo_scale(cairo, scale, scale);
    cairo_set_source_rgb(cairo, 1, 1, 1);
    cairo_paint(cairo);
    drawing->draw(cairo, drawing->context);
    cairo_destroy(cairo);
}

bool plot_write_svg(const struct plot_drawing *drawing, FILE *stream, struct error *error)
{
    cairo_surface_t *surface =
        cairo_svg_surface_create_for_stream(write_bytes, stream, drawing->width, drawing->height);
    draw_on(surface, drawing, 1.0);
    return finish(surface, CAIRO_STATUS_SUCCESS, error);
}

bool plot_write_png(const struct plot_drawing *drawing, FILE *stream, struct error *error)
{
    /* Twice the pixels, for print. */
    cairo_surface_t *surface =
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, 2 * drawing->width, 2 * drawing->height);
    draw_on(surface, drawing, 2.0);
    return finish(surface, cairo_surface_write_to_png_stream(surface, write_bytes, stream), error);
}
