/* Shipped models and accelerators for tests of the cost models. LLMSIM_CONFIGS names configs/. */
#ifndef LLMSIM_TESTS_COST_FIXTURE_H
#define LLMSIM_TESTS_COST_FIXTURE_H

#include "accelerator_file.h"
#include "cost_models.h"
#include "model_spec.h"
#include "unit.h"

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
static inline struct cost_model fixture_create(const struct fixture *fixture, int ranks)
{
    struct cost_setup setup = {.config = &fixture->config,
                               .model = &fixture->model,
                               .accelerator = &fixture->accelerator,
                               .deployment = fixture_deployment(&fixture->model, ranks),
                               .max_num_batched_tokens = 8192,
                               .max_num_seqs = 256};
    struct cost_model cost_model = {0};
    struct error error = {0};
    ck_assert_msg(cost_model_create(&setup, &cost_model, &error), "%s", error.text);
    return cost_model;
}

static inline struct cost fixture_step(const struct fixture *fixture, int ranks,
                                       const struct step_load *load)
{
    struct cost_model cost_model = fixture_create(fixture, ranks);
    struct cost cost;
    cost_model.step(cost_model.state, load, &cost);
    cost_model.destroy(cost_model.state);
    return cost;
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

/* One prompt, whole. */
static inline struct step_load fixture_prefill(const struct prefill_chunk *chunk)
{
    return (struct step_load){
        .tokens = chunk->tokens, .emitting_sequences = 1, .chunk_count = 1, .chunks = chunk};
}

#endif
