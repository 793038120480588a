/* Parameter files of vLLM's benchmark: `vllm bench sweep serve --serve-params FILE --bench-params FILE`
 * (docs.vllm.ai, "Parameter Sweeps"; vllm/benchmarks/sweep/param_sweep.py). A file is a list of
 * combinations, or a mapping of names to combinations; every pair of the two files' is a run. */
#include "sweep_reading.h"

#include "engine_config.h"
#include <string.h>

/* Where vLLM's name is not the engine's own. `form`: how the value is written here. */
static const struct counterpart {
    const char *name, *key, *form;
} serve_names[] =
    {
        {"model", "model", "%s"},
        {"dtype", "model.dtype", "%s"},
        {"swap_space", "engine.swap_space", "%s GiB"},
        {NULL, NULL, NULL},
},
  bench_names[] = {
      {"request_rate", "workload.arrivals.rate", "%s"},
      {"burstiness", "workload.arrivals.burstiness", "%s"},
      {"max_concurrency", "workload.arrivals.concurrency", "%s"},
      {"num_prompts", "workload.num_requests", "%s"},
      {"dataset_path", "workload.trace", "%s"},
      {"random_input_len", "workload.prompt_tokens", "{distribution: constant, value: %s}"},
      {"input_len", "workload.prompt_tokens", "{distribution: constant, value: %s}"},
      {"random_output_len", "workload.output_tokens", "{distribution: constant, value: %s}"},
      {"output_len", "workload.output_tokens", "{distribution: constant, value: %s}"},
      {"seed", "seed", "%s"},
      {NULL, NULL, NULL},
};

static const struct side {
    const char *file_key; /* in the sweep's file */
    const struct counterpart *names;
    bool has_engine_keys; /* others are the engine's */
} sides[] = {{"serve_params", serve_names, true}, {"bench_params", bench_names, false}};
enum { SIDES = sizeof sides / sizeof *sides };

/* A name for people, which changes nothing. */
static bool is_label(const char *name)
{
    return strcmp(name, "_benchmark_name") == 0;
}

bool sweep_has_vllm_axes(const struct node *root)
{
    for (int i = 0; i < SIDES; i++) {
        if (node_find(root, sides[i].file_key) != NULL)
            return true;
    }
    return false;
}

/* "max-num-seqs" and "max_num_seqs" are the same option. */
static const char *option_name(const struct sweep_reading *reading, const char *key)
{
    char *name = document_copy_text(reading->plan->document, key);
    for (char *c = name; c != NULL && *c != '\0'; c++) {
        if (*c == '-')
            *c = '_';
    }
    return name;
}

static const char *join(const struct sweep_reading *reading, const char *before, const char *text,
                        const char *after)
{
    const size_t bytes = strlen(before) + strlen(text) + strlen(after) + 1;
    char *joined = document_allocate(reading->plan->document, bytes, 1);
    if (joined != NULL)
        snprintf(joined, bytes, "%s%s%s", before, text, after);
    return joined;
}

static bool is_engine_key(const char *name)
{
    for (size_t i = 0; i < engine_settings.count; i++) {
        if (strcmp(engine_settings.settings[i].name, name) == 0)
            return true;
    }
    return false;
}

/* The key that an option stands for; *form: how its value is written. NULL: none, or no memory. */
static const char *find_key(const struct sweep_reading *reading, const struct side *side,
                            const struct node *combination, size_t member, const char **form)
{
    const char *name = option_name(reading, combination->keys[member]);
    if (name == NULL) {
        sweep_out_of_memory(reading);
        return NULL;
    }
    for (const struct counterpart *known = side->names; known->name != NULL; known++) {
        if (strcmp(known->name, name) == 0) {
            *form = known->form;
            return known->key;
        }
    }
    *form = "%s";
    if (side->has_engine_keys && is_engine_key(name)) {
        const char *key = join(reading, "engine.", name, "");
        if (key == NULL)
            sweep_out_of_memory(reading);
        return key;
    }
    error_input(reading->error, &combination->key_at[member],
                "'%s' of vLLM has no counterpart here", combination->keys[member]);
    return NULL;
}

static size_t find_in_axis(const struct sweep_reading *reading, const struct sweep_axis *axis,
                           const char *key)
{
    size_t at = 0;
    while (at < axis->key_count && strcmp(reading->plan->keys[axis->first_key + at], key) != 0)
        at++;
    return at;
}

/* The keys that any of the combinations sets. */
static bool list_keys(const struct sweep_reading *reading, const struct side *side,
                      const struct node *file, struct sweep_axis *axis)
{
    for (size_t i = 0; i < file->count; i++) {
        const struct node *combination = file->items[i];
        if (combination->kind != NODE_MAPPING)
            return error_input(reading->error, &combination->at,
                               "a combination is a mapping of vLLM's options to values");
        for (size_t k = 0; k < combination->count; k++) {
            const char *form = NULL;
            if (is_label(combination->keys[k]))
                continue;
            const char *key = find_key(reading, side, combination, k, &form);
            if (key == NULL)
                return false;
            if (find_in_axis(reading, axis, key) < axis->key_count)
                continue;
            if (!sweep_add_key(reading, key, &combination->key_at[k]))
                return false;
            axis->key_count++;
        }
    }
    return true;
}

/* "{value: %s}" of "128"; null leaves the base's. */
static bool take_value(const struct sweep_reading *reading, const struct node *item,
                       const char *form, const char **value)
{
    const char *hole = strstr(form, "%s");
    const char *text = sweep_take_value(reading, item);
    if (text == NULL)
        return false;
    if (!item->quoted && strcmp(text, "null") == 0)
        return true;
    char before[64];
    snprintf(before, sizeof before, "%.*s", (int)(hole - form), form);
    *value = join(reading, before, text, hole + 2);
    return *value != NULL || sweep_out_of_memory(reading);
}

static bool take_combination(const struct sweep_reading *reading, const struct side *side,
                             const struct node *combination, struct sweep_axis *axis,
                             const char **values)
{
    for (size_t k = 0; k < combination->count; k++) {
        const char *form = NULL;
        if (is_label(combination->keys[k]))
            continue;
        const char *key = find_key(reading, side, combination, k, &form);
        if (key == NULL)
            return false;
        const char **value = &values[find_in_axis(reading, axis, key)];
        if (*value != NULL)
            return error_input(reading->error, &combination->key_at[k], "'%s' is given twice",
                               combination->keys[k]);
        if (!take_value(reading, combination->items[k], form, value))
            return false;
    }
    return true;
}

static bool read_file(const struct sweep_reading *reading, const struct side *side,
                      const struct node *named)
{
    struct document *document = reading->plan->document;
    if (named->kind != NODE_SCALAR || *named->text == '\0')
        return error_input(reading->error, &named->at, "'%s' names a file of parameters",
                           side->file_key);
    const char *path = document_path(document, named);
    if (path == NULL)
        return sweep_out_of_memory(reading);
    const struct node *file = document_read_file(document, path, reading->error);
    if (file == NULL)
        return false;
    if (file->kind == NODE_SCALAR || file->count == 0 || file->count > SWEEP_MAX_VALUES)
        return error_input(reading->error, &file->at,
                           "a list of 1 to %d combinations of vLLM's options is expected",
                           SWEEP_MAX_VALUES);
    struct sweep_axis *axis = sweep_begin_axis(reading, &file->at);
    if (axis == NULL || !list_keys(reading, side, file, axis))
        return false;
    if (axis->key_count == 0)
        return error_input(reading->error, &file->at, "no combination sets anything");
    if (!sweep_allocate_values(reading, axis, file->count))
        return false;
    for (size_t i = 0; i < file->count; i++) {
        if (!take_combination(reading, side, file->items[i], axis,
                              &axis->values[i * axis->key_count]))
            return false;
    }
    return true;
}

bool sweep_read_vllm_axes(const struct sweep_reading *reading, const struct node *root)
{
    for (int i = 0; i < SIDES; i++) {
        const struct node *named = node_find(root, sides[i].file_key);
        if (named != NULL && !read_file(reading, &sides[i], named))
            return false;
    }
    return true;
}
