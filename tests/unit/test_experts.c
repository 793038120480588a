/* What a step of a model with experts costs, by hand: FLOPs, bytes and messages under tensor, expert and
 * data parallelism. */
#include "round_figures.h"

/* Mixtral: 32 layers of 4096, 8 experts of 14336, of which a token takes 2; 32 heads on 8 KV heads. */
static const double layers = 32, hidden = 4096, vocab = 32000;
static const double attention_weights = 4096.0 * (4096 + 2 * 1024) + 4096.0 * 4096;
static const double router_weights = 4096.0 * 8;
static const double expert_weights = 3 * 4096.0 * 14336;

static struct fixture fixture;

static void enter(void)
{
    fixture_init(&fixture, "mixtral-8x7b", "h100-sxm");
    fixture.accelerator = round_figures;
}

static void leave(void)
{
    fixture_fini(&fixture);
}

/* 8 experts, 2 a token, T tokens: 8·(1 − ¾^T). */
static double active_experts(double tokens)
{
    return 8.0 * (1.0 - pow(0.75, tokens));
}

static struct deployment deployment_of(int32_t tensor, int32_t data, bool expert_parallel)
{
    struct deployment deployment = fixture_deployment(&fixture.model, tensor);
    deployment.data_parallel_size = data;
    deployment.expert_parallel = expert_parallel;
    return deployment;
}

/* Four decodes of 100 tokens each, in company of as many a rank: what no padding changes. */
static struct step_load four_decodes(int32_t group_rows)
{
    struct step_load load = fixture_decodes(4, 100);
    load.group_rows = group_rows;
    return load;
}

static const double kv_flops = 32 * 4.0 * 4096 * 400;   /* on all ranks */
static const double kv_bytes = 32 * 4096.0 * (400 + 4); /* read, and written */
static const double embedding_bytes = 4 * 2.0 * 4096;

START_TEST(test_one_rank)
{
    struct deployment deployment = deployment_of(1, 1, false);
    struct step_load load = four_decodes(0);
    struct cost cost = fixture_step_on(&fixture, &deployment, &load);
    assert_near(
        cost.flops,
        8 * (layers * (attention_weights + router_weights + 2 * expert_weights) + vocab * hidden) +
            kv_flops);
    double experts = active_experts(4) * expert_weights;
    assert_near(cost.bytes,
                2 * (layers * (attention_weights + router_weights + experts) + vocab * hidden) +
                    kv_bytes + embedding_bytes);
    ck_assert_double_eq(cost.bound_s[BOUND_COMMUNICATION], 0.0);
}
END_TEST

/* Half of all but the router, whether an expert is halved or every second is elsewhere. */
START_TEST(test_two_ranks)
{
    struct step_load load = four_decodes(0);
    for (int expert_parallel = 0; expert_parallel < 2; expert_parallel++) {
        struct deployment deployment = deployment_of(2, 1, expert_parallel > 0);
        struct cost cost = fixture_step_on(&fixture, &deployment, &load);
        double half = layers * (attention_weights / 2 + router_weights) + vocab * hidden / 2;
        assert_near(cost.flops, 8 * (half + layers * expert_weights) + kv_flops / 2);
        assert_near(cost.bytes, 2 * (half + layers * active_experts(4) / 2 * expert_weights) +
                                    kv_bytes / 2 + embedding_bytes);
    }
}
END_TEST

/* The busiest rank has half more pairs than the mean; it alone counts. */
START_TEST(test_imbalance)
{
    struct deployment deployment = deployment_of(2, 1, true);
    struct step_load load = four_decodes(0);
    struct cost even = fixture_step_on(&fixture, &deployment, &load);
    deployment.expert_imbalance = 1.5;
    struct cost uneven = fixture_step_on(&fixture, &deployment, &load);
    assert_near(uneven.flops - even.flops, 8 * layers * 0.5 * expert_weights);
    assert_near(uneven.bytes, even.bytes);
    ck_assert_double_ge(uneven.time_s, even.time_s);
    /* Every rank holds a slice of every expert: nobody is busier. */
    deployment = deployment_of(2, 1, false);
    struct cost sliced = fixture_step_on(&fixture, &deployment, &load);
    assert_near(sliced.flops, even.flops);
}
END_TEST

/* Two data-parallel ranks of 4 decodes: half of the experts see 8 tokens. */
START_TEST(test_data_parallel)
{
    struct step_load load = four_decodes(8);
    for (int expert_parallel = 0; expert_parallel < 2; expert_parallel++) {
        struct deployment deployment = deployment_of(1, 2, expert_parallel > 0);
        struct cost cost = fixture_step_on(&fixture, &deployment, &load);
        double own = layers * (attention_weights + router_weights) + vocab * hidden;
        assert_near(cost.flops, 8 * own + 16 * layers * expert_weights + kv_flops);
        assert_near(cost.bytes, 2 * (own + layers * active_experts(8) / 2 * expert_weights) +
                                    kv_bytes + embedding_bytes);
    }
}
END_TEST

/* Rows of 8192 bytes. Two ranks: 7 µs and a rank's half of the message at 25 GB/s. */
START_TEST(test_messages_of_data_parallel)
{
    struct step_load load = four_decodes(8);
    struct deployment deployment = deployment_of(1, 2, true);
    /* 32 all-gathers and reduce-scatters of 8 rows. */
    struct cost cost = fixture_step_on(&fixture, &deployment, &load);
    assert_near(cost.bound_s[BOUND_COMMUNICATION], 64 * (7e-6 + 4 * 8192 / 25e9));
    /* Dispatch and combine: each of a rank's 4 tokens visits 2·(1 − ½²) = 1.5 of the two ranks, and half
     * of that is elsewhere. */
    deployment.all2all_backend = ALL2ALL_DISPATCH_COMBINE;
    cost = fixture_step_on(&fixture, &deployment, &load);
    assert_near(cost.bound_s[BOUND_COMMUNICATION], 64 * (7e-6 + 3 * 8192 / 25e9));
    /* 8 ranks of 4: 8·(1 − (⅞)²) = 1.875 of 8, against all 8; ⅞ of it leaves. 13 µs. */
    deployment.data_parallel_size = 8;
    load.group_rows = 32;
    cost = fixture_step_on(&fixture, &deployment, &load);
    assert_near(cost.bound_s[BOUND_COMMUNICATION], 64 * (13e-6 + 0.875 * 7.5 * 8192 / 25e9));
    deployment.all2all_backend = ALL2ALL_ALLGATHER_REDUCESCATTER;
    cost = fixture_step_on(&fixture, &deployment, &load);
    assert_near(cost.bound_s[BOUND_COMMUNICATION], 64 * (13e-6 + 0.875 * 32 * 8192 / 25e9));
}
END_TEST

/* 2 · 2 ranks: the embedding and attention are summed up over two (one-shot: 6 µs and 4 rows at 50 GB/s),
 * experts over four (9 µs, ¾ of 8 rows at 25 GB/s, there and back); then tensor-parallel ranks gather their
 * tokens (7 µs, half of 4 rows), and the logits (half of 4·32000·2 bytes). */
START_TEST(test_messages_of_both)
{
    struct step_load load = four_decodes(8);
    struct deployment deployment = deployment_of(2, 2, true);
    struct cost cost = fixture_step_on(&fixture, &deployment, &load);
    double expected = 33 * (6e-6 + 4 * 8192 / 50e9) + 64 * (9e-6 + 6 * 8192 / 25e9) +
                      32 * (7e-6 + 2 * 8192 / 25e9) + 7e-6 + 128000 / 25e9;
    assert_near(cost.bound_s[BOUND_COMMUNICATION], expected);
}
END_TEST

/* The others' rows take time; a rank that says nothing of others is alone. */
START_TEST(test_group_rows)
{
    struct deployment deployment = deployment_of(1, 4, true);
    struct step_load load = four_decodes(0);
    struct cost before = fixture_step_on(&fixture, &deployment, &load);
    for (int32_t rows = 4; rows <= 1 << 20; rows *= 2) {
        load.group_rows = rows;
        struct cost cost = fixture_step_on(&fixture, &deployment, &load);
        ck_assert(isfinite(cost.time_s));
        if (rows == 4)
            ck_assert_double_eq(cost.time_s, before.time_s);
        ck_assert_double_ge(cost.time_s, before.time_s);
        ck_assert_double_ge(cost.bytes, before.bytes);
        before = cost;
    }
    /* Chunks too: the same rows, one after the other. */
    const struct prefill_chunk chunk = {512, 0};
    load = fixture_prefill(&chunk);
    load.group_rows = 512;
    before = fixture_step_on(&fixture, &deployment, &load);
    load.group_rows = 2048;
    struct cost cost = fixture_step_on(&fixture, &deployment, &load);
    assert_near(cost.flops - before.flops, 2 * layers * 2 * (2048 - 512) / 4 * expert_weights);
    /* Without data-parallel ranks there is no company. */
    deployment = deployment_of(1, 1, false);
    struct cost company = fixture_step_on(&fixture, &deployment, &load);
    load.group_rows = 0;
    ck_assert_double_eq(company.time_s, fixture_step_on(&fixture, &deployment, &load).time_s);
}
END_TEST

/* Padding activates experts and takes time, but is no work: 5 decodes run as 8 rows. */
START_TEST(test_padding)
{
    struct deployment deployment = deployment_of(1, 1, false);
    struct step_load five = fixture_decodes(5, 100);
    struct cost cost = fixture_step_on(&fixture, &deployment, &five);
    assert_near(
        cost.flops,
        10 * (layers * (attention_weights + router_weights + 2 * expert_weights) + vocab * hidden) +
            layers * 4 * hidden * 500);
    double experts = active_experts(8) * expert_weights;
    assert_near(cost.bytes,
                2 * (layers * (attention_weights + router_weights + experts) + vocab * hidden) +
                    layers * 4096 * 505 + 5 * 2 * hidden);
}
END_TEST

/* What is kept from one step to the next is of the same rows, and as many of them of use. */
START_TEST(test_steps_in_turn)
{
    struct deployment deployment = deployment_of(1, 2, true);
    struct step_load all = fixture_decodes(8, 100), half = four_decodes(16);
    all.group_rows = 16;
    half.idle_sequences = 4;
    struct cost_model cost_model = fixture_deploy(&fixture, &deployment, 64);
    for (int i = 0; i < 4; i++) {
        const struct step_load *load = i % 2 == 0 ? &all : &half;
        struct cost cost, alone = fixture_step_on(&fixture, &deployment, load);
        cost_model.step(cost_model.state, load, &cost);
        ck_assert_mem_eq(&cost, &alone, sizeof cost);
    }
    cost_model.destroy(cost_model.state);
}
END_TEST

/* gpt-oss: 128 experts, 4 a token, of 2880 × 2880 thrice, in 4 bits with a byte a 32: 0.53125 bytes. Half
 * of 36 layers see 128 tokens; 64 heads on 8 KV heads of 64, 2048 bytes of cache a token. */
START_TEST(test_quantised_experts)
{
    struct fixture oss;
    fixture_init(&oss, "gpt-oss-120b", "h100-sxm");
    struct step_load load = fixture_model_decodes(&oss.model, 1, 1000);
    struct cost cost = fixture_step(&oss, 1, &load);
    double other = 2880.0 * (4096 + 2 * 512) + 4096.0 * 2880 + 2880.0 * 128;
    double expert = 3 * 2880.0 * 2880;
    assert_near(cost.flops,
                2 * (36 * (other + 4 * expert) + 201088.0 * 2880) + 18 * 4.0 * 4096 * (1000 + 128));
    assert_near(cost.bytes, 2 * (36 * other + 201088.0 * 2880) + 36 * 4 * expert * 0.53125 +
                                18 * 2048.0 * (1000 + 128) + 36 * 2048.0 + 2 * 2880.0);
    fixture_fini(&oss);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_one_rank,
                                  test_two_ranks,
                                  test_imbalance,
                                  test_data_parallel,
                                  test_messages_of_data_parallel,
                                  test_messages_of_both,
                                  test_group_rows,
                                  test_padding,
                                  test_steps_in_turn,
                                  test_quantised_experts};
    return unit_run_with("experts", tests, COUNT(tests), enter, leave);
}
