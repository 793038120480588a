/* The two sources of requests. Both come from a configuration that workload_check has passed. */
#ifndef LLMSIM_WORKLOAD_SOURCES_H
#define LLMSIM_WORKLOAD_SOURCES_H

#include "workload.h"

/* A trace, row by row. */
bool trace_source_open(const struct workload_config *config, struct request_source *source,
                       struct error *error);

/* Generated traffic, endless but for num_requests. */
bool generator_open(const struct workload_config *config, uint64_t seed,
                    struct request_source *source, struct error *error);

#endif
