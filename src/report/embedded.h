/* Files that are part of the program, made by embed.py; a zero stands behind each. */
#ifndef LLMSIM_REPORT_EMBEDDED_H
#define LLMSIM_REPORT_EMBEDDED_H

extern const char embedded_chart_js[]; /* Chart.js, MIT licence */

/* html/: the page, its style, and its scripts */
extern const char embedded_html_page[];
extern const char embedded_html_css[];
extern const char embedded_html_report[];
extern const char embedded_html_run[];
extern const char embedded_html_sweep[];
extern const char embedded_html_capacity[];
extern const char embedded_html_roofline[];
extern const char embedded_html_roofline_chart[];
extern const char embedded_html_validate[];

#endif
