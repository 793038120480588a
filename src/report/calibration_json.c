/* The calibration as JSON. */
#include "calibration_report.h"

#include "json_values.h"

/* The errors' members into `object`, which it returns; NULL when memory cannot be had. */
static json_t *add_errors(json_t *object, const struct calibration_errors *errors)
{
    if (object == NULL || json_object_set_new(object, "rows", json_integer(errors->rows)) != 0 ||
        json_object_set_new(object, "mape_pct", json_real_or_null(errors->mape_pct)) != 0 ||
        json_object_set_new(object, "median_ape_pct", json_real_or_null(errors->median_ape_pct)) !=
            0 ||
        json_object_set_new(object, "bias_pct", json_real_or_null(errors->bias_pct)) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static json_t *json_parts(const struct calibration_part *parts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        json_t *part = json_object();
        if (part != NULL && !json_set_text(part, "name", parts[i].name)) {
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
        bool done = item != NULL && json_set_whole(item, "rows", file->left_out[i].rows) &&
                    json_set_text(item, "reason", file->left_out[i].reason);
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
    if (object == NULL || !json_set_text(object, "file", file->path) ||
        !json_set_text(object, "kind", file->kind)) {
        json_decref(object);
        return NULL;
    }
    object = add_errors(object, &file->errors);
    if (object != NULL && (!json_set(object, "parts", json_parts(file->parts, file->part_count)) ||
                           !json_set(object, "left_out", json_left_out(file)))) {
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
        bool done = item != NULL && json_set_text(item, "key", parameter->key) &&
                    json_set_text(item, "before", parameter->before) &&
                    json_set_text(item, "after", parameter->after) &&
                    json_set_text(item, "status", statuses[parameter->status]) &&
                    json_set_real(item, "standard_error_pct", parameter->standard_error_pct) &&
                    json_set(item, "refusal",
                             *parameter->refusal != '\0' ? json_text_or_null(parameter->refusal)
                                                         : json_null());
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
        bool done = item != NULL && json_set_text(item, "file", worst->path) &&
                    json_set_whole(item, "line", worst->line) &&
                    json_set_real(item, "measured_us", worst->measured_us) &&
                    json_set_real(item, "predicted_us", worst->predicted_us);
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
    if (json_set_text(object, "family", fit->family) &&
        json_set_text(object, "section", fit->section) &&
        json_set(object, "before", add_errors(json_object(), &fit->before)) &&
        json_set(object, "after", add_errors(json_object(), &fit->after)) &&
        json_set(object, "held_out", add_errors(json_object(), &fit->held_out)) &&
        json_set(object, "parameters", json_parameters(fit)) &&
        json_set(object, "regimes", json_parts(fit->regimes, fit->regime_count)) &&
        json_set(object, "worst", json_worst(fit)))
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
    bool has_files = json_set(root, "files", files);
    bool has_all = json_set(root, "all", add_errors(json_object(), &report->all));
    bool has_fits = json_set(root, "fits", fits);
    return done && has_files && has_all && has_fits;
}

bool calibration_print_json(const struct calibration_report *report, FILE *stream)
{
    json_t *root = json_object(), *accelerator = json_object();
    const char *source = report->accelerator->source;
    const char *lender = report->accelerator->efficiencies_from;
    bool done = root != NULL && accelerator != NULL &&
                json_set_text(accelerator, "name", report->accelerator->name) &&
                json_set_text(accelerator, "source", source) &&
                json_set_text(accelerator, "efficiencies_from", lender);
    bool taken = root != NULL && json_set(root, "accelerator", accelerator);
    done = done && taken && add_lists(root, report);
    return json_write(root, done, stream);
}
