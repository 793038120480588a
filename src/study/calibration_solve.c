/* Levenberg–Marquardt (GSL's trust region) on log(predicted/measured). Each parameter p has a
 * coordinate u, which is log p or p, within bounds; what is searched is x = logit of u's place
 * between its bounds, which has none. The robust loss is minimised by reweighting (Holland and
 * Welsch, 1977): weights 1/√(1 + r²/s²), solved, and again. */
#include "calibration_solve.h"

#include <assert.h>
#include <gsl/gsl_multifit_nlinear.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>

enum { REWEIGHTINGS = 15, ITERATIONS = 8 };

/* x of a place at a bound, near enough. */
static const double furthest = 12.0;

static double coordinate(const struct free_parameter *parameter, double value)
{
    return parameter->scale == SCALE_LOG ? log(value) : value;
}

static double range_of(const struct free_parameter *parameter)
{
    return coordinate(parameter, parameter->upper) - coordinate(parameter, parameter->lower);
}

void free_parameter_set(const struct free_parameter *parameter, struct accelerator *accelerator,
                        double value)
{
    double *own = parameter_value(accelerator, parameter->offset);
    for (size_t i = 0; i < parameter->linked_count; i++)
        *parameter_value(accelerator, parameter->linked[i]) *= value / *own;
    *own = value;
}

static void set_place(struct accelerator *accelerator, const struct free_parameter *parameter,
                      double place)
{
    double u = coordinate(parameter, parameter->lower) + place * range_of(parameter);
    double value = parameter->scale == SCALE_LOG ? exp(u) : u;
    free_parameter_set(parameter, accelerator,
                       fmin(fmax(value, parameter->lower), parameter->upper));
}

static double place_of(const struct accelerator *accelerator,
                       const struct free_parameter *parameter)
{
    double value = *(const double *)(const void *)((const char *)accelerator + parameter->offset);
    value = fmin(fmax(value, parameter->lower), parameter->upper);
    return (coordinate(parameter, value) - coordinate(parameter, parameter->lower)) /
           range_of(parameter);
}

static double search_of_place(double place)
{
    return fmin(fmax(log(place / (1.0 - place)), -furthest), furthest);
}

static double place_of_search(double x)
{
    return 1.0 / (1.0 + exp(-fmin(fmax(x, -furthest), furthest)));
}

double median_of(double *values, size_t count)
{
    gsl_sort(values, 1, count);
    return gsl_stats_median_from_sorted_data(values, 1, count);
}

static void apply(const struct fit_problem *problem, const gsl_vector *x,
                  struct accelerator *accelerator)
{
    *accelerator = problem->accelerator;
    for (size_t j = 0; j < problem->parameter_count; j++)
        set_place(accelerator, &problem->parameters[j], place_of_search(gsl_vector_get(x, j)));
}

static int residuals(const gsl_vector *x, void *state, gsl_vector *f)
{
    const struct fit_problem *problem = state;
    struct accelerator accelerator;
    apply(problem, x, &accelerator);
    problem->residuals(problem->context, &accelerator, f->data);
    for (size_t i = 0; i < problem->count; i++) {
        if (!isfinite(f->data[i]))
            return GSL_EDOM;
    }
    return GSL_SUCCESS;
}

/* Central differences with a step far above rounding: kinks of the equations do no harm. With respect to
 * the place between the bounds, whose derivative by x is p(1 − p). */
static int jacobian(const gsl_vector *x, void *state, gsl_matrix *jacobian_out)
{
    const struct fit_problem *problem = state;
    double *above_values = calloc(2 * problem->count, sizeof *above_values);
    if (above_values == NULL)
        return GSL_ENOMEM;
    double *below_values = above_values + problem->count;
    for (size_t j = 0; j < problem->parameter_count; j++) {
        const struct free_parameter *parameter = &problem->parameters[j];
        struct accelerator above, below;
        const double place = place_of_search(gsl_vector_get(x, j));
        const double reach =
            parameter->scale == SCALE_LOG ? problem->step / range_of(parameter) : problem->step;
        const double up = fmin(place + reach, 1.0), down = fmax(place - reach, 0.0);
        apply(problem, x, &above);
        below = above;
        set_place(&above, parameter, up);
        set_place(&below, parameter, down);
        problem->residuals(problem->context, &above, above_values);
        problem->residuals(problem->context, &below, below_values);
        for (size_t i = 0; i < problem->count; i++)
            gsl_matrix_set(jacobian_out, i, j,
                           (above_values[i] - below_values[i]) / (up - down) * place *
                               (1.0 - place));
    }
    free(above_values);
    return GSL_SUCCESS;
}

struct solver {
    struct fit_problem *problem;
    gsl_multifit_nlinear_workspace *workspace;
    gsl_vector *x, *weights;
    double *values; /* residuals at x */
};

/* The rows' weights under the residuals of the present x; the robust loss. */
static double reweight(struct solver *solver)
{
    const struct fit_problem *problem = solver->problem;
    struct accelerator accelerator;
    apply(problem, solver->x, &accelerator);
    double loss = 0.0;
    problem->residuals(problem->context, &accelerator, solver->values);
    for (size_t i = 0; i < problem->count; i++) {
        double root = hypot(1.0, solver->values[i] / fit_scale);
        loss += problem->weights[i] * 2.0 * fit_scale * fit_scale * (root - 1.0);
        gsl_vector_set(solver->weights, i, problem->weights[i] / root);
    }
    return loss;
}

static bool search(struct solver *solver, double *loss)
{
    struct fit_problem *problem = solver->problem;
    gsl_multifit_nlinear_fdf equations = {.f = residuals,
                                          .df = jacobian,
                                          .n = problem->count,
                                          .p = problem->parameter_count,
                                          .params = problem};
    gsl_vector *best = gsl_vector_alloc(problem->parameter_count);
    if (best == NULL)
        return false;
    gsl_vector_memcpy(best, solver->x);
    double least = reweight(solver);
    for (int round = 0; round < REWEIGHTINGS; round++) {
        int info = 0;
        if (gsl_multifit_nlinear_winit(solver->x, solver->weights, &equations, solver->workspace) !=
            GSL_SUCCESS)
            break;
        /* Whatever it stops for, where it stands is a candidate. */
        (void)gsl_multifit_nlinear_driver(ITERATIONS, 1e-5, 1e-8, 1e-8, NULL, NULL, &info,
                                          solver->workspace);
        gsl_vector_memcpy(solver->x, gsl_multifit_nlinear_position(solver->workspace));
        double now = reweight(solver);
        bool better = now < least;
        if (better)
            gsl_vector_memcpy(best, solver->x);
        bool settled = fabs(now - least) <= 1e-4 * least;
        least = fmin(now, least);
        if (!better || settled)
            break;
    }
    struct accelerator solution;
    apply(problem, best, &solution);
    problem->accelerator = solution;
    *loss = least;
    gsl_vector_free(best);
    return true;
}

bool fit_solve(struct fit_problem *problem, double *loss, struct error *error)
{
    const size_t n = problem->count, p = problem->parameter_count;
    assert(p >= 1 && n >= p);
    gsl_multifit_nlinear_parameters parameters = gsl_multifit_nlinear_default_parameters();
    parameters.solver = gsl_multifit_nlinear_solver_cholesky;
    struct solver solver = {
        .problem = problem,
        .workspace = gsl_multifit_nlinear_alloc(gsl_multifit_nlinear_trust, &parameters, n, p),
        .x = gsl_vector_alloc(p),
        .weights = gsl_vector_alloc(n),
        .values = calloc(n, sizeof *solver.values)};
    bool done = solver.workspace != NULL && solver.x != NULL && solver.weights != NULL &&
                solver.values != NULL;
    if (done) {
        for (size_t j = 0; j < p; j++)
            gsl_vector_set(
                solver.x, j,
                search_of_place(place_of(&problem->accelerator, &problem->parameters[j])));
        done = search(&solver, loss);
    }
    if (solver.workspace != NULL)
        gsl_multifit_nlinear_free(solver.workspace);
    gsl_vector_free(solver.x);
    gsl_vector_free(solver.weights);
    free(solver.values);
    return done || error_run(error, "out of memory");
}
