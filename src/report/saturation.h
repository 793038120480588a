/* Does the server keep up? Whether there is room for another request, and whether the queue grows.
 *
 * Time from the first arrival to the last is cut into at most 64 windows. The queue grows when its
 * growth a window, on average, is more than three of its standard errors above nothing, and a
 * hundredth of all requests are left waiting: "overloaded". Otherwise a server that had no room for one more
 * request for 97 % of the time is "saturated": of a single server, that share is its utilisation. */
#ifndef LLMSIM_REPORT_SATURATION_H
#define LLMSIM_REPORT_SATURATION_H

#include <llmsim/observer.h>

enum { SATURATION_WINDOWS = 1024 };

enum saturation_verdict { LOAD_UNKNOWN, LOAD_STABLE, LOAD_SATURATED, LOAD_OVERLOADED, LOAD_COUNT };
extern const char *const saturation_verdict_names[LOAD_COUNT]; /* "unknown", … */

struct saturation_window {
    int64_t arrived, started; /* requests: started are those that were scheduled first */
    double full_ns;           /* no room for one more, summed over the replicas */
};

struct saturation {
    int64_t replicas;
    int window_bits; /* windows last two to this power ns: doubled when the run outgrows them */
    int64_t last_arrival_ns;
    struct saturation_window windows[SATURATION_WINDOWS];
};

/* What it was judged by. */
struct saturation_summary {
    /* Unknown: fewer than 20 requests, or they arrive within a 64th of the run, all at once. */
    enum saturation_verdict verdict;
    double full_share; /* of the time from the first arrival to the last */
    double arrival_rate_per_s;
    double start_rate_per_s;  /* requests taken up from the queue, over the same time */
    int64_t waiting;          /* at the end of it: arrived and not taken up */
    double growth_over_error; /* of the queue a window: mean / standard error; NaN: no error */
};

void saturation_init(struct saturation *saturation, int64_t replicas);

/* As an observer's functions. */
void saturation_step(struct saturation *saturation, const struct step_report *report);
void saturation_outcome(struct saturation *saturation, const struct request_outcome *outcome);

/* After the last of them. */
void saturation_judge(const struct saturation *saturation, struct saturation_summary *summary);

#endif
