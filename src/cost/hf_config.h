/* Reading a Hugging Face config.json. */
#ifndef LLMSIM_COST_HF_CONFIG_H
#define LLMSIM_COST_HF_CONFIG_H

#include "document.h"
#include <llmsim/model.h>

/* `mapping` is the parsed file. What `struct model` cannot represent is refused by name; keys that
 * are neither read nor known to be without effect, and parts of the model that are left out, are
 * listed in `warning`. The model is checked. */
bool hf_config_read(struct document *document, const struct node *mapping, struct model *model,
                    char warning[512], struct error *error);

#endif
