/* The promises of an SLO, and whether a run keeps them. */
#include "capacity_report.h"

/* Shares of bad requests are compared with one in a million more of each: none at all is a share too. */
static const double least_share = 1e-6;

size_t slo_list_checks(const struct slo *slo, double default_goodput,
                       struct slo_check checks[CAPACITY_MAX_CHECKS])
{
    size_t count = 0;
    bool limits_requests = false;
    for (int i = 0; i < LATENCY_COUNT; i++) {
        const struct slo_limits *limits = &slo->limits[i];
        for (int figure = 0; figure < LATENCY_FIGURE_COUNT; figure++) {
            if (setting_is_set(limits->figure_s[figure]))
                checks[count++] = (struct slo_check){.latency = (enum latency)i,
                                                     .figure = (enum latency_figure)figure,
                                                     .limit = 1e3 * limits->figure_s[figure]};
        }
        limits_requests |= i != LATENCY_ITL && setting_is_set(limits->each_s);
    }
    if (setting_is_set(slo->goodput) && slo_has_good_requests(slo))
        checks[count++] = (struct slo_check){.is_goodput = true, .limit = slo->goodput};
    else if (limits_requests)
        checks[count++] = (struct slo_check){.is_goodput = true, .limit = default_goodput};
    return count;
}

double slo_check_value(const struct slo_check *check, const struct summary *summary)
{
    if (check->is_goodput) {
        const double good = summary->request_goodput_per_s * summary->duration_s;
        const double all = (double)(summary->completed + summary->failed);
        return all > 0.0 ? good / all : (double)NAN;
    }
    const struct latency_summary *latency = &summary->latency[check->latency];
    switch (check->figure) {
    case FIGURE_MEAN:
        return latency->mean_ms;
    case FIGURE_MEDIAN:
        return latency->median_ms;
    case FIGURE_P90:
        return latency->p90_ms;
    case FIGURE_P95:
        return latency->p95_ms;
    case FIGURE_P99:
    case LATENCY_FIGURE_COUNT:
        break;
    }
    return latency->p99_ms;
}

double slo_check_margin(const struct slo_check *check, double value)
{
    if (isnan(value))
        return -SLO_WIDEST_MARGIN;
    /* Of exact equality, and of shares that are so but for rounding, the promise is kept. */
    double margin = log(value / check->limit);
    if (check->is_goodput)
        margin =
            value >= check->limit - 1e-12
                ? fmin(0.0, log((1.0 - value + least_share) / (1.0 - check->limit + least_share)))
                : log((1.0 - value + least_share) / (1.0 - check->limit + least_share));
    return fmin(fmax(margin, -SLO_WIDEST_MARGIN), SLO_WIDEST_MARGIN);
}

void slo_check_name(const struct slo_check *check, char name[32])
{
    if (check->is_goodput)
        snprintf(name, 32, "goodput");
    else
        snprintf(name, 32, "%s_%s_ms", summary_figure_names[check->figure],
                 summary_latency_names[check->latency]);
}
