/* What runs: the dimensions of a dense decoder-only transformer, by Hugging Face's names. */
#ifndef LLMSIM_MODEL_H
#define LLMSIM_MODEL_H

#include <stdbool.h>
#include <stdint.h>

enum dtype { DTYPE_FP32, DTYPE_BF16, DTYPE_FP16 };
enum mlp_kind { MLP_GATED /* SwiGLU and its kin: gate, up, down */, MLP_PLAIN /* up, down */ };
enum norm_kind { NORM_RMS, NORM_LAYER /* with a bias */ };

struct model {
    const char *name;
    const char *source;
    int64_t hidden_size;
    int64_t intermediate_size;
    int64_t num_hidden_layers;
    int64_t num_attention_heads;
    int64_t num_key_value_heads;
    int64_t head_dim;
    int64_t vocab_size;
    int64_t max_position_embeddings; /* tokens: the model's longest context */
    bool tie_word_embeddings;        /* lm_head shares the embedding's weights */
    bool learned_positions;          /* a position embedding of max_position_embeddings rows */
    bool qkv_bias, attention_output_bias, mlp_bias;
    bool qk_norm; /* a norm of head_dim on queries and keys (Qwen3) */
    int mlp;      /* enum mlp_kind */
    int norm;     /* enum norm_kind */
    int dtype;    /* enum dtype, of weights, activations and KV cache */
};

#endif
