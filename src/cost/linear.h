/* A step's time as a linear function of its load: for tests against theory, and for people who
 * measured their own server's coefficients. */
#ifndef LLMSIM_COST_LINEAR_H
#define LLMSIM_COST_LINEAR_H

#include "cost_models.h"

bool linear_create(const struct cost_setup *setup, struct cost_model *cost_model,
                   struct error *error);

#endif
