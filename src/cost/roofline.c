/* The roofline cost model: a step is the sum of its operators, each with its own roofline.
 *
 *     layer: norm, qkv GEMM, (q/k norm), (rotary), KV write, attention, output GEMM, (all-reduce),
 *            norm, (gate and) up GEMM, activation, down GEMM, (all-reduce)
 *     step = embedding + layers · layer + final norm        on all tokens of the step
 *          + lm_head GEMM, (all-gather), sampler            on the sequences that emit a token
 *          + host overhead
 *
 * with experts in place of the MLP and latents in place of the qkv GEMM where the model has them
 * (experts.c, latent.c).
 *
 * All but attention depends on the number of tokens alone, or on the number of emitting sequences
 * alone: two tables, filled on first use. In a step of decodes both are the number of decodes, and
 * all that is left are the contexts: a third table makes it one look-up and a handful of
 * multiplications. */
#include "roofline_state.h"

#include <assert.h>

static const struct cost *cost_by_tokens(struct roofline *roofline, int32_t tokens)
{
    assert(tokens >= 1 && tokens <= roofline->max_num_batched_tokens);
    struct cost *cost = &roofline->by_tokens[tokens];
    if (cost->time_s == 0.0) {
        struct operator_list list = {0};
        roofline_list_tokens(roofline, tokens, &list);
        *cost = operator_list_sum(&list);
    }
    return cost;
}

const struct cost *roofline_cost_by_emitting(struct roofline *roofline, int32_t sequences)
{
    assert(sequences >= 0 && sequences <= roofline->max_num_seqs);
    struct cost *cost = &roofline->by_emitting[sequences];
    if (cost->time_s == 0.0 && sequences > 0) {
        struct operator_list list = {0};
        head_list(&roofline->shard, sequences, &list);
        *cost = operator_list_sum(&list);
    }
    return cost;
}

/* Routed experts compute the rows of all data-parallel ranks, which ask one after the other. */
static const struct cost *cost_of_routed(struct roofline *roofline, const struct step_load *load)
{
    int32_t own_rows = step_load_rows(load);
    int32_t rows = load->group_rows > 0 ? load->group_rows : own_rows;
    int32_t useful = rows - (own_rows - load->tokens);
    if (roofline->routed_rows != rows || roofline->routed_useful != useful) {
        struct operator_list list = {0};
        routed_list(&roofline->shard, useful, rows, &list);
        roofline->routed = operator_list_sum(&list);
        roofline->routed_rows = rows;
        roofline->routed_useful = useful;
    }
    return &roofline->routed;
}

static struct cost cost_of_latents(const struct roofline *roofline, const struct step_load *load)
{
    struct operator_list list = {0};
    roofline_list_latents(roofline, load, &list);
    return operator_list_sum(&list);
}

static const struct decode_step *fill_by_decodes(struct roofline *roofline, int32_t sequences)
{
    struct decode_step *step = &roofline->by_decodes[sequences];
    int32_t padded = roofline_pad(roofline, sequences);
    step->attention = attention_decode_prepare(&roofline->attention, sequences, padded);
    step->window_attention =
        attention_decode_prepare(&roofline->window_attention, sequences, padded);
    step->cost = *cost_by_tokens(roofline, sequences);
    cost_add(&step->cost, roofline_cost_by_emitting(roofline, sequences));
    cost_add(&step->cost, &roofline->host);
    return step;
}

/* Attention in a step with any prefill. */
static struct cost mixed_attention(const struct roofline *roofline, const struct step_load *load)
{
    struct operator_list list;
    list.count = 0;
    roofline_list_attentions(roofline, load, &list);
    return operator_list_sum(&list);
}

/* A step with any prefill. */
static struct cost mixed_step(struct roofline *roofline, const struct step_load *load)
{
    struct cost cost = mixed_attention(roofline, load);
    if (roofline->latent) {
        struct cost latents = cost_of_latents(roofline, load);
        cost_add(&cost, &latents);
    }
    cost_add(&cost, cost_by_tokens(roofline, step_load_rows(load)));
    if (roofline->exchanges)
        cost_add(&cost, cost_of_routed(roofline, load));
    cost_add(&cost, roofline_cost_by_emitting(roofline, load->emitting_sequences));
    cost_add(&cost, &roofline->prefill_host);
    return cost;
}

/* Padded chunks take the time of what they are padded to, and so do idle rows, but the mathematics does
 * not need it: FLOPs and bytes stay those without. */
static struct cost padded_step(struct roofline *roofline, const struct step_load *load)
{
    struct step_load useful = *load;
    useful.padded_chunk_tokens = useful.idle_sequences = 0;
    if (load->group_rows > 0)
        useful.group_rows -= step_load_rows(load) - load->tokens;
    struct cost needed = mixed_step(roofline, &useful);
    struct cost cost = mixed_step(roofline, load);
    cost.flops = needed.flops;
    cost.bytes = needed.bytes;
    return cost;
}

/* Likewise rows beside those of decodes alone. */
static void add_idle_rows(struct roofline *roofline, const struct step_load *load,
                          struct cost *cost)
{
    const struct cost *with = cost_by_tokens(roofline, load->tokens + load->idle_sequences);
    const struct cost *without = cost_by_tokens(roofline, load->tokens);
    cost->time_s += with->time_s - without->time_s;
    for (int i = 0; i < BOUND_COUNT; i++)
        cost->bound_s[i] += with->bound_s[i] - without->bound_s[i];
}

/* What only some models need of a step of decodes. */
static void add_rare(struct roofline *roofline, const struct step_load *load,
                     const struct decode_step *step, struct cost *cost)
{
    if (roofline->window_attention.layers > 0.0) {
        const struct attention *attention = &roofline->window_attention;
        struct cost window = attention_decode_finish(attention, &step->window_attention,
                                                     attention_context_sum(attention, load),
                                                     attention_context_max(attention, load));
        cost_add(cost, &window);
    }
    if (roofline->latent) {
        struct cost latents = cost_of_latents(roofline, load);
        cost_add(cost, &latents);
    }
    if (roofline->exchanges)
        cost_add(cost, cost_of_routed(roofline, load));
    if (load->idle_sequences > 0)
        add_idle_rows(roofline, load, cost);
}

static void decode_step(struct roofline *roofline, const struct step_load *load, struct cost *cost)
{
    int32_t sequences = load->decode_sequences;
    assert(sequences >= 1 && sequences <= roofline->max_num_seqs);
    assert(sequences == load->tokens && sequences == load->emitting_sequences);
    const struct decode_step *step = &roofline->by_decodes[sequences];
    if (step->cost.time_s == 0.0)
        step = fill_by_decodes(roofline, sequences);
    *cost = attention_decode_finish(&roofline->attention, &step->attention,
                                    (double)load->decode_context_sum, load->decode_context_max);
    cost_add(cost, &step->cost);
    if (roofline->has_rare || load->idle_sequences > 0)
        add_rare(roofline, load, step, cost);
}

void roofline_step(void *state, const struct step_load *load, struct cost *cost)
{
    struct roofline *roofline = state;
    if (load->chunk_count == 0) {
        decode_step(roofline, load, cost);
        return;
    }
    struct cost alone = {0};
    const struct step_load decodes = step_load_decodes(load);
    if (decodes.tokens > 0)
        decode_step(roofline, &decodes, &alone);
    bool padded = load->padded_chunk_tokens > 0 || load->idle_sequences > 0;
    *cost = padded ? padded_step(roofline, load) : mixed_step(roofline, load);
    cost->prompts_s = (cost->time_s - cost->host_s) - (alone.time_s - alone.host_s);
}
