/* A struct described by a table, printed as YAML, JSON, or a reference of its keys. */
#include "settings.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const void *member(const struct setting *setting, const void *base)
{
    return (const char *)base + setting->offset;
}

/* Only a path can hold what is not UTF-8; JSON cannot, and shows question marks. */
static json_t *json_text(const char *text)
{
    json_t *json = json_string(text);
    char *copy = json == NULL ? strdup(text) : NULL;
    for (char *c = copy; c != NULL && *c != '\0'; c++) {
        if ((unsigned char)*c >= 0x80)
            *c = '?';
    }
    if (copy != NULL)
        json = json_string(copy);
    free(copy);
    return json;
}

/* Double-quoted YAML (JSON is a subset of it), so that no text can be taken for anything else. */
static void print_quoted(const char *text, FILE *stream)
{
    json_t *string = json_text(text);
    char *quoted = string != NULL ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    fputs(quoted != NULL ? quoted : "\"?\"", stream);
    free(quoted);
    json_decref(string);
}

/* A path read back elsewhere means the same file only if it is absolute. Owned by the caller; NULL
 * when memory cannot be had. */
static char *absolute_path(const char *path)
{
    char *absolute = strcmp(path, "-") == 0 ? strdup(path) : realpath(path, NULL);
    if (absolute != NULL || *path == '/')
        return absolute != NULL ? absolute : strdup(path);
    char *directory = getcwd(NULL, 0);
    if (directory == NULL || asprintf(&absolute, "%s/%s", directory, path) < 0)
        absolute = NULL;
    free(directory);
    return absolute;
}

static void print_path(const char *path, FILE *stream)
{
    char *absolute = absolute_path(path);
    print_quoted(absolute != NULL ? absolute : path, stream);
    free(absolute);
}

static json_t *json_path(const char *path)
{
    char *absolute = absolute_path(path);
    json_t *json = absolute != NULL ? json_text(absolute) : NULL;
    free(absolute);
    return json;
}

static void print_reals(const struct real_list *list, FILE *stream)
{
    char number[32];
    fputc('[', stream);
    for (size_t i = 0; i < list->count; i++) {
        units_format_exact(list->values[i], number);
        fprintf(stream, "%s%s", i > 0 ? ", " : "", number);
    }
    fputc(']', stream);
}

static json_t *json_reals(const struct real_list *list)
{
    json_t *array = json_array();
    for (size_t i = 0; array != NULL && i < list->count; i++) {
        if (json_array_append_new(array, json_real(list->values[i])) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static bool is_numeric(const struct setting *setting)
{
    return setting->kind == SETTING_INTEGER || setting->kind == SETTING_REAL ||
           setting->kind == SETTING_REALS;
}

/* The word that stands for it; NULL: it is a number. */
static const char *word_of(const struct setting *setting, double value)
{
    return setting->choices != NULL && value < 0.0 ? setting->choices[(int)-value - 1] : NULL;
}

static void print_real(const struct setting *setting, double value, FILE *stream)
{
    char number[32];
    const char *word = word_of(setting, value);
    if (word == NULL)
        units_format_exact(value, number);
    fputs(word != NULL ? word : number, stream);
}

static void print_value(const struct setting *setting, const void *base, FILE *stream)
{
    const void *value = member(setting, base);
    switch (setting->kind) {
    case SETTING_BOOL:
        fputs(*(const bool *)value ? "true" : "false", stream);
        break;
    case SETTING_SWITCH:
        fputs(*(const int *)value != 0 ? "true" : "false", stream);
        break;
    case SETTING_INTEGER:
        fprintf(stream, "%" PRId64, *(const int64_t *)value);
        break;
    case SETTING_REAL:
        print_real(setting, *(const double *)value, stream);
        break;
    case SETTING_REALS:
        print_reals(value, stream);
        break;
    case SETTING_TEXT:
        print_quoted(*(const char *const *)value, stream);
        break;
    case SETTING_PATH:
        print_path(*(const char *const *)value, stream);
        break;
    case SETTING_CHOICE:
        fputs(setting->choices[*(const int *)value], stream);
        break;
    case SETTING_SECTION:
    case SETTING_MAP:
        break;
    }
    if (is_numeric(setting) && setting->unit != UNIT_NONE)
        fprintf(stream, "  # %s", units_symbol(setting->unit));
    fputc('\n', stream);
}

static void print_map(const struct setting *setting, const struct settings_map *map, int indent,
                      FILE *stream)
{
    for (size_t i = 0; i < map->count; i++) {
        fprintf(stream, "%*s", indent, "");
        print_quoted(map->names[i], stream);
        fputs(":\n", stream);
        settings_print_yaml(setting->section, settings_map_item(setting, map, i), indent + 2,
                            stream);
    }
}

/* Whether the member that may stand for the section is all that is set in it. */
static bool is_alone(const struct setting *setting, const void *section)
{
    if (setting->alone == NULL || setting_is_unset(setting->alone, section))
        return false;
    for (size_t i = 0; i < setting->section->count; i++) {
        const struct setting *other = &setting->section->settings[i];
        if (other != setting->alone && !setting_is_unset(other, section))
            return false;
    }
    return true;
}

void settings_print_yaml(const struct settings_table *table, const void *base, int indent,
                         FILE *stream)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];
        if (setting_is_unset(setting, base))
            continue;
        fprintf(stream, "%*s%s:", indent, "", setting->name);
        if (setting->kind == SETTING_SECTION && is_alone(setting, member(setting, base))) {
            fputc(' ', stream);
            print_value(setting->alone, member(setting, base), stream);
        } else if (setting->kind == SETTING_SECTION) {
            fputc('\n', stream);
            settings_print_yaml(setting->section, member(setting, base), indent + 2, stream);
        } else if (setting->kind == SETTING_MAP) {
            fputc('\n', stream);
            print_map(setting, member(setting, base), indent + 2, stream);
        } else {
            fputc(' ', stream);
            print_value(setting, base, stream);
        }
    }
}

static json_t *json_map(const struct setting *setting, const struct settings_map *map)
{
    json_t *object = json_object();
    for (size_t i = 0; object != NULL && i < map->count; i++) {
        if (json_object_set_new(
                object, map->names[i],
                settings_to_json(setting->section, settings_map_item(setting, map, i))) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *json_real_or_word(const struct setting *setting, double value)
{
    const char *word = word_of(setting, value);
    return word != NULL ? json_string(word) : json_real(value);
}

static json_t *json_value(const struct setting *setting, const void *base)
{
    if (setting_is_unset(setting, base))
        return json_null();
    const void *value = member(setting, base);
    switch (setting->kind) {
    case SETTING_BOOL:
        return json_boolean(*(const bool *)value);
    case SETTING_SWITCH:
        return json_boolean(*(const int *)value);
    case SETTING_INTEGER:
        return json_integer(*(const int64_t *)value);
    case SETTING_REAL:
        return json_real_or_word(setting, *(const double *)value);
    case SETTING_REALS:
        return json_reals(value);
    case SETTING_PATH:
        return json_path(*(const char *const *)value);
    case SETTING_TEXT:
        return json_text(*(const char *const *)value);
    case SETTING_CHOICE:
        return json_string(setting->choices[*(const int *)value]);
    case SETTING_SECTION:
        return is_alone(setting, value) ? json_value(setting->alone, value)
                                        : settings_to_json(setting->section, value);
    case SETTING_MAP:
        return json_map(setting, value);
    }
    return NULL;
}

json_t *settings_to_json(const struct settings_table *table, const void *base)
{
    json_t *object = json_object();
    for (size_t i = 0; object != NULL && i < table->count; i++) {
        if (json_object_set_new(object, table->settings[i].name,
                                json_value(&table->settings[i], base)) != 0) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static void print_kind(const struct setting *setting, FILE *stream)
{
    static const char *const kinds[] = {
        [SETTING_BOOL] = "true or false",
        [SETTING_SWITCH] = "true or false",
        [SETTING_INTEGER] = "whole number",
        [SETTING_REAL] = "number",
        [SETTING_REALS] = "list of numbers",
        [SETTING_TEXT] = "text",
        [SETTING_PATH] = "path",
        [SETTING_MAP] = "names, each with a section",
    };
    if (setting->kind == SETTING_CHOICE) {
        for (size_t i = 0; setting->choices[i] != NULL; i++)
            fprintf(stream, "%s`%s`", i > 0 ? ", " : "", setting->choices[i]);
        return;
    }
    fputs(kinds[setting->kind], stream);
    const bool numeric = is_numeric(setting);
    if (numeric && setting->unit != UNIT_NONE)
        fprintf(stream, ", %s", units_symbol(setting->unit));
    if (!numeric || (setting->minimum == 0.0 && setting->maximum == 0.0))
        return;
    char minimum[32], maximum[32];
    units_format_exact(setting->minimum, minimum);
    units_format_exact(setting->maximum, maximum);
    if (isinf(setting->maximum))
        fprintf(stream, ", ≥ %s", minimum);
    else
        fprintf(stream, ", %s … %s", minimum, maximum);
    for (size_t i = 0; setting->choices != NULL && setting->choices[i] != NULL; i++)
        fprintf(stream, "; or `%s`", setting->choices[i]);
}

void settings_print_reference(const struct settings_table *table, const char *prefix, FILE *stream)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];
        if (setting->kind == SETTING_SECTION)
            continue;
        fprintf(stream, "| `%s%s` | ", prefix, setting->name);
        print_kind(setting, stream);
        if (setting->preset == NULL)
            fputs(" | required", stream);
        else
            fprintf(stream, " | `%s`", setting->preset);
        fprintf(stream, " | %s |\n", setting->help);
    }
    for (size_t i = 0; i < table->count; i++) {
        const struct setting *setting = &table->settings[i];
        if (setting->kind != SETTING_SECTION)
            continue;
        char inner[128];
        snprintf(inner, sizeof inner, "%s%s.", prefix, setting->name);
        settings_print_reference(setting->section, inner, stream);
    }
}
