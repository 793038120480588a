/* Files that are part of the program, made by embed.py; a zero stands behind each. */
#ifndef LLMSIM_REPORT_EMBEDDED_H
#define LLMSIM_REPORT_EMBEDDED_H

#include <stddef.h>

extern const size_t embedded_chart_js_size;
extern const char embedded_chart_js[]; /* Chart.js, MIT licence */

/* html/: the page, its style, and its scripts */
extern const size_t embedded_html_page_size;
extern const char embedded_html_page[];
extern const size_t embedded_html_css_size;
extern const char embedded_html_css[];
extern const size_t embedded_html_report_size;
extern const char embedded_html_report[];
extern const size_t embedded_html_run_size;
extern const char embedded_html_run[];
extern const size_t embedded_html_sweep_size;
extern const char embedded_html_sweep[];
extern const size_t embedded_html_capacity_size;
extern const char embedded_html_capacity[];
extern const size_t embedded_html_roofline_size;
extern const char embedded_html_roofline[];
extern const size_t embedded_html_roofline_chart_size;
extern const char embedded_html_roofline_chart[];
extern const size_t embedded_html_validate_size;
extern const char embedded_html_validate[];

#endif
