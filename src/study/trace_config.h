/* A trace alone, without a configuration: its workload section, and the seed. */
#ifndef LLMSIM_STUDY_TRACE_CONFIG_H
#define LLMSIM_STUDY_TRACE_CONFIG_H

#include "workload.h"

struct trace_config {
    struct workload_config workload;
    int64_t seed;              /* of what chance decides: `sample`, `arrivals` */
    struct document *document; /* owned; every text above lives in it */
};

/* The trace at `path` ("-": stdin) under overrides "workload.KEY=VALUE" and "seed=N". After failure
 * there is nothing to free. */
bool trace_config_load(struct trace_config *config, const char *path, const char *const *overrides,
                       size_t override_count, struct error *error);
void trace_config_fini(struct trace_config *config);

#endif
