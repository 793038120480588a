/* From YAML text to a document's tree, by libyaml. */
#include "document_arena.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

/* One libyaml document being turned into a tree. */
struct reading {
    struct document *document;
    yaml_document_t *yaml;
    const char *file;
    const char *directory;
    size_t text_bytes; /* so far: aliases repeat it */
    struct error *error;
};

static struct node *out_of_memory(struct error *error)
{
    error_run(error, "out of memory");
    return NULL;
}

static struct location location_of(const struct reading *reading, yaml_mark_t mark)
{
    return (struct location){reading->file, (int)mark.line + 1, (int)mark.column + 1};
}

static void too_large(const struct reading *reading, const struct location *at)
{
    error_input(reading->error, at,
                "nested too deeply or too large (at most %d levels, %d values, %d MiB of text)",
                DOCUMENT_MAX_DEPTH, DOCUMENT_MAX_NODES, DOCUMENT_MAX_BYTES >> 20);
}

static struct node *read_node(struct reading *reading, int index, int depth);

/* Fails on text with a NUL: no key or value of ours has one, and C would cut it there. */
static const char *read_text(struct reading *reading, const yaml_node_t *yaml)
{
    const char *value = (const char *)yaml->data.scalar.value;
    size_t length = yaml->data.scalar.length;
    struct location at = location_of(reading, yaml->start_mark);
    reading->text_bytes += length;
    if (reading->text_bytes > DOCUMENT_MAX_BYTES) {
        too_large(reading, &at);
        return NULL;
    }
    if (memchr(value, '\0', length) != NULL) {
        error_input(reading->error, &at, "a NUL character in the text");
        return NULL;
    }
    const char *text = document_copy_bytes(reading->document, value, length);
    if (text == NULL)
        out_of_memory(reading->error);
    return text;
}

static bool read_sequence(struct reading *reading, const yaml_node_t *yaml, struct node *node,
                          int depth)
{
    yaml_node_item_t *start = yaml->data.sequence.items.start;
    node->count = (size_t)(yaml->data.sequence.items.top - start);
    node->items = document_allocate(reading->document, node->count, sizeof *node->items);
    if (node->items == NULL)
        return error_run(reading->error, "out of memory");
    for (size_t i = 0; i < node->count; i++) {
        node->items[i] = read_node(reading, start[i], depth + 1);
        if (node->items[i] == NULL)
            return false;
    }
    return true;
}

static int compare_keys(const void *left, const void *right)
{
    const struct node *const *a = left;
    const struct node *const *b = right;
    int order = strcmp((*a)->text, (*b)->text);
    if (order != 0)
        return order;
    if ((*a)->at.line != (*b)->at.line)
        return (*a)->at.line < (*b)->at.line ? -1 : 1;
    return (*a)->at.column < (*b)->at.column ? -1 : 1;
}

/* Sorting finds duplicates in n log n, however many keys there are. */
static bool refuse_duplicates(struct reading *reading, struct node **key_nodes, size_t count)
{
    qsort(key_nodes, count, sizeof(struct node *), compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(key_nodes[i - 1]->text, key_nodes[i]->text) == 0)
            return error_input(reading->error, &key_nodes[i]->at,
                               "'%s' is given twice (first at line %lld)", key_nodes[i]->text,
                               (long long)key_nodes[i - 1]->at.line);
    }
    return true;
}

static bool read_mapping(struct reading *reading, const yaml_node_t *yaml, struct node *node,
                         int depth)
{
    yaml_node_pair_t *start = yaml->data.mapping.pairs.start;
    node->count = (size_t)(yaml->data.mapping.pairs.top - start);
    struct document *document = reading->document;
    node->items = document_allocate(document, node->count, sizeof *node->items);
    node->keys = document_allocate(document, node->count, sizeof *node->keys);
    node->key_at = document_allocate(document, node->count, sizeof *node->key_at);
    struct node **key_nodes = document_allocate(document, node->count, sizeof *key_nodes);
    if (node->items == NULL || node->keys == NULL || node->key_at == NULL || key_nodes == NULL)
        return error_run(reading->error, "out of memory");
    for (size_t i = 0; i < node->count; i++) {
        key_nodes[i] = read_node(reading, start[i].key, depth + 1);
        if (key_nodes[i] == NULL)
            return false;
        if (key_nodes[i]->kind != NODE_SCALAR)
            return error_input(reading->error, &key_nodes[i]->at, "a key must be a plain word");
        node->keys[i] = key_nodes[i]->text;
        node->key_at[i] = key_nodes[i]->at;
        node->items[i] = read_node(reading, start[i].value, depth + 1);
        if (node->items[i] == NULL)
            return false;
    }
    return refuse_duplicates(reading, key_nodes, node->count);
}

static struct node *read_node(struct reading *reading, int index, int depth)
{
    yaml_node_t *yaml = yaml_document_get_node(reading->yaml, index);
    struct location at = location_of(reading, yaml->start_mark);
    /* Aliases make a libyaml document a graph: the limits also end cycles and expansions. */
    if (depth > DOCUMENT_MAX_DEPTH || reading->document->node_count >= DOCUMENT_MAX_NODES) {
        too_large(reading, &at);
        return NULL;
    }
    enum node_kind kind = yaml->type == YAML_SCALAR_NODE     ? NODE_SCALAR
                          : yaml->type == YAML_SEQUENCE_NODE ? NODE_SEQUENCE
                                                             : NODE_MAPPING;
    struct node *node = document_new_node(reading->document, kind, &at, reading->directory);
    if (node == NULL)
        return out_of_memory(reading->error);
    bool read = false;
    switch (kind) {
    case NODE_SCALAR:
        node->quoted = yaml->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
        node->text = read_text(reading, yaml);
        read = node->text != NULL;
        break;
    case NODE_SEQUENCE:
        read = read_sequence(reading, yaml, node, depth);
        break;
    case NODE_MAPPING:
        read = read_mapping(reading, yaml, node, depth);
        break;
    }
    return read ? node : NULL;
}

static bool parser_error(const yaml_parser_t *parser, const char *file, struct error *error)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return error_run(error, "out of memory");
    bool reader = parser->error == YAML_READER_ERROR;
    yaml_mark_t mark = reader ? parser->mark : parser->problem_mark;
    struct location at = {file, (int)mark.line + 1, (int)mark.column + 1};
    const char *problem = parser->problem != NULL ? parser->problem : "it cannot be parsed";
    return error_input(error, &at, "not valid YAML: %s", problem);
}

/* The stream must end here: a second document would otherwise be ignored in silence. */
static bool refuse_second_document(yaml_parser_t *parser, const char *file, struct error *error)
{
    yaml_document_t second;
    if (!yaml_parser_load(parser, &second))
        return parser_error(parser, file, error);
    yaml_node_t *root = yaml_document_get_root_node(&second);
    bool ended = root == NULL;
    if (!ended) {
        struct location at = {file, (int)root->start_mark.line + 1,
                              (int)root->start_mark.column + 1};
        error_input(error, &at, "a second YAML document; one is expected");
    }
    yaml_document_delete(&second);
    return ended;
}

/* libyaml takes time in the square of nesting depth and of the number of anchors before it hands
 * out a document: look at its events first, and stop where no configuration goes. */
static bool check_size(const struct reading *reading, const char *text, size_t length)
{
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return error_run(reading->error, "out of memory");
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    int depth = 0, anchors = 0, nodes = 0;
    bool ended = false, fits = true;
    while (!ended && fits) {
        yaml_event_t event;
        if (!yaml_parser_parse(&parser, &event)) {
            fits = parser_error(&parser, reading->file, reading->error);
            break;
        }
        bool opens =
            event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT;
        bool closes = event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT;
        bool anchored =
            (event.type == YAML_SCALAR_EVENT && event.data.scalar.anchor != NULL) ||
            (event.type == YAML_SEQUENCE_START_EVENT && event.data.sequence_start.anchor != NULL) ||
            (event.type == YAML_MAPPING_START_EVENT && event.data.mapping_start.anchor != NULL);
        depth += opens - closes;
        anchors += anchored;
        nodes += opens || event.type == YAML_SCALAR_EVENT;
        ended = event.type == YAML_STREAM_END_EVENT;
        struct location at = location_of(reading, event.start_mark);
        fits = depth <= DOCUMENT_MAX_DEPTH + 1 && nodes <= DOCUMENT_MAX_NODES &&
               anchors <= DOCUMENT_MAX_ANCHORS;
        if (!fits)
            too_large(reading, &at);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    return fits;
}

static struct node *read_yaml(struct reading *reading, const char *text, size_t length)
{
    if (!check_size(reading, text, length))
        return NULL;
    yaml_parser_t parser;
    if (!yaml_parser_initialize(&parser))
        return out_of_memory(reading->error);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    struct node *node = NULL;
    yaml_document_t yaml;
    if (!yaml_parser_load(&parser, &yaml)) {
        parser_error(&parser, reading->file, reading->error);
        yaml_parser_delete(&parser);
        return NULL;
    }
    reading->yaml = &yaml;
    if (yaml_document_get_root_node(&yaml) == NULL) {
        struct location at = {reading->file, 1, 1};
        node = document_new_node(reading->document, NODE_MAPPING, &at, reading->directory);
        if (node == NULL)
            out_of_memory(reading->error);
    } else {
        node = read_node(reading, 1, 0);
        if (node != NULL && !refuse_second_document(&parser, reading->file, reading->error))
            node = NULL;
    }
    reading->yaml = NULL;
    yaml_document_delete(&yaml);
    yaml_parser_delete(&parser);
    return node;
}

struct node *document_read_text(struct document *document, const char *name, const char *text,
                                size_t length, struct error *error)
{
    const char *file = document_copy_text(document, name);
    if (file == NULL)
        return out_of_memory(error);
    struct reading reading = {.document = document, .file = file, .error = error};
    return read_yaml(&reading, text, length);
}

/* The whole of a stream, or NULL; at most DOCUMENT_MAX_BYTES. */
static char *read_stream(FILE *stream, const char *file, size_t *length, struct error *error)
{
    char *text = malloc(DOCUMENT_MAX_BYTES + 1);
    if (text == NULL) {
        out_of_memory(error);
        return NULL;
    }
    *length = fread(text, 1, DOCUMENT_MAX_BYTES + 1, stream);
    struct location at = {file, 0, 0};
    if (ferror(stream))
        error_input(error, &at, "cannot be read: %s", strerror(errno));
    else if (*length > DOCUMENT_MAX_BYTES)
        error_input(error, &at, "larger than %d MiB; no configuration is",
                    DOCUMENT_MAX_BYTES >> 20);
    else
        return text;
    free(text);
    return NULL;
}

struct node *document_read_file(struct document *document, const char *path, struct error *error)
{
    bool standard = strcmp(path, "-") == 0;
    const char *file = document_copy_text(document, standard ? "stdin" : path);
    char *directory = document_copy_text(document, path);
    if (file == NULL || directory == NULL)
        return out_of_memory(error);
    char *slash = strrchr(directory, '/');
    if (slash != NULL)
        slash[1] = '\0';
    FILE *stream = standard ? stdin : fopen(path, "re");
    if (stream == NULL) {
        struct location at = {file, 0, 0};
        error_input(error, &at, "cannot be opened: %s", strerror(errno));
        return NULL;
    }
    size_t length = 0;
    char *text = read_stream(stream, file, &length, error);
    if (!standard)
        fclose(stream);
    if (text == NULL)
        return NULL;
    struct reading reading = {.document = document,
                              .file = file,
                              .directory = slash != NULL ? directory : NULL,
                              .error = error};
    struct node *node = read_yaml(&reading, text, length);
    free(text);
    return node;
}
