/* Reading an accelerator's description. */
#ifndef LLMSIM_COST_ACCELERATOR_SPEC_H
#define LLMSIM_COST_ACCELERATOR_SPEC_H

#include "settings.h"
#include <llmsim/accelerator.h>

extern const struct settings_table accelerator_settings;

/* What the table cannot say: an interconnect has the figures of its kind, and no others. `node` is
 * where the accelerator was read from, for places in messages; may be NULL. */
bool accelerator_check(const struct accelerator *accelerator, const struct node *node,
                       struct error *error);

/* Dense FLOP/s of a dtype (llmsim/model.h). */
double accelerator_flops_per_s(const struct accelerator *accelerator, int dtype);

#endif
