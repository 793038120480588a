#include "key_table.h"

#include <stdlib.h>

bool key_table_init(struct key_table *table, int bits)
{
    const size_t places = (size_t)1 << bits;
    *table = (struct key_table){.keys = calloc(places, sizeof *table->keys),
                                .values = calloc(places, sizeof *table->values),
                                .mask = places - 1};
    return table->keys != NULL && table->values != NULL;
}

void key_table_fini(struct key_table *table)
{
    free(table->keys);
    free(table->values);
    *table = (struct key_table){0};
}

static bool is_held(const struct key_table *table, uint64_t key)
{
    return table->halvings == 0 || key >> (64 - table->halvings) == 0;
}

/* Where the key is, or the free place where it belongs. */
static size_t find_place(const struct key_table *table, uint64_t key)
{
    size_t place = key & table->mask;
    while (table->keys[place] != 0 && table->keys[place] != key)
        place = (place + 1) & table->mask;
    return place;
}

static void clear_place(struct key_table *table, size_t place)
{
    table->keys[place] = 0;
    table->values[place] = 0;
}

/* Halve the threshold and drop what is above it, in place: from a free place on around the table,
 * each key that stays moves to the first free place from where it belongs, which is none behind it.
 */
static void halve(struct key_table *table)
{
    size_t start = 0;
    while (table->keys[start] != 0)
        start++;
    table->halvings++;
    table->used = 0;
    for (size_t i = 1; i <= table->mask; i++) {
        const size_t place = (start + i) & table->mask;
        const uint64_t key = table->keys[place];
        const uint32_t value = table->values[place];
        if (key == 0)
            continue;
        clear_place(table, place);
        if (!is_held(table, key))
            continue;
        const size_t to = find_place(table, key);
        table->keys[to] = key;
        table->values[to] = value;
        table->used++;
    }
}

uint32_t *key_table_at(struct key_table *table, uint64_t key)
{
    key = key != 0 ? key : 1; /* 0 is a free place */
    if (!is_held(table, key))
        return NULL;
    size_t place = find_place(table, key);
    if (table->keys[place] == 0) {
        while (table->used >= (table->mask + 1) / 8 * 7 && table->halvings < 63)
            halve(table);
        if (!is_held(table, key))
            return NULL;
        place = find_place(table, key);
        table->keys[place] = key;
        table->used++;
    }
    return &table->values[place];
}
