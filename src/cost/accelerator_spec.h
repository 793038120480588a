/* Reading an accelerator's description. */
#ifndef LLMSIM_COST_ACCELERATOR_SPEC_H
#define LLMSIM_COST_ACCELERATOR_SPEC_H

#include "settings.h"
#include <llmsim/accelerator.h>

extern const struct settings_table accelerator_settings;

/* What the table cannot say: activations can be computed in some dtype; an interconnect has the
 * figures of its kind, typical ones where it does not say, and no others. `node` is where the
 * accelerator was read from, for places in messages; may be NULL. */
bool accelerator_resolve(struct accelerator *accelerator, const struct node *node,
                         struct error *error);

/* Give the mapping `own` the sections that it lacks and `lender` has: all but host_link; of
 * interconnect, where both are of one kind, the keys that it lacks, but never the bandwidth. What a
 * datasheet says is never taken. A section that holds nothing but overrides (-s) counts as lacking,
 * and keeps them. Nodes taken keep their places, for messages. Fails only without memory. */
bool accelerator_inherit(struct document *document, struct node *own, const struct node *lender,
                         struct error *error);

/* Dense FLOP/s of a dtype (llmsim/model.h); NaN where the accelerator does not compute in it. */
double accelerator_flops_per_s(const struct accelerator *accelerator, int dtype);
bool accelerator_supports(const struct accelerator *accelerator, int dtype);

/* What outputs call it: its name, and behind that of one known from its datasheet alone that the
 * efficiencies are another's: "h200-sxm (datasheet; efficiencies of h100-sxm)". */
void accelerator_print_name(const struct accelerator *accelerator, FILE *stream);

#endif
