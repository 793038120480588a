#include "sweep_front.h"

#include "saturation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double number(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

static bool has_number(const json_t *row, const char *key)
{
    return json_is_number(json_object_get(row, key));
}

static void compare_cost(struct sweep_cheapest *cheapest, const json_t *row, const char *cost,
                         double *best)
{
    const double load = number(row, "load");
    cheapest->loads_differ |= cheapest->known && fabs(load - cheapest->load) > 1e-9 * load;
    cheapest->unpriced |= !has_number(row, cost);
    const double capacity = number(row, "capacity_requests_per_s") / number(row, "accelerators");
    if (!has_number(row, cost) ||
        (cheapest->known && (number(row, cost) > *best ||
                             (number(row, cost) >= *best && capacity <= cheapest->capacity))))
        return;
    cheapest->capacity = capacity;
    cheapest->known = true;
    cheapest->load = load;
    cheapest->run = (size_t)json_integer_value(json_object_get(row, "run"));
    cheapest->dollars_per_hour = number(row, "load_dollars_per_hour");
    cheapest->accelerators = number(row, "load_accelerators");
}

const struct sweep_cheapest *sweep_front_cheapest(const struct sweep_front *front)
{
    const struct sweep_cheapest *cheapest = &front->by_dollars;
    if (!cheapest->known || cheapest->unpriced)
        cheapest = &front->by_accelerators;
    return cheapest->known ? cheapest : NULL;
}

bool sweep_front_add(struct sweep_front *front, const json_t *row)
{
    static const char user[] = "tokens_per_s_per_user";
    static const char accelerator[] = "tokens_per_s_per_accelerator";
    const char *status = json_string_value(json_object_get(row, "status"));
    if (status == NULL || strcmp(status, "done") != 0) {
        front->failed++;
        return true;
    }
    if (has_number(row, "load_accelerators")) {
        compare_cost(&front->by_dollars, row, "load_dollars_per_hour",
                     &front->by_dollars.dollars_per_hour);
        compare_cost(&front->by_accelerators, row, "load_accelerators",
                     &front->by_accelerators.accelerators);
    }
    const char *load = json_string_value(json_object_get(row, "saturation"));
    if (load != NULL && strcmp(load, saturation_verdict_names[LOAD_OVERLOADED]) == 0) {
        front->overloaded++;
        return true;
    }
    if (!has_number(row, user) || !has_number(row, accelerator))
        return true;
    if (front->count == front->room) {
        const size_t room = front->room > 0 ? 2 * front->room : 256;
        struct sweep_point *points = realloc(front->points, room * sizeof *points);
        if (points == NULL)
            return false;
        front->points = points;
        front->room = room;
    }
    front->points[front->count++] =
        (struct sweep_point){(size_t)json_integer_value(json_object_get(row, "run")),
                             number(row, user), number(row, accelerator)};
    return true;
}

void sweep_front_fini(struct sweep_front *front)
{
    free(front->points);
    *front = (struct sweep_front){0};
}

/* The fastest for its user first; of equals the one with the better other, then the first. */
static int compare(const void *left, const void *right)
{
    const struct sweep_point *a = left, *b = right;
    if (a->per_user != b->per_user)
        return a->per_user > b->per_user ? -1 : 1;
    if (a->per_accelerator != b->per_accelerator)
        return a->per_accelerator > b->per_accelerator ? -1 : 1;
    return a->run < b->run ? -1 : a->run > b->run;
}

void sweep_front_reduce(struct sweep_front *front)
{
    size_t kept = 0;
    if (front->count > 0)
        qsort(front->points, front->count, sizeof *front->points, compare);
    for (size_t i = 0; i < front->count; i++) {
        if (kept == 0 || front->points[i].per_accelerator > front->points[kept - 1].per_accelerator)
            front->points[kept++] = front->points[i];
    }
    front->count = kept;
}

static const char *value_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(json_object_get(row, "values"), key));
    return text != NULL ? text : "-";
}

/* "max_num_seqs" of "engine.max_num_seqs": the column's heading. */
static const char *short_key(const char *key)
{
    const char *dot = strrchr(key, '.');
    return dot != NULL ? dot + 1 : key;
}

static size_t longer(size_t width, const char *text)
{
    const size_t length = strlen(text);
    return length > width ? length : width;
}

void sweep_front_measure(struct sweep_front_table *table, const json_t *row)
{
    for (size_t i = 0; i < table->key_count; i++)
        table->widths[i] = longer(longer(table->widths[i], short_key(table->keys[i])),
                                  value_of(row, table->keys[i]));
    table->has_price |= has_number(row, "dollars_per_million_tokens");
    table->has_slo |= has_number(row, "request_goodput");
    table->has_capacity |= has_number(row, "capacity");
}

void sweep_front_print_header(const struct sweep_front_table *table)
{
    fprintf(table->stream, "%5s", "run");
    for (size_t i = 0; i < table->key_count; i++)
        fprintf(table->stream, "  %*s", (int)table->widths[i], short_key(table->keys[i]));
    fputs(table->has_capacity ? "    capacity  req/s    for the load" : "", table->stream);
    fputs("  tok/s/user  tok/s/accel  p99 TTFT ms  p99 TPOT ms", table->stream);
    fputs(table->has_slo ? "  good req/s" : "", table->stream);
    fputs(table->has_price ? "    $/Mtok" : "", table->stream);
    fputs("  load\n", table->stream);
}

void sweep_front_print(const struct sweep_front_table *table, const json_t *row)
{
    const char *load = json_string_value(json_object_get(row, "saturation"));
    fprintf(table->stream, "%5" JSON_INTEGER_FORMAT,
            json_integer_value(json_object_get(row, "run")));
    for (size_t i = 0; i < table->key_count; i++)
        fprintf(table->stream, "  %*s", (int)table->widths[i], value_of(row, table->keys[i]));
    if (table->has_capacity)
        fprintf(table->stream, "  %10.4g  %5.4g  %7.0f accel.", number(row, "capacity"),
                number(row, "capacity_requests_per_s"), number(row, "load_accelerators"));
    fprintf(table->stream, "  %10.2f  %11.1f  %11.1f  %11.2f", number(row, "tokens_per_s_per_user"),
            number(row, "tokens_per_s_per_accelerator"), number(row, "p99_ttft_ms"),
            number(row, "p99_tpot_ms"));
    if (table->has_slo)
        fprintf(table->stream, "  %10.3f", number(row, "request_goodput"));
    if (table->has_price)
        fprintf(table->stream, "  %8.3f", number(row, "dollars_per_million_tokens"));
    fprintf(table->stream, "  %s\n", load != NULL ? load : "");
}
