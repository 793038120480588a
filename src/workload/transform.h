/* `start`, `sample`, `rate_scale` and the like: what may be done to a workload's requests. */
#ifndef LLMSIM_WORKLOAD_TRANSFORM_H
#define LLMSIM_WORKLOAD_TRANSFORM_H

#include <stdint.h>

struct transform_config {
    double start_s, duration_s; /* a window of the workload's own time; unset: from first to last */
    double sample; /* share of the requests (sessions stay whole) that is kept, 0 … 1 */
    double prompt_scale, output_scale; /* of the tokens */
    int64_t repeat;                    /* times over, one after another: ≥ 1 */
    double rate_scale;                 /* arrivals, this many times as fast */
    double target_rate_per_s;          /* the same, such that this is the mean rate; unset: no */
    int64_t max_requests;              /* unset: all */
};

#endif
