#include "sweep_page.h"

#include "page.h"

/* The page's report: what is swept, and the rows as JSON lines have them. */
static json_t *rows_json(struct sweep_journal *journal, size_t every, struct error *error)
{
    json_t *rows = json_array();
    for (size_t run = 0; run < journal->run_count; run += every) {
        json_t *row = sweep_journal_row(journal, run, error);
        if (row == NULL || json_array_append_new(rows, row) != 0) {
            json_decref(rows);
            return NULL;
        }
    }
    return rows;
}

static bool print_json(const void *context, FILE *stream)
{
    return json_dumpf(context, stream, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0;
}

bool sweep_page_write(struct sweep_journal *journal, FILE *stream, struct error *error)
{
    size_t every = 1;
    while (journal->run_count / every > SWEEP_PAGE_MAX_ROWS)
        every *= 2;
    json_t *rows = rows_json(journal, every, error);
    if (rows == NULL)
        return error->kind != ERROR_NONE ? false : error_run(error, "out of memory for the page");
    json_t *report =
        json_pack("{s:I, s:I, s:O, s:o}", "runs", (json_int_t)journal->run_count, "every",
                  (json_int_t)every, "keys", json_object_get(journal->mark, "keys"), "rows", rows);
    const bool capacity = json_is_true(json_object_get(journal->mark, "capacity"));
    char subtitle[128];
    snprintf(subtitle, sizeof subtitle, "%zu combinations%s", journal->run_count,
             capacity ? ", each at the largest load that meets its SLO" : "");
    const struct page page = {.kind = HTML_SWEEP,
                              .title =
                                  capacity ? "llmsim: capacities of a sweep" : "llmsim: a sweep",
                              .subtitle = subtitle,
                              .print_json = print_json,
                              .context = report};
    const bool done = report != NULL ? page_write(&page, stream, error)
                                     : error_run(error, "out of memory for the page");
    json_decref(report);
    return done;
}
