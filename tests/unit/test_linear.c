/* The linear cost model, and the section that chooses between the two. */
#include "cost_models.h"
#include "unit.h"

static bool read_text(const char *text, struct cost_config *config, struct error *error)
{
    struct document *document = document_create();
    struct node *node = document_read_text(document, "c.yaml", text, strlen(text), error);
    ck_assert_ptr_nonnull(node);
    bool read = settings_read(document, &cost_settings, node, config, error) &&
                cost_config_resolve(config, node, error);
    document_destroy(document);
    return read;
}

static struct cost step(const struct cost_config *config, const struct step_load *load)
{
    struct cost_setup setup = {.config = config,
                               .deployment = {.tensor_parallel_size = 1,
                                              .pipeline_parallel_size = 1,
                                              .data_parallel_size = 1,
                                              .kv_cache_dtype = DTYPE_BF16},
                               .max_num_batched_tokens = 100,
                               .max_num_seqs = 10};
    struct cost_model cost_model;
    struct error error = {0};
    ck_assert(cost_model_create(&setup, &cost_model, &error));
    struct cost cost;
    cost_model.step(cost_model.state, load, &cost);
    ck_assert_double_eq(cost_model.peak_flops_per_s, 0.0);
    cost_model.destroy(cost_model.state);
    return cost;
}

/* Equal shares, and no transfer. */
START_TEST(test_stages)
{
    const struct cost_config config = {.model = COST_LINEAR, .base_s = 6.0, .speed = 1.0};
    const struct step_load load = {.tokens = 1, .decode_sequences = 1, .emitting_sequences = 1};
    struct cost_setup setup = {.config = &config,
                               .deployment = {.tensor_parallel_size = 1,
                                              .pipeline_parallel_size = 3,
                                              .data_parallel_size = 1,
                                              .kv_cache_dtype = DTYPE_BF16},
                               .max_num_batched_tokens = 100,
                               .max_num_seqs = 10};
    struct cost_model cost_model;
    struct error error = {0};
    ck_assert(cost_model_create(&setup, &cost_model, &error));
    struct cost cost;
    double stage_s[3], transfer_s = -1.0;
    cost_model.step(cost_model.state, &load, &cost);
    ck_assert_int_eq(cost_model.stage_count, 3);
    cost_model.stage_times(cost_model.state, &load, &cost, stage_s, &transfer_s);
    for (size_t i = 0; i < COUNT(stage_s); i++)
        ck_assert_double_eq(stage_s[i], 2.0);
    ck_assert_double_eq(transfer_s, 0.0);
    cost_model.destroy(cost_model.state);
}
END_TEST

START_TEST(test_every_coefficient)
{
    struct cost_config config;
    struct error error = {0};
    const char *text = "model: linear\nbase: 25 ms\nper_prefill_token: 1 us/token\n"
                       "per_decode_sequence: 10 us\nper_context_token: 1 ns\n";
    ck_assert_msg(read_text(text, &config, &error), "%s", error.text);
    const struct prefill_chunk chunks[] = {{40, 0}, {30, 500}};
    struct step_load load = {.tokens = 75,
                             .decode_sequences = 5,
                             .decode_context_sum = 4000,
                             .decode_context_max = 1000,
                             .emitting_sequences = 6,
                             .chunk_count = 2,
                             .chunks = chunks};
    struct cost cost = step(&config, &load);
    double context = 4000 + 40 + 530;
    ck_assert_double_eq_tol(cost.time_s, 25e-3 + 70e-6 + 50e-6 + context * 1e-9, 1e-15);
    ck_assert_double_eq(cost.bound_s[BOUND_OVERHEAD], cost.time_s);
    ck_assert_double_eq(cost.flops, 0.0);
    /* Padding takes the time of tokens – two chunks of 45 are, and three more rows decode – but has
     * no context. */
    load.padded_chunk_tokens = 45;
    load.idle_sequences = 3;
    cost = step(&config, &load);
    ck_assert_double_eq_tol(cost.time_s, 25e-3 + 90e-6 + 80e-6 + context * 1e-9, 1e-15);
    ck_assert_double_eq(cost.bound_s[BOUND_OVERHEAD], cost.time_s);
}
END_TEST

/* A server twice as fast takes half of every time, on every stage of a pipeline too. */
START_TEST(test_speed)
{
    struct cost_config config;
    struct error error = {0};
    ck_assert_msg(read_text("model: linear\nbase: 6 ms\nper_prefill_token: 1 ms\nspeed: 2\n",
                            &config, &error),
                  "%s", error.text);
    const struct prefill_chunk chunk = {4, 0};
    const struct step_load load = {.tokens = 4, .chunk_count = 1, .chunks = &chunk};
    const struct cost cost = step(&config, &load);
    ck_assert_double_eq_tol(cost.time_s, 5e-3, 1e-15);
    ck_assert_double_eq_tol(cost.bound_s[BOUND_OVERHEAD], 5e-3, 1e-15);
    struct cost_model cost_model;
    const struct cost_setup setup = {.config = &config,
                                     .deployment = {.pipeline_parallel_size = 2}};
    ck_assert(cost_model_create(&setup, &cost_model, &error));
    double stage_s[2], transfer_s = 0.0;
    cost_model.stage_times(cost_model.state, &load, &cost, stage_s, &transfer_s);
    ck_assert_double_eq_tol(stage_s[0] + stage_s[1] + transfer_s, cost.time_s, 1e-15);
    cost_model.destroy(cost_model.state);
}
END_TEST

START_TEST(test_names)
{
    ck_assert_str_eq(cost_model_types[COST_ROOFLINE]->name, "roofline");
    ck_assert_str_eq(cost_model_types[COST_LINEAR]->name, "linear");
    const struct setting *model = &cost_settings.settings[0];
    for (size_t i = 0; cost_model_types[i] != NULL; i++)
        ck_assert_str_eq(model->choices[i], cost_model_types[i]->name);
}
END_TEST

START_TEST(test_checks)
{
    struct cost_config config;
    struct error error = {0};
    ck_assert(read_text("{}", &config, &error));
    ck_assert_int_eq(config.model, COST_ROOFLINE);
    ck_assert_int_eq(config.attention, ATTENTION_FLASH);
    ck_assert(read_text("attention: unfused", &config, &error));
    ck_assert_int_eq(config.attention, ATTENTION_UNFUSED);
    const struct {
        const char *text, *message;
    } refused[] = {
        {"model: roofline\nbase: 3 ms\n",
         "c.yaml:2:1: 'base' has no meaning for the roofline cost model"},
        {"model: linear\nbase: 3 ms\nattention: flash\n",
         "c.yaml:3:1: 'attention' has no meaning for the linear cost model"},
        {"model: linear\n", "c.yaml:1:1: a linear cost model without any cost"},
        {"model: linear\nbase: -1 s\n", "c.yaml:2:7: 'base' must be between"},
        {"model: linaer\n", "(did you mean 'linear'?)"},
    };
    for (size_t i = 0; i < COUNT(refused); i++) {
        error = (struct error){0};
        ck_assert(!read_text(refused[i].text, &config, &error));
        ck_assert_msg(strstr(error.text, refused[i].message) != NULL, "'%s' lacks '%s'", error.text,
                      refused[i].message);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_every_coefficient, test_stages, test_speed, test_names,
                                  test_checks};
    return unit_run("linear", tests, COUNT(tests));
}
