/* Another cost model, on a server that is so much faster in everything. */
#ifndef LLMSIM_COST_COST_SPEED_H
#define LLMSIM_COST_COST_SPEED_H

#include <llmsim/cost.h>
#include <stdbool.h>

/* Divide every time of *cost_model, which it takes over, by speed > 0. False when memory cannot be
 * had: the model is then as it was. */
bool cost_scale_speed(struct cost_model *cost_model, double speed);

#endif
