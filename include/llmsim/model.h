/* What runs: the dimensions of a decoder-only transformer, by Hugging Face's names. What a model has
 * not is 0: experts, latent attention, a window. */
#ifndef LLMSIM_MODEL_H
#define LLMSIM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum dtype {
    DTYPE_FP32,
    DTYPE_BF16,
    DTYPE_FP16,
    DTYPE_FP8,
    DTYPE_INT8,
    DTYPE_INT4,
    DTYPE_FP4, /* MXFP4 and its kin: 4 bits, scales a group */
    DTYPE_COUNT
};
enum mlp_kind { MLP_GATED /* SwiGLU and its kin: gate, up, down */, MLP_PLAIN /* up, down */ };
enum norm_kind { NORM_RMS, NORM_LAYER /* with a bias */ };
enum quantization_scope {
    QUANTIZE_LINEAR, /* every projection of the layers; embedding, router and lm_head are not */
    QUANTIZE_EXPERTS /* those of the routed experts alone */
};

/* How the weights of the layers are stored, and what they are multiplied with. */
struct quantization {
    int weights;     /* enum dtype; −1: as the model's */
    int activations; /* enum dtype: FP8 or INT8 (W8A8); −1: as the model's (weight-only) */
    /* Weights along the inner dimension that share a scale; FP8: the side of the square blocks that
     * do. 0: those of a column. */
    int64_t group_size;
    int scope; /* enum quantization_scope */
};

struct model {
    const char *name;
    const char *source;
    int64_t hidden_size;
    int64_t intermediate_size; /* of the layers without experts; 0: there are none of them */
    int64_t num_hidden_layers;
    int64_t num_attention_heads;
    int64_t num_key_value_heads;
    int64_t head_dim;
    int64_t vocab_size;
    int64_t max_position_embeddings; /* tokens: the model's longest context */
    bool tie_word_embeddings;        /* lm_head shares the embedding's weights */
    bool learned_positions;          /* a position embedding of max_position_embeddings rows */
    bool qkv_bias, attention_output_bias, mlp_bias; /* mlp_bias: of experts too */
    bool qk_norm;         /* a norm of head_dim on queries and keys (Qwen3) */
    bool sandwich_norms;  /* norms behind attention and MLP too: four a layer (Gemma 2 and 3) */
    bool attention_sinks; /* a parameter for each query head (gpt-oss) */
    int mlp;              /* enum mlp_kind */
    int norm;             /* enum norm_kind */
    int dtype; /* FP32, BF16 or FP16: of activations, and of all else unless it says so */

    /* Mixture of experts. */
    int64_t num_experts; /* routed, of a layer; 0: a dense model */
    int64_t num_experts_per_tok;
    int64_t moe_intermediate_size;           /* of one expert */
    int64_t shared_expert_intermediate_size; /* of all shared experts of a layer together */
    int64_t first_k_dense_replace;           /* layers from the first that have no experts */
    bool router_bias;                        /* or a score correction: num_experts of them */
    bool shared_expert_gate;                 /* hidden_size parameters (Qwen2-MoE) */

    /* Multi-head latent attention (DeepSeek-V2). Then num_key_value_heads equals
     * num_attention_heads, and head_dim is qk_nope_head_dim + qk_rope_head_dim. */
    int64_t kv_lora_rank; /* 0: none of it */
    int64_t q_lora_rank;  /* 0: queries are projected at once */
    int64_t qk_nope_head_dim, qk_rope_head_dim, v_head_dim;

    /* Sliding windows. */
    int64_t sliding_window;            /* tokens that a layer with a window sees; 0: none has one */
    int64_t num_full_attention_layers; /* that see everything; the others have the window */

    struct quantization quantization;
};

/* Layers with experts, and layers with a window. */
static inline int64_t model_moe_layers(const struct model *model)
{
    return model->num_experts > 0 ? model->num_hidden_layers - model->first_k_dense_replace : 0;
}
static inline int64_t model_window_layers(const struct model *model)
{
    return model->sliding_window > 0 ? model->num_hidden_layers - model->num_full_attention_layers
                                     : 0;
}

#endif
