/* The times of a log's requests that an accelerator is fitted to, in groups.
 *
 * When a request meets a step is chance, in the simulation as on the server; of several alike, the sums
 * are compared. */
#ifndef LLMSIM_STUDY_SERVER_TIMES_H
#define LLMSIM_STUDY_SERVER_TIMES_H

#include "measured_replay.h"

/* Groups of each kind of time and each half of the log, at most; kinds × halves. */
enum { SERVER_GROUPS = 12, SERVER_KINDS = 4, SERVER_MAX_GROUPS = SERVER_GROUPS * SERVER_KINDS };

/* A time of a request. */
struct server_time {
    size_t request;
    bool is_decode; /* first token to last; else scheduled, or arrival, to first token */
    int half; /* of the log: consecutive requests, in tenths, go to one and the other by turns */
    double measured_ns;
    double order; /* what those are alike in that are in one group */
    int group;
};

struct server_times {
    struct server_time *times; /* owned; those of a group behind each other */
    size_t count;
    int group_count; /* at most SERVER_MAX_GROUPS */
};

/* All times of requests that the replay's last run serves. Where the log does not say when requests
 * were scheduled, prefill times are the TTFT of those that did not queue there. False without memory;
 * server_times_fini either way. */
bool server_times_init(struct server_times *times, const struct measured_replay *replay);
void server_times_fini(struct server_times *times);

/* The same time in the replay's last run; NaN: it has none. */
double server_time_predicted_ns(const struct server_time *time,
                                const struct measured_replay *replay);

#endif
