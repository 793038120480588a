/* A Hugging Face config.json as a struct model.
 *
 * A family of models is one line of a table: what its code in `transformers` fixes, and what its
 * configuration class presets where the file says nothing. Nothing is guessed: what a file says is
 * read, refused by name, known to be without effect on time and memory, or listed in the warning.
 */
#include "hf_config.h"

#include "model_spec.h"

#include <stdio.h>
#include <string.h>

/* Which keys a family's code reads to switch biases on and off. */
enum bias_keys {
    BIAS_FIXED = 0,
    BIAS_ATTENTION = 1, /* attention_bias: of query, key, value and output projections */
    BIAS_MLP = 2,       /* mlp_bias */
    BIAS_ALL = 4,       /* use_bias: of every projection */
};

struct family {
    const char *model_type;
    const char *architecture;
    int mlp, norm;
    bool qkv_bias, attention_output_bias, mlp_bias; /* where the bias keys say nothing */
    unsigned bias_keys;
    bool qk_norm;
    bool tied;              /* where tie_word_embeddings is absent */
    bool sliding_by_switch; /* sliding_window counts only with use_sliding_window: true */
    int64_t head_dim;       /* where head_dim is absent; 0: hidden_size / heads */
    bool kv_heads_required; /* absent, they are not simply as many as the query heads */
};

/* clang-format off */
static const struct family families[] = {
    {"llama", "LlamaForCausalLM", MLP_GATED, NORM_RMS, .bias_keys = BIAS_ATTENTION | BIAS_MLP},
    {"mistral", "MistralForCausalLM", MLP_GATED, NORM_RMS, .kv_heads_required = true},
    {"qwen2", "Qwen2ForCausalLM", MLP_GATED, NORM_RMS, .qkv_bias = true,
     .sliding_by_switch = true, .kv_heads_required = true},
    {"qwen3", "Qwen3ForCausalLM", MLP_GATED, NORM_RMS, .bias_keys = BIAS_ATTENTION,
     .qk_norm = true, .sliding_by_switch = true, .head_dim = 128, .kv_heads_required = true},
    {"gemma", "GemmaForCausalLM", MLP_GATED, NORM_RMS, .bias_keys = BIAS_ATTENTION,
     .tied = true, .head_dim = 256, .kv_heads_required = true},
    {"phi3", "Phi3ForCausalLM", MLP_GATED, NORM_RMS, .bias_keys = BIAS_FIXED},
    {"starcoder2", "Starcoder2ForCausalLM", MLP_PLAIN, NORM_LAYER, .qkv_bias = true,
     .attention_output_bias = true, .mlp_bias = true, .bias_keys = BIAS_ALL, .tied = true,
     .kv_heads_required = true},
    {"gpt_neox", "GPTNeoXForCausalLM", MLP_PLAIN, NORM_LAYER, .qkv_bias = true,
     .attention_output_bias = true, .mlp_bias = true, .bias_keys = BIAS_ATTENTION},
};
/* clang-format on */
enum { FAMILY_COUNT = sizeof families / sizeof *families };

/* What is read from the file. Flags are choices, so that −1 is "not said". */
struct hf_config {
    struct model model;
    const char *name;
    int torch_dtype, dtype;
    int tied, attention_bias, mlp_bias, use_bias, use_sliding_window;
    int64_t sliding_window;
};

static const char *const flag_names[] = {"false", "true", NULL};
/* In the order of enum dtype. */
static const char *const torch_dtype_names[] = {"float32", "bfloat16", "float16", NULL};

#define DIMENSION(member, most, preset_)                                                           \
    {                                                                                              \
        .name = #member, .kind = SETTING_INTEGER,                                                  \
        .offset = offsetof(struct hf_config, model.member), .preset = preset_, .minimum = 1,       \
        .maximum = most, .help = "a dimension of the model"                                        \
    }
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

static const struct setting hf_setting_rows[] = {
    {.name = "_name_or_path",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct hf_config, name),
     .preset = "none"},
    DIMENSION(hidden_size, 1e6, NULL),
    DIMENSION(intermediate_size, 1e7, NULL),
    DIMENSION(num_hidden_layers, 1e4, NULL),
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
    {.name = "sliding_window",
     .kind = SETTING_INTEGER,
     .offset = offsetof(struct hf_config, sliding_window),
     .preset = "none",
     .minimum = 1,
     .maximum = 1e15},
};
static const struct settings_table hf_settings = {"a Hugging Face config.json", hf_setting_rows,
                                                  sizeof hf_setting_rows / sizeof *hf_setting_rows};

/* Keys that change what a model computes or stores in ways that struct model has no words for.
 * null, false, 0 and an empty text say that the feature is absent. */
static const struct {
    const char *key;
    const char *feature;
} refused_keys[] = {
    {"quantization_config", "quantised weights"},
    {"compression_config", "quantised weights"},
    {"num_local_experts", "a mixture of experts"},
    {"num_experts", "a mixture of experts"},
    {"n_routed_experts", "a mixture of experts"},
    {"moe_intermediate_size", "a mixture of experts"},
    {"kv_lora_rank", "multi-head latent attention"},
    {"q_lora_rank", "multi-head latent attention"},
    {"attention_chunk_size", "chunked attention"},
    {"ssm_state_size", "state-space layers"},
    {"text_config", "a model of more than text"},
    {"vision_config", "a model of more than text"},
    {"audio_config", "a model of more than text"},
    {"is_encoder_decoder", "an encoder"},
    {"add_cross_attention", "cross attention"},
};

/* Without effect on the time and memory of serving. */
/* clang-format off */
static const char *const harmless_keys[] = {
    "model_type", "architectures", "layer_types", "auto_map", "id2label", "label2id",
    "problem_type", "pad_token_id", "bos_token_id", "eos_token_id", "sep_token_id",
    "unk_token_id", "rope_theta", "rope_scaling", "rope_parameters", "rope_interleaved",
    "rotary_emb_base", "rotary_pct", "partial_rotary_factor", "original_max_position_embeddings",
    "transformers_version", "initializer_range", "use_cache", "pretraining_tp", "rms_norm_eps",
    "layer_norm_eps", "layer_norm_epsilon", "norm_epsilon", "norm_type", "attention_dropout",
    "hidden_dropout", "hidden_dropout_prob", "resid_pdrop", "embd_pdrop", "attn_pdrop",
    "residual_dropout", "embedding_dropout", "classifier_dropout", "hidden_act",
    "hidden_activation", "max_window_layers", "use_parallel_residual", "use_mrope",
    "gradient_checkpointing", "use_flash_attn", "torchscript", "return_dict",
    "chunk_size_feed_forward", "output_attentions", "output_hidden_states", "tokenizer_class",
    "unsloth_version", "unsloth_fixed",
};
/* clang-format on */

static bool is_absent(const struct node *node)
{
    static const char *const words[] = {"null", "~", "false", "0", ""};
    for (size_t i = 0; node->kind == NODE_SCALAR && i < sizeof words / sizeof *words; i++) {
        if (strcmp(node->text, words[i]) == 0)
            return true;
    }
    return false;
}

static const struct family *find_family(const struct node *mapping, struct error *error)
{
    const struct node *type = node_find(mapping, "model_type");
    const struct node *list = node_find(mapping, "architectures");
    const struct node *architecture = NULL;
    if (list != NULL && list->kind == NODE_SEQUENCE && list->count > 0)
        architecture = list->items[0];
    const char *names[FAMILY_COUNT];
    const struct family *family = NULL;
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        names[i] = families[i].model_type;
        bool same = type != NULL ? type->kind == NODE_SCALAR &&
                                       strcmp(type->text, families[i].model_type) == 0
                                 : architecture != NULL && architecture->kind == NODE_SCALAR &&
                                       strcmp(architecture->text, families[i].architecture) == 0;
        if (same)
            family = &families[i];
    }
    if (family == NULL) {
        const struct node *named = type != NULL ? type : architecture;
        const char *text = named != NULL && named->kind == NODE_SCALAR ? named->text : "?";
        error_input(error, named != NULL ? &named->at : &mapping->at,
                    "llmsim cannot represent models of type '%s'", text);
        error_suggest(error, text, names, FAMILY_COUNT);
        return NULL;
    }
    if (architecture != NULL && (architecture->kind != NODE_SCALAR ||
                                 strcmp(architecture->text, family->architecture) != 0)) {
        error_input(error, &architecture->at,
                    "llmsim models %s as '%s', and cannot represent architecture '%s'",
                    family->model_type, family->architecture,
                    architecture->kind == NODE_SCALAR ? architecture->text : "?");
        return NULL;
    }
    return family;
}

static bool refuse_features(const struct node *mapping, struct error *error)
{
    for (size_t i = 0; i < sizeof refused_keys / sizeof *refused_keys; i++) {
        const struct node *node = node_find(mapping, refused_keys[i].key);
        if (node != NULL && !is_absent(node))
            return error_input(error, node_key_location(mapping, refused_keys[i].key),
                               "'%s': llmsim cannot represent %s", refused_keys[i].key,
                               refused_keys[i].feature);
    }
    const struct node *layers = node_find(mapping, "layer_types");
    for (size_t i = 0; layers != NULL && layers->kind == NODE_SEQUENCE && i < layers->count; i++) {
        const struct node *layer = layers->items[i];
        /* Sliding layers stand or fall with sliding_window. */
        if (layer->kind != NODE_SCALAR || (strcmp(layer->text, "full_attention") != 0 &&
                                           strcmp(layer->text, "sliding_attention") != 0))
            return error_input(error, &layer->at, "'layer_types': llmsim cannot represent '%s'",
                               layer->kind == NODE_SCALAR ? layer->text : "?");
    }
    return true;
}

/* A window that no sequence can outgrow does nothing. */
static bool refuse_sliding_window(const struct family *family, const struct hf_config *config,
                                  const struct node *mapping, struct error *error)
{
    bool in_force = config->use_sliding_window < 0 ? !family->sliding_by_switch
                                                   : config->use_sliding_window == 1;
    if (!in_force || config->sliding_window == SETTING_UNSET_INTEGER ||
        config->sliding_window >= config->model.max_position_embeddings)
        return true;
    return error_input(error, node_key_location(mapping, "sliding_window"),
                       "'sliding_window': llmsim cannot represent a window of %lld tokens in a "
                       "context of %lld",
                       (long long)config->sliding_window,
                       (long long)config->model.max_position_embeddings);
}

static bool family_reads(const struct family *family, const char *key)
{
    if (strcmp(key, "attention_bias") == 0)
        return (family->bias_keys & BIAS_ATTENTION) != 0;
    if (strcmp(key, "mlp_bias") == 0)
        return (family->bias_keys & BIAS_MLP) != 0;
    if (strcmp(key, "use_bias") == 0)
        return (family->bias_keys & BIAS_ALL) != 0;
    for (size_t i = 0; i < hf_settings.count; i++) {
        if (strcmp(key, hf_settings.settings[i].name) == 0)
            return true;
    }
    return false;
}

static bool is_harmless(const char *key)
{
    if (key[0] == '_') /* private to the library that wrote the file */
        return true;
    for (size_t i = 0; i < sizeof harmless_keys / sizeof *harmless_keys; i++) {
        if (strcmp(key, harmless_keys[i]) == 0)
            return true;
    }
    for (size_t i = 0; i < sizeof refused_keys / sizeof *refused_keys; i++) {
        if (strcmp(key, refused_keys[i].key) == 0)
            return true; /* present, and saying that the feature is not */
    }
    return false;
}

static void warn(char warning[512], const char *first, const char *text)
{
    size_t length = strlen(warning);
    snprintf(warning + length, 512 - length, "%s%s", length == 0 ? first : ", ", text);
}

/* The members that the table knows, as a mapping of their own; the others into the warning. */
static struct node *select_keys(struct document *document, const struct family *family,
                                const struct node *mapping, char warning[512], struct error *error)
{
    struct node *selection = document_new_mapping(document, &mapping->at);
    if (selection == NULL) {
        error_run(error, "out of memory");
        return NULL;
    }
    for (size_t i = 0; i < mapping->count; i++) {
        if (family_reads(family, mapping->keys[i])) {
            if (!document_set(document, selection, mapping->keys[i], mapping->items[i], error))
                return NULL;
        } else if (!is_harmless(mapping->keys[i])) {
            warn(warning, "keys that llmsim does not know, and passed over: ", mapping->keys[i]);
        }
    }
    return selection;
}

static bool resolve_dimensions(const struct family *family, const struct node *mapping,
                               struct model *model, struct error *error)
{
    if (model->num_key_value_heads == SETTING_UNSET_INTEGER && family->kv_heads_required)
        return error_input(error, node_key_location(mapping, "num_key_value_heads"),
                           "'num_key_value_heads' is missing");
    if (model->head_dim == SETTING_UNSET_INTEGER && family->head_dim > 0)
        model->head_dim = family->head_dim;
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
    warn(warning, "", dtype < 0 ? "no dtype given, served in bf16" : "fp32 weights served in bf16");
    return DTYPE_BF16;
}

static void resolve_biases(const struct family *family, const struct hf_config *config,
                           struct model *model)
{
    int attention = config->use_bias >= 0 ? config->use_bias : config->attention_bias;
    int mlp = config->use_bias >= 0 ? config->use_bias : config->mlp_bias;
    model->qkv_bias = attention >= 0 ? attention == 1 : family->qkv_bias;
    model->attention_output_bias = attention >= 0 ? attention == 1 : family->attention_output_bias;
    model->mlp_bias = mlp >= 0 ? mlp == 1 : family->mlp_bias;
}

bool hf_config_read(struct document *document, const struct node *mapping, struct model *model,
                    char warning[512], struct error *error)
{
    const struct family *family = find_family(mapping, error);
    if (family == NULL || !refuse_features(mapping, error))
        return false;
    const struct node *selection = select_keys(document, family, mapping, warning, error);
    struct hf_config config = {0};
    if (selection == NULL || !settings_read(document, &hf_settings, selection, &config, error) ||
        !refuse_sliding_window(family, &config, mapping, error) ||
        !resolve_dimensions(family, mapping, &config.model, error))
        return false;
    *model = config.model;
    bool named = config.name != NULL && config.name[0] != '\0';
    model->name = named ? config.name : mapping->at.file;
    model->source = "a Hugging Face config.json";
    model->mlp = family->mlp;
    model->norm = family->norm;
    model->qk_norm = family->qk_norm;
    model->tie_word_embeddings = config.tied >= 0 ? config.tied == 1 : family->tied;
    model->dtype = resolve_dtype(&config, warning);
    resolve_biases(family, &config, model);
    return true;
}
