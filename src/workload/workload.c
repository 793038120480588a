/* What arrives, as the user configures it. */
#include "workload.h"
#include "arrivals.h"
#include "lengths.h"
#include "sources.h"
#include "trace_format.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { FORMAT_AUTO = -1, REQUESTS_PER_PROGRESS = 4096 };

static const char *const on_bad_row_choices[] = {"error", "skip", NULL};

#define MEMBER(type, field) offsetof(struct type, field)
#define COUNT(array)        (sizeof(array) / sizeof *(array))

static const struct setting arrivals_table[] = {
    {.name = "process",
     .kind = SETTING_CHOICE,
     .offset = MEMBER(arrivals_config, process),
     .preset = "none",
     .choices = arrival_process_names,
     .help = "how generated requests arrive: Poisson, evenly spaced, or in bursts (gamma gaps)"},
    {.name = "rate",
     .kind = SETTING_REAL,
     .unit = UNIT_PER_S,
     .offset = MEMBER(arrivals_config, rate_per_s),
     .preset = "none",
     .minimum = 1e-6,
     .maximum = 1e9,
     .help = "requests a second"},
    {.name = "cv",
     .kind = SETTING_REAL,
     .offset = MEMBER(arrivals_config, cv),
     .preset = "none",
     .minimum = 0.01,
     .maximum = 100,
     .help = "gamma: coefficient of variation of the gaps; 1 is Poisson, more is burstier"},
};
static const struct settings_table arrivals_settings = {"arrivals", arrivals_table,
                                                        COUNT(arrivals_table)};

#define TOKENS(key, field, text)                                                                   \
    {                                                                                              \
        .name = (key), .kind = SETTING_REAL, .unit = UNIT_TOKENS,                                  \
        .offset = MEMBER(length_config, field), .preset = "none", .minimum = 1,                    \
        .maximum = REQUEST_MAX_TOKENS, .help = (text)                                              \
    }

static const struct setting length_table[] = {
    {.name = "distribution",
     .kind = SETTING_CHOICE,
     .offset = MEMBER(length_config, distribution),
     .preset = "none",
     .choices = length_distribution_names,
     .help = "how the tokens of generated requests are distributed"},
    TOKENS("mean", mean_tokens, "lognormal, exponential: mean, before truncation"),
    TOKENS("median", median_tokens, "lognormal: median, before truncation; less than the mean"),
    TOKENS("value", value_tokens, "constant: every length"),
    TOKENS("min", min_tokens, "lognormal, exponential: shorter lengths are drawn again"),
    TOKENS(
        "max", max_tokens,
        "lognormal, exponential: longer lengths are drawn again (after 1000 draws in vain: cut)"),
};
static const struct settings_table length_settings = {"a length distribution", length_table,
                                                      COUNT(length_table)};

static const struct setting workload_table[] = {
    {.name = "trace",
     .kind = SETTING_PATH,
     .offset = MEMBER(workload_config, trace),
     .preset = "none",
     .help = "a trace file; - is stdin"},
    {.name = "format",
     .kind = SETTING_CHOICE,
     .offset = MEMBER(workload_config, format),
     .preset = "auto",
     .choices = trace_format_names,
     .help = "the trace's format; auto: told by its first line"},
    {.name = "on_bad_row",
     .kind = SETTING_CHOICE,
     .offset = MEMBER(workload_config, on_bad_row),
     .preset = "error",
     .choices = on_bad_row_choices,
     .help = "what a row of the trace that makes no sense is: an error, or skipped and counted"},
    {.name = "rate_scale",
     .kind = SETTING_REAL,
     .offset = MEMBER(workload_config, rate_scale),
     .preset = "1",
     .minimum = 1e-6,
     .maximum = 1e6,
     .help = "requests arrive this many times as fast"},
    {.name = "max_requests",
     .kind = SETTING_INTEGER,
     .offset = MEMBER(workload_config, max_requests),
     .preset = "none",
     .minimum = 1,
     .maximum = 1e15,
     .help = "stop after so many requests"},
    {.name = "prefix_block_tokens",
     .kind = SETTING_INTEGER,
     .unit = UNIT_TOKENS,
     .offset = MEMBER(workload_config, prefix_block_tokens),
     .preset = "auto",
     .minimum = 1,
     .maximum = 1048576,
     .help = "tokens that a prefix id of the trace stands for; auto: what its format says"},
    {.name = "arrivals",
     .kind = SETTING_SECTION,
     .offset = MEMBER(workload_config, arrivals),
     .preset = "none",
     .section = &arrivals_settings,
     .help = "generated traffic, instead of a trace: when requests arrive"},
    {.name = "prompt_tokens",
     .kind = SETTING_SECTION,
     .offset = MEMBER(workload_config, prompt_tokens),
     .preset = "none",
     .section = &length_settings,
     .help = "generated traffic: lengths of the prompts"},
    {.name = "output_tokens",
     .kind = SETTING_SECTION,
     .offset = MEMBER(workload_config, output_tokens),
     .preset = "none",
     .section = &length_settings,
     .help = "generated traffic: lengths of the outputs"},
    {.name = "num_requests",
     .kind = SETTING_INTEGER,
     .offset = MEMBER(workload_config, num_requests),
     .preset = "none",
     .minimum = 1,
     .maximum = 1e15,
     .help = "generated traffic: how many requests"},
};
const struct settings_table workload_settings = {"workload", workload_table, COUNT(workload_table)};

static bool contains(const char *const *names, const char *name)
{
    for (; *names != NULL; names++) {
        if (strcmp(*names, name) == 0)
            return true;
    }
    return false;
}

/* A section whose first key chooses, and whose other keys are reals of which the choice needs some
 * and can use others. */
struct choice_check {
    const struct settings_table *table;
    const char *section_name;
    const void *config;
    const char *const *needed;
    const char *const *usable; /* besides those */
};

static bool check_keys(const struct choice_check *check, const struct node *section,
                       struct error *error)
{
    const struct setting *chooser = &check->table->settings[0];
    const int choice = *(const int *)((const char *)check->config + chooser->offset);
    const char *chosen = chooser->choices[choice];
    for (size_t i = 1; i < check->table->count; i++) {
        const struct setting *setting = &check->table->settings[i];
        const bool given = !setting_is_unset(setting, check->config);
        const bool needed = contains(check->needed, setting->name);
        const bool usable = needed || contains(check->usable, setting->name);
        if (needed && !given)
            return error_input(error, node_key_location(section, chooser->name),
                               "%s '%s' of %s needs '%s': %s", chooser->name, chosen,
                               check->section_name, setting->name, setting->help);
        if (!usable && given)
            return error_input(error, node_key_location(section, setting->name),
                               "'%s' has no meaning for %s '%s'", setting->name, chooser->name,
                               chosen);
    }
    return true;
}

static bool check_length(const struct length_config *config, const char *name,
                         const struct node *node, struct error *error)
{
    if (config->distribution < 0)
        return error_input(error, node_key_location(node, name),
                           "generated traffic needs '%s' with a 'distribution'", name);
    const struct node *section = node_find(node, name);
    const struct length_distribution *chosen = &length_distributions[config->distribution];
    struct choice_check check = {&length_settings, name, config, chosen->keys,
                                 chosen->optional_keys};
    if (!check_keys(&check, section, error))
        return false;
    const double whole[] = {config->value_tokens, config->min_tokens, config->max_tokens};
    const char *const whole_names[] = {"value", "min", "max"};
    for (size_t i = 0; i < COUNT(whole); i++) {
        if (setting_is_set(whole[i]) && whole[i] != rint(whole[i]))
            return error_input(error, node_key_location(section, whole_names[i]),
                               "'%s' must be a whole number of tokens", whole_names[i]);
    }
    if (config->min_tokens > config->max_tokens)
        return error_input(error, node_key_location(section, "min"),
                           "'min' of %s is greater than its 'max'", name);
    if (setting_is_set(config->median_tokens) && config->mean_tokens <= config->median_tokens)
        return error_input(error, node_key_location(section, "mean"),
                           "the mean of a lognormal distribution must be greater than its median");
    return true;
}

static bool check_generated(const struct workload_config *config, const struct node *node,
                            struct error *error)
{
    if (config->format != FORMAT_AUTO)
        return error_input(error, node_key_location(node, "format"),
                           "'format' has no meaning for generated traffic");
    if (config->on_bad_row != 0)
        return error_input(error, node_key_location(node, "on_bad_row"),
                           "'on_bad_row' has no meaning for generated traffic");
    if (config->prefix_block_tokens != SETTING_UNSET_INTEGER)
        return error_input(error, node_key_location(node, "prefix_block_tokens"),
                           "'prefix_block_tokens' has no meaning for generated traffic");
    if (config->arrivals.process < 0)
        return error_input(error, node_key_location(node, "arrivals"),
                           "generated traffic needs 'arrivals' with a 'process'");
    static const char *const nothing_else[] = {NULL};
    struct choice_check check = {&arrivals_settings, "arrivals", &config->arrivals,
                                 arrival_processes[config->arrivals.process].keys, nothing_else};
    if (!check_keys(&check, node_find(node, "arrivals"), error) ||
        !check_length(&config->prompt_tokens, "prompt_tokens", node, error) ||
        !check_length(&config->output_tokens, "output_tokens", node, error))
        return false;
    if (config->num_requests == SETTING_UNSET_INTEGER)
        return error_input(error, node_key_location(node, "num_requests"),
                           "generated traffic needs 'num_requests'");
    return true;
}

/* The first key given that only generated traffic has, or NULL. A section can be given as "none".
 */
static const char *find_generator_key(const struct workload_config *config, const struct node *node)
{
    static const char *const sections[] = {"arrivals", "prompt_tokens", "output_tokens"};
    for (size_t i = 0; i < COUNT(sections); i++) {
        const struct node *section = node_find(node, sections[i]);
        if (section != NULL && section->kind == NODE_MAPPING)
            return sections[i];
    }
    return config->num_requests != SETTING_UNSET_INTEGER ? "num_requests" : NULL;
}

/* What can be said of a trace before it is opened. A format that is told by the file may still turn
 * out to have no ids (trace_source.c). */
static bool check_trace(const struct workload_config *config, const struct node *node,
                        struct error *error)
{
    if (config->format == FORMAT_AUTO || config->prefix_block_tokens == SETTING_UNSET_INTEGER)
        return true;
    const struct trace_format *format = trace_format_at((size_t)config->format);
    return format->id_tokens > 0 ||
           error_input(error, node_key_location(node, "prefix_block_tokens"),
                       "'prefix_block_tokens' has no meaning for format '%s'", format->name);
}

bool workload_check(const struct workload_config *config, const struct node *node,
                    struct error *error)
{
    const char *generator_key = find_generator_key(config, node);
    if (config->trace != NULL && generator_key != NULL)
        return error_input(error, node_key_location(node, generator_key),
                           "'%s' is for generated traffic, and 'trace' is given: choose one",
                           generator_key);
    if (config->trace != NULL)
        return check_trace(config, node, error);
    if (generator_key == NULL)
        return error_input(error, node != NULL ? &node->at : NULL,
                           "nothing arrives: workload needs a 'trace', or 'arrivals', "
                           "'prompt_tokens', 'output_tokens' and 'num_requests'");
    return check_generated(config, node, error);
}

bool workload_open(const struct workload_config *config, uint64_t seed,
                   struct request_source *source, struct error *error)
{
    assert(config->trace != NULL || config->arrivals.process >= 0);
    return config->trace != NULL ? trace_source_open(config, source, error)
                                 : generator_open(config, seed, source, error);
}

int64_t workload_write(struct request_source *source, const struct trace_format *format,
                       FILE *stream, void (*progress)(double fraction), struct error *error)
{
    int64_t requests = 0;
    struct request request;
    enum request_source_result result = SOURCE_REQUEST;
    format->write_header(stream);
    while (!ferror(stream) &&
           (result = source->next(source->state, &request, error)) == SOURCE_REQUEST) {
        format->write_row(stream, &request);
        if (++requests % REQUESTS_PER_PROGRESS == 0 && progress != NULL)
            progress(source->progress(source->state));
    }
    if (result == SOURCE_ERROR)
        return -1;
    if (ferror(stream)) {
        error_run(error, "the trace cannot be written: %s", strerror(errno));
        return -1;
    }
    return requests;
}
