/* The layers that vLLM profiles by name, as kernels. */
#ifndef LLMSIM_STUDY_MEASURED_LAYERS_H
#define LLMSIM_STUDY_MEASURED_LAYERS_H

#include "kernels.h"
#include <llmsim/model.h>

/* `rows` tokens (lm_head, sampler: sequences) through one call of the layer on one of `ranks`
 * tensor-parallel ranks. False for a layer that is not known, or not of this model. */
bool measured_layer(const struct model *model, int ranks, const char *layer, double rows,
                    struct kernel *kernel);

/* Heads of one rank into *attention. */
void measured_attention_heads(const struct model *model, int ranks,
                              struct attention_kernel *attention);

#endif
