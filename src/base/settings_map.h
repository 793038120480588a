/* Sections under names that the user gives: the values of a SETTING_MAP. */
#ifndef LLMSIM_BASE_SETTINGS_MAP_H
#define LLMSIM_BASE_SETTINGS_MAP_H

#include "settings.h"

/* Read the mapping `node` of names to sections into *map, in memory of the document. Too many, and
 * names that are empty, too long or hold control characters, are errors, as in settings_read. */
bool settings_map_read(struct document *document, const struct setting *setting,
                       const struct node *node, struct settings_map *map, struct error *error);

#endif
