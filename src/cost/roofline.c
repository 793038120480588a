/* The roofline cost model: a step is the sum of its operators, each with its own roofline.
 *
 *     layer: norm, qkv GEMM, (q/k norm), (rotary), KV write, attention, output GEMM, (all-reduce),
 *            norm, (gate and) up GEMM, activation, down GEMM, (all-reduce)
 *     step = embedding + layers · layer + final norm        on all tokens of the step
 *          + lm_head GEMM, (all-gather), sampler            on the sequences that emit a token
 *          + host overhead
 *
 * All but attention depends on the number of tokens alone, or on the number of emitting sequences
 * alone: two tables, filled on first use. In a step of decodes both are the number of decodes, and
 * all that is left are the contexts: a third table makes it one look-up and a handful of
 * multiplications. */
#include "roofline.h"

#include "layers.h"
#include "operators.h"

#include <assert.h>
#include <stdlib.h>

/* A step of so many decodes, but for what their contexts add. */
struct decode_step {
    struct cost cost;
    double tail_s_per_token;
};

struct roofline {
    struct shard shard;
    struct attention attention;
    struct cost host;         /* of every step */
    struct cost prefill_host; /* of every step with any prefill, in place of `host` */
    int32_t max_num_seqs, max_num_batched_tokens;
    struct cost *by_tokens;         /* [max_num_batched_tokens + 1]; time_s 0: not filled yet */
    struct cost *by_emitting;       /* [max_num_seqs + 1]; likewise, but for [0], which is 0 */
    struct decode_step *by_decodes; /* [max_num_seqs + 1]; likewise */
};

int32_t roofline_padded_tokens(int32_t tokens, int32_t max_num_seqs, int32_t max_num_batched_tokens)
{
    int32_t limit = max_num_seqs < 256 ? 2 * max_num_seqs : 512;
    if (limit > max_num_batched_tokens)
        limit = max_num_batched_tokens;
    int32_t padded = tokens;
    if (tokens == 3)
        padded = 4;
    else if (tokens > 4 && tokens <= 256)
        padded = (tokens + 7) / 8 * 8;
    else if (tokens > 256 && tokens <= 512)
        padded = (tokens + 15) / 16 * 16;
    return padded <= limit ? padded : tokens;
}

static struct cost sum_of(const struct operator_list *list)
{
    struct cost sum = {0};
    for (int i = 0; i < list->count; i++)
        cost_add(&sum, &list->items[i].cost);
    return sum;
}

static void list_tokens(const struct roofline *roofline, int32_t tokens, struct operator_list *list)
{
    int32_t padded =
        roofline_padded_tokens(tokens, roofline->max_num_seqs, roofline->max_num_batched_tokens);
    layers_list(&roofline->shard, tokens, padded, list);
}

static const struct cost *cost_by_tokens(struct roofline *roofline, int32_t tokens)
{
    assert(tokens >= 1 && tokens <= roofline->max_num_batched_tokens);
    struct cost *cost = &roofline->by_tokens[tokens];
    if (cost->time_s == 0.0) {
        struct operator_list list = {0};
        list_tokens(roofline, tokens, &list);
        *cost = sum_of(&list);
    }
    return cost;
}

static const struct cost *cost_by_emitting(struct roofline *roofline, int32_t sequences)
{
    assert(sequences >= 0 && sequences <= roofline->max_num_seqs);
    struct cost *cost = &roofline->by_emitting[sequences];
    if (cost->time_s == 0.0 && sequences > 0) {
        struct operator_list list = {0};
        head_list(&roofline->shard, sequences, &list);
        *cost = sum_of(&list);
    }
    return cost;
}

static const struct decode_step *fill_by_decodes(struct roofline *roofline, int32_t sequences)
{
    struct decode_step *step = &roofline->by_decodes[sequences];
    struct decode_attention attention = attention_decode_fixed(&roofline->attention, sequences);
    step->tail_s_per_token = attention.tail_s_per_token;
    step->cost = attention.fixed;
    cost_add(&step->cost, cost_by_tokens(roofline, sequences));
    cost_add(&step->cost, cost_by_emitting(roofline, sequences));
    cost_add(&step->cost, &roofline->host);
    return step;
}

/* A step with any prefill. */
static struct cost mixed_step(struct roofline *roofline, const struct step_load *load)
{
    struct cost cost = attention_mixed_cost(&roofline->attention, load);
    cost_add(&cost, cost_by_tokens(roofline, step_load_rows(load)));
    cost_add(&cost, cost_by_emitting(roofline, load->emitting_sequences));
    cost_add(&cost, &roofline->prefill_host);
    return cost;
}

/* Padded chunks take the time of what they are padded to, but the mathematics does not need it:
 * FLOPs and bytes stay those without. */
static struct cost padded_step(struct roofline *roofline, const struct step_load *load)
{
    struct step_load useful = *load;
    useful.padded_chunk_tokens = 0;
    struct cost needed = mixed_step(roofline, &useful);
    struct cost cost = mixed_step(roofline, load);
    cost.flops = needed.flops;
    cost.bytes = needed.bytes;
    return cost;
}

/* Likewise rows beside those of the decodes. */
static void add_idle_rows(struct roofline *roofline, const struct step_load *load,
                          struct cost *cost)
{
    const struct cost *with = cost_by_tokens(roofline, load->tokens + load->idle_sequences);
    const struct cost *without = cost_by_tokens(roofline, load->tokens);
    cost->time_s += with->time_s - without->time_s;
    for (int i = 0; i < BOUND_COUNT; i++)
        cost->bound_s[i] += with->bound_s[i] - without->bound_s[i];
}

static void roofline_step(void *state, const struct step_load *load, struct cost *cost)
{
    struct roofline *roofline = state;
    if (load->chunk_count > 0) {
        *cost = load->padded_chunk_tokens > 0 ? padded_step(roofline, load)
                                              : mixed_step(roofline, load);
        return;
    }
    int32_t sequences = load->decode_sequences;
    assert(sequences >= 1 && sequences <= roofline->max_num_seqs);
    assert(sequences == load->tokens && sequences == load->emitting_sequences);
    const struct decode_step *step = &roofline->by_decodes[sequences];
    if (step->cost.time_s == 0.0)
        step = fill_by_decodes(roofline, sequences);
    *cost =
        attention_with_contexts(&roofline->attention, &step->cost, step->tail_s_per_token, load);
    if (load->idle_sequences > 0)
        add_idle_rows(roofline, load, cost);
}

void roofline_list(const struct cost_model *cost_model, const struct step_load *load,
                   struct operator_list *list)
{
    const struct roofline *roofline = cost_model->state;
    const struct shard *shard = &roofline->shard;
    bool prefill = load->chunk_count > 0;
    *list = (struct operator_list){0};
    list_tokens(roofline, load->tokens, list);
    struct step_operator attention = {
        .name = "attention",
        .cost = prefill ? attention_mixed_cost(&roofline->attention, load)
                        : attention_decode_cost(&roofline->attention, load),
        .peak_flops_per_s = shard->flops_per_s};
    attention.moved_bytes = attention.cost.bytes;
    operator_list_add(list, 1, &attention);
    if (load->emitting_sequences > 0)
        head_list(shard, load->emitting_sequences, list);
    struct step_operator host = {.name = "host",
                                 .cost = prefill ? roofline->prefill_host : roofline->host};
    operator_list_add(list, 1, &host);
}

static void roofline_destroy(void *state)
{
    struct roofline *roofline = state;
    if (roofline == NULL)
        return;
    free(roofline->by_tokens);
    free(roofline->by_emitting);
    free(roofline->by_decodes);
    free(roofline);
}

/* Split-KV is off from the first number of decodes that pads to n_padded·nkv ≥ 1.6·S. */
static void set_decode_tail(struct roofline *roofline)
{
    const struct accelerator *accelerator = roofline->shard.accelerator;
    if (accelerator->decode_attention.tail_s_per_token == 0.0)
        return;
    for (int32_t n = 1; n <= roofline->max_num_seqs; n++) {
        int32_t padded =
            roofline_padded_tokens(n, roofline->max_num_seqs, roofline->max_num_batched_tokens);
        if (padded * roofline->shard.kv_heads >= 1.6 * (double)accelerator->sm_count) {
            roofline->attention.decode_tail_from = n;
            return;
        }
    }
}

static void init_attention(struct roofline *roofline, bool unfused)
{
    const struct shard *shard = &roofline->shard;
    struct attention_shape shape = {
        .layers = shard->layers,
        .query_heads = shard->query_heads,
        .kv_heads = shard->kv_heads,
        .head_dim = shard->head_dim,
        .value_dim = shard->head_dim,
        .element_bytes = shard->element_bytes,
        .kv_bytes_per_token = shard->kv_bytes_per_token,
        .flops_per_s = shard->flops_per_s,
        .unfused = unfused,
    };
    attention_init(&roofline->attention, shard->accelerator, &shape);
    set_decode_tail(roofline);
}

bool roofline_create(const struct cost_setup *setup, struct cost_model *cost_model,
                     struct error *error)
{
    const struct accelerator *accelerator = setup->accelerator;
    assert(setup->max_num_seqs >= 1 && setup->max_num_batched_tokens >= 1);
    int tensor_parallel_size = setup->deployment.tensor_parallel_size;
    assert(setup->model->num_attention_heads % tensor_parallel_size == 0);
    assert(tensor_parallel_size == 1 || accelerator->interconnect.kind != INTERCONNECT_NONE);
    struct roofline *roofline = calloc(1, sizeof *roofline);
    if (roofline == NULL)
        return error_run(error, "out of memory");
    shard_init(&roofline->shard, setup);
    roofline->max_num_seqs = setup->max_num_seqs;
    roofline->max_num_batched_tokens = setup->max_num_batched_tokens;
    init_attention(roofline, setup->config->attention == ATTENTION_UNFUSED);
    const struct host_overhead *host = &accelerator->host;
    roofline->host = cost_of(host->step_s, BOUND_OVERHEAD, 0.0);
    roofline->prefill_host = cost_of(host->step_s + host->prefill_step_s, BOUND_OVERHEAD, 0.0);
    roofline->by_tokens =
        calloc((size_t)setup->max_num_batched_tokens + 1, sizeof *roofline->by_tokens);
    roofline->by_emitting = calloc((size_t)setup->max_num_seqs + 1, sizeof *roofline->by_emitting);
    roofline->by_decodes = calloc((size_t)setup->max_num_seqs + 1, sizeof *roofline->by_decodes);
    if (roofline->by_tokens == NULL || roofline->by_emitting == NULL ||
        roofline->by_decodes == NULL) {
        roofline_destroy(roofline);
        return error_run(error, "out of memory");
    }
    *cost_model = (struct cost_model){
        .state = roofline,
        .step = roofline_step,
        .destroy = roofline_destroy,
        .peak_flops_per_s = roofline->shard.flops_per_s,
        .stage_count = 1,
        .peak_bytes_per_s = accelerator->memory_bandwidth_bytes_per_s,
    };
    return true;
}
