#include "document_arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct block {
    struct block *next;
    max_align_t bytes[];
};

void *document_allocate(struct document *document, size_t count, size_t size)
{
    size_t bytes = 0;
    if (__builtin_mul_overflow(count, size, &bytes) || bytes > SIZE_MAX / 2)
        return NULL;
    struct block *block = calloc(1, sizeof *block + bytes);
    if (block == NULL)
        return NULL;
    block->next = document->blocks;
    document->blocks = block;
    return block->bytes;
}

struct document *document_create(void)
{
    return calloc(1, sizeof(struct document));
}

void document_destroy(struct document *document)
{
    if (document == NULL)
        return;
    for (struct block *block = document->blocks; block != NULL;) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
    free(document);
}

char *document_copy_bytes(struct document *document, const char *bytes, size_t length)
{
    char *copy = document_allocate(document, length + 1, 1);
    if (copy != NULL)
        memcpy(copy, bytes, length);
    return copy;
}

char *document_copy_text(struct document *document, const char *text)
{
    return document_copy_bytes(document, text, strlen(text));
}

struct node *document_new_node(struct document *document, enum node_kind kind,
                               const struct location *at, const char *directory)
{
    struct node *node = document_allocate(document, 1, sizeof *node);
    if (node != NULL) {
        node->kind = kind;
        node->at = *at;
        node->directory = directory;
        document->node_count++;
    }
    return node;
}

const char *document_path(struct document *document, const struct node *scalar)
{
    if (scalar->directory == NULL || scalar->text[0] == '/' || strcmp(scalar->text, "-") == 0)
        return scalar->text;
    size_t directory_length = strlen(scalar->directory);
    size_t length = strlen(scalar->text);
    char *path = document_allocate(document, directory_length + length + 1, 1);
    if (path != NULL) {
        memcpy(path, scalar->directory, directory_length);
        memcpy(path + directory_length, scalar->text, length);
    }
    return path;
}

static bool find_member(const struct node *mapping, const char *key, size_t *index)
{
    if (mapping == NULL || mapping->kind != NODE_MAPPING)
        return false;
    for (size_t i = 0; i < mapping->count; i++) {
        if (strcmp(mapping->keys[i], key) == 0) {
            *index = i;
            return true;
        }
    }
    return false;
}

struct node *node_find(const struct node *mapping, const char *key)
{
    size_t index = 0;
    return find_member(mapping, key, &index) ? mapping->items[index] : NULL;
}

const struct location *node_key_location(const struct node *mapping, const char *key)
{
    size_t index = 0;
    if (find_member(mapping, key, &index))
        return &mapping->key_at[index];
    return mapping != NULL ? &mapping->at : NULL;
}

struct node *document_new_mapping(struct document *document, const struct location *at)
{
    return document_new_node(document, NODE_MAPPING, at, NULL);
}

bool document_set(struct document *document, struct node *mapping, const char *key,
                  struct node *value, struct error *error)
{
    size_t index = 0;
    if (find_member(mapping, key, &index)) {
        mapping->items[index] = value;
        mapping->key_at[index] = value->at;
        return true;
    }
    size_t count = mapping->count + 1;
    struct node **items = document_allocate(document, count, sizeof *items);
    const char **keys = document_allocate(document, count, sizeof *keys);
    struct location *key_at = document_allocate(document, count, sizeof *key_at);
    const char *key_copy = document_copy_text(document, key);
    if (items == NULL || keys == NULL || key_at == NULL || key_copy == NULL)
        return error_run(error, "out of memory");
    if (mapping->count > 0) {
        memcpy(items, mapping->items, mapping->count * sizeof *items);
        memcpy(keys, mapping->keys, mapping->count * sizeof *keys);
        memcpy(key_at, mapping->key_at, mapping->count * sizeof *key_at);
    }
    items[count - 1] = value;
    keys[count - 1] = key_copy;
    key_at[count - 1] = value->at;
    mapping->items = items;
    mapping->keys = keys;
    mapping->key_at = key_at;
    mapping->count = count;
    return true;
}
