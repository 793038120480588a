#include "slo.h"

#define LIMIT(key, member, words)                                                                  \
    {                                                                                              \
        .name = (key), .kind = SETTING_REAL, .unit = UNIT_SECONDS,                                 \
        .offset = offsetof(struct slo_limits, member), .preset = "none", .minimum = 0,             \
        .maximum = INFINITY, .help = (words)                                                       \
    }
#define FIGURES                                                                                    \
    LIMIT("mean", figure_s[FIGURE_MEAN], "most that the mean may be"),                             \
        LIMIT("p50", figure_s[FIGURE_MEDIAN], "the median"),                                       \
        LIMIT("p90", figure_s[FIGURE_P90], "the 90th percentile"),                                 \
        LIMIT("p95", figure_s[FIGURE_P95], "the 95th percentile"),                                 \
        LIMIT("p99", figure_s[FIGURE_P99], "the 99th percentile")

static const struct setting request_limits[] = {
    LIMIT("each", each_s,
          "that a good request meets, as a value in place of this section; none: its highest "
          "percentile's"),
    FIGURES,
};
static const struct setting gap_limits[] = {FIGURES};
static const struct settings_table request_table = {"a limit of the slo section", request_limits,
                                                    sizeof request_limits / sizeof *request_limits};
static const struct settings_table gap_table = {"a limit of the slo section", gap_limits,
                                                sizeof gap_limits / sizeof *gap_limits};

#define SECTION(key, latency, table, member)                                                       \
    {                                                                                              \
        .name = (key), .kind = SETTING_SECTION,                                                    \
        .offset = offsetof(struct slo, limits) + (latency) * sizeof(struct slo_limits),            \
        .preset = "none", .section = (table), .alone = (member)                                    \
    }

static const struct setting settings[] = {
    SECTION("ttft", LATENCY_TTFT, &request_table, request_limits),
    SECTION("tpot", LATENCY_TPOT, &request_table, request_limits),
    SECTION("itl", LATENCY_ITL, &gap_table, NULL),
    SECTION("e2e", LATENCY_E2EL, &request_table, request_limits),
    {
        .name = "goodput",
        .kind = SETTING_REAL,
        .offset = offsetof(struct slo, goodput),
        .preset = "none",
        .minimum = 0,
        .maximum = 1,
        .help = "share of the requests that are good, at least",
    },
};

const struct settings_table slo_settings = {"the slo section", settings,
                                            sizeof settings / sizeof *settings};

struct slo slo_none(void)
{
    struct slo slo = {.goodput = SETTING_UNSET_REAL};
    for (int i = 0; i < LATENCY_COUNT; i++) {
        slo.limits[i].each_s = SETTING_UNSET_REAL;
        for (int figure = 0; figure < LATENCY_FIGURE_COUNT; figure++)
            slo.limits[i].figure_s[figure] = SETTING_UNSET_REAL;
    }
    return slo;
}

double slo_request_limit_s(const struct slo *slo, enum latency latency)
{
    static const enum latency_figure highest_first[] = {FIGURE_P99, FIGURE_P95, FIGURE_P90,
                                                        FIGURE_MEDIAN};
    const struct slo_limits *limits = &slo->limits[latency];
    if (latency == LATENCY_ITL)
        return SETTING_UNSET_REAL;
    if (setting_is_set(limits->each_s))
        return limits->each_s;
    for (size_t i = 0; i < sizeof highest_first / sizeof *highest_first; i++) {
        if (setting_is_set(limits->figure_s[highest_first[i]]))
            return limits->figure_s[highest_first[i]];
    }
    return SETTING_UNSET_REAL;
}

bool slo_has_good_requests(const struct slo *slo)
{
    return setting_is_set(slo_request_limit_s(slo, LATENCY_TTFT)) ||
           setting_is_set(slo_request_limit_s(slo, LATENCY_TPOT)) ||
           setting_is_set(slo_request_limit_s(slo, LATENCY_E2EL));
}
