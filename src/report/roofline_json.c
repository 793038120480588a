/* The roofline as JSON: units at the end of every key. */
#include "roofline_report.h"

#include "json_values.h"
#include "summary.h"

static bool set_device(json_t *root, const struct roofline_device *device)
{
    json_t *object = json_object(), *roofs = json_array();
    bool done = json_set_text(object, "name", device->name);
    done &= json_set_text(object, "efficiencies_from", device->efficiencies_from);
    done &= json_set_real(object, "memory_bandwidth_bytes_per_s", device->bandwidth_bytes_per_s);
    for (int i = 0; i < device->roof_count; i++) {
        double peak = device->roofs[i].peak_flops_per_s;
        json_t *roof = json_object();
        done &= json_set_text(roof, "dtype", device->roofs[i].dtype);
        done &= json_set_real(roof, "peak_flops_per_s", peak);
        done &= json_set_real(roof, "ridge_flops_per_byte", roofline_ridge(device, peak));
        done &= json_array_append_new(roofs, roof) == 0;
    }
    done &= json_set(object, "roofs", roofs);
    return json_set(root, "accelerator", object) && done;
}

static bool append_gemm_row(json_t *rows, const struct roofline_gemm *gemm,
                            const struct roofline_gemm_row *row)
{
    double peak = row->roof.peak_flops_per_s;
    double ridge = roofline_ridge(&gemm->device, peak);
    double intensity = gemm->flops / row->moved_bytes;
    double attainable = roofline_attainable(&gemm->device, peak, intensity);
    double predicted = gemm->flops / row->cost.time_s;
    json_t *object = json_object();
    bool done = json_set_text(object, "dtype", row->roof.dtype);
    done &= json_set_real(object, "moved_bytes", row->moved_bytes);
    done &= json_set_real(object, "intensity_flops_per_byte", intensity);
    done &= json_set_real(object, "ridge_flops_per_byte", ridge);
    done &= json_set_real(object, "intensity_over_ridge", intensity / ridge);
    done &= json_set_text(object, "bound",
                          summary_bound_names[intensity >= ridge ? BOUND_COMPUTE : BOUND_MEMORY]);
    done &= json_set_real(object, "peak_flops_per_s", peak);
    done &= json_set_real(object, "attainable_flops_per_s", attainable);
    done &= json_set_real(object, "predicted_time_s", row->cost.time_s);
    done &= json_set_real(object, "predicted_flops_per_s", predicted);
    done &= json_set_real(object, "overhead_s", row->cost.bound_s[BOUND_OVERHEAD]);
    done &= json_set_real(object, "share_of_attainable", predicted / attainable);
    done &= json_set_real(object, "share_of_peak", predicted / peak);
    return json_array_append_new(rows, object) == 0 && done;
}

bool roofline_gemm_print_json(const struct roofline_gemm *gemm, FILE *stream)
{
    json_t *root = json_object(), *object = json_object(), *rows = json_array();
    bool done = set_device(root, &gemm->device);
    done &= json_set_real(object, "m", gemm->m);
    done &= json_set_real(object, "n", gemm->n);
    done &= json_set_real(object, "k", gemm->k);
    done &= json_set_real(object, "flops", gemm->flops);
    done &= json_set_real(object, "macs", gemm->flops / 2.0);
    for (int i = 0; i < gemm->count; i++)
        done &= append_gemm_row(rows, gemm, &gemm->rows[i]);
    done &= json_set(object, "dtypes", rows);
    done &= json_set(root, "gemm", object);
    return json_write(root, done, stream);
}

/* Where it never crosses: null. */
static bool set_crossing(json_t *object, const char *key, int64_t crossing)
{
    return json_set(object, key, crossing > 0 ? json_integer(crossing) : json_null());
}

static json_t *operator_json(const struct roofline_device *device, const struct roofline_step *step,
                             const struct roofline_operator *item, bool *done)
{
    const struct cost *cost = &item->cost;
    json_t *object = json_object(), *bounds = json_object();
    *done &= json_set_text(object, "name", item->name);
    *done &= json_set_real(object, "calls", item->calls);
    *done &= json_set_real(object, "flops", cost->flops);
    *done &= json_set_real(object, "moved_bytes", item->moved_bytes);
    *done &= json_set_real(object, "memory_bytes", cost->bytes);
    *done &= json_set_real(object, "intensity_flops_per_byte", roofline_intensity(item));
    *done &= json_set_real(object, "time_s", cost->time_s);
    *done &= json_set_real(object, "share", cost->time_s / step->total.cost.time_s);
    *done &= json_set_text(object, "bound", summary_bound_names[roofline_bound(cost)]);
    for (int i = 0; i < BOUND_COUNT; i++) {
        char key[32];
        snprintf(key, sizeof key, "%s_s", summary_bound_names[i]);
        *done &= json_set_real(bounds, key, cost->bound_s[i]);
    }
    *done &= json_set(object, "time_by_bound", bounds);
    *done &= json_set_real(object, "mfu", roofline_mfu(item));
    *done &= json_set_real(object, "mbu", roofline_mbu(device, item));
    return object;
}

static bool append_operator(json_t *rows, const struct roofline_device *device,
                            const struct roofline_step *step, const struct roofline_operator *item,
                            bool decode)
{
    bool done = true;
    json_t *object = operator_json(device, step, item, &done);
    if (item->peak_flops_per_s > 0.0) {
        done &= json_set_real(object, "peak_flops_per_s", item->peak_flops_per_s);
        done &= json_set_real(object, "ridge_flops_per_byte",
                              roofline_ridge(device, item->peak_flops_per_s));
        if (decode) {
            done &= set_crossing(object, "compute_bound_from_sequences", item->crossing_sequences);
            done &= set_crossing(object, "compute_bound_from_context_tokens",
                                 item->crossing_context_tokens);
        } else {
            done &= set_crossing(object, "compute_bound_from_prompt_tokens",
                                 item->crossing_prompt_tokens);
        }
    }
    return json_array_append_new(rows, object) == 0 && done;
}

static bool set_step(json_t *root, const struct roofline_steps *steps, int phase)
{
    const struct roofline_step *step = &steps->steps[phase];
    bool decode = phase == ROOFLINE_DECODE;
    const char *name = roofline_phase_names[phase];
    if (step->sequences == 0)
        return json_set(root, name, json_null());
    json_t *object = json_object(), *rows = json_array();
    bool done = json_set_whole(object, "sequences", step->sequences);
    done &= json_set_whole(object, decode ? "context_tokens" : "prompt_tokens", step->tokens);
    done &= json_set_real(object, "steps_per_request", step->steps_per_request);
    for (int i = 0; i < step->count; i++)
        done &= append_operator(rows, &steps->device, step, &step->operators[i], decode);
    done &= json_set(object, "operators", rows);
    done &= json_set(object, "total", operator_json(&steps->device, step, &step->total, &done));
    return json_set(root, name, object) && done;
}

static bool set_workload(json_t *root, const struct roofline_workload *workload)
{
    if (workload->requests == 0)
        return json_set(root, "workload", json_null());
    json_t *object = json_object();
    bool done = json_set_whole(object, "requests", workload->requests);
    done &= json_set_real(object, "mean_prompt_tokens", workload->mean_prompt_tokens);
    done &= json_set_real(object, "mean_output_tokens", workload->mean_output_tokens);
    return json_set(root, "workload", object) && done;
}

static bool set_balance(json_t *root, const struct roofline_balance *balance)
{
    json_t *object = json_object();
    bool done = json_set_real(object, "flops", balance->flops);
    done &= json_set_real(object, "moved_bytes", balance->moved_bytes);
    done &=
        json_set_real(object, "intensity_flops_per_byte", balance->flops / balance->moved_bytes);
    done &= json_set_real(object, "ridge_flops_per_byte", balance->ridge_flops_per_byte);
    done &= json_set_real(object, "time_s", balance->time_s);
    done &= json_set_real(object, "best_ridge_flops_per_byte", balance->best_ridge_flops_per_byte);
    done &= json_set_real(object, "best_time_s", balance->best_time_s);
    return json_set(root, "balance", object) && done;
}

bool roofline_steps_print_json(const struct roofline_steps *steps, FILE *stream)
{
    json_t *root = json_object();
    bool done = json_set_text(root, "model", steps->model);
    done &= json_set_text(root, "dtype", steps->dtype);
    done &= json_set_whole(root, "ranks", steps->ranks);
    done &= set_device(root, &steps->device);
    done &= json_set_whole(root, "crossing_search_limit", steps->search_limit_tokens);
    for (int phase = 0; phase < ROOFLINE_PHASE_COUNT; phase++)
        done &= set_step(root, steps, phase);
    done &= set_workload(root, &steps->workload);
    done &= set_balance(root, &steps->balance);
    return json_write(root, done, stream);
}
