/* One row of measurements, of each kind that there is. A kind of file is a line in the table at the
 * end; a kind of column is one in column_types. */
#include "measurement_rows.h"

#include "benchmark_routing.h"
#include "measured_layers.h"
#include "model_spec.h"
#include <string.h>
#include <strings.h>

/* clang-format off */
const struct column_type column_types[COLUMN_COUNT] = {
    [COLUMN_LATENCY] = {"latency_us", HOLDS_REAL, 1e-3, 1e12},
    [COLUMN_DTYPE] = {"dtype", HOLDS_TEXT, 0, 0},
    [COLUMN_MODEL] = {"model", HOLDS_TEXT, 0, 0},
    [COLUMN_TP] = {"tp", HOLDS_WHOLE, 1, 1024},
    [COLUMN_TOKENS] = {"tokens", HOLDS_WHOLE, 1, 1e9},
    [COLUMN_LAYER] = {"layer", HOLDS_TEXT, 0, 0},
    [COLUMN_M] = {"m", HOLDS_WHOLE, 1, 1e9},
    [COLUMN_N] = {"n", HOLDS_WHOLE, 1, 1e9},
    [COLUMN_K] = {"k", HOLDS_WHOLE, 1, 1e9},
    [COLUMN_BATCH_SIZE] = {"batch_size", HOLDS_WHOLE, 1, MEASUREMENT_MAX_BATCH},
    [COLUMN_Q_LEN] = {"q_len", HOLDS_WHOLE, 1, 1e9},
    [COLUMN_KV_LEN] = {"kv_len", HOLDS_WHOLE, 1, 1e9},
    [COLUMN_NUM_HEADS] = {"num_heads", HOLDS_WHOLE, 1, 1e6},
    [COLUMN_NUM_KV_HEADS] = {"num_kv_heads", HOLDS_WHOLE, 1, 1e6},
    [COLUMN_HEAD_DIM] = {"head_dim", HOLDS_WHOLE, 1, 1e6},
    [COLUMN_ATTN_DTYPE] = {"attn_dtype", HOLDS_TEXT, 0, 0},
    [COLUMN_KV_CACHE_DTYPE] = {"kv_cache_dtype", HOLDS_TEXT, 0, 0},
    [COLUMN_L2_WARM] = {"l2_warm", HOLDS_WHOLE, 0, 1},
    [COLUMN_NUM_TOKENS] = {"num_tokens", HOLDS_WHOLE, 1, 1e9},
    [COLUMN_HIDDEN_SIZE] = {"hidden_size", HOLDS_WHOLE, 1, 1e9},
    [COLUMN_INTER_SIZE] = {"inter_size", HOLDS_WHOLE, 1, 1e9},
    [COLUMN_TOPK] = {"topk", HOLDS_WHOLE, 1, 1e6},
    [COLUMN_NUM_EXPERTS] = {"num_experts", HOLDS_WHOLE, 1, 4096},
    [COLUMN_MOE_TP_SIZE] = {"moe_tp_size", HOLDS_WHOLE, 1, 1e6},
    [COLUMN_MOE_EP_SIZE] = {"moe_ep_size", HOLDS_WHOLE, 1, 1e6},
    [COLUMN_DISTRIBUTION] = {"distribution", HOLDS_TEXT, 0, 0},
    [COLUMN_IMPL] = {"impl", HOLDS_TEXT, 0, 0},
    [COLUMN_VERSION] = {"version", HOLDS_TEXT, 0, 0},
    [COLUMN_MODE] = {"mode", HOLDS_TEXT, 0, 0},
    [COLUMN_COLLECTIVE] = {"collective", HOLDS_TEXT, 0, 0},
    [COLUMN_NUM_GPUS] = {"num_gpus", HOLDS_WHOLE, 2, 1e6},
    [COLUMN_BYTES] = {"bytes", HOLDS_WHOLE, 1, 1e15},
    [COLUMN_SEQUENCES] = {"sequences", HOLDS_WHOLE, 1, 1e9},
    [COLUMN_PREFILL_CHUNK] = {"prefill_chunk", HOLDS_WHOLE, 0, 1e9},
    [COLUMN_KV_PREFILL] = {"kv_prefill", HOLDS_WHOLE, 0, 1e9},
    [COLUMN_N_DECODE] = {"n_decode", HOLDS_WHOLE, 0, MEASUREMENT_MAX_BATCH},
    [COLUMN_KV_DECODE] = {"kv_decode", HOLDS_WHOLE, 0, 1e9},
    [COLUMN_ACTIVATED_EXPERTS] = {"activated_experts", HOLDS_WHOLE, 1, 1e6},
};
/* clang-format on */

static const struct {
    const char *name;
    int dtype;
} dtype_words[] = {
    {"bfloat16", DTYPE_BF16}, {"bf16", DTYPE_BF16},         {"float16", DTYPE_FP16},
    {"half", DTYPE_FP16},     {"fp16", DTYPE_FP16},         {"float32", DTYPE_FP32},
    {"fp8", DTYPE_FP8},       {"float8_e4m3fn", DTYPE_FP8}, {"fp8_e4m3", DTYPE_FP8},
    {"int8", DTYPE_INT8},
};

/* Left out where nothing is known of the dtype. */
static bool read_dtype(const char *text, struct row_context *context, int *dtype)
{
    for (size_t i = 0; i < sizeof dtype_words / sizeof *dtype_words; i++) {
        if (strcasecmp(text, dtype_words[i].name) == 0) {
            *dtype = dtype_words[i].dtype;
            return true;
        }
    }
    snprintf(context->left_out, sizeof context->left_out, "dtype %.40s", text);
    return false;
}

static enum row_result wrong(struct row_context *context, enum column column, struct error *error,
                             const char *text)
{
    context->wrong = column;
    error_input(error, NULL, "%s", text);
    return ROW_WRONG;
}

/* FNV-1a over the numbers that make a shape. */
static uint64_t group_of(const double *numbers, size_t count)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < count; i++) {
        unsigned char bytes[sizeof *numbers];
        memcpy(bytes, &numbers[i], sizeof bytes);
        for (size_t j = 0; j < sizeof bytes; j++)
            hash = (hash ^ bytes[j]) * 1099511628211u;
    }
    return hash;
}
#define GROUP(...)                                                                                 \
    group_of((const double[]){__VA_ARGS__}, sizeof((double[]){__VA_ARGS__}) / sizeof(double))

static enum row_result convert_gemm(const struct measured_row *row, struct row_context *context,
                                    struct measurement *measurement, struct error *error)
{
    (void)error;
    const double *number = row->number;
    struct gemm_kernel gemm = {
        .rows = number[COLUMN_M], .columns = number[COLUMN_N], .inner = number[COLUMN_K]};
    if (!read_dtype(row->text[COLUMN_DTYPE], context, &gemm.dtype))
        return ROW_LEFT_OUT;
    measurement->kernel = (struct kernel){.kind = KERNEL_GEMM, .gemm = gemm};
    measurement->shape_group = GROUP(gemm.columns, gemm.inner, gemm.dtype);
    snprintf(context->part, sizeof context->part, "%.40s", row->text[COLUMN_DTYPE]);
    return ROW_TAKEN;
}

/* Kernels of one layer with equal sequences: decodes where each has one query and a cache. */
static enum row_result convert_attention(const struct measured_row *row,
                                         struct row_context *context,
                                         struct measurement *measurement, struct error *error)
{
    const double *number = row->number;
    int32_t batch = (int32_t)number[COLUMN_BATCH_SIZE];
    int32_t queries = (int32_t)number[COLUMN_Q_LEN], kv = (int32_t)number[COLUMN_KV_LEN];
    struct attention_kernel attention = {.query_heads = number[COLUMN_NUM_HEADS],
                                         .kv_heads = number[COLUMN_NUM_KV_HEADS],
                                         .head_dim = number[COLUMN_HEAD_DIM]};
    if (kv < queries)
        return wrong(context, COLUMN_KV_LEN, error, "kv_len is less than q_len, which it includes");
    if (attention.query_heads < attention.kv_heads)
        return wrong(context, COLUMN_NUM_KV_HEADS, error, "more KV heads than query heads");
    if (!read_dtype(row->text[COLUMN_ATTN_DTYPE], context, &attention.dtype) ||
        !read_dtype(row->text[COLUMN_KV_CACHE_DTYPE], context, &attention.kv_cache_dtype))
        return ROW_LEFT_OUT;
    bool decodes = queries == 1 && kv > 1;
    context->file->kind = decodes ? "decode_attention" : "prefill_attention";
    if (decodes && row->text[COLUMN_L2_WARM] != NULL && number[COLUMN_L2_WARM] > 0.0) {
        snprintf(context->left_out, sizeof context->left_out,
                 "l2_warm (a replay finds its cache in L2)");
        /* Next to nothing is read, warm or cold: what is left is the overhead. */
        double kv_bytes = 2.0 * batch * (double)kv * attention.kv_heads * attention.head_dim *
                          dtype_bytes(attention.kv_cache_dtype);
        if (kv_bytes > 1e6)
            return ROW_LEFT_OUT;
        measurement->fit_only = true;
    }
    if (decodes) {
        attention.decodes = batch;
        attention.decode_context_tokens = kv;
    } else {
        attention.chunks = batch;
        attention.chunk_tokens = queries;
        attention.chunk_context_tokens = kv - queries;
    }
    measurement->kernel =
        (struct kernel){.kind = decodes ? KERNEL_DECODE_ATTENTION : KERNEL_PREFILL_ATTENTION,
                        .attention = attention};
    measurement->shape_group =
        GROUP(attention.query_heads, attention.kv_heads, attention.head_dim, decodes);
    snprintf(context->part, sizeof context->part, "%s, head_dim %.0f",
             decodes ? "decode" : "prefill", attention.head_dim);
    return ROW_TAKEN;
}

/* The model of a row; *result says how to go on without. */
static const struct model *row_model(const struct measured_row *row, struct row_context *context,
                                     enum row_result *result, struct error *error)
{
    const struct model *model = context->file_model;
    const char *name = row->text[COLUMN_MODEL];
    if (name != NULL && !measured_models_find(context->models, name, &model, error)) {
        *result = ROW_FAILED;
        return NULL;
    }
    *result = ROW_LEFT_OUT;
    if (model == NULL) {
        snprintf(context->left_out, sizeof context->left_out, "no model %.40s (--model NAME=FILE)",
                 name);
        return NULL;
    }
    int64_t ranks = (int64_t)row->number[COLUMN_TP];
    if (model->num_attention_heads % ranks == 0)
        return model;
    *result = wrong(context, COLUMN_TP, error, "tp does not divide the model's attention heads");
    return NULL;
}

static enum row_result convert_mixed_attention(const struct measured_row *row,
                                               struct row_context *context,
                                               struct measurement *measurement, struct error *error)
{
    enum row_result result = ROW_TAKEN;
    const struct model *model = row_model(row, context, &result, error);
    if (model == NULL)
        return result;
    const double *number = row->number;
    struct attention_kernel attention = {
        .chunks = number[COLUMN_PREFILL_CHUNK] > 0.0 ? 1 : 0,
        .chunk_tokens = (int32_t)number[COLUMN_PREFILL_CHUNK],
        .chunk_context_tokens = (int32_t)number[COLUMN_KV_PREFILL],
        .decodes = (int32_t)number[COLUMN_N_DECODE],
        .decode_context_tokens = (int32_t)number[COLUMN_KV_DECODE],
        .dtype = model->dtype,
        .kv_cache_dtype = model->dtype,
    };
    measured_attention_heads(model, (int)number[COLUMN_TP], &attention);
    if (attention.chunks == 0 && attention.decodes == 0)
        return wrong(context, COLUMN_N_DECODE, error, "neither a prefill chunk nor decodes");
    if (attention.decodes > 0 && attention.decode_context_tokens == 0)
        return wrong(context, COLUMN_KV_DECODE, error, "decodes without a context");
    bool prefill = attention.chunks > 0;
    measurement->kernel =
        (struct kernel){.kind = prefill ? KERNEL_PREFILL_ATTENTION : KERNEL_DECODE_ATTENTION,
                        .attention = attention};
    measurement->shape_group =
        GROUP(attention.query_heads, attention.kv_heads, attention.chunk_tokens, attention.decodes);
    snprintf(context->part, sizeof context->part, "%s",
             !prefill                ? "decodes only"
             : attention.decodes > 0 ? "prefill and decodes"
                                     : "prefill only");
    return ROW_TAKEN;
}

static enum row_result convert_moe(const struct measured_row *row, struct row_context *context,
                                   struct measurement *measurement, struct error *error)
{
    const double *number = row->number;
    struct moe_kernel moe = {
        .tokens = number[COLUMN_NUM_TOKENS],
        .hidden = number[COLUMN_HIDDEN_SIZE],
        .inner = number[COLUMN_INTER_SIZE],
        .experts = number[COLUMN_NUM_EXPERTS],
        .experts_per_token = number[COLUMN_TOPK],
        .tensor_ranks = number[COLUMN_MOE_TP_SIZE],
        .expert_ranks = number[COLUMN_MOE_EP_SIZE],
    };
    if (moe.experts_per_token > moe.experts)
        return wrong(context, COLUMN_TOPK, error, "more experts a token than there are");
    if (moe.expert_ranks > moe.experts)
        return wrong(context, COLUMN_MOE_EP_SIZE, error, "more ranks than experts");
    if (!read_dtype(row->text[COLUMN_DTYPE], context, &moe.dtype))
        return ROW_LEFT_OUT;
    const char *distribution = row->text[COLUMN_DISTRIBUTION];
    struct benchmark_load load;
    if (!benchmark_route(distribution != NULL ? distribution : "balanced", moe.tokens,
                         moe.experts_per_token, moe.experts, moe.expert_ranks, &load)) {
        snprintf(context->left_out, sizeof context->left_out, "distribution %.30s", distribution);
        return ROW_LEFT_OUT;
    }
    moe.active_experts = load.active_experts;
    moe.pairs = load.pairs;
    measurement->kernel = (struct kernel){.kind = KERNEL_MOE, .moe = moe};
    measurement->shape_group = GROUP(moe.hidden, moe.inner, moe.experts, moe.experts_per_token,
                                     moe.tensor_ranks, moe.expert_ranks);
    snprintf(context->part, sizeof context->part, "%.20s%s%.20s", row->text[COLUMN_DTYPE],
             distribution != NULL ? " " : "", distribution != NULL ? distribution : "");
    return ROW_TAKEN;
}

static enum row_result convert_moe_layer(const struct measured_row *row,
                                         struct row_context *context,
                                         struct measurement *measurement, struct error *error)
{
    enum row_result result = ROW_TAKEN;
    const struct model *model = row_model(row, context, &result, error);
    if (model == NULL)
        return result;
    const double *number = row->number;
    if (model->num_experts == 0)
        return wrong(context, COLUMN_MODEL, error, "a model without experts");
    if (number[COLUMN_ACTIVATED_EXPERTS] > (double)model->num_experts)
        return wrong(context, COLUMN_ACTIVATED_EXPERTS, error, "more experts than the model has");
    struct moe_kernel moe = {
        .tokens = number[COLUMN_TOKENS],
        .hidden = (double)model->hidden_size,
        .inner = (double)model->moe_intermediate_size,
        .experts = (double)model->num_experts,
        .experts_per_token = (double)model->num_experts_per_tok,
        .tensor_ranks = number[COLUMN_TP],
        .expert_ranks = 1,
        .active_experts = number[COLUMN_ACTIVATED_EXPERTS],
        .pairs = number[COLUMN_TOKENS] * (double)model->num_experts_per_tok,
        .dtype = model->dtype,
    };
    measurement->kernel = (struct kernel){.kind = KERNEL_MOE, .moe = moe};
    measurement->shape_group =
        GROUP(moe.hidden, moe.inner, moe.tensor_ranks, number[COLUMN_ACTIVATED_EXPERTS]);
    snprintf(context->part, sizeof context->part, "experts");
    return ROW_TAKEN;
}

/* "vllm", or "vllm/0.19.0,nccl-tests", against what the row says. */
static bool is_wanted(const char *wanted, const struct measured_row *row)
{
    const char *name = row->text[COLUMN_IMPL], *version = row->text[COLUMN_VERSION];
    if (wanted == NULL || name == NULL)
        return true;
    char full[128];
    snprintf(full, sizeof full, "%.60s/%.60s", name, version != NULL ? version : "");
    for (; *wanted != '\0'; wanted += strspn(wanted, ",")) {
        size_t length = strcspn(wanted, ",");
        bool same_name = length == strlen(name) && strncmp(wanted, name, length) == 0;
        if (same_name || (length == strlen(full) && strncmp(wanted, full, length) == 0))
            return true;
        wanted += length;
    }
    return false;
}

static enum row_result convert_collective(const struct measured_row *row,
                                          struct row_context *context,
                                          struct measurement *measurement, struct error *error)
{
    static const char *const names[] = {"all_reduce", "all_gather", "reduce_scatter", "alltoall"};
    (void)error;
    const char *name = row->text[COLUMN_COLLECTIVE];
    const char *implementation = row->text[COLUMN_IMPL], *version = row->text[COLUMN_VERSION];
    size_t index = 0;
    while (index < sizeof names / sizeof *names && strcmp(names[index], name) != 0)
        index++;
    if (index == sizeof names / sizeof *names) {
        snprintf(context->left_out, sizeof context->left_out, "collective %.40s", name);
        return ROW_LEFT_OUT;
    }
    if (!is_wanted(context->options->implementation, row)) {
        snprintf(context->left_out, sizeof context->left_out, "not of %.40s",
                 context->options->implementation);
        return ROW_LEFT_OUT;
    }
    /* The others have only been measured so. */
    if (index == COLLECTIVE_ALL_REDUCE && strcmp(row->text[COLUMN_MODE], "eager") == 0) {
        snprintf(context->left_out, sizeof context->left_out, "eager (includes its launch)");
        return ROW_LEFT_OUT;
    }
    measurement->kernel = (struct kernel){.kind = KERNEL_COLLECTIVE,
                                          .collective = {.collective = (int)index,
                                                         .ranks = (int)row->number[COLUMN_NUM_GPUS],
                                                         .bytes = row->number[COLUMN_BYTES]}};
    measurement->shape_group = GROUP((double)index, row->number[COLUMN_BYTES]);
    snprintf(context->part, sizeof context->part, "%s%s%.12s%s%.10s", name,
             implementation != NULL ? " " : "", implementation != NULL ? implementation : "",
             version != NULL ? " " : "", version != NULL ? version : "");
    return ROW_TAKEN;
}

static enum row_result convert_layer(const struct measured_row *row, struct row_context *context,
                                     struct measurement *measurement, struct error *error)
{
    enum row_result result = ROW_TAKEN;
    const struct model *model = row_model(row, context, &result, error);
    if (model == NULL)
        return result;
    const char *layer = row->text[COLUMN_LAYER];
    double rows = row->text[COLUMN_TOKENS] != NULL ? row->number[COLUMN_TOKENS]
                                                   : row->number[COLUMN_SEQUENCES];
    if (!measured_layer(model, (int)row->number[COLUMN_TP], layer, rows, &measurement->kernel)) {
        snprintf(context->left_out, sizeof context->left_out, "layer %.40s", layer);
        return ROW_LEFT_OUT;
    }
    struct kernel one_row;
    measured_layer(model, (int)row->number[COLUMN_TP], layer, 1.0, &one_row);
    measurement->shape_group = one_row.kind == KERNEL_GEMM
                                   ? GROUP(one_row.gemm.columns, one_row.gemm.inner)
                                   : GROUP(one_row.kind, one_row.moved_bytes);
    snprintf(context->part, sizeof context->part, "%.40s", layer);
    return ROW_TAKEN;
}

static const enum column gemm_columns[] = {COLUMN_M, COLUMN_N, COLUMN_K, COLUMN_DTYPE};
static const enum column attention_columns[] = {
    COLUMN_BATCH_SIZE,   COLUMN_Q_LEN,    COLUMN_KV_LEN,     COLUMN_NUM_HEADS,
    COLUMN_NUM_KV_HEADS, COLUMN_HEAD_DIM, COLUMN_ATTN_DTYPE, COLUMN_KV_CACHE_DTYPE};
static const enum column mixed_columns[] = {COLUMN_TP, COLUMN_PREFILL_CHUNK, COLUMN_KV_PREFILL,
                                            COLUMN_N_DECODE, COLUMN_KV_DECODE};
static const enum column moe_columns[] = {
    COLUMN_NUM_TOKENS,  COLUMN_HIDDEN_SIZE, COLUMN_INTER_SIZE,  COLUMN_TOPK,
    COLUMN_NUM_EXPERTS, COLUMN_MOE_TP_SIZE, COLUMN_MOE_EP_SIZE, COLUMN_DTYPE};
static const enum column moe_layer_columns[] = {COLUMN_TP, COLUMN_TOKENS, COLUMN_ACTIVATED_EXPERTS};
static const enum column collective_columns[] = {COLUMN_COLLECTIVE, COLUMN_MODE, COLUMN_NUM_GPUS,
                                                 COLUMN_BYTES};
static const enum column dense_columns[] = {COLUMN_TP, COLUMN_LAYER, COLUMN_TOKENS};
static const enum column head_columns[] = {COLUMN_TP, COLUMN_LAYER, COLUMN_SEQUENCES};

#define COLUMNS(columns) columns, sizeof(columns) / sizeof *(columns)
const struct measurement_kind measurement_kinds[] = {
    {"gemm", COLUMNS(gemm_columns), false, convert_gemm},
    {"attention", COLUMNS(attention_columns), false, convert_attention},
    {"mixed_attention", COLUMNS(mixed_columns), true, convert_mixed_attention},
    {"moe", COLUMNS(moe_columns), false, convert_moe},
    {"moe_layers", COLUMNS(moe_layer_columns), true, convert_moe_layer},
    {"collective", COLUMNS(collective_columns), false, convert_collective},
    {"dense_layers", COLUMNS(dense_columns), true, convert_layer},
    {"per_sequence", COLUMNS(head_columns), true, convert_layer},
};
const size_t measurement_kind_count = sizeof measurement_kinds / sizeof *measurement_kinds;
