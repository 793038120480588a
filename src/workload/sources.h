/* The sources of requests within a workload. All come from a configuration that workload_check has
 * passed. */
#ifndef LLMSIM_WORKLOAD_SOURCES_H
#define LLMSIM_WORKLOAD_SOURCES_H

#include "trace_source.h"
#include "workload.h"

/* How the workload's trace is to be read. */
struct trace_options workload_trace_options(const struct workload_config *config);

/* Whatever `arrivals` bring, drawn or out of a trace: endless but for num_requests, the trace's
 * length, and the duration of a closed loop. */
bool generator_open(const struct workload_config *config, uint64_t seed,
                    struct request_source *source, struct error *error);

/* The trace or the traffic as it is, before any transformation. */
bool workload_open_plain(const struct workload_config *config, uint64_t seed,
                         struct request_source *source, struct error *error);

/* Whether the configuration's transformations leave every request as it is. */
bool transform_is_identity(const struct transform_config *config);

/* The workload's requests under its transformations, in this order: start and duration, sample,
 * prompt_scale and output_scale, repeat, rate_scale or target_rate, max_requests. The workload is
 * opened once more for target_rate, and for every repetition. */
bool transform_open(const struct workload_config *config, uint64_t seed,
                    struct request_source *source, struct error *error);

#endif
