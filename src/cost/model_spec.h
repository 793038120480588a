/* Reading a model's description, and what follows from its dimensions. */
#ifndef LLMSIM_COST_MODEL_SPEC_H
#define LLMSIM_COST_MODEL_SPEC_H

#include "settings.h"
#include <llmsim/model.h>

extern const struct settings_table model_settings;

/* Read a model from a mapping: llmsim's own keys, or a Hugging Face config.json (told apart by
 * `model_type` or `architectures`). What the struct cannot represent is refused by name. Keys of a
 * config.json that are neither read nor known to be without effect are listed in one line in
 * `warning` (empty when there are none). */
bool model_read(struct document *document, const struct node *mapping, struct model *model,
                char warning[512], struct error *error);

/* Parameters: embeddings, layers, final norm, lm_head where it is not tied. */
int64_t model_parameters(const struct model *model);

/* Of one tensor-parallel rank: everything but norms and positions is split. */
double model_weight_bytes(const struct model *model, int tensor_parallel_size);

/* Key and value heads of one tensor-parallel rank: beyond one a rank, ranks hold copies. */
int64_t model_kv_heads_per_rank(const struct model *model, int tensor_parallel_size);

/* KV cache bytes a token takes on one tensor-parallel rank: 2 · layers · kv_heads · head_dim ·
 * bytes, KV heads over ranks but never less than one. */
double model_kv_bytes_per_token(const struct model *model, int tensor_parallel_size);

/* Bytes of one element of a dtype; its name. */
int dtype_bytes(int dtype);
extern const char *const dtype_names[];

#endif
