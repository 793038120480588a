/* A YAML (or JSON, which YAML contains) document as a tree whose nodes know where they stand.
 *
 * The tree is read with libyaml and lives in an arena: every node, string and file name is owned by
 * the struct document and dies with it. Several files may be read into one document. */
#ifndef LLMSIM_BASE_DOCUMENT_H
#define LLMSIM_BASE_DOCUMENT_H

#include <llmsim/error.h>
#include <stddef.h>

/* No sensible configuration is near any of these. */
#define DOCUMENT_MAX_BYTES   (1 << 20)
#define DOCUMENT_MAX_NODES   100000
#define DOCUMENT_MAX_DEPTH   32
#define DOCUMENT_MAX_ANCHORS 1000

enum node_kind { NODE_SCALAR, NODE_SEQUENCE, NODE_MAPPING };

struct node {
    enum node_kind kind;
    bool quoted; /* a scalar in quotes: text, whatever it looks like */
    struct location at;
    const char *directory;   /* paths are relative to it; NULL: to the working directory */
    const char *text;        /* scalars only */
    size_t count;            /* items of a sequence, members of a mapping */
    struct node **items;     /* the items, or the members' values */
    const char **keys;       /* mappings: the members' keys; no two are equal */
    struct location *key_at; /* mappings: where they stand */
};

struct document;

/* NULL when memory cannot be had. */
struct document *document_create(void);
void document_destroy(struct document *document);

/* Read a whole file ("-": stdin) holding exactly one YAML document; the root, or NULL with *error
 * filled. An empty file is an empty mapping. */
struct node *document_read_file(struct document *document, const char *path, struct error *error);

/* The same from text; `name` stands for the file in messages and is copied. */
struct node *document_read_text(struct document *document, const char *name, const char *text,
                                size_t length, struct error *error);

/* The value of a key of a mapping, or NULL. `mapping` may be NULL or no mapping. */
struct node *node_find(const struct node *mapping, const char *key);

/* Where a key of a mapping stands; the mapping's own place when it has no such key. */
const struct location *node_key_location(const struct node *mapping, const char *key);

/* Apply "a.b.c=VALUE" to the mapping `root`: VALUE is read as YAML, mappings on the way are made
 * where they are missing, an old value is replaced. Messages name the override itself. */
bool document_override(struct document *document, struct node *root, const char *assignment,
                       struct error *error);

/* A mapping's value replaced by, or a member added with, `value`. */
bool document_set(struct document *document, struct node *mapping, const char *key,
                  struct node *value, struct error *error);

/* An empty mapping standing at `at`; NULL when memory cannot be had. */
struct node *document_new_mapping(struct document *document, const struct location *at);

/* The path that the text of a scalar names: relative to the file it stands in, "-" as it is. Owned
 * by the document; NULL when memory cannot be had. */
const char *document_path(struct document *document, const struct node *scalar);

/* Zeroed memory that lives as long as the document; NULL when it cannot be had. */
void *document_allocate(struct document *document, size_t count, size_t size);

/* A copy of a string, owned by the document; NULL when memory cannot be had. */
char *document_copy_text(struct document *document, const char *text);

#endif
