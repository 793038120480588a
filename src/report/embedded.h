/* Files that are part of the program, made by embed.py; a zero stands behind each. */
#ifndef LLMSIM_REPORT_EMBEDDED_H
#define LLMSIM_REPORT_EMBEDDED_H

#include <stddef.h>

extern const size_t embedded_chart_js_size;
extern const char embedded_chart_js[]; /* Chart.js, MIT licence */

extern const size_t embedded_page_size;
extern const char embedded_page[]; /* roofline_page.html */

#endif
