/* Reading a model's description, and what follows from its dimensions. */
#ifndef LLMSIM_COST_MODEL_SPEC_H
#define LLMSIM_COST_MODEL_SPEC_H

#include "settings.h"
#include <llmsim/deployment.h>
#include <llmsim/model.h>

extern const struct settings_table model_settings;

/* Read a model from a mapping: llmsim's own keys, or a Hugging Face config.json (told apart by
 * `model_type` or `architectures`). What the struct cannot represent is refused by name. Keys of a
 * config.json that are neither read nor known to be without effect are listed in one line in
 * `warning` (empty when there are none). */
bool model_read(struct document *document, const struct node *mapping, struct model *model,
                char warning[512], struct error *error);

/* Parameters: embeddings, layers with all their experts, final norm, lm_head where it is not tied. */
int64_t model_parameters(const struct model *model);

/* Those that a token is computed with: of the experts the routed ones of a token, the shared ones
 * and the router; of the embedding, of which a token reads one row, nothing unless lm_head shares
 * it. A token takes two FLOPs for each. */
int64_t model_active_parameters(const struct model *model);

/* Bytes of one weight element of a projection, of the routed experts or of all else in the layers,
 * its share of the scales (and zero points) of quantised weights included. */
double quantized_weight_bytes(const struct model *model, bool expert);

/* Weights of the accelerator that holds most, as vLLM lays them out. Layers go over pipeline stages
 * (the first has the embedding, the last lm_head), projections over tensor-parallel ranks, experts
 * over tensor · data ranks; norms, positions, the router and what latent attention projects down to
 * its latents are on every rank. Latent attention also keeps a second copy of the projection from
 * latents to heads, in the model's dtype, to absorb it into queries and outputs of decodes. */
double model_weight_bytes(const struct model *model, const struct deployment *deployment);

/* Key and value heads of one tensor-parallel rank: beyond one a rank, ranks hold copies. */
int64_t model_kv_heads_per_rank(const struct model *model, int tensor_parallel_size);

/* KV cache bytes that a token takes on the accelerator that holds most, in the deployment's KV dtype:
 * 2 · layers · kv_heads · head_dim · bytes, KV heads over tensor-parallel ranks but never less than
 * one, layers over pipeline stages. Latent attention: layers · (kv_lora_rank + qk_rope_head_dim) ·
 * bytes, a copy on each tensor-parallel rank. Layers with a window count as all others. */
double model_kv_bytes_per_token(const struct model *model, const struct deployment *deployment);

/* Bytes of one element of a dtype (4-bit ones: ½); its name. */
double dtype_bytes(int dtype);
extern const char *const dtype_names[];

#endif
