#include "calibration_fit.h"

#include "accelerator_rewrite.h"
#include "calibration.h"
#include "units.h"
#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    SEARCH_ROWS = 3000,  /* that starting points are compared on */
    HELD_OUT_ROWS = 8000 /* that the folds are made of */
};

/* A parameter is determined when some kernels spend this share of their time on it, and its
 * standard error is below this (the value's own, or that of its range). */
static const double least_sensitivity = 0.02;
static const double most_error = 0.5, most_range_error = 0.25;

/* Kernels as observations. */
struct kernel_rows {
    const struct measurement *const *rows;
    size_t count;
};

static double kernel_residual(const struct accelerator *accelerator, const struct measurement *row)
{
    return log(kernel_predict(accelerator, &row->kernel).time_s / row->latency_s);
}

static void kernel_residuals(const void *context, const struct accelerator *accelerator,
                             double *values)
{
    const struct kernel_rows *kernels = context;
    for (size_t i = 0; i < kernels->count; i++)
        values[i] = kernel_residual(accelerator, kernels->rows[i]);
}

/* Everything about the fit of one family. */
struct fitting {
    const struct kernel_family *family;
    const struct measurement *const *rows;
    double *weights; /* owned */
    size_t count;
    struct free_parameter parameters[FAMILY_MAX_KEYS]; /* the free ones */
    size_t report_index[FAMILY_MAX_KEYS];              /* of those, in the report */
    const struct fitted_key *keys[FAMILY_MAX_KEYS];
    size_t parameter_count;
    struct fit_progress *progress;
    struct calibration_fit *fit;
    struct error *error;
};

static_assert((int)FAMILY_MAX_KEYS <= (int)CALIBRATION_MAX_PARAMETERS, "a report has room");

bool held_keys_check(const struct held_keys *held, struct error *error)
{
    for (size_t i = 0; i < held->count; i++) {
        const char *dot = strchr(held->names[i], '.');
        bool section_known = false, known = false;
        const char *names[FAMILY_MAX_KEYS];
        size_t name_count = 0;
        for (size_t j = 0; dot != NULL && j < kernel_family_count; j++) {
            const struct kernel_family *family = &kernel_families[j];
            size_t length = (size_t)(dot - held->names[i]);
            if (strlen(family->section) != length ||
                strncmp(family->section, held->names[i], length) != 0)
                continue;
            section_known = true;
            for (const struct fitted_key *key = family->keys; key->name != NULL; key++) {
                known = known || strcmp(key->name, dot + 1) == 0;
                if (name_count < FAMILY_MAX_KEYS)
                    names[name_count++] = key->name;
            }
        }
        if (known)
            continue;
        error_input(error, NULL, "--hold %s: not a fitted key, as in gemm.tile", held->names[i]);
        if (section_known)
            error_suggest(error, dot + 1, names, name_count);
        return false;
    }
    return true;
}

static bool is_held(const struct held_keys *held, const struct kernel_family *family,
                    const struct fitted_key *key)
{
    char name[128];
    snprintf(name, sizeof name, "%s.%s", family->section, key->name);
    for (size_t i = 0; i < held->count; i++) {
        if (strcmp(held->names[i], name) == 0)
            return true;
    }
    return false;
}

/* Which parameters are free: neither held, nor switched off by a value of 0. */
static void list_parameters(struct fitting *fitting, const struct held_keys *held,
                            struct accelerator *accelerator)
{
    struct calibration_fit *fit = fitting->fit;
    for (const struct fitted_key *key = fitting->family->keys; key->name != NULL; key++) {
        struct family_parameter at = family_parameter(fitting->family, key);
        double value = *parameter_value(accelerator, at.offset);
        struct calibration_parameter *parameter = &fit->parameters[fit->parameter_count];
        *parameter = (struct calibration_parameter){.section = fitting->family->section,
                                                    .key = at.setting->name,
                                                    .standard_error_pct = NAN};
        accelerator_value_format(value, at.setting->unit, parameter->before);
        accelerator_value_format(value, at.setting->unit, parameter->after);
        if (is_held(held, fitting->family, key)) {
            parameter->status = PARAMETER_HELD;
        } else if (value == 0.0) {
            parameter->status = PARAMETER_OFF;
        } else {
            fitting->keys[fitting->parameter_count] = key;
            fitting->report_index[fitting->parameter_count] = fit->parameter_count;
            fitting->parameters[fitting->parameter_count++] = (struct free_parameter){
                .offset = at.offset, .scale = key->scale, .lower = key->lower, .upper = key->upper};
        }
        fit->parameter_count++;
    }
}

/* A file counts as the square root of its rows: 77 000 rows of one profile neither drown 3 000
 * kernels of all shapes, nor do 40 rows weigh as much as 600. */
static bool weigh_rows(struct fitting *fitting)
{
    int32_t files = 0;
    for (size_t i = 0; i < fitting->count; i++)
        files = fitting->rows[i]->file >= files ? fitting->rows[i]->file + 1 : files;
    double *rows_of = calloc((size_t)files + 1, sizeof *rows_of);
    fitting->weights = calloc(fitting->count, sizeof *fitting->weights);
    if (rows_of == NULL || fitting->weights == NULL) {
        free(rows_of);
        return error_run(fitting->error, "out of memory");
    }
    for (size_t i = 0; i < fitting->count; i++)
        rows_of[fitting->rows[i]->file] += 1.0;
    double sum = 0.0;
    for (int32_t i = 0; i < files; i++)
        sum += sqrt(rows_of[i]);
    for (size_t i = 0; i < fitting->count; i++) {
        fitting->weights[i] =
            (double)fitting->count / (sum * sqrt(rows_of[fitting->rows[i]->file]));
        if (fitting->rows[i]->fit_only)
            fitting->weights[i] *= 0.1;
    }
    free(rows_of);
    return true;
}

/* Every so-manieth row, so that at most `most` remain; without those of one fold (−1: with all).
 * `rows` and `weights` have room for all. */
static size_t choose_rows(const struct fitting *fitting, size_t most, int without_fold,
                          const struct measurement **rows, double *weights)
{
    size_t stride = (fitting->count + most - 1) / most;
    size_t chosen = 0;
    for (size_t i = 0; i < fitting->count; i += stride) {
        if (without_fold >= 0 &&
            fitting->rows[i]->shape_group % FIT_FOLDS == (uint64_t)without_fold)
            continue;
        rows[chosen] = fitting->rows[i];
        weights[chosen++] = fitting->weights[i];
    }
    return chosen;
}

/* Starting point: where the accelerator is, or times and rates moved to both sides of that. */
static void move_start(const struct fitting *fitting, int start, struct accelerator *accelerator)
{
    for (size_t j = 0; start > 0 && j < fitting->parameter_count; j++) {
        const struct free_parameter *parameter = &fitting->parameters[j];
        double *value = parameter_value(accelerator, parameter->offset);
        bool up = (j % 2 == 0) == (start == 1);
        *value = fmin(fmax(*value * (up ? 2.0 : 0.5), parameter->lower), parameter->upper);
    }
}

static struct fit_problem problem_of(const struct fitting *fitting,
                                     const struct accelerator *accelerator,
                                     const struct kernel_rows *kernels, const double *weights)
{
    return (struct fit_problem){.accelerator = *accelerator,
                                .parameters = fitting->parameters,
                                .parameter_count = fitting->parameter_count,
                                .residuals = kernel_residuals,
                                .context = kernels,
                                .weights = weights,
                                .count = kernels->count,
                                .step = 1e-3,
                                .repeats = 1.0};
}

static bool solve_one(struct fitting *fitting, struct fit_problem *problem, double *loss)
{
    struct fit_progress *progress = fitting->progress;
    if (progress->show != NULL)
        progress->show((double)progress->done / progress->total);
    progress->done++;
    return fit_solve(problem, loss, fitting->error);
}

/* The best of several starting points on some of the rows, then all of the rows from there. */
static bool solve(struct fitting *fitting, struct accelerator *accelerator,
                  const struct measurement **rows, double *weights)
{
    const struct kernel_rows some = {rows, choose_rows(fitting, SEARCH_ROWS, -1, rows, weights)};
    const struct kernel_rows all = {fitting->rows, fitting->count};
    struct fit_problem problem = problem_of(fitting, accelerator, &some, weights);
    struct accelerator best = *accelerator;
    double least = INFINITY, loss = 0.0;
    for (int start = 0; start < FIT_STARTS && problem.count >= problem.parameter_count; start++) {
        problem.accelerator = *accelerator;
        move_start(fitting, start, &problem.accelerator);
        if (!solve_one(fitting, &problem, &loss))
            return false;
        if (loss < least) {
            least = loss;
            best = problem.accelerator;
        }
    }
    problem = problem_of(fitting, &best, &all, fitting->weights);
    if (!solve_one(fitting, &problem, &loss))
        return false;
    *accelerator = problem.accelerator;
    return true;
}

/* Every value becomes what its text says: what is written is what was judged. */
static void round_values(struct fitting *fitting, struct accelerator *accelerator)
{
    for (size_t j = 0; j < fitting->parameter_count; j++) {
        struct family_parameter at = family_parameter(fitting->family, fitting->keys[j]);
        double *value = parameter_value(accelerator, at.offset);
        char *text = fitting->fit->parameters[fitting->report_index[j]].after;
        accelerator_value_format(*value, at.setting->unit, text);
        enum units_result result = units_parse(text, at.setting->unit, value);
        assert(result == UNITS_OK);
        (void)result;
    }
}

static void judge(struct fitting *fitting, size_t index, const struct determination *known)
{
    const struct fitted_key *key = fitting->keys[index];
    struct calibration_parameter *parameter =
        &fitting->fit->parameters[fitting->report_index[index]];
    double limit = key->scale == SCALE_LOG ? most_error : most_range_error;
    parameter->standard_error_pct = 100.0 * known->standard_error;
    const char *section = parameter->section;
    if (known->sensitivity < least_sensitivity) {
        snprintf(parameter->refusal, sizeof parameter->refusal,
                 "%s.%s cannot be determined: even in the kernels that feel it most it is worth "
                 "%.2g %% of their time; add %s, or --hold %s.%s",
                 section, key->name, 100.0 * known->sensitivity, key->told_by, section, key->name);
    } else if (!(known->standard_error <= limit)) {
        const char *other = fitting->keys[known->entangled_with]->name;
        bool entangled = known->entangled_with != index && fabs(known->entanglement) > 0.9;
        snprintf(
            parameter->refusal, sizeof parameter->refusal,
            "%s.%s cannot be determined: its standard error is %.3g %% of %s, more than %.0f %%"
            "%s%s%s; add %s, or --hold %s.%s",
            section, key->name, fmin(parameter->standard_error_pct, 9999.0),
            key->scale == SCALE_LOG ? "its value" : "its range", 100.0 * limit,
            entangled ? ", as its effect cannot be told from that of '" : "",
            entangled ? other : "", entangled ? "'" : "", key->told_by, section, key->name);
    }
}

static int compare_groups(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

/* Rows for each distinct shape group and octave of time, which share their error: by how much the
 * rows overstate what was observed. */
static bool rows_per_group(const struct fitting *fitting, double *ratio)
{
    uint64_t *groups = calloc(fitting->count, sizeof *groups);
    if (groups == NULL)
        return error_run(fitting->error, "out of memory");
    for (size_t i = 0; i < fitting->count; i++)
        groups[i] = fitting->rows[i]->shape_group * 31 +
                    (uint64_t)(ilogb(fitting->rows[i]->latency_s) + 1024);
    qsort(groups, fitting->count, sizeof *groups, compare_groups);
    size_t distinct = 1;
    for (size_t i = 1; i < fitting->count; i++)
        distinct += groups[i] != groups[i - 1];
    free(groups);
    *ratio = (double)fitting->count / (double)distinct;
    return true;
}

static bool determine(struct fitting *fitting, const struct accelerator *accelerator)
{
    struct determination known[FAMILY_MAX_KEYS];
    const struct kernel_rows all = {fitting->rows, fitting->count};
    struct fit_problem problem = problem_of(fitting, accelerator, &all, fitting->weights);
    if (!rows_per_group(fitting, &problem.repeats))
        return false;
    if (!fit_determine(&problem, known, fitting->error))
        return false;
    for (size_t j = 0; j < fitting->parameter_count; j++)
        judge(fitting, j, &known[j]);
    return true;
}

/* Five fits, each without a fifth of the shapes, and their errors on that fifth. */
static bool hold_out(struct fitting *fitting, const struct accelerator *accelerator,
                     const struct measurement **rows, double *weights)
{
    double *ratios = calloc(fitting->count, sizeof *ratios);
    if (ratios == NULL)
        return error_run(fitting->error, "out of memory");
    size_t seen = 0;
    size_t stride = (fitting->count + HELD_OUT_ROWS - 1) / HELD_OUT_ROWS;
    for (int fold = 0; fold < FIT_FOLDS; fold++) {
        const struct kernel_rows some = {rows,
                                         choose_rows(fitting, HELD_OUT_ROWS, fold, rows, weights)};
        struct fit_problem problem = problem_of(fitting, accelerator, &some, weights);
        double loss = 0.0;
        if (problem.count < problem.parameter_count)
            continue;
        if (!solve_one(fitting, &problem, &loss)) {
            free(ratios);
            return false;
        }
        for (size_t i = 0; i < fitting->count; i += stride) {
            const struct measurement *row = fitting->rows[i];
            if (row->shape_group % FIT_FOLDS == (uint64_t)fold && !row->fit_only)
                ratios[seen++] = exp(kernel_residual(&problem.accelerator, row));
        }
    }
    fitting->fit->held_out = calibration_errors_of(ratios, seen);
    free(ratios);
    return true;
}

static void refuse_too_few(struct fitting *fitting)
{
    for (size_t j = 0; j < fitting->parameter_count; j++) {
        struct calibration_parameter *parameter =
            &fitting->fit->parameters[fitting->report_index[j]];
        snprintf(parameter->refusal, sizeof parameter->refusal,
                 "%s.%s cannot be determined: %zu measurements for %zu parameters; add %s, or "
                 "--hold %s.%s",
                 parameter->section, parameter->key, fitting->count, fitting->parameter_count,
                 fitting->keys[j]->told_by, parameter->section, parameter->key);
    }
}

static bool fit_parameters(struct fitting *fitting, struct accelerator *accelerator)
{
    const struct measurement **rows = calloc(fitting->count, sizeof *rows);
    double *weights = calloc(fitting->count, sizeof *weights);
    bool done = rows != NULL && weights != NULL;
    if (!done)
        error_run(fitting->error, "out of memory");
    done = done && weigh_rows(fitting) && solve(fitting, accelerator, rows, weights);
    if (done) {
        round_values(fitting, accelerator);
        done = determine(fitting, accelerator) && hold_out(fitting, accelerator, rows, weights);
    }
    free(rows);
    free(weights);
    free(fitting->weights);
    return done;
}

bool calibration_fit_family(const struct kernel_family *family, const struct held_keys *held,
                            const struct measurement *const *rows, size_t count,
                            struct accelerator *accelerator, struct fit_progress *progress,
                            struct calibration_fit *fit, struct error *error)
{
    struct fitting fitting = {.family = family,
                              .rows = rows,
                              .count = count,
                              .progress = progress,
                              .fit = fit,
                              .error = error};
    fit->family = family->name;
    fit->section = family->section;
    fit->held_out = calibration_errors_of(NULL, 0);
    list_parameters(&fitting, held, accelerator);
    if (fitting.parameter_count == 0)
        return true;
    if (count < 2 * fitting.parameter_count) {
        refuse_too_few(&fitting);
        return true;
    }
    return fit_parameters(&fitting, accelerator);
}
