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
#include "roofline.h"

#include "accelerator_spec.h"
#include "layers.h"
#include "operators.h"

#include <assert.h>
#include <stdlib.h>

/* A step of so many decodes, but for what their contexts add. */
struct decode_step {
    struct cost cost; /* without attention over the cache */
    struct decode_attention attention, window_attention;
};

struct roofline {
    struct shard shard;
    struct attention attention;        /* of decodes, in layers that see everything */
    struct attention prompt_attention; /* of chunks; another than that where latents are expanded */
    struct attention window_attention; /* in layers with a window, if any */
    bool latent, absorbs_decodes, absorbs_prompts;
    bool exchanges;           /* experts with other data-parallel ranks */
    bool has_rare;            /* any of these three */
    struct cost host;         /* of every step */
    struct cost prefill_host; /* of every step with any prefill, in place of `host` */
    int32_t max_num_seqs, max_num_batched_tokens;
    struct cost *by_tokens;         /* [max_num_batched_tokens + 1]; time_s 0: not filled yet */
    struct cost *by_emitting;       /* [max_num_seqs + 1]; likewise, but for [0], which is 0 */
    struct decode_step *by_decodes; /* [max_num_seqs + 1]; likewise */
    struct cost routed;             /* experts, of the latest… */
    int32_t routed_rows, routed_useful;
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

static int32_t padded_tokens(const struct roofline *roofline, int32_t tokens)
{
    return roofline_padded_tokens(tokens, roofline->max_num_seqs, roofline->max_num_batched_tokens);
}

static void list_tokens(const struct roofline *roofline, int32_t tokens, struct operator_list *list)
{
    const struct shard *shard = &roofline->shard;
    int32_t padded = padded_tokens(roofline, tokens);
    layers_list(shard, tokens, padded, list);
    experts_list(shard, tokens, padded, list);
    if (!roofline->exchanges)
        routed_list(shard, tokens, padded, list);
}

static const struct cost *cost_by_tokens(struct roofline *roofline, int32_t tokens)
{
    assert(tokens >= 1 && tokens <= roofline->max_num_batched_tokens);
    struct cost *cost = &roofline->by_tokens[tokens];
    if (cost->time_s == 0.0) {
        struct operator_list list = {0};
        list_tokens(roofline, tokens, &list);
        *cost = operator_list_sum(&list);
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

/* What latents cost beside the attention: of `decodes` that are absorbed or whose context is
 * expanded, and of chunks. */
static void list_latents(const struct roofline *roofline, const struct step_load *load,
                         struct operator_list *list)
{
    const struct shard *shard = &roofline->shard;
    double absorbed = roofline->absorbs_decodes ? load->decode_sequences : 0.0;
    double expanded = roofline->absorbs_decodes ? 0.0 : (double)load->decode_context_sum;
    for (int32_t i = 0; i < load->chunk_count; i++) {
        const struct prefill_chunk *chunk = &load->chunks[i];
        double tokens = load->padded_chunk_tokens > 0 ? load->padded_chunk_tokens : chunk->tokens;
        if (roofline->absorbs_prompts)
            absorbed += tokens;
        else
            expanded += tokens + chunk->context_tokens;
    }
    if (absorbed > 0.0)
        latent_absorption_list(shard, absorbed, list);
    if (expanded > 0.0)
        latent_expansion_list(shard, expanded, list);
}

static struct cost cost_of_latents(const struct roofline *roofline, const struct step_load *load)
{
    struct operator_list list = {0};
    list_latents(roofline, load, &list);
    return operator_list_sum(&list);
}

static const struct decode_step *fill_by_decodes(struct roofline *roofline, int32_t sequences)
{
    struct decode_step *step = &roofline->by_decodes[sequences];
    int32_t padded = padded_tokens(roofline, sequences);
    step->attention = attention_decode_prepare(&roofline->attention, sequences, padded);
    step->window_attention =
        attention_decode_prepare(&roofline->window_attention, sequences, padded);
    step->cost = *cost_by_tokens(roofline, sequences);
    cost_add(&step->cost, cost_by_emitting(roofline, sequences));
    cost_add(&step->cost, &roofline->host);
    return step;
}

/* Decodes and prompts differ, so that they run one after the other in a step with both. */
static bool runs_apart(const struct roofline *roofline)
{
    return roofline->latent && roofline->absorbs_decodes != roofline->absorbs_prompts;
}

static struct step_load chunks_of(const struct step_load *load)
{
    struct step_load chunks = *load;
    chunks.decode_sequences = chunks.decode_context_max = 0;
    chunks.decode_context_sum = 0;
    return chunks;
}

/* Attention in a step with any prefill. */
static struct cost mixed_attention(const struct roofline *roofline, const struct step_load *load)
{
    if (!runs_apart(roofline)) {
        struct cost cost = attention_mixed_cost(&roofline->prompt_attention, load);
        if (roofline->window_attention.layers > 0.0) {
            struct cost window = attention_mixed_cost(&roofline->window_attention, load);
            cost_add(&cost, &window);
        }
        return cost;
    }
    struct step_load chunks = chunks_of(load);
    struct cost cost = attention_mixed_cost(&roofline->prompt_attention, &chunks);
    if (load->decode_sequences > 0) {
        struct cost decodes = attention_decode_cost(&roofline->attention, load);
        cost_add(&cost, &decodes);
    }
    return cost;
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
    cost_add(&cost, cost_by_emitting(roofline, load->emitting_sequences));
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

static void roofline_step(void *state, const struct step_load *load, struct cost *cost)
{
    struct roofline *roofline = state;
    if (load->chunk_count > 0) {
        bool padded = load->padded_chunk_tokens > 0 || load->idle_sequences > 0;
        *cost = padded ? padded_step(roofline, load) : mixed_step(roofline, load);
        return;
    }
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

/* Where a stage's layers end is vLLM's choice (distributed/utils.py, get_pp_indices): as many on
 * each, those left over on the ones before the last. */
static double stage_layers(const struct roofline *roofline, int32_t stage)
{
    int32_t stages = roofline->shard.deployment.pipeline_parallel_size;
    int64_t layers = roofline->shard.model->num_hidden_layers;
    int64_t left_over = layers % stages;
    bool takes_one = stage < stages - 1 && stage >= stages - 1 - left_over;
    return (double)(layers / stages + (takes_one ? 1 : 0));
}

static void roofline_stage_times(void *state, const struct step_load *load, const struct cost *cost,
                                 double *stage_s, double *transfer_s)
{
    struct roofline *roofline = state;
    int32_t stages = roofline->shard.deployment.pipeline_parallel_size;
    int32_t rows = step_load_rows(load), padded = padded_tokens(roofline, rows);
    struct operator_list first = {0}, last = {0};
    embedding_list(&roofline->shard, rows, padded, &first);
    final_norm_list(&roofline->shard, rows, padded, &last);
    *transfer_s = pipeline_transfer_cost(&roofline->shard, padded).time_s;
    double first_s = operator_list_sum(&first).time_s;
    first_s += load->chunk_count > 0 ? roofline->prefill_host.time_s : roofline->host.time_s;
    double last_s = operator_list_sum(&last).time_s +
                    cost_by_emitting(roofline, load->emitting_sequences)->time_s;
    double layer_s =
        (cost->time_s - first_s - last_s - *transfer_s * (stages - 1)) / roofline->shard.layers;
    for (int32_t i = 0; i < stages; i++)
        stage_s[i] = layer_s * stage_layers(roofline, i);
    stage_s[0] += first_s;
    stage_s[stages - 1] += last_s;
}

static void list_attention(const struct roofline *roofline, const char *name,
                           const struct attention *attention, const struct step_load *load,
                           struct operator_list *list)
{
    struct step_operator added = {.name = name, .peak_flops_per_s = roofline->shard.flops_per_s};
    if (load->chunk_count > 0) {
        added.cost = attention_mixed_cost(attention, load);
    } else {
        int32_t sequences = load->decode_sequences;
        struct decode_attention prepared =
            attention_decode_prepare(attention, sequences, padded_tokens(roofline, sequences));
        added.cost =
            attention_decode_finish(attention, &prepared, attention_context_sum(attention, load),
                                    attention_context_max(attention, load));
    }
    added.moved_bytes = added.cost.bytes;
    operator_list_add(list, 1, &added);
}

/* As mixed_attention and roofline_step have it. */
static void list_attentions(const struct roofline *roofline, const struct step_load *load,
                            struct operator_list *list)
{
    bool prefill = load->chunk_count > 0;
    const struct attention *first = prefill ? &roofline->prompt_attention : &roofline->attention;
    if (prefill && load->decode_sequences > 0 && runs_apart(roofline)) {
        struct step_load chunks = chunks_of(load);
        list_attention(roofline, "attention", first, &chunks, list);
        struct step_operator decodes = {.name = "attention of decodes",
                                        .cost = attention_decode_cost(&roofline->attention, load),
                                        .peak_flops_per_s = roofline->shard.flops_per_s};
        decodes.moved_bytes = decodes.cost.bytes;
        operator_list_add(list, 1, &decodes);
        return;
    }
    list_attention(roofline, "attention", first, load, list);
    if (roofline->window_attention.layers > 0.0)
        list_attention(roofline, "window attention", &roofline->window_attention, load, list);
}

void roofline_list(const struct cost_model *cost_model, const struct step_load *load,
                   struct operator_list *list)
{
    const struct roofline *roofline = cost_model->state;
    *list = (struct operator_list){0};
    list_tokens(roofline, load->tokens, list);
    int32_t group_rows = load->group_rows > 0 ? load->group_rows : load->tokens;
    if (roofline->exchanges)
        routed_list(&roofline->shard, group_rows, group_rows, list);
    if (roofline->latent)
        list_latents(roofline, load, list);
    list_attentions(roofline, load, list);
    if (load->emitting_sequences > 0)
        head_list(&roofline->shard, load->emitting_sequences, list);
    struct step_operator host = {
        .name = "host", .cost = load->chunk_count > 0 ? roofline->prefill_host : roofline->host};
    if (host.cost.time_s > 0.0)
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

/* All heads share the latent as their one key and value. */
static struct attention_shape absorbed_shape(const struct shard *shard,
                                             const struct attention_shape *common)
{
    struct attention_shape shape = *common;
    const struct model *model = shard->model;
    shape.kv_heads = 1.0;
    shape.head_dim = (double)(model->kv_lora_rank + model->qk_rope_head_dim);
    shape.value_dim = (double)model->kv_lora_rank;
    return shape;
}

/* Every head has its own key and value, which have just been expanded to 16 bits. */
static struct attention_shape expanded_shape(const struct shard *shard,
                                             const struct attention_shape *common)
{
    struct attention_shape shape = *common;
    shape.value_dim = (double)shard->model->v_head_dim;
    shape.kv_heads = shard->query_heads;
    shape.kv_bytes_per_token =
        shard->element_bytes * shape.kv_heads * (shape.head_dim + shape.value_dim);
    return shape;
}

static void init_attention(struct roofline *roofline, const struct cost_config *config)
{
    const struct shard *shard = &roofline->shard;
    const struct model *model = shard->model;
    double window_layers = (double)model_window_layers(model);
    struct attention_shape shape = {
        .layers = shard->layers - window_layers,
        .window = INFINITY,
        .query_heads = shard->query_heads,
        .kv_heads = shard->kv_heads,
        .head_dim = shard->head_dim,
        .value_dim = shard->head_dim,
        .element_bytes = shard->element_bytes,
        .kv_bytes_per_token = shard->kv_bytes_per_token,
        .flops_per_s = shard->flops_per_s,
        .unfused = config->attention == ATTENTION_UNFUSED,
    };
    struct attention_shape window = shape, prompt = shape;
    window.layers = window_layers;
    window.window = (double)model->sliding_window;
    roofline->latent = model->kv_lora_rank > 0;
    if (roofline->latent) {
        roofline->absorbs_decodes = config->latent_attention != LATENT_EXPANDED;
        roofline->absorbs_prompts = config->latent_attention == LATENT_ABSORBED;
        struct attention_shape common = shape;
        shape = roofline->absorbs_decodes ? absorbed_shape(shard, &common)
                                          : expanded_shape(shard, &common);
        prompt = roofline->absorbs_prompts ? absorbed_shape(shard, &common)
                                           : expanded_shape(shard, &common);
    }
    attention_init(&roofline->attention, shard->accelerator, &shape);
    attention_init(&roofline->prompt_attention, shard->accelerator, &prompt);
    attention_init(&roofline->window_attention, shard->accelerator, &window);
}

static bool allocate_tables(struct roofline *roofline)
{
    size_t tokens = (size_t)roofline->max_num_batched_tokens + 1;
    size_t sequences = (size_t)roofline->max_num_seqs + 1;
    roofline->by_tokens = calloc(tokens, sizeof *roofline->by_tokens);
    roofline->by_emitting = calloc(sequences, sizeof *roofline->by_emitting);
    roofline->by_decodes = calloc(sequences, sizeof *roofline->by_decodes);
    return roofline->by_tokens != NULL && roofline->by_emitting != NULL &&
           roofline->by_decodes != NULL;
}

bool roofline_create(const struct cost_setup *setup, struct cost_model *cost_model,
                     struct error *error)
{
    const struct accelerator *accelerator = setup->accelerator;
    const struct deployment *deployment = &setup->deployment;
    assert(setup->max_num_seqs >= 1 && setup->max_num_batched_tokens >= 1);
    assert(setup->model->num_attention_heads % deployment->tensor_parallel_size == 0);
    assert(deployment->tensor_parallel_size * deployment->pipeline_parallel_size == 1 ||
           accelerator->interconnect.kind != INTERCONNECT_NONE);
    struct roofline *roofline = calloc(1, sizeof *roofline);
    if (roofline == NULL)
        return error_run(error, "out of memory");
    const struct shard *shard = &roofline->shard;
    shard_init(&roofline->shard, setup);
    roofline->max_num_seqs = setup->max_num_seqs;
    roofline->max_num_batched_tokens = setup->max_num_batched_tokens;
    roofline->exchanges = deployment->data_parallel_size > 1 && model_moe_layers(setup->model) > 0;
    init_attention(roofline, setup->config);
    roofline->has_rare =
        roofline->exchanges || roofline->latent || roofline->window_attention.layers > 0.0;
    const struct host_overhead *host = &accelerator->host;
    roofline->host = cost_of(host->step_s, BOUND_OVERHEAD, 0.0);
    roofline->prefill_host = cost_of(host->step_s + host->prefill_step_s, BOUND_OVERHEAD, 0.0);
    if (!allocate_tables(roofline)) {
        roofline_destroy(roofline);
        return error_run(error, "out of memory");
    }
    *cost_model = (struct cost_model){
        .state = roofline,
        .step = roofline_step,
        .destroy = roofline_destroy,
        .stage_times = roofline_stage_times,
        .stage_count = deployment->pipeline_parallel_size,
        .peak_flops_per_s = fmax(accelerator_flops_per_s(accelerator, shard->linear.dtype),
                                 accelerator_flops_per_s(accelerator, shard->experts.dtype)),
        .peak_bytes_per_s = accelerator->memory_bandwidth_bytes_per_s,
    };
    return true;
}
