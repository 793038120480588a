/* The roofline as a page of its own, and as the data of other pages. */
#include "html_report.h"
#include "roofline_plot.h"
#include "summary.h"

#include <math.h>

static json_t *roofs_json(const struct roofline_device *device)
{
    json_t *roofs = json_array();
    for (int i = 0; i < device->roof_count; i++)
        json_array_append_new(roofs,
                              json_pack("{s:s, s:f}", "dtype", device->roofs[i].dtype,
                                        "peak_flops_per_s", device->roofs[i].peak_flops_per_s));
    return roofs;
}

static json_t *points_json(const struct roofline_plot *plot)
{
    json_t *points = json_array();
    for (int i = 0; i < plot->count; i++) {
        const struct roofline_point *point = &plot->points[i];
        json_array_append_new(
            points,
            json_pack("{s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:s}", "label", point->label,
                      "kind", roofline_marker_names[point->marker], "intensity_flops_per_byte",
                      point->intensity, "achieved_flops_per_s", point->flops_per_s, "share",
                      point->share, "time_s", point->time_s, "flops", point->flops, "moved_bytes",
                      point->moved_bytes, "bound", summary_bound_names[point->bound]));
    }
    return points;
}

json_t *roofline_plot_json(const struct roofline_plot *plot)
{
    struct roofline_axes axes = roofline_plot_axes(plot);
    return json_pack("{s:s, s:s, s:f, s:{s:f, s:f, s:f, s:f}, s:o, s:o}", "title", plot->title,
                     "subtitle", plot->subtitle, "memory_bandwidth_bytes_per_s",
                     plot->device.bandwidth_bytes_per_s, "axes", "x_low", pow(10.0, axes.x_low),
                     "x_high", pow(10.0, axes.x_high), "y_low", pow(10.0, axes.y_low), "y_high",
                     pow(10.0, axes.y_high), "roofs", roofs_json(&plot->device), "points",
                     points_json(plot));
}

bool roofline_draw_html(const struct roofline_plot *plot, FILE *stream, struct error *error)
{
    json_t *extra = json_pack("{s:o}", "plot", roofline_plot_json(plot));
    const struct html_report page = {.kind = HTML_ROOFLINE,
                                     .title = plot->title,
                                     .subtitle = plot->subtitle,
                                     .report_json = "{}",
                                     .extra = extra};
    const bool done = extra != NULL ? html_report_write(&page, stream, error)
                                    : error_run(error, "out of memory for the plot");
    json_decref(extra);
    return done;
}
