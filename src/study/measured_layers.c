/* The dimensions of vLLM's layers. What an elementwise kernel moves is counted as in
 * cost/layers.c. */
#include "measured_layers.h"

#include "model_spec.h"
#include <string.h>

/* What dimensions are sums of, a rank. */
enum { HIDDEN, QUERY, KEY_VALUE, INNER, VOCAB, SIZE_COUNT };

struct layer {
    const char *name;
    int kind;                                      /* enum kernel_kind */
    double columns[SIZE_COUNT], inner[SIZE_COUNT]; /* a GEMM */
    double moved[SIZE_COUNT];                      /* elements a row, read and written */
};

static const struct layer layers[] = {
    {"qkv_proj", KERNEL_GEMM, {[QUERY] = 1, [KEY_VALUE] = 2}, {[HIDDEN] = 1}, {0}},
    {"o_proj", KERNEL_GEMM, {[HIDDEN] = 1}, {[QUERY] = 1}, {0}},
    {"gate_up_proj", KERNEL_GEMM, {[INNER] = 2}, {[HIDDEN] = 1}, {0}},
    {"down_proj", KERNEL_GEMM, {[HIDDEN] = 1}, {[INNER] = 1}, {0}},
    {"lm_head", KERNEL_GEMM, {[VOCAB] = 1}, {[HIDDEN] = 1}, {0}},
    {"embedding", KERNEL_ELEMENTWISE, {0}, {0}, {[HIDDEN] = 2}},
    {"layernorm", KERNEL_ELEMENTWISE, {0}, {0}, {[HIDDEN] = 4}},
    {"final_layernorm", KERNEL_ELEMENTWISE, {0}, {0}, {[HIDDEN] = 4}},
    {"qk_norm", KERNEL_ELEMENTWISE, {0}, {0}, {[QUERY] = 2, [KEY_VALUE] = 2}},
    {"rotary_emb", KERNEL_ELEMENTWISE, {0}, {0}, {[QUERY] = 2, [KEY_VALUE] = 2}},
    {"act_fn", KERNEL_ELEMENTWISE, {0}, {0}, {[INNER] = 3}},
    {"sampler", KERNEL_SAMPLER, {0}, {0}, {0}},
};

static double sum_of(const double coefficients[SIZE_COUNT], const double sizes[SIZE_COUNT])
{
    double sum = 0.0;
    for (int i = 0; i < SIZE_COUNT; i++)
        sum += coefficients[i] * sizes[i];
    return sum;
}

bool measured_layer(const struct model *model, int ranks, const char *layer, double rows,
                    struct kernel *kernel)
{
    const struct layer *found = NULL;
    for (size_t i = 0; i < sizeof layers / sizeof *layers && found == NULL; i++) {
        if (strcmp(layers[i].name, layer) == 0)
            found = &layers[i];
    }
    if (found == NULL || model->kv_lora_rank > 0 || model->mlp != MLP_GATED)
        return false;
    double head_dim = (double)model->head_dim;
    double sizes[SIZE_COUNT] = {
        [HIDDEN] = (double)model->hidden_size,
        [QUERY] = (double)model->num_attention_heads * head_dim / ranks,
        [KEY_VALUE] = (double)model_kv_heads_per_rank(model, ranks) * head_dim,
        [INNER] = (double)model->intermediate_size / ranks,
        [VOCAB] = (double)model->vocab_size / ranks,
    };
    *kernel = (struct kernel){.kind = found->kind};
    if (found->kind == KERNEL_GEMM)
        kernel->gemm = (struct gemm_kernel){.rows = rows,
                                            .columns = sum_of(found->columns, sizes),
                                            .inner = sum_of(found->inner, sizes),
                                            .dtype = model->dtype};
    else if (found->kind == KERNEL_ELEMENTWISE)
        kernel->moved_bytes = rows * sum_of(found->moved, sizes) * dtype_bytes(model->dtype);
    else
        kernel->sequences = rows;
    return true;
}

void measured_attention_heads(const struct model *model, int ranks,
                              struct attention_kernel *attention)
{
    attention->query_heads = (double)model->num_attention_heads / ranks;
    attention->kv_heads = (double)model_kv_heads_per_rank(model, ranks);
    attention->head_dim = (double)model->head_dim;
}
