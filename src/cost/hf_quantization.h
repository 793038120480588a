/* The quantization_config of a Hugging Face config.json. */
#ifndef LLMSIM_COST_HF_QUANTIZATION_H
#define LLMSIM_COST_HF_QUANTIZATION_H

#include "document.h"
#include <llmsim/model.h>

/* A line, or two with a comma between them, into a warning. */
void hf_warn(char warning[512], const char *text);

/* `config` is the value of that key. What struct quantization cannot represent is refused by name;
 * what is taken as quantised although the file says it is not goes into `warning`. */
bool hf_quantization_read(struct document *document, const struct node *config,
                          struct quantization *quantization, char warning[512],
                          struct error *error);

#endif
