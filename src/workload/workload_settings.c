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
     .help =
         "tokens that a prefix id stands for; auto: what the trace's format says, 16 in generated "
         "traffic"},
    TRAFFIC_SETTINGS(MEMBER(workload_config, traffic)),
    {.name = "classes",
     .kind = SETTING_MAP,
     .offset = MEMBER(workload_config, classes),
     .preset = "none",
     .section = &traffic_settings,
     .item_bytes = sizeof(struct traffic_config),
     .help = "generated traffic of several classes of clients, merged: for each, those of these "
             "keys that are of generated traffic"},
    {.name = "num_requests",
     .kind = SETTING_INTEGER,
     .offset = MEMBER(workload_config, num_requests),
     .preset = "none",
     .minimum = 1,
     .maximum = 1e15,
     .help =
         "generated traffic: how many requests, of all classes; none: until `duration` is over"},
};
const struct settings_table workload_settings = {"workload", workload_table, COUNT(workload_table)};

/* The traffic of a class; of all there is where there are no classes. */
static const struct traffic_config *traffic_of(const struct workload_config *config, size_t class)
{
    const struct traffic_config *classes = config->classes.items;
    return config->classes.count > 0 ? &classes[class] : &config->traffic;
}

static bool any_class(const struct workload_config *config,
                      bool (*holds)(const struct traffic_config *traffic))
{
    bool any = holds(traffic_of(config, 0));
    for (size_t i = 1; i < config->classes.count; i++)
        any |= holds(traffic_of(config, i));
    return any;
}

static bool is_closed(const struct traffic_config *traffic)
{
    return arrivals_is_closed(&traffic->arrivals);
}

bool workload_is_closed(const struct workload_config *config)
{
    return any_class(config, is_closed);
}

static bool check_classes(const struct workload_config *config, const struct node *node,
                          struct error *error)
{
    const char *outside =
        config->traffic.arrivals.process >= 0 ? "arrivals" : traffic_find_key(&config->traffic);
    if (outside != NULL)
        return error_input(error, node_key_location(node, outside),
                           "'%s' is said in each class, where there are 'classes'", outside);
    const struct node *classes = node_find(node, "classes");
    for (size_t i = 0; i < config->classes.count; i++) {
        const struct node *class = node_find(classes, config->classes.names[i]);
        if (!traffic_check(traffic_of(config, i), class, error))
            return false;
    }
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
    if (config->prefix_block_tokens != SETTING_UNSET_INTEGER &&
        !any_class(config, traffic_has_prefixes))
        return error_input(error, node_key_location(node, "prefix_block_tokens"),
                           "'prefix_block_tokens' has no meaning for generated traffic without "
                           "'sessions' or 'shared_prefix'");
    if (!(config->classes.count > 0 ? check_classes(config, node, error)
                                    : traffic_check(&config->traffic, node, error)))
        return false;
    if (config->num_requests == SETTING_UNSET_INTEGER &&
        !setting_is_set(config->transform.duration_s))
        return error_input(error, node_key_location(node, "num_requests"),
                           "generated traffic needs 'num_requests', or a 'duration'");
    return true;
}

/* The first key given that only generated traffic has, or NULL. */
static const char *find_generator_key(const struct workload_config *config)
{
    const char *key = traffic_find_key(&config->traffic);
    if (key != NULL)
        return key;
    if (config->classes.count > 0)
        return "classes";
    return config->num_requests != SETTING_UNSET_INTEGER ? "num_requests" : NULL;
}

/* What can be said of a trace before it is opened. A format that is told by the file may still turn
 * out to have no ids (trace_source.c). */
static bool check_trace(const struct workload_config *config, const struct node *node,
                        struct error *error)
{
    if (arrivals_are_given(&config->traffic.arrivals)) {
        if (config->traffic.arrivals.process < 0)
            return error_input(error, node_key_location(node, "arrivals"),
                               "'arrivals' of a trace's requests need a 'process'");
        if (!arrivals_check(&config->traffic.arrivals, node_find(node, "arrivals"), error))
            return false;
    }
    if (config->format == FORMAT_AUTO || config->prefix_block_tokens == SETTING_UNSET_INTEGER)
        return true;
    const struct trace_format *format = trace_format_at((size_t)config->format);
    return format->id_tokens > 0 ||
           error_input(error, node_key_location(node, "prefix_block_tokens"),
                       "'prefix_block_tokens' has no meaning for format '%s'", format->name);
}

/* Clients who wait for answers have no times to be scaled, and no end to begin again after. */
static bool check_closed(const struct workload_config *config, const struct node *node,
                         struct error *error)
{
    const struct transform_config *transform = &config->transform;
    const struct {
        const char *name;
        bool given;
    } keys[] = {
        {"start", setting_is_set(transform->start_s)},
        {"sample", transform->sample != 1.0},
        {"repeat", transform->repeat > 1},
        {"rate_scale", transform->rate_scale != 1.0},
        {"target_rate", setting_is_set(transform->target_rate_per_s)},
    };
    for (size_t i = 0; i < COUNT(keys); i++) {
        if (keys[i].given)
            return error_input(error, node_key_location(node, keys[i].name),
                               "'%s' has no meaning for a closed loop, where requests arrive when "
                               "their users have had an answer",
                               keys[i].name);
    }
    return true;
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
    const char *generator_key = find_generator_key(config);
    if (config->trace != NULL && generator_key != NULL)
        return error_input(error, node_key_location(node, generator_key),
                           "'%s' is for generated traffic, and 'trace' is given: choose one",
                           generator_key);
    if (workload_is_closed(config) && !check_closed(config, node, error))
        return false;
    if (config->trace != NULL)
        return check_trace(config, node, error);
    if (generator_key == NULL && !arrivals_are_given(&config->traffic.arrivals))
        return error_input(error, node != NULL ? &node->at : NULL,
                           "nothing arrives: workload needs a 'trace', or 'arrivals', "
                           "'prompt_tokens', 'output_tokens' and 'num_requests'");
    return check_generated(config, node, error);
}
