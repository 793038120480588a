/* What "auto" becomes, what has no effect, and what does not hang together. */
#include "unit.h"

#include "engine_config.h"
#include "orders.h"
#include "policies.h"

static const double GIB = 1024.0 * 1024.0 * 1024.0;

static const struct model grouped = {.name = "grouped",
                                     .num_hidden_layers = 6,
                                     .num_attention_heads = 24,
                                     .num_key_value_heads = 8,
                                     .intermediate_size = 1200,
                                     .max_position_embeddings = 4096,
                                     .dtype = DTYPE_BF16};

static const struct model experts = {.name = "experts",
                                     .num_hidden_layers = 6,
                                     .num_attention_heads = 24,
                                     .num_key_value_heads = 8,
                                     .max_position_embeddings = 4096,
                                     .num_experts = 10,
                                     .num_experts_per_tok = 2,
                                     .moe_intermediate_size = 96,
                                     .sliding_window = 128,
                                     .num_full_attention_layers = 2,
                                     .dtype = DTYPE_BF16};

static const struct model *served = &grouped;

static struct accelerator device(const char *name, double memory_gib)
{
    return (struct accelerator){.name = name,
                                .memory_bytes = memory_gib * GIB,
                                .interconnect = {.kind = INTERCONNECT_NVLINK},
                                .host_link = {.bandwidth_bytes_per_s = 25e9, .latency_s = 10e-6}};
}

static struct document *document;
static char warnings[1024]; /* one a line */

static void enter(void)
{
    document = document_create();
    served = &grouped;
}

static void leave(void)
{
    document_destroy(document);
}

static void warn(void *context, const char *text)
{
    (void)context;
    size_t length = strlen(warnings);
    snprintf(warnings + length, sizeof warnings - length, "%s%s", length > 0 ? "\n" : "", text);
}

static const struct warn_listener listener = {warn, NULL};

/* What is written in the section, resolved. */
static bool resolve_on(const struct accelerator *accelerator, const char *text,
                       struct engine_config *config, struct error *error)
{
    *error = (struct error){0};
    warnings[0] = '\0';
    const struct node *node = document_read_text(document, "e.yaml", text, strlen(text), error);
    ck_assert_msg(node != NULL && settings_read(document, &engine_settings, node, config, error),
                  "%s", error->text);
    return engine_config_resolve(config, node, served, accelerator, &listener, error);
}

/* On a device with small defaults. */
static struct engine_config resolve(const char *text)
{
    const struct accelerator accelerator = device("rtx-4090", 23.5);
    struct engine_config config;
    struct error error;
    ck_assert_msg(resolve_on(&accelerator, text, &config, &error), "%s", error.text);
    return config;
}

static void assert_refused(const char *text, const char *message)
{
    const struct accelerator accelerator = device("rtx-4090", 23.5);
    struct engine_config config;
    struct error error;
    ck_assert_msg(!resolve_on(&accelerator, text, &config, &error), "'%s' is resolved", text);
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_str_eq(error.text, message);
}

static void assert_limits(const char *name, double memory_gib, int64_t seqs, int64_t tokens)
{
    struct accelerator accelerator = device(name, memory_gib);
    struct engine_config config;
    struct error error;
    ck_assert(resolve_on(&accelerator, "", &config, &error));
    ck_assert_int_eq(config.max_num_seqs, seqs);
    ck_assert_int_eq(config.max_num_batched_tokens, tokens);
    ck_assert_int_eq(config.max_model_len, 4096);
    ck_assert_str_eq(warnings, "");
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
    struct engine_config config =
        resolve("{max_num_seqs: 3, max_num_batched_tokens: 5, max_model_len: 4097, watermark: 0.2,"
                " kv_allocation: paged, enable_prefix_caching: false, async_scheduling: false,"
                " enable_chunked_prefill: true, long_prefill_token_threshold: 7}");
    ck_assert_int_eq(config.max_num_seqs, 3);
    ck_assert_int_eq(config.max_num_batched_tokens, 5);
    ck_assert_int_eq(config.max_model_len, 4097);
    ck_assert_double_eq(config.watermark, 0.2);
    ck_assert_int_eq(config.kv_allocation, ALLOCATION_PAGED);
    ck_assert_int_eq(config.enable_prefix_caching, 0);
    ck_assert_int_eq(config.async_scheduling, 0);
    ck_assert_int_eq(config.enable_chunked_prefill, 1);
    ck_assert_int_eq(config.long_prefill_token_threshold, 7);
    ck_assert_str_eq(warnings, "max_model_len 4097 is beyond the 4096 positions of grouped");
}
END_TEST

/* What each original does. Those that do not split prompts hold the longest in a step. */
START_TEST(test_auto_by_policy)
{
    static const struct {
        const char *scheduler;
        int64_t batched_tokens;
        int chunked, async, caching, allocation;
        double watermark;
    } expected[] = {
        {"vllm", 2048, 1, 1, 1, ALLOCATION_PAGED, 0.0},
        {"vllm-v0", 4096, 0, 0, 0, ALLOCATION_PAGED, 0.01},
        {"sarathi", 2048, 1, 0, 0, ALLOCATION_PAGED, 0.01},
        {"orca", 4096, 0, 0, 0, ALLOCATION_CONTIGUOUS, 0.0},
        {"static", 4096, 0, 0, 0, ALLOCATION_CONTIGUOUS, 0.0},
        {"dynamic", 4096, 0, 0, 0, ALLOCATION_CONTIGUOUS, 0.0},
    };
    for (size_t i = 0; i < COUNT(expected); i++) {
        char text[64];
        snprintf(text, sizeof text, "scheduler: %s", expected[i].scheduler);
        struct engine_config config = resolve(text);
        ck_assert_str_eq(policy_names[i], expected[i].scheduler);
        ck_assert_str_eq(policy_at((size_t)config.scheduler)->name, expected[i].scheduler);
        ck_assert_int_eq(config.max_num_batched_tokens, expected[i].batched_tokens);
        ck_assert_int_eq(config.max_num_seqs, 256);
        ck_assert_int_eq(config.enable_chunked_prefill, expected[i].chunked);
        ck_assert_int_eq(config.async_scheduling, expected[i].async);
        ck_assert_int_eq(config.enable_prefix_caching, expected[i].caching);
        ck_assert_int_eq(config.kv_allocation, expected[i].allocation);
        ck_assert_double_eq(config.watermark, expected[i].watermark);
        ck_assert_str_eq(warnings, "");
        bool dynamic = i == 5;
        ck_assert_int_eq(config.preferred_batch_size, dynamic ? 256 : SETTING_UNSET_INTEGER);
        ck_assert(setting_is_set(config.max_queue_delay_s) == dynamic);
        ck_assert(!dynamic || config.max_queue_delay_s == 0.1);
    }
    ck_assert_ptr_null(policy_names[COUNT(expected)]);
}
END_TEST

/* Whatever a scheduler does by itself, both are there to be had. */
START_TEST(test_other_than_auto)
{
    struct engine_config config =
        resolve("{scheduler: orca, kv_allocation: paged, enable_prefix_caching: true, "
                "async_scheduling: true}");
    ck_assert_int_eq(config.kv_allocation, ALLOCATION_PAGED);
    ck_assert_int_eq(config.enable_prefix_caching, 1);
    ck_assert_int_eq(config.async_scheduling, 1);
    ck_assert_str_eq(warnings, "");
    config = resolve("{scheduler: dynamic, preferred_batch_size: 4, max_queue_delay: 3 ms}");
    ck_assert_int_eq(config.preferred_batch_size, 4);
    ck_assert_double_eq(config.max_queue_delay_s, 0.003);
    ck_assert_str_eq(warnings, "");
}
END_TEST

START_TEST(test_host_memory)
{
    struct engine_config config = resolve("{preemption_mode: swap, enable_prefix_caching: false}");
    ck_assert_int_eq(config.preemption_mode, PREEMPTION_SWAP);
    ck_assert_double_eq(config.swap_space_bytes, 4.0 * GIB);
    ck_assert_str_eq(warnings, "");
    config = resolve("{scheduler: sarathi, preemption_mode: swap, swap_space: 2 GiB}");
    ck_assert_double_eq(config.swap_space_bytes, 2.0 * GIB);
    ck_assert_str_eq(warnings, "");
    ck_assert(!setting_is_set(config.kv_offload.capacity_bytes));
    ck_assert(!setting_is_set(config.kv_offload.bandwidth_bytes_per_s));
    ck_assert(!setting_is_set(config.kv_offload.latency_s));
    config = resolve("kv_offload: {capacity: 8 GiB}");
    ck_assert(!setting_is_set(config.swap_space_bytes));
    ck_assert_double_eq(config.kv_offload.capacity_bytes, 8.0 * GIB);
    ck_assert_double_eq(config.kv_offload.bandwidth_bytes_per_s, 25e9);
    ck_assert_double_eq(config.kv_offload.latency_s, 10e-6);
    config = resolve("kv_offload: {capacity: 8 GiB, bandwidth: 3 GB/s, latency: 0}");
    ck_assert_double_eq(config.kv_offload.bandwidth_bytes_per_s, 3e9);
    ck_assert_double_eq(config.kv_offload.latency_s, 0.0);
    ck_assert_str_eq(warnings, "");
}
END_TEST

/* A setting that changes nothing is said to, and is no longer set. */
START_TEST(test_no_effect)
{
    static const struct {
        const char *text, *warnings;
    } cases[] = {
        {"swap_space: 1 GiB", "swap_space has no effect with preemption_mode recompute"},
        {"output_prediction_error: 0.5",
         "output_prediction_error has no effect with scheduling_policy fcfs"},
        {"{scheduling_policy: sjf, output_prediction_error: 0.5}",
         "output_prediction_error has no effect with scheduling_policy sjf"},
        {"preferred_batch_size: 8", "preferred_batch_size has no effect with scheduler vllm"},
        {"{scheduler: static, max_queue_delay: 1 s, preferred_batch_size: 1000}",
         "preferred_batch_size has no effect with scheduler static\n"
         "max_queue_delay has no effect with scheduler static"},
        {"{scheduler: sarathi, enable_chunked_prefill: false, long_prefill_token_threshold: 9}",
         "enable_chunked_prefill has no effect with scheduler sarathi\n"
         "long_prefill_token_threshold has no effect with scheduler sarathi"},
        {"{scheduler: orca, enable_chunked_prefill: true, long_prefill_token_threshold: 9}",
         "enable_chunked_prefill has no effect with scheduler orca\n"
         "long_prefill_token_threshold has no effect with scheduler orca"},
        {"{enable_chunked_prefill: false, long_prefill_token_threshold: 9}",
         "long_prefill_token_threshold has no effect with enable_chunked_prefill false"},
        {"{scheduler: static, preemption_mode: swap, swap_space: 1 GiB}",
         "preemption_mode swap has no effect with kv_allocation contiguous, where nothing is ever "
         "preempted\n"
         "swap_space has no effect with preemption_mode recompute"},
        {"{scheduler: vllm-v0, enable_chunked_prefill: false}", ""},
        {"{scheduler: sarathi, enable_chunked_prefill: true}", ""},
        {"{enable_chunked_prefill: true, long_prefill_token_threshold: 9}", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct engine_config config = resolve(cases[i].text);
        ck_assert_str_eq(warnings, cases[i].warnings);
        if (cases[i].warnings[0] == '\0')
            continue;
        ck_assert_int_eq(config.preemption_mode, PREEMPTION_RECOMPUTE);
        ck_assert(!setting_is_set(config.swap_space_bytes));
        ck_assert(!setting_is_set(config.output_prediction_error));
        ck_assert_int_eq(config.preferred_batch_size, SETTING_UNSET_INTEGER);
        ck_assert(!setting_is_set(config.max_queue_delay_s));
        ck_assert(setting_is_set(config.watermark) && config.enable_chunked_prefill >= 0);
        ck_assert_int_eq(config.long_prefill_token_threshold, 0);
    }
}
END_TEST

/* On by default, and not possible here: prefix caching is off, and says so. */
START_TEST(test_caching_gives_way)
{
    static const char *const texts[] = {"kv_allocation: contiguous", "preemption_mode: swap"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        ck_assert_int_eq(resolve(texts[i]).enable_prefix_caching, 0);
        ck_assert_str_eq(warnings,
                         "prefix caching, which is on by default, is off here: the prefix cache "
                         "shares blocks that are paged and not swapped");
    }
}
END_TEST

START_TEST(test_queue_orders)
{
    for (int i = 0; queue_order_at((size_t)i) != NULL; i++) {
        char text[128];
        const struct queue_order *order = queue_order_at((size_t)i);
        snprintf(text, sizeof text, "{scheduling_policy: %s%s}", order->name,
                 order->predicts ? ", output_prediction_error: 0.3" : "");
        struct engine_config config = resolve(text);
        ck_assert_int_eq(config.scheduling_policy, i);
        ck_assert(setting_is_set(config.output_prediction_error) == order->predicts);
        ck_assert_str_eq(warnings, "");
    }
    assert_refused("scheduling_policy: sjf-predicted",
                   "e.yaml:1:1: scheduling_policy 'sjf-predicted' needs 'output_prediction_error': "
                   "the standard deviation of ln(predicted / true output tokens)");
}
END_TEST

START_TEST(test_refused)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"{scheduler: dynamic, max_num_seqs: 4, preferred_batch_size: 5}",
         "e.yaml:1:39: 'preferred_batch_size' (5) is more than 'max_num_seqs' (4)"},
        {"{kv_allocation: contiguous, enable_prefix_caching: true}",
         "e.yaml:1:29: 'enable_prefix_caching' needs kv_allocation: paged"},
        {"{scheduler: orca, enable_prefix_caching: true}",
         "e.yaml:1:19: 'enable_prefix_caching' needs kv_allocation: paged"},
        {"{preemption_mode: swap, enable_prefix_caching: true}",
         "e.yaml:1:25: 'enable_prefix_caching' needs preemption_mode: recompute"},
        {"{scheduler: static, kv_allocation: paged, enable_prefix_caching: true}",
         "e.yaml:1:43: 'enable_prefix_caching' needs another scheduler: this one keeps a batch's "
         "blocks until the batch ends"},
        {"kv_offload: {bandwidth: 1 GB/s}", "e.yaml:1:1: 'kv_offload' needs 'capacity'"},
        {"kv_offload: {latency: 1 us}", "e.yaml:1:1: 'kv_offload' needs 'capacity'"},
        {"{enable_prefix_caching: false, kv_offload: {capacity: 1 GiB}}",
         "e.yaml:1:32: 'kv_offload' needs enable_prefix_caching: it is a second level of the "
         "prefix cache"},
        {"{scheduler: sarathi, kv_offload: {capacity: 1 GiB}}",
         "e.yaml:1:22: 'kv_offload' needs enable_prefix_caching: it is a second level of the "
         "prefix cache"},
        {"{scheduler: orca, max_model_len: 1048577}",
         "e.yaml:1:19: 'max_model_len' (1048577) is more than a step can hold (1048576 tokens), "
         "and "
         "without chunked prefill it must"},
        {"{scheduler: orca, max_num_batched_tokens: 4096, max_num_seqs: 4097}",
         "e.yaml:1:19: 'max_num_batched_tokens' (4096) must be at least 'max_num_seqs' (4097)"},
        {"{max_num_seqs: 256, max_num_batched_tokens: 255}",
         "e.yaml:1:21: 'max_num_batched_tokens' (255) must be at least 'max_num_seqs' (256)"},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_refused(cases[i].text, cases[i].message);
}
END_TEST

static void assert_parallel(int64_t ranks, int interconnect, const char *message)
{
    struct accelerator accelerator = device("h100-sxm", 79.1);
    struct engine_config config;
    struct error error;
    char text[64];
    accelerator.interconnect.kind = interconnect;
    snprintf(text, sizeof text, "{block_size: 16, tensor_parallel_size: %d}", (int)ranks);
    bool fits = resolve_on(&accelerator, text, &config, &error);
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
                    "e.yaml:1:18: 'tensor_parallel_size' is 2, but h100-sxm has no interconnect");
    assert_parallel(5, INTERCONNECT_NVLINK,
                    "e.yaml:1:18: 'tensor_parallel_size' (5) does not divide the 24 attention "
                    "heads of grouped");
    assert_parallel(3, INTERCONNECT_NVLINK,
                    "e.yaml:1:18: 'tensor_parallel_size' (3) neither divides nor is a multiple of "
                    "the 8 KV heads of grouped");
    const struct accelerator accelerator = device("h100-sxm", 79.1);
    struct model odd = grouped;
    struct error error = {0};
    struct engine_config config = resolve("");
    odd.intermediate_size = 1201;
    config.tensor_parallel_size = 2;
    ck_assert(!engine_config_resolve(&config, NULL, &odd, &accelerator, &listener, &error));
    ck_assert_str_eq(error.text, "'tensor_parallel_size' (2) does not divide the 1201 columns of "
                                 "the MLP of grouped");
}
END_TEST

/* Settings of a spread model: what is warned of, and what they become. */
static void assert_spread(const char *text, const char *warning, bool expert_parallel,
                          int all2all_backend, double expert_imbalance)
{
    struct engine_config config = resolve(text);
    ck_assert_str_eq(warnings, warning);
    ck_assert_int_eq(config.enable_expert_parallel, expert_parallel);
    ck_assert_int_eq(config.all2all_backend, all2all_backend);
    ck_assert(config.expert_imbalance == expert_imbalance ||
              (isnan(config.expert_imbalance) && isnan(expert_imbalance)));
}

START_TEST(test_experts)
{
    const double none = SETTING_UNSET_REAL;
    assert_spread("{enable_expert_parallel: true, data_parallel_size: 2}",
                  "enable_expert_parallel has no effect with a model without experts, grouped",
                  false, -1, none);
    assert_spread("all2all_backend: dispatch_combine",
                  "all2all_backend has no effect with a model without experts, grouped", false, -1,
                  none);
    assert_spread("expert_skew: 0.5",
                  "expert_skew has no effect with a model without experts, grouped", false, -1,
                  none);
    served = &experts;
#define WINDOW                                                                                     \
    "all layers of experts keep their whole context in the KV cache, also the 4 that see 128 "     \
    "tokens: as vLLM with --disable-hybrid-kv-cache-manager"
    assert_spread("", WINDOW, false, -1, none);
    assert_spread("max_model_len: 128", "", false, -1, none);
    assert_spread("enable_expert_parallel: true",
                  WINDOW "\nenable_expert_parallel has no effect with tensor_parallel_size and "
                         "data_parallel_size 1",
                  false, -1, none);
    assert_spread("{tensor_parallel_size: 2, expert_imbalance: 1.5}",
                  WINDOW "\nexpert_imbalance has no effect with enable_expert_parallel false",
                  false, -1, none);
    assert_spread("{tensor_parallel_size: 4, enable_expert_parallel: true, all2all_backend: "
                  "dispatch_combine}",
                  WINDOW "\nall2all_backend has no effect with data_parallel_size 1", true, -1,
                  none);
    assert_spread("{data_parallel_size: 2, all2all_backend: dispatch_combine}",
                  WINDOW "\nall2all_backend has no effect with enable_expert_parallel false", false,
                  -1, none);
    /* Ten experts over four ranks: uneven, as vLLM allows. */
    assert_spread("{data_parallel_size: 4, enable_expert_parallel: true, expert_imbalance: 1.5}",
                  WINDOW, true, ALL2ALL_ALLGATHER_REDUCESCATTER, 1.5);
    assert_refused("{data_parallel_size: 12, enable_expert_parallel: true}",
                   "e.yaml:1:26: experts has 10 experts, fewer than the 12 ranks that are to hold "
                   "whole ones");
    assert_refused("{data_parallel_size: 5}",
                   "e.yaml:1:2: 5 ranks do not divide the 96 columns of an expert of experts: "
                   "enable_expert_parallel keeps experts whole");
}
END_TEST

START_TEST(test_pipeline)
{
    struct engine_config config = resolve("{pipeline_parallel_size: 6, data_parallel_size: 3}");
    ck_assert_int_eq(config.async_scheduling, 0);
    ck_assert_int_eq(engine_accelerators(&config), 18);
    ck_assert_int_eq(engine_accelerators_of_model(&config, &grouped), 6);
    ck_assert_int_eq(engine_replica_max_num_seqs(&config), 43); /* 256 / 6, rounded up */
    ck_assert_str_eq(warnings, "");
    config = resolve("{pipeline_parallel_size: 2, async_scheduling: true}");
    ck_assert_int_eq(config.async_scheduling, 0);
    ck_assert_str_eq(warnings,
                     "async_scheduling has no effect with pipeline_parallel_size above 1");
    config = resolve("{pipeline_parallel_size: 2, scheduler: dynamic}");
    ck_assert_int_eq(config.preferred_batch_size, 128);
    assert_refused("{pipeline_parallel_size: 7}",
                   "e.yaml:1:2: 'pipeline_parallel_size' (7) is more than the 6 layers of grouped");
    assert_refused("{pipeline_parallel_size: 2, scheduler: dynamic, preferred_batch_size: 129}",
                   "e.yaml:1:49: 'preferred_batch_size' (129) is more than 'max_num_seqs' (128 for "
                   "each of the pipeline's engines)");
    served = &experts;
    assert_refused("{data_parallel_size: 2, pipeline_parallel_size: 2}",
                   "e.yaml:1:25: 'pipeline_parallel_size' is not simulated together with "
                   "'data_parallel_size' for experts: its ranks, which share the experts, step "
                   "together");
    resolve("{pipeline_parallel_size: 2}");
}
END_TEST

START_TEST(test_interconnect)
{
    static const char *const needs[] = {"{tensor_parallel_size: 2}", "{pipeline_parallel_size: 2}",
                                        "{data_parallel_size: 2}"};
    struct accelerator accelerator = device("rtx-4090", 23.5);
    accelerator.interconnect.kind = INTERCONNECT_NONE;
    struct engine_config config;
    struct error error;
    for (size_t i = 0; i < COUNT(needs); i++) {
        served = &experts;
        ck_assert(!resolve_on(&accelerator, needs[i], &config, &error));
        ck_assert_ptr_nonnull(strstr(error.text, "is 2, but rtx-4090 has no interconnect"));
        served = &grouped; /* whose copies have nothing to tell each other */
        ck_assert_int_eq(resolve_on(&accelerator, needs[i], &config, &error), i == 2);
    }
}
END_TEST

START_TEST(test_kv_cache_dtype)
{
    ck_assert_int_eq(resolve("").kv_cache_dtype, DTYPE_BF16);
    ck_assert_int_eq(resolve("kv_cache_dtype: fp8").kv_cache_dtype, DTYPE_FP8);
    ck_assert_int_eq(resolve("kv_cache_dtype: int8").kv_cache_dtype, DTYPE_INT8);
    ck_assert_int_eq(resolve("kv_cache_dtype: fp16").kv_cache_dtype, DTYPE_FP16);
    assert_refused("kv_cache_dtype: int4",
                   "e.yaml:1:1: 'kv_cache_dtype' cannot be int4 for grouped, which is bf16: it is "
                   "that, a 16-bit one, fp8 or int8");
    assert_refused("kv_cache_dtype: fp32",
                   "e.yaml:1:1: 'kv_cache_dtype' cannot be fp32 for grouped, which is bf16: it is "
                   "that, a 16-bit one, fp8 or int8");
}
END_TEST

/* 0: auto. */
static void assert_budget(int64_t seqs, int64_t tokens, int64_t max_model_len,
                          int64_t resolved_seqs, int64_t resolved_tokens)
{
    char text[128], seqs_text[32] = "auto", tokens_text[32] = "auto";
    if (seqs > 0)
        snprintf(seqs_text, sizeof seqs_text, "%d", (int)seqs);
    if (tokens > 0)
        snprintf(tokens_text, sizeof tokens_text, "%d", (int)tokens);
    snprintf(text, sizeof text, "{max_num_seqs: %s, max_num_batched_tokens: %s, max_model_len: %d}",
             seqs_text, tokens_text, (int)max_model_len);
    struct engine_config config = resolve(text);
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
}
END_TEST

/* A step that must hold the longest prompt. */
START_TEST(test_raised_budget)
{
    struct engine_config config = resolve("enable_chunked_prefill: false");
    ck_assert_int_eq(config.max_num_batched_tokens, 4096);
    ck_assert_str_eq(warnings, "");
    config = resolve("{enable_chunked_prefill: false, max_num_batched_tokens: 4095}");
    ck_assert_int_eq(config.max_num_batched_tokens, 4096);
    ck_assert_int_eq(config.max_num_seqs, 256);
    ck_assert_str_eq(warnings,
                     "max_num_batched_tokens 4095 is raised to max_model_len 4096: without chunked "
                     "prefill a longer prompt could never run");
    config = resolve("{scheduler: static, max_num_batched_tokens: 100, max_model_len: 120}");
    ck_assert_int_eq(config.max_num_batched_tokens, 120);
    ck_assert_int_eq(config.max_num_seqs, 120);
    config = resolve("{scheduler: orca, max_num_batched_tokens: 5000, max_num_seqs: 7}");
    ck_assert_int_eq(config.max_num_batched_tokens, 5000);
    ck_assert_str_eq(warnings, "");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_auto,
        test_given_values_stay,
        test_auto_by_policy,
        test_other_than_auto,
        test_host_memory,
        test_no_effect,
        test_caching_gives_way,
        test_queue_orders,
        test_refused,
        test_tensor_parallel,
        test_experts,
        test_pipeline,
        test_interconnect,
        test_kv_cache_dtype,
        test_budget,
        test_raised_budget,
    };
    return unit_run_with("engine_config", tests, COUNT(tests), enter, leave);
}
