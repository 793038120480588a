/* When requests arrive, one by one: at times of their own (open_loop.c), or when users have had
 * their answers (closed_loop.c). */
#ifndef LLMSIM_WORKLOAD_FLOW_H
#define LLMSIM_WORKLOAD_FLOW_H

#include "arrivals.h"
#include "content.h"
#include <llmsim/sim_time.h>

struct flow {
    void *state;
    /* When the next request arrives; SIM_TIME_NEVER: too late to be said. The same again until it is
     * taken, or something finishes. */
    enum request_source_result (*offer)(void *state, int64_t *arrival_ns, struct error *error);
    /* The request that was offered, all of it but the arrival; its texts and ids are valid until the
     * next offer. */
    bool (*fill)(void *state, struct request *request, struct error *error);
    /* What was offered is on its way, as the request_id-th of the workload. */
    bool (*take)(void *state, int64_t request_id, struct error *error);
    /* Closed only, else NULL: it has been answered. False: that was none of this flow's. */
    bool (*finished)(void *state, int64_t request_id, int64_t now_ns);
    void (*destroy)(void *state); /* accepts NULL */
};

struct flow_options {
    const struct arrivals_config *arrivals;
    double turn_gap_s;         /* of an open loop with sessions; unset: there are none */
    int64_t end_ns;            /* nothing arrives then, or later; SIM_TIME_NEVER: no such time */
    const char *stream_prefix; /* of the names of its random streams: "chat." of a class, or "" */
    uint64_t seed;
    struct content *content; /* not owned; outlives the flow */
};

bool open_loop_open(const struct flow_options *options, struct flow *flow, struct error *error);
bool closed_loop_open(const struct flow_options *options, struct flow *flow, struct error *error);

/* now + an exponential time of that mean; SIM_TIME_NEVER: beyond simulated time. */
int64_t flow_wait_ns(gsl_rng *rng, int64_t now_ns, double mean_s);

#endif
