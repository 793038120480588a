/* --html FILE: what a command found, as a page. */
#ifndef LLMSIM_CLI_PAGE_H
#define LLMSIM_CLI_PAGE_H

#include "experiment_config.h"
#include "html_report.h"

struct page {
    enum html_kind kind;
    const char *title, *subtitle;
    json_t *extra; /* of html_report; not owned; NULL: nothing */
    /* Writes what --json writes. False when memory cannot be had. */
    bool (*print_json)(const void *context, FILE *stream);
    const void *context;
};

/* The command line to be given again, as a shell takes it. Call first, with main's arguments; for
 * page_write. They stay as they are until then. */
void page_set_command(int argc, char **argv);

bool page_write(const struct page *page, FILE *stream, struct error *error);

/* "llama-2-7b on 1 x a100-sxm-80gb" */
void page_title(const struct experiment_config *config, char title[256]);

#endif
