/* A model's own keys, and the sizes that follow from its dimensions. */
#include "model_spec.h"

#include "hf_config.h"

const char *const dtype_names[] = {
    [DTYPE_FP32] = "fp32", [DTYPE_BF16] = "bf16", [DTYPE_FP16] = "fp16", [DTYPE_FP8] = "fp8",
    [DTYPE_INT8] = "int8", [DTYPE_INT4] = "int4", [DTYPE_FP4] = "fp4",   NULL};
/* Those that a model as a whole can have. */
static const char *const model_dtype_names[] = {"fp32", "bf16", "fp16", NULL};
static const char *const mlp_names[] = {"gated", "plain", NULL};
static const char *const norm_names[] = {"rms", "layer", NULL};

/* Bounds keep the number of parameters, computed in int64_t, far from overflowing. */
#define INTEGER(member, least, most, preset_, help_)                                               \
    {                                                                                              \
        .name = #member, .kind = SETTING_INTEGER, .offset = offsetof(struct model, member),        \
        .preset = preset_, .minimum = least, .maximum = most, .help = help_                        \
    }
#define FLAG(member, help_)                                                                        \
    {                                                                                              \
        .name = #member, .kind = SETTING_BOOL, .offset = offsetof(struct model, member),           \
        .preset = "false", .help = help_                                                           \
    }
#define CHOICE(member, preset_, names, help_)                                                      \
    {                                                                                              \
        .name = #member, .kind = SETTING_CHOICE, .offset = offsetof(struct model, member),         \
        .preset = preset_, .choices = names, .help = help_                                         \
    }

static const struct setting settings[] = {
    {.name = "name",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct model, name),
     .help = "what reports call the model"},
    {.name = "source",
     .kind = SETTING_TEXT,
     .offset = offsetof(struct model, source),
     .preset = "none",
     .help = "where the dimensions were published"},
    INTEGER(hidden_size, 1, 1e6, NULL, "width of the residual stream"),
    INTEGER(intermediate_size, 1, 1e7, NULL, "inner width of the MLP"),
    INTEGER(num_hidden_layers, 1, 1e4, NULL, "transformer layers"),
    INTEGER(num_attention_heads, 1, 4096, NULL, "query heads of a layer"),
    INTEGER(num_key_value_heads, 1, 4096, "auto",
            "key and value heads of a layer; auto: as many as query heads"),
    INTEGER(head_dim, 1, 4096, "auto",
            "width of an attention head; auto: hidden_size / num_attention_heads"),
    INTEGER(vocab_size, 1, 1e8, NULL, "tokens of the vocabulary"),
    INTEGER(max_position_embeddings, 1, 1e8, NULL, "longest context in tokens"),
    FLAG(tie_word_embeddings, "the lm_head shares the embedding's weights"),
    FLAG(learned_positions, "a position embedding of max_position_embeddings rows, no rotary"),
    FLAG(qkv_bias, "biases of the query, key and value projections"),
    FLAG(attention_output_bias, "a bias of the attention's output projection"),
    FLAG(mlp_bias, "biases of the MLP's projections"),
    FLAG(qk_norm, "a norm of head_dim on queries and on keys (Qwen3)"),
    CHOICE(mlp, "gated", mlp_names, "gated: gate, up and down projections; plain: up and down"),
    CHOICE(norm, "rms", norm_names, "rms: a weight; layer: a weight and a bias"),
    CHOICE(dtype, "bf16", model_dtype_names, "of weights, activations and KV cache"),
};

const struct settings_table model_settings = {"a model", settings,
                                              sizeof settings / sizeof *settings};

/* Give the "auto" dimensions their values, and refuse heads that do not divide. */
static bool resolve(struct model *model, const struct node *mapping, struct error *error)
{
    int64_t heads = model->num_attention_heads;
    if (model->num_key_value_heads == SETTING_UNSET_INTEGER)
        model->num_key_value_heads = heads;
    if (heads % model->num_key_value_heads != 0)
        return error_input(error, node_key_location(mapping, "num_key_value_heads"),
                           "num_key_value_heads %lld does not divide num_attention_heads %lld",
                           (long long)model->num_key_value_heads, (long long)heads);
    if (model->head_dim != SETTING_UNSET_INTEGER)
        return true;
    if (model->hidden_size % heads != 0)
        return error_input(error, node_key_location(mapping, "num_attention_heads"),
                           "num_attention_heads %lld does not divide hidden_size %lld: say "
                           "'head_dim'",
                           (long long)heads, (long long)model->hidden_size);
    model->head_dim = model->hidden_size / heads;
    if (model->head_dim > 4096)
        return error_input(error, node_key_location(mapping, "num_attention_heads"),
                           "hidden_size %lld over num_attention_heads %lld makes heads wider than "
                           "4096",
                           (long long)model->hidden_size, (long long)heads);
    return true;
}

bool model_read(struct document *document, const struct node *mapping, struct model *model,
                char warning[512], struct error *error)
{
    *model = (struct model){0};
    warning[0] = '\0';
    bool hugging_face =
        node_find(mapping, "model_type") != NULL || node_find(mapping, "architectures") != NULL;
    bool read = hugging_face ? hf_config_read(document, mapping, model, warning, error)
                             : settings_read(document, &model_settings, mapping, model, error);
    return read && resolve(model, mapping, error);
}

/* The matrices and biases of one layer, which tensor parallelism splits; `kv_heads` are those that
 * the counted ranks hold together (more than the model has where ranks hold copies). */
static int64_t layer_projections(const struct model *model, int64_t kv_heads)
{
    int64_t h = model->hidden_size, f = model->intermediate_size;
    int64_t q = model->num_attention_heads * model->head_dim;
    int64_t qkv = q + 2 * kv_heads * model->head_dim;
    int64_t inner = model->mlp == MLP_GATED ? 2 * f : f; /* columns of (gate and) up */
    int64_t count = h * qkv + q * h + h * inner + f * h;
    if (model->qkv_bias)
        count += qkv;
    if (model->attention_output_bias)
        count += h;
    if (model->mlp_bias)
        count += inner + h;
    return count;
}

/* Norms and positions, of which every tensor-parallel rank holds all. */
static int64_t replicated_parameters(const struct model *model)
{
    int64_t vectors = model->norm == NORM_LAYER ? 2 : 1; /* weight, bias */
    int64_t count = (2 * model->num_hidden_layers + 1) * vectors * model->hidden_size;
    if (model->qk_norm)
        count += 2 * model->num_hidden_layers * model->head_dim;
    if (model->learned_positions)
        count += model->max_position_embeddings * model->hidden_size;
    return count;
}

static int64_t embedding_parameters(const struct model *model)
{
    int64_t matrices = model->tie_word_embeddings ? 1 : 2;
    return matrices * model->vocab_size * model->hidden_size;
}

int64_t model_parameters(const struct model *model)
{
    return model->num_hidden_layers * layer_projections(model, model->num_key_value_heads) +
           embedding_parameters(model) + replicated_parameters(model);
}

int64_t model_kv_heads_per_rank(const struct model *model, int tensor_parallel_size)
{
    int64_t heads = model->num_key_value_heads / tensor_parallel_size;
    return heads > 1 ? heads : 1;
}

double model_weight_bytes(const struct model *model, const struct deployment *deployment)
{
    int tensor_parallel_size = deployment->tensor_parallel_size;
    int64_t kv_heads = model_kv_heads_per_rank(model, tensor_parallel_size) * tensor_parallel_size;
    int64_t split =
        model->num_hidden_layers * layer_projections(model, kv_heads) + embedding_parameters(model);
    double parameters = (double)split / tensor_parallel_size + (double)replicated_parameters(model);
    return parameters * dtype_bytes(model->dtype);
}

double model_kv_bytes_per_token(const struct model *model, const struct deployment *deployment)
{
    int tensor_parallel_size = deployment->tensor_parallel_size;
    return 2.0 *
           (double)(model->num_hidden_layers *
                    model_kv_heads_per_rank(model, tensor_parallel_size) * model->head_dim) *
           dtype_bytes(deployment->kv_cache_dtype);
}

double dtype_bytes(int dtype)
{
    static const double bytes[DTYPE_COUNT] = {
        [DTYPE_FP32] = 4, [DTYPE_BF16] = 2,   [DTYPE_FP16] = 2,  [DTYPE_FP8] = 1,
        [DTYPE_INT8] = 1, [DTYPE_INT4] = 0.5, [DTYPE_FP4] = 0.5,
    };
    return bytes[dtype];
}
