/* --html of a sweep. */
#ifndef LLMSIM_CLI_SWEEP_PAGE_H
#define LLMSIM_CLI_SWEEP_PAGE_H

#include "sweep_journal.h"

/* Of more rows every 2nd, 4th, … is in the page, which says so. */
enum { SWEEP_PAGE_MAX_ROWS = 5000 };

bool sweep_page_write(struct sweep_journal *journal, FILE *stream, struct error *error);

#endif
