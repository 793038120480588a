/* The trade-off of a sweep: its Pareto front of tokens a second a user against tokens a second an
 * accelerator, as `vllm bench sweep plot_pareto` has it. */
#ifndef LLMSIM_REPORT_SWEEP_FRONT_H
#define LLMSIM_REPORT_SWEEP_FRONT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* A run in it. */
struct sweep_point {
    size_t run;
    double per_user, per_accelerator; /* output tokens a second; both are better when more */
};

/* Of searches for a capacity: the one that serves the load with the least money an hour, or where not
 * every price is known with the fewest accelerators; of equals the one with more capacity an
 * accelerator. */
struct sweep_cheapest {
    bool known;
    size_t run;
    double dollars_per_hour, accelerators, load;
    double capacity;   /* requests a second and accelerator */
    bool unpriced;     /* some price is not known */
    bool loads_differ; /* the rows are not of one load: then the cheapest says little */
};

struct sweep_front {
    struct sweep_point *points; /* owned */
    struct sweep_cheapest by_dollars, by_accelerators;
    size_t count, room;
    size_t failed, overloaded; /* that are not in it */
};

/* Add a row (sweep_row_json). One that failed, that was overloaded (what its queue holds is not served at
 * that speed), or whose requests have not two tokens, is not in the front. False when memory cannot be had. */
bool sweep_front_add(struct sweep_front *front, const json_t *row);
void sweep_front_fini(struct sweep_front *front);

/* The one of both that holds; NULL: the rows are of single runs, or none has a capacity. */
const struct sweep_cheapest *sweep_front_cheapest(const struct sweep_front *front);

/* Leave only points that no other is better than in one and as good in the other, in order of per_user;
 * of equal ones the first run. */
void sweep_front_reduce(struct sweep_front *front);

/* A line of the front's table. What no row has may be left out: a price, an SLO. */
struct sweep_front_table {
    const char *const *keys;
    size_t key_count;
    FILE *stream;
    size_t widths[64]; /* of the keys' columns; 0 before */
    bool has_price, has_slo, has_capacity;
};

/* Once for every row that is to be printed, before all of them are. */
void sweep_front_measure(struct sweep_front_table *table, const json_t *row);
void sweep_front_print_header(const struct sweep_front_table *table);
void sweep_front_print(const struct sweep_front_table *table, const json_t *row);

#endif
