#include "cost_speed.h"

#include <stdlib.h>

struct scaled {
    struct cost_model inner; /* owned */
    double speed;
};

static void multiply(struct cost *cost, double factor)
{
    cost->time_s *= factor;
    for (int i = 0; i < BOUND_COUNT; i++)
        cost->bound_s[i] *= factor;
    cost->host_s *= factor;
    cost->prompts_s *= factor;
}

static void scaled_step(void *state, const struct step_load *load, struct cost *cost)
{
    const struct scaled *scaled = state;
    scaled->inner.step(scaled->inner.state, load, cost);
    multiply(cost, 1.0 / scaled->speed);
}

static void scaled_stage_times(void *state, const struct step_load *load, const struct cost *cost,
                               double *stage_s, double *transfer_s)
{
    const struct scaled *scaled = state;
    struct cost inner_cost = *cost;
    multiply(&inner_cost, scaled->speed);
    scaled->inner.stage_times(scaled->inner.state, load, &inner_cost, stage_s, transfer_s);
    for (int32_t i = 0; i < scaled->inner.stage_count; i++)
        stage_s[i] /= scaled->speed;
    *transfer_s /= scaled->speed;
}

static void scaled_destroy(void *state)
{
    struct scaled *scaled = state;
    if (scaled == NULL)
        return;
    scaled->inner.destroy(scaled->inner.state);
    free(scaled);
}

bool cost_scale_speed(struct cost_model *cost_model, double speed)
{
    struct scaled *scaled = malloc(sizeof *scaled);
    if (scaled == NULL)
        return false;
    *scaled = (struct scaled){*cost_model, speed};
    cost_model->state = scaled;
    cost_model->step = scaled_step;
    cost_model->destroy = scaled_destroy;
    if (cost_model->stage_times != NULL)
        cost_model->stage_times = scaled_stage_times;
    return true;
}
