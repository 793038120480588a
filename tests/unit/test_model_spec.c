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

#define EXPERTS                                                                                    \
    HEAD "num_attention_heads: 4\nnum_experts: 5\nnum_experts_per_tok: 2\n"                        \
         "moe_intermediate_size: 6\n"

START_TEST(test_experts)
{
    struct model model;
    struct error error = {0};
    const char *text = EXPERTS "first_k_dense_replace: 1\nshared_expert_intermediate_size: 9\n"
                               "router_bias: true\nshared_expert_gate: true\nmlp_bias: true\n"
                               "sandwich_norms: true\nattention_sinks: true\n";
    ck_assert_msg(read_text(text, &model, &error), "%s", error.text);
    int64_t attention = 100 * 300 + 100 * 100 + 4 + 4 * 100;
    int64_t dense = 3 * 100 * 10 + 2 * 10 + 100;
    int64_t expert = 3 * 100 * 6 + 2 * 6 + 100;
    int64_t shared = 3 * 100 * 9 + 2 * 9 + 100, router = 100 * 5 + 5 + 100;
    int64_t others = 2 * attention + dense + shared + router + 100;
    ck_assert_int_eq(model_parameters(&model), others + 5 * expert + 2 * 7 * 100);
    ck_assert_int_eq(model_active_parameters(&model), others + 2 * expert + 7 * 100);

    /* Over 2 · 2 ranks: slices of all experts, or two of five whole ones. */
    struct deployment deployment = fixture_deployment(&model, 2);
    deployment.data_parallel_size = 2;
    double copied = (double)(2 * 400 + router + 100);
    double over_tensor = (double)(others + 2 * 7 * 100) - copied;
    ck_assert_double_eq(model_weight_bytes(&model, &deployment),
                        2.0 * (copied + over_tensor / 2.0 + 5.0 * (double)expert / 4.0));
    deployment.expert_parallel = true;
    ck_assert_double_eq(model_weight_bytes(&model, &deployment),
                        2.0 * (copied + over_tensor / 2.0 + 2.0 * (double)expert));
}
END_TEST

#define LATENT                                                                                     \
    HEAD "num_attention_heads: 4\nkv_lora_rank: 16\nqk_nope_head_dim: 8\nqk_rope_head_dim: 4\n"    \
         "v_head_dim: 6\n"

START_TEST(test_latent_attention)
{
    struct model model;
    struct error error = {0};
    ck_assert_msg(read_text(LATENT, &model, &error), "%s", error.text);
    ck_assert_int_eq(model.head_dim, 12);
    ck_assert_int_eq(model.num_key_value_heads, 4);
    int64_t expand = 16 * 4 * (8 + 6), down = 100 * (16 + 4), out = 4 * 6 * 100;
    int64_t others = 2 * (16 + 200 + 3 * 100 * 10) + 100 + 2 * 7 * 100;
    ck_assert_int_eq(model_parameters(&model), 2 * (100 * 48 + down + expand + out) + others);
    /* A copy of the latents on each tensor-parallel rank. */
    ck_assert_double_eq(kv_bytes(&model, 1), 2.0 * 2 * (16 + 4));
    ck_assert_double_eq(kv_bytes(&model, 4), 2.0 * 2 * (16 + 4));

    ck_assert_msg(read_text(LATENT "q_lora_rank: 20\n", &model, &error), "%s", error.text);
    ck_assert_int_eq(model_parameters(&model),
                     2 * (100 * 20 + 20 + 20 * 48 + down + expand + out) + others);
    double copied = 2.0 * (2000 + 20 + (double)down + 16 + 200) + 100;
    double split = (double)model_parameters(&model) - copied + 2.0 * (double)expand;
    ck_assert_double_eq(weight_bytes(&model, 4), 2.0 * (copied + split / 4.0));
}
END_TEST

/* The remainder of 10 layers over 4 stages goes to the two before the last. */
START_TEST(test_pipeline_stages)
{
    struct model model;
    struct error error = {0};
    const char *text = "name: t\nhidden_size: 100\nnum_attention_heads: 4\nvocab_size: 7\n"
                       "max_position_embeddings: 50\nnum_hidden_layers: 10\n%s";
    char dense[512], many_words[512], experts[512];
    snprintf(dense, sizeof dense, text, "intermediate_size: 10\n");
    ck_assert_msg(read_text(dense, &model, &error), "%s", error.text);
    struct deployment deployment = fixture_deployment(&model, 1);
    deployment.pipeline_parallel_size = 4;
    double layer = 4 * 100 * 100 + 3 * 100 * 10 + 200;
    ck_assert_double_eq(model_weight_bytes(&model, &deployment), 2.0 * 3 * layer);
    ck_assert_double_eq(model_kv_bytes_per_token(&model, &deployment), 2.0 * 2 * 3 * 100);
    /* A large vocabulary makes the first or the last stage the fullest: embedding, or lm_head and
     * final norm, also where the two are tied. */
    snprintf(many_words, sizeof many_words, text, "intermediate_size: 10\n");
    ck_assert(read_text(many_words, &model, &error));
    model.vocab_size = 10000;
    ck_assert_double_eq(model_weight_bytes(&model, &deployment),
                        2.0 * (2 * layer + 10000.0 * 100 + 100));
    model.tie_word_embeddings = true;
    ck_assert_double_eq(model_weight_bytes(&model, &deployment),
                        2.0 * (2 * layer + 10000.0 * 100 + 100));
    /* Layers without experts come first, so the third stage is the fullest. */
    snprintf(experts, sizeof experts, text,
             "intermediate_size: 1\nnum_experts: 5\nnum_experts_per_tok: 2\n"
             "moe_intermediate_size: 60\nfirst_k_dense_replace: 4\n");
    ck_assert_msg(read_text(experts, &model, &error), "%s", error.text);
    double expert_layer = 4 * 100 * 100 + 5 * 3 * 100 * 60 + 5 * 100 + 200;
    ck_assert_double_eq(model_weight_bytes(&model, &deployment), 2.0 * 3 * expert_layer);
}
END_TEST

START_TEST(test_quantised_weights)
{
    const struct {
        const char *text;
        double linear, expert; /* bytes of an element */
        int64_t group_size;
    } cases[] = {
        {"", 2.0, 2.0, 0},
        {"quantization: none\n", 2.0, 2.0, 0},
        {"quantization: {weights: fp8, activations: fp8}\n", 1.02, 1.02, 0},
        {"quantization: {weights: fp8, group_size: 4}\n", 1.25, 1.25, 4},
        {"quantization: {weights: int8, activations: int8, group_size: 8}\n", 1.25, 1.25, 8},
        {"quantization: {weights: int4, group_size: 10}\n", 0.75, 0.75, 10},
        {"quantization: {weights: fp4, scope: experts}\n", 2.0, 0.53125, 32},
        {"quantization: {weights: fp4, group_size: 16}\n", 0.5625, 0.5625, 16},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct model model;
        struct error error = {0};
        char text[1024];
        snprintf(text, sizeof text, "%s%s%s", EXPERTS, "first_k_dense_replace: 1\n", cases[i].text);
        ck_assert_msg(read_text(text, &model, &error), "%s", error.text);
        ck_assert_double_eq_tol(quantized_weight_bytes(&model, false), cases[i].linear, 1e-12);
        ck_assert_double_eq_tol(quantized_weight_bytes(&model, true), cases[i].expert, 1e-12);
        ck_assert_int_eq(model.quantization.group_size, cases[i].group_size);
        double experts = 5 * 3 * 100 * 6, linear = 2 * 4 * 100 * 100 + 3 * 100 * 10;
        double others = (double)model_parameters(&model) - experts - linear;
        ck_assert_double_eq_tol(weight_bytes(&model, 1),
                                2.0 * others + cases[i].linear * linear + cases[i].expert * experts,
                                1e-6);
    }
}
END_TEST

START_TEST(test_windows)
{
    struct model model;
    struct error error = {0};
    ck_assert_msg(read_text(HEAD "num_attention_heads: 4\nsliding_window: 9\n", &model, &error),
                  "%s", error.text);
    ck_assert_int_eq(model_window_layers(&model), 2);
    ck_assert_msg(read_text(HEAD "num_attention_heads: 4\nsliding_window: 9\n"
                                 "num_full_attention_layers: 1\n",
                            &model, &error),
                  "%s", error.text);
    ck_assert_int_eq(model_window_layers(&model), 1);
    ck_assert_msg(read_text(HEAD "num_attention_heads: 4\nsliding_window: none\n", &model, &error),
                  "%s", error.text);
    ck_assert_int_eq(model.sliding_window, 0);
    ck_assert_int_eq(model_window_layers(&model), 0);
}
END_TEST

/* The widest model that is read has a number of parameters. */
START_TEST(test_bounds_keep_counts_in_range)
{
    struct model model;
    struct error error = {0};
    const char *text = "name: huge\nhidden_size: 1e6\nintermediate_size: 1e7\n"
                       "num_hidden_layers: 1000\nvocab_size: 1e8\nmax_position_embeddings: 1e8\n"
                       "num_attention_heads: 4096\nhead_dim: 4096\nlearned_positions: true\n"
                       "mlp_bias: true\nnum_experts: 4096\nnum_experts_per_tok: 4096\n"
                       "moe_intermediate_size: 1e5\nshared_expert_intermediate_size: 1e7\n"
                       "first_k_dense_replace: 1\n";
    ck_assert_msg(read_text(text, &model, &error), "%s", error.text);
    ck_assert(model_parameters(&model) > (int64_t)1e18);
    ck_assert(model_parameters(&model) < (int64_t)2e18);
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
        {HEAD "num_attention_heads: 4\nnum_experts: 5\n",
         "m.yaml:8:1: 'num_experts_per_tok' is missing beside 'num_experts'"},
        {HEAD "num_attention_heads: 4\nmoe_intermediate_size: 5\n",
         "m.yaml:8:1: 'moe_intermediate_size' says nothing without 'num_experts'"},
        {HEAD "num_attention_heads: 4\nrouter_bias: true\n",
         "m.yaml:8:1: 'router_bias' says nothing without 'num_experts'"},
        {EXPERTS, "m.yaml:3:1: 'intermediate_size' is of layers without experts"},
        {EXPERTS "first_k_dense_replace: 2\n", "m.yaml:11:1: first_k_dense_replace 2 leaves none"},
        {EXPERTS "first_k_dense_replace: 1\nshared_expert_gate: true\n",
         "m.yaml:12:1: 'shared_expert_gate' says nothing without"},
        {"name: t\nhidden_size: 8\nnum_hidden_layers: 1\nvocab_size: 7\n"
         "max_position_embeddings: 50\nnum_attention_heads: 4\n",
         "m.yaml:1:1: 'intermediate_size' is missing"},
        {HEAD "num_attention_heads: 4\nnum_experts: 1\nnum_experts_per_tok: 2\n"
              "moe_intermediate_size: 6\n",
         "m.yaml:9:1: num_experts_per_tok 2 is more than num_experts 1"},
        {HEAD "num_attention_heads: 4\nkv_lora_rank: 16\n",
         "m.yaml:8:1: 'qk_nope_head_dim' is missing beside 'kv_lora_rank'"},
        {HEAD "num_attention_heads: 4\nv_head_dim: 16\n",
         "m.yaml:8:1: 'v_head_dim' says nothing without 'kv_lora_rank'"},
        {LATENT "num_key_value_heads: 2\n", "m.yaml:12:1: latent attention has as many KV heads"},
        {LATENT "head_dim: 8\n", "m.yaml:12:1: head_dim 8 is not qk_nope_head_dim"},
        {LATENT "qk_norm: true\n",
         "m.yaml:12:1: llmsim cannot represent 'qk_norm' with latent attention"},
        {LATENT "sliding_window: 8\n",
         "m.yaml:12:1: llmsim cannot represent 'sliding_window' with latent attention"},
        {HEAD "num_attention_heads: 4\nnum_full_attention_layers: 1\n",
         "m.yaml:8:1: 'num_full_attention_layers' says nothing without 'sliding_window'"},
        {HEAD "num_attention_heads: 4\nsliding_window: 9\nnum_full_attention_layers: 3\n",
         "m.yaml:9:1: num_full_attention_layers 3 is more than num_hidden_layers 2"},
        {HEAD "num_attention_heads: 4\nquantization: {activations: fp8}\n",
         "m.yaml:8:16: quantised activations and groups say nothing without quantised weights"},
        {HEAD "num_attention_heads: 4\nquantization: {group_size: 8}\n", "m.yaml:8:16: "},
        {HEAD "num_attention_heads: 4\nquantization: {weights: fp16}\n",
         "m.yaml:8:16: weights are quantised to fp8, int8, int4 or fp4, not to fp16"},
        {HEAD "num_attention_heads: 4\nquantization: {weights: int4, activations: int8}\n",
         "m.yaml:8:31: llmsim cannot represent int8 activations with int4 weights"},
        {HEAD "num_attention_heads: 4\nquantization: {weights: int4, activations: int4}\n",
         "m.yaml:8:31: llmsim cannot represent int4 activations with int4 weights"},
        {HEAD "num_attention_heads: 4\nquantization: {weights: fp4, group_size: 0}\n",
         "m.yaml:8:30: fp4 weights have a scale for every group"},
        {HEAD "num_attention_heads: 4\nquantization: {weights: fp4, scope: experts}\n",
         "m.yaml:8:30: scope 'experts' says nothing without 'num_experts'"},
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
    const TTest *const tests[] = {test_published_parameter_counts,
                                  test_kv_bytes,
                                  test_weights_of_ranks,
                                  test_presets_and_every_parameter,
                                  test_experts,
                                  test_latent_attention,
                                  test_pipeline_stages,
                                  test_quantised_weights,
                                  test_windows,
                                  test_bounds_keep_counts_in_range,
                                  test_refused};
    return unit_run("model_spec", tests, COUNT(tests));
}
