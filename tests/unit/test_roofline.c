/* The roofline: steps against their operators, against hand counts and against physics. */
#include "operator_list.h"
#include "roofline.h"
#include "round_figures.h"

START_TEST(test_elementwise_by_hand)
{
    /* 4 MB stay within half of 10 MB: 4e6/2e12 = 2 µs. */
    struct cost cost = elementwise_cost(&round_figures, 4e6);
    ck_assert_double_eq_tol(cost.time_s, 4e-6, 1e-15);
    /* Of 6 MB, 1 MB spills: 3 µs + 1e6·(1/0.5e12 − 1/2e12) = 4.5 µs. */
    cost = elementwise_cost(&round_figures, 6e6);
    ck_assert_double_eq_tol(cost.time_s, 2e-6 + 4.5e-6, 1e-15);
}
END_TEST

START_TEST(test_padding)
{
    const int32_t pairs[][2] = {{1, 1},     {2, 2},     {3, 4},     {4, 4},     {5, 8},
                                {8, 8},     {9, 16},    {17, 24},   {249, 256}, {256, 256},
                                {257, 272}, {500, 512}, {512, 512}, {513, 513}, {8192, 8192}};
    for (size_t i = 0; i < COUNT(pairs); i++)
        ck_assert_int_eq(roofline_padded_tokens(pairs[i][0], 256, 8192), pairs[i][1]);
    /* Nothing is captured beyond twice max_num_seqs, nor beyond the budget. */
    ck_assert_int_eq(roofline_padded_tokens(13, 8, 8192), 16);
    ck_assert_int_eq(roofline_padded_tokens(17, 8, 8192), 17);
    ck_assert_int_eq(roofline_padded_tokens(3, 1, 8192), 3);
    ck_assert_int_eq(roofline_padded_tokens(99, 256, 100), 99);
    ck_assert_int_eq(roofline_padded_tokens(2000000000, 2000000000, 2000000000), 2000000000);
}
END_TEST

START_TEST(test_decode_is_bound_by_weights)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-2-7b", "a100-sxm-80gb");
    struct step_load load = fixture_decodes(1, 100);
    struct cost cost = fixture_step(&fixture, 1, &load);
    /* 13.48 GB at 2039 GB/s are 6.6 ms. */
    ck_assert_double_gt(cost.time_s, 6.6e-3);
    ck_assert_double_lt(cost.time_s, 6.6e-3 * 1.8);
    ck_assert_double_gt(cost.bound_s[BOUND_MEMORY], 0.7 * cost.time_s);
    /* Every weight but the embedding's other rows and the norms, once; the KV cache, once. */
    double h = 4096;
    double matrices = 6738415616.0 - 32000 * h - 65 * h;
    ck_assert_double_eq_tol(cost.flops, 2.0 * matrices + 32 * 4.0 * h * 100, 1.0);
    ck_assert_double_eq_tol(cost.bytes, 2.0 * matrices + 2 * h + 32 * 2 * 2 * h * (100 + 1), 1.0);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_what_helps_what)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-3.1-8b", "h100-sxm");
    const struct prefill_chunk chunk = {8192, 0};
    struct step_load prefill = fixture_prefill(&chunk), decode = fixture_decodes(32, 2000);
    double prefill_s = fixture_step(&fixture, 1, &prefill).time_s;
    double decode_s = fixture_step(&fixture, 1, &decode).time_s;

    struct fixture wide = fixture;
    wide.accelerator.memory_bandwidth_bytes_per_s *= 2.0;
    ck_assert_double_lt(fixture_step(&wide, 1, &decode).time_s, 0.7 * decode_s);
    ck_assert_double_gt(fixture_step(&wide, 1, &prefill).time_s, 0.9 * prefill_s);

    struct fixture fast = fixture;
    fast.accelerator.bf16_flops_per_s *= 2.0;
    ck_assert_double_lt(fixture_step(&fast, 1, &prefill).time_s, 0.7 * prefill_s);
    ck_assert_double_gt(fixture_step(&fast, 1, &decode).time_s, 0.97 * decode_s);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_dtype_chooses_the_peak)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-2-7b", "h100-sxm");
    struct cost_model cost_model = fixture_create(&fixture, 1);
    ck_assert_double_eq(cost_model.peak_flops_per_s, fixture.accelerator.fp16_flops_per_s);
    cost_model.destroy(cost_model.state);
    fixture.model.dtype = DTYPE_FP32;
    cost_model = fixture_create(&fixture, 1);
    ck_assert_double_eq(cost_model.peak_flops_per_s, fixture.accelerator.fp32_flops_per_s);
    ck_assert_double_eq(cost_model.peak_bytes_per_s,
                        fixture.accelerator.memory_bandwidth_bytes_per_s);
    cost_model.destroy(cost_model.state);
    fixture_fini(&fixture);
}
END_TEST

/* The bounds add up to the time, the operators to the step, and nothing beats its peak. */
static void check_step(struct cost_model *cost_model, const struct step_load *load)
{
    struct cost cost, again;
    cost_model->step(cost_model->state, load, &cost);
    cost_model->step(cost_model->state, load, &again);
    ck_assert(cost.time_s == again.time_s); /* filling a table changes nothing */
    double bounds_s = 0.0;
    for (int i = 0; i < BOUND_COUNT; i++)
        bounds_s += cost.bound_s[i];
    assert_near(bounds_s, cost.time_s);
    ck_assert_double_lt(cost.flops, cost.time_s * cost_model->peak_flops_per_s);
    ck_assert_double_lt(cost.bytes, cost.time_s * cost_model->peak_bytes_per_s);
    if (load->idle_sequences > 0)
        return;
    struct operator_list list;
    roofline_list(cost_model, load, &list);
    struct cost sum = operator_list_sum(&list);
    assert_near(sum.time_s, cost.time_s);
    assert_near(sum.flops, cost.flops);
    assert_near(sum.bytes, cost.bytes);
    for (int i = 0; i < BOUND_COUNT; i++)
        ck_assert_double_eq_tol(sum.bound_s[i], cost.bound_s[i], 1e-9 * cost.time_s);
}

static void check_steps(const struct fixture *fixture, const struct deployment *deployment)
{
    static const struct prefill_chunk chunks[] = {{1, 70}, {64, 0}, {65, 4000}, {3000, 0}};
    struct cost_model cost_model = fixture_deploy(fixture, deployment, 8192);
    struct step_load load = fixture_model_decodes(&fixture->model, 1, 1);
    check_step(&cost_model, &load);
    /* On either side of where contexts are no longer split, padded and not. */
    for (int32_t sequences = 5; sequences < 250; sequences += 4) {
        load = fixture_model_decodes(&fixture->model, sequences, 3000);
        check_step(&cost_model, &load);
    }
    load = fixture_prefill(&chunks[3]);
    load.emitting_sequences = 0; /* the prompt goes on in the next step */
    check_step(&cost_model, &load);
    load = fixture_model_decodes(&fixture->model, 100, 700);
    load.tokens += 3130;
    load.decode_context_max = 1500;
    load.emitting_sequences = 103;
    load.chunk_count = 4;
    load.chunks = chunks;
    check_step(&cost_model, &load);
    load.idle_sequences = 30;
    check_step(&cost_model, &load);
    cost_model.destroy(cost_model.state);
}

static void check_model(const char *model)
{
    static const char *const accelerators[] = {"a100-sxm-80gb", "h100-sxm", "rtx-4090",
                                               "rtx-pro-6000"};
    for (size_t i = 0; i < COUNT(accelerators); i++) {
        struct fixture fixture;
        fixture_init(&fixture, model, accelerators[i]);
        struct deployment deployment = fixture_deployment(&fixture.model, 1);
        check_steps(&fixture, &deployment);
        deployment = fixture_deployment(&fixture.model, 8);
        deployment.pipeline_parallel_size = 2;
        check_steps(&fixture, &deployment);
        deployment.data_parallel_size = 2;
        deployment.expert_parallel = true;
        check_steps(&fixture, &deployment);
        fixture.config.attention = ATTENTION_UNFUSED;
        fixture.config.latent_attention = LATENT_EXPANDED;
        check_steps(&fixture, &deployment);
        fixture_fini(&fixture);
    }
}

START_TEST(test_sums)
{
    fixture_each("models", check_model);
}
END_TEST

/* vLLM's get_pp_indices: layers left over are on the stages before the last. */
START_TEST(test_stage_times)
{
    static const struct {
        const char *model;
        int32_t stages;
        double layers[5];
    } cases[] = {{"llama-3.1-70b", 2, {40, 40}},
                 {"llama-3.1-70b", 3, {27, 27, 26}},
                 {"deepseek-v3", 4, {15, 15, 16, 15}},
                 {"gemma-3-27b", 5, {12, 12, 13, 13, 12}}};
    const struct prefill_chunk chunk = {700, 0};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fixture fixture;
        fixture_init(&fixture, cases[i].model, "h100-sxm");
        struct deployment deployment = fixture_deployment(&fixture.model, 2);
        int32_t stages = deployment.pipeline_parallel_size = cases[i].stages;
        struct cost_model cost_model = fixture_deploy(&fixture, &deployment, 8192);
        ck_assert_int_eq(cost_model.stage_count, stages);
        struct step_load loads[] = {fixture_model_decodes(&fixture.model, 50, 1000),
                                    fixture_prefill(&chunk)};
        for (size_t j = 0; j < COUNT(loads); j++) {
            struct cost cost;
            double stage_s[5], transfer_s;
            cost_model.step(cost_model.state, &loads[j], &cost);
            cost_model.stage_times(cost_model.state, &loads[j], &cost, stage_s, &transfer_s);
            double sum_s = transfer_s * (stages - 1), layer_s = stage_s[1] / cases[i].layers[1];
            if (stages == 2)
                layer_s = 0.0; /* the last has lm_head */
            for (int32_t stage = 0; stage < stages; stage++) {
                sum_s += stage_s[stage];
                if (stage > 0 && stage < stages - 1)
                    assert_near(stage_s[stage], cases[i].layers[stage] * layer_s);
            }
            assert_near(sum_s, cost.time_s);
            ck_assert_double_gt(transfer_s, 0.0);
            /* The host's share of a step with prefill comes first, sampling last. */
            double host_s = j == 1 ? fixture.accelerator.host.prefill_step_s : 0.0;
            ck_assert_double_gt(stage_s[0], cases[i].layers[0] * layer_s + host_s);
            ck_assert_double_gt(stage_s[stages - 1], cases[i].layers[stages - 1] * layer_s + 20e-6);
        }
        cost_model.destroy(cost_model.state);
        fixture_fini(&fixture);
    }
}
END_TEST

static double relative_difference(double a, double b)
{
    return fabs(a - b) / b;
}

/* A padded chunk takes as long as one that is that long, and computes what it computes. */
START_TEST(test_padded_chunks)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-2-7b", "a100-sxm-80gb");
    const struct prefill_chunk chunks[] = {{100, 0}, {700, 0}, {1000, 0}};
    const struct prefill_chunk equal[] = {{1000, 0}, {1000, 0}, {1000, 0}};
    struct step_load load = {
        .tokens = 1800, .emitting_sequences = 3, .chunk_count = 3, .chunks = chunks};
    struct step_load longest = {
        .tokens = 3000, .emitting_sequences = 3, .chunk_count = 3, .chunks = equal};
    struct cost useful = fixture_step(&fixture, 1, &load);
    load.padded_chunk_tokens = 1000;
    struct cost padded = fixture_step(&fixture, 1, &load);
    struct cost whole = fixture_step(&fixture, 1, &longest);
    ck_assert_double_eq_tol(padded.time_s, whole.time_s, 1e-12);
    ck_assert_double_gt(padded.time_s, 1.3 * useful.time_s);
    ck_assert_double_lt(relative_difference(padded.flops, useful.flops), 1e-9);
    ck_assert_double_eq(padded.bytes, useful.bytes);
    ck_assert_double_gt(whole.bytes, useful.bytes);
    fixture_fini(&fixture);
}
END_TEST

/* Rows that decode for nobody go through the layers, and have no context to attend to. */
START_TEST(test_idle_sequences)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-2-7b", "a100-sxm-80gb");
    struct step_load load = fixture_decodes(10, 1000), all = fixture_decodes(200, 1000);
    struct cost useful = fixture_step(&fixture, 1, &load);
    load.idle_sequences = 190;
    struct cost padded = fixture_step(&fixture, 1, &load);
    ck_assert_double_gt(padded.time_s, 1.02 * useful.time_s);
    ck_assert_double_lt(padded.time_s, 0.8 * fixture_step(&fixture, 1, &all).time_s);
    ck_assert_double_lt(relative_difference(padded.flops, useful.flops), 1e-9);
    double bounds_s = 0.0;
    for (int i = 0; i < BOUND_COUNT; i++)
        bounds_s += padded.bound_s[i];
    ck_assert_double_eq_tol(bounds_s, padded.time_s, 1e-12);
    ck_assert_double_eq(padded.bytes, useful.bytes);
    fixture_fini(&fixture);
}
END_TEST

/* Nor do they compute anything beside chunks, or where experts are exchanged. */
START_TEST(test_idle_rows_are_no_work)
{
    struct fixture fixture;
    fixture_init(&fixture, "mixtral-8x7b", "h100-sxm");
    const struct prefill_chunk chunks[] = {{100, 0}, {60, 0}};
    struct step_load decodes = fixture_decodes(8, 1000), mixed = fixture_decodes(8, 1000);
    mixed.tokens += 160;
    mixed.emitting_sequences += 2;
    mixed.chunk_count = 2;
    mixed.chunks = chunks;
    struct step_load loads[] = {decodes, mixed};
    for (int32_t data_parallel = 1; data_parallel <= 2; data_parallel++) {
        struct deployment deployment = fixture_deployment(&fixture.model, 1);
        deployment.data_parallel_size = data_parallel;
        for (size_t i = 0; i < COUNT(loads); i++) {
            struct step_load load = loads[i];
            load.group_rows = load.tokens + 50;
            struct cost useful = fixture_step_on(&fixture, &deployment, &load);
            load.idle_sequences = 32;
            load.group_rows += 32;
            if (load.chunk_count > 0) {
                load.padded_chunk_tokens = 100;
                load.group_rows += 40;
            }
            struct cost padded = fixture_step_on(&fixture, &deployment, &load);
            ck_assert_double_gt(padded.time_s, useful.time_s);
            assert_near(padded.flops, useful.flops);
        }
    }
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_tensor_parallelism)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-3.1-70b", "h100-sxm");
    const struct prefill_chunk chunk = {4096, 0};
    struct step_load loads[] = {fixture_decodes(64, 1000), fixture_prefill(&chunk)};
    for (size_t i = 0; i < COUNT(loads); i++) {
        struct cost one = fixture_step(&fixture, 1, &loads[i]);
        struct cost two = fixture_step(&fixture, 2, &loads[i]);
        struct cost eight = fixture_step(&fixture, 8, &loads[i]);
        ck_assert_double_lt(two.time_s, one.time_s);
        ck_assert_double_gt(two.time_s, 0.5 * one.time_s);
        ck_assert_double_lt(eight.time_s, two.time_s);
        ck_assert_double_eq(one.bound_s[BOUND_COMMUNICATION], 0.0);
        ck_assert_double_gt(two.bound_s[BOUND_COMMUNICATION], 0.0);
        ck_assert_double_eq_tol(two.flops, one.flops / 2.0, 1e-9 * one.flops);
    }
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_unfused_attention_is_slower)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-2-7b", "a100-sxm-80gb");
    const struct prefill_chunk chunk = {4096, 0};
    struct step_load prefill = fixture_prefill(&chunk), decode = fixture_decodes(16, 2000);
    double prefill_s = fixture_step(&fixture, 1, &prefill).time_s;
    double decode_s = fixture_step(&fixture, 1, &decode).time_s;
    fixture.config.attention = ATTENTION_UNFUSED;
    /* 32 layers write and read 32 heads' 4096² scores in fp16, twice: 137 GB. */
    double traffic_s = 4.0 * 2 * 32 * 32 * 4096.0 * 4096.0 / 2039e9;
    ck_assert_double_gt(fixture_step(&fixture, 1, &prefill).time_s, prefill_s + traffic_s);
    ck_assert_double_gt(fixture_step(&fixture, 1, &decode).time_s, decode_s);
    fixture_fini(&fixture);
}
END_TEST

/* 1.6 · 188 SMs over 8 KV heads are 37.6 sequences: the first that pads to 40 is the 33rd. It saves
 * the adding up in each of 32 layers. */
START_TEST(test_padding_ends_splitting)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-3.1-8b", "rtx-pro-6000");
    double split_s = fixture.accelerator.decode_attention.split_s;
    double overhead_s[3];
    for (int i = 0; i < 3; i++) {
        struct step_load load = fixture_decodes(31 + i, 2000);
        overhead_s[i] = fixture_step(&fixture, 1, &load).bound_s[BOUND_OVERHEAD];
    }
    double sequence_s = 0.5e-6; /* to sample */
    ck_assert_double_eq_tol(overhead_s[1] - overhead_s[0], sequence_s, 1e-12);
    ck_assert_double_eq_tol(overhead_s[2] - overhead_s[1], sequence_s - 32 * split_s, 1e-12);
    fixture_fini(&fixture);
}
END_TEST

START_TEST(test_host_overhead)
{
    struct fixture fixture;
    fixture_init(&fixture, "llama-3.1-8b", "rtx-pro-6000");
    const struct prefill_chunk chunk = {100, 0};
    struct step_load prefill = fixture_prefill(&chunk), decode = fixture_decodes(4, 100);
    double prefill_s = fixture_step(&fixture, 1, &prefill).time_s;
    double decode_s = fixture_step(&fixture, 1, &decode).time_s;
    fixture.accelerator.host = (struct host_overhead){0};
    double step_s = 0.3e-3, sampler_s = 20e-6, sequence_s = 0.5e-6;
    ck_assert_double_eq_tol(prefill_s - fixture_step(&fixture, 1, &prefill).time_s,
                            step_s + 5.2e-3 + sampler_s + sequence_s, 1e-12);
    ck_assert_double_eq_tol(decode_s - fixture_step(&fixture, 1, &decode).time_s,
                            step_s + sampler_s + 4 * sequence_s, 1e-12);
    fixture_fini(&fixture);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_elementwise_by_hand,
                                  test_padding,
                                  test_decode_is_bound_by_weights,
                                  test_what_helps_what,
                                  test_dtype_chooses_the_peak,
                                  test_sums,
                                  test_stage_times,
                                  test_padded_chunks,
                                  test_idle_sequences,
                                  test_idle_rows_are_no_work,
                                  test_tensor_parallelism,
                                  test_unfused_attention_is_slower,
                                  test_padding_ends_splitting,
                                  test_host_overhead};
    return unit_run("roofline", tests, COUNT(tests));
}
