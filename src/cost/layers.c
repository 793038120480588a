/* The operators of a dense decoder-only transformer, as vLLM splits them over tensor-parallel ranks
 * (Megatron-LM, Shoeybi et al. 2019): query, key, value, gate and up projections by columns, output
 * and down projections by rows, each pair closed by an all-reduce; embedding and lm_head by
 * vocabulary. Elements moved by the elementwise kernels are counted as vLLM fuses them. */
#include "layers.h"

#include "accelerator_spec.h"
#include "model_spec.h"
#include "operators.h"

#include <assert.h>

void shard_init(struct shard *shard, const struct cost_setup *setup)
{
    const struct model *model = setup->model;
    int tensor_parallel_size = setup->deployment.tensor_parallel_size;
    double ranks = tensor_parallel_size;
    *shard = (struct shard){
        .accelerator = setup->accelerator,
        .ranks = tensor_parallel_size,
        .dtype = model->dtype,
        .flops_per_s = accelerator_flops_per_s(setup->accelerator, model->dtype),
        .element_bytes = dtype_bytes(model->dtype),
        .layers = (double)model->num_hidden_layers,
        .hidden = (double)model->hidden_size,
        .inner = (double)model->intermediate_size / ranks,
        .vocab = (double)model->vocab_size / ranks,
        .query_heads = (double)model->num_attention_heads / ranks,
        .kv_heads = (double)model_kv_heads_per_rank(model, tensor_parallel_size),
        .head_dim = (double)model->head_dim,
        .kv_bytes_per_token =
            model_kv_bytes_per_token(model, &setup->deployment) / (double)model->num_hidden_layers,
        .gated = model->mlp == MLP_GATED,
        .qk_norm = model->qk_norm,
        .rotary = !model->learned_positions,
    };
}

void operator_list_add(struct operator_list *list, double calls, const struct step_operator *added)
{
    assert((size_t)list->count < sizeof list->items / sizeof *list->items);
    struct step_operator *item = &list->items[list->count++];
    *item = *added;
    item->calls = calls;
    item->cost = cost_times(calls, added->cost);
    item->moved_bytes = calls * added->moved_bytes;
}

/* Lists the operators of a batch of rows. */
struct listing {
    const struct shard *shard;
    struct operator_list *list;
    double rows, useful_rows;
};

static void add_gemm(const struct listing *listing, const char *name, double calls, double columns,
                     double inner)
{
    const struct shard *shard = listing->shard;
    struct gemm_shape shape = {.rows = listing->rows,
                               .useful_rows = listing->useful_rows,
                               .columns = columns,
                               .inner = inner,
                               .weight_bytes = shard->element_bytes,
                               .activation_bytes = shard->element_bytes};
    struct step_operator added = {.name = name,
                                  .cost = gemm_cost(shard->accelerator, shard->dtype, &shape),
                                  .moved_bytes = gemm_bytes(&shape),
                                  .peak_flops_per_s = shard->flops_per_s};
    operator_list_add(listing->list, calls, &added);
}

/* `moved` elements a row are read or written, of which `stored` must come from or go to device
 * memory. */
static void add_elementwise(const struct listing *listing, const char *name, double calls,
                            double moved, double stored)
{
    const struct shard *shard = listing->shard;
    double moved_bytes = listing->rows * moved * shard->element_bytes;
    struct step_operator added = {.name = name,
                                  .cost = elementwise_cost(shard->accelerator, moved_bytes),
                                  .moved_bytes = moved_bytes};
    added.cost.bytes = listing->useful_rows * stored * shard->element_bytes;
    operator_list_add(listing->list, calls, &added);
}

static void add_all_reduce(const struct listing *listing, const char *name, double calls)
{
    const struct shard *shard = listing->shard;
    if (shard->ranks == 1)
        return;
    double bytes = listing->rows * shard->hidden * shard->element_bytes;
    struct step_operator added = {
        .name = name,
        .cost = all_reduce_cost(&shard->accelerator->interconnect, shard->ranks, bytes)};
    operator_list_add(listing->list, calls, &added);
}

void layers_list(const struct shard *shard, int32_t tokens, int32_t padded,
                 struct operator_list *list)
{
    const struct listing listing = {shard, list, padded, tokens};
    double layers = shard->layers, h = shard->hidden, f = shard->inner;
    double q = shard->query_heads * shard->head_dim, kv = shard->kv_heads * shard->head_dim;
    /* A row in and out; a learned position is a second row in, then read, added and written. */
    add_elementwise(&listing, "embedding", 1, shard->rotary ? 2 * h : 5 * h,
                    shard->rotary ? h : 2 * h);
    add_all_reduce(&listing, "embedding all-reduce", 1);
    /* The residual is added in the same kernel: two rows in, two out. */
    add_elementwise(&listing, "norm", 2 * layers, 4 * h, 0);
    add_gemm(&listing, "qkv projection", layers, q + 2 * kv, h);
    if (shard->qk_norm)
        add_elementwise(&listing, "query and key norm", layers, 2 * (q + kv), 0);
    if (shard->rotary)
        add_elementwise(&listing, "rotary embedding", layers, 2 * (q + kv), 0);
    add_elementwise(&listing, "KV cache write", layers, 4 * kv, 2 * kv);
    add_gemm(&listing, "output projection", layers, h, q);
    add_gemm(&listing, shard->gated ? "gate and up projection" : "up projection", layers,
             shard->gated ? 2 * f : f, h);
    add_elementwise(&listing, "activation", layers, shard->gated ? 3 * f : 2 * f, 0);
    add_gemm(&listing, "down projection", layers, h, f);
    add_all_reduce(&listing, "all-reduce", 2 * layers);
    add_elementwise(&listing, "final norm", 1, 4 * h, 0);
}

void head_list(const struct shard *shard, int32_t sequences, struct operator_list *list)
{
    const struct listing listing = {shard, list, sequences, sequences};
    const struct host_overhead *host = &shard->accelerator->host;
    add_gemm(&listing, "lm_head", 1, shard->vocab, shard->hidden);
    if (shard->ranks > 1) {
        double bytes = sequences * shard->vocab * shard->ranks * shard->element_bytes;
        struct step_operator gather = {
            .name = "logits all-gather",
            .cost = all_gather_cost(&shard->accelerator->interconnect, shard->ranks, bytes)};
        operator_list_add(list, 1, &gather);
    }
    double sampler_s = host->sampler_s + host->sampler_per_sequence_s * sequences;
    struct step_operator sampler = {.name = "sampler",
                                    .cost = cost_of(sampler_s, BOUND_OVERHEAD, 0.0)};
    operator_list_add(list, 1, &sampler);
}
