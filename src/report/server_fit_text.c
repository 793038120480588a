/* The fit to a server's log as a table, and as JSON. */
#include "json_values.h"
#include "server_fit_report.h"

#include <inttypes.h>

static void format_error(const struct server_fit_parameter *parameter, char text[32])
{
    if (isnan(parameter->standard_error))
        snprintf(text, 32, "held");
    else if (parameter->is_factor)
        snprintf(text, 32, "%.2g %%", 100.0 * parameter->standard_error);
    else
        snprintf(text, 32, "%.2g ms", 1e3 * parameter->standard_error);
}

static void print_errors(const char *name, const struct server_fit_errors *errors, FILE *stream)
{
    fprintf(stream, "  %-30s", name);
    for (int i = 0; i < VALIDATION_METRIC_COUNT; i++)
        fprintf(stream, " %+9.2f %%", errors->mean_pct[i]);
    fprintf(stream, "%12.2f %%\n", errors->mape_pct[VALIDATION_E2E]);
}

void server_fit_print_text(const struct server_fit_report *report, FILE *stream)
{
    fprintf(stream,
            "Log             %s (%s): %" PRId64 " requests, %" PRId64
            " times of prefill and decode\n",
            report->path, report->format, report->requests, report->observations);
    fprintf(stream, "\n  %-20s%14s%14s%16s  %s\n", "Parameter", "before", "after", "standard error",
            "most alike in effect");
    for (int i = 0; i < SERVER_FIT_PARAMETERS; i++) {
        const struct server_fit_parameter *parameter = &report->parameters[i];
        char error[32];
        format_error(parameter, error);
        fprintf(stream, "  %-20s%14s%14s%16s", parameter->name, parameter->before, parameter->after,
                error);
        if (parameter->entangled_with != NULL)
            fprintf(stream, "  %s (%+.2f)", parameter->entangled_with, parameter->entanglement);
        fputc('\n', stream);
    }
    fprintf(stream, "\n  %-30s%12s%12s%12s%14s\n", "Error of the run", "mean TTFT", "TPOT", "E2E",
            "E2E MAPE");
    print_errors("before", &report->before, stream);
    print_errors("after", &report->after, stream);
    fprintf(stream,
            "\nHeld out        decode times of each half of the log, by a fit to the other half: "
            "%+.2f %%, MAPE %.2f %%\n",
            report->held_out_mean_pct, report->held_out_mape_pct);
    for (int i = 0; i < SERVER_FIT_PARAMETERS; i++)
        fprintf(stream, "%s%-20s%s\n", i == 0 ? "Parameters      " : "                ",
                report->parameters[i].name, report->parameters[i].what);
}

static bool append_parameter(json_t *list, const struct server_fit_parameter *parameter)
{
    json_t *object = json_object();
    bool done = json_set_text(object, "name", parameter->name);
    done &= json_set_text(object, "before", parameter->before);
    done &= json_set_text(object, "after", parameter->after);
    done &= json_set(object, "held", json_boolean(parameter->held));
    done &= json_set_real(object, parameter->is_factor ? "standard_error" : "standard_error_s",
                          parameter->standard_error);
    done &= json_set_text(object, "entangled_with", parameter->entangled_with);
    done &= json_set_real(object, "entanglement", parameter->entanglement);
    return json_array_append_new(list, object) == 0 && done;
}

static bool set_errors(json_t *root, const char *key, const struct server_fit_errors *errors)
{
    json_t *object = json_object();
    bool done = true;
    for (int i = 0; i < VALIDATION_METRIC_COUNT; i++) {
        char name[32];
        snprintf(name, sizeof name, "mean_%s_pct", validation_metric_names[i]);
        done &= json_set_real(object, name, errors->mean_pct[i]);
        snprintf(name, sizeof name, "mape_%s_pct", validation_metric_names[i]);
        done &= json_set_real(object, name, errors->mape_pct[i]);
    }
    return json_set(root, key, object) && done;
}

bool server_fit_print_json(const struct server_fit_report *report, FILE *stream)
{
    json_t *root = json_object(), *parameters = json_array(), *held_out = json_object();
    bool done = json_set_text(root, "measured_log", report->path);
    done &= json_set_text(root, "format", report->format);
    done &= json_set_whole(root, "requests", report->requests);
    done &= json_set_whole(root, "observations", report->observations);
    for (int i = 0; i < SERVER_FIT_PARAMETERS; i++)
        done &= append_parameter(parameters, &report->parameters[i]);
    done &= json_set(root, "parameters", parameters);
    done &= set_errors(root, "before", &report->before);
    done &= set_errors(root, "after", &report->after);
    done &= json_set_real(held_out, "mean_decode_pct", report->held_out_mean_pct);
    done &= json_set_real(held_out, "mape_decode_pct", report->held_out_mape_pct);
    done &= json_set(root, "held_out", held_out);
    return json_write(root, done, stream);
}
