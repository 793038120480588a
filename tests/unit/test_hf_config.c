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

START_TEST(test_refused)
{
    const struct {
        const char *text, *message;
    } cases[] = {
        {"{\"model_type\": \"mixtral\",\n" SMALL "}",
         "config.json:1:16: llmsim cannot represent models of type 'mixtral'"},
        {"{\"model_type\": \"llama\", \"architectures\": "
         "[\"LlamaForSequenceClassification\"],\n" SMALL "}",
         "config.json:1:43: "},
        {"{\"architectures\": [\"FalconForCausalLM\"], " SMALL "}", "'FalconForCausalLM'"},
        {"{\"model_type\": \"mistral\", \"num_key_value_heads\": 2, " SMALL
         ",\n  \"sliding_window\": 1024}",
         "config.json:2:3: 'sliding_window'"},
        {"{\"model_type\": \"qwen2\", \"num_key_value_heads\": 2, " SMALL
         ",\n \"use_sliding_window\": true,\n \"sliding_window\": 1024}",
         "config.json:3:2: 'sliding_window'"},
        {"{\"model_type\": \"llama\", " SMALL ",\n \"quantization_config\": {\"bits\": 4}}",
         "config.json:2:2: 'quantization_config': llmsim cannot represent quantised weights"},
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
    const TTest *const tests[] = {test_llama,    test_families,       test_biases,
                                  test_warnings, test_warning_is_cut, test_refused};
    return unit_run("hf_config", tests, COUNT(tests));
}
