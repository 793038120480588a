#include "sweep_reading.h"

#include "settings.h"
#include <stdlib.h>
#include <string.h>

/* A range of an axis. */
struct range {
    double from, to;
    int64_t count;
    int scale;
};

enum { SCALE_LINEAR_RANGE, SCALE_LOG_RANGE };
static const char *const scale_names[] = {"linear", "log", NULL};

static const struct setting range_keys[] = {
    {.name = "from",
     .kind = SETTING_REAL,
     .offset = offsetof(struct range, from),
     .help = "the first value"},
    {.name = "to",
     .kind = SETTING_REAL,
     .offset = offsetof(struct range, to),
     .help = "the last value"},
    {.name = "count",
     .kind = SETTING_INTEGER,
     .offset = offsetof(struct range, count),
     .minimum = 2,
     .maximum = SWEEP_MAX_VALUES,
     .help = "how many values"},
    {.name = "scale",
     .kind = SETTING_CHOICE,
     .offset = offsetof(struct range, scale),
     .preset = "linear",
     .choices = scale_names,
     .help = "steps of equal difference, or of equal ratio"},
};
static const struct settings_table range_settings = {"a range", range_keys,
                                                     sizeof range_keys / sizeof *range_keys};

bool sweep_out_of_memory(const struct sweep_reading *reading)
{
    return error_run(reading->error, "out of memory for the sweep");
}

const char *sweep_take_value(const struct sweep_reading *reading, const struct node *item)
{
    if (item->kind != NODE_SCALAR)
        error_input(reading->error, &item->at,
                    "a value of a sweep is a number or a text, as behind -s");
    else if (strpbrk(item->text, "\r\n") != NULL)
        error_input(reading->error, &item->at, "a value of a sweep is of one line");
    else
        return item->text;
    return NULL;
}

/* The values of an axis's key-th key, from a list. */
static bool take_list(const struct sweep_reading *reading, struct sweep_axis *axis, size_t key,
                      const struct node *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const char *value = sweep_take_value(reading, list->items[i]);
        if (value == NULL)
            return false;
        axis->values[i * axis->key_count + key] = value;
    }
    return true;
}

/* Twelve digits: 16 is 16, however it was come by. */
static bool take_range(const struct sweep_reading *reading, struct sweep_axis *axis, size_t key,
                       const struct range *range)
{
    for (int64_t i = 0; i < range->count; i++) {
        const double share = (double)i / (double)(range->count - 1);
        const double value = range->scale == SCALE_LOG_RANGE
                                 ? range->from * pow(range->to / range->from, share)
                                 : range->from + share * (range->to - range->from);
        char text[32];
        snprintf(text, sizeof text, "%.12g", value);
        const char *copy = document_copy_text(reading->plan->document, text);
        if (copy == NULL)
            return sweep_out_of_memory(reading);
        axis->values[(size_t)i * axis->key_count + key] = copy;
    }
    return true;
}

/* How many values a node stands for; 0 with *error filled: it is none. */
static size_t count_values(const struct sweep_reading *reading, const char *name,
                           const struct node *node, struct range *range)
{
    if (node->kind == NODE_SEQUENCE) {
        if (node->count >= 1 && node->count <= SWEEP_MAX_VALUES)
            return node->count;
        error_input(reading->error, &node->at, "'%s' takes a list of 1 to %d values, not of %zu",
                    name, SWEEP_MAX_VALUES, node->count);
        return 0;
    }
    if (node->kind != NODE_MAPPING) {
        error_input(reading->error, &node->at,
                    "'%s' takes a list, [8, 16], or a range, {from: 8, to: 64, count: 4}", name);
        return 0;
    }
    if (!settings_read(reading->plan->document, &range_settings, node, range, reading->error))
        return 0;
    if (range->scale == SCALE_LOG_RANGE && !(range->from > 0.0 && range->to > 0.0)) {
        error_input(reading->error, &node->at, "a logarithmic range is of numbers above 0");
        return 0;
    }
    return (size_t)range->count;
}

bool sweep_add_key(const struct sweep_reading *reading, const char *key, const struct location *at)
{
    struct sweep_plan *plan = reading->plan;
    for (size_t i = 0; i < plan->key_count; i++) {
        if (strcmp(plan->keys[i], key) == 0)
            return error_input(reading->error, at, "'%s' is swept twice", key);
    }
    if (plan->key_count == SWEEP_MAX_KEYS)
        return error_input(reading->error, at, "a sweep has at most %d keys", SWEEP_MAX_KEYS);
    plan->keys[plan->key_count++] = key;
    return true;
}

struct sweep_axis *sweep_begin_axis(const struct sweep_reading *reading, const struct location *at)
{
    struct sweep_plan *plan = reading->plan;
    if (plan->axis_count == SWEEP_MAX_AXES) {
        error_input(reading->error, at, "a sweep has at most %d axes", SWEEP_MAX_AXES);
        return NULL;
    }
    struct sweep_axis *axis = &plan->axes[plan->axis_count++];
    *axis = (struct sweep_axis){.first_key = plan->key_count};
    return axis;
}

bool sweep_allocate_values(const struct sweep_reading *reading, struct sweep_axis *axis,
                           size_t value_count)
{
    axis->value_count = value_count;
    axis->values = document_allocate(reading->plan->document, value_count * axis->key_count,
                                     sizeof *axis->values);
    return axis->values != NULL || sweep_out_of_memory(reading);
}

/* An axis of the members from `first` on, `count` of them, which move together. */
static bool add_axis(const struct sweep_reading *reading, const struct node *mapping, size_t first,
                     size_t count)
{
    struct sweep_axis *axis = sweep_begin_axis(reading, &mapping->at);
    if (axis == NULL)
        return false;
    axis->key_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *key = mapping->keys[first + i];
        const struct node *node = mapping->items[first + i];
        struct range range = {0};
        const size_t values = count_values(reading, key, node, &range);
        if (values == 0 || !sweep_add_key(reading, key, &mapping->key_at[first + i]))
            return false;
        if (i == 0) {
            if (!sweep_allocate_values(reading, axis, values))
                return false;
        } else if (values != axis->value_count) {
            return error_input(reading->error, &node->at,
                               "linked keys have as many values each: '%s' has %zu, '%s' %zu",
                               mapping->keys[first], axis->value_count, key, values);
        }
        const bool taken = node->kind == NODE_SEQUENCE ? take_list(reading, axis, i, node)
                                                       : take_range(reading, axis, i, &range);
        if (!taken)
            return false;
    }
    return true;
}

static bool is_mapping(const struct sweep_reading *reading, const struct node *node,
                       const char *what)
{
    return (node->kind == NODE_MAPPING && node->count > 0) ||
           error_input(reading->error, &node->at, "%s is a mapping of keys to values", what);
}

static bool read_axes(const struct sweep_reading *reading, const struct node *root)
{
    const struct node *sweep = node_find(root, "sweep"), *linked = node_find(root, "linked");
    if (sweep == NULL && linked == NULL && !sweep_has_vllm_axes(root))
        return error_input(reading->error, &root->at,
                           "no axis: 'sweep' is missing, {engine.max_num_seqs: [8, 16]}");
    if (sweep != NULL && !is_mapping(reading, sweep, "'sweep'"))
        return false;
    for (size_t i = 0; sweep != NULL && i < sweep->count; i++) {
        if (!add_axis(reading, sweep, i, 1))
            return false;
    }
    if (linked != NULL && linked->kind != NODE_SEQUENCE)
        return error_input(reading->error, &linked->at, "'linked' is a list of axes");
    for (size_t i = 0; linked != NULL && i < linked->count; i++) {
        if (!is_mapping(reading, linked->items[i], "an axis of 'linked'") ||
            !add_axis(reading, linked->items[i], 0, linked->items[i]->count))
            return false;
    }
    return sweep_read_vllm_axes(reading, root);
}

static size_t find_key(const struct sweep_plan *plan, const char *name)
{
    size_t key = 0;
    while (key < plan->key_count && strcmp(plan->keys[key], name) != 0)
        key++;
    return key;
}

static bool check_excludes(const struct sweep_reading *reading, const struct node *exclude)
{
    if (exclude == NULL)
        return true;
    if (exclude->kind != NODE_SEQUENCE || exclude->count > SWEEP_MAX_EXCLUDES)
        return error_input(reading->error, &exclude->at,
                           "'exclude' is a list of at most %d combinations", SWEEP_MAX_EXCLUDES);
    for (size_t i = 0; i < exclude->count; i++) {
        const struct node *item = exclude->items[i];
        if (!is_mapping(reading, item, "a combination of 'exclude'"))
            return false;
        for (size_t k = 0; k < item->count; k++) {
            if (find_key(reading->plan, item->keys[k]) == reading->plan->key_count) {
                error_input(reading->error, &item->key_at[k], "'%s' is no key of the sweep",
                            item->keys[k]);
                error_suggest(reading->error, item->keys[k], reading->plan->keys,
                              reading->plan->key_count);
                return false;
            }
            if (item->items[k]->kind != NODE_SCALAR)
                return error_input(reading->error, &item->items[k]->at,
                                   "one value of '%s' is wanted", item->keys[k]);
        }
    }
    return true;
}

/* The value of a key in a combination, whether it is excluded or not; NULL: the base's. */
static const char *value_in(const struct sweep_plan *plan, int32_t combination, size_t key)
{
    for (size_t i = plan->axis_count; i-- > 0;) {
        const struct sweep_axis *axis = &plan->axes[i];
        const size_t value = (size_t)combination % axis->value_count;
        combination /= (int32_t)axis->value_count;
        if (key >= axis->first_key)
            return axis->values[value * axis->key_count + (key - axis->first_key)];
    }
    return NULL;
}

static bool is_value(const char *value, const char *text)
{
    return value != NULL && strcmp(value, text) == 0;
}

static bool is_excluded(const struct sweep_plan *plan, int32_t combination,
                        const struct node *exclude)
{
    for (size_t i = 0; exclude != NULL && i < exclude->count; i++) {
        const struct node *item = exclude->items[i];
        bool matches = true;
        for (size_t k = 0; matches && k < item->count; k++)
            matches = is_value(value_in(plan, combination, find_key(plan, item->keys[k])),
                               item->items[k]->text);
        if (matches)
            return true;
    }
    return false;
}

static bool list_runs(const struct sweep_reading *reading, const struct node *root)
{
    struct sweep_plan *plan = reading->plan;
    const struct node *exclude = node_find(root, "exclude");
    int64_t combinations = 1;
    for (size_t i = 0; i < plan->axis_count; i++) {
        combinations *= (int64_t)plan->axes[i].value_count;
        if (combinations > SWEEP_MAX_RUNS)
            return error_input(reading->error, &root->at, "more than %d combinations",
                               SWEEP_MAX_RUNS);
    }
    if (!check_excludes(reading, exclude))
        return false;
    plan->runs = calloc((size_t)combinations, sizeof *plan->runs);
    if (plan->runs == NULL)
        return sweep_out_of_memory(reading);
    for (int32_t i = 0; i < combinations; i++) {
        if (!is_excluded(plan, i, exclude))
            plan->runs[plan->run_count++] = i;
    }
    return plan->run_count > 0 ||
           error_input(reading->error, &exclude->at, "every combination is excluded");
}

bool sweep_plan_read(struct sweep_plan *plan, const char *path, struct error *error)
{
    static const struct setting known[] = {{.name = "base"},         {.name = "sweep"},
                                           {.name = "linked"},       {.name = "exclude"},
                                           {.name = "serve_params"}, {.name = "bench_params"}};
    static const struct settings_table table = {"a sweep", known, sizeof known / sizeof *known};
    *plan = (struct sweep_plan){.document = document_create()};
    const struct sweep_reading reading = {plan, error};
    if (plan->document == NULL)
        return sweep_out_of_memory(&reading);
    const struct node *root = document_read_file(plan->document, path, error);
    if (root == NULL || !settings_check_keys(&table, root, error))
        return false;
    const struct node *base = node_find(root, "base");
    if (base == NULL || base->kind != NODE_SCALAR || *base->text == '\0')
        return error_input(error, base != NULL ? &base->at : &root->at,
                           "'base' names the configuration that is swept");
    if (strcmp(base->text, "-") == 0)
        return error_input(error, &base->at, "'base' is read by every run, which stdin cannot be");
    plan->base = document_path(plan->document, base);
    if (plan->base == NULL)
        return sweep_out_of_memory(&reading);
    return read_axes(&reading, root) && list_runs(&reading, root);
}

void sweep_plan_fini(struct sweep_plan *plan)
{
    if (plan->document != NULL)
        document_destroy(plan->document);
    free(plan->runs);
    *plan = (struct sweep_plan){0};
}

const char *sweep_plan_value(const struct sweep_plan *plan, size_t run, size_t key)
{
    return value_in(plan, plan->runs[run], key);
}
