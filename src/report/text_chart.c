#include "text_chart.h"

#include <math.h>
#include <string.h>

enum { INTERVALS = 16, BAR = 40, COLUMNS = 64, ROWS = 18 };

static const double ns_per_ms = 1e6;

/* The bar, and behind it the percentiles that lie in the interval. */
static void print_bar(const struct histogram *histogram, double low_ns, double high_ns, int length,
                      FILE *stream)
{
    static const struct {
        double percentile;
        const char *name;
    } marks[] = {{50.0, "median"}, {90.0, "p90"}, {99.0, "p99"}};
    int column = -1; /* of the blank before the bar */
    for (; length > 0 && column < length; column++)
        fputc(column < 0 ? ' ' : '#', stream);
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        const double value_ns = histogram_percentile(histogram, marks[i].percentile);
        if (value_ns <= low_ns || value_ns > high_ns)
            continue;
        fprintf(stream, "%*s %s", BAR - column, "", marks[i].name);
        column = BAR;
    }
    fputc('\n', stream);
}

void text_chart_distribution(const struct histogram *histogram, const char *title, FILE *stream)
{
    double edges_ns[INTERVALS + 1], shares[INTERVALS], most = 0.0;
    if (histogram->count == 0)
        return;
    const double low_ns = fmax((double)histogram->minimum_ns, 1.0);
    const double high_ns = fmax((double)histogram->maximum_ns, low_ns);
    const int intervals = high_ns > 1.001 * low_ns ? INTERVALS : 1;
    int64_t before = 0;
    for (int i = 0; i <= intervals; i++)
        edges_ns[i] = low_ns * pow(high_ns / low_ns, (double)i / intervals);
    for (int i = 0; i < intervals; i++) {
        /* The last holds all that is left, whatever rounding says of its end. */
        const int64_t up_to = i < intervals - 1 ? histogram_count_up_to(histogram, edges_ns[i + 1])
                                                : histogram->count;
        shares[i] = (double)(up_to - before) / (double)histogram->count;
        most = fmax(most, shares[i]);
        before = up_to;
    }
    fprintf(stream, "\n%s (ms), %lld values\n", title, (long long)histogram->count);
    for (int i = 0; i < intervals; i++) {
        fprintf(stream, "%9.5g - %-9.5g %5.1f %%", edges_ns[i] / ns_per_ms,
                edges_ns[i + 1] / ns_per_ms, 100.0 * shares[i]);
        print_bar(histogram, i > 0 ? edges_ns[i] : 0.0,
                  i < intervals - 1 ? edges_ns[i + 1] : INFINITY,
                  (int)lround(BAR * shares[i] / most), stream);
    }
}

struct span {
    double low, high;
};

static void widen(struct span *span, double value)
{
    span->low = fmin(span->low, value);
    span->high = fmax(span->high, value);
}

static int place(const struct span *span, double value, int cells)
{
    return span->high > span->low
               ? (int)lround((value - span->low) / (span->high - span->low) * (cells - 1))
               : (cells - 1) / 2;
}

void text_chart_scatter(const struct text_point *points, size_t count, const char *x_label,
                        const char *y_label, FILE *stream)
{
    char cells[ROWS][COLUMNS + 1];
    struct span x = {INFINITY, -INFINITY}, y = {INFINITY, -INFINITY};
    if (count == 0)
        return;
    for (int row = 0; row < ROWS; row++) {
        memset(cells[row], ' ', COLUMNS);
        cells[row][COLUMNS] = '\0';
    }
    for (size_t i = 0; i < count; i++) {
        widen(&x, points[i].x);
        widen(&y, points[i].y);
    }
    for (int front = 0; front < 2; front++) {
        for (size_t i = 0; i < count; i++) {
            if (points[i].on_front == (front == 1))
                cells[ROWS - 1 - place(&y, points[i].y, ROWS)][place(&x, points[i].x, COLUMNS)] =
                    front == 1 ? '#' : '.';
        }
    }
    fprintf(stream, "\n%s\n", y_label);
    for (int row = 0; row < ROWS; row++) {
        for (int end = COLUMNS; end > 0 && cells[row][end - 1] == ' '; end--)
            cells[row][end - 1] = '\0';
        if (row == 0 || row == ROWS - 1)
            fprintf(stream, "%9.4g |%s\n", row == 0 ? y.high : y.low, cells[row]);
        else
            fprintf(stream, "%9s |%s\n", "", cells[row]);
    }
    fprintf(stream, "%9s +", "");
    for (int column = 0; column < COLUMNS; column++)
        fputc('-', stream);
    fprintf(stream, "\n%9s  %-*.4g%*.4g\n%9s  %s\n", "", COLUMNS / 2, x.low, COLUMNS / 2, x.high,
            "", x_label);
}
