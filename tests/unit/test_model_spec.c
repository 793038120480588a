/* Model descriptions: the shipped ones against their published sizes, and what is refused. */
#include "cost_fixture.h"

static const struct {
    const char *name;
    int64_t parameters;
    int dtype;
} shipped[] = {
    {"llama-2-7b", 6738415616, DTYPE_FP16},     {"llama-2-13b", 13015864320, DTYPE_FP16},
    {"llama-2-70b", 68976648192, DTYPE_FP16},   {"llama-3.1-8b", 8030261248, DTYPE_BF16},
    {"llama-3.1-70b", 70553706496, DTYPE_BF16}, {"mistral-7b", 7248023552, DTYPE_BF16},
    {"qwen3-8b", 8190735360, DTYPE_BF16},       {"qwen3-32b", 32762123264, DTYPE_BF16},
};

static double weight_bytes(const struct model *model, int ranks)
{
    struct deployment deployment = fixture_deployment(model, ranks);
    return model_weight_bytes(model, &deployment);
}

static double kv_bytes(const struct model *model, int ranks)
{
    struct deployment deployment = fixture_deployment(model, ranks);
    return model_kv_bytes_per_token(model, &deployment);
}

START_TEST(test_published_parameter_counts)
{
    struct document *document = document_create();
    for (size_t i = 0; i < COUNT(shipped); i++) {
        struct model model;
        fixture_read_model(document, shipped[i].name, &model);
        ck_assert_msg(model_parameters(&model) == shipped[i].parameters, "%s: %lld",
                      shipped[i].name, (long long)model_parameters(&model));
        ck_assert_str_eq(model.name, shipped[i].name);
        ck_assert_ptr_nonnull(model.source);
        ck_assert_int_eq(model.dtype, shipped[i].dtype);
        ck_assert_double_eq(weight_bytes(&model, 1), 2.0 * (double)shipped[i].parameters);
    }
    document_destroy(document);
}
END_TEST

START_TEST(test_kv_bytes)
{
    struct document *document = document_create();
    struct model model;
    fixture_read_model(document, "llama-3.1-8b", &model);
    ck_assert_double_eq(kv_bytes(&model, 1), 131072.0);
    ck_assert_double_eq(kv_bytes(&model, 2), 65536.0);
    /* Beyond one KV head a rank, ranks hold copies. */
    ck_assert_double_eq(kv_bytes(&model, 8), 16384.0);
    ck_assert_double_eq(kv_bytes(&model, 16), 16384.0);
    ck_assert_int_eq(model_kv_heads_per_rank(&model, 16), 1);
    fixture_read_model(document, "llama-2-7b", &model);
    ck_assert_double_eq(kv_bytes(&model, 1), 524288.0);
    document_destroy(document);
}
END_TEST

START_TEST(test_weights_of_ranks)
{
    struct document *document = document_create();
    struct model model;
    fixture_read_model(document, "llama-2-7b", &model);
    /* All ranks together hold the model, and the norms once more for each rank beyond the first. */
    double norms = 2.0 * (2 * 32 + 1) * 4096;
    ck_assert_double_eq(4.0 * weight_bytes(&model, 4), weight_bytes(&model, 1) + 3.0 * norms);
    document_destroy(document);
}
END_TEST

static bool read_text(const char *text, struct model *model, struct error *error)
{
    struct document *document = document_create();
    struct node *node = document_read_text(document, "m.yaml", text, strlen(text), error);
    ck_assert_ptr_nonnull(node);
    char warning[512];
    bool read = model_read(document, node, model, warning, error);
    document_destroy(document);
    return read;
}

#define HEAD                                                                                       \
    "name: tiny\nhidden_size: 100\nintermediate_size: 10\nnum_hidden_layers: 2\n"                  \
    "vocab_size: 7\nmax_position_embeddings: 50\n"

START_TEST(test_presets_and_every_parameter)
{
    struct model model;
    struct error error = {0};
    ck_assert_msg(read_text(HEAD "num_attention_heads: 4\n", &model, &error), "%s", error.text);
    ck_assert_int_eq(model.num_key_value_heads, 4);
    ck_assert_int_eq(model.head_dim, 25);
    ck_assert_int_eq(model.dtype, DTYPE_BF16);
    int64_t norms = 5 * 100, embeddings = 2 * 7 * 100;
    int64_t layer = 100 * 300 + 100 * 100 + 3 * 100 * 10;
    ck_assert_int_eq(model_parameters(&model), norms + embeddings + 2 * layer);

    const char *text = HEAD "num_attention_heads: 4\nnum_key_value_heads: 2\nhead_dim: 8\n"
                            "tie_word_embeddings: true\nlearned_positions: true\nqkv_bias: true\n"
                            "attention_output_bias: true\nmlp_bias: true\nqk_norm: true\n"
                            "mlp: plain\nnorm: layer\ndtype: fp32\n";
    ck_assert_msg(read_text(text, &model, &error), "%s", error.text);
    int64_t matrices = 100 * (32 + 2 * 16) + 32 * 100 + 2 * 100 * 10;
    int64_t biases = (32 + 2 * 16) + 100 + (10 + 100);
    int64_t expected = 2 * (matrices + biases + 2 * 8) + 5 * 200 + 7 * 100 + 50 * 100;
    ck_assert_int_eq(model_parameters(&model), expected);
    ck_assert_double_eq(weight_bytes(&model, 1), 4.0 * (double)expected);
}
END_TEST

START_TEST(test_refused)
{
    const struct {
        const char *text, *message;
    } cases[] = {
        {HEAD "num_attention_heads: 4\nnum_key_value_heads: 3\n",
         "m.yaml:8:1: num_key_value_heads 3 does not divide num_attention_heads 4"},
        {HEAD "num_attention_heads: 3\n",
         "m.yaml:7:1: num_attention_heads 3 does not divide hidden_size 100"},
        {HEAD "num_attention_heads: 4\nhidden_sise: 3\n",
         "m.yaml:8:1: unknown key 'hidden_sise' in a model (did you mean 'hidden_size'?)"},
        {HEAD "num_attention_heads: 0\n", "m.yaml:7:22: 'num_attention_heads' must be between"},
        {HEAD, "'num_attention_heads' is missing"},
        {HEAD "num_attention_heads: 4\ndtype: fp8\n", "m.yaml:8:8: 'dtype' cannot be 'fp8'"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct model model;
        struct error error = {0};
        ck_assert(!read_text(cases[i].text, &model, &error));
        ck_assert_int_eq(error.kind, ERROR_INPUT);
        ck_assert_msg(strstr(error.text, cases[i].message) != NULL, "'%s' lacks '%s'", error.text,
                      cases[i].message);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_published_parameter_counts, test_kv_bytes,
                                  test_weights_of_ranks, test_presets_and_every_parameter,
                                  test_refused};
    return unit_run("model_spec", tests, COUNT(tests));
}
