/* Multi-head latent attention (DeepSeek-V2, 2024, section 2.1): the cache holds one latent of
 * kv_lora_rank and one rotary key a token, for all heads.
 *
 * Absorbed, as decodes run: queries are taken into the space of the latent, head by head, and what
 * attention makes of the latent is taken to values: all heads share one key and value of
 * kv_lora_rank (+ qk_rope_head_dim), and the cache is read once. Unabsorbed, as prompts run: the
 * latents of the whole context are expanded to keys and values of every head first, which then cost
 * a third of the FLOPs a pair of tokens. vLLM, v1/attention/backends/mla/common.py. */
#include "listing.h"

void listing_latent(const struct listing *listing)
{
    const struct shard *shard = listing->shard;
    const struct model *model = shard->model;
    double layers = shard->layers, h = shard->hidden, heads = shard->query_heads;
    double q_rank = (double)model->q_lora_rank, kv_rank = (double)model->kv_lora_rank;
    double rope = (double)model->qk_rope_head_dim;
    double q = heads * (double)(model->qk_nope_head_dim + model->qk_rope_head_dim);
    /* What goes down to a latent is computed by every rank. */
    listing_gemm(listing, "query and latent projection", layers,
                 (q_rank > 0 ? q_rank : q) + kv_rank + rope, h, &shard->linear);
    listing_elementwise(listing, "latent norm", layers, 2 * (q_rank + kv_rank), 0);
    if (q_rank > 0)
        listing_gemm(listing, "query up projection", layers, q, q_rank, &shard->linear);
    listing_elementwise(listing, "rotary embedding", layers, 2 * (heads + 1) * rope, 0);
    listing_elementwise(listing, "KV cache write", layers, 2 * (kv_rank + rope),
                        shard->kv_bytes_per_token);
    listing_gemm(listing, "output projection", layers, h, heads * (double)model->v_head_dim,
                 &shard->linear);
}

/* A product a head, in one kernel: its rows times the heads, on matrices of one head each. */
static void list_heads(const struct listing *listing, const char *name, double columns,
                       double inner)
{
    const struct shard *shard = listing->shard;
    double heads = shard->query_heads, b = shard->element_bytes;
    const struct gemm_shape shape = {
        listing->rows * heads, listing->useful_rows * heads, columns, inner, b, b, b};
    const struct step_operator added = {
        .name = name,
        .cost = gemm_batch_cost(shard->accelerator, shard->dtype, &shape, heads),
        .moved_bytes = gemm_bytes(&shape) + (heads - 1.0) * b * inner * columns,
        .peak_flops_per_s = shard->flops_per_s,
    };
    operator_list_add(listing->list, shard->layers, &added);
}

void latent_absorption_list(const struct shard *shard, double rows, struct operator_list *list)
{
    const struct model *model = shard->model;
    const struct listing listing = {shard, list, rows, rows};
    double rank = (double)model->kv_lora_rank;
    list_heads(&listing, "query absorption", rank, (double)model->qk_nope_head_dim);
    list_heads(&listing, "value up projection", (double)model->v_head_dim, rank);
}

void latent_expansion_list(const struct shard *shard, double rows, struct operator_list *list)
{
    const struct model *model = shard->model;
    const struct listing listing = {shard, list, rows, rows};
    double columns = shard->query_heads * (double)(model->qk_nope_head_dim + model->v_head_dim);
    listing_gemm(&listing, "key and value expansion", shard->layers, columns,
                 (double)model->kv_lora_rank, &shard->linear);
}
