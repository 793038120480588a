#include "layers.h"
#include "operators.h"
#include "roofline.h"
#include "roofline_parts.h"
#include "unit.h"

static char last_warning[256];

static void keep_warning(void *context, const char *text)
{
    (void)context;
    snprintf(last_warning, sizeof last_warning, "%s", text);
}

static const struct warn_listener listener = {keep_warning, NULL};

/* The shipped configuration of Llama-3.1-8B on an H100, with overrides ending in NULL. */
static void load(struct experiment_config *config, const char *const *overrides)
{
    const char *configs = getenv("LLMSIM_CONFIGS");
    ck_assert_msg(configs != NULL, "LLMSIM_CONFIGS must name the directory configs/");
    char path[1024];
    size_t count = 0;
    struct error error = {0};
    while (overrides != NULL && overrides[count] != NULL)
        count++;
    snprintf(path, sizeof path, "%s/h100_llama8b_generated.yaml", configs);
    ck_assert_msg(
        experiment_config_load(config, path, overrides, count, configs, &listener, &error), "%s",
        error.text);
}

static void study(const struct experiment_config *config, const struct roofline_request *request,
                  struct roofline_steps *steps)
{
    struct error error = {0};
    ck_assert_msg(roofline_study_steps(config, request, &listener, steps, &error), "%s",
                  error.text);
}

static const struct roofline_request both = {.prefill = true, .decode = true};

static const struct roofline_operator *find(const struct roofline_step *step, const char *name)
{
    for (int i = 0; i < step->count; i++) {
        if (strcmp(step->operators[i].name, name) == 0)
            return &step->operators[i];
    }
    ck_abort_msg("there is no %s", name);
    return NULL;
}

START_TEST(test_gemm_by_hand)
{
    struct accelerator accelerator = {
        .name = "by hand",
        .memory_bandwidth_bytes_per_s = 1e12,
        .fp16_flops_per_s = 100e12,
        .fp8_flops_per_s = 200e12,
        .int8_flops_per_s = NAN,
        .sm_count = 100,
        .gemm = {.compute_efficiency = 1,
                 .memory_efficiency = 1,
                 .roofline_sharpness = 100,
                 .sm_bandwidth_bytes_per_s = 1e15},
        .gemm_8bit = {.compute_efficiency = 1, .sm_bandwidth_bytes_per_s = 1e15}};
    const int64_t sides[] = {8192, 8192, 8192};
    const int dtypes[] = {DTYPE_FP16, DTYPE_FP8};
    struct roofline_gemm gemm;
    struct error error = {0};
    ck_assert(roofline_study_gemm(&accelerator, sides, dtypes, 2, &gemm, &error));
    ck_assert_double_eq(gemm.flops, 1099511627776.0);
    ck_assert_int_eq(gemm.count, 2);
    ck_assert_double_eq(gemm.rows[0].moved_bytes, 3.0 * 8192 * 8192 * 2);
    ck_assert_double_eq_tol(gemm.flops / gemm.rows[0].moved_bytes, 2730.667, 1e-3);
    ck_assert_double_eq_tol(gemm.flops / gemm.rows[1].moved_bytes, 5461.333, 1e-3);
    ck_assert_double_eq(roofline_ridge(&gemm.device, 100e12), 100.0);
    ck_assert_double_eq(roofline_attainable(&gemm.device, 100e12, 50.0), 50e12);
    ck_assert_double_eq(roofline_attainable(&gemm.device, 100e12, 200.0), 100e12);
    ck_assert_double_eq_tol(gemm.rows[0].cost.time_s, gemm.flops / 100e12, 1e-9);
    ck_assert_double_eq_tol(gemm.rows[1].cost.time_s, gemm.flops / 200e12, 1e-9);
    const int without[] = {DTYPE_FP16, DTYPE_INT8};
    ck_assert(!roofline_study_gemm(&accelerator, sides, without, 2, &gemm, &error));
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_str_eq(error.text, "by hand has no units for int8");
}
END_TEST

START_TEST(test_device)
{
    struct accelerator accelerator = {.name = "new",
                                      .efficiencies_from = "old",
                                      .bf16_flops_per_s = NAN,
                                      .fp16_flops_per_s = 1e12,
                                      .fp32_flops_per_s = 1e11};
    ck_assert_str_eq(roofline_device_of(&accelerator).title,
                     "new (datasheet; efficiencies of old)");
    ck_assert_int_eq(roofline_default_dtype(&accelerator), DTYPE_FP16);
    accelerator.bf16_flops_per_s = 1e12;
    ck_assert_int_eq(roofline_default_dtype(&accelerator), DTYPE_BF16);
    char name[400] = "";
    memset(name, 'x', sizeof name - 1);
    accelerator.name = name;
    ck_assert_uint_lt(strlen(roofline_device_of(&accelerator).title), 160);
}
END_TEST

/* The table adds up to what the cost model makes of the step. */
START_TEST(test_totals_are_the_step)
{
    const char *const rank_overrides[] = {"engine.tensor_parallel_size=4", NULL};
    const struct roofline_request requests[] = {
        {.prefill = true, .prompt_tokens = 1},
        {.prefill = true, .prompt_tokens = 1000},
        {.decode = true, .sequences = 1, .context_tokens = 1},
        {.decode = true, .sequences = 100, .context_tokens = 3000},
    };
    for (int ranks = 0; ranks < 2; ranks++) {
        struct experiment_config config;
        load(&config, ranks == 0 ? NULL : rank_overrides);
        for (size_t i = 0; i < COUNT(requests); i++) {
            const struct roofline_request *request = &requests[i];
            struct roofline_steps steps;
            struct roofline_load step_load;
            struct cost_model cost_model;
            struct cost cost;
            struct error error = {0};
            study(&config, request, &steps);
            if (request->prefill)
                roofline_load_prefill(&step_load, &config, request->prompt_tokens);
            else
                roofline_load_decode(&step_load, &config, request->sequences,
                                     request->context_tokens);
            ck_assert(
                roofline_cost_model(&config, &config.accelerator, 8192, 1024, &cost_model, &error));
            cost_model.step(cost_model.state, &step_load.load, &cost);
            cost_model.destroy(cost_model.state);
            const struct roofline_step *step =
                &steps.steps[request->prefill ? ROOFLINE_PREFILL : ROOFLINE_DECODE];
            ck_assert_int_eq(
                steps.steps[request->prefill ? ROOFLINE_DECODE : ROOFLINE_PREFILL].sequences, 0);
            ck_assert_double_eq_tol(step->total.cost.time_s, cost.time_s, 1e-12);
            ck_assert_double_eq_tol(step->total.cost.flops, cost.flops, 1e-9 * cost.flops);
            ck_assert_double_eq_tol(step->total.cost.bytes, cost.bytes, 1e-9 * cost.bytes);
            ck_assert_double_eq_tol(steps.balance.time_s, cost.time_s, 1e-12);
            ck_assert_double_eq_tol(roofline_mfu(&step->total), cost.flops / (cost.time_s * 989e12),
                                    1e-9);
            ck_assert_int_eq(steps.workload.requests, 0);
        }
        experiment_config_fini(&config);
    }
}
END_TEST

/* The rows M of an M × N × K product in bf16 that reach an intensity I:
 * 2MNK = I·2·(MN + MK + NK), so M = I·NK / (NK − I·(N + K)). */
static double rows_of_intensity(double intensity, double n, double k)
{
    return intensity * n * k / (n * k - intensity * (n + k));
}

START_TEST(test_crossings_by_hand)
{
    const char *const overrides[] = {"accelerator.bf16_flops=989e12",
                                     "accelerator.memory_bandwidth=989e10", /* a ridge of 100 */
                                     NULL};
    struct experiment_config config;
    struct roofline_steps steps;
    load(&config, overrides);
    const struct roofline_request request = {
        .prefill = true, .decode = true, .sequences = 8, .context_tokens = 500};
    study(&config, &request, &steps);
    const struct roofline_step *prefill = &steps.steps[ROOFLINE_PREFILL];
    const struct roofline_step *decode = &steps.steps[ROOFLINE_DECODE];
    const struct {
        const char *name;
        double n, k;
    } products[] = {{"qkv projection", 6144, 4096},
                    {"output projection", 4096, 4096},
                    {"gate and up projection", 28672, 4096},
                    {"down projection", 4096, 14336}};
    for (size_t i = 0; i < COUNT(products); i++) {
        double rows = rows_of_intensity(100.0, products[i].n, products[i].k);
        ck_assert_double_lt(rows, 256.0);
        /* CUDA graphs of up to 256 tokens: multiples of 8. */
        int64_t expected = ((int64_t)ceil(rows) + 7) / 8 * 8;
        const struct roofline_operator *in_decode = find(decode, products[i].name);
        ck_assert_int_eq(find(prefill, products[i].name)->crossing_prompt_tokens, expected);
        ck_assert_int_eq(in_decode->crossing_sequences, expected);
        ck_assert_int_eq(in_decode->crossing_context_tokens, 0);
    }
    /* Four query heads share a KV head: 4 FLOPs a byte, whatever the batch and the context. */
    const struct roofline_operator *attention = find(decode, "attention");
    ck_assert_double_eq_tol(roofline_intensity(attention), 4.0, 1e-9);
    ck_assert_int_eq(attention->crossing_sequences, 0);
    ck_assert_int_eq(attention->crossing_context_tokens, 0);
    /* A prompt of p tokens: 4·(p + 1)/2, which is 100 at 49: the batch of 56. */
    ck_assert_int_eq(find(prefill, "attention")->crossing_prompt_tokens, 56);
    ck_assert_int_eq(find(prefill, "lm_head")->crossing_prompt_tokens, 0);
    ck_assert_int_eq(find(decode, "norm")->crossing_sequences, 0);
    experiment_config_fini(&config);
}
END_TEST

START_TEST(test_always_compute_bound)
{
    const char *const overrides[] = {"accelerator.bf16_flops=1e9", NULL};
    struct experiment_config config;
    struct roofline_steps steps;
    load(&config, overrides);
    study(&config, &both, &steps);
    for (int i = 0; i < steps.steps[ROOFLINE_DECODE].count; i++) {
        const struct roofline_operator *item = &steps.steps[ROOFLINE_DECODE].operators[i];
        if (item->peak_flops_per_s <= 0.0)
            continue;
        ck_assert_int_eq(item->crossing_sequences, 1);
        ck_assert_int_eq(item->crossing_context_tokens, 1);
    }
    experiment_config_fini(&config);
}
END_TEST

static const char *const constant_lengths[] = {
    "workload.prompt_tokens={distribution: constant, value: 900}",
    "workload.output_tokens={distribution: constant, value: 101}", NULL};

START_TEST(test_defaults_fit_the_workload)
{
    struct experiment_config config;
    struct roofline_steps steps;
    load(&config, constant_lengths);
    study(&config, &both, &steps);
    ck_assert_int_eq(steps.workload.requests, ROOFLINE_GENERATED_REQUESTS);
    ck_assert_double_eq(steps.workload.mean_prompt_tokens, 900.0);
    ck_assert_double_eq(steps.workload.mean_output_tokens, 101.0);
    const struct roofline_step *prefill = &steps.steps[ROOFLINE_PREFILL];
    const struct roofline_step *decode = &steps.steps[ROOFLINE_DECODE];
    ck_assert_int_eq(prefill->tokens, 900);
    ck_assert_int_eq(prefill->sequences, 1);
    ck_assert_double_eq(prefill->steps_per_request, 1.0);
    ck_assert_int_eq(decode->tokens, 951);
    /* 60 blocks of 16 tokens each. */
    ck_assert_int_eq(decode->sequences, (config.kv_memory.num_gpu_blocks - 1) / 60);
    ck_assert_double_eq(decode->steps_per_request, 100.0 / (double)decode->sequences);
    double flops = prefill->total.cost.flops + decode->steps_per_request * decode->total.cost.flops;
    ck_assert_double_eq_tol(steps.balance.flops, flops, 1e-9 * flops);
    experiment_config_fini(&config);

    const char *const small[] = {"workload.prompt_tokens={distribution: constant, value: 900}",
                                 "engine.max_num_batched_tokens=512", "engine.max_num_seqs=16",
                                 NULL};
    load(&config, small);
    study(&config, &both, &steps);
    ck_assert_int_eq(steps.steps[ROOFLINE_PREFILL].tokens, 512);
    ck_assert_double_eq(steps.steps[ROOFLINE_PREFILL].steps_per_request, 900.0 / 512.0);
    ck_assert_int_eq(steps.steps[ROOFLINE_DECODE].sequences, 16);
    experiment_config_fini(&config);
}
END_TEST

/* On the accelerator that is found best, the workload takes the time that was promised, and no other
 * is better. */
START_TEST(test_best_balance)
{
    struct experiment_config config;
    struct roofline_steps steps, again;
    load(&config, constant_lengths);
    study(&config, &both, &steps);
    const struct roofline_balance *balance = &steps.balance;
    ck_assert_double_eq_tol(balance->ridge_flops_per_byte, 989e12 / 3350e9, 1e-9);
    ck_assert_double_lt(balance->best_time_s, balance->time_s);
    double scale = sqrt(balance->best_ridge_flops_per_byte / balance->ridge_flops_per_byte);
    struct roofline_request same = both;
    same.prompt_tokens = steps.steps[ROOFLINE_PREFILL].tokens;
    same.sequences = steps.steps[ROOFLINE_DECODE].sequences;
    same.context_tokens = steps.steps[ROOFLINE_DECODE].tokens;
    for (int i = -1; i <= 1; i++) {
        struct experiment_config other = config;
        double shifted = scale * (1.0 + 0.05 * i);
        other.accelerator.bf16_flops_per_s *= shifted;
        other.accelerator.memory_bandwidth_bytes_per_s /= shifted;
        study(&other, &same, &again);
        if (i == 0) {
            ck_assert_double_eq_tol(again.balance.time_s, balance->best_time_s, 1e-9);
            ck_assert_double_eq_tol(again.balance.best_time_s, balance->best_time_s, 1e-7);
        } else {
            ck_assert_double_gt(again.balance.time_s, balance->best_time_s);
        }
        ck_assert_double_eq_tol(again.balance.best_ridge_flops_per_byte,
                                balance->best_ridge_flops_per_byte,
                                1e-3 * balance->best_ridge_flops_per_byte);
    }
    experiment_config_fini(&config);
}
END_TEST

static void refuse(const char *const *overrides, const struct roofline_request *request,
                   const char *text)
{
    struct experiment_config config;
    struct roofline_steps steps;
    struct error error = {0};
    load(&config, overrides);
    ck_assert(!roofline_study_steps(&config, request, &listener, &steps, &error));
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_str_eq(error.text, text);
    experiment_config_fini(&config);
}

START_TEST(test_refusals)
{
    const char *const linear[] = {"cost={model: linear, base: 1 ms}", NULL};
    const char *const short_model[] = {"engine.max_model_len=2", NULL};
    const struct roofline_request long_prompt = {.prefill = true, .prompt_tokens = 8193};
    const struct roofline_request large_batch = {.decode = true, .sequences = 1025};
    const struct roofline_request long_context = {.decode = true, .context_tokens = 131073};
    refuse(linear, &both, "cost.model linear has no operators: it must be roofline");
    refuse(NULL, &long_prompt, "--prompt 8193 is more than max_num_batched_tokens (8192)");
    refuse(NULL, &large_batch, "--batch 1025 is more than max_num_seqs (1024)");
    refuse(NULL, &long_context, "--context 131073 is more than max_model_len (131072)");
    refuse(short_model, &both,
           "no request of the workload is as short as max_model_len (2 tokens)");
}
END_TEST

START_TEST(test_batch_beyond_the_cache)
{
    struct experiment_config config;
    struct roofline_steps steps;
    const struct roofline_request request = {
        .decode = true, .sequences = 1000, .context_tokens = 100000};
    load(&config, NULL);
    last_warning[0] = '\0';
    study(&config, &request, &steps);
    ck_assert_ptr_nonnull(strstr(last_warning, "sequences of 100000 tokens, fewer than 1000"));
    ck_assert_int_eq(steps.steps[ROOFLINE_DECODE].sequences, 1000);
    experiment_config_fini(&config);
}
END_TEST

START_TEST(test_accelerator_alone)
{
    struct experiment_config config;
    struct error error = {0};
    const char *configs = getenv("LLMSIM_CONFIGS");
    const char *const overrides[] = {"accelerator.memory_bandwidth=1 TB/s"};
    const char *const foreign[] = {"engine.max_num_seqs=1"};
    ck_assert(
        experiment_config_load_accelerator(&config, "h100-sxm", overrides, 1, configs, &error));
    ck_assert_double_eq(config.accelerator.memory_bandwidth_bytes_per_s, 1e12);
    ck_assert_double_eq(config.accelerator.bf16_flops_per_s, 989e12);
    experiment_config_fini(&config);
    ck_assert(
        !experiment_config_load_accelerator(&config, "h100-sxm", foreign, 1, configs, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "only accelerator.KEY=VALUE"));
    ck_assert(!experiment_config_load_accelerator(&config, "h100-sxn", NULL, 0, configs, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "did you mean 'h100-sxm'?"));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_gemm_by_hand,           test_device,
                                  test_totals_are_the_step,    test_crossings_by_hand,
                                  test_always_compute_bound,   test_defaults_fit_the_workload,
                                  test_best_balance,           test_refusals,
                                  test_batch_beyond_the_cache, test_accelerator_alone};
    return unit_run("roofline_study", tests, COUNT(tests));
}
