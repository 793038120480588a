/* The calibration as JSON. */
#include "calibration_report.h"

#include <math.h>

/* null where there is none: JSON has no NaN. */
static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

/* The errors' members into `object`, which it returns; NULL when memory cannot be had. */
static json_t *add_errors(json_t *object, const struct calibration_errors *errors)
{
    if (object == NULL || json_object_set_new(object, "rows", json_integer(errors->rows)) != 0 ||
        json_object_set_new(object, "mape_pct", number(errors->mape_pct)) != 0 ||
        json_object_set_new(object, "median_ape_pct", number(errors->median_ape_pct)) != 0 ||
        json_object_set_new(object, "bias_pct", number(errors->bias_pct)) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* A path need not be UTF-8; JSON must be. */
static json_t *text(const char *value)
{
    json_t *string = json_string(value);
    return string != NULL ? string : json_string("?");
}

static bool set(json_t *object, const char *key, json_t *value)
{
    return json_object_set_new(object, key, value) == 0;
}

static json_t *json_parts(const struct calibration_part *parts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *part = json_object();
        if (part != NULL && !set(part, "name", text(parts[i].name))) {
            json_decref(part);
            part = NULL;
        }
        if (json_array_append_new(list, add_errors(part, &parts[i].errors)) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_left_out(const struct calibration_file *file)
{
    json_t *list = json_array();
    for (size_t i = 0; i < file->left_out_count; i++) {
        json_t *item = json_object();
        bool done = item != NULL && set(item, "rows", json_integer(file->left_out[i].rows)) &&
                    set(item, "reason", text(file->left_out[i].reason));
        if (json_array_append_new(list, item) != 0 || !done) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_file(const struct calibration_file *file)
{
    json_t *object = json_object();
    if (object == NULL || !set(object, "file", text(file->path)) ||
        !set(object, "kind", text(file->kind))) {
        json_decref(object);
        return NULL;
    }
    object = add_errors(object, &file->errors);
    if (object != NULL && (!set(object, "parts", json_parts(file->parts, file->part_count)) ||
                           !set(object, "left_out", json_left_out(file)))) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *json_parameters(const struct calibration_fit *fit)
{
    static const char *const statuses[] = {
        [PARAMETER_FITTED] = "fitted", [PARAMETER_HELD] = "held", [PARAMETER_OFF] = "off"};
    json_t *list = json_array();
    for (size_t i = 0; i < fit->parameter_count; i++) {
        const struct calibration_parameter *parameter = &fit->parameters[i];
        json_t *item = json_object();
        bool done = item != NULL && set(item, "key", text(parameter->key)) &&
                    set(item, "before", text(parameter->before)) &&
                    set(item, "after", text(parameter->after)) &&
                    set(item, "status", text(statuses[parameter->status])) &&
                    set(item, "standard_error_pct", number(parameter->standard_error_pct)) &&
                    set(item, "refusal",
                        *parameter->refusal != '\0' ? text(parameter->refusal) : json_null());
        if (json_array_append_new(list, item) != 0 || !done) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_worst(const struct calibration_fit *fit)
{
    json_t *list = json_array();
    for (size_t i = 0; i < fit->worst_count; i++) {
        const struct calibration_worst *worst = &fit->worst[i];
        json_t *item = json_object();
        bool done = item != NULL && set(item, "file", text(worst->path)) &&
                    set(item, "line", json_integer(worst->line)) &&
                    set(item, "measured_us", number(worst->measured_us)) &&
                    set(item, "predicted_us", number(worst->predicted_us));
        if (json_array_append_new(list, item) != 0 || !done) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_fit(const struct calibration_fit *fit)
{
    json_t *object = json_object();
    if (object == NULL)
        return NULL;
    if (set(object, "family", text(fit->family)) && set(object, "section", text(fit->section)) &&
        set(object, "before", add_errors(json_object(), &fit->before)) &&
        set(object, "after", add_errors(json_object(), &fit->after)) &&
        set(object, "held_out", add_errors(json_object(), &fit->held_out)) &&
        set(object, "parameters", json_parameters(fit)) &&
        set(object, "regimes", json_parts(fit->regimes, fit->regime_count)) &&
        set(object, "worst", json_worst(fit)))
        return object;
    json_decref(object);
    return NULL;
}

static bool add_lists(json_t *root, const struct calibration_report *report)
{
    json_t *files = json_array(), *fits = json_array();
    bool done = files != NULL && fits != NULL;
    for (size_t i = 0; i < report->file_count && done; i++)
        done = json_array_append_new(files, json_file(&report->files[i])) == 0;
    for (size_t i = 0; i < report->fit_count && done; i++)
        done = json_array_append_new(fits, json_fit(&report->fits[i])) == 0;
    /* Both are taken over, whatever has failed. */
    bool has_files = set(root, "files", files);
    bool has_all = set(root, "all", add_errors(json_object(), &report->all));
    bool has_fits = set(root, "fits", fits);
    return done && has_files && has_all && has_fits;
}

bool calibration_print_json(const struct calibration_report *report, FILE *stream)
{
    json_t *root = json_object(), *accelerator = json_object();
    const char *source = report->accelerator->source;
    const char *lender = report->accelerator->efficiencies_from;
    bool done = root != NULL && accelerator != NULL &&
                set(accelerator, "name", text(report->accelerator->name)) &&
                set(accelerator, "source", source != NULL ? text(source) : json_null()) &&
                set(accelerator, "efficiencies_from", lender != NULL ? text(lender) : json_null());
    bool taken = root != NULL && set(root, "accelerator", accelerator);
    done = done && taken && add_lists(root, report);
    if (done)
        done = json_dumpf(root, stream, JSON_INDENT(2) | JSON_REAL_PRECISION(10)) == 0 ||
               ferror(stream) != 0; /* which the commit of the file reports */
    if (done)
        fputc('\n', stream);
    json_decref(root);
    return done;
}
