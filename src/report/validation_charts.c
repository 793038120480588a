/* What the page of a validation shows beyond its figures. */
#include "json_values.h"
#include "validation_report.h"

#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS_MAX = 2000, QUANTILES = 100 };

static json_t *points_json(const struct validation_pairs *pairs, size_t every)
{
    json_t *points = json_array();
    for (size_t i = 0; i < pairs->count; i += every)
        json_array_append_new(points,
                              json_pack("[f, f]", pairs->measured_ms[i], pairs->predicted_ms[i]));
    return points;
}

static double *sorted(const double *values, size_t count)
{
    double *copy = malloc((count + 1) * sizeof *copy);
    if (copy == NULL)
        return NULL;
    memcpy(copy, values, count * sizeof *copy);
    gsl_sort(copy, 1, count);
    return copy;
}

/* NULL when memory cannot be had. */
static json_t *quantiles_json(const struct validation_pairs *pairs)
{
    double *measured = sorted(pairs->measured_ms, pairs->count);
    double *predicted = sorted(pairs->predicted_ms, pairs->count);
    json_t *rows = measured != NULL && predicted != NULL ? json_array() : NULL;
    for (int i = 0; rows != NULL && pairs->count > 0 && i <= QUANTILES; i++) {
        const double share = (double)i / QUANTILES;
        json_array_append_new(
            rows,
            json_pack("[f, f, f]", 100.0 * share,
                      gsl_stats_quantile_from_sorted_data(measured, 1, pairs->count, share),
                      gsl_stats_quantile_from_sorted_data(predicted, 1, pairs->count, share)));
    }
    free(measured);
    free(predicted);
    return rows;
}

json_t *validation_charts_json(const struct validation_report *report)
{
    json_t *all = json_object();
    bool done = true;
    for (int m = 0; m < VALIDATION_METRIC_COUNT; m++) {
        const struct validation_pairs *pairs = &report->pairs[m];
        const size_t every = (pairs->count + POINTS_MAX - 1) / POINTS_MAX;
        json_t *metric = json_object();
        done &= json_set(metric, "points", points_json(pairs, every > 0 ? every : 1));
        done &= json_set_whole(metric, "every", (int64_t)(every > 0 ? every : 1));
        done &= json_set(metric, "quantiles", quantiles_json(pairs));
        done &= json_set(all, validation_metric_names[m], metric);
    }
    if (done)
        return json_pack("{s:o}", "pairs", all);
    json_decref(all);
    return NULL;
}
