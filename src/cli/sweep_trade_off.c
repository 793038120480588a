#include "sweep_trade_off.h"

#include "sweep_front.h"
#include "text_chart.h"
#include <stdlib.h>

/* More of them say less. */
enum { MAX_LINES = 40 };

/* All runs that may be in the front. */
static bool list_points(struct sweep_journal *journal, struct sweep_front *front,
                        struct error *error)
{
    for (size_t run = 0; run < journal->run_count; run++) {
        json_t *row = sweep_journal_row(journal, run, error);
        if (row == NULL)
            return false;
        const bool added = sweep_front_add(front, row);
        json_decref(row);
        if (!added)
            return error_run(error, "out of memory");
    }
    return true;
}

/* The i-th of `lines` that are shown: all, or equally far apart, with both ends. */
static size_t shown(const struct sweep_front *front, size_t i, size_t lines)
{
    return lines > 1 ? i * (front->count - 1) / (lines - 1) : 0;
}

static bool print_front(struct sweep_journal *journal, const struct sweep_front *front,
                        FILE *stream, struct error *error)
{
    const char *keys[SWEEP_MAX_KEYS];
    struct sweep_front_table table = {.keys = keys, .stream = stream};
    const size_t lines = front->count < MAX_LINES ? front->count : MAX_LINES;
    table.key_count = sweep_journal_keys(journal, keys);
    for (int pass = 0; pass < 2; pass++) {
        if (pass == 1)
            sweep_front_print_header(&table);
        for (size_t i = 0; i < lines; i++) {
            json_t *row =
                sweep_journal_row(journal, front->points[shown(front, i, lines)].run, error);
            if (row == NULL)
                return false;
            if (pass == 0)
                sweep_front_measure(&table, row);
            else
                sweep_front_print(&table, row);
            json_decref(row);
        }
    }
    if (lines < front->count)
        fprintf(stream, "(%zu of the %zu, equally far apart)\n", lines, front->count);
    return true;
}

static bool print_cheapest(struct sweep_journal *journal, const struct sweep_cheapest *cheapest,
                           FILE *stream, struct error *error)
{
    const char *keys[SWEEP_MAX_KEYS];
    const size_t key_count = sweep_journal_keys(journal, keys);
    if (cheapest->loads_differ) {
        fputs("\nThe rows are not of one load: none is the cheapest for it\n", stream);
        return true;
    }
    json_t *row = sweep_journal_row(journal, cheapest->run, error);
    if (row == NULL)
        return false;
    fprintf(stream, "\n%s that serves %g within the SLO: run %zu,",
            cheapest->unpriced ? "Fewest accelerators" : "Cheapest", cheapest->load, cheapest->run);
    for (size_t i = 0; i < key_count; i++) {
        const char *value =
            json_string_value(json_object_get(json_object_get(row, "values"), keys[i]));
        if (value != NULL)
            fprintf(stream, " %s=%s", keys[i], value);
    }
    fprintf(stream, ": %g accelerator%s", cheapest->accelerators,
            cheapest->accelerators > 1.0 ? "s" : "");
    if (!cheapest->unpriced)
        fprintf(stream, ", $%.4g an hour", cheapest->dollars_per_hour);
    fputc('\n', stream);
    json_decref(row);
    return true;
}

static bool print_trade_off(struct sweep_journal *journal, const struct sweep_front *front,
                            FILE *stream, struct error *error)
{
    const struct sweep_cheapest *cheapest = sweep_front_cheapest(front);
    fprintf(stream,
            "%zu runs, %zu failed, %zu overloaded. Of the others %zu are on the Pareto front of\n"
            "output tokens/s per user (1 / mean TPOT) and per accelerator:\n\n",
            journal->run_count, front->failed, front->overloaded, front->count);
    return (front->count == 0 || print_front(journal, front, stream, error)) &&
           (cheapest == NULL || print_cheapest(journal, cheapest, stream, error));
}

static void add_points(const struct sweep_front *front, bool on_front, struct text_point *points,
                       size_t *count)
{
    for (size_t i = 0; i < front->count; i++)
        points[(*count)++] = (struct text_point){front->points[i].per_user,
                                                 front->points[i].per_accelerator, on_front};
}

bool sweep_trade_off_print(struct sweep_journal *journal, bool chart, FILE *stream,
                           struct error *error)
{
    struct sweep_front front = {0};
    bool done = list_points(journal, &front, error);
    size_t count = 0;
    /* All of them, and then, over those, what is left of them. */
    struct text_point *points = done && chart ? calloc(2 * front.count + 1, sizeof *points) : NULL;
    if (done && chart && points == NULL)
        done = error_run(error, "out of memory");
    if (points != NULL)
        add_points(&front, false, points, &count);
    sweep_front_reduce(&front);
    done = done && print_trade_off(journal, &front, stream, error);
    if (done && chart) {
        add_points(&front, true, points, &count);
        text_chart_scatter(points, count, "output tokens/s per user; # is on the front",
                           "output tokens/s per accelerator", stream);
    }
    free(points);
    sweep_front_fini(&front);
    return done;
}
