/* What "auto" becomes, and what does not hang together. */
#include "unit.h"

#include "engine_config.h"

static const double GIB = 1024.0 * 1024.0 * 1024.0;

static struct engine_config defaults(void)
{
    struct engine_config config;
    struct error error = {0};
    struct document *document = document_create();
    ck_assert(settings_read(document, &engine_settings, NULL, &config, &error));
    document_destroy(document);
    return config;
}

static const struct model grouped = {.name = "grouped",
                                     .num_attention_heads = 24,
                                     .num_key_value_heads = 8,
                                     .max_position_embeddings = 4096};

static struct accelerator device(const char *name, double memory_gib)
{
    return (struct accelerator){.name = name,
                                .memory_bytes = memory_gib * GIB,
                                .interconnect = {.kind = INTERCONNECT_NVLINK}};
}

static void assert_limits(const char *name, double memory_gib, int64_t seqs, int64_t tokens)
{
    struct engine_config config = defaults();
    struct accelerator accelerator = device(name, memory_gib);
    char warning[256];
    struct error error = {0};
    ck_assert(engine_config_resolve(&config, NULL, &grouped, &accelerator, warning, &error));
    ck_assert_int_eq(config.max_num_seqs, seqs);
    ck_assert_int_eq(config.max_num_batched_tokens, tokens);
    ck_assert_int_eq(config.max_model_len, 4096);
    ck_assert_str_eq(warning, "");
}

/* vLLM's server defaults. */
START_TEST(test_auto)
{
    assert_limits("rtx-4090", 23.5, 256, 2048);
    assert_limits("l40s", 69.9, 256, 2048);
    assert_limits("h100-sxm", 79.1, 1024, 8192);
    assert_limits("a100-sxm-80gb", 79.1, 256, 2048);
    assert_limits("A100-SXM4-80GB", 79.1, 256, 2048);
}
END_TEST

START_TEST(test_given_values_stay)
{
    struct engine_config config = defaults();
    struct accelerator accelerator = device("h100-sxm", 79.1);
    char warning[256];
    struct error error = {0};
    config.max_num_seqs = 3;
    config.max_num_batched_tokens = 5;
    config.max_model_len = 4097;
    ck_assert(engine_config_resolve(&config, NULL, &grouped, &accelerator, warning, &error));
    ck_assert_int_eq(config.max_num_seqs, 3);
    ck_assert_int_eq(config.max_num_batched_tokens, 5);
    ck_assert_int_eq(config.max_model_len, 4097);
    ck_assert_str_eq(warning, "max_model_len 4097 is beyond the 4096 positions of grouped");
}
END_TEST

static void assert_parallel(int64_t ranks, int interconnect, const char *message)
{
    struct engine_config config = defaults();
    struct accelerator accelerator = device("h100-sxm", 79.1);
    char warning[256];
    struct error error = {0};
    accelerator.interconnect.kind = interconnect;
    config.tensor_parallel_size = ranks;
    bool fits = engine_config_resolve(&config, NULL, &grouped, &accelerator, warning, &error);
    ck_assert_msg(fits == (message == NULL), "%d ranks: %s", (int)ranks, error.text);
    if (message != NULL) {
        ck_assert_int_eq(error.kind, ERROR_INPUT);
        ck_assert_str_eq(error.text, message);
    }
}

START_TEST(test_tensor_parallel)
{
    assert_parallel(1, INTERCONNECT_NONE, NULL);
    assert_parallel(2, INTERCONNECT_NVLINK, NULL);
    assert_parallel(4, INTERCONNECT_PCIE, NULL);
    assert_parallel(8, INTERCONNECT_NVLINK, NULL);
    assert_parallel(24, INTERCONNECT_NVLINK, NULL); /* three copies of each KV head */
    assert_parallel(2, INTERCONNECT_NONE,
                    "'tensor_parallel_size' is 2, but h100-sxm has no interconnect");
    assert_parallel(5, INTERCONNECT_NVLINK,
                    "'tensor_parallel_size' (5) does not divide the 24 attention heads of grouped");
    assert_parallel(3, INTERCONNECT_NVLINK,
                    "'tensor_parallel_size' (3) neither divides nor is a multiple of the 8 KV "
                    "heads of grouped");
}
END_TEST

/* 0: auto. */
static void assert_budget(int64_t seqs, int64_t tokens, int64_t max_model_len,
                          int64_t resolved_seqs, int64_t resolved_tokens)
{
    struct engine_config config = defaults();
    struct accelerator accelerator = device("rtx-4090", 23.5);
    char warning[256];
    struct error error = {0};
    config.max_num_seqs = seqs > 0 ? seqs : SETTING_UNSET_INTEGER;
    config.max_num_batched_tokens = tokens > 0 ? tokens : SETTING_UNSET_INTEGER;
    config.max_model_len = max_model_len;
    ck_assert_msg(engine_config_resolve(&config, NULL, &grouped, &accelerator, warning, &error),
                  "%s", error.text);
    ck_assert_int_eq(config.max_num_seqs, resolved_seqs);
    ck_assert_int_eq(config.max_num_batched_tokens, resolved_tokens);
}

/* Where only one of the two is given, the other one fits itself to it, as in vLLM. */
START_TEST(test_budget)
{
    assert_budget(0, 0, 4096, 256, 2048);
    assert_budget(0, 100, 4096, 100, 100);
    assert_budget(4000, 0, 4096, 4000, 4000);
    assert_budget(2, 0, 100, 2, 200);
    assert_budget(2, 0, 4096, 2, 2048);
    assert_budget(1, 1, 4096, 1, 1);
    struct engine_config config = defaults();
    struct accelerator accelerator = device("rtx-4090", 23.5);
    char warning[256];
    struct error error = {0};
    config.max_num_seqs = 256;
    config.max_num_batched_tokens = 255;
    ck_assert(!engine_config_resolve(&config, NULL, &grouped, &accelerator, warning, &error));
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_str_eq(error.text,
                     "'max_num_batched_tokens' (255) must be at least 'max_num_seqs' (256)");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_auto, test_given_values_stay, test_tensor_parallel,
                                  test_budget};
    return unit_run("engine_config", tests, COUNT(tests));
}
