/* Within the reading of a sweep's file. All but the first fill the reading's error when they fail. */
#ifndef LLMSIM_STUDY_SWEEP_READING_H
#define LLMSIM_STUDY_SWEEP_READING_H

#include "sweep_plan.h"

struct sweep_reading {
    struct sweep_plan *plan;
    struct error *error;
};

/* Whether the sweep has parameter files of vLLM's benchmark. */
bool sweep_has_vllm_axes(const struct node *root);

/* An axis for each of them: of a list of combinations, one value each. */
bool sweep_read_vllm_axes(const struct sweep_reading *reading, const struct node *root);

/* The plan's next axis, of no keys yet; its keys are added next. NULL: too many. */
struct sweep_axis *sweep_begin_axis(const struct sweep_reading *reading, const struct location *at);
bool sweep_add_key(const struct sweep_reading *reading, const char *key, const struct location *at);

/* Room for that many values of each of the axis's keys, all NULL. */
bool sweep_allocate_values(const struct sweep_reading *reading, struct sweep_axis *axis,
                           size_t value_count);

/* The text of a scalar of one line, or NULL. */
const char *sweep_take_value(const struct sweep_reading *reading, const struct node *item);

/* Always false. */
bool sweep_out_of_memory(const struct sweep_reading *reading);

#endif
