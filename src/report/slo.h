/* What a service has promised: the `slo` section. */
#ifndef LLMSIM_REPORT_SLO_H
#define LLMSIM_REPORT_SLO_H

#include "latency.h"
#include "settings.h"

/* Seconds at most; NaN: no limit. */
struct slo_limits {
    double each_s; /* of every good request */
    double figure_s[LATENCY_FIGURE_COUNT];
};

struct slo {
    struct slo_limits limits[LATENCY_COUNT]; /* each_s of inter-token latencies is not used */
    double goodput;                          /* share of requests that are good; NaN: not said */
};

extern const struct settings_table slo_settings;

/* No limit at all. */
struct slo slo_none(void);

/* What a request must meet to be good: each_s; without it the limit of the highest percentile. NaN:
 * nothing. */
double slo_request_limit_s(const struct slo *slo, enum latency latency);

/* Whether any request could fail to be good. */
bool slo_has_good_requests(const struct slo *slo);

#endif
