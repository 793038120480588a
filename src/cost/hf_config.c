/* A Hugging Face config.json as a struct model.
 *
 * A family of models is one line of a table: what its code in `transformers` fixes, and what its
 * configuration class presets where the file says nothing. Nothing is guessed: what a file says is
 * read, refused by name, known to be without effect on time and memory, or listed in the warning.
 */
#include "hf_config.h"

#include "hf_family.h"
#include "hf_keys.h"
#include "hf_quantization.h"
#include "hf_window.h"
#include "model_check.h"
#include "model_spec.h"

#include <stdio.h>
#include <string.h>

/* What is read from the file. Flags are choices, so that −1 is "not said". */
struct hf_config {
    struct model model;
    const char *name;
    int torch_dtype, dtype;
    int tied, attention_bias, mlp_bias, use_bias, use_sliding_window;
    const char *topk_method;
    int64_t sliding_window, sliding_window_pattern, max_window_layers;
    int64_t shared_experts, expert_step; /* expert_step: every how-many-th layer has experts */
};

static const char *const flag_names[] = {"false", "true", NULL};
/* In the order of enum dtype. */
static const char *const torch_dtype_names[] = {"float32", "bfloat16", "float16", NULL};

#define INTEGER(name_, member, least, most, preset_)                                               \
    {                                                                                              \
        .name = name_, .kind = SETTING_INTEGER, .offset = offsetof(struct hf_config, member),      \
        .preset = preset_, .minimum = least, .maximum = most, .help = "a dimension of the model"   \
    }
#define DIMENSION(member, most, preset_) INTEGER(#member, model.member, 1, most, preset_)
#define OPTIONAL(member, most)           INTEGER(#member, model.member, 0, most, "none")
#define FLAG(name_, member)                                                                        \
    {                                                                                              \
        .name = name_, .kind = SETTING_CHOICE, .offset = offsetof(struct hf_config, member),       \
        .preset = "auto", .choices = flag_names                                                    \
    }
#define DTYPE(name_, member)                                                                       \
    {                                                                                              \
        .name = name_, .kind = SETTING_CHOICE, .offset = offsetof(struct hf_config, member),       \
        .preset = "auto", .choices = torch_dtype_names                                             \
    }
#define TEXT(name_, member)                                                                        \
    {                                                                                              \
        .name = name_, .kind = SETTING_TEXT, .offset = offsetof(struct hf_config, member),         \
        .preset = "none"                                                                           \
    }

static const struct setting hf_setting_rows[] = {
    TEXT("_name_or_path", name),
    DIMENSION(hidden_size, 1e6, NULL),
    DIMENSION(intermediate_size, 1e7, NULL),
    DIMENSION(num_hidden_layers, 1000, NULL),
    DIMENSION(num_attention_heads, 4096, NULL),
    DIMENSION(num_key_value_heads, 4096, "auto"),
    DIMENSION(head_dim, 4096, "auto"),
    DIMENSION(vocab_size, 1e8, NULL),
    DIMENSION(max_position_embeddings, 1e8, NULL),
    DTYPE("torch_dtype", torch_dtype),
    DTYPE("dtype", dtype),
    FLAG("tie_word_embeddings", tied),
    FLAG("attention_bias", attention_bias),
    FLAG("mlp_bias", mlp_bias),
    FLAG("use_bias", use_bias),
    FLAG("use_sliding_window", use_sliding_window),
    INTEGER("sliding_window", sliding_window, 0, 1e15, "none"),
    INTEGER("sliding_window_pattern", sliding_window_pattern, 1, 1000, "none"),
    INTEGER("max_window_layers", max_window_layers, 0, 1e15, "none"),
    OPTIONAL(num_experts, 4096),
    OPTIONAL(num_experts_per_tok, 4096),
    OPTIONAL(moe_intermediate_size, 1e5),
    OPTIONAL(shared_expert_intermediate_size, 1e7),
    OPTIONAL(first_k_dense_replace, 1000),
    INTEGER("n_shared_experts", shared_experts, 0, 100, "none"),
    INTEGER("decoder_sparse_step", expert_step, 1, 1000, "none"),
    TEXT("topk_method", topk_method),
    OPTIONAL(kv_lora_rank, 1e5),
    OPTIONAL(q_lora_rank, 1e5),
    OPTIONAL(qk_nope_head_dim, 4096),
    OPTIONAL(qk_rope_head_dim, 4096),
    OPTIONAL(v_head_dim, 4096),
};
static const struct settings_table hf_settings = {"a Hugging Face config.json", hf_setting_rows,
                                                  sizeof hf_setting_rows / sizeof *hf_setting_rows};

static bool family_reads(const struct hf_family *family, const char *key)
{
    for (size_t i = 0; i < hf_settings.count; i++) {
        if (strcmp(key, hf_settings.settings[i].name) == 0)
            return hf_key_is_of(family, key);
    }
    return false;
}

static void warn_unknown(char warning[512], const char *key)
{
    static const char introduction[] = "keys that llmsim does not know, and passed over: ";
    char text[512];
    snprintf(text, sizeof text, "%s%s", warning[0] == '\0' ? introduction : "", key);
    hf_warn(warning, text);
}

/* The members that the family reads into `selection`, by their canonical names; the unknown into
 * the warning. */
static bool select_keys(struct document *document, const struct hf_family *family,
                        const struct node *mapping, struct node *selection, char warning[512],
                        struct error *error)
{
    for (size_t i = 0; i < mapping->count; i++) {
        const char *key = hf_key_canonical(mapping->keys[i]);
        if (family_reads(family, key)) {
            if (!document_set(document, selection, key, mapping->items[i], error))
                return false;
        } else if (!hf_key_is_harmless(mapping->keys[i])) {
            warn_unknown(warning, mapping->keys[i]);
        }
    }
    return true;
}

static bool add_presets(struct document *document, const struct hf_family *family,
                        struct node *selection, struct error *error)
{
    for (const struct hf_preset *preset = family->presets; preset->key != NULL; preset++) {
        if (node_find(selection, preset->key) != NULL)
            continue;
        char text[128];
        snprintf(text, sizeof text, "%s=%s", preset->key, preset->value);
        if (!document_override(document, selection, text, error))
            return false;
    }
    return true;
}

/* fp32 is how a checkpoint was saved, not how it is served: vLLM's `dtype: auto` runs it in bf16.
 */
static int resolve_dtype(const struct hf_config *config, char warning[512])
{
    /* `dtype` is the newer name, and what an override would say. */
    int dtype = config->dtype >= 0 ? config->dtype : config->torch_dtype;
    if (dtype == DTYPE_BF16 || dtype == DTYPE_FP16)
        return dtype;
    hf_warn(warning, dtype < 0 ? "no dtype given, served in bf16" : "fp32 weights served in bf16");
    return DTYPE_BF16;
}

static void resolve_biases(const struct hf_family *family, const struct hf_config *config,
                           struct model *model)
{
    int attention = config->use_bias >= 0 ? config->use_bias : config->attention_bias;
    int mlp = config->use_bias >= 0 ? config->use_bias : config->mlp_bias;
    model->qkv_bias = attention >= 0 ? attention == 1 : family->qkv_bias;
    model->attention_output_bias = attention >= 0 ? attention == 1 : family->attention_output_bias;
    model->mlp_bias = mlp >= 0 ? mlp == 1 : family->mlp_bias;
}

/* What makes a family what it is has no preset here: without it the file is not whole. */
static bool check_complete(const struct hf_family *family, const struct node *mapping,
                           const struct model *model, struct error *error)
{
    bool experts = (family->keys & HF_KEYS_EXPERTS) != 0;
    bool latent = (family->keys & HF_KEYS_DEEPSEEK) != 0;
    const struct {
        const char *key;
        bool missing;
    } keys[] = {
        {latent ? "n_routed_experts" : "num_experts",
         experts && model->num_experts == SETTING_UNSET_INTEGER},
        {"kv_lora_rank", latent && model->kv_lora_rank == SETTING_UNSET_INTEGER},
        {"num_key_value_heads",
         family->kv_heads_required && model->num_key_value_heads == SETTING_UNSET_INTEGER},
    };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (keys[i].missing)
            return error_input(error, node_key_location(mapping, keys[i].key), "'%s' is missing",
                               keys[i].key);
    }
    return true;
}

/* Every layer from first_k_dense_replace on has experts, or none has. */
static bool resolve_experts(const struct hf_family *family, const struct hf_config *config,
                            const struct node *mapping, struct model *model, struct error *error)
{
    if (config->expert_step != SETTING_UNSET_INTEGER && config->expert_step != 1) {
        const char *key =
            (family->keys & HF_KEYS_DEEPSEEK) != 0 ? "moe_layer_freq" : "decoder_sparse_step";
        return error_input(error, node_key_location(mapping, key),
                           "'%s': llmsim cannot represent experts in one of %lld layers only", key,
                           (long long)config->expert_step);
    }
    if ((family->keys & HF_KEYS_EXPERTS) == 0 || model->num_experts <= 0)
        return true;
    model->router_bias = config->topk_method == NULL ? family->router_bias
                                                     : strcmp(config->topk_method, "noaux_tc") == 0;
    model->shared_expert_gate =
        family->shared_expert_gate && model->shared_expert_intermediate_size > 0;
    if ((family->keys & HF_KEYS_EXPERT_WIDTH) == 0)
        model->moe_intermediate_size = model->intermediate_size;
    if (config->shared_experts > 0 && model->moe_intermediate_size > 0)
        model->shared_expert_intermediate_size =
            config->shared_experts * model->moe_intermediate_size;
    if (model->first_k_dense_replace <= 0)
        model->intermediate_size = 0; /* in the file all the same, for no layer */
    return true;
}

/* What a family of its kind is told by other keys than those of struct model. */
static bool resolve(const struct hf_family *family, const struct hf_config *config,
                    const struct node *mapping, struct model *model, struct error *error)
{
    model->mlp = family->mlp;
    model->norm = family->norm;
    model->qk_norm = family->qk_norm;
    model->sandwich_norms = family->sandwich_norms;
    model->attention_sinks = family->attention_sinks;
    model->tie_word_embeddings = config->tied >= 0 ? config->tied == 1 : family->tied;
    model->quantization = (struct quantization){.weights = -1, .activations = -1};
    resolve_biases(family, config, model);
    const struct hf_window_keys window = {
        .window = config->sliding_window,
        .pattern = config->sliding_window_pattern,
        .full_layers = config->max_window_layers,
        .switched_on = config->use_sliding_window,
        .layer_types = node_find(mapping, "layer_types"),
        .at = node_key_location(mapping, "sliding_window"),
    };
    /* Where a file with latent attention has it, it is the rotary part's alone. */
    if (model->kv_lora_rank > 0)
        model->head_dim = SETTING_UNSET_INTEGER;
    return check_complete(family, mapping, model, error) &&
           resolve_experts(family, config, mapping, model, error) &&
           hf_window_read(family, &window, model, error);
}

/* The mapping that holds the dimensions. */
static const struct node *find_body(const struct hf_family *family, const struct node *mapping,
                                    struct error *error)
{
    if (!family->text_config)
        return mapping;
    const struct node *body = node_find(mapping, "text_config");
    if (body == NULL || body->kind != NODE_MAPPING) {
        error_input(error, node_key_location(mapping, "text_config"),
                    "'text_config' must be a mapping that holds the dimensions");
        return NULL;
    }
    return body;
}

static bool read_settings(struct document *document, const struct hf_family *family,
                          const struct node *mapping, const struct node *body,
                          struct hf_config *config, char warning[512], struct error *error)
{
    struct node *selection = document_new_mapping(document, &body->at);
    if (selection == NULL)
        return error_run(error, "out of memory");
    /* A text model's own keys count before those of the whole. */
    return select_keys(document, family, mapping, selection, warning, error) &&
           (body == mapping || select_keys(document, family, body, selection, warning, error)) &&
           add_presets(document, family, selection, error) &&
           settings_read(document, &hf_settings, selection, config, error);
}

bool hf_config_read(struct document *document, const struct node *mapping, struct model *model,
                    char warning[512], struct error *error)
{
    const struct hf_family *family = hf_family_find(mapping, error);
    const struct node *body = family != NULL ? find_body(family, mapping, error) : NULL;
    struct hf_config config = {0};
    if (body == NULL || !hf_keys_refuse(family, mapping, error) ||
        !hf_keys_refuse(family, body, error) ||
        !read_settings(document, family, mapping, body, &config, warning, error) ||
        !resolve(family, &config, body, &config.model, error))
        return false;
    *model = config.model;
    bool named = config.name != NULL && config.name[0] != '\0';
    model->name = named ? config.name : mapping->at.file;
    model->source = "a Hugging Face config.json";
    model->dtype = resolve_dtype(&config, warning);
    if (body != mapping)
        hf_warn(warning, "the vision part of the model is left out");
    if (!hf_key_is_absent(node_find(mapping, "num_nextn_predict_layers")))
        hf_warn(warning, "the layers that predict further tokens are left out, as in vLLM");
    const struct node *quantization = node_find(mapping, "quantization_config");
    if (!hf_key_is_absent(quantization) &&
        !hf_quantization_read(document, quantization, &model->quantization, warning, error))
        return false;
    return model_check(model, body, error);
}
