/* "-s engine.max_num_seqs=64": one assignment into a document. */
#include "document.h"

#include <stdlib.h>
#include <string.h>

/* A longer path or deeper key is no configuration key of ours. */
enum { ASSIGNMENT_MAX_BYTES = 64 << 10 };

/* Nodes of an override stand at no line: messages show the override as it was given. */
static void erase_positions(struct node *node, const struct location *at)
{
    node->at = *at;
    for (size_t i = 0; i < node->count; i++) {
        erase_positions(node->items[i], at);
        if (node->kind == NODE_MAPPING)
            node->key_at[i] = *at;
    }
}

static struct node *read_value(struct document *document, const char *name, const char *text,
                               const struct location *at, struct error *error)
{
    /* To YAML a lone '-' begins a list, and nothing is an empty document; here one means stdin, and
     * the other an empty value. */
    const char *yaml = strcmp(text, "-") == 0 ? "'-'" : *text == '\0' ? "''" : text;
    struct node *value = document_read_text(document, name, yaml, strlen(yaml), error);
    if (value != NULL) {
        erase_positions(value, at);
        value->quoted = value->quoted && *text != '\0';
    }
    return value;
}

/* "engine:" with nothing behind it is a section without keys. */
static bool is_empty(const struct node *node)
{
    return node->kind == NODE_SCALAR && !node->quoted &&
           (*node->text == '\0' || strcmp(node->text, "~") == 0 ||
            strcmp(node->text, "null") == 0 || strcmp(node->text, "none") == 0);
}

/* The mapping at `key` of `mapping`, made when it is missing. */
static struct node *descend(struct document *document, struct node *mapping, const char *key,
                            const struct location *at, struct error *error)
{
    struct node *child = node_find(mapping, key);
    if (child == NULL || is_empty(child)) {
        child = document_new_mapping(document, at);
        if (child == NULL) {
            error_run(error, "out of memory");
            return NULL;
        }
        return document_set(document, mapping, key, child, error) ? child : NULL;
    }
    if (child->kind != NODE_MAPPING) {
        error_input(error, at, "'%s' is not a section, so it has no keys of its own", key);
        return NULL;
    }
    return child;
}

bool document_override(struct document *document, struct node *root, const char *assignment,
                       struct error *error)
{
    size_t length = strlen(assignment);
    const char *equals = strchr(assignment, '=');
    if (equals == NULL || equals == assignment || length > ASSIGNMENT_MAX_BYTES)
        return error_input(error, NULL,
                           "-s %.60s: expected KEY=VALUE, as in -s engine.max_num_seqs=64",
                           assignment);
    char *name = NULL;
    if (asprintf(&name, "-s %s", assignment) < 0)
        return error_run(error, "out of memory");
    struct location at = {document_copy_text(document, name), 0, 0};
    free(name);
    char *path = document_copy_text(document, assignment);
    if (at.file == NULL || path == NULL)
        return error_run(error, "out of memory");
    path[equals - assignment] = '\0';
    if (root->kind != NODE_MAPPING)
        return error_input(error, &root->at, "a configuration must be a mapping of keys to values");
    struct node *value = read_value(document, at.file, equals + 1, &at, error);
    struct node *mapping = root;
    char *key = path;
    for (char *dot = strchr(key, '.'); value != NULL && dot != NULL; dot = strchr(key, '.')) {
        *dot = '\0';
        if (*key == '\0')
            return error_input(error, &at, "an empty key");
        mapping = descend(document, mapping, key, &at, error);
        if (mapping == NULL)
            return false;
        key = dot + 1;
    }
    if (value == NULL)
        return false;
    if (*key == '\0')
        return error_input(error, &at, "an empty key");
    return document_set(document, mapping, key, value, error);
}
