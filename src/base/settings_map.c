#include "settings_map.h"

#include "document_arena.h"
#include <string.h>

static bool check_name(const struct setting *setting, const char *name, const struct location *at,
                       struct error *error)
{
    if (*name == '\0')
        return error_input(error, at, "an empty name in '%s'", setting->name);
    if (strlen(name) > SETTINGS_MAP_MAX_NAME_BYTES)
        return error_input(error, at, "a name in '%s' is longer than %d bytes", setting->name,
                           SETTINGS_MAP_MAX_NAME_BYTES);
    for (const char *c = name; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return error_input(error, at, "a name in '%s' holds a control character",
                               setting->name);
    }
    return true;
}

bool settings_map_read(struct document *document, const struct setting *setting,
                       const struct node *node, struct settings_map *map, struct error *error)
{
    *map = (struct settings_map){0};
    if (node->kind != NODE_MAPPING)
        return error_input(error, &node->at, "'%s' must be a mapping of names to sections",
                           setting->name);
    if (node->count == 0)
        return true;
    if (node->count > SETTINGS_MAP_MAX_COUNT)
        return error_input(error, &node->at, "'%s' has %zu members; at most %d can be",
                           setting->name, node->count, SETTINGS_MAP_MAX_COUNT);
    map->names = document_allocate(document, node->count, sizeof *map->names);
    map->items = document_allocate(document, node->count, setting->item_bytes);
    if (map->names == NULL || map->items == NULL)
        return error_run(error, "out of memory");
    for (size_t i = 0; i < node->count; i++) {
        char *item = (char *)map->items + i * setting->item_bytes;
        if (!check_name(setting, node->keys[i], &node->key_at[i], error) ||
            !settings_read(document, setting->section, node->items[i], item, error))
            return false;
        map->names[i] = node->keys[i];
        map->count++;
    }
    return true;
}
