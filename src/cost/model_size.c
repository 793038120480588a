/* Parameters and bytes that follow from a model's dimensions. */
#include "model_spec.h"

#include <math.h>

/* How a deployment divides what a layer holds. */
enum spread {
    SPREAD_TENSOR,   /* over the tensor-parallel ranks */
    SPREAD_KV_HEADS, /* likewise, but never less than a KV head a rank */
    SPREAD_EXPERTS,  /* routed experts: over tensor · data ranks, whole ones or slices */
    SPREAD_NONE,     /* every rank holds all of it */
    SPREAD_COUNT
};

/* Of one layer of a model. */
struct layer {
    int64_t projections[SPREAD_COUNT]; /* matrices, which quantisation reaches */
    int64_t others[SPREAD_COUNT];      /* norms, biases, sinks, router: in the model's dtype */
};

static int64_t norm_vectors(const struct model *model)
{
    return model->norm == NORM_LAYER ? 2 : 1; /* weight, bias */
}

/* From latents to the keys without rotary embedding and the values of all heads. */
static int64_t latent_expansion(const struct model *model)
{
    return model->kv_lora_rank * model->num_attention_heads *
           (model->qk_nope_head_dim + model->v_head_dim);
}

static void add_latent_attention(const struct model *model, struct layer *layer)
{
    int64_t h = model->hidden_size, heads = model->num_attention_heads;
    int64_t q = heads * model->head_dim, rank = model->q_lora_rank;
    layer->projections[SPREAD_TENSOR] += rank > 0 ? rank * q : h * q;
    layer->projections[SPREAD_NONE] += h * rank;
    layer->projections[SPREAD_NONE] += h * (model->kv_lora_rank + model->qk_rope_head_dim);
    layer->projections[SPREAD_TENSOR] += latent_expansion(model) + heads * model->v_head_dim * h;
    layer->others[SPREAD_NONE] += norm_vectors(model) * (rank + model->kv_lora_rank);
}

static void add_attention(const struct model *model, struct layer *layer)
{
    int64_t h = model->hidden_size, q = model->num_attention_heads * model->head_dim;
    int64_t kv = 2 * model->num_key_value_heads * model->head_dim;
    if (model->kv_lora_rank > 0) {
        add_latent_attention(model, layer);
    } else {
        layer->projections[SPREAD_TENSOR] += 2 * h * q;
        layer->projections[SPREAD_KV_HEADS] += h * kv;
    }
    if (model->qkv_bias) {
        layer->others[SPREAD_TENSOR] += q;
        layer->others[SPREAD_KV_HEADS] += kv;
    }
    if (model->attention_output_bias)
        layer->others[SPREAD_TENSOR] += h;
    if (model->attention_sinks)
        layer->others[SPREAD_TENSOR] += model->num_attention_heads;
    if (model->qk_norm)
        layer->others[SPREAD_NONE] += 2 * model->head_dim;
    layer->others[SPREAD_NONE] += (model->sandwich_norms ? 4 : 2) * norm_vectors(model) * h;
}

/* So many MLPs of an inner width. */
static void add_mlps(const struct model *model, int64_t count, int64_t inner, enum spread spread,
                     struct layer *layer)
{
    int64_t columns = model->mlp == MLP_GATED ? 2 * inner : inner; /* of (gate and) up */
    layer->projections[spread] += count * model->hidden_size * (columns + inner);
    if (model->mlp_bias && inner > 0)
        layer->others[spread] += count * (columns + model->hidden_size);
}

static struct layer layer_of(const struct model *model, bool with_experts)
{
    struct layer layer = {0};
    add_attention(model, &layer);
    if (!with_experts) {
        add_mlps(model, 1, model->intermediate_size, SPREAD_TENSOR, &layer);
        return layer;
    }
    int64_t experts = model->num_experts, h = model->hidden_size;
    add_mlps(model, experts, model->moe_intermediate_size, SPREAD_EXPERTS, &layer);
    add_mlps(model, 1, model->shared_expert_intermediate_size, SPREAD_TENSOR, &layer);
    layer.others[SPREAD_NONE] += h * experts;
    if (model->router_bias)
        layer.others[SPREAD_NONE] += experts;
    if (model->shared_expert_gate)
        layer.others[SPREAD_NONE] += h;
    return layer;
}

/* With `routed` of the experts. */
static int64_t layer_parameters(const struct model *model, bool with_experts, int64_t routed)
{
    const struct layer layer = layer_of(model, with_experts);
    int64_t sum = 0;
    for (int i = 0; i < SPREAD_COUNT; i++) {
        if (i != SPREAD_EXPERTS)
            sum += layer.projections[i] + layer.others[i];
    }
    int64_t experts = layer.projections[SPREAD_EXPERTS] + layer.others[SPREAD_EXPERTS];
    return with_experts ? sum + experts / model->num_experts * routed : sum;
}

static int64_t all_layers(const struct model *model, int64_t routed)
{
    int64_t with_experts = model_moe_layers(model);
    int64_t without = model->num_hidden_layers - with_experts;
    int64_t sum = without * layer_parameters(model, false, 0);
    return with_experts > 0 ? sum + with_experts * layer_parameters(model, true, routed) : sum;
}

static int64_t position_parameters(const struct model *model)
{
    return model->learned_positions ? model->max_position_embeddings * model->hidden_size : 0;
}

int64_t model_parameters(const struct model *model)
{
    int64_t matrices = model->tie_word_embeddings ? 1 : 2;
    return all_layers(model, model->num_experts) + norm_vectors(model) * model->hidden_size +
           matrices * model->vocab_size * model->hidden_size + position_parameters(model);
}

int64_t model_active_parameters(const struct model *model)
{
    return all_layers(model, model->num_experts_per_tok) +
           norm_vectors(model) * model->hidden_size + model->vocab_size * model->hidden_size;
}

double quantized_weight_bytes(const struct model *model, bool expert)
{
    /* A column's scale is shared by its inner dimension, for which the hidden size stands. int4
     * has zero points of its own width. */
    static const double per_group[DTYPE_COUNT] = {
        [DTYPE_FP8] = 2.0, [DTYPE_INT8] = 2.0, [DTYPE_INT4] = 2.0 + 0.5, [DTYPE_FP4] = 1.0};
    const struct quantization *quantization = &model->quantization;
    if (quantization->weights < 0 || (quantization->scope == QUANTIZE_EXPERTS && !expert))
        return dtype_bytes(model->dtype);
    double bytes = dtype_bytes(quantization->weights);
    double group = (double)quantization->group_size;
    if (group == 0.0)
        return bytes + per_group[quantization->weights] / (double)model->hidden_size;
    if (quantization->weights == DTYPE_FP8)
        return bytes + 4.0 / (group * group); /* an fp32 scale a block */
    return bytes + per_group[quantization->weights] / group;
}

int64_t model_kv_heads_per_rank(const struct model *model, int tensor_parallel_size)
{
    int64_t heads = model->num_key_value_heads / tensor_parallel_size;
    return heads > 1 ? heads : 1;
}

/* Into how many accelerators' shares each kind divides; the share is that of the one with most. */
static void divisors_of(const struct model *model, const struct deployment *deployment,
                        double divisors[SPREAD_COUNT])
{
    double ranks = deployment_expert_ranks(deployment);
    double experts = (double)model->num_experts;
    int tensor_parallel_size = deployment->tensor_parallel_size;
    divisors[SPREAD_TENSOR] = tensor_parallel_size;
    divisors[SPREAD_KV_HEADS] = (double)model->num_key_value_heads /
                                (double)model_kv_heads_per_rank(model, tensor_parallel_size);
    divisors[SPREAD_EXPERTS] =
        deployment->expert_parallel ? experts / ceil(experts / ranks) : ranks;
    divisors[SPREAD_NONE] = 1.0;
}

/* One layer on one accelerator. */
static double layer_bytes(const struct model *model, bool with_experts,
                          const double divisors[SPREAD_COUNT])
{
    const struct layer layer = layer_of(model, with_experts);
    double dtype = dtype_bytes(model->dtype), bytes = 0.0;
    for (int i = 0; i < SPREAD_COUNT; i++) {
        if (layer.projections[i] + layer.others[i] == 0)
            continue; /* and perhaps nothing to divide by */
        double element = quantized_weight_bytes(model, i == SPREAD_EXPERTS);
        bytes += ((double)layer.projections[i] * element + (double)layer.others[i] * dtype) /
                 divisors[i];
    }
    if (model->kv_lora_rank > 0)
        bytes += (double)latent_expansion(model) * dtype / divisors[SPREAD_TENSOR];
    return bytes;
}

double model_weight_bytes(const struct model *model, const struct deployment *deployment)
{
    double divisors[SPREAD_COUNT];
    divisors_of(model, deployment, divisors);
    double dtype = dtype_bytes(model->dtype);
    double vocabulary =
        (double)(model->vocab_size * model->hidden_size) / divisors[SPREAD_TENSOR] * dtype;
    double dense_layer = layer_bytes(model, false, divisors);
    double expert_layer = model->num_experts > 0 ? layer_bytes(model, true, divisors) : 0.0;
    int64_t dense_left = model->num_hidden_layers - model_moe_layers(model);
    int stages = deployment->pipeline_parallel_size;
    double most = 0.0;
    for (int stage = 0; stage < stages; stage++) {
        int64_t layers = deployment_layers_of_stage(deployment, model->num_hidden_layers, stage);
        int64_t dense = layers < dense_left ? layers : dense_left;
        dense_left -= dense;
        double bytes = (double)dense * dense_layer + (double)(layers - dense) * expert_layer;
        if (stage == 0)
            bytes += vocabulary + (double)position_parameters(model) * dtype;
        if (stage == stages - 1)
            bytes += (double)(norm_vectors(model) * model->hidden_size) * dtype;
        if (stage == stages - 1 && (stages > 1 || !model->tie_word_embeddings))
            bytes += vocabulary; /* lm_head; a tied one on another stage is a copy */
        most = fmax(most, bytes);
    }
    return most;
}

double model_kv_bytes_per_token(const struct model *model, const struct deployment *deployment)
{
    int64_t layers = deployment_stage_layers(deployment, model->num_hidden_layers);
    int64_t kv_heads = model_kv_heads_per_rank(model, deployment->tensor_parallel_size);
    int64_t elements = model->kv_lora_rank > 0 ? model->kv_lora_rank + model->qk_rope_head_dim
                                               : 2 * kv_heads * model->head_dim;
    return (double)(layers * elements) * dtype_bytes(deployment->kv_cache_dtype);
}

double dtype_bytes(int dtype)
{
    static const double bytes[DTYPE_COUNT] = {
        [DTYPE_FP32] = 4, [DTYPE_BF16] = 2,   [DTYPE_FP16] = 2,  [DTYPE_FP8] = 1,
        [DTYPE_INT8] = 1, [DTYPE_INT4] = 0.5, [DTYPE_FP4] = 0.5,
    };
    return bytes[dtype];
}
