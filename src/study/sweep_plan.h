/* A sweep: a base configuration, and axes along which its keys take other values.
 *
 *     base: a100_llama7b.yaml
 *     sweep:
 *       engine.max_num_seqs: [8, 16, 32]                                 # a list
 *       workload.rate_scale: {from: 0.5, to: 2, count: 5, scale: log}    # or a range
 *     linked:                                        # axes of several keys that move together
 *       - {accelerator: [a100-sxm-80gb, h100-sxm], engine.gpu_memory_utilization: [0.9, 0.92]}
 *     exclude:                                       # combinations that are left out
 *       - {engine.max_num_seqs: 8, accelerator: h100-sxm}
 *     serve_params: serve.json                       # and an axis each from the parameter files of
 *     bench_params: bench.json                       # `vllm bench sweep serve`
 *
 * Every combination is a run, numbered from 0, the last axis turning fastest. */
#ifndef LLMSIM_STUDY_SWEEP_PLAN_H
#define LLMSIM_STUDY_SWEEP_PLAN_H

#include "document.h"
#include <stdint.h>

enum {
    SWEEP_MAX_AXES = 16,
    SWEEP_MAX_KEYS = 32,
    SWEEP_MAX_VALUES = 10000, /* of an axis */
    SWEEP_MAX_RUNS = 100000,  /* what is excluded counts */
    SWEEP_MAX_EXCLUDES = 100,
};

struct sweep_axis {
    size_t first_key, key_count; /* in the plan's keys */
    size_t value_count;
    const char **values; /* of each value, a text a key; NULL: as in the base */
};

struct sweep_plan {
    struct document *document; /* owned; holds all texts */
    const char *base;          /* the configuration's path */
    const char *keys[SWEEP_MAX_KEYS];
    size_t key_count;
    struct sweep_axis axes[SWEEP_MAX_AXES];
    size_t axis_count;
    int32_t *runs; /* owned: combinations that are not excluded */
    size_t run_count;
};

/* Read a sweep's file. The caller ends the plan, also after an error. */
bool sweep_plan_read(struct sweep_plan *plan, const char *path, struct error *error);
void sweep_plan_fini(struct sweep_plan *plan);

/* The value of the plan's key-th key in a run, as a configuration has it; NULL: as in the base. */
const char *sweep_plan_value(const struct sweep_plan *plan, size_t run, size_t key);

#endif
