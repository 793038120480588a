#include "bracketed_root.h"

#include <float.h>
#include <gsl/gsl_errno.h>

/* Brent's method halves the interval at least every other time: this is more than doubles have. */
enum { MAX_ITERATIONS = 200 };

double bracketed_root(gsl_root_fsolver *solver, gsl_function *function, double low, double high)
{
    if (GSL_FN_EVAL(function, low) >= 0.0)
        return low;
    if (GSL_FN_EVAL(function, high) <= 0.0)
        return high;
    gsl_root_fsolver_set(solver, function, low, high);
    for (int i = 0; i < MAX_ITERATIONS; i++) {
        if (gsl_root_fsolver_iterate(solver) != GSL_SUCCESS ||
            gsl_root_test_interval(gsl_root_fsolver_x_lower(solver),
                                   gsl_root_fsolver_x_upper(solver), DBL_EPSILON,
                                   4.0 * DBL_EPSILON) == GSL_SUCCESS)
            break;
    }
    return gsl_root_fsolver_root(solver);
}
