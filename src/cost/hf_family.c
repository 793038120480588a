#include "hf_family.h"

#include <llmsim/model.h>
#include <string.h>

/* clang-format off */
#define GEMMA3                                                                                     \
    MLP_GATED, NORM_RMS, .keys = HF_KEYS_ATTENTION_BIAS | HF_KEYS_WINDOW_PATTERN,                  \
    .window = HF_WINDOW_PATTERN, .qk_norm = true, .sandwich_norms = true, .tied = true,            \
    .presets = {{"vocab_size", "262208"}, {"max_position_embeddings", "131072"},                   \
                {"num_attention_heads", "8"}, {"num_key_value_heads", "4"}, {"head_dim", "256"},   \
                {"sliding_window", "4096"}, {"sliding_window_pattern", "6"}}

static const struct hf_family families[] = {
    {"llama", "LlamaForCausalLM", MLP_GATED, NORM_RMS,
     .keys = HF_KEYS_ATTENTION_BIAS | HF_KEYS_MLP_BIAS},
    {"mistral", "MistralForCausalLM", MLP_GATED, NORM_RMS, .window = HF_WINDOW_ALL,
     .kv_heads_required = true},
    {"mixtral", "MixtralForCausalLM", MLP_GATED, NORM_RMS, .keys = HF_KEYS_EXPERTS,
     .window = HF_WINDOW_ALL, .kv_heads_required = true},
    {"qwen2", "Qwen2ForCausalLM", MLP_GATED, NORM_RMS, .qkv_bias = true,
     .window = HF_WINDOW_SWITCH, .kv_heads_required = true,
     .presets = {{"max_window_layers", "28"}}},
    {"qwen2_moe", "Qwen2MoeForCausalLM", MLP_GATED, NORM_RMS, .qkv_bias = true,
     .keys = HF_KEYS_EXPERTS | HF_KEYS_EXPERT_WIDTH | HF_KEYS_EXPERT_STEP | HF_KEYS_SHARED_EXPERT,
     .window = HF_WINDOW_SWITCH, .shared_expert_gate = true, .kv_heads_required = true,
     .presets = {{"max_window_layers", "28"}}},
    {"qwen3", "Qwen3ForCausalLM", MLP_GATED, NORM_RMS, .keys = HF_KEYS_ATTENTION_BIAS,
     .window = HF_WINDOW_SWITCH, .qk_norm = true, .kv_heads_required = true,
     .presets = {{"head_dim", "128"}, {"max_window_layers", "28"}}},
    {"qwen3_moe", "Qwen3MoeForCausalLM", MLP_GATED, NORM_RMS,
     .keys = HF_KEYS_ATTENTION_BIAS | HF_KEYS_EXPERTS | HF_KEYS_EXPERT_WIDTH | HF_KEYS_EXPERT_STEP,
     .window = HF_WINDOW_SWITCH, .qk_norm = true, .kv_heads_required = true,
     .presets = {{"max_window_layers", "28"}}},
    {"deepseek_v2", "DeepseekV2ForCausalLM", MLP_GATED, NORM_RMS,
     .keys = HF_KEYS_ATTENTION_BIAS | HF_KEYS_EXPERTS | HF_KEYS_EXPERT_WIDTH | HF_KEYS_DEEPSEEK},
    {"deepseek_v3", "DeepseekV3ForCausalLM", MLP_GATED, NORM_RMS, .router_bias = true,
     .keys = HF_KEYS_ATTENTION_BIAS | HF_KEYS_EXPERTS | HF_KEYS_EXPERT_WIDTH | HF_KEYS_DEEPSEEK},
    {"gemma", "GemmaForCausalLM", MLP_GATED, NORM_RMS, .keys = HF_KEYS_ATTENTION_BIAS,
     .tied = true, .kv_heads_required = true, .presets = {{"head_dim", "256"}}},
    {"gemma2", "Gemma2ForCausalLM", MLP_GATED, NORM_RMS,
     .keys = HF_KEYS_ATTENTION_BIAS | HF_KEYS_WINDOW_PATTERN, .window = HF_WINDOW_PATTERN,
     .sandwich_norms = true, .tied = true, .kv_heads_required = true,
     .presets = {{"head_dim", "256"}, {"sliding_window", "4096"}, {"sliding_window_pattern", "2"}}},
    {"gemma3_text", "Gemma3ForCausalLM", GEMMA3},
    {"gemma3", "Gemma3ForConditionalGeneration", GEMMA3, .text_config = true},
    {"gpt_oss", "GptOssForCausalLM", MLP_GATED, NORM_RMS, .qkv_bias = true,
     .attention_output_bias = true, .mlp_bias = true, .router_bias = true, .attention_sinks = true,
     .keys = HF_KEYS_ATTENTION_BIAS | HF_KEYS_EXPERTS, .window = HF_WINDOW_PATTERN,
     .presets = {{"head_dim", "64"}, {"num_key_value_heads", "8"}, {"sliding_window", "128"},
                 {"max_position_embeddings", "131072"}, {"sliding_window_pattern", "2"}}},
    {"phi3", "Phi3ForCausalLM", MLP_GATED, NORM_RMS, .window = HF_WINDOW_ALL},
    {"starcoder2", "Starcoder2ForCausalLM", MLP_PLAIN, NORM_LAYER, .qkv_bias = true,
     .attention_output_bias = true, .mlp_bias = true, .keys = HF_KEYS_USE_BIAS,
     .window = HF_WINDOW_ALL, .tied = true, .kv_heads_required = true},
    {"gpt_neox", "GPTNeoXForCausalLM", MLP_PLAIN, NORM_LAYER, .qkv_bias = true,
     .attention_output_bias = true, .mlp_bias = true, .keys = HF_KEYS_ATTENTION_BIAS},
};
/* clang-format on */
enum { FAMILY_COUNT = sizeof families / sizeof *families };

static bool is_text(const struct node *node, const char *text)
{
    return node != NULL && node->kind == NODE_SCALAR && strcmp(node->text, text) == 0;
}

const struct hf_family *hf_family_find(const struct node *mapping, struct error *error)
{
    const struct node *type = node_find(mapping, "model_type");
    const struct node *list = node_find(mapping, "architectures");
    const struct node *architecture = NULL;
    if (list != NULL && list->kind == NODE_SEQUENCE && list->count > 0)
        architecture = list->items[0];
    const char *names[FAMILY_COUNT];
    const struct hf_family *family = NULL;
    for (size_t i = 0; i < FAMILY_COUNT; i++) {
        names[i] = families[i].model_type;
        if (type != NULL ? is_text(type, families[i].model_type)
                         : is_text(architecture, families[i].architecture))
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
    if (architecture != NULL && !is_text(architecture, family->architecture)) {
        error_input(error, &architecture->at,
                    "llmsim models %s as '%s', and cannot represent architecture '%s'",
                    family->model_type, family->architecture,
                    architecture->kind == NODE_SCALAR ? architecture->text : "?");
        return NULL;
    }
    return family;
}
