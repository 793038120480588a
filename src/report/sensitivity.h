/* How near the knee: what a server that is a little slower or faster than described would do with the
 * same requests. Every speed sees the same random numbers, so the differences are of the speed alone. */
#ifndef LLMSIM_REPORT_SENSITIVITY_H
#define LLMSIM_REPORT_SENSITIVITY_H

#include "replications.h"

enum { SENSITIVITY_SPEEDS = 5, SENSITIVITY_BASE = 2 };
extern const double sensitivity_speeds[SENSITIVITY_SPEEDS]; /* 0.9, 0.95, 1, 1.05, 1.1 */

struct sensitivity_row {
    struct replications runs;
    /* Run by run against the one at the configured speed. */
    struct replicated ttft_change; /* of the mean: ratio − 1 */
    struct replicated good_change; /* of the goodput; without an SLO of the request throughput */
};

struct sensitivity {
    bool has_slo;
    struct sensitivity_row rows[SENSITIVITY_SPEEDS];
    /* How fast it serves when all requests are there from the start, over the runs; of none in a
     * closed loop, which has no rate of arrivals. The load is that rate over this one. */
    struct replicated capacity_per_s, load;
};

/* One more run at every speed; `rush`: the one with all requests at once, NULL: there is none. */
void sensitivity_add(struct sensitivity *sensitivity,
                     const struct summary summaries[SENSITIVITY_SPEEDS],
                     const struct summary *rush);

void sensitivity_print_text(const struct sensitivity *sensitivity, FILE *stream);

/* The caller owns the reference; NULL when memory cannot be had. */
json_t *sensitivity_to_json(const struct sensitivity *sensitivity);

#endif
