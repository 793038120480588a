/* The state of the roofline cost model: what of a model's attention does not change from step to step,
 * and room for the tables. */
#include "roofline_state.h"

#include "accelerator_spec.h"

#include <assert.h>
#include <stdlib.h>

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
    roofline->host.host_s = roofline->host.time_s;
    roofline->prefill_host = cost_of(host->step_s + host->prefill_step_s, BOUND_OVERHEAD, 0.0);
    roofline->prefill_host.host_s = roofline->prefill_host.time_s;
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
