/* Hugging Face's config.json: what is read, passed over, warned of and refused. */
#include "model_spec.h"
#include "unit.h"

static bool read_json(const char *text, struct model *model, char warning[512], struct error *error)
{
    struct document *document = document_create();
    struct node *node = document_read_text(document, "config.json", text, strlen(text), error);
    ck_assert_msg(node != NULL, "%s", error->text);
    bool read = model_read(document, node, model, warning, error);
    model->name = model->source = NULL; /* they die with the document */
    document_destroy(document);
    return read;
}

/* Meta's Llama-3.1-8B, as published. */
static const char llama31_8b[] =
    "{\n  \"architectures\": [\"LlamaForCausalLM\"],\n  \"attention_bias\": false,\n"
    "  \"attention_dropout\": 0.0,\n  \"bos_token_id\": 128000,\n  \"eos_token_id\": 128001,\n"
    "  \"hidden_act\": \"silu\",\n  \"hidden_size\": 4096,\n  \"initializer_range\": 0.02,\n"
    "  \"intermediate_size\": 14336,\n  \"max_position_embeddings\": 131072,\n"
    "  \"mlp_bias\": false,\n  \"model_type\": \"llama\",\n  \"num_attention_heads\": 32,\n"
    "  \"num_hidden_layers\": 32,\n  \"num_key_value_heads\": 8,\n  \"pretraining_tp\": 1,\n"
    "  \"rms_norm_eps\": 1e-05,\n  \"rope_scaling\": {\n    \"factor\": 8.0,\n"
    "    \"low_freq_factor\": 1.0,\n    \"rope_type\": \"llama3\"\n  },\n"
    "  \"rope_theta\": 500000.0,\n  \"tie_word_embeddings\": false,\n"
    "  \"torch_dtype\": \"bfloat16\",\n  \"transformers_version\": \"4.43.0.dev0\",\n"
    "  \"use_cache\": true,\n  \"vocab_size\": 128256\n}\n";

START_TEST(test_llama)
{
    struct model model;
    char warning[512];
    struct error error = {0};
    ck_assert_msg(read_json(llama31_8b, &model, warning, &error), "%s", error.text);
    ck_assert_str_eq(warning, "");
    ck_assert_int_eq(model_parameters(&model), 8030261248);
    ck_assert_int_eq(model.max_position_embeddings, 131072);
    ck_assert_int_eq(model.head_dim, 128);
    ck_assert_int_eq(model.dtype, DTYPE_BF16);
}
END_TEST

#define DIMENSIONS(h, f, layers, heads, vocab, positions)                                          \
    "\"hidden_size\": " #h ", \"intermediate_size\": " #f ", \"num_hidden_layers\": " #layers      \
    ", \"num_attention_heads\": " #heads ", \"vocab_size\": " #vocab                               \
    ", \"max_position_embeddings\": " #positions ", \"torch_dtype\": \"float16\""

START_TEST(test_families)
{
    const struct {
        const char *text;
        int64_t parameters; /* as published */
    } cases[] = {
        {"{\"model_type\": \"mistral\", \"num_key_value_heads\": 8, \"sliding_window\": "
         "null, " DIMENSIONS(4096, 14336, 32, 32, 32768, 32768) "}",
         7248023552},
        /* Qwen2.5-7B: its window is switched off. */
        {"{\"model_type\": \"qwen2\", \"num_key_value_heads\": 4, \"sliding_window\": 131072, "
         "\"use_sliding_window\": false, \"max_window_layers\": 28, " DIMENSIONS(
             3584, 18944, 28, 28, 152064, 131072) "}",
         7615616512},
        /* Qwen3-8B; head_dim absent is 128, whatever hidden_size / heads. */
        {"{\"model_type\": \"qwen3\", \"num_key_value_heads\": 8, " DIMENSIONS(4096, 12288, 36, 32,
                                                                               151936, 40960) "}",
         8190735360},
        /* Gemma-7B ties its embeddings without saying so. */
        {"{\"model_type\": \"gemma\", \"num_key_value_heads\": 16, \"head_dim\": 256, " DIMENSIONS(
             3072, 24576, 28, 16, 256000, 8192) "}",
         8537680896},
        /* Phi-3-mini-128k: a window that no sequence outgrows. */
        {"{\"model_type\": \"phi3\", \"num_key_value_heads\": 32, \"sliding_window\": "
         "262144, " DIMENSIONS(3072, 8192, 32, 32, 32064, 131072) "}",
         3821079552},
        /* Qwen1.5-MoE-A2.7B */
        {"{\"model_type\": \"qwen2_moe\", \"num_key_value_heads\": 16, \"num_experts\": 60, "
         "\"num_experts_per_tok\": 4, \"moe_intermediate_size\": 1408, "
         "\"shared_expert_intermediate_size\": 5632, \"decoder_sparse_step\": 1, "
         "\"max_window_layers\": 21, \"use_sliding_window\": false, \"sliding_window\": "
         "32768, " DIMENSIONS(2048, 5632, 24, 16, 151936, 8192) "}",
         14315784192},
        /* DeepSeek-V2-Lite: its queries have no latent, its router no correction. */
        {"{\"model_type\": \"deepseek_v2\", \"num_key_value_heads\": 16, "
         "\"n_routed_experts\": 64, \"num_experts_per_tok\": 6, \"moe_intermediate_size\": 1408, "
         "\"n_shared_experts\": 2, \"first_k_dense_replace\": 1, \"moe_layer_freq\": 1, "
         "\"topk_method\": \"greedy\", \"kv_lora_rank\": 512, \"q_lora_rank\": null, "
         "\"qk_nope_head_dim\": 128, \"qk_rope_head_dim\": 64, \"v_head_dim\": 128, "
         "\"head_dim\": 64, " DIMENSIONS(2048, 10944, 27, 16, 102400, 163840) "}",
         15706484224},
        /* Gemma-2-9B */
        {"{\"model_type\": \"gemma2\", \"num_key_value_heads\": 8, \"head_dim\": 256, "
         "\"sliding_window\": 4096, \"query_pre_attn_scalar\": 224, " DIMENSIONS(
             3584, 14336, 42, 16, 256000, 8192) "}",
         9241705984},
        /* Pythia-6.9B */
        {"{\"model_type\": \"gpt_neox\", \"rotary_pct\": 0.25, \"use_parallel_residual\": "
         "true, " DIMENSIONS(4096, 16384, 32, 32, 50432, 2048) "}",
         6857302016},
        /* StarCoder2-3B, window removed */
        {"{\"architectures\": [\"Starcoder2ForCausalLM\"], \"num_key_value_heads\": 2, "
         "\"use_bias\": true, \"sliding_window\": null, " DIMENSIONS(3072, 12288, 30, 24, 49152,
                                                                     16384) "}",
         3030371328},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct model model;
        char warning[512];
        struct error error = {0};
        ck_assert_msg(read_json(cases[i].text, &model, warning, &error), "%s", error.text);
        ck_assert_str_eq(warning, "");
        ck_assert_msg(model_parameters(&model) == cases[i].parameters, "%zu: %lld", i,
                      (long long)model_parameters(&model));
        ck_assert_int_eq(model.dtype, DTYPE_FP16);
    }
}
END_TEST

#define SMALL DIMENSIONS(64, 128, 2, 4, 100, 2048)

START_TEST(test_biases)
{
    struct model model;
    char warning[512];
    struct error error = {0};
    ck_assert(read_json("{\"model_type\": \"llama\", \"attention_bias\": true, " SMALL "}", &model,
                        warning, &error));
    ck_assert(model.qkv_bias && model.attention_output_bias && !model.mlp_bias);
    ck_assert(read_json("{\"model_type\": \"llama\", \"mlp_bias\": true, " SMALL "}", &model,
                        warning, &error));
    ck_assert(!model.qkv_bias && model.mlp_bias);
    ck_assert(read_json("{\"model_type\": \"gpt_neox\", \"attention_bias\": false, " SMALL "}",
                        &model, warning, &error));
    ck_assert(!model.qkv_bias && !model.attention_output_bias && model.mlp_bias);
    ck_assert(read_json("{\"model_type\": \"starcoder2\", \"num_key_value_heads\": 2, "
                        "\"use_bias\": false, " SMALL "}",
                        &model, warning, &error));
    ck_assert(!model.qkv_bias && !model.attention_output_bias && !model.mlp_bias);
    ck_assert(model.tie_word_embeddings);
}
END_TEST

START_TEST(test_warnings)
{
    struct model model;
    char warning[512];
    struct error error = {0};
    ck_assert(read_json("{\"model_type\": \"phi3\", \"attention_bias\": true, \"shiny\": [1, 2], "
                        "\"num_experts\": 0, \"quantization_config\": null, " SMALL "}",
                        &model, warning, &error));
    ck_assert_str_eq(warning,
                     "keys that llmsim does not know, and passed over: attention_bias, shiny");
    ck_assert(read_json(
        "{\"model_type\": \"gemma3\", \"shiny\": 1, \"text_config\": {\"gleaming\": 1, " SMALL "}}",
        &model, warning, &error));
    ck_assert_str_eq(warning, "keys that llmsim does not know, and passed over: shiny, gleaming, "
                              "the vision part of the model is left out");
    ck_assert_int_eq(model.vocab_size, 100);
    ck_assert_int_eq(model.head_dim, 256);
    const char *fp32 = "{\"model_type\": \"phi3\", \"hidden_size\": 8, \"intermediate_size\": 8, "
                       "\"num_hidden_layers\": 1, \"num_attention_heads\": 1, \"vocab_size\": 9, "
                       "\"max_position_embeddings\": 9, \"dtype\": \"float32\"}";
    ck_assert_msg(read_json(fp32, &model, warning, &error), "%s", error.text);
    ck_assert_int_eq(model.dtype, DTYPE_BF16);
    ck_assert_ptr_nonnull(strstr(warning, "served in bf16"));
}
END_TEST

/* Many long unknown keys neither overflow the warning nor fail. */
START_TEST(test_warning_is_cut)
{
    char text[8192];
    size_t length = (size_t)snprintf(text, sizeof text, "{\"model_type\": \"llama\", " SMALL);
    for (int i = 0; i < 60; i++)
        length += (size_t)snprintf(text + length, sizeof text - length,
                                   ",\n\"an_unknown_key_of_some_length_%d\": %d", i, i);
    snprintf(text + length, sizeof text - length, "}");
    struct model model;
    char warning[512];
    struct error error = {0};
    ck_assert(read_json(text, &model, warning, &error));
    ck_assert_uint_eq(strlen(warning), 511);
}
END_TEST

static bool read_window(const char *keys, struct model *model)
{
    char text[2048], warning[512];
    snprintf(text, sizeof text,
             "{\"num_key_value_heads\": 2, \"hidden_size\": 64, \"intermediate_size\": 128, "
             "\"num_hidden_layers\": 8, \"num_attention_heads\": 4, \"vocab_size\": 100, "
             "\"max_position_embeddings\": 2048, \"dtype\": \"bfloat16\", %s}",
             keys);
    struct error error = {0};
    bool read = read_json(text, model, warning, &error);
    ck_assert_msg(!read || warning[0] == '\0', "%s", warning);
    ck_assert_msg(read, "%s", error.text);
    return read;
}

START_TEST(test_windows)
{
    const struct {
        const char *keys;
        int64_t window, full_layers;
    } cases[] = {
        {"\"model_type\": \"mistral\", \"sliding_window\": 512", 512, 0},
        {"\"model_type\": \"mistral\", \"sliding_window\": 2048", 0, 0},
        {"\"model_type\": \"phi3\", \"sliding_window\": 2047", 2047, 0},
        {"\"model_type\": \"starcoder2\", \"sliding_window\": 512", 512, 0},
        {"\"model_type\": \"qwen2\", \"sliding_window\": 512", 0, 0},
        {"\"model_type\": \"qwen2\", \"sliding_window\": 512, \"use_sliding_window\": true, "
         "\"max_window_layers\": 3",
         512, 3},
        /* 28 layers that see everything, unless the file says otherwise. */
        {"\"model_type\": \"qwen3\", \"sliding_window\": 512, \"use_sliding_window\": true", 0, 0},
        {"\"model_type\": \"qwen3\", \"sliding_window\": 512, \"use_sliding_window\": true, "
         "\"layer_types\": [\"sliding_attention\", \"full_attention\", \"sliding_attention\", "
         "\"full_attention\", \"sliding_attention\", \"full_attention\", \"sliding_attention\", "
         "\"sliding_attention\"]",
         512, 3},
        {"\"model_type\": \"gemma2\", \"sliding_window\": 512", 512, 4},
        {"\"model_type\": \"gemma2\"", 0, 0}, /* 4096 by preset */
        {"\"model_type\": \"gemma3_text\", \"sliding_window\": 512", 512, 1},
        {"\"model_type\": \"gemma3_text\", \"sliding_window\": 512, "
         "\"sliding_window_pattern\": 3",
         512, 2},
        {"\"model_type\": \"gemma3_text\", \"sliding_window\": 512, "
         "\"_sliding_window_pattern\": 4",
         512, 2},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct model model;
        ck_assert(read_window(cases[i].keys, &model));
        ck_assert_msg(model.sliding_window == cases[i].window &&
                          model.num_full_attention_layers == cases[i].full_layers,
                      "%s: %lld, %lld", cases[i].keys, (long long)model.sliding_window,
                      (long long)model.num_full_attention_layers);
    }
}
END_TEST

#define EXPERTS ", \"num_experts\": 8, \"num_experts_per_tok\": 2, \"moe_intermediate_size\": 32"

#define MIXTURE "{\"model_type\": \"qwen3_moe\", \"num_key_value_heads\": 2, " SMALL EXPERTS

START_TEST(test_quantization)
{
    const struct {
        const char *config;
        struct quantization expected;
        const char *warning;
    } cases[] = {
        {"null", {-1, -1, 0, QUANTIZE_LINEAR}, ""},
        {"{\"quant_method\": \"fp8\", \"activation_scheme\": \"dynamic\"}",
         {DTYPE_FP8, DTYPE_FP8, 0, QUANTIZE_LINEAR},
         ""},
        {"{\"quant_method\": \"fp8\", \"weight_block_size\": [128, 128], "
         "\"modules_to_not_convert\": [\"lm_head\", \"model.layers.0.mlp.gate\"]}",
         {DTYPE_FP8, DTYPE_FP8, 128, QUANTIZE_LINEAR},
         ""},
        {"{\"quant_method\": \"awq\", \"bits\": 4, \"group_size\": 128, \"zero_point\": true, "
         "\"modules_to_not_convert\": [\"gate\", \"self_attn\"]}",
         {DTYPE_INT4, -1, 128, QUANTIZE_LINEAR},
         "modules of 'modules_to_not_convert' are taken as quantised all the same"},
        {"{\"quant_method\": \"gptq\", \"bits\": 8, \"group_size\": -1, \"lm_head\": false}",
         {DTYPE_INT8, -1, 0, QUANTIZE_LINEAR},
         ""},
        {"{\"quant_method\": \"mxfp4\", \"modules_to_not_convert\": "
         "[\"model.layers.*.self_attn\"]}",
         {DTYPE_FP4, -1, 32, QUANTIZE_EXPERTS},
         ""},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": "
         "{\"num_bits\": 8, \"type\": \"int\", \"strategy\": \"channel\"}, \"input_activations\": "
         "{\"num_bits\": 8, \"type\": \"int\", \"strategy\": \"token\"}}}, \"sparsity_config\": "
         "{}}",
         {DTYPE_INT8, DTYPE_INT8, 0, QUANTIZE_LINEAR},
         ""},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": "
         "{\"num_bits\": 4, \"type\": \"int\", \"group_size\": 32}, \"input_activations\": null}}, "
         "\"kv_cache_scheme\": {\"num_bits\": 8}}",
         {DTYPE_INT4, -1, 32, QUANTIZE_LINEAR},
         "kv_cache_scheme is left to engine.kv_cache_dtype"},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"group_0\": "
         "{\"weights\": "
         "{\"num_bits\": 8, \"type\": \"float\", \"block_structure\": [128, 128]}, "
         "\"input_activations\": {\"num_bits\": 8, \"type\": \"float\", \"group_size\": 128}}}}",
         {DTYPE_FP8, DTYPE_FP8, 128, QUANTIZE_LINEAR},
         ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[2048], warning[512];
        snprintf(text, sizeof text, MIXTURE ", \"quantization_config\": %s}", cases[i].config);
        struct model model;
        struct error error = {0};
        ck_assert_msg(read_json(text, &model, warning, &error), "%s", error.text);
        ck_assert_int_eq(model.quantization.weights, cases[i].expected.weights);
        ck_assert_int_eq(model.quantization.activations, cases[i].expected.activations);
        ck_assert_int_eq(model.quantization.group_size, cases[i].expected.group_size);
        ck_assert_int_eq(model.quantization.scope, cases[i].expected.scope);
        ck_assert_str_eq(warning, cases[i].warning);
    }
}
END_TEST

START_TEST(test_quantization_refused)
{
    const struct {
        const char *config, *message;
    } cases[] = {
        {"[4]", "config.json:2:24: 'quantization_config' must be a mapping"},
        {"{\"bits\": 4}", "config.json:2:24: 'quant_method' is missing"},
        {"{\"quant_method\": \"aqlm\"}", "config.json:2:41: 'quant_method' cannot be 'aqlm'"},
        {"{\"quant_method\": \"awq\", \"bits\": 3}", "'bits': llmsim cannot represent integers"},
        {"{\"quant_method\": \"gptq\", \"bits\": 4, \"lm_head\": true}", "a quantised lm_head"},
        {"{\"quant_method\": \"fp8\", \"weight_block_size\": [128, 64]}", "not square"},
        {"{\"quant_method\": \"fp8\", \"weight_block_size\": [x, x]}", "not square"},
        {"{\"quant_method\": \"fp8\", \"weight_block_size\": 128}", "not square"},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {}}", "one group"},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"a\": {}}}",
         "a group without 'weights'"},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"a\": {\"weights\": "
         "{\"num_bits\": 4, \"type\": \"int\"}, \"input_activations\": {\"num_bits\": 8, \"type\": "
         "\"int\"}}}}",
         "llmsim cannot represent int8 activations with int4 weights"},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"a\": {\"weights\": "
         "{\"num_bits\": 6, \"type\": \"float\"}}}}",
         "'num_bits': llmsim cannot represent floats of 6 bits"},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"a\": {\"weights\": "
         "{\"num_bits\": 8, \"type\": \"float\", \"group_size\": 64}}}}",
         "fp8 weights in groups"},
        {"{\"quant_method\": \"compressed-tensors\", \"config_groups\": {\"a\": {\"weights\": "
         "{\"num_bits\": 8, \"type\": \"int\"}}}, \"sparsity_config\": {\"format\": \"x\"}}",
         "'sparsity_config': llmsim cannot represent sparse weights"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[2048], warning[512];
        snprintf(text, sizeof text, MIXTURE ",\n\"quantization_config\": %s}", cases[i].config);
        struct model model;
        struct error error = {0};
        ck_assert_msg(!read_json(text, &model, warning, &error), "%zu was read", i);
        ck_assert_int_eq(error.kind, ERROR_INPUT);
        ck_assert_msg(strstr(error.text, cases[i].message) != NULL, "'%s' lacks '%s'", error.text,
                      cases[i].message);
    }
}
END_TEST

START_TEST(test_refused)
{
    const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"model_type\": \"mamba2\",\n" SMALL "}",
         "config.json:1:16: llmsim cannot represent models of type 'mamba2'"},
        {"{\"model_type\": \"llama\", \"architectures\": "
         "[\"LlamaForSequenceClassification\"],\n" SMALL "}",
         "config.json:1:43: "},
        {"{\"architectures\": [\"FalconForCausalLM\"], " SMALL "}", "'FalconForCausalLM'"},
        {"{\"model_type\": \"llama\", " SMALL ",\n  \"sliding_window\": 1024}",
         "config.json:2:3: 'sliding_window': models of type 'llama' have none"},
        {"{\"model_type\": \"mixtral\", \"num_key_value_heads\": 2, " SMALL "}",
         "'num_experts' is missing"},
        {"{\"model_type\": \"qwen3_moe\", \"num_key_value_heads\": 2, " SMALL EXPERTS
         ",\n \"decoder_sparse_step\": 2}",
         "config.json:2:2: 'decoder_sparse_step': llmsim cannot represent experts in one of 2 "
         "layers only"},
        {"{\"model_type\": \"qwen3_moe\", \"num_key_value_heads\": 2, " SMALL EXPERTS
         ",\n \"mlp_only_layers\": [1]}",
         "config.json:2:2: 'mlp_only_layers': llmsim cannot represent"},
        {"{\"model_type\": \"qwen3_moe\", \"num_key_value_heads\": 2, " SMALL
         ", \"num_experts\": 8,\n \"moe_intermediate_size\": 32, \"num_experts_per_tok\": 9}",
         "config.json:2:31: num_experts_per_tok 9 is more than num_experts 8"},
        {"{\"model_type\": \"deepseek_v3\", " SMALL EXPERTS "}", "'kv_lora_rank' is missing"},
        {"{\"model_type\": \"gemma3\", \"text_config\": 3}", "config.json:1:26: 'text_config'"},
        {"{\"model_type\": \"mistral\", \"num_key_value_heads\": 2, " SMALL
         ",\n \"layer_types\": [\"full_attention\"]}",
         "config.json:2:17: 'layer_types' must be a list of num_hidden_layers 2 entries"},
        {"{\"model_type\": \"llama\", " SMALL ",\n \"num_local_experts\": 8}",
         "'num_local_experts': llmsim cannot represent a mixture of experts"},
        {"{\"model_type\": \"llama\", " SMALL ",\n \"kv_lora_rank\": 512}", "'kv_lora_rank'"},
        {"{\"model_type\": \"qwen3\", \"num_key_value_heads\": 2, " SMALL
         ",\n \"layer_types\": [\"full_attention\",\n  \"linear_attention\"]}",
         "config.json:3:3: 'layer_types': llmsim cannot represent 'linear_attention'"},
        {"{\"model_type\": \"mistral\", " SMALL "}", "'num_key_value_heads' is missing"},
        {"{\"model_type\": \"llama\", \"hidden_size\": 64}", "is missing"},
        {"{\"model_type\": \"llama\",\n\"num_key_value_heads\": 3, " SMALL "}",
         "config.json:2:1: num_key_value_heads 3 does not divide"},
        {"{\"model_type\": [1], " SMALL "}", "config.json:1:16: "},
        {"{\"architectures\": 3, " SMALL "}", "cannot represent"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct model model;
        char warning[512];
        struct error error = {0};
        ck_assert_msg(!read_json(cases[i].text, &model, warning, &error), "%zu was read", i);
        ck_assert_int_eq(error.kind, ERROR_INPUT);
        ck_assert_msg(strstr(error.text, cases[i].message) != NULL, "'%s' lacks '%s'", error.text,
                      cases[i].message);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_llama,          test_families, test_biases,       test_warnings,
        test_warning_is_cut, test_windows,  test_quantization, test_quantization_refused,
        test_refused};
    return unit_run("hf_config", tests, COUNT(tests));
}
