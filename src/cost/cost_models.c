/* The `cost` section, and the table of cost models. */
#include "cost_models.h"

#include "linear.h"
#include "roofline.h"

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
     .preset = "flash",
     .choices = attention_names,
     .help = "roofline only: FlashAttention, or one that writes and reads the score matrix"},
    {.name = "base",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS,
     .offset = offsetof(struct cost_config, base_s),
     .preset = "0 s",
     .minimum = 0,
     .maximum = 1e6,
     .help = "linear only: of every step"},
    {.name = "per_prefill_token",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS_PER_TOKEN,
     .offset = offsetof(struct cost_config, per_prefill_token_s),
     .preset = "0 s",
     .minimum = 0,
     .maximum = 1e6,
     .help = "linear only: of every prompt token computed in the step"},
    {.name = "per_decode_sequence",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS,
     .offset = offsetof(struct cost_config, per_decode_sequence_s),
     .preset = "0 s",
     .minimum = 0,
     .maximum = 1e6,
     .help = "linear only: of every sequence that decodes in the step"},
    {.name = "per_context_token",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS_PER_TOKEN,
     .offset = offsetof(struct cost_config, per_context_token_s),
     .preset = "0 s",
     .minimum = 0,
     .maximum = 1e6,
     .help = "linear only: of every token of context of every sequence in the step"},
};

const struct settings_table cost_settings = {"cost", settings, sizeof settings / sizeof *settings};

bool cost_config_check(const struct cost_config *config, const struct node *node,
                       struct error *error)
{
    bool linear = config->model == COST_LINEAR;
    for (size_t i = 1; i < cost_settings.count; i++) {
        const char *key = settings[i].name;
        bool of_linear = settings[i].kind == SETTING_REAL;
        if (of_linear != linear && node_find(node, key) != NULL)
            return error_input(error, node_key_location(node, key),
                               "'%s' has no meaning for the %s cost model", key,
                               model_names[config->model]);
    }
    double sum_s = config->base_s + config->per_prefill_token_s + config->per_decode_sequence_s +
                   config->per_context_token_s;
    if (linear && sum_s == 0.0)
        return error_input(error, node_key_location(node, "model"),
                           "a linear cost model without any cost: say 'base', or another of its "
                           "coefficients");
    return true;
}

bool cost_model_create(const struct cost_setup *setup, struct cost_model *cost_model,
                       struct error *error)
{
    return cost_model_types[setup->config->model]->create(setup, cost_model, error);
}
