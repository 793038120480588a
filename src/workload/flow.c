#include "flow.h"

#include <gsl/gsl_randist.h>

int64_t flow_wait_ns(gsl_rng *rng, int64_t now_ns, double mean_s)
{
    if (mean_s == 0.0)
        return now_ns;
    const double wait_s = gsl_ran_exponential(rng, mean_s);
    return sim_s_from_ns(now_ns) + wait_s >= sim_s_from_ns(SIM_TIME_MAX_NS)
               ? SIM_TIME_NEVER
               : now_ns + sim_ns_from_s(wait_s);
}
