/* How much load a server can take within its SLO, and how many of them a load needs. */
#ifndef LLMSIM_STUDY_CAPACITY_H
#define LLMSIM_STUDY_CAPACITY_H

#include "capacity_report.h"
#include <llmsim/llmsim.h>

/* Where a limit is of each request and `goodput` is not said. */
#define CAPACITY_DEFAULT_GOODPUT 0.99

struct capacity_options {
    double precision;                  /* relative, of the load: 0.0001 … 0.5 */
    int max_runs;                      /* of each replication: 4 … CAPACITY_MAX_POINTS */
    double load;                       /* to be served, in the key's unit; NaN: as configured */
    void (*progress)(double fraction); /* NULL: nobody looks */
};

/* Find the largest load that meets the SLO. What is varied is the rate of generated arrivals, the users of a
 * closed loop, or else the rate scale; every load is run with the same seeds, so that it is the load
 * alone that differs. Bracketed from the rate at which all requests are served when they are there from
 * the start; then regula falsi on the worst promise's margin over the logarithm of the load (Illinois:
 * Dowell & Jarratt, BIT 11, 1971), with bisection where that is slow.
 *
 * The base has been loaded (llmsim_load). False with *error filled: it has no SLO, meets it under no
 * load, or a run of it fails. A load that nothing breaks leaves has_limit false. */
bool capacity_find(const struct llmsim *base, const struct capacity_options *options,
                   struct capacity *capacity, struct llmsim_error *error);

#endif
