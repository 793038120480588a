/* What a fit knows: the covariance of the estimates, from the Jacobian at the solution in the
 * coordinates that matter (log p, or p over its range). */
#include "calibration_solve.h"

#include <gsl/gsl_eigen.h>
#include <gsl/gsl_sort.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Measurements repeat no better than this: no smaller residuals are taken for knowledge. */
static const double noise_floor = 0.02;

/* Where the parameter is moved to by `step`, within its bounds; its coordinate in units that matter. */
static double move(const struct fit_problem *problem, size_t index, double step,
                   struct accelerator *moved)
{
    const struct free_parameter *parameter = &problem->parameters[index];
    const bool is_log = parameter->scale == SCALE_LOG;
    const double range = parameter->upper - parameter->lower;
    *moved = problem->accelerator;
    const double value = *parameter_value(moved, parameter->offset);
    const double to = is_log ? value * exp(step) : value + step * range;
    const double within = fmin(fmax(to, parameter->lower), parameter->upper);
    free_parameter_set(parameter, moved, within);
    return is_log ? log(within) : within / range;
}

/* The change of log t with one unit of the coordinate. room: for as many values. */
static void differentiate(const struct fit_problem *problem, size_t index, double *room,
                          double *column)
{
    struct accelerator above, below;
    const double up = move(problem, index, problem->step, &above);
    const double down = move(problem, index, -problem->step, &below);
    problem->residuals(problem->context, &above, column);
    problem->residuals(problem->context, &below, room);
    for (size_t i = 0; i < problem->count; i++)
        column[i] = (column[i] - room[i]) / (up - down);
}

/* Covariance from the normal matrix: σ² N⁻¹ by its eigenvectors, directions that the rows say
 * nothing of counting as all but unknown. */
static bool invert(gsl_matrix *normal, double variance, gsl_matrix *covariance)
{
    const size_t p = normal->size1;
    gsl_vector *values = gsl_vector_alloc(p);
    gsl_matrix *vectors = gsl_matrix_alloc(p, p);
    gsl_eigen_symmv_workspace *workspace = gsl_eigen_symmv_alloc(p);
    bool done = values != NULL && vectors != NULL && workspace != NULL &&
                gsl_eigen_symmv(normal, values, vectors, workspace) == GSL_SUCCESS;
    for (size_t i = 0; done && i < p; i++) {
        for (size_t j = 0; j < p; j++) {
            double sum = 0.0;
            for (size_t k = 0; k < p; k++)
                sum += gsl_matrix_get(vectors, i, k) * gsl_matrix_get(vectors, j, k) /
                       fmax(gsl_vector_get(values, k), 1e-12);
            gsl_matrix_set(covariance, i, j, variance * sum);
        }
    }
    gsl_vector_free(values);
    gsl_matrix_free(vectors);
    if (workspace != NULL)
        gsl_eigen_symmv_free(workspace);
    return done;
}

/* Each estimate's error, and the one it is most entangled with. */
static void read_covariance(const gsl_matrix *covariance, struct determination *determinations)
{
    const size_t p = covariance->size1;
    for (size_t i = 0; i < p; i++) {
        struct determination *determination = &determinations[i];
        double own = gsl_matrix_get(covariance, i, i);
        determination->standard_error = sqrt(own);
        determination->entangled_with = i;
        for (size_t j = 0; j < p; j++) {
            double correlation =
                gsl_matrix_get(covariance, i, j) / sqrt(own * gsl_matrix_get(covariance, j, j));
            if (j != i && fabs(correlation) > fabs(determination->entanglement)) {
                determination->entangled_with = j;
                determination->entanglement = correlation;
            }
        }
    }
}

/* The normal matrix of the robust fit, and its residuals' variance. columns: of the Jacobian, one after
 * the other; values: the residuals; sizes: room for as many. */
static double accumulate(const struct fit_problem *problem, const double *columns,
                         const double *values, double *sizes, gsl_matrix *normal)
{
    const size_t p = problem->parameter_count, n = problem->count;
    for (size_t i = 0; i < problem->count; i++)
        sizes[i] = fabs(values[i]);
    double median = median_of(sizes, problem->count);
    gsl_matrix_set_zero(normal);
    for (size_t i = 0; i < problem->count; i++) {
        double weight = problem->weights[i] / hypot(1.0, values[i] / fit_scale);
        for (size_t j = 0; j < p; j++) {
            for (size_t k = 0; k < p; k++)
                *gsl_matrix_ptr(normal, j, k) += weight * columns[j * n + i] * columns[k * n + i];
        }
    }
    double deviation = fmax(1.4826 * median, noise_floor);
    return deviation * deviation;
}

static void find_sensitivity(const struct fit_problem *problem, const double *column, double *sizes,
                             struct determination *determination)
{
    const size_t n = problem->count;
    const size_t few = n / 100 > 4 ? n / 100 : (n > 4 ? 4 : n - 1);
    for (size_t i = 0; i < n; i++)
        sizes[i] = fabs(column[i]);
    gsl_sort(sizes, 1, n);
    determination->sensitivity = sizes[n - 1 - few];
}

bool fit_determine(const struct fit_problem *problem, struct determination *determinations,
                   struct error *error)
{
    const size_t p = problem->parameter_count, n = problem->count;
    double *storage = calloc((p + 2) * n, sizeof *storage);
    gsl_matrix *normal = gsl_matrix_alloc(p, p), *covariance = gsl_matrix_alloc(p, p);
    memset(determinations, 0, p * sizeof *determinations);
    bool done = storage != NULL && normal != NULL && covariance != NULL;
    if (done) {
        double *sizes = storage + p * n, *values = sizes + n;
        problem->residuals(problem->context, &problem->accelerator, values);
        for (size_t j = 0; j < p; j++)
            differentiate(problem, j, sizes, storage + j * n);
        const double variance = accumulate(problem, storage, values, sizes, normal);
        done = invert(normal, variance * problem->repeats, covariance);
        if (done)
            read_covariance(covariance, determinations);
        for (size_t j = 0; j < p; j++)
            find_sensitivity(problem, storage + j * n, sizes, &determinations[j]);
    }
    free(storage);
    gsl_matrix_free(normal);
    gsl_matrix_free(covariance);
    return done || error_run(error, "out of memory");
}
