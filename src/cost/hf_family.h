/* The families of models on Hugging Face that struct model can represent. */
#ifndef LLMSIM_COST_HF_FAMILY_H
#define LLMSIM_COST_HF_FAMILY_H

#include "document.h"
#include <stdint.h>

/* Groups of keys that the code of some families reads and that of others does not know. */
enum hf_keys {
    HF_KEYS_ALL = 0,             /* read for every family */
    HF_KEYS_ATTENTION_BIAS = 1,  /* attention_bias: of query, key, value and output projections */
    HF_KEYS_MLP_BIAS = 2,        /* mlp_bias */
    HF_KEYS_USE_BIAS = 4,        /* use_bias: of every projection */
    HF_KEYS_EXPERTS = 8,         /* how many experts there are, and a token goes through */
    HF_KEYS_EXPERT_WIDTH = 16,   /* theirs, beside intermediate_size; else that is theirs */
    HF_KEYS_EXPERT_STEP = 32,    /* decoder_sparse_step: which layers have experts */
    HF_KEYS_SHARED_EXPERT = 64,  /* the width of the shared expert */
    HF_KEYS_DEEPSEEK = 128,      /* shared experts by number, latent attention */
    HF_KEYS_WINDOW_PATTERN = 256 /* every how-many-th layer sees everything */
};

/* Which layers have the window that sliding_window gives, where layer_types does not say. */
enum hf_window {
    HF_WINDOW_NONE,    /* the family's code knows none */
    HF_WINDOW_ALL,     /* all */
    HF_WINDOW_SWITCH,  /* with use_sliding_window, those from max_window_layers on */
    HF_WINDOW_PATTERN, /* all but every sliding_window_pattern-th */
};

/* What a configuration class presets where the file says nothing. */
struct hf_preset {
    const char *key;
    const char *value;
};

/* What the family's code in `transformers` fixes; flags hold where keys say nothing. */
struct hf_family {
    const char *model_type;
    const char *architecture;
    int mlp, norm; /* enum mlp_kind, enum norm_kind */
    unsigned keys; /* of enum hf_keys */
    int window;    /* enum hf_window */
    bool qkv_bias, attention_output_bias, mlp_bias;
    bool qk_norm, sandwich_norms, attention_sinks;
    bool router_bias, shared_expert_gate;
    bool tied;              /* tie_word_embeddings */
    bool kv_heads_required; /* absent, they are not simply as many as the query heads */
    bool text_config;       /* the dimensions are in a mapping of that name */
    struct hf_preset presets[8];
};

/* By model_type, or where that is absent by architecture. NULL and an error for what llmsim cannot
 * represent. */
const struct hf_family *hf_family_find(const struct node *mapping, struct error *error);

#endif
