/* The `cost` section, and the table of cost models. */
#include "cost_models.h"

#include "cost_speed.h"
#include "linear.h"
#include "roofline.h"
#include <string.h>

/* clang-format off */
static const struct cost_model_type roofline_type = {
    "roofline", "every operator's FLOPs and bytes on the accelerator's fitted roofline",
    roofline_create};
static const struct cost_model_type linear_type = {
    "linear", "seconds a step, a prefill token, a decoding sequence and a token of context",
    linear_create};
/* clang-format on */

const struct cost_model_type *const cost_model_types[] = {
    [COST_ROOFLINE] = &roofline_type, [COST_LINEAR] = &linear_type, NULL};

static const char *const model_names[] = {
    [COST_ROOFLINE] = "roofline", [COST_LINEAR] = "linear", NULL};
static const char *const attention_names[] = {
    [ATTENTION_FLASH] = "flash", [ATTENTION_UNFUSED] = "unfused", NULL};
static const char *const latent_names[] = {
    [LATENT_ABSORBED] = "absorbed", [LATENT_EXPANDED] = "expanded", NULL};

static const struct setting settings[] = {
    {.name = "model",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct cost_config, model),
     .preset = "roofline",
     .choices = model_names,
     .help = "how long a step takes"},
    {.name = "attention",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct cost_config, attention),
     .preset = "auto",
     .choices = attention_names,
     .help = "roofline only: FlashAttention (auto), or one that writes and reads the score matrix"},
    {.name = "latent_attention",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct cost_config, latent_attention),
     .preset = "auto",
     .choices = latent_names,
     .help = "roofline only, models with latent attention: all in the space of the latent, or all "
             "latents expanded to keys and values; auto: decodes absorbed, prompts expanded"},
    {.name = "base",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS,
     .offset = offsetof(struct cost_config, base_s),
     .preset = "none",
     .minimum = 0,
     .maximum = 1e6,
     .help = "linear only: of every step; none: 0"},
    {.name = "per_prefill_token",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS_PER_TOKEN,
     .offset = offsetof(struct cost_config, per_prefill_token_s),
     .preset = "none",
     .minimum = 0,
     .maximum = 1e6,
     .help = "linear only: of every prompt token computed in the step, and of those computed again "
             "after a preemption; none: 0"},
    {.name = "per_decode_sequence",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS,
     .offset = offsetof(struct cost_config, per_decode_sequence_s),
     .preset = "none",
     .minimum = 0,
     .maximum = 1e6,
     .help = "linear only: of every sequence that decodes in the step; none: 0"},
    {.name = "per_context_token",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS_PER_TOKEN,
     .offset = offsetof(struct cost_config, per_context_token_s),
     .preset = "none",
     .minimum = 0,
     .maximum = 1e6,
     .help = "linear only: of every token of context of every sequence in the step, those that the "
             "step computes included; none: 0"},
    {.name = "speed",
     .kind = SETTING_REAL,
     .offset = offsetof(struct cost_config, speed),
     .preset = "1",
     .minimum = 1e-3,
     .maximum = 1e3,
     .help = "divides the time of every step: 1.1 is a server a tenth faster than it is described"},
};

const struct settings_table cost_settings = {"cost", settings, sizeof settings / sizeof *settings};

static bool refuse_foreign_key(const struct cost_config *config, const char *key,
                               const struct node *node, struct error *error)
{
    return error_input(error, node_key_location(node, key),
                       "'%s' has no meaning for the %s cost model", key,
                       model_names[config->model]);
}

static bool resolve_linear(struct cost_config *config, const struct node *node, struct error *error)
{
    double *coefficients[] = {&config->base_s, &config->per_prefill_token_s,
                              &config->per_decode_sequence_s, &config->per_context_token_s};
    double sum_s = 0.0;
    for (size_t i = 0; i < sizeof coefficients / sizeof *coefficients; i++) {
        if (!setting_is_set(*coefficients[i]))
            *coefficients[i] = 0.0;
        sum_s += *coefficients[i];
    }
    if (config->attention >= 0)
        return refuse_foreign_key(config, "attention", node, error);
    if (config->latent_attention >= 0)
        return refuse_foreign_key(config, "latent_attention", node, error);
    if (sum_s == 0.0)
        return error_input(error, node_key_location(node, "model"),
                           "a linear cost model without any cost: say 'base', or another of its "
                           "coefficients");
    return true;
}

bool cost_config_resolve(struct cost_config *config, const struct node *node, struct error *error)
{
    if (config->model == COST_LINEAR)
        return resolve_linear(config, node, error);
    for (size_t i = 0; i < cost_settings.count; i++) {
        const struct setting *setting = &settings[i];
        if (strcmp(setting->preset, "none") == 0 && !setting_is_unset(setting, config))
            return refuse_foreign_key(config, setting->name, node, error);
    }
    if (config->attention < 0)
        config->attention = ATTENTION_FLASH;
    return true;
}

bool cost_model_create(const struct cost_setup *setup, struct cost_model *cost_model,
                       struct error *error)
{
    const struct cost_config *config = setup->config;
    if (!cost_model_types[config->model]->create(setup, cost_model, error))
        return false;
    if (config->speed == 1.0 || cost_scale_speed(cost_model, config->speed))
        return true;
    cost_model->destroy(cost_model->state);
    return error_run(error, "out of memory");
}
