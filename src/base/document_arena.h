/* Inside a document: shared by its two halves, document.c (the tree) and document_read.c (libyaml).
 */
#ifndef LLMSIM_BASE_DOCUMENT_ARENA_H
#define LLMSIM_BASE_DOCUMENT_ARENA_H

#include "document.h"

struct block;

/* Everything a document owns is one list of blocks, freed together. */
struct document {
    struct block *blocks;
    size_t node_count;
};

/* A copy with a NUL behind it; NULL when memory cannot be had, as below. */
char *document_copy_bytes(struct document *document, const char *bytes, size_t length);

struct node *document_new_node(struct document *document, enum node_kind kind,
                               const struct location *at, const char *directory);

#endif
