/* What arrives: a trace, or generated traffic, as a stream of requests. */
#ifndef LLMSIM_WORKLOAD_WORKLOAD_H
#define LLMSIM_WORKLOAD_WORKLOAD_H

#include "traffic.h"
#include "transform.h"
#include <llmsim/request.h>

struct workload_config {
    const char *trace;             /* a path, "-": stdin; NULL: generated */
    int format;                    /* auto, or an index into the formats */
    int on_bad_row;                /* error, skip */
    int64_t prefix_block_tokens;   /* unset: what the format says, 16 if generated */
    struct traffic_config traffic; /* generated; of a trace, only arrivals, if any */
    struct settings_map classes;   /* struct traffic_config: generated, instead of the one above */
    int64_t num_requests;          /* generated; unset: until transform.duration_s is over */
    struct transform_config transform; /* of either */
    struct trace_store *store;         /* that shares the trace with other runs; NULL: none */
};

extern const struct settings_table workload_settings;

/* Whether its clients wait for answers: when requests arrive depends on who serves them. */
bool workload_is_closed(const struct workload_config *config);

/* Trace or generator, not both nor neither; no key that the choice would ignore. */
bool workload_check(const struct workload_config *config, const struct node *node,
                    struct error *error);

/* Open the stream. An empty trace is an error here. Arrivals count from the first arrival. */
bool workload_open(const struct workload_config *config, uint64_t seed,
                   struct request_source *source, struct error *error);

#endif
