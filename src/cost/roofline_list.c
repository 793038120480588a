/* The operators of a step, and where they run: the stages of a pipeline. */
#include "roofline_state.h"

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

void roofline_list_tokens(const struct roofline *roofline, int32_t tokens,
                          struct operator_list *list)
{
    const struct shard *shard = &roofline->shard;
    int32_t padded = roofline_pad(roofline, tokens);
    layers_list(shard, tokens, padded, list);
    experts_list(shard, tokens, padded, list);
    if (!roofline->exchanges)
        routed_list(shard, tokens, padded, list);
}

void roofline_list_latents(const struct roofline *roofline, const struct step_load *load,
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
            attention_decode_prepare(attention, sequences, roofline_pad(roofline, sequences));
        added.cost =
            attention_decode_finish(attention, &prepared, attention_context_sum(attention, load),
                                    attention_context_max(attention, load));
    }
    added.moved_bytes = added.cost.bytes;
    operator_list_add(list, 1, &added);
}

/* Where decodes and prompts differ, they run one after the other. */
void roofline_list_attentions(const struct roofline *roofline, const struct step_load *load,
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
    roofline_list_tokens(roofline, load->tokens, list);
    int32_t group_rows = load->group_rows > 0 ? load->group_rows : load->tokens;
    if (roofline->exchanges)
        routed_list(&roofline->shard, group_rows, group_rows, list);
    if (roofline->latent)
        roofline_list_latents(roofline, load, list);
    roofline_list_attentions(roofline, load, list);
    if (load->emitting_sequences > 0)
        head_list(&roofline->shard, load->emitting_sequences, list);
    struct step_operator host = {
        .name = "host", .cost = load->chunk_count > 0 ? roofline->prefill_host : roofline->host};
    if (host.cost.time_s > 0.0)
        operator_list_add(list, 1, &host);
}

void roofline_stage_times(void *state, const struct step_load *load, const struct cost *cost,
                          double *stage_s, double *transfer_s)
{
    struct roofline *roofline = state;
    const struct deployment *deployment = &roofline->shard.deployment;
    int64_t layers = roofline->shard.model->num_hidden_layers;
    int32_t stages = deployment->pipeline_parallel_size;
    int32_t rows = step_load_rows(load), padded = roofline_pad(roofline, rows);
    struct operator_list first = {0}, last = {0};
    embedding_list(&roofline->shard, rows, padded, &first);
    final_norm_list(&roofline->shard, rows, padded, &last);
    *transfer_s = pipeline_transfer_cost(&roofline->shard, padded).time_s;
    double first_s = operator_list_sum(&first).time_s;
    first_s += load->chunk_count > 0 ? roofline->prefill_host.time_s : roofline->host.time_s;
    double last_s = operator_list_sum(&last).time_s +
                    roofline_cost_by_emitting(roofline, load->emitting_sequences)->time_s;
    double layer_s =
        (cost->time_s - first_s - last_s - *transfer_s * (stages - 1)) / roofline->shard.layers;
    for (int32_t i = 0; i < stages; i++)
        stage_s[i] = layer_s * (double)deployment_layers_of_stage(deployment, layers, i);
    stage_s[0] += first_s;
    stage_s[stages - 1] += last_s;
}
