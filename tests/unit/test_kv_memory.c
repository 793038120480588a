/* How many KV blocks fit: a point known from vLLM, and the ways not to fit. */
#include "unit.h"

#include "kv_memory.h"

static struct model llama_8b(void)
{
    return (struct model){.name = "llama-3.1-8b",
                          .hidden_size = 4096,
                          .intermediate_size = 14336,
                          .num_hidden_layers = 32,
                          .num_attention_heads = 32,
                          .num_key_value_heads = 8,
                          .head_dim = 128,
                          .vocab_size = 128256,
                          .max_position_embeddings = 131072,
                          .mlp = MLP_GATED,
                          .norm = NORM_RMS,
                          .dtype = DTYPE_BF16,
                          .quantization = {.weights = -1, .activations = -1}};
}

/* What a process sees of an RTX 4090's 24 GiB. */
static struct accelerator rtx_4090(void)
{
    return (struct accelerator){.name = "rtx-4090", .memory_bytes = 25250627584.0};
}

static struct engine_config defaults(void)
{
    struct engine_config config;
    struct error error = {0};
    struct document *document = document_create();
    ck_assert(settings_read(document, &engine_settings, NULL, &config, &error));
    document_destroy(document);
    config.max_num_seqs = 256;
    config.max_num_batched_tokens = 2048;
    config.kv_cache_dtype = DTYPE_BF16;
    return config;
}

static struct kv_memory derive(const struct engine_config *config, const struct model *model)
{
    struct kv_memory memory;
    struct error error = {0};
    const struct accelerator accelerator = rtx_4090();
    ck_assert_msg(kv_memory_derive(config, model, &accelerator, NULL, &memory, &error), "%s",
                  error.text);
    return memory;
}

/* vLLM 0.19's own report. */
START_TEST(test_known_point)
{
    const struct engine_config config = defaults();
    const struct model model = llama_8b();
    struct kv_memory memory = derive(&config, &model);
    ck_assert_int_eq(memory.num_gpu_blocks, 2588);
    ck_assert(!memory.overridden);
    /* 8 030 261 248 parameters, as the model's card says. */
    ck_assert_double_eq(memory.weight_bytes, 2.0 * 8030261248.0);
    ck_assert_double_eq(memory.block_bytes, 16.0 * 2 * 32 * 8 * 128 * 2);
    ck_assert_double_eq(memory.requested_bytes, 0.9 * memory.capacity_bytes);
    ck_assert_double_eq(memory.available_bytes, memory.requested_bytes - memory.weight_bytes -
                                                    memory.activation_bytes -
                                                    memory.overhead_bytes);
}
END_TEST

/* vLLM 0.19.1 on an H200, of which a process sees 139.8 GiB: 120.53 GiB for the KV cache beside
 * Qwen2.5-1.5B, 1024 sequences and 8192 tokens; many logits, as a large vocabulary has. */
START_TEST(test_known_point_of_many_logits)
{
    struct engine_config config = defaults();
    config.max_num_seqs = 1024;
    config.max_num_batched_tokens = 8192;
    const struct model model = {.name = "qwen2.5-1.5b",
                                .hidden_size = 1536,
                                .intermediate_size = 8960,
                                .num_hidden_layers = 28,
                                .num_attention_heads = 12,
                                .num_key_value_heads = 2,
                                .head_dim = 128,
                                .vocab_size = 151936,
                                .max_position_embeddings = 32768,
                                .tie_word_embeddings = true,
                                .qkv_bias = true,
                                .mlp = MLP_GATED,
                                .norm = NORM_RMS,
                                .dtype = DTYPE_BF16,
                                .quantization = {.weights = -1, .activations = -1}};
    const struct accelerator accelerator = {.name = "h200", .memory_bytes = 139.8 * UNITS_GIB};
    struct kv_memory memory;
    struct error error = {0};
    ck_assert(kv_memory_derive(&config, &model, &accelerator, NULL, &memory, &error));
    ck_assert_double_eq_tol(memory.available_bytes / UNITS_GIB, 120.53, 0.1);
}
END_TEST

START_TEST(test_more_of_anything)
{
    const struct model model = llama_8b();
    struct engine_config config = defaults();
    config.block_size = 32;
    ck_assert_int_eq(derive(&config, &model).num_gpu_blocks, 2588 / 2);
    config = defaults();
    config.gpu_memory_utilization = 0.95;
    ck_assert_int_gt(derive(&config, &model).num_gpu_blocks, 2588);
    config = defaults();
    config.memory_overhead_bytes = 1.0 * UNITS_GIB;
    ck_assert_int_lt(derive(&config, &model).num_gpu_blocks, 2588);
    config = defaults();
    config.max_num_batched_tokens = 16384; /* a step's activations outgrow those of sampling */
    ck_assert_int_lt(derive(&config, &model).num_gpu_blocks, 2588);
    config = defaults();
    config.max_num_seqs = 512; /* and sampling's logits */
    ck_assert_int_lt(derive(&config, &model).num_gpu_blocks, 2588);
}
END_TEST

/* Every rank holds its share of the weights and of the KV heads; never less than one head. */
START_TEST(test_tensor_parallel)
{
    const struct model model = llama_8b();
    struct engine_config config = defaults();
    struct kv_memory one = derive(&config, &model);
    config.tensor_parallel_size = 4;
    struct kv_memory four = derive(&config, &model);
    ck_assert_double_eq(four.block_bytes, one.block_bytes / 4);
    ck_assert_double_gt(four.weight_bytes, one.weight_bytes / 4); /* norms are not split */
    ck_assert_double_lt(four.weight_bytes, one.weight_bytes / 4 * 1.001);
    config.tensor_parallel_size = 8;
    double eight_ranks = derive(&config, &model).block_bytes;
    config.tensor_parallel_size = 16;
    ck_assert_double_eq(derive(&config, &model).block_bytes, eight_ranks);
}
END_TEST

START_TEST(test_override)
{
    const struct model model = llama_8b();
    struct engine_config config = defaults();
    config.num_gpu_blocks_override = 2;
    ck_assert_int_eq(derive(&config, &model).num_gpu_blocks, 2);
    /* Also where nothing else would fit. */
    config.gpu_memory_utilization = 0.01;
    config.num_gpu_blocks_override = 1000000;
    struct kv_memory memory = derive(&config, &model);
    ck_assert_int_eq(memory.num_gpu_blocks, 1000000);
    ck_assert(memory.overridden);
}
END_TEST

/* The virtual engines of a pipeline share a rank's blocks, and each needs two. */
START_TEST(test_pipeline)
{
    const struct model model = llama_8b();
    const struct accelerator accelerator = rtx_4090();
    struct engine_config config = defaults();
    ck_assert_int_eq(derive(&config, &model).replica_blocks, 2588);
    config.num_gpu_blocks_override = 11;
    config.pipeline_parallel_size = 4;
    ck_assert_int_eq(derive(&config, &model).num_gpu_blocks, 11);
    ck_assert_int_eq(derive(&config, &model).replica_blocks, 2);
    config.num_gpu_blocks_override = 7;
    struct kv_memory memory;
    struct error error = {0};
    ck_assert(!kv_memory_derive(&config, &model, &accelerator, NULL, &memory, &error));
    ck_assert_str_eq(error.text, "7 KV blocks are too few for the 4 virtual engines of a pipeline: "
                                 "each needs 2");
}
END_TEST

START_TEST(test_does_not_fit)
{
    const struct model model = llama_8b();
    struct engine_config config = defaults();
    struct accelerator accelerator = rtx_4090();
    struct kv_memory memory = derive(&config, &model);
    double fixed = memory.weight_bytes + memory.activation_bytes + memory.overhead_bytes;
    accelerator.memory_bytes = (fixed + 2.001 * memory.block_bytes) / 0.9;
    struct error error = {0};
    ck_assert(kv_memory_derive(&config, &model, &accelerator, NULL, &memory, &error));
    ck_assert_int_eq(memory.num_gpu_blocks, 2);
    accelerator.memory_bytes = (fixed + 1.999 * memory.block_bytes) / 0.9;
    ck_assert(!kv_memory_derive(&config, &model, &accelerator, NULL, &memory, &error));
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "llama-3.1-8b does not fit 1 x rtx-4090: of "));
    accelerator.memory_bytes = 1.0 * UNITS_GIB;
    ck_assert(!kv_memory_derive(&config, &model, &accelerator, NULL, &memory, &error));
    ck_assert_ptr_nonnull(strstr(error.text, " of 1.00 GiB"));
    ck_assert_ptr_nonnull(strstr(error.text, "weights take 14.96 GiB"));
    ck_assert_ptr_nonnull(strstr(error.text, "activations of 2048 tokens a step "));
    ck_assert_ptr_nonnull(strstr(error.text, "; 0.00 GiB are left for the KV cache"));
}
END_TEST

/* Whole blocks, and never more than there are beside the null block. */
START_TEST(test_reservation)
{
    ck_assert_int_eq(kv_memory_reservation(1000, 16, 1), 1);
    ck_assert_int_eq(kv_memory_reservation(1000, 16, 16), 1);
    ck_assert_int_eq(kv_memory_reservation(1000, 16, 17), 2);
    ck_assert_int_eq(kv_memory_reservation(1000, 16, 999 * 16), 999);
    ck_assert_int_eq(kv_memory_reservation(1000, 16, 999 * 16 + 1), 999);
    ck_assert_int_eq(kv_memory_reservation(1000, 1, INT32_MAX), 999);
    ck_assert_int_eq(kv_memory_reservation(2, 7, 100), 1);
}
END_TEST

/* Two experts of a layer a token, each with gate and up in a buffer, and their product. */
START_TEST(test_activations_of_experts)
{
    struct engine_config config = defaults();
    struct model model = llama_8b();
    config.max_num_seqs = 8; /* few logits */
    model.intermediate_size = 0;
    model.num_experts = 4;
    model.num_experts_per_tok = 2;
    model.moe_intermediate_size = 3584;
    double a_token = 2.0 * (2 * 3584 + 3584), hidden = 4.0 * 4096;
    ck_assert_double_eq(derive(&config, &model).activation_bytes, 2.0 * 2048 * (hidden + a_token));
    /* Narrower than the output that takes gate's and up's place, a quarter of each on four ranks. */
    config.tensor_parallel_size = config.data_parallel_size = 2;
    a_token = 2.0 * (4096 + 3584.0 / 4);
    ck_assert_double_eq(derive(&config, &model).activation_bytes,
                        2.0 * 2048 * (hidden + 2.0 * a_token));
    config.enable_expert_parallel = true;
    config.max_num_batched_tokens = 16384;
    a_token = 2.0 * (2 * 3584 + 3584);
    ck_assert_double_eq(derive(&config, &model).activation_bytes, 2.0 * 16384 * (hidden + a_token));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_known_point,
                                  test_known_point_of_many_logits,
                                  test_more_of_anything,
                                  test_tensor_parallel,
                                  test_override,
                                  test_does_not_fit,
                                  test_pipeline,
                                  test_reservation,
                                  test_activations_of_experts};
    return unit_run("kv_memory", tests, COUNT(tests));
}
