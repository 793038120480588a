/* Attention over a paged KV cache, some layers of one rank. The equations are those of one layer, with
 * nh query and nkv KV heads a rank, hd wide, b bytes an element; contexts are cut to the window where
 * there is one. All terms follow FlashAttention-2's kernels (Dao 2023) and, where they differ,
 * FlashAttention-3's (Shah et al. 2024) as vLLM builds them.
 *
 * A step of n decodes only is a block a sequence and KV head, over two blocks an SM:
 *
 *     w = n·nkv/(2·S)                                       waves of blocks
 *     T = (2·b·nkv·hd·Σkv + 2·b·n·nh·hd)/(W·dem)            the stream; for that of Σkv, FLOPs/(P·ea)
 *                                                           where those take longer
 *     t = d0 + ds + hypot(dtc·n·nkv/S, T)
 *
 * ds, the adding up of partial results, where contexts are split over SMs (flash_api.cpp,
 * num_splits_heuristic): for n_padded·nkv < 1.6·S, contexts of 512 tokens or more, and in version 2
 * not if every query head has a KV head of its own. Unsplit, one SM walks through a whole context, rl
 * a token at least: T' = max(T, rl·kv_max) in one wave, and in several the longest block ends behind
 * the others: T' = T + rl·kv_max/w.
 *
 * A step with any prefill is tiles of R query rows: 64, or 128 in version 3, which packs the pk = nh/nkv
 * heads of a KV head into the rows of one tile (else pk = 1). A sequence of q tokens over ctx cached
 * ones takes ceil(q·pk/R) tiles, each over vis = ctx + min((q + R/pk)/2, q) keys on average (the mask
 * is causal), but with a window no more than what a query sees on average, and R/(2·pk); a decode takes
 * one tile over its whole context:
 *
 *     τ = 4·R·hd·S/(P·ea)                         one key, one tile, on one SM
 *     A = nh/(pk·S)·[Σ tiles·(tc + τ·vis) + te·(max tiles·sequences − Σ tiles)]    throughput
 *     D = max (tc + τ·min(ctx + q, window + R/pk))                                 longest tile
 *     M = 2·b·nkv·hd·Σkv·(1 + (again − 1)·miss)/(W·dem)                            memory
 *     t = v0 + pnorm(max(D, A + κ·D), M) + en·2·b·(nh + nkv)·hd·Σq/W
 *
 * The norm is 6: computing hides the reading of the cache. What it hides less is the beginning and the
 * end: queries, keys and values of the q new tokens in, their results back.
 *
 * The query heads that share a KV head find it in L2 (miss = 0) unless it is too big to stay,
 * miss = clamp((2·b·hd·Σkv/L2 − 0.6)/0.8, 0, 1), and unless they run at the same time: h = S/Σ tiles
 * heads do, one at least, so that it is read again = clamp((nh/nkv + h − 1)/h, 1, nh/nkv) times, and once in version 3.
 *
 * Unfused attention (what FlashAttention, Dao et al., NeurIPS 2022, does away with) writes the
 * score matrix, reads it for the softmax, writes the probabilities and reads them again, over the
 * whole q × kv rectangle, mask or not:
 *
 *     t += 4·b·nh·Σ q·kv / (W·em)                            in a step of decodes T, not t
 */
#include "operators.h"

#include <math.h>

static const double prefill_sharpness = 6.0;

static void init_decode(struct attention *attention, const struct accelerator *accelerator,
                        const struct attention_shape *shape)
{
    const struct decode_attention_efficiency *fit = &accelerator->decode_attention;
    double sms = (double)accelerator->sm_count;
    double bandwidth = accelerator->memory_bandwidth_bytes_per_s * fit->memory_efficiency;
    double query_bytes =
        shape->element_bytes * shape->query_heads * (shape->head_dim + shape->value_dim);
    double stream_s = attention->kv_bytes_per_token / bandwidth;
    double compute_s = attention->flops_per_pair /
                       (shape->flops_per_s * accelerator->prefill_attention.compute_efficiency);
    attention->decode_bound = compute_s > stream_s ? BOUND_COMPUTE : BOUND_MEMORY;
    attention->decode_fixed_s = fit->fixed_s;
    attention->split_s = fit->split_s;
    attention->block_s = fit->per_sequence_s * shape->kv_heads / sms;
    attention->query_s = query_bytes / bandwidth;
    attention->context_s = fmax(stream_s, compute_s) + attention->score_s_per_pair;
    attention->walk_s_per_token = fit->tail_s_per_token;
    attention->sequences_at_once = 2.0 * sms / shape->kv_heads;
    bool own_heads = shape->query_heads == shape->kv_heads;
    attention->unsplit_from = own_heads && accelerator->flash_attention < 3
                                  ? 1
                                  : (int32_t)ceil(1.6 * sms / shape->kv_heads);
}

static void init_prefill(struct attention *attention, const struct accelerator *accelerator,
                         const struct attention_shape *shape)
{
    const struct prefill_attention_efficiency *fit = &accelerator->prefill_attention;
    double sms = (double)accelerator->sm_count;
    double bandwidth = accelerator->memory_bandwidth_bytes_per_s;
    double query_bytes =
        shape->element_bytes * shape->query_heads * (shape->head_dim + shape->value_dim);
    double sharing_heads = shape->query_heads / shape->kv_heads;
    bool packs = accelerator->flash_attention >= 3;
    double rows = packs ? 128.0 : 64.0;
    double packed_heads = packs ? sharing_heads : 1.0;
    attention->tile_rows = rows / packed_heads;
    attention->prefill_fixed_s = fit->fixed_s;
    attention->tile_s = fit->per_tile_s;
    attention->tile_s_per_token = 2.0 * rows * (shape->head_dim + shape->value_dim) * sms /
                                  (shape->flops_per_s * fit->compute_efficiency);
    attention->tiles_at_once = sms * packed_heads / shape->query_heads;
    attention->empty_tile_s = fit->empty_tile_s;
    attention->critical_path = fit->critical_path;
    attention->prefill_kv_s = attention->kv_bytes_per_token /
                              (bandwidth * accelerator->decode_attention.memory_efficiency);
    attention->prefill_new_s =
        fit->exposed_traffic * (query_bytes + attention->kv_bytes_per_token) / bandwidth;
    attention->sms = sms;
    attention->l2_share_per_token =
        attention->kv_bytes_per_token / shape->kv_heads / accelerator->l2_cache_bytes;
    attention->sharing_heads = packs ? 1.0 : sharing_heads;
}

void attention_init(struct attention *attention, const struct accelerator *accelerator,
                    const struct attention_shape *shape)
{
    *attention = (struct attention){.layers = shape->layers, .window = shape->window};
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

struct decode_attention attention_decode_prepare(const struct attention *attention,
                                                 int32_t sequences, int32_t padded)
{
    double layers = attention->layers;
    struct decode_attention prepared = {
        .fixed_s = layers * attention->decode_fixed_s,
        .block_s = layers * attention->block_s * sequences,
        .query_s = layers * attention->query_s * sequences,
    };
    double walk_s = layers * attention->walk_s_per_token;
    if (padded < attention->unsplit_from)
        prepared.split_s = layers * attention->split_s;
    else if (sequences > attention->sequences_at_once)
        prepared.tail_s_per_token = walk_s * attention->sequences_at_once / sequences;
    else
        prepared.floor_s_per_token = walk_s;
    return prepared;
}

struct cost attention_decode_cost(const struct attention *attention, const struct step_load *load)
{
    struct decode_attention prepared =
        attention_decode_prepare(attention, load->decode_sequences, load->decode_sequences);
    return attention_decode_finish(attention, &prepared, attention_context_sum(attention, load),
                                   attention_context_max(attention, load));
}

/* Sums over the sequences of a step, of one layer and one query head. */
struct tiling {
    double sequences, tokens;
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
    double context = attention_context_sum(attention, load);
    tiling.sequences = tiling.tokens = tiling.tiles = sequences;
    tiling.longest = 1.0;
    tiling.busy_s = sequences * attention->tile_s + attention->tile_s_per_token * context;
    tiling.last_s =
        attention->tile_s + attention->tile_s_per_token * attention_context_max(attention, load);
    tiling.kv_tokens = tiling.pairs = tiling.squares = context;
    return tiling;
}

/* Keys that the queries of a chunk see, each of them at most a window. */
static double visible_pairs(double tokens, double context, double window)
{
    double growing =
        fmin(fmax(window - context, 0.0), tokens); /* queries that see all before them */
    double pairs = growing * context + growing * (growing + 1.0) / 2.0;
    return growing < tokens ? pairs + (tokens - growing) * window : pairs;
}

static void tile_chunk(struct tiling *tiling, const struct attention *attention,
                       int32_t chunk_tokens, int32_t context_tokens)
{
    double tokens = chunk_tokens, window = attention->window;
    double rows = attention->tile_rows;
    double tiles = ceil(tokens / rows);
    /* What a query before the window's edge would still see. */
    double context = fmin(context_tokens, window);
    double visible = context + fmin((tokens + rows) / 2.0, tokens);
    double pairs = visible_pairs(tokens, context, window);
    if (context + tokens > window)
        visible = fmin(visible, pairs / tokens + rows / 2.0);
    double longest_view = fmin(context + tokens, window + rows);
    tiling->sequences += 1.0;
    tiling->tokens += tokens;
    tiling->tiles += tiles;
    tiling->longest = fmax(tiling->longest, tiles);
    tiling->busy_s += tiles * (attention->tile_s + attention->tile_s_per_token * visible);
    tiling->last_s =
        fmax(tiling->last_s, attention->tile_s + attention->tile_s_per_token * longest_view);
    tiling->kv_tokens += context + tokens;
    tiling->pairs += pairs;
    tiling->squares += tokens * (context + tokens);
}

/* How often keys and values are read: once, unless query heads that share them run one after the other
 * and they have left the L2 cache by then. */
static double reads_of_kv(const struct attention *attention, const struct tiling *tiling)
{
    double share = attention->l2_share_per_token * tiling->kv_tokens;
    double miss = fmin(fmax((share - 0.6) / 0.8, 0.0), 1.0);
    double heads_at_once = fmax(attention->sms / tiling->tiles, 1.0);
    double again = (attention->sharing_heads + heads_at_once - 1.0) / heads_at_once;
    return 1.0 + (fmin(again, attention->sharing_heads) - 1.0) * miss;
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
    double memory_s = attention->prefill_kv_s * tiling.kv_tokens * reads_of_kv(attention, &tiling);
    double new_s = attention->prefill_new_s * tiling.tokens;
    double score_s = attention->score_s_per_pair * tiling.squares;
    enum bound bound = compute_s > memory_s ? BOUND_COMPUTE : BOUND_MEMORY;
    struct cost cost = cost_of(attention->prefill_fixed_s, bound,
                               cost_pnorm(compute_s, memory_s, prefill_sharpness));
    cost.time_s += new_s + score_s;
    cost.bound_s[BOUND_MEMORY] += new_s + score_s;
    cost.flops = attention->flops_per_pair * tiling.pairs;
    cost.bytes = attention->kv_bytes_per_token * tiling.kv_tokens +
                 attention->score_bytes_per_pair * tiling.squares;
    return cost_times(attention->layers, cost);
}
