/* How a checkpoint's weights are stored: one function a quant_method, by the keys that the
 * libraries write which made the checkpoint (AutoAWQ, GPTQModel, compressed-tensors …). */
#include "hf_quantization.h"

#include "settings.h"

#include <stdio.h>
#include <string.h>

enum method { METHOD_FP8, METHOD_AWQ, METHOD_GPTQ, METHOD_MXFP4, METHOD_COMPRESSED, METHOD_COUNT };
static const char *const method_names[] = {"fp8", "awq", "gptq", "mxfp4", "compressed-tensors",
                                           NULL};
static const char *const type_names[] = {"int", "float", NULL};
enum { TYPE_INT, TYPE_FLOAT };
static const char *const flag_names[] = {"false", "true", NULL};

/* Of quantization_config itself, and of the schemes within compressed-tensors' groups. */
struct scheme {
    int method, type, lm_head;
    int64_t bits, group_size;
};

#define INTEGER(name_, member, least, preset_)                                                     \
    {                                                                                              \
        .name = name_, .kind = SETTING_INTEGER, .offset = offsetof(struct scheme, member),         \
        .preset = preset_, .minimum = least, .maximum = 1e6, .help = "bits of a weight"            \
    }
#define CHOICE(name_, member, preset_, names, help_)                                               \
    {                                                                                              \
        .name = name_, .kind = SETTING_CHOICE, .offset = offsetof(struct scheme, member),          \
        .preset = preset_, .choices = names, .help = help_                                         \
    }
static const struct setting scheme_rows[] = {
    CHOICE("quant_method", method, NULL, method_names, "how the weights are quantised"),
    CHOICE("type", type, NULL, type_names, "int or float"),
    CHOICE("lm_head", lm_head, "none", flag_names, "whether lm_head is quantised too"),
    INTEGER("bits", bits, 1, NULL),
    INTEGER("num_bits", bits, 1, NULL),
    INTEGER("group_size", group_size, -1, "none"),
};
static const struct settings_table scheme_table = {"a quantization_config", scheme_rows,
                                                   sizeof scheme_rows / sizeof *scheme_rows};

struct reading {
    struct document *document;
    struct quantization *quantization;
    char *warning; /* 512 bytes */
    struct error *error;
};

/* Only these keys of the mapping: it holds many that change nothing. */
static bool read_keys(const struct reading *reading, const struct node *mapping,
                      const char *const *keys, struct scheme *scheme)
{
    for (; *keys != NULL; keys++) {
        if (!settings_read_member(reading->document, &scheme_table, *keys, mapping, scheme,
                                  reading->error))
            return false;
    }
    return true;
}

/* −1, null and absence all mean a column. */
static int64_t group_of(const struct scheme *scheme)
{
    return scheme->group_size == SETTING_UNSET_INTEGER || scheme->group_size < 0
               ? 0
               : scheme->group_size;
}

static bool is_null(const struct node *node)
{
    return node == NULL || (node->kind == NODE_SCALAR && !node->quoted &&
                            (strcmp(node->text, "null") == 0 || strcmp(node->text, "~") == 0 ||
                             node->text[0] == '\0'));
}

/* [128, 128]: square blocks that share a scale; null: none do. */
static bool read_block(const struct reading *reading, const struct node *mapping, const char *name)
{
    const struct node *block = node_find(mapping, name);
    if (is_null(block))
        return true;
    bool square = block->kind == NODE_SEQUENCE && block->count == 2;
    for (size_t i = 0; square && i < 2; i++)
        square = block->items[i]->kind == NODE_SCALAR &&
                 strcmp(block->items[i]->text, block->items[0]->text) == 0;
    double side = 0.0;
    if (!square || units_parse(block->items[0]->text, UNIT_NONE, &side) != UNITS_OK ||
        !(side >= 1.0 && side <= 1e6) || side != nearbyint(side))
        return error_input(reading->error, &block->at,
                           "'%s': llmsim cannot represent blocks that are not square", name);
    reading->quantization->group_size = (int64_t)side;
    return true;
}

static bool read_fp8(const struct reading *reading, const struct node *config)
{
    *reading->quantization = (struct quantization){.weights = DTYPE_FP8, .activations = DTYPE_FP8};
    return read_block(reading, config, "weight_block_size");
}

static bool read_mxfp4(const struct reading *reading, const struct node *config)
{
    (void)config; /* the experts' weights, in groups of 32, and nothing to choose */
    *reading->quantization = (struct quantization){
        .weights = DTYPE_FP4, .activations = -1, .group_size = 32, .scope = QUANTIZE_EXPERTS};
    return true;
}

static bool refuse_bits(const struct reading *reading, const struct node *mapping, const char *name,
                        const struct scheme *scheme)
{
    return error_input(reading->error, node_key_location(mapping, name),
                       "'%s': llmsim cannot represent %s of %lld bits", name,
                       scheme->type == TYPE_FLOAT ? "floats" : "integers", (long long)scheme->bits);
}

/* AWQ and GPTQ: integers, weights only. */
static bool read_integers(const struct reading *reading, const struct node *config)
{
    static const char *const keys[] = {"bits", "group_size", "lm_head", NULL};
    struct scheme scheme = {.type = TYPE_INT};
    if (!read_keys(reading, config, keys, &scheme))
        return false;
    if (scheme.bits != 4 && scheme.bits != 8)
        return refuse_bits(reading, config, "bits", &scheme);
    if (scheme.lm_head == 1)
        return error_input(reading->error, node_key_location(config, "lm_head"),
                           "'lm_head': llmsim cannot represent a quantised lm_head");
    *reading->quantization =
        (struct quantization){.weights = scheme.bits == 4 ? DTYPE_INT4 : DTYPE_INT8,
                              .activations = -1,
                              .group_size = group_of(&scheme)};
    return true;
}

/* A scheme of compressed-tensors as a dtype into *dtype; 16 bits are no quantisation: −1. */
static bool read_scheme(const struct reading *reading, const struct node *mapping,
                        struct scheme *scheme, int *dtype)
{
    static const char *const keys[] = {"num_bits", "type", "group_size", NULL};
    if (mapping->kind != NODE_MAPPING)
        return error_input(reading->error, &mapping->at,
                           "a scheme of compressed-tensors must be a mapping of keys to values");
    if (!read_keys(reading, mapping, keys, scheme))
        return false;
    bool is_float = scheme->type == TYPE_FLOAT;
    if (scheme->bits == 16 && is_float)
        *dtype = -1;
    else if (scheme->bits == 8)
        *dtype = is_float ? DTYPE_FP8 : DTYPE_INT8;
    else if (scheme->bits == 4)
        *dtype = is_float ? DTYPE_FP4 : DTYPE_INT4;
    else
        return refuse_bits(reading, mapping, "num_bits", scheme);
    return true;
}

static bool read_compressed(const struct reading *reading, const struct node *config)
{
    const struct node *groups = node_find(config, "config_groups");
    if (groups == NULL || groups->kind != NODE_MAPPING || groups->count != 1)
        return error_input(reading->error, node_key_location(config, "config_groups"),
                           "'config_groups': llmsim can represent one group of modules, neither "
                           "more nor fewer");
    const struct node *weights = node_find(groups->items[0], "weights");
    const struct node *activations = node_find(groups->items[0], "input_activations");
    struct quantization *quantization = reading->quantization;
    *quantization = (struct quantization){.weights = -1, .activations = -1};
    struct scheme scheme = {0}, unused = {0};
    if (is_null(weights))
        return error_input(reading->error, &groups->items[0]->at,
                           "'config_groups': llmsim cannot represent a group without 'weights'");
    if (!read_scheme(reading, weights, &scheme, &quantization->weights) ||
        (!is_null(activations) &&
         !read_scheme(reading, activations, &unused, &quantization->activations)))
        return false;
    quantization->group_size = quantization->weights >= 0 ? group_of(&scheme) : 0;
    if (quantization->weights == DTYPE_FP8 && quantization->group_size > 0)
        return error_input(reading->error, node_key_location(weights, "group_size"),
                           "'group_size': llmsim cannot represent fp8 weights in groups");
    const struct node *sparsity = node_find(config, "sparsity_config");
    if (!is_null(sparsity) && sparsity->count > 0)
        return error_input(reading->error, node_key_location(config, "sparsity_config"),
                           "'sparsity_config': llmsim cannot represent sparse weights");
    if (!is_null(node_find(config, "kv_cache_scheme")))
        hf_warn(reading->warning, "kv_cache_scheme is left to engine.kv_cache_dtype");
    return read_block(reading, weights, "block_structure");
}

/* Modules that are never taken as quantised, or are not of the text model's layers. */
static bool is_never_quantized(const char *module)
{
    static const char *const parts[] = {"lm_head",
                                        "embed",
                                        "router",
                                        "norm",
                                        "vision",
                                        "visual",
                                        "projector",
                                        "mlp.gate",
                                        "block_sparse_moe.gate",
                                        "shared_expert_gate"};
    if (strstr(module, "gate_proj") != NULL || strstr(module, "gate_up") != NULL)
        return false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strstr(module, parts[i]) != NULL)
            return true;
    }
    return strcmp(module, "gate") == 0;
}

static void warn_of_exceptions(const struct reading *reading, const struct node *config)
{
    static const char *const lists[] = {"modules_to_not_convert", "ignored_layers", "ignore"};
    bool experts_alone = reading->quantization->scope == QUANTIZE_EXPERTS;
    for (size_t i = 0; !experts_alone && i < sizeof lists / sizeof *lists; i++) {
        const struct node *list = node_find(config, lists[i]);
        for (size_t j = 0; list != NULL && list->kind == NODE_SEQUENCE && j < list->count; j++) {
            const struct node *module = list->items[j];
            if (module->kind == NODE_SCALAR && is_never_quantized(module->text))
                continue;
            char text[128];
            snprintf(text, sizeof text, "modules of '%s' are taken as quantised all the same",
                     lists[i]);
            hf_warn(reading->warning, text);
            return;
        }
    }
}

void hf_warn(char warning[512], const char *text)
{
    size_t length = strlen(warning);
    snprintf(warning + length, 512 - length, "%s%s", length == 0 ? "" : ", ", text);
}

bool hf_quantization_read(struct document *document, const struct node *config,
                          struct quantization *quantization, char warning[512], struct error *error)
{
    static bool (*const readers[METHOD_COUNT])(const struct reading *, const struct node *) = {
        [METHOD_FP8] = read_fp8,
        [METHOD_AWQ] = read_integers,
        [METHOD_GPTQ] = read_integers,
        [METHOD_MXFP4] = read_mxfp4,
        [METHOD_COMPRESSED] = read_compressed,
    };
    static const char *const keys[] = {"quant_method", NULL};
    const struct reading reading = {document, quantization, warning, error};
    struct scheme scheme = {0};
    if (config->kind != NODE_MAPPING)
        return error_input(error, &config->at,
                           "'quantization_config' must be a mapping of keys to values");
    if (!read_keys(&reading, config, keys, &scheme) || !readers[scheme.method](&reading, config))
        return false;
    warn_of_exceptions(&reading, config);
    return true;
}
