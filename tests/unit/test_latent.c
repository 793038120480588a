/* Latent attention, by hand: FLOPs and bytes of DeepSeek-V3, absorbed and expanded. */
#include "operator_list.h"
#include "roofline.h"
#include "round_figures.h"

/* 61 layers of 7168, 128 heads over 8 ranks: 16 of 128 + 64 and, for values, 128 wide. Queries go through
 * 1536, keys and values through 512 and a rotary key of 64, which every rank computes. */
static const double layers = 61, heads = 16;
static const double projections =
    7168.0 * (1536 + 512 + 64) + 1536.0 * 16 * (128 + 64) + 16 * 128.0 * 7168;
/* 3 layers of 18432; then 58 with a shared expert and 256 others of 2048, of which a token takes 8. */
static const double dense_mlp = 3 * 7168.0 * 18432 / 8;
static const double expert = 3 * 7168.0 * 2048 / 8;
static const double router = 7168.0 * 256;
static const double head = 129280.0 / 8 * 7168;
/* From the latent to the heads and back. */
static const double absorption = 16 * 512.0 * (128 + 128);
static const double absorbed_pair = 2 * 16 * (576.0 + 512);
static const double expanded_pair = 2 * 16 * (192.0 + 128);

static struct fixture fixture;

static void enter(void)
{
    fixture_init(&fixture, "deepseek-v3", "h200-sxm");
    ck_assert_int_eq(fixture.config.latent_attention, -1);
}

static void leave(void)
{
    fixture_fini(&fixture);
}

/* FLOPs of `tokens`, of which so many are sampled from, but for attention and what it takes to get from
 * the latent to the heads. */
static double other_flops(double tokens, double emitting)
{
    double moe = router + (8 + 1) * expert;
    return 2 * tokens * (layers * projections + 3 * dense_mlp + 58 * moe) + 2 * emitting * head;
}

static struct cost latent_step(int latent_attention, const struct step_load *load)
{
    fixture.config.latent_attention = latent_attention;
    struct cost cost = fixture_step(&fixture, 8, load);
    fixture.config.latent_attention = -1;
    return cost;
}

static void check_equal(struct cost a, struct cost b)
{
    ck_assert_double_eq(a.time_s, b.time_s);
    ck_assert_double_eq(a.flops, b.flops);
    ck_assert_double_eq(a.bytes, b.bytes);
}

/* Four decodes over 1000 tokens each. */
START_TEST(test_decodes)
{
    struct step_load load = fixture_decodes(4, 1000);
    struct cost absorbed = latent_step(LATENT_ABSORBED, &load);
    assert_near(absorbed.flops,
                other_flops(4, 4) + layers * (2 * 4 * absorption + absorbed_pair * 4000));
    check_equal(latent_step(-1, &load), absorbed);
    /* The latents of all contexts, to keys of 128 and values of 128 a head. */
    struct cost expanded = latent_step(LATENT_EXPANDED, &load);
    assert_near(expanded.flops,
                other_flops(4, 4) + layers * (2 * 4000 * absorption + expanded_pair * 4000));
    ck_assert_double_gt(expanded.time_s, absorbed.time_s);
}
END_TEST

/* fp8 with a scale of 4 bytes for 128 × 128; the absorbed projections, router and lm_head in 16 bits. A
 * token in the cache is 512 + 64 elements for all heads, on every rank. */
START_TEST(test_bytes)
{
    struct step_load load = fixture_decodes(4, 1000);
    double active = 256 * (1 - pow(1 - 8 / 256.0, 4));
    double quantised = layers * projections + 3 * dense_mlp + 58 * (active * expert + expert);
    double plain = 58 * router + layers * absorption + head;
    struct cost cost = latent_step(-1, &load);
    assert_near(cost.bytes, (1 + 4.0 / (128 * 128)) * quantised + 2 * plain +
                                layers * 1152 * (4000 + 4) + 4 * 2 * 7168.0);
}
END_TEST

/* A prompt's 600 tokens over 400 in the cache. */
START_TEST(test_prompts)
{
    const struct prefill_chunk chunk = {600, 400};
    struct step_load load = fixture_prefill(&chunk);
    double pairs = 600.0 * 400 + 600.0 * 601 / 2;
    struct cost expanded = latent_step(LATENT_EXPANDED, &load);
    assert_near(expanded.flops,
                other_flops(600, 1) + layers * (2 * 1000 * absorption + expanded_pair * pairs));
    check_equal(latent_step(-1, &load), expanded);
    struct cost absorbed = latent_step(LATENT_ABSORBED, &load);
    assert_near(absorbed.flops,
                other_flops(600, 1) + layers * (2 * 600 * absorption + absorbed_pair * pairs));
    /* More than three times the FLOPs a pair: long prompts are better expanded. */
    const struct prefill_chunk prompt = {8000, 0};
    load = fixture_prefill(&prompt);
    ck_assert_double_gt(latent_step(LATENT_ABSORBED, &load).time_s,
                        1.1 * latent_step(LATENT_EXPANDED, &load).time_s);
}
END_TEST

/* Decodes of 700 and 300 tokens in all beside a chunk: each its own way. */
START_TEST(test_mixed)
{
    const struct prefill_chunk chunk = {600, 400};
    struct step_load load = {.tokens = 602,
                             .decode_sequences = 2,
                             .decode_context_sum = 1000,
                             .decode_context_max = 700,
                             .emitting_sequences = 3,
                             .chunk_count = 1,
                             .chunks = &chunk};
    double pairs = 600.0 * 400 + 600.0 * 601 / 2, other = other_flops(602, 3);
    assert_near(latent_step(-1, &load).flops,
                other + layers * (2 * (2 + 1000) * absorption + expanded_pair * pairs +
                                  absorbed_pair * 1000));
    assert_near(latent_step(LATENT_ABSORBED, &load).flops,
                other + layers * (2 * 602 * absorption + absorbed_pair * (pairs + 1000)));
    assert_near(latent_step(LATENT_EXPANDED, &load).flops,
                other + layers * (2 * (1000 + 1000) * absorption + expanded_pair * (pairs + 1000)));
}
END_TEST

/* A model whose queries have no latent of their own: 7168 × 16·192 in place of two products. */
START_TEST(test_plain_queries)
{
    struct step_load load = fixture_decodes(4, 1000);
    double with = latent_step(-1, &load).flops;
    fixture.model.q_lora_rank = 0;
    assert_near(latent_step(-1, &load).flops - with,
                2 * 4 * layers * (7168.0 * 16 * 192 - 7168.0 * 1536 - 1536.0 * 16 * 192));
}
END_TEST

/* All of it grows with heads: one rank has eight times those of one of eight. */
START_TEST(test_heads)
{
    struct step_load load = fixture_decodes(1, 100000);
    fixture.accelerator.memory_bytes = 1e13;
    double one = fixture_step(&fixture, 1, &load).flops,
           eight = fixture_step(&fixture, 8, &load).flops;
    double common = 2 * (layers * 7168 * (1536 + 512 + 64) + 58 * router);
    assert_near(one - common, 8 * (eight - common));
    ck_assert_double_gt(eight, layers * heads * 2 * (576 + 512) * 1e5);
}
END_TEST

/* The product of 64 rows of 16·128 elements and 7168 columns, in each layer. */
static void check_output_projection(const struct step_load *load, int dtype,
                                    double activation_bytes, struct cost pass, double pass_bytes)
{
    struct cost_model cost_model = fixture_create(&fixture, 8);
    struct operator_list list;
    roofline_list(&cost_model, load, &list);
    cost_model.destroy(cost_model.state);
    const struct gemm_shape shape = {64, 64, 7168, 2048, 1 + 4.0 / (128 * 128), activation_bytes,
                                     2.0};
    struct cost product = gemm_cost(&fixture.accelerator, dtype, &shape);
    for (int i = 0; i < list.count; i++) {
        if (strcmp(list.items[i].name, "output projection") != 0)
            continue;
        assert_near(list.items[i].cost.time_s, layers * (product.time_s + pass.time_s));
        assert_near(list.items[i].moved_bytes, layers * (gemm_bytes(&shape) + pass_bytes));
        return;
    }
    ck_abort_msg("there is no output projection");
}

/* 8-bit products reach twice the peak, after a pass over their rows, 2 bytes in and 1 out an element;
 * without units for them weights are all that is narrow. */
START_TEST(test_8bit)
{
    struct step_load load = fixture_decodes(64, 1000);
    fixture.accelerator = round_figures;
    struct cost_model cost_model = fixture_create(&fixture, 8);
    ck_assert_double_eq(cost_model.peak_flops_per_s, 200e12);
    cost_model.destroy(cost_model.state);
    struct cost both = fixture_step(&fixture, 8, &load);
    check_output_projection(&load, DTYPE_FP8, 1.0, quantise_cost(&round_figures, 64, 2048),
                            3.0 * 64 * 2048);
    fixture.accelerator.fp8_flops_per_s = NAN;
    cost_model = fixture_create(&fixture, 8);
    ck_assert_double_eq(cost_model.peak_flops_per_s, 100e12);
    cost_model.destroy(cost_model.state);
    struct cost weights = fixture_step(&fixture, 8, &load);
    check_output_projection(&load, DTYPE_BF16, 2.0, (struct cost){0}, 0.0);
    ck_assert_double_eq(weights.bytes, both.bytes);
    ck_assert_double_eq(weights.flops, both.flops);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_decodes,       test_bytes, test_prompts, test_mixed,
                                  test_plain_queries, test_heads, test_8bit};
    return unit_run_with("latent", tests, COUNT(tests), enter, leave);
}
