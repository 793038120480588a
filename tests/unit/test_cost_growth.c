/* On every shipped accelerator: more to do never takes less time, and nothing is negative, infinite or no
 * number at the extremes. */
#include "round_figures.h"

enum { MOST_TOKENS = 1000000, LONGEST_CONTEXT = 131072 };

static const char *subject; /* for messages */

static void check_cost(const struct cost *cost)
{
    double sum_s = 0.0;
    for (int i = 0; i < BOUND_COUNT; i++) {
        ck_assert_msg(cost->bound_s[i] >= 0.0, "%s: %g s", subject, cost->bound_s[i]);
        sum_s += cost->bound_s[i];
    }
    ck_assert_msg(isfinite(cost->time_s) && cost->time_s > 0.0, "%s: %g s", subject, cost->time_s);
    assert_near(sum_s, cost->time_s);
    ck_assert(isfinite(cost->flops) && cost->flops >= 0.0);
    ck_assert(isfinite(cost->bytes) && cost->bytes >= 0.0);
}

/* At least as long as the one before, but for `saved_s`, which a change of kernels may save. */
static void check_growth(struct cost *before, struct cost now, double saved_s, const char *what,
                         double value)
{
    check_cost(&now);
    ck_assert_msg(now.time_s >= (before->time_s - saved_s) * (1.0 - 1e-12),
                  "%s: %g s with %g %s, and %g s with less", subject, now.time_s, value, what,
                  before->time_s);
    *before = now;
}

/* What is supported, of 16 bits. */
static int dtype_of(const struct accelerator *accelerator)
{
    return accelerator_supports(accelerator, DTYPE_BF16) ? DTYPE_BF16 : DTYPE_FP16;
}

static struct cost step_of(const struct cost_model *cost_model, struct step_load load)
{
    struct cost cost;
    cost_model->step(cost_model->state, &load, &cost);
    return cost;
}

static struct cost prefill_of(const struct cost_model *cost_model, int32_t tokens, int32_t context)
{
    const struct prefill_chunk chunk = {tokens, context};
    return step_of(cost_model, fixture_prefill(&chunk));
}

static void check_decodes(const struct fixture *fixture, const struct cost_model *cost_model)
{
    for (int32_t sequences = 1; sequences <= 256; sequences *= 4) {
        struct cost cost = {0};
        for (int32_t context = 1; context <= LONGEST_CONTEXT; context = context * 5 / 4 + 1)
            check_growth(
                &cost,
                step_of(cost_model, fixture_model_decodes(&fixture->model, sequences, context)),
                0.0, "tokens of context", context);
        check_growth(
            &cost,
            step_of(cost_model, fixture_model_decodes(&fixture->model, sequences, LONGEST_CONTEXT)),
            0.0, "tokens of context", LONGEST_CONTEXT);
    }
    /* From some number of sequences on, contexts are whole, and nothing is added up. */
    double split_s =
        fixture->accelerator.decode_attention.split_s * (double)fixture->model.num_hidden_layers;
    static const int32_t contexts[] = {1, 511, 512, 4000, LONGEST_CONTEXT};
    for (size_t i = 0; i < COUNT(contexts); i++) {
        struct cost cost = {0};
        for (int32_t sequences = 1; sequences <= 256; sequences += 3)
            check_growth(
                &cost,
                step_of(cost_model, fixture_model_decodes(&fixture->model, sequences, contexts[i])),
                split_s, "sequences", sequences);
    }
}

static void check_prompts(const struct cost_model *cost_model)
{
    static const int32_t contexts[] = {0, 1, 1000, LONGEST_CONTEXT};
    for (size_t i = 0; i < COUNT(contexts); i++) {
        struct cost cost = {0};
        for (int32_t tokens = 1; tokens <= MOST_TOKENS; tokens += tokens < 300 ? 3 : tokens / 7)
            check_growth(&cost, prefill_of(cost_model, tokens, contexts[i]), 0.0, "tokens", tokens);
        check_growth(&cost, prefill_of(cost_model, MOST_TOKENS, contexts[i]), 0.0, "tokens",
                     MOST_TOKENS);
    }
    for (int32_t tokens = 1; tokens <= 4096; tokens *= 8) {
        struct cost cost = {0};
        for (int32_t context = 0; context <= LONGEST_CONTEXT; context = context * 3 / 2 + 1)
            check_growth(&cost, prefill_of(cost_model, tokens, context), 0.0, "tokens of context",
                         context);
    }
}

static void check_steps(const char *name, const char *model)
{
    struct fixture fixture;
    fixture_init(&fixture, model, name);
    subject = name;
    fixture.model.dtype = dtype_of(&fixture.accelerator);
    struct deployment deployment = fixture_deployment(&fixture.model, 1);
    struct cost_model cost_model = fixture_deploy(&fixture, &deployment, MOST_TOKENS);
    check_decodes(&fixture, &cost_model);
    check_prompts(&cost_model);
    cost_model.destroy(cost_model.state);
    fixture_fini(&fixture);
}

static void check_dense(const char *name)
{
    check_steps(name, "llama-3.1-8b");
}

static void check_experts(const char *name)
{
    check_steps(name, "qwen3-30b-a3b");
}

static void check_latents(const char *name)
{
    check_steps(name, "deepseek-v3");
}

static void check_windows(const char *name)
{
    check_steps(name, "gemma-3-27b");
}

START_TEST(test_dense_steps)
{
    fixture_each("accelerators", check_dense);
}
END_TEST

START_TEST(test_steps_with_experts)
{
    fixture_each("accelerators", check_experts);
}
END_TEST

START_TEST(test_steps_with_latents)
{
    fixture_each("accelerators", check_latents);
}
END_TEST

START_TEST(test_steps_with_windows)
{
    fixture_each("accelerators", check_windows);
}
END_TEST

/* One of three dimensions grows, from a product that has so much of the others. */
static void check_gemm_dimension(const struct accelerator *accelerator, int dtype, int dimension)
{
    static const double others[] = {1, 100, 4096};
    double bytes = dtype == DTYPE_FP8 || dtype == DTYPE_INT8 ? 1.0 : 2.0;
    for (size_t i = 0; i < COUNT(others) * COUNT(others); i++) {
        struct cost cost = {0};
        for (double size = 1.0; size <= 1e6; size = floor(size * 1.15) + 1.0) {
            double sizes[3] = {others[i % COUNT(others)], others[i / COUNT(others)], 0};
            sizes[2] = sizes[dimension];
            sizes[dimension] = size;
            struct gemm_shape shape = {sizes[0], sizes[0], sizes[1], sizes[2], bytes, bytes, 2.0};
            check_growth(&cost, gemm_cost(accelerator, dtype, &shape), 0.0,
                         (const char *const[]){"rows", "columns", "inner"}[dimension], size);
        }
    }
}

static void check_gemms(const char *name)
{
    struct document *document = document_create();
    struct accelerator accelerator;
    fixture_read_accelerator(document, name, &accelerator);
    subject = name;
    for (int dtype = 0; dtype < DTYPE_COUNT; dtype++) {
        for (int dimension = 0; dimension < 3 && accelerator_supports(&accelerator, dtype);
             dimension++)
            check_gemm_dimension(&accelerator, dtype, dimension);
    }
    struct cost moved = {0}, quantised = {0};
    for (double size = 1.0; size < 1e12; size *= 1.3) {
        check_growth(&moved, elementwise_cost(&accelerator, size), 0.0, "bytes", size);
        check_growth(&quantised, quantise_cost(&accelerator, size, 4096), 0.0, "rows", size);
    }
    document_destroy(document);
}

START_TEST(test_products)
{
    fixture_each("accelerators", check_gemms);
}
END_TEST

/* The H200 is the H100 with faster memory. */
static void check_h200(const char *model)
{
    struct fixture h100, h200;
    fixture_init(&h100, model, "h100-sxm");
    fixture_init(&h200, model, "h200-sxm");
    const struct prefill_chunk chunks[] = {{1, 0}, {100, 0}, {5000, 0}, {3, 100000}, {2000, 30000}};
    for (int ranks = 1; ranks <= 8; ranks *= 8) {
        struct cost_model slow = fixture_create(&h100, ranks), fast = fixture_create(&h200, ranks);
        for (size_t i = 0; i < COUNT(chunks); i++) {
            struct step_load load = fixture_prefill(&chunks[i]);
            ck_assert_double_le(step_of(&fast, load).time_s, step_of(&slow, load).time_s);
        }
        for (int32_t sequences = 1; sequences <= 256; sequences += 3) {
            for (int32_t context = 1; context <= LONGEST_CONTEXT; context *= 8) {
                struct step_load load = fixture_model_decodes(&h100.model, sequences, context);
                ck_assert_double_lt(step_of(&fast, load).time_s, step_of(&slow, load).time_s);
            }
        }
        slow.destroy(slow.state);
        fast.destroy(fast.state);
    }
    fixture_fini(&h100);
    fixture_fini(&h200);
}

START_TEST(test_h200_is_no_slower)
{
    fixture_each("models", check_h200);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_dense_steps,        test_steps_with_experts,
                                  test_steps_with_latents, test_steps_with_windows,
                                  test_products,           test_h200_is_no_slower};
    return unit_run("cost_growth", tests, COUNT(tests));
}
