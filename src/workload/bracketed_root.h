/* Where a function crosses 0. */
#ifndef LLMSIM_WORKLOAD_BRACKETED_ROOT_H
#define LLMSIM_WORKLOAD_BRACKETED_ROOT_H

#include <gsl/gsl_roots.h>

/* Between `low` and `high`, at which an increasing function is at most 0 and at least 0 (or, by
 * rounding, not quite: the nearer end is the answer then). As near as doubles get. */
double bracketed_root(gsl_root_fsolver *solver, gsl_function *function, double low, double high);

#endif
