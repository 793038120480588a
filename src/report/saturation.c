#include "saturation.h"

#include <llmsim/sim_time.h>
#include <math.h>
#include <string.h>

enum { FIRST_WINDOW_BITS = 10, REQUESTS_MIN = 20, WINDOWS_MIN = 16, SATURATION_GROUPS = 64 };
static const double FULL_SHARE = 0.97, GROWTH_ERRORS = 3.0, WAITING_SHARE = 0.01;

const char *const saturation_verdict_names[LOAD_COUNT] = {[LOAD_UNKNOWN] = "unknown",
                                                          [LOAD_STABLE] = "stable",
                                                          [LOAD_SATURATED] = "saturated",
                                                          [LOAD_OVERLOADED] = "overloaded"};

void saturation_init(struct saturation *saturation, int64_t replicas)
{
    *saturation = (struct saturation){.replicas = replicas, .window_bits = FIRST_WINDOW_BITS};
}

static void double_windows(struct saturation *saturation)
{
    struct saturation_window *windows = saturation->windows;
    for (size_t i = 0; i < SATURATION_WINDOWS / 2; i++) {
        const struct saturation_window *first = &windows[2 * i], *second = first + 1;
        windows[i] = (struct saturation_window){first->arrived + second->arrived,
                                                first->started + second->started,
                                                first->full_ns + second->full_ns};
    }
    memset(&windows[SATURATION_WINDOWS / 2], 0, SATURATION_WINDOWS / 2 * sizeof *windows);
    saturation->window_bits++;
}

static struct saturation_window *window_at(struct saturation *saturation, int64_t time_ns)
{
    while (time_ns >> saturation->window_bits >= SATURATION_WINDOWS)
        double_windows(saturation);
    return &saturation->windows[time_ns >> saturation->window_bits];
}

void saturation_step(struct saturation *saturation, const struct step_report *report)
{
    if (report->full)
        window_at(saturation, report->start_ns)->full_ns +=
            (double)(report->end_ns - report->start_ns);
}

void saturation_outcome(struct saturation *saturation, const struct request_outcome *outcome)
{
    if (outcome->status != REQUEST_COMPLETED)
        return;
    window_at(saturation, outcome->scheduled_ns)->started++;
    window_at(saturation, outcome->arrival_ns)->arrived++;
    if (saturation->last_arrival_ns < outcome->arrival_ns)
        saturation->last_arrival_ns = outcome->arrival_ns;
}

/* Mean over standard error of what the queue grows by in each of `count` windows' groups. */
static double growth_over_error(const struct saturation *saturation, int64_t count)
{
    const int64_t group = (count + SATURATION_GROUPS - 1) / SATURATION_GROUPS;
    double n = 0.0, mean = 0.0, squares = 0.0;
    for (int64_t i = 0; i + group <= count; i += group) {
        int64_t growth = 0;
        for (int64_t k = i; k < i + group; k++)
            growth += saturation->windows[k].arrived - saturation->windows[k].started;
        const double distance = (double)growth - mean;
        n += 1.0;
        mean += distance / n;
        squares += distance * ((double)growth - mean);
    }
    return squares > 0.0 ? mean / sqrt(squares / (n * (n - 1.0))) : (double)NAN;
}

void saturation_judge(const struct saturation *saturation, struct saturation_summary *summary)
{
    /* Whole windows: the last arrival is in the one behind them. */
    const int64_t count = saturation->last_arrival_ns >> saturation->window_bits;
    const double span_ns = ldexp((double)count, saturation->window_bits);
    int64_t arrived = 0, started = 0;
    double full_ns = 0.0;
    for (int64_t i = 0; i < count; i++) {
        arrived += saturation->windows[i].arrived;
        started += saturation->windows[i].started;
        full_ns += saturation->windows[i].full_ns;
    }
    *summary = (struct saturation_summary){.verdict = LOAD_UNKNOWN};
    if (count < WINDOWS_MIN || arrived < REQUESTS_MIN)
        return;
    const double span_s = span_ns / (double)SIM_NS_PER_S;
    summary->full_share = fmin(full_ns / (span_ns * (double)saturation->replicas), 1.0);
    summary->arrival_rate_per_s = (double)arrived / span_s;
    summary->start_rate_per_s = (double)started / span_s;
    summary->waiting = arrived - started;
    summary->growth_over_error = growth_over_error(saturation, count);
    /* Without an error at all, it grows if it is there. */
    const bool grows = isnan(summary->growth_over_error)
                           ? summary->waiting > 0
                           : summary->growth_over_error > GROWTH_ERRORS;
    if (grows && (double)summary->waiting >= WAITING_SHARE * (double)arrived)
        summary->verdict = LOAD_OVERLOADED;
    else
        summary->verdict = summary->full_share >= FULL_SHARE ? LOAD_SATURATED : LOAD_STABLE;
}
