/* A model's own keys. */
#include "model_spec.h"

#include "hf_config.h"
#include "model_check.h"

const char *const dtype_names[] = {
    [DTYPE_FP32] = "fp32", [DTYPE_BF16] = "bf16", [DTYPE_FP16] = "fp16", [DTYPE_FP8] = "fp8",
    [DTYPE_INT8] = "int8", [DTYPE_INT4] = "int4", [DTYPE_FP4] = "fp4",   NULL};
/* Those that a model as a whole can have. */
static const char *const model_dtype_names[] = {"fp32", "bf16", "fp16", NULL};
static const char *const mlp_names[] = {"gated", "plain", NULL};
static const char *const norm_names[] = {"rms", "layer", NULL};
static const char *const scope_names[] = {"linear", "experts", NULL};

/* Bounds keep the number of parameters, computed in int64_t, from overflowing: what weighs most,
 * 3 · hidden_size · moe_intermediate_size · num_experts · num_hidden_layers, stays below 2e18. */
#define INTEGER(member, least, most, preset_, help_)                                               \
    {                                                                                              \
        .name = #member, .kind = SETTING_INTEGER, .offset = offsetof(struct model, member),        \
        .preset = preset_, .minimum = least, .maximum = most, .help = help_                        \
    }
/* What a model may lack: 0 in the struct, and may be so written. */
#define OPTIONAL(member, most, help_) INTEGER(member, 0, most, "none", help_)
#define FLAG(member, help_)                                                                        \
    {                                                                                              \
        .name = #member, .kind = SETTING_BOOL, .offset = offsetof(struct model, member),           \
        .preset = "false", .help = help_                                                           \
    }
#define CHOICE(member, preset_, names, help_)                                                      \
    {                                                                                              \
        .name = #member, .kind = SETTING_CHOICE, .offset = offsetof(struct model, member),         \
        .preset = preset_, .choices = names, .help = help_                                         \
    }

#define QUANTIZATION(member) .name = #member, .offset = offsetof(struct quantization, member)

static const struct setting quantization_rows[] = {
    {QUANTIZATION(weights), .kind = SETTING_CHOICE, .preset = "none", .choices = dtype_names,
     .help = "of the layers' projections: fp8, int8, int4 or fp4; none: the model's dtype"},
    {QUANTIZATION(activations), .kind = SETTING_CHOICE, .preset = "none", .choices = dtype_names,
     .help = "what those are multiplied with: fp8 with fp8, int8 with int8; none: the model's "
             "dtype"},
    {QUANTIZATION(group_size), .kind = SETTING_INTEGER, .preset = "auto", .minimum = 0,
     .maximum = 1e6,
     .help = "weights along the inner dimension that share a scale, with fp8 the side of square "
             "blocks that do; 0: those of a column; auto: 32 with fp4, else 0"},
    {QUANTIZATION(scope), .kind = SETTING_CHOICE, .preset = "linear", .choices = scope_names,
     .help = "linear: all projections of the layers; experts: those of the routed experts"},
};
static const struct settings_table quantization_settings = {
    "a quantization", quantization_rows, sizeof quantization_rows / sizeof *quantization_rows};

static const struct setting settings[] = {
    {.name = "name",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct model, name),
     .help = "what reports call the model"},
    {.name = "source",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct model, source),
     .preset = "none",
     .help = "where the dimensions were published"},
    INTEGER(hidden_size, 1, 1e6, NULL, "width of the residual stream"),
    OPTIONAL(intermediate_size, 1e7,
             "inner width of the MLP of layers without experts; none: all have experts"),
    INTEGER(num_hidden_layers, 1, 1000, NULL, "transformer layers"),
    INTEGER(num_attention_heads, 1, 4096, NULL, "query heads of a layer"),
    INTEGER(num_key_value_heads, 1, 4096, "auto",
            "key and value heads of a layer; auto: as many as query heads"),
    INTEGER(head_dim, 1, 4096, "auto",
            "width of an attention head; auto: hidden_size / num_attention_heads, or with latent "
            "attention qk_nope_head_dim + qk_rope_head_dim"),
    INTEGER(vocab_size, 1, 1e8, NULL, "tokens of the vocabulary"),
    INTEGER(max_position_embeddings, 1, 1e8, NULL, "longest context in tokens"),
    FLAG(tie_word_embeddings, "the lm_head shares the embedding's weights"),
    FLAG(learned_positions, "a position embedding of max_position_embeddings rows, no rotary"),
    FLAG(qkv_bias, "biases of the query, key and value projections"),
    FLAG(attention_output_bias, "a bias of the attention's output projection"),
    FLAG(mlp_bias, "biases of the MLP's projections, of experts too"),
    FLAG(qk_norm, "a norm of head_dim on queries and on keys (Qwen3)"),
    FLAG(sandwich_norms, "norms behind attention and MLP too: four a layer (Gemma 2 and 3)"),
    FLAG(attention_sinks, "a learned attention sink for each query head (gpt-oss)"),
    CHOICE(mlp, "gated", mlp_names, "gated: gate, up and down projections; plain: up and down"),
    CHOICE(norm, "rms", norm_names, "rms: a weight; layer: a weight and a bias"),
    CHOICE(dtype, "bf16", model_dtype_names,
           "of activations, of weights that are not quantised, and of the KV cache"),
    OPTIONAL(num_experts, 4096, "routed experts of a layer; none: a dense model"),
    OPTIONAL(num_experts_per_tok, 4096, "routed experts that a token goes through"),
    OPTIONAL(moe_intermediate_size, 1e5, "inner width of one routed expert"),
    OPTIONAL(shared_expert_intermediate_size, 1e7,
             "inner width of all shared experts of a layer together"),
    OPTIONAL(first_k_dense_replace, 1000, "layers, from the first, that have no experts"),
    FLAG(router_bias, "the router has a bias, or a score correction, for each expert"),
    FLAG(shared_expert_gate, "the shared experts have a gate of their own (Qwen2-MoE)"),
    OPTIONAL(kv_lora_rank, 1e5,
             "latent attention (MLA): width of the latent that the KV cache "
             "keeps; none: keys and values are kept"),
    OPTIONAL(q_lora_rank, 1e5,
             "latent attention: width of the queries' latent; none: they have none"),
    OPTIONAL(qk_nope_head_dim, 4096,
             "latent attention: a head's part of queries and keys without "
             "rotary embedding"),
    OPTIONAL(qk_rope_head_dim, 4096,
             "latent attention: the part with rotary embedding, whose key "
             "all heads share"),
    OPTIONAL(v_head_dim, 4096, "latent attention: width of a head's values"),
    OPTIONAL(sliding_window, 1e8, "tokens that layers with a window see; none: they see all"),
    OPTIONAL(num_full_attention_layers, 1000,
             "layers that see all tokens although the others have a window"),
    {.name = "quantization",
     .kind = SETTING_SECTION,
     .offset = offsetof(struct model, quantization),
     .preset = "none",
     .section = &quantization_settings},
};

const struct settings_table model_settings = {"a model", settings,
                                              sizeof settings / sizeof *settings};

bool model_read(struct document *document, const struct node *mapping, struct model *model,
                char warning[512], struct error *error)
{
    *model = (struct model){0};
    warning[0] = '\0';
    if (node_find(mapping, "model_type") != NULL || node_find(mapping, "architectures") != NULL)
        return hf_config_read(document, mapping, model, warning, error);
    return settings_read(document, &model_settings, mapping, model, error) &&
           model_check(model, mapping, error);
}
