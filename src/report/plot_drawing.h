/* What pictures share: one drawing on two surfaces of cairo, SVG and PNG, and its lines, texts and
 * grids. Black, white and grey, so that it prints. */
#ifndef LLMSIM_REPORT_PLOT_DRAWING_H
#define LLMSIM_REPORT_PLOT_DRAWING_H

#include <cairo.h>
#include <llmsim/error.h>

enum { PLOT_GRID_MAX_LINES = 512 };
#define PLOT_TEXT_SIZE 12.0

static const double plot_pi = 3.14159265358979323846;

/* A picture of so many points, drawn on white by draw(). */
struct plot_drawing {
    int width, height;
    void (*draw)(cairo_t *cairo, const void *context);
    const void *context;
};

/* The same bytes for the same drawing and fonts. False when it cannot be drawn; a stream that cannot
 * be written says so itself when it is closed. */
bool plot_write_svg(const struct plot_drawing *drawing, FILE *stream, struct error *error);
bool plot_write_png(const struct plot_drawing *drawing, FILE *stream, struct error *error);

/* grey: 0 black … 1 white. */
void plot_line(cairo_t *cairo, double x1, double y1, double x2, double y2, double width,
               double grey);

/* Text whose share `align` lies left of x; its baseline is y. Its width. */
double plot_text(cairo_t *cairo, double x, double y, double align, double size, const char *text);
void plot_turned_text(cairo_t *cairo, double x, double y, double angle, double align,
                      const char *text);

/* A line of a logarithmic grid, at 1, 2, 3 … 9 times a power of ten. */
struct plot_grid_line {
    double value;
    double grey;
    bool labelled; /* powers of ten, and where there are few of them 2 and 5 times those */
};

/* The lines of an axis between these powers of ten; how many. */
int plot_grid(double low, double high, struct plot_grid_line lines[PLOT_GRID_MAX_LINES]);

/* log10 of the next 1, 2 or 5 times a power of ten below or above a value > 0. */
double plot_round_down(double value);
double plot_round_up(double value);

#endif
