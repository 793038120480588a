#include "calibration.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct calibration_errors calibration_errors_of(double *ratios, size_t count)
{
    struct calibration_errors errors = {(int64_t)count, NAN, NAN, NAN};
    if (count == 0)
        return errors;
    double absolute = 0.0, sum = 0.0;
    for (size_t i = 0; i < count; i++) {
        double error = ratios[i] - 1.0;
        sum += error;
        absolute += fabs(error);
        ratios[i] = fabs(error);
    }
    errors.mape_pct = 100.0 * absolute / (double)count;
    errors.bias_pct = 100.0 * sum / (double)count;
    errors.median_ape_pct = 100.0 * median_of(ratios, count);
    return errors;
}

/* Rows of one family, or all, with room for their ratios. */
struct selection {
    const struct measurement **rows; /* owned */
    double *ratios;                  /* owned */
    size_t count;
};

/* `all`: those that only a fit may see too. */
static bool selection_init(struct selection *selection, const struct measurements *measurements,
                           bool (*informs)(const struct kernel *), bool all, struct error *error)
{
    *selection = (struct selection){
        .rows = calloc(measurements->count + 1, sizeof *selection->rows),
        .ratios = calloc(measurements->count + 1, sizeof *selection->ratios),
    };
    if (selection->rows == NULL || selection->ratios == NULL)
        return error_run(error, "out of memory");
    for (size_t i = 0; i < measurements->count; i++) {
        const struct measurement *row = &measurements->rows[i];
        if ((informs == NULL || informs(&row->kernel)) && (all || !row->fit_only))
            selection->rows[selection->count++] = row;
    }
    return true;
}

static void selection_fini(struct selection *selection)
{
    free(selection->rows);
    free(selection->ratios);
}

static double ratio_of(const struct accelerator *accelerator, const struct measurement *row)
{
    return kernel_predict(accelerator, &row->kernel).time_s / row->latency_s;
}

/* Of the rows of a file and a part of it; −1: of all. */
static struct calibration_errors errors_of(const struct accelerator *accelerator,
                                           struct selection *selection, int32_t file, int32_t part)
{
    size_t count = 0;
    for (size_t i = 0; i < selection->count; i++) {
        const struct measurement *row = selection->rows[i];
        if ((file < 0 || row->file == file) && (part < 0 || row->part == part))
            selection->ratios[count++] = ratio_of(accelerator, row);
    }
    return calibration_errors_of(selection->ratios, count);
}

static bool check_file(const struct accelerator *accelerator, struct selection *selection,
                       const struct measurement_file *file, int32_t index,
                       struct calibration_file *report, struct error *error)
{
    *report = (struct calibration_file){
        .path = file->path,
        .kind = file->kind,
        .errors = errors_of(accelerator, selection, index, -1),
        .parts = calloc((size_t)file->part_count + 1, sizeof *report->parts),
        .left_out = calloc((size_t)file->left_out_count + 1, sizeof *report->left_out),
    };
    if (report->parts == NULL || report->left_out == NULL)
        return error_run(error, "out of memory");
    for (int32_t i = 0; i < file->part_count; i++) {
        struct calibration_part *part = &report->parts[report->part_count++];
        snprintf(part->name, sizeof part->name, "%s", file->parts[i]);
        part->errors = errors_of(accelerator, selection, index, i);
    }
    for (int i = 0; i < file->left_out_count; i++)
        report->left_out[report->left_out_count++] =
            (struct calibration_left_out){file->left_out[i].reason, file->left_out[i].rows};
    return true;
}

static bool check_files(const struct accelerator *accelerator,
                        const struct measurements *measurements, struct calibration_report *report,
                        struct error *error)
{
    struct selection selection;
    bool done = selection_init(&selection, measurements, NULL, false, error);
    report->accelerator = accelerator;
    report->files = calloc(measurements->file_count + 1, sizeof *report->files);
    if (done && report->files == NULL)
        done = error_run(error, "out of memory");
    for (size_t i = 0; i < measurements->file_count && done; i++) {
        done = check_file(accelerator, &selection, &measurements->files[i], (int32_t)i,
                          &report->files[i], error);
        report->file_count++;
    }
    if (done)
        report->all = errors_of(accelerator, &selection, -1, -1);
    selection_fini(&selection);
    return done;
}

/* Why no row is left, by the first file's first reason. */
static bool refuse_empty(const struct measurements *measurements, struct error *error)
{
    const struct measurement_file *file = &measurements->files[0];
    const struct location at = {file->path, 0, 0};
    return error_input(error, &at, "nothing to compare: every row is left out (%s)",
                       file->left_out_count > 0 ? file->left_out[0].reason : "of every file");
}

bool calibration_check(const struct accelerator *accelerator,
                       const struct measurements *measurements, struct calibration_report *report,
                       struct error *error)
{
    *report = (struct calibration_report){0};
    size_t compared = 0;
    for (size_t i = 0; i < measurements->count; i++)
        compared += measurements->rows[i].fit_only ? 0 : 1;
    if (compared == 0)
        return refuse_empty(measurements, error);
    return check_files(accelerator, measurements, report, error);
}

/* What bounds a kernel, on paper, and how long it takes: where the equations are weak. */
static void name_regime(const struct accelerator *accelerator, const struct measurement *row,
                        char name[48])
{
    struct kernel_prediction predicted = kernel_predict(accelerator, &row->kernel);
    double memory_s = predicted.moved_bytes / accelerator->memory_bandwidth_bytes_per_s;
    double compute_s = predicted.flops > 0.0 ? predicted.flops / predicted.peak_flops_per_s : 0.0;
    const char *bound = "memory";
    if (row->kernel.kind == KERNEL_COLLECTIVE)
        bound = "communication";
    else if (predicted.overhead_s > 0.5 * predicted.time_s)
        bound = "overhead";
    else if (compute_s > 2.0 * memory_s)
        bound = "compute";
    else if (compute_s > 0.5 * memory_s)
        bound = "ridge";
    double us = row->latency_s * 1e6;
    snprintf(name, 48, "%s, %s", bound,
             us < 10.0     ? "below 10 us"
             : us < 100.0  ? "10 to 100 us"
             : us < 1000.0 ? "100 us to 1 ms"
                           : "1 ms and more");
}

static int compare_parts(const void *left, const void *right)
{
    const struct calibration_part *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static void add_regimes(const struct accelerator *accelerator, struct selection *selection,
                        struct calibration_fit *fit)
{
    char name[48];
    for (size_t i = 0; i < selection->count; i++) {
        name_regime(accelerator, selection->rows[i], name);
        size_t known = 0;
        while (known < fit->regime_count && strcmp(fit->regimes[known].name, name) != 0)
            known++;
        if (known == fit->regime_count && known < CALIBRATION_MAX_REGIMES)
            memcpy(fit->regimes[fit->regime_count++].name, name, sizeof name);
    }
    for (size_t j = 0; j < fit->regime_count; j++) {
        size_t count = 0;
        for (size_t i = 0; i < selection->count; i++) {
            name_regime(accelerator, selection->rows[i], name);
            if (strcmp(fit->regimes[j].name, name) == 0)
                selection->ratios[count++] = ratio_of(accelerator, selection->rows[i]);
        }
        fit->regimes[j].errors = calibration_errors_of(selection->ratios, count);
    }
    qsort(fit->regimes, fit->regime_count, sizeof *fit->regimes, compare_parts);
}

static double distance(const struct calibration_worst *row)
{
    return fabs(log(row->predicted_us / row->measured_us));
}

static void add_worst(const struct accelerator *accelerator, const struct selection *selection,
                      const struct measurements *measurements, struct calibration_fit *fit)
{
    for (size_t i = 0; i < selection->count; i++) {
        const struct measurement *row = selection->rows[i];
        struct calibration_worst worst = {.path = measurements->files[row->file].path,
                                          .line = row->line,
                                          .measured_us = row->latency_s * 1e6};
        worst.predicted_us = worst.measured_us * ratio_of(accelerator, row);
        size_t place = fit->worst_count;
        while (place > 0 && distance(&fit->worst[place - 1]) < distance(&worst))
            place--;
        if (place == CALIBRATION_WORST_ROWS)
            continue;
        if (fit->worst_count < CALIBRATION_WORST_ROWS)
            fit->worst_count++;
        memmove(&fit->worst[place + 1], &fit->worst[place],
                (fit->worst_count - 1 - place) * sizeof *fit->worst);
        fit->worst[place] = worst;
    }
}

static bool add_sources(const struct accelerator *accelerator, struct selection *selection,
                        const struct measurements *measurements, struct calibration_fit *fit,
                        struct error *error)
{
    fit->sources = calloc(measurements->file_count + 1, sizeof *fit->sources);
    if (fit->sources == NULL)
        return error_run(error, "out of memory");
    for (size_t i = 0; i < measurements->file_count; i++) {
        struct calibration_source source = {.path = measurements->files[i].path,
                                            .errors =
                                                errors_of(accelerator, selection, (int32_t)i, -1)};
        if (source.errors.rows > 0)
            fit->sources[fit->source_count++] = source;
    }
    return true;
}

static bool fit_family(const struct kernel_family *family, const struct measurements *measurements,
                       const struct held_keys *held, struct accelerator *accelerator,
                       struct fit_progress *progress, struct calibration_report *report,
                       struct error *error)
{
    struct selection selection, all;
    bool done = selection_init(&selection, measurements, family->informs, false, error);
    done = selection_init(&all, measurements, family->informs, true, error) && done;
    if (done && selection.count > 0) {
        struct calibration_fit *fit = &report->fits[report->fit_count++];
        fit->before = errors_of(accelerator, &selection, -1, -1);
        done = calibration_fit_family(family, held, all.rows, all.count, accelerator, progress, fit,
                                      error);
        done = done && add_sources(accelerator, &selection, measurements, fit, error);
        if (done) {
            fit->after = errors_of(accelerator, &selection, -1, -1);
            add_regimes(accelerator, &selection, fit);
            add_worst(accelerator, &selection, measurements, fit);
        }
    }
    selection_fini(&selection);
    selection_fini(&all);
    return done;
}

bool calibration_fit(struct accelerator *accelerator, const struct measurements *measurements,
                     const struct held_keys *held, void (*progress)(double fraction),
                     struct calibration_report *report, struct error *error)
{
    struct fit_progress solutions = {.show = progress,
                                     .total = (int)kernel_family_count * FIT_SOLUTIONS};
    *report = (struct calibration_report){0};
    if (!held_keys_check(held, error))
        return false;
    if (measurements->count == 0)
        return refuse_empty(measurements, error);
    report->fits = calloc(kernel_family_count, sizeof *report->fits);
    if (report->fits == NULL)
        return error_run(error, "out of memory");
    for (size_t i = 0; i < kernel_family_count; i++) {
        const struct kernel_family *family = &kernel_families[i];
        if (family->is_of(accelerator) &&
            !fit_family(family, measurements, held, accelerator, &solutions, report, error))
            return false;
    }
    if (report->fit_count == 0)
        return error_input(error, NULL, "no measurement here informs a fitted section");
    return check_files(accelerator, measurements, report, error);
}

const char *calibration_next_refusal(const struct calibration_report *report, size_t *fit,
                                     size_t *parameter)
{
    for (; *fit < report->fit_count; ++*fit, *parameter = 0) {
        while (*parameter < report->fits[*fit].parameter_count) {
            const char *refusal = report->fits[*fit].parameters[(*parameter)++].refusal;
            if (*refusal != '\0')
                return refusal;
        }
    }
    return NULL;
}
