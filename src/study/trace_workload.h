/* The workload of a trace that the command line names, without a configuration around it; and of a
 * workload section that is only text. */
#ifndef LLMSIM_STUDY_TRACE_WORKLOAD_H
#define LLMSIM_STUDY_TRACE_WORKLOAD_H

#include "workload.h"

struct trace_workload {
    struct workload_config workload;
    int64_t seed;
    struct document *document; /* owned; every text above lives in it */
};

/* The trace at `path` ("-": stdin) under overrides of workload.KEY and seed, in order: as the section
 * {workload: {trace: PATH}} would be read, and checked. After failure there is nothing to free. */
bool trace_workload_load(struct trace_workload *trace, const char *path,
                         const char *const *overrides, size_t override_count, struct error *error);

/* A document of a workload section and perhaps a seed, and nothing else; `name` stands for it in
 * messages. After failure there is nothing to free. */
bool trace_workload_read(struct trace_workload *trace, const char *name, const char *text,
                         struct error *error);

/* A file that has a workload section and perhaps a seed, and nothing else, as `trace fit` writes it;
 * *alone: it is one. A file with a `model` is not (experiment_config_load), and then, as after
 * failure, there is nothing to free. */
bool trace_workload_load_section(struct trace_workload *trace, const char *path,
                                 const char *const *overrides, size_t override_count, bool *alone,
                                 struct error *error);

void trace_workload_fini(struct trace_workload *trace);

#endif
