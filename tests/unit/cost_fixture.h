/* Shipped models and accelerators for tests of the cost models. LLMSIM_CONFIGS names configs/. */
#ifndef LLMSIM_TESTS_COST_FIXTURE_H
#define LLMSIM_TESTS_COST_FIXTURE_H

#include "accelerator_file.h"
#include "cost_models.h"
#include "model_spec.h"
#include "unit.h"

#include <dirent.h>
#include <math.h>

struct fixture {
    struct document *document;
    struct model model;
    struct accelerator accelerator;
    struct cost_config config;
};

static inline struct node *fixture_read_file(struct document *document, const char *folder,
                                             const char *name)
{
    const char *configs = getenv("LLMSIM_CONFIGS");
    ck_assert_msg(configs != NULL, "LLMSIM_CONFIGS must name the directory configs/");
    char path[1024];
    snprintf(path, sizeof path, "%s/%s/%s.yaml", configs, folder, name);
    struct error error = {0};
    struct node *node = document_read_file(document, path, &error);
    ck_assert_msg(node != NULL, "%s", error.text);
    return node;
}

static inline void fixture_read_model(struct document *document, const char *name,
                                      struct model *model)
{
    char warning[512];
    struct error error = {0};
    const struct node *node = fixture_read_file(document, "models", name);
    ck_assert_msg(model_read(document, node, model, warning, &error), "%s", error.text);
    ck_assert_str_eq(warning, "");
}

static inline void fixture_read_accelerator(struct document *document, const char *name,
                                            struct accelerator *accelerator)
{
    struct error error = {0};
    ck_assert_msg(accelerator_load(document, name, getenv("LLMSIM_CONFIGS"), accelerator, &error),
                  "%s", error.text);
}

/* A model on an accelerator, with the presets of `cost`. */
static inline void fixture_init(struct fixture *fixture, const char *model, const char *accelerator)
{
    struct error error = {0};
    fixture->document = document_create();
    ck_assert_ptr_nonnull(fixture->document);
    fixture_read_model(fixture->document, model, &fixture->model);
    fixture_read_accelerator(fixture->document, accelerator, &fixture->accelerator);
    ck_assert(settings_read(fixture->document, &cost_settings, NULL, &fixture->config, &error));
}

static inline void fixture_fini(struct fixture *fixture)
{
    document_destroy(fixture->document);
}

/* Tensor parallelism alone, and a KV cache in the model's own dtype. */
static inline struct deployment fixture_deployment(const struct model *model, int ranks)
{
    return (struct deployment){.tensor_parallel_size = ranks,
                               .pipeline_parallel_size = 1,
                               .data_parallel_size = 1,
                               .expert_imbalance = 1.0,
                               .kv_cache_dtype = model->dtype};
}

/* The cost model of the fixture as it now is; the caller destroys it. */
static inline struct cost_model fixture_deploy(const struct fixture *fixture,
                                               const struct deployment *deployment,
                                               int32_t max_num_batched_tokens)
{
    struct cost_setup setup = {.config = &fixture->config,
                               .model = &fixture->model,
                               .accelerator = &fixture->accelerator,
                               .deployment = *deployment,
                               .max_num_batched_tokens = max_num_batched_tokens,
                               .max_num_seqs = 256};
    struct cost_model cost_model = {0};
    struct error error = {0};
    ck_assert_msg(cost_model_create(&setup, &cost_model, &error), "%s", error.text);
    return cost_model;
}

static inline struct cost_model fixture_create(const struct fixture *fixture, int ranks)
{
    struct deployment deployment = fixture_deployment(&fixture->model, ranks);
    return fixture_deploy(fixture, &deployment, 8192);
}

static inline struct cost fixture_step_on(const struct fixture *fixture,
                                          const struct deployment *deployment,
                                          const struct step_load *load)
{
    struct cost_model cost_model = fixture_deploy(fixture, deployment, 8192);
    struct cost cost;
    cost_model.step(cost_model.state, load, &cost);
    cost_model.destroy(cost_model.state);
    return cost;
}

static inline struct cost fixture_step(const struct fixture *fixture, int ranks,
                                       const struct step_load *load)
{
    struct deployment deployment = fixture_deployment(&fixture->model, ranks);
    return fixture_step_on(fixture, &deployment, load);
}

/* `sequences` decodes of `context` tokens each. */
static inline struct step_load fixture_decodes(int32_t sequences, int32_t context)
{
    return (struct step_load){.tokens = sequences,
                              .decode_sequences = sequences,
                              .decode_context_sum = (int64_t)sequences * context,
                              .decode_context_max = context,
                              .emitting_sequences = sequences};
}

/* The same for a model whose window, if it has one, cuts contexts. */
static inline struct step_load fixture_model_decodes(const struct model *model, int32_t sequences,
                                                     int32_t context)
{
    struct step_load load = fixture_decodes(sequences, context);
    int64_t window = model->sliding_window;
    if (window > 0)
        load.decode_window_sum = sequences * (context < window ? context : window);
    return load;
}

/* One prompt, whole. */
static inline struct step_load fixture_prefill(const struct prefill_chunk *chunk)
{
    return (struct step_load){
        .tokens = chunk->tokens, .emitting_sequences = 1, .chunk_count = 1, .chunks = chunk};
}

/* Every shipped file of `folder`, by its name without ".yaml", to `visit`. */
static inline void fixture_each(const char *folder, void (*visit)(const char *name))
{
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", getenv("LLMSIM_CONFIGS"), folder);
    DIR *directory = opendir(path);
    ck_assert_msg(directory != NULL, "there is no %s", path);
    int count = 0;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char *dot = strstr(entry->d_name, ".yaml");
        if (dot == NULL)
            continue;
        *dot = '\0';
        visit(entry->d_name);
        count++;
    }
    closedir(directory);
    ck_assert_int_gt(count, 5);
}

/* Equal but for rounding. */
static inline void assert_near(double value, double expected)
{
    ck_assert_msg(fabs(value - expected) <= 1e-9 * fabs(expected), "%.12g is not %.12g", value,
                  expected);
}

#endif
