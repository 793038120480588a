/* Which cost model a run uses, and its coefficients. */
#ifndef LLMSIM_COST_COST_MODELS_H
#define LLMSIM_COST_COST_MODELS_H

#include "settings.h"
#include <llmsim/accelerator.h>
#include <llmsim/cost.h>
#include <llmsim/deployment.h>
#include <llmsim/model.h>

enum cost_kind { COST_ROOFLINE, COST_LINEAR };
enum attention_kind { ATTENTION_FLASH, ATTENTION_UNFUSED };
enum latent_kind { LATENT_ABSORBED, LATENT_EXPANDED };

/* The `cost` section. */
struct cost_config {
    int model;            /* enum cost_kind */
    int attention;        /* enum attention_kind; roofline only, as the next */
    int latent_attention; /* enum latent_kind; −1: decodes absorbed, prompts expanded */
    /* linear only: seconds a step, a prefill token, a decoding sequence, and a token of context of
     * every sequence in the step (decodes: their KV, the new token included; prefill chunks: what
     * was computed before and in this step). */
    double base_s, per_prefill_token_s, per_decode_sequence_s, per_context_token_s;
    double speed; /* what every step's time is divided by, > 0 */
};

extern const struct settings_table cost_settings;

/* Give what is left out its value. A key of the other cost model is an error, not silence. `node`,
 * where the section was read from, may be NULL. */
bool cost_config_resolve(struct cost_config *config, const struct node *node, struct error *error);

struct cost_setup {
    const struct cost_config *config;
    const struct model *model;
    const struct accelerator *accelerator;
    struct deployment deployment;   /* whose tensor_parallel_size divides the heads */
    int32_t max_num_batched_tokens; /* of a step */
    int32_t max_num_seqs;           /* of a step */
};

/* A kind of cost model. */
struct cost_model_type {
    const char *name;
    const char *summary; /* one line */
    bool (*create)(const struct cost_setup *setup, struct cost_model *cost_model,
                   struct error *error);
};

/* By enum cost_kind; ends in NULL. */
extern const struct cost_model_type *const cost_model_types[];

/* The setup's model and accelerator must outlive the cost model. */
bool cost_model_create(const struct cost_setup *setup, struct cost_model *cost_model,
                       struct error *error);

#endif
