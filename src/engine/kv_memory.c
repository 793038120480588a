#include "kv_memory.h"

#include "model_spec.h"
#include <math.h>

/* Elements that the MLP of a layer without experts, or the shared expert, needs for a token: the gate
 * and up projections with their product (plain: up and product). */
static double mlp_elements(const struct model *model, int64_t inner, double ranks)
{
    return (model->mlp == MLP_GATED ? 3.0 : 2.0) * (double)inner / ranks;
}

/* vLLM's fused_moe, for each of a token's experts: what gate and up give, in a buffer that then takes
 * the output (the wider of the two counts), and their product. Tokens of all data-parallel ranks come
 * together, but at most 16384 at a time. */
static double expert_elements(const struct engine_config *config,
                              const struct deployment *deployment, const struct model *model)
{
    double slices = deployment->expert_parallel ? 1.0 : deployment_expert_ranks(deployment);
    double inner = (double)model->moe_intermediate_size / slices;
    double gate_and_up = model->mlp == MLP_GATED ? 2.0 * inner : inner;
    double a_token = (double)model->num_experts_per_tok *
                     (fmax(gate_and_up, (double)model->hidden_size) + inner);
    double rows = (double)config->max_num_batched_tokens * (double)deployment->data_parallel_size;
    return fmin(rows, 16384.0) * a_token;
}

/* vLLM measures the peak of a step of max_num_batched_tokens tokens, then of sampling for
 * max_num_seqs sequences; the two do not overlap.
 *
 * Forward, a token: hidden state and residual in and out (4 · hidden), and what the MLP or the experts
 * of the widest kind of layer take.
 * Sampling, a logit: its 2 bytes, a float copy (4), a probability (4) and a mask (1).
 * With memory_overhead's default of 835 MiB this gives the 2588 blocks that vLLM 0.19 reports for
 * Llama-3.1-8B in bf16 on an RTX 4090 with 2048 tokens and 256 sequences, and the 120.5 GiB that it
 * reports for a 1.5 B model of 151936 logits on an H200 with 1024 sequences. */
static double activation_peak(const struct engine_config *config, const struct model *model)
{
    const struct deployment deployment = engine_deployment(config);
    double ranks = (double)config->tensor_parallel_size;
    double tokens = (double)config->max_num_batched_tokens;
    double mlp = tokens * mlp_elements(model, model->intermediate_size, ranks);
    double experts = expert_elements(config, &deployment, model) +
                     tokens * mlp_elements(model, model->shared_expert_intermediate_size, ranks);
    double forward = dtype_bytes(model->dtype) *
                     (tokens * 4.0 * (double)model->hidden_size + fmax(mlp, experts));
    double sampling_bytes_per_logit = 2.0 + 4.0 + 4.0 + 1.0;
    double sampling =
        sampling_bytes_per_logit * (double)config->max_num_seqs * (double)model->vocab_size;
    return fmax(forward, sampling);
}

/* Every virtual engine of a pipeline has an equal share of the blocks, and a null block of its own. */
static bool share_blocks(const struct engine_config *config, const struct location *at,
                         struct kv_memory *memory, struct error *error)
{
    int64_t engines = config->pipeline_parallel_size;
    memory->replica_blocks = memory->num_gpu_blocks / engines;
    return memory->replica_blocks >= 2 ||
           error_input(
               error, at,
               "%lld KV blocks are too few for the %lld virtual engines of a pipeline: each "
               "needs 2",
               (long long)memory->num_gpu_blocks, (long long)engines);
}

bool kv_memory_derive(const struct engine_config *config, const struct model *model,
                      const struct accelerator *accelerator, const struct location *at,
                      struct kv_memory *memory, struct error *error)
{
    int ranks = (int)engine_accelerators_of_model(config, model);
    const struct deployment deployment = engine_deployment(config);
    *memory = (struct kv_memory){
        .capacity_bytes = accelerator->memory_bytes,
        .requested_bytes = config->gpu_memory_utilization * accelerator->memory_bytes,
        .weight_bytes = model_weight_bytes(model, &deployment),
        .activation_bytes = activation_peak(config, model),
        .overhead_bytes = config->memory_overhead_bytes,
        .block_bytes = (double)config->block_size * model_kv_bytes_per_token(model, &deployment),
    };
    memory->available_bytes = memory->requested_bytes - memory->weight_bytes -
                              memory->activation_bytes - memory->overhead_bytes;
    if (config->num_gpu_blocks_override != SETTING_UNSET_INTEGER) {
        if (memory->weight_bytes >= memory->capacity_bytes)
            return error_input(
                error, at,
                "%s does not fit %d x %s: %.2f GiB of weights a rank, %.2f GiB of memory",
                model->name, ranks, accelerator->name, memory->weight_bytes / UNITS_GIB,
                memory->capacity_bytes / UNITS_GIB);
        memory->overridden = true;
        memory->num_gpu_blocks = config->num_gpu_blocks_override;
        return share_blocks(config, at, memory, error);
    }
    double blocks = floor(memory->available_bytes / memory->block_bytes);
    if (blocks < 2.0)
        return error_input(
            error, at,
            "%s does not fit %d x %s: of %.2f GiB (%.0f %% of %.2f GiB), weights take %.2f GiB, "
            "activations of %lld tokens a step %.2f GiB, overhead %.2f GiB; %.2f GiB are left for "
            "the "
            "KV cache",
            model->name, ranks, accelerator->name, memory->requested_bytes / UNITS_GIB,
            100.0 * config->gpu_memory_utilization, memory->capacity_bytes / UNITS_GIB,
            memory->weight_bytes / UNITS_GIB, (long long)config->max_num_batched_tokens,
            memory->activation_bytes / UNITS_GIB, memory->overhead_bytes / UNITS_GIB,
            fmax(memory->available_bytes, 0.0) / UNITS_GIB);
    memory->num_gpu_blocks = (int64_t)blocks;
    return share_blocks(config, at, memory, error);
}
