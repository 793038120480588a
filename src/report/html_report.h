/* A report as a page that stands alone: it opens offline, holds the JSON that --json writes, and draws
 * itself from that with the Chart.js in it. */
#ifndef LLMSIM_REPORT_HTML_REPORT_H
#define LLMSIM_REPORT_HTML_REPORT_H

#include <jansson.h>
#include <llmsim/error.h>

/* What is reported; each has its script in html/. */
enum html_kind { HTML_RUN, HTML_SWEEP, HTML_CAPACITY, HTML_ROOFLINE, HTML_VALIDATION };

struct html_report {
    enum html_kind kind;
    const char *title, *subtitle;
    const char *command;     /* that makes the page again; NULL: not said */
    const char *report_json; /* as --json writes it */
    json_t *extra;           /* what the charts need beside it; not owned. NULL: nothing */
};

/* False when memory cannot be had; write errors show when the stream is closed. */
bool html_report_write(const struct html_report *report, FILE *stream, struct error *error);

#endif
