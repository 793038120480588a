#include "hf_window.h"

#include "settings.h"

#include <string.h>

/* How many of the listed layers see everything into *count. */
static bool count_full_layers(const struct node *types, const struct model *model, int64_t *count,
                              struct error *error)
{
    if (types->kind != NODE_SEQUENCE || types->count != (size_t)model->num_hidden_layers)
        return error_input(error, &types->at,
                           "'layer_types' must be a list of num_hidden_layers %lld entries",
                           (long long)model->num_hidden_layers);
    *count = 0;
    for (size_t i = 0; i < types->count; i++) {
        const struct node *layer = types->items[i];
        const char *text = layer->kind == NODE_SCALAR ? layer->text : "?";
        if (strcmp(text, "full_attention") == 0)
            *count += 1;
        else if (strcmp(text, "sliding_attention") != 0)
            return error_input(error, &layer->at, "'layer_types': llmsim cannot represent '%s'",
                               text);
    }
    return true;
}

/* Where layer_types does not say. */
static int64_t full_layers_of(const struct hf_family *family, const struct hf_window_keys *keys,
                              int64_t layers)
{
    if (family->window == HF_WINDOW_SWITCH && keys->full_layers > 0)
        return keys->full_layers < layers ? keys->full_layers : layers;
    return family->window == HF_WINDOW_PATTERN && keys->pattern > 0 ? layers / keys->pattern : 0;
}

bool hf_window_read(const struct hf_family *family, const struct hf_window_keys *keys,
                    struct model *model, struct error *error)
{
    int64_t layers = model->num_hidden_layers, full = 0;
    bool listed = keys->layer_types != NULL && (keys->layer_types->kind != NODE_SCALAR ||
                                                strcmp(keys->layer_types->text, "null") != 0);
    if (listed && !count_full_layers(keys->layer_types, model, &full, error))
        return false;
    bool in_force =
        keys->switched_on < 0 ? family->window != HF_WINDOW_SWITCH : keys->switched_on == 1;
    model->sliding_window = 0;
    model->num_full_attention_layers = 0;
    /* An unset window is less than 0. */
    if (!in_force || keys->window <= 0 || keys->window >= model->max_position_embeddings)
        return true;
    if (family->window == HF_WINDOW_NONE)
        return error_input(error, keys->at,
                           "'sliding_window': models of type '%s' have none in `transformers`",
                           family->model_type);
    if (!listed)
        full = full_layers_of(family, keys, layers);
    if (full < layers) {
        model->sliding_window = keys->window;
        model->num_full_attention_layers = full;
    }
    return true;
}
