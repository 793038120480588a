/* The calibration as tables a person can read. */
#include "calibration_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_WIDTH = 48 };

void calibration_report_fini(struct calibration_report *report)
{
    for (size_t i = 0; i < report->file_count; i++) {
        free(report->files[i].parts);
        free(report->files[i].left_out);
    }
    for (size_t i = 0; i < report->fit_count; i++)
        free(report->fits[i].sources);
    free(report->files);
    free(report->fits);
    *report = (struct calibration_report){0};
}

static const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static void print_heading(const char *first, FILE *stream)
{
    fprintf(stream, "%-*s %8s %9s %9s %9s\n", NAME_WIDTH, first, "rows", "MAPE", "median", "bias");
}

static void print_errors(const char *indent, const char *name,
                         const struct calibration_errors *errors, FILE *stream)
{
    fprintf(stream, "%s%-*s %8" PRId64, indent, NAME_WIDTH - (int)strlen(indent), name,
            errors->rows);
    if (errors->rows > 0)
        fprintf(stream, " %7.2f %% %7.2f %% %+7.2f %%", errors->mape_pct, errors->median_ape_pct,
                errors->bias_pct);
    fputc('\n', stream);
}

static void print_file(const struct calibration_file *file, FILE *stream)
{
    print_errors("", file_name(file->path), &file->errors, stream);
    fprintf(stream, "  %s\n", file->kind);
    for (size_t i = 0; i < file->part_count && file->part_count > 1; i++)
        print_errors("    ", file->parts[i].name, &file->parts[i].errors, stream);
    for (size_t i = 0; i < file->left_out_count; i++)
        fprintf(stream, "    left out: %" PRId64 " rows: %s\n", file->left_out[i].rows,
                file->left_out[i].reason);
}

static void print_parameter(const struct calibration_parameter *parameter, FILE *stream)
{
    static const char *const notes[] = {
        [PARAMETER_FITTED] = "", [PARAMETER_HELD] = "held", [PARAMETER_OFF] = "off"};
    fprintf(stream, "  %-22s %12s -> %-12s %s", parameter->key, parameter->before, parameter->after,
            notes[parameter->status]);
    if (parameter->status == PARAMETER_FITTED && isfinite(parameter->standard_error_pct))
        fprintf(stream, "standard error %.2g %%", parameter->standard_error_pct);
    fputc('\n', stream);
}

static void print_fit(const struct calibration_fit *fit, FILE *stream)
{
    fprintf(stream, "\n");
    print_heading(fit->family, stream);
    print_errors("  ", "before", &fit->before, stream);
    print_errors("  ", "after", &fit->after, stream);
    if (fit->held_out.rows > 0)
        print_errors("  ", "after, shapes held out", &fit->held_out, stream);
    for (size_t i = 0; i < fit->parameter_count; i++)
        print_parameter(&fit->parameters[i], stream);
    for (size_t i = 0; i < fit->regime_count; i++)
        print_errors("  ", fit->regimes[i].name, &fit->regimes[i].errors, stream);
    for (size_t i = 0; i < fit->worst_count; i++) {
        const struct calibration_worst *worst = &fit->worst[i];
        fprintf(stream, "  worst: %s:%" PRId64 ": %.4g us measured, %.4g us predicted\n",
                file_name(worst->path), worst->line, worst->measured_us, worst->predicted_us);
    }
}

void calibration_print_text(const struct calibration_report *report, FILE *stream)
{
    if (report->accelerator->source != NULL)
        fprintf(stream, "  %s\n", report->accelerator->source);
    fputc('\n', stream);
    print_heading("file", stream);
    for (size_t i = 0; i < report->file_count; i++)
        print_file(&report->files[i], stream);
    print_errors("", "all", &report->all, stream);
    for (size_t i = 0; i < report->fit_count; i++)
        print_fit(&report->fits[i], stream);
}
