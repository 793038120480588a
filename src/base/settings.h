/* One table describes every configuration key of a struct. It drives parsing, bounds, did-you-mean,
 * --print-config, the JSON echo and the reference in configs/README.md. */
#ifndef LLMSIM_BASE_SETTINGS_H
#define LLMSIM_BASE_SETTINGS_H

#include "document.h"
#include "units.h"
#include <jansson.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

/* What an integer or a real holds when its word ("auto", "none") stands instead of a number. */
#define SETTING_UNSET_INTEGER INT64_MIN
#define SETTING_UNSET_REAL    ((double)NAN)

static inline bool setting_is_set(double value)
{
    return !isnan(value);
}

/* Numbers, owned by the document that they were read from. */
struct real_list {
    const double *values;
    size_t count; /* 1 … SETTING_MAX_ITEMS; 0 when unset */
};

/* Far more than anybody writes by hand, and too few to fill a document. */
#define SETTING_MAX_ITEMS (DOCUMENT_MAX_NODES / 10)

enum setting_kind {
    SETTING_BOOL,   /* bool */
    SETTING_SWITCH, /* int: 0 or 1, −1 when unset: a bool whose default depends on other settings */
    SETTING_INTEGER, /* int64_t */
    SETTING_REAL,    /* double, in the base unit */
    SETTING_REALS,   /* struct real_list: a list of those, or one alone; empty when unset */
    SETTING_TEXT,    /* const char *, owned by the document; NULL when unset */
    SETTING_PATH,   /* likewise: a file's name, relative to the file that names it; "-" is itself */
    SETTING_CHOICE, /* int: index into choices, −1 when unset */
    SETTING_SECTION, /* a struct of its own, described by `section` */
    SETTING_MAP,     /* struct settings_map: sections under names that the user gives */
};

/* So many sections a SETTING_MAP may have, and so long may the name of one be. */
#define SETTINGS_MAP_MAX_COUNT      64
#define SETTINGS_MAP_MAX_NAME_BYTES 64

/* What a SETTING_MAP holds, in the order given, owned by the document; unset: nothing. */
struct settings_map {
    size_t count;
    const char **names;
    void *items; /* `count` structs of item_bytes, described by `section` */
};

struct settings_table;

struct setting {
    const char *name;
    enum setting_kind kind;
    enum unit unit; /* integers and reals, lists of them too */
    size_t offset;  /* of the value in the struct */
    /* As a user would write it; NULL: required. A word ("auto", "none") where the kind wants
     * something else means "unset": it is stored as such, and so is the word, `null` or `~` in a
     * file. Sections: "none" for one that may be absent (its members then have their presets). */
    const char *preset;
    double minimum, maximum; /* the same, of each item; 0 and 0: no bounds */
    /* SETTING_CHOICE: the names, ending in NULL. SETTING_REAL of a minimum ≥ 0: words that may stand
     * instead of the number; they are stored as −1, −2, …, and messages name the first. NULL: none. */
    const char *const *choices;
    const struct settings_table *section; /* SETTING_SECTION, and each item of a SETTING_MAP */
    size_t item_bytes;                    /* SETTING_MAP */
    const struct setting
        *alone; /* SETTING_SECTION: its member that a value in place of the mapping is */
    const char *help;
};

struct settings_table {
    const char *title; /* what the mapping is: "an accelerator" */
    const struct setting *settings;
    size_t count;
};

/* Whether the setting's value in the struct at `base` is unset; a section, whether all of it is. */
bool setting_is_unset(const struct setting *setting, const void *base);

/* Read `mapping` (NULL: all presets) into the struct at `base`. Unknown keys, wrong kinds, wrong
 * units, values out of bounds and missing required keys are errors at their line and column.
 * Texts stored point into the document, or are string literals of the table. */
bool settings_read(struct document *document, const struct settings_table *table,
                   const struct node *mapping, void *base, struct error *error);

/* Only the first half of that: every key of `mapping` is one of the table's. */
bool settings_check_keys(const struct settings_table *table, const struct node *mapping,
                         struct error *error);

/* Only one of the table's settings, by its name: for mappings whose other members need more than a
 * table to be read. */
bool settings_read_member(struct document *document, const struct settings_table *table,
                          const char *name, const struct node *mapping, void *base,
                          struct error *error);

/* The item of a SETTING_MAP, from 0. */
static inline const void *settings_map_item(const struct setting *setting,
                                            const struct settings_map *map, size_t index)
{
    return (const char *)map->items + index * setting->item_bytes;
}

/* The struct at `base` as a YAML mapping that settings_read accepts, indented by `indent` spaces,
 * unset values left out. A base unit stands behind a number as a comment. A section whose every
 * value is unset is left out. */
void settings_print_yaml(const struct settings_table *table, const void *base, int indent,
                         FILE *stream);

/* The same as JSON, unset values as null; NULL when memory cannot be had. The caller owns the
 * reference. */
json_t *settings_to_json(const struct settings_table *table, const void *base);

/* The table, and those of its sections, as rows of a Markdown table: key, kind and unit, default,
 * bounds, meaning. `prefix` ("engine.") stands before the keys. */
void settings_print_reference(const struct settings_table *table, const char *prefix, FILE *stream);

#endif
