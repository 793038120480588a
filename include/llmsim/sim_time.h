/* Simulated time: whole nanoseconds from the first arrival. A step's cost is computed in double
 * seconds and rounded to nanoseconds once; events are ordered by these integers only. */
#ifndef LLMSIM_SIM_TIME_H
#define LLMSIM_SIM_TIME_H

#include <math.h>
#include <stdint.h>

#define SIM_NS_PER_S ((int64_t)1000000000)

/* The time of an event that will not come. */
#define SIM_TIME_NEVER INT64_MAX

/* No simulated moment or duration is longer: 146 years, half of what int64_t holds, so that the sum
 * of two is still defined. */
#define SIM_TIME_MAX_NS (INT64_MAX / 2)

/* Nearest whole nanoseconds to a duration in seconds; negative and NaN become 0, and what is longer
 * than SIM_TIME_MAX_NS becomes that. */
static inline int64_t sim_ns_from_s(double seconds)
{
    double ns = seconds * (double)SIM_NS_PER_S;
    if (!(ns > 0.0))
        return 0;
    return ns >= (double)SIM_TIME_MAX_NS ? SIM_TIME_MAX_NS : (int64_t)llrint(ns);
}

static inline double sim_s_from_ns(int64_t ns)
{
    return (double)ns / (double)SIM_NS_PER_S;
}

#endif
