/* What arrives, as the user configures it. */
#include "trace_format.h"
#include "workload.h"

#include <string.h>

enum { FORMAT_AUTO = -1 };

static const char *const on_bad_row_choices[] = {"error", "skip", NULL};

#define MEMBER(type, field) offsetof(struct type, field)
#define COUNT(array)        (sizeof(array) / sizeof *(array))

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
    {.name = "start",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS,
     .offset = MEMBER(workload_config, transform.start_s),
     .preset = "none",
     .minimum = 0,
     .maximum = 4e9,
     .help = "leave out what arrives earlier, from the first arrival on"},
    {.name = "duration",
     .kind = SETTING_REAL,
     .unit = UNIT_SECONDS,
     .offset = MEMBER(workload_config, transform.duration_s),
     .preset = "none",
     .minimum = 1e-9,
     .maximum = 4e9,
     .help = "leave out what arrives so long after `start`, or later"},
    {.name = "sample",
     .kind = SETTING_REAL,
     .offset = MEMBER(workload_config, transform.sample),
     .preset = "1",
     .minimum = 1e-9,
     .maximum = 1,
     .help = "keep this share of the requests, by chance; sessions are kept or left out whole"},
    {.name = "prompt_scale",
     .kind = SETTING_REAL,
     .offset = MEMBER(workload_config, transform.prompt_scale),
     .preset = "1",
     .minimum = 1e-4,
     .maximum = 1e4,
     .help = "prompts are this many times as long"},
    {.name = "output_scale",
     .kind = SETTING_REAL,
     .offset = MEMBER(workload_config, transform.output_scale),
     .preset = "1",
     .minimum = 1e-4,
     .maximum = 1e4,
     .help = "outputs are this many times as long"},
    {.name = "repeat",
     .kind = SETTING_INTEGER,
     .offset = MEMBER(workload_config, transform.repeat),
     .preset = "1",
     .minimum = 1,
     .maximum = 1e15,
     .help = "all of it so many times, one after another; sessions and prefixes are new ones each "
             "time"},
    {.name = "rate_scale",
     .kind = SETTING_REAL,
     .offset = MEMBER(workload_config, transform.rate_scale),
     .preset = "1",
     .minimum = 1e-6,
     .maximum = 1e6,
     .help = "requests arrive this many times as fast; bursts stay bursts"},
    {.name = "target_rate",
     .kind = SETTING_REAL,
     .unit = UNIT_PER_S,
     .offset = MEMBER(workload_config, transform.target_rate_per_s),
     .preset = "none",
     .minimum = 1e-6,
     .maximum = 1e9,
     .help = "the same, such that this is the mean rate: requests a second"},
    {.name = "max_requests",
     .kind = SETTING_INTEGER,
     .offset = MEMBER(workload_config, transform.max_requests),
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
    if (!arrivals_check(&config->arrivals, node_find(node, "arrivals"), error) ||
        !length_check(&config->prompt_tokens, "prompt_tokens", node, error) ||
        !length_check(&config->output_tokens, "output_tokens", node, error))
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

/* What a transformation needs that the workload does not give. */
static bool check_transform(const struct workload_config *config, const struct node *node,
                            struct error *error)
{
    const struct transform_config *transform = &config->transform;
    const bool targets = setting_is_set(transform->target_rate_per_s);
    if (targets && transform->rate_scale != 1.0)
        return error_input(error, node_key_location(node, "target_rate"),
                           "'target_rate' and 'rate_scale' both set the rate: choose one");
    const bool reads_again = targets || transform->repeat > 1;
    if (reads_again && config->trace != NULL && strcmp(config->trace, "-") == 0)
        return error_input(error, node_key_location(node, targets ? "target_rate" : "repeat"),
                           "'%s' reads the trace more than once, which stdin cannot be",
                           targets ? "target_rate" : "repeat");
    return true;
}

bool workload_check(const struct workload_config *config, const struct node *node,
                    struct error *error)
{
    if (!check_transform(config, node, error))
        return false;
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
