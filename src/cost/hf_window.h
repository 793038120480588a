/* Sliding windows, as a Hugging Face config.json says which layers have them. */
#ifndef LLMSIM_COST_HF_WINDOW_H
#define LLMSIM_COST_HF_WINDOW_H

#include "hf_family.h"
#include <llmsim/model.h>

/* What the file says, SETTING_UNSET_INTEGER or NULL where it says nothing. */
struct hf_window_keys {
    int64_t window;      /* sliding_window, tokens */
    int64_t pattern;     /* sliding_window_pattern */
    int64_t full_layers; /* max_window_layers: the first so many layers have none */
    int switched_on;     /* use_sliding_window; −1: not said */
    const struct node *layer_types;
    const struct location *at; /* of sliding_window */
};

/* Into sliding_window and num_full_attention_layers of `model`, whose other dimensions are read. A
 * window that no sequence can outgrow is none. */
bool hf_window_read(const struct hf_family *family, const struct hf_window_keys *keys,
                    struct model *model, struct error *error);

#endif
