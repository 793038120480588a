/* What hangs together in a model's dimensions. */
#ifndef LLMSIM_COST_MODEL_CHECK_H
#define LLMSIM_COST_MODEL_CHECK_H

#include "settings.h"
#include <llmsim/model.h>

/* Give what was left unset its value (0 for what the model has not), and refuse dimensions that
 * contradict one another, at the keys of `mapping`, from which they were read. */
bool model_check(struct model *model, const struct node *mapping, struct error *error);

#endif
