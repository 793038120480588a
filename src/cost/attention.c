/* Attention over a paged KV cache, all layers of one tensor-parallel rank. The equations are those
 * of one layer, with nh query and nkv KV heads a rank, hd wide, b bytes an element.
 *
 * A step of n decodes only (vLLM's FlashAttention with split-KV):
 *
 *     t = d0 + dtc·n·nkv/S + (2·b·nkv·hd·Σkv + 2·b·n·nh·hd) / (W·dem)
 *       + rl·kv_max / (n·nkv/S)   where n_padded·nkv ≥ 1.6·S: split-KV is off, the longest
 *                                 sequence is a tail of its own
 *
 * A step with any prefill. A sequence of q tokens over ctx cached ones takes tiles = ceil(q/64)
 * tiles of 64 query rows a head, each over vis = ctx + min((q+64)/2, q) keys on average (the mask
 * is causal); a decode takes one tile over its whole context:
 *
 *     τ = 4·64·hd·S/(P·ea)                         one key, one tile, on one SM
 *     A = (nh/S)·[Σ tiles·(tc + τ·vis) + te·(max tiles·n − Σ tiles)]       throughput
 *     D = max (tc + τ·(ctx+q))                                             the longest tile
 *     M = 2·b·nkv·hd·Σkv·(1 + (nh/nkv − 1)·miss)/W                         memory
 *     miss = clamp((2·b·hd·Σkv/(1.45·L2) − 0.5)/0.5, 0, 1)    query heads that share a KV head
 *                                                             find it in L2, unless it is too big
 *     t = v0 + max(D, A + κ·D, M)
 *
 * Unfused attention (what FlashAttention, Dao et al., NeurIPS 2022, does away with) writes the
 * score matrix, reads it for the softmax, writes the probabilities and reads them again, over the
 * whole q × kv rectangle, mask or not:
 *
 *     t += 4·b·nh·Σ q·kv / (W·em)
 */
#include "operators.h"

#include <math.h>

enum { TILE_ROWS = 64 };

static void init_decode(struct attention *attention, const struct accelerator *accelerator,
                        const struct attention_shape *shape)
{
    const struct decode_attention_efficiency *fit = &accelerator->decode_attention;
    double sms = (double)accelerator->sm_count;
    double bandwidth = accelerator->memory_bandwidth_bytes_per_s * fit->memory_efficiency;
    double query_bytes =
        shape->element_bytes * shape->query_heads * (shape->head_dim + shape->value_dim);
    attention->decode_fixed_s = shape->layers * fit->fixed_s;
    attention->decode_s_per_sequence =
        shape->layers * (fit->per_sequence_s * shape->kv_heads / sms + query_bytes / bandwidth);
    attention->decode_s_per_context_token =
        shape->layers * (attention->kv_bytes_per_token / bandwidth + attention->score_s_per_pair);
    attention->decode_flops_per_context_token = shape->layers * attention->flops_per_pair;
    attention->decode_bytes_per_context_token =
        shape->layers * (attention->kv_bytes_per_token + attention->score_bytes_per_pair);
    attention->decode_tail_s = shape->layers * fit->tail_s_per_token * sms / shape->kv_heads;
}

static void init_prefill(struct attention *attention, const struct accelerator *accelerator,
                         const struct attention_shape *shape)
{
    const struct prefill_attention_efficiency *fit = &accelerator->prefill_attention;
    double sms = (double)accelerator->sm_count;
    double head_kv_bytes = attention->kv_bytes_per_token / shape->kv_heads;
    attention->prefill_fixed_s = fit->fixed_s;
    attention->tile_s = fit->per_tile_s;
    attention->tile_s_per_token = 2.0 * TILE_ROWS * (shape->head_dim + shape->value_dim) * sms /
                                  (shape->flops_per_s * fit->compute_efficiency);
    attention->tiles_at_once = sms / shape->query_heads;
    attention->empty_tile_s = fit->empty_tile_s;
    attention->critical_path = fit->critical_path;
    attention->kv_s_per_token =
        attention->kv_bytes_per_token / accelerator->memory_bandwidth_bytes_per_s;
    attention->l2_share_per_token = head_kv_bytes / (1.45 * accelerator->l2_cache_bytes);
    attention->sharing_heads = shape->query_heads / shape->kv_heads;
}

void attention_init(struct attention *attention, const struct accelerator *accelerator,
                    const struct attention_shape *shape)
{
    *attention = (struct attention){.layers = shape->layers, .decode_tail_from = INT32_MAX};
    attention->kv_bytes_per_token = shape->kv_bytes_per_token;
    attention->flops_per_pair = 2.0 * shape->query_heads * (shape->head_dim + shape->value_dim);
    if (shape->unfused) {
        attention->score_bytes_per_pair = 4.0 * shape->element_bytes * shape->query_heads;
        attention->score_s_per_pair =
            attention->score_bytes_per_pair /
            (accelerator->memory_bandwidth_bytes_per_s * accelerator->gemm.memory_efficiency);
    }
    init_decode(attention, accelerator, shape);
    init_prefill(attention, accelerator, shape);
}

struct decode_attention attention_decode_fixed(const struct attention *attention, int32_t sequences)
{
    struct decode_attention decode = {.fixed =
                                          cost_of(attention->decode_fixed_s, BOUND_MEMORY,
                                                  attention->decode_s_per_sequence * sequences)};
    if (sequences >= attention->decode_tail_from)
        decode.tail_s_per_token = attention->decode_tail_s / sequences;
    return decode;
}

struct cost attention_decode_cost(const struct attention *attention, const struct step_load *load)
{
    struct decode_attention decode = attention_decode_fixed(attention, load->decode_sequences);
    return attention_with_contexts(attention, &decode.fixed, decode.tail_s_per_token, load);
}

/* Sums over the sequences of a step, of one layer and one query head. */
struct tiling {
    double sequences;
    double tiles;
    double longest; /* tiles of the sequence with most of them */
    double busy_s;  /* Σ tiles·(tc + τ·vis) */
    double last_s;  /* max (tc + τ·(ctx+q)) */
    double kv_tokens;
    double pairs;   /* of a query token and a key token that it sees */
    double squares; /* the same without the causal mask */
};

static struct tiling tile_decodes(const struct attention *attention, const struct step_load *load)
{
    struct tiling tiling = {0};
    if (load->decode_sequences == 0)
        return tiling;
    double sequences = load->decode_sequences;
    double context = (double)load->decode_context_sum;
    tiling.sequences = tiling.tiles = sequences;
    tiling.longest = 1.0;
    tiling.busy_s = sequences * attention->tile_s + attention->tile_s_per_token * context;
    tiling.last_s = attention->tile_s + attention->tile_s_per_token * load->decode_context_max;
    tiling.kv_tokens = tiling.pairs = tiling.squares = context;
    return tiling;
}

static void tile_chunk(struct tiling *tiling, const struct attention *attention,
                       int32_t chunk_tokens, int32_t context_tokens)
{
    double tokens = chunk_tokens, context = context_tokens;
    int32_t tile_count = (chunk_tokens - 1) / TILE_ROWS + 1;
    double tiles = tile_count;
    double visible = context + fmin((tokens + TILE_ROWS) / 2.0, tokens);
    double last_s = attention->tile_s + attention->tile_s_per_token * (context + tokens);
    tiling->sequences += 1.0;
    tiling->tiles += tiles;
    tiling->longest = fmax(tiling->longest, tiles);
    tiling->busy_s += tiles * (attention->tile_s + attention->tile_s_per_token * visible);
    tiling->last_s = fmax(tiling->last_s, last_s);
    tiling->kv_tokens += context + tokens;
    tiling->pairs += tokens * context + tokens * (tokens + 1.0) / 2.0;
    tiling->squares += tokens * (context + tokens);
}

struct cost attention_mixed_cost(const struct attention *attention, const struct step_load *load)
{
    struct tiling tiling = tile_decodes(attention, load);
    for (int32_t i = 0; i < load->chunk_count; i++) {
        const struct prefill_chunk *chunk = &load->chunks[i];
        int32_t padded_tokens = load->padded_chunk_tokens;
        tile_chunk(&tiling, attention, padded_tokens > 0 ? padded_tokens : chunk->tokens,
                   chunk->context_tokens);
    }
    double empty_tiles = tiling.longest * tiling.sequences - tiling.tiles;
    double busy_s =
        (tiling.busy_s + attention->empty_tile_s * empty_tiles) / attention->tiles_at_once;
    double compute_s = fmax(tiling.last_s, busy_s + attention->critical_path * tiling.last_s);
    double share = attention->l2_share_per_token * tiling.kv_tokens;
    double miss = fmin(fmax((share - 0.5) / 0.5, 0.0), 1.0);
    double memory_s = attention->kv_s_per_token * tiling.kv_tokens *
                      (1.0 + (attention->sharing_heads - 1.0) * miss);
    double score_s = attention->score_s_per_pair * tiling.squares;
    enum bound bound = compute_s > memory_s ? BOUND_COMPUTE : BOUND_MEMORY;
    struct cost cost = cost_of(attention->prefill_fixed_s, bound, fmax(compute_s, memory_s));
    cost.time_s += score_s;
    cost.bound_s[BOUND_MEMORY] += score_s;
    cost.flops = attention->flops_per_pair * tiling.pairs;
    cost.bytes = attention->kv_bytes_per_token * tiling.kv_tokens +
                 attention->score_bytes_per_pair * tiling.squares;
    return cost_times(attention->layers, cost);
}
