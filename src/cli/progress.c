#include "progress.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* There is one terminal, and so one bar. */
static struct {
    double start_s, shown_s;
    bool shown;
} bar;

double progress_clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void progress_show(double fraction)
{
    enum { WIDTH = 40 };
    double now_s = progress_clock_s();
    if (bar.start_s <= 0.0)
        bar.start_s = now_s;
    if (now_s - bar.start_s < 1.0 || now_s - bar.shown_s < 0.1 || !isatty(STDERR_FILENO))
        return;
    bar.shown_s = now_s;
    bar.shown = true;
    if (fraction <= 0.0) {
        fprintf(stderr, "\r%.0f s", now_s - bar.start_s);
        return;
    }
    int filled = (int)(fraction * WIDTH);
    fputs("\r[", stderr);
    for (int i = 0; i < WIDTH; i++)
        fputc(i < filled ? '#' : ' ', stderr);
    double left_s = (now_s - bar.start_s) * (1.0 - fraction) / fraction;
    fprintf(stderr, "] %3.0f %%, %.0f s left ", 100.0 * fraction, left_s);
}

void progress_clear(void)
{
    if (bar.shown)
        fputs("\r\033[K", stderr);
    bar.shown = false;
}
