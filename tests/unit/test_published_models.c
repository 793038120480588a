/* The shipped models beyond the dense ones, against what their publishers say of them, and against
 * their config.json: the dimensions of that, and what decides about them. */
#include "cost_fixture.h"

#define TWO_LAYERS "\"sliding_attention\", \"full_attention\", "
#define SIX_LAYERS TWO_LAYERS TWO_LAYERS TWO_LAYERS

static const struct published {
    const char *name;
    const char *config;
    const char *warning; /* of the config.json */
    int64_t parameters;
    double active_billions;
    /* Some count the embedding among the active parameters, though a token is not multiplied with
     * it. 0: not published. */
    bool embedding_is_active;
} published[] = {
    {"mixtral-8x7b",
     "{\"architectures\": [\"MixtralForCausalLM\"], \"model_type\": \"mixtral\", "
     "\"hidden_size\": 4096, \"intermediate_size\": 14336, \"num_hidden_layers\": 32, "
     "\"num_attention_heads\": 32, \"num_key_value_heads\": 8, \"vocab_size\": 32000, "
     "\"max_position_embeddings\": 32768, \"num_local_experts\": 8, \"num_experts_per_tok\": 2, "
     "\"sliding_window\": null, \"output_router_logits\": false, \"router_aux_loss_coef\": 0.02, "
     "\"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\"}",
     "", 46702792704, 12.9, true},
    {"qwen3-30b-a3b",
     "{\"architectures\": [\"Qwen3MoeForCausalLM\"], \"model_type\": \"qwen3_moe\", "
     "\"attention_bias\": false, \"decoder_sparse_step\": 1, \"head_dim\": 128, "
     "\"hidden_size\": 2048, \"intermediate_size\": 6144, \"max_position_embeddings\": 40960, "
     "\"max_window_layers\": 48, \"mlp_only_layers\": [], \"moe_intermediate_size\": 768, "
     "\"norm_topk_prob\": true, \"num_attention_heads\": 32, \"num_experts\": 128, "
     "\"num_experts_per_tok\": 8, \"num_hidden_layers\": 48, \"num_key_value_heads\": 4, "
     "\"sliding_window\": null, \"use_sliding_window\": false, \"tie_word_embeddings\": false, "
     "\"torch_dtype\": \"bfloat16\", \"vocab_size\": 151936}",
     "", 30532122624, 3.3, true},
    {"deepseek-v3",
     "{\"architectures\": [\"DeepseekV3ForCausalLM\"], \"model_type\": \"deepseek_v3\", "
     "\"attention_bias\": false, \"first_k_dense_replace\": 3, \"hidden_size\": 7168, "
     "\"intermediate_size\": 18432, \"kv_lora_rank\": 512, \"max_position_embeddings\": 163840, "
     "\"moe_intermediate_size\": 2048, \"moe_layer_freq\": 1, \"n_group\": 8, "
     "\"n_routed_experts\": 256, \"n_shared_experts\": 1, \"num_attention_heads\": 128, "
     "\"num_experts_per_tok\": 8, \"num_hidden_layers\": 61, \"num_key_value_heads\": 128, "
     "\"num_nextn_predict_layers\": 1, \"q_lora_rank\": 1536, \"qk_nope_head_dim\": 128, "
     "\"qk_rope_head_dim\": 64, \"quantization_config\": {\"activation_scheme\": \"dynamic\", "
     "\"fmt\": \"e4m3\", \"quant_method\": \"fp8\", \"weight_block_size\": [128, 128]}, "
     "\"scoring_func\": \"sigmoid\", \"topk_method\": \"noaux_tc\", \"v_head_dim\": 128, "
     "\"tie_word_embeddings\": false, \"torch_dtype\": \"bfloat16\", \"vocab_size\": 129280}",
     "the layers that predict further tokens are left out, as in vLLM", 671026419200, 36.6, false},
    /* The absent ones are preset: vocabulary, context, every sixth layer. */
    {"gemma-3-27b",
     "{\"architectures\": [\"Gemma3ForConditionalGeneration\"], \"model_type\": \"gemma3\", "
     "\"mm_tokens_per_image\": 256, \"image_token_index\": 262144, \"text_config\": {"
     "\"head_dim\": 128, \"hidden_size\": 5376, \"intermediate_size\": 21504, "
     "\"model_type\": \"gemma3_text\", \"num_attention_heads\": 32, \"num_hidden_layers\": 62, "
     "\"num_key_value_heads\": 16, \"query_pre_attn_scalar\": 168, \"sliding_window\": 1024}, "
     "\"torch_dtype\": \"bfloat16\", \"vision_config\": {\"hidden_size\": 1152, "
     "\"num_hidden_layers\": 27}}",
     "the vision part of the model is left out", 27009346304, 0.0, false},
    {"gpt-oss-120b",
     "{\"architectures\": [\"GptOssForCausalLM\"], \"model_type\": \"gpt_oss\", "
     "\"attention_bias\": true, \"experts_per_token\": 4, \"head_dim\": 64, "
     "\"hidden_size\": 2880, \"initial_context_length\": 4096, \"intermediate_size\": 2880, "
     "\"layer_types\": [" SIX_LAYERS SIX_LAYERS SIX_LAYERS SIX_LAYERS SIX_LAYERS TWO_LAYERS
         TWO_LAYERS "\"sliding_attention\", \"full_attention\"], "
     "\"max_position_embeddings\": 131072, \"num_attention_heads\": 64, "
     "\"num_experts_per_tok\": 4, \"num_hidden_layers\": 36, \"num_key_value_heads\": 8, "
     "\"num_local_experts\": 128, \"quantization_config\": {\"modules_to_not_convert\": "
     "[\"model.layers.*.self_attn\", \"model.layers.*.mlp.router\", \"model.embed_tokens\", "
     "\"lm_head\"], \"quant_method\": \"mxfp4\"}, \"sliding_window\": 128, "
     "\"swiglu_limit\": 7.0, \"tie_word_embeddings\": false, \"vocab_size\": 201088}",
     "no dtype given, served in bf16", 116829156672, 5.13, false},
};

START_TEST(test_parameters)
{
    for (size_t i = 0; i < COUNT(published); i++) {
        const struct published *expected = &published[i];
        struct document *document = document_create();
        struct model model;
        fixture_read_model(document, expected->name, &model);
        ck_assert_str_eq(model.name, expected->name);
        ck_assert_msg(model_parameters(&model) == expected->parameters, "%s: %lld", model.name,
                      (long long)model_parameters(&model));
        int64_t active = model_active_parameters(&model);
        if (expected->embedding_is_active)
            active += model.vocab_size * model.hidden_size;
        if (expected->active_billions > 0.0)
            ck_assert_double_eq_tol((double)active / 1e9, expected->active_billions, 0.06);
        document_destroy(document);
    }
}
END_TEST

/* All but name and source, as text. */
static char *dimensions(struct model model)
{
    model.name = model.source = "";
    json_t *json = settings_to_json(&model_settings, &model);
    char *text = json_dumps(json, JSON_SORT_KEYS);
    ck_assert_ptr_nonnull(text);
    json_decref(json);
    return text;
}

START_TEST(test_config_json_is_the_same)
{
    for (size_t i = 0; i < COUNT(published); i++) {
        struct document *document = document_create();
        struct model shipped, read;
        fixture_read_model(document, published[i].name, &shipped);
        struct error error = {0};
        char warning[512];
        const char *text = published[i].config;
        struct node *node = document_read_text(document, "config.json", text, strlen(text), &error);
        ck_assert_msg(node != NULL, "%s", error.text);
        ck_assert_msg(model_read(document, node, &read, warning, &error), "%s", error.text);
        ck_assert_str_eq(warning, published[i].warning);
        char *expected = dimensions(shipped), *found = dimensions(read);
        ck_assert_str_eq(found, expected);
        free(expected);
        free(found);
        document_destroy(document);
    }
}
END_TEST

static double weight_bytes(const char *name)
{
    struct document *document = document_create();
    struct model model;
    fixture_read_model(document, name, &model);
    const struct deployment deployment = fixture_deployment(&model, 1);
    double bytes = model_weight_bytes(&model, &deployment);
    document_destroy(document);
    return bytes;
}

/* The files of the checkpoints. */
START_TEST(test_published_sizes)
{
    ck_assert_double_eq_tol(weight_bytes("gpt-oss-120b") / 0x1p30, 60.8, 0.05);
    /* 688.59 GB, less the 61st layer and its projection (11.52e9 parameters in fp8, and a copy of
     * embedding and lm_head in bf16), and with the bf16 copies of kv_b_proj that no file has. */
    double rest = 11.52e9 + 2.0 * 2.0 * 129280.0 * 7168.0;
    double copies = 61.0 * 2.0 * 512.0 * 128.0 * 256.0;
    ck_assert_double_eq_tol(weight_bytes("deepseek-v3"), 688.59e9 - rest + copies, 0.3e9);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_parameters, test_config_json_is_the_same,
                                  test_published_sizes};
    return unit_run("published_models", tests, COUNT(tests));
}
