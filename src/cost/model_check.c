#include "model_check.h"

#include "model_spec.h"

/* Dimensions that a model may lack, and what they say nothing without. */
#define MEMBER(member) #member, offsetof(struct model, member)
static const struct part {
    const char *name;
    size_t offset;
    const char *of; /* NULL: it stands alone */
    size_t of_offset;
    bool required; /* `of` says nothing without it either */
} parts[] = {
    {MEMBER(intermediate_size), NULL, 0, false},
    {MEMBER(num_experts), NULL, 0, false},
    {MEMBER(num_experts_per_tok), MEMBER(num_experts), true},
    {MEMBER(moe_intermediate_size), MEMBER(num_experts), true},
    {MEMBER(shared_expert_intermediate_size), MEMBER(num_experts), false},
    {MEMBER(first_k_dense_replace), MEMBER(num_experts), false},
    {MEMBER(kv_lora_rank), NULL, 0, false},
    {MEMBER(q_lora_rank), MEMBER(kv_lora_rank), false},
    {MEMBER(qk_nope_head_dim), MEMBER(kv_lora_rank), true},
    {MEMBER(qk_rope_head_dim), MEMBER(kv_lora_rank), true},
    {MEMBER(v_head_dim), MEMBER(kv_lora_rank), true},
    {MEMBER(sliding_window), NULL, 0, false},
    {MEMBER(num_full_attention_layers), MEMBER(sliding_window), false},
};
enum { PART_COUNT = sizeof parts / sizeof *parts };

/* A model, and where it was read. */
struct check {
    struct model *model;
    const struct node *mapping;
    struct error *error;
};

static int64_t *member(const struct check *check, size_t offset)
{
    return (int64_t *)(void *)((char *)check->model + offset);
}

static const struct location *key(const struct check *check, const char *name)
{
    return node_key_location(check->mapping, name);
}

static bool check_parts(const struct check *check)
{
    for (size_t i = 0; i < PART_COUNT; i++) {
        int64_t *value = member(check, parts[i].offset);
        if (*value == SETTING_UNSET_INTEGER)
            *value = 0;
    }
    for (size_t i = 0; i < PART_COUNT; i++) {
        const struct part *part = &parts[i];
        if (part->of == NULL)
            continue;
        bool present = *member(check, part->offset) > 0;
        bool whole = *member(check, part->of_offset) > 0;
        if (present && !whole)
            return error_input(check->error, key(check, part->name),
                               "'%s' says nothing without '%s'", part->name, part->of);
        if (whole && !present && part->required)
            return error_input(check->error, key(check, part->of), "'%s' is missing beside '%s'",
                               part->name, part->of);
    }
    return true;
}

static bool check_experts(const struct check *check)
{
    const struct model *model = check->model;
    if (model->num_experts_per_tok > model->num_experts)
        return error_input(check->error, key(check, "num_experts_per_tok"),
                           "num_experts_per_tok %lld is more than num_experts %lld",
                           (long long)model->num_experts_per_tok, (long long)model->num_experts);
    if (model->first_k_dense_replace > 0 &&
        model->first_k_dense_replace >= model->num_hidden_layers)
        return error_input(check->error, key(check, "first_k_dense_replace"),
                           "first_k_dense_replace %lld leaves none of %lld layers with experts",
                           (long long)model->first_k_dense_replace,
                           (long long)model->num_hidden_layers);
    if (model->router_bias && model->num_experts == 0)
        return error_input(check->error, key(check, "router_bias"),
                           "'router_bias' says nothing without 'num_experts'");
    if (model->shared_expert_gate && model->shared_expert_intermediate_size == 0)
        return error_input(
            check->error, key(check, "shared_expert_gate"),
            "'shared_expert_gate' says nothing without 'shared_expert_intermediate_size'");
    bool dense = model_moe_layers(model) < model->num_hidden_layers;
    if (dense && model->intermediate_size == 0)
        return error_input(check->error, &check->mapping->at,
                           "'intermediate_size' is missing: inner width of the MLP of layers "
                           "without experts");
    if (!dense && model->intermediate_size > 0)
        return error_input(check->error, key(check, "intermediate_size"),
                           "'intermediate_size' is of layers without experts, of which this model "
                           "has none");
    return true;
}

/* Latent attention fixes the number of KV heads and their width: keys are made for each head. */
static bool check_latent_attention(const struct check *check)
{
    struct model *model = check->model;
    int64_t heads = model->num_attention_heads;
    int64_t head_dim = model->qk_nope_head_dim + model->qk_rope_head_dim;
    if (model->num_key_value_heads != SETTING_UNSET_INTEGER && model->num_key_value_heads != heads)
        return error_input(check->error, key(check, "num_key_value_heads"),
                           "latent attention has as many KV heads as query heads: %lld, not %lld",
                           (long long)heads, (long long)model->num_key_value_heads);
    if (model->head_dim != SETTING_UNSET_INTEGER && model->head_dim != head_dim)
        return error_input(check->error, key(check, "head_dim"),
                           "head_dim %lld is not qk_nope_head_dim + qk_rope_head_dim, %lld",
                           (long long)model->head_dim, (long long)head_dim);
    const struct {
        const char *name;
        bool present;
    } features[] = {{"qkv_bias", model->qkv_bias},
                    {"qk_norm", model->qk_norm},
                    {"attention_sinks", model->attention_sinks},
                    {"sliding_window", model->sliding_window > 0}};
    for (size_t i = 0; i < sizeof features / sizeof *features; i++) {
        if (features[i].present)
            return error_input(check->error, key(check, features[i].name),
                               "llmsim cannot represent '%s' with latent attention",
                               features[i].name);
    }
    model->num_key_value_heads = heads;
    model->head_dim = head_dim;
    return true;
}

static bool check_heads(const struct check *check)
{
    struct model *model = check->model;
    int64_t heads = model->num_attention_heads;
    if (model->num_key_value_heads == SETTING_UNSET_INTEGER)
        model->num_key_value_heads = heads;
    if (heads % model->num_key_value_heads != 0)
        return error_input(check->error, key(check, "num_key_value_heads"),
                           "num_key_value_heads %lld does not divide num_attention_heads %lld",
                           (long long)model->num_key_value_heads, (long long)heads);
    if (model->head_dim != SETTING_UNSET_INTEGER)
        return true;
    if (model->hidden_size % heads != 0)
        return error_input(check->error, key(check, "num_attention_heads"),
                           "num_attention_heads %lld does not divide hidden_size %lld: say "
                           "'head_dim'",
                           (long long)heads, (long long)model->hidden_size);
    model->head_dim = model->hidden_size / heads;
    if (model->head_dim > 4096)
        return error_input(check->error, key(check, "num_attention_heads"),
                           "hidden_size %lld over num_attention_heads %lld makes heads wider than "
                           "4096",
                           (long long)model->hidden_size, (long long)heads);
    return true;
}

static bool check_windows(const struct check *check)
{
    const struct model *model = check->model;
    if (model->num_full_attention_layers <= model->num_hidden_layers)
        return true;
    return error_input(check->error, key(check, "num_full_attention_layers"),
                       "num_full_attention_layers %lld is more than num_hidden_layers %lld",
                       (long long)model->num_full_attention_layers,
                       (long long)model->num_hidden_layers);
}

static bool is_quantized_dtype(int dtype)
{
    return dtype == DTYPE_FP8 || dtype == DTYPE_INT8 || dtype == DTYPE_INT4 || dtype == DTYPE_FP4;
}

/* Located in the section of llmsim's own files; in a config.json, at the whole of the model. */
static bool check_quantization(const struct check *check)
{
    struct quantization *quantization = &check->model->quantization;
    const struct node *section = node_find(check->mapping, "quantization");
    if (section == NULL || section->kind != NODE_MAPPING)
        section = check->mapping;
    bool grouped = quantization->group_size != SETTING_UNSET_INTEGER;
    if (!grouped)
        quantization->group_size = quantization->weights == DTYPE_FP4 ? 32 : 0;
    if (quantization->weights < 0 &&
        (quantization->activations >= 0 || quantization->group_size > 0))
        return error_input(
            check->error,
            node_key_location(section,
                              quantization->activations >= 0 ? "activations" : "group_size"),
            "quantised activations and groups say nothing without quantised weights");
    if (quantization->weights >= 0 && !is_quantized_dtype(quantization->weights))
        return error_input(check->error, node_key_location(section, "weights"),
                           "weights are quantised to fp8, int8, int4 or fp4, not to %s",
                           dtype_names[quantization->weights]);
    if (quantization->activations >= 0 &&
        (quantization->activations != quantization->weights ||
         (quantization->weights != DTYPE_FP8 && quantization->weights != DTYPE_INT8)))
        return error_input(check->error, node_key_location(section, "activations"),
                           "llmsim cannot represent %s activations with %s weights: fp8 goes with "
                           "fp8, int8 with int8",
                           dtype_names[quantization->activations],
                           dtype_names[quantization->weights]);
    if (quantization->weights == DTYPE_FP4 && quantization->group_size == 0)
        return error_input(
            check->error, node_key_location(section, "group_size"),
            "fp4 weights have a scale for every group of 16 or 32, not for a column");
    if (quantization->scope == QUANTIZE_EXPERTS && check->model->num_experts == 0)
        return error_input(check->error, node_key_location(section, "scope"),
                           "scope 'experts' says nothing without 'num_experts'");
    return true;
}

bool model_check(struct model *model, const struct node *mapping, struct error *error)
{
    const struct check check = {model, mapping, error};
    return check_parts(&check) && check_experts(&check) && check_windows(&check) &&
           (model->kv_lora_rank > 0 ? check_latent_attention(&check) : check_heads(&check)) &&
           check_quantization(&check);
}
