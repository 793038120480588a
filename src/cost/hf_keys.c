#include "hf_keys.h"

#include <string.h>

/* Keys that only some families read; the others of hf_settings are read for all. */
static const struct {
    const char *key;
    unsigned groups; /* of enum hf_keys */
} grouped_keys[] = {
    {"attention_bias", HF_KEYS_ATTENTION_BIAS},
    {"mlp_bias", HF_KEYS_MLP_BIAS},
    {"use_bias", HF_KEYS_USE_BIAS},
    {"sliding_window_pattern", HF_KEYS_WINDOW_PATTERN},
    {"num_experts", HF_KEYS_EXPERTS},
    {"num_experts_per_tok", HF_KEYS_EXPERTS},
    {"moe_intermediate_size", HF_KEYS_EXPERT_WIDTH},
    {"decoder_sparse_step", HF_KEYS_EXPERT_STEP | HF_KEYS_DEEPSEEK},
    {"shared_expert_intermediate_size", HF_KEYS_SHARED_EXPERT},
    {"n_shared_experts", HF_KEYS_DEEPSEEK},
    {"first_k_dense_replace", HF_KEYS_DEEPSEEK},
    {"topk_method", HF_KEYS_DEEPSEEK},
    {"kv_lora_rank", HF_KEYS_DEEPSEEK},
    {"q_lora_rank", HF_KEYS_DEEPSEEK},
    {"qk_nope_head_dim", HF_KEYS_DEEPSEEK},
    {"qk_rope_head_dim", HF_KEYS_DEEPSEEK},
    {"v_head_dim", HF_KEYS_DEEPSEEK},
};

/* One thing, many names. */
static const struct {
    const char *key, *canonical;
} aliases[] = {
    {"num_local_experts", "num_experts"},
    {"n_routed_experts", "num_experts"},
    {"moe_layer_freq", "decoder_sparse_step"},
    {"_sliding_window_pattern", "sliding_window_pattern"},
};

/* Keys that change what a model computes or stores in ways that struct model has no words for.
 * null, false, 0, an empty text and an empty list say that the feature is absent. */
static const struct {
    const char *key;
    const char *feature;
} refused_keys[] = {
    {"compression_config", "quantised weights"},
    {"num_local_experts", "a mixture of experts"},
    {"num_experts", "a mixture of experts"},
    {"n_routed_experts", "a mixture of experts"},
    {"moe_intermediate_size", "a mixture of experts"},
    {"kv_lora_rank", "multi-head latent attention"},
    {"q_lora_rank", "multi-head latent attention"},
    {"mlp_only_layers", "layers without experts among others with"},
    {"use_bidirectional_attention", "an encoder"},
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
    "hidden_activation", "use_parallel_residual", "use_mrope",
    "gradient_checkpointing", "use_flash_attn", "torchscript", "return_dict",
    "chunk_size_feed_forward", "output_attentions", "output_hidden_states", "tokenizer_class",
    "unsloth_version", "unsloth_fixed",
    /* the router's arithmetic, soft caps */
    "router_aux_loss_coef", "router_jitter_noise", "output_router_logits", "norm_topk_prob",
    "aux_loss_alpha", "seq_aux", "ep_size", "n_group", "topk_group", "scoring_func",
    "routed_scaling_factor", "experts_per_token", "swiglu_limit", "initial_context_length",
    "attn_logit_softcapping", "final_logit_softcapping", "query_pre_attn_scalar",
    "cache_implementation", "rope_local_base_freq", "num_nextn_predict_layers",
    /* read on their own; images */
    "quantization_config", "boi_token_index", "eoi_token_index", "image_token_index",
    "mm_tokens_per_image",
};
/* clang-format on */

bool hf_key_is_absent(const struct node *node)
{
    if (node == NULL || (node->kind == NODE_SEQUENCE && node->count == 0))
        return true;
    static const char *const words[] = {"null", "~", "false", "0", ""};
    for (size_t i = 0; node->kind == NODE_SCALAR && i < sizeof words / sizeof *words; i++) {
        if (strcmp(node->text, words[i]) == 0)
            return true;
    }
    return false;
}

const char *hf_key_canonical(const char *key)
{
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++) {
        if (strcmp(key, aliases[i].key) == 0)
            return aliases[i].canonical;
    }
    return key;
}

/* 0: all families read it, or none. */
static unsigned groups_of(const char *key)
{
    for (size_t i = 0; i < sizeof grouped_keys / sizeof *grouped_keys; i++) {
        if (strcmp(key, grouped_keys[i].key) == 0)
            return grouped_keys[i].groups;
    }
    return 0;
}

bool hf_key_is_of(const struct hf_family *family, const char *key)
{
    unsigned groups = groups_of(key);
    return groups == 0 || (family->keys & groups) != 0;
}

/* What the family reads elsewhere in the file: the mapping of the text model, beside others. */
static bool is_other_part(const struct hf_family *family, const char *key)
{
    return family->text_config &&
           (strcmp(key, "text_config") == 0 || strcmp(key, "vision_config") == 0);
}

bool hf_keys_refuse(const struct hf_family *family, const struct node *mapping, struct error *error)
{
    for (size_t i = 0; i < sizeof refused_keys / sizeof *refused_keys; i++) {
        const char *key = refused_keys[i].key;
        if (!hf_key_is_absent(node_find(mapping, key)) &&
            (groups_of(hf_key_canonical(key)) & family->keys) == 0 && !is_other_part(family, key))
            return error_input(error, node_key_location(mapping, key),
                               "'%s': llmsim cannot represent %s", key, refused_keys[i].feature);
    }
    return true;
}

bool hf_key_is_harmless(const char *key)
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
