/* Reading a mapping into a struct by a table of keys. */
#include "settings.h"

#include "settings_map.h"
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct reader {
    struct document *document;
    struct error *error;
};

static void *member(const struct setting *setting, void *base)
{
    return (char *)base + setting->offset;
}

static bool is_word_for_unset(const struct setting *setting, const struct node *node)
{
    if (setting->preset == NULL || node->quoted || node->kind != NODE_SCALAR)
        return false;
    bool preset_is_word =
        strcmp(setting->preset, "auto") == 0 || strcmp(setting->preset, "none") == 0;
    return preset_is_word &&
           (strcmp(node->text, setting->preset) == 0 || strcmp(node->text, "null") == 0 ||
            strcmp(node->text, "~") == 0 || strcmp(node->text, "") == 0);
}

bool setting_is_unset(const struct setting *setting, const void *base)
{
    const void *value = (const char *)base + setting->offset;
    switch (setting->kind) {
    case SETTING_BOOL:
        return false;
    case SETTING_INTEGER:
        return *(const int64_t *)value == SETTING_UNSET_INTEGER;
    case SETTING_REAL:
        return isnan(*(const double *)value);
    case SETTING_REALS:
        return ((const struct real_list *)value)->count == 0;
    case SETTING_TEXT:
    case SETTING_PATH:
        return *(const char *const *)value == NULL;
    case SETTING_CHOICE:
    case SETTING_SWITCH:
        return *(const int *)value < 0;
    case SETTING_SECTION:
        for (size_t i = 0; i < setting->section->count; i++) {
            if (!setting_is_unset(&setting->section->settings[i], value))
                return false;
        }
        return true;
    case SETTING_MAP:
        return ((const struct settings_map *)value)->count == 0;
    }
    return false;
}

static void store_unset(const struct setting *setting, void *base)
{
    void *target = member(setting, base);
    switch (setting->kind) {
    case SETTING_BOOL:
        *(bool *)target = false;
        break;
    case SETTING_INTEGER:
        *(int64_t *)target = SETTING_UNSET_INTEGER;
        break;
    case SETTING_REAL:
        *(double *)target = SETTING_UNSET_REAL;
        break;
    case SETTING_REALS:
        *(struct real_list *)target = (struct real_list){NULL, 0};
        break;
    case SETTING_TEXT:
    case SETTING_PATH:
        *(const char **)target = NULL;
        break;
    case SETTING_CHOICE:
    case SETTING_SWITCH:
        *(int *)target = -1;
        break;
    case SETTING_MAP:
        *(struct settings_map *)target = (struct settings_map){0};
        break;
    case SETTING_SECTION:
        break;
    }
}

static bool read_bool(const struct reader *reader, const struct setting *setting,
                      const struct node *node, void *base)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(node->text, words[i]) != 0)
            continue;
        if (setting->kind == SETTING_SWITCH)
            *(int *)member(setting, base) = i % 2 == 1;
        else
            *(bool *)member(setting, base) = i % 2 == 1;
        return true;
    }
    return error_input(reader->error, &node->at, "'%s' must be true or false, not '%s'",
                       setting->name, node->text);
}

static bool check_bounds(const struct reader *reader, const struct setting *setting,
                         const struct node *node, double value)
{
    bool bounded = setting->minimum != 0.0 || setting->maximum != 0.0;
    if (!bounded || (value >= setting->minimum && value <= setting->maximum))
        return true;
    char minimum[32], maximum[32];
    units_format_exact(setting->minimum, minimum);
    units_format_exact(setting->maximum, maximum);
    const char *symbol = units_symbol(setting->unit);
    const char *space = *symbol != '\0' && *symbol != '/' ? " " : "";
    if (isinf(setting->maximum))
        return error_input(reader->error, &node->at, "'%s' must be at least %s%s%s, not '%s'",
                           setting->name, minimum, space, symbol, node->text);
    return error_input(reader->error, &node->at, "'%s' must be between %s and %s%s%s, not '%s'",
                       setting->name, minimum, maximum, space, symbol, node->text);
}

static bool read_number(const struct reader *reader, const struct setting *setting,
                        const struct node *node, double *value)
{
    switch (units_parse(node->text, setting->unit, value)) {
    case UNITS_OK:
        return check_bounds(reader, setting, node, *value);
    case UNITS_NOT_A_NUMBER:
        break;
    case UNITS_WRONG_UNIT:
        if (setting->unit == UNIT_NONE)
            return error_input(reader->error, &node->at, "'%s' takes a plain number, not '%s'",
                               setting->name, node->text);
        return error_input(
            reader->error, &node->at, "'%s' is in %s: '%s' has another unit (expected e.g. '%s')",
            setting->name, units_symbol(setting->unit), node->text, units_example(setting->unit));
    }
    const bool has_words = setting->kind == SETTING_REAL && setting->choices != NULL;
    return error_input(reader->error, &node->at, "'%s' must be a number (e.g. %s)%s%s, not '%s'",
                       setting->name,
                       setting->kind == SETTING_INTEGER && setting->unit == UNIT_NONE
                           ? "16"
                           : units_example(setting->unit),
                       has_words ? " or " : "", has_words ? setting->choices[0] : "", node->text);
}

static bool read_integer(const struct reader *reader, const struct setting *setting,
                         const struct node *node, void *base)
{
    double value = 0.0;
    if (!read_number(reader, setting, node, &value))
        return false;
    /* Beyond 2^53 a double would round what was written: read whole numbers as such. */
    char *end = NULL;
    errno = 0;
    long long whole = strtoll(node->text, &end, 10);
    if (*end != '\0' || errno != 0) {
        if (value != nearbyint(value) || fabs(value) > 0x1p53)
            return error_input(reader->error, &node->at, "'%s' must be a whole number, not '%s'",
                               setting->name, node->text);
        whole = (long long)value;
    }
    *(int64_t *)member(setting, base) = whole;
    return true;
}

static const char *kind_of(const struct node *node)
{
    static const char *const kinds[] = {
        [NODE_SCALAR] = "value", [NODE_SEQUENCE] = "list", [NODE_MAPPING] = "mapping"};
    return kinds[node->kind];
}

/* A number that stands alone is a list of one. */
static bool read_reals(const struct reader *reader, const struct setting *setting,
                       const struct node *node, void *base)
{
    const bool alone = node->kind == NODE_SCALAR;
    const size_t count = alone ? 1 : node->count;
    if (node->kind == NODE_MAPPING)
        return error_input(reader->error, &node->at, "'%s' takes a list of numbers, not a mapping",
                           setting->name);
    if (count == 0 || count > SETTING_MAX_ITEMS)
        return error_input(reader->error, &node->at,
                           "'%s' takes a list of 1 to %d numbers, not of %zu", setting->name,
                           SETTING_MAX_ITEMS, count);
    double *values = document_allocate(reader->document, count, sizeof *values);
    if (values == NULL)
        return error_run(reader->error, "out of memory");
    for (size_t i = 0; i < count; i++) {
        const struct node *item = alone ? node : node->items[i];
        if (item->kind != NODE_SCALAR)
            return error_input(reader->error, &item->at,
                               "'%s' takes a list of numbers: this item is a %s", setting->name,
                               kind_of(item));
        if (!read_number(reader, setting, item, &values[i]))
            return false;
    }
    *(struct real_list *)member(setting, base) = (struct real_list){values, count};
    return true;
}

static bool read_choice(const struct reader *reader, const struct setting *setting,
                        const struct node *node, void *base)
{
    size_t count = 0;
    for (; setting->choices[count] != NULL; count++) {
        if (strcmp(setting->choices[count], node->text) == 0) {
            *(int *)member(setting, base) = (int)count;
            return true;
        }
    }
    error_input(reader->error, &node->at, "'%s' cannot be '%s'", setting->name, node->text);
    error_suggest(reader->error, node->text, setting->choices, count);
    return false;
}

/* Texts are shown in tables and messages, a line each. */
static bool read_text(const struct reader *reader, const struct setting *setting,
                      const struct node *node, void *base)
{
    for (const char *c = node->text; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return error_input(reader->error, &node->at, "'%s' holds a control character",
                               setting->name);
    }
    *(const char **)member(setting, base) = node->text;
    return true;
}

static bool read_path(const struct reader *reader, const struct setting *setting,
                      const struct node *node, void *base)
{
    const char *path = document_path(reader->document, node);
    if (path == NULL)
        return error_run(reader->error, "out of memory");
    if (*path == '\0')
        return error_input(reader->error, &node->at, "'%s' names no file", setting->name);
    *(const char **)member(setting, base) = path;
    return true;
}

static bool read_real(const struct reader *reader, const struct setting *setting,
                      const struct node *node, void *base)
{
    double *value = member(setting, base);
    for (size_t i = 0; setting->choices != NULL && setting->choices[i] != NULL; i++) {
        if (strcmp(setting->choices[i], node->text) == 0) {
            *value = -1.0 - (double)i;
            return true;
        }
    }
    return read_number(reader, setting, node, value);
}

static bool read_value(const struct reader *reader, const struct setting *setting,
                       const struct node *node, void *base)
{
    if (is_word_for_unset(setting, node)) {
        store_unset(setting, base);
        return true;
    }
    if (setting->kind == SETTING_REALS)
        return read_reals(reader, setting, node, base);
    if (node->kind != NODE_SCALAR)
        return error_input(reader->error, &node->at, "'%s' takes one value, not a %s",
                           setting->name, kind_of(node));
    switch (setting->kind) {
    case SETTING_BOOL:
    case SETTING_SWITCH:
        return read_bool(reader, setting, node, base);
    case SETTING_INTEGER:
        return read_integer(reader, setting, node, base);
    case SETTING_REAL:
        return read_real(reader, setting, node, base);
    case SETTING_TEXT:
        return read_text(reader, setting, node, base);
    case SETTING_PATH:
        return read_path(reader, setting, node, base);
    case SETTING_CHOICE:
        return read_choice(reader, setting, node, base);
    case SETTING_REALS:
    case SETTING_SECTION:
    case SETTING_MAP:
        break;
    }
    return true;
}

static bool read_table(const struct reader *reader, const struct settings_table *table,
                       const struct node *mapping, void *base);

bool settings_check_keys(const struct settings_table *table, const struct node *mapping,
                         struct error *error)
{
    if (mapping->kind != NODE_MAPPING)
        return error_input(error, &mapping->at, "%s must be a mapping of keys to values",
                           table->title);
    const char *names[64];
    size_t count = table->count < 64 ? table->count : 64;
    for (size_t i = 0; i < count; i++)
        names[i] = table->settings[i].name;
    for (size_t i = 0; i < mapping->count; i++) {
        bool known = false;
        for (size_t j = 0; j < table->count && !known; j++)
            known = strcmp(mapping->keys[i], table->settings[j].name) == 0;
        if (known)
            continue;
        error_input(error, &mapping->key_at[i], "unknown key '%s' in %s", mapping->keys[i],
                    table->title);
        error_suggest(error, mapping->keys[i], names, count);
        return false;
    }
    return true;
}

/* A preset is read by the very code that reads a user's value. */
static bool read_preset(const struct reader *reader, const struct setting *setting,
                        const struct node *mapping, void *base)
{
    if (setting->kind == SETTING_SECTION)
        return read_table(reader, setting->section, NULL, member(setting, base));
    if (setting->preset == NULL)
        return error_input(reader->error, mapping != NULL ? &mapping->at : NULL,
                           "'%s' is missing: %s", setting->name, setting->help);
    struct node node = {.kind = NODE_SCALAR, .text = setting->preset};
    node.at.file = "preset";
    return read_value(reader, setting, &node, base);
}

static bool read_section(const struct reader *reader, const struct setting *setting,
                         const struct node *node, void *base)
{
    bool absent = is_word_for_unset(setting, node);
    if (!absent && setting->alone != NULL && node->kind == NODE_SCALAR) {
        struct setting alone = *setting->alone;
        alone.name = setting->name;
        return read_table(reader, setting->section, NULL, member(setting, base)) &&
               read_value(reader, &alone, node, member(setting, base));
    }
    if (!absent && node->kind != NODE_MAPPING)
        return error_input(reader->error, &node->at, "'%s' must be a mapping of keys to values",
                           setting->name);
    return read_table(reader, setting->section, absent ? NULL : node, member(setting, base));
}

static bool read_setting(const struct reader *reader, const struct setting *setting,
                         const struct node *mapping, void *base)
{
    const struct node *node = node_find(mapping, setting->name);
    if (node == NULL)
        return read_preset(reader, setting, mapping, base);
    if (setting->kind == SETTING_SECTION)
        return read_section(reader, setting, node, base);
    if (setting->kind == SETTING_MAP && !is_word_for_unset(setting, node))
        return settings_map_read(reader->document, setting, node, member(setting, base),
                                 reader->error);
    return read_value(reader, setting, node, base);
}

static bool read_table(const struct reader *reader, const struct settings_table *table,
                       const struct node *mapping, void *base)
{
    if (mapping != NULL && !settings_check_keys(table, mapping, reader->error))
        return false;
    for (size_t i = 0; i < table->count; i++) {
        if (!read_setting(reader, &table->settings[i], mapping, base))
            return false;
    }
    return true;
}

bool settings_read(struct document *document, const struct settings_table *table,
                   const struct node *mapping, void *base, struct error *error)
{
    struct reader reader = {document, error};
    return read_table(&reader, table, mapping, base);
}

bool settings_read_member(struct document *document, const struct settings_table *table,
                          const char *name, const struct node *mapping, void *base,
                          struct error *error)
{
    struct reader reader = {document, error};
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->settings[i].name, name) == 0)
            return read_setting(&reader, &table->settings[i], mapping, base);
    }
    assert(false);
    return false;
}
