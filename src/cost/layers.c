/* The operators of a decoder-only transformer, as vLLM splits them over tensor-parallel ranks
 * (Megatron-LM, Shoeybi et al. 2019): query, key, value, gate and up projections by columns, output
 * and down projections by rows, each pair closed by an all-reduce; embedding and lm_head by
 * vocabulary. Elements moved by the elementwise kernels are counted as vLLM fuses them. */
#include "layers.h"

#include "accelerator_spec.h"
#include "listing.h"
#include "model_spec.h"

/* 8-bit weights meet 8-bit activations where the accelerator multiplies them; without, as in vLLM,
 * they are turned into 16 bits on the way (weight-only). */
static struct projection projection_of(const struct shard *shard, bool quantised, bool expert)
{
    const struct model *model = shard->model;
    const struct quantization *quantization = &model->quantization;
    struct projection projection = {shard->dtype, shard->element_bytes, false};
    if (!quantised || quantization->weights < 0)
        return projection;
    projection.weight_bytes = quantized_weight_bytes(model, expert);
    if (quantization->activations >= 0 &&
        accelerator_supports(shard->accelerator, quantization->activations)) {
        projection.dtype = quantization->activations;
        projection.quantises = true;
    }
    return projection;
}

void shard_init(struct shard *shard, const struct cost_setup *setup)
{
    const struct model *model = setup->model;
    const struct deployment *deployment = &setup->deployment;
    double ranks = deployment->tensor_parallel_size;
    double stage_layers = (double)deployment_stage_layers(deployment, model->num_hidden_layers);
    *shard = (struct shard){
        .accelerator = setup->accelerator,
        .model = model,
        .deployment = *deployment,
        .ranks = deployment->tensor_parallel_size,
        .dtype = model->dtype,
        .flops_per_s = accelerator_flops_per_s(setup->accelerator, model->dtype),
        .element_bytes = dtype_bytes(model->dtype),
        .layers = (double)model->num_hidden_layers,
        .hidden = (double)model->hidden_size,
        .inner = (double)model->intermediate_size / ranks,
        .vocab = (double)model->vocab_size / ranks,
        .query_heads = (double)model->num_attention_heads / ranks,
        .kv_heads = (double)model_kv_heads_per_rank(model, deployment->tensor_parallel_size),
        .head_dim = (double)model->head_dim,
        .kv_bytes_per_token = model_kv_bytes_per_token(model, deployment) / stage_layers,
    };
    bool all = model->quantization.scope == QUANTIZE_LINEAR;
    shard->linear = projection_of(shard, all, false);
    shard->experts = projection_of(shard, true, true);
}

static void list_all_reduce(const struct listing *listing, const char *name, double calls)
{
    const struct shard *shard = listing->shard;
    double bytes = listing->rows * shard->hidden * shard->element_bytes;
    if (shard->ranks > 1)
        listing_time(listing, name, calls,
                     all_reduce_cost(&shard->accelerator->interconnect, shard->ranks, bytes));
}

static void list_attention_projections(const struct listing *listing)
{
    const struct shard *shard = listing->shard;
    const struct model *model = shard->model;
    double layers = shard->layers, h = shard->hidden;
    double q = shard->query_heads * shard->head_dim, kv = shard->kv_heads * shard->head_dim;
    listing_gemm(listing, "qkv projection", layers, q + 2 * kv, h, &shard->linear);
    if (model->qk_norm)
        listing_elementwise(listing, "query and key norm", layers, 2 * (q + kv), 0);
    if (!model->learned_positions)
        listing_elementwise(listing, "rotary embedding", layers, 2 * (q + kv), 0);
    listing_elementwise(listing, "KV cache write", layers, 4 * kv, shard->kv_bytes_per_token);
    listing_gemm(listing, "output projection", layers, h, q, &shard->linear);
}

void embedding_list(const struct shard *shard, int32_t tokens, int32_t padded,
                    struct operator_list *list)
{
    const struct listing listing = {shard, list, padded, tokens};
    double h = shard->hidden;
    /* A row in and out; a learned position is a second row in, then read, added and written. */
    bool learned = shard->model->learned_positions;
    listing_elementwise(&listing, "embedding", 1, learned ? 5 * h : 2 * h,
                        (learned ? 2 * h : h) * shard->element_bytes);
    list_all_reduce(&listing, "embedding all-reduce", 1);
}

void final_norm_list(const struct shard *shard, int32_t tokens, int32_t padded,
                     struct operator_list *list)
{
    const struct listing listing = {shard, list, padded, tokens};
    listing_elementwise(&listing, "final norm", 1, 4 * shard->hidden, 0);
}

void layers_list(const struct shard *shard, int32_t tokens, int32_t padded,
                 struct operator_list *list)
{
    static const char *const gated_names[] = {"gate and up projection", "activation",
                                              "down projection"};
    static const char *const plain_names[] = {"up projection", "activation", "down projection"};
    const struct listing listing = {shard, list, padded, tokens};
    const struct model *model = shard->model;
    double moe_layers = (double)model_moe_layers(model), layers = shard->layers;
    embedding_list(shard, tokens, padded, list);
    /* The residual is added in the same kernel: two rows in, two out. */
    listing_elementwise(&listing, "norm", (model->sandwich_norms ? 4 : 2) * layers,
                        4 * shard->hidden, 0);
    if (model->kv_lora_rank > 0)
        listing_latent(&listing);
    else
        list_attention_projections(&listing);
    listing_mlp(&listing, model->mlp == MLP_GATED ? gated_names : plain_names, layers - moe_layers,
                shard->inner, &shard->linear);
    /* Behind attention and MLP; experts of data-parallel ranks exchange their tokens instead. */
    bool exchanges = moe_layers > 0 && shard->deployment.data_parallel_size > 1;
    list_all_reduce(&listing, "all-reduce", 2 * layers - (exchanges ? moe_layers : 0));
    final_norm_list(shard, tokens, padded, list);
    double transfers = shard->deployment.pipeline_parallel_size - 1.0;
    listing_time(&listing, "pipeline transfer", transfers, pipeline_transfer_cost(shard, padded));
}

struct cost pipeline_transfer_cost(const struct shard *shard, int32_t rows)
{
    /* The hidden state and the residual, a slice from each tensor-parallel rank. */
    double bytes = 2.0 * rows * shard->hidden * shard->element_bytes / shard->ranks;
    return point_to_point_cost(&shard->accelerator->interconnect, bytes);
}

void head_list(const struct shard *shard, int32_t sequences, struct operator_list *list)
{
    const struct listing listing = {shard, list, sequences, sequences};
    const struct projection plain = {shard->dtype, shard->element_bytes, false};
    const struct host_overhead *host = &shard->accelerator->host;
    listing_gemm(&listing, "lm_head", 1, shard->vocab, shard->hidden, &plain);
    if (shard->ranks > 1) {
        double bytes = sequences * shard->vocab * shard->ranks * shard->element_bytes;
        listing_time(&listing, "logits all-gather", 1,
                     exchange_cost(&shard->accelerator->interconnect, shard->ranks, bytes));
    }
    double sampler_s = host->sampler_s + host->sampler_per_sequence_s * sequences;
    listing_time(&listing, "sampler", 1, cost_of(sampler_s, BOUND_OVERHEAD, 0.0));
}
