/* YAML into a tree that knows where everything stands, and never more than it can hold. */
#include "unit.h"

#include "document.h"

static struct document *document;
static char directory[64];

static void enter(void)
{
    unit_enter_directory(directory);
    document = document_create();
    ck_assert_ptr_nonnull(document);
}

static void leave(void)
{
    document_destroy(document);
    unlink("file.yaml");
    unit_leave_directory(directory);
}

static struct node *read_bytes(const char *text, size_t length)
{
    struct error error = {0};
    struct node *node = document_read_text(document, "a.yaml", text, length, &error);
    ck_assert_msg(node != NULL, "%s", error.text);
    ck_assert_int_eq(error.kind, ERROR_NONE);
    return node;
}

static struct node *read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

static void assert_bytes_refused(const char *text, size_t length, const char *message)
{
    struct error error = {0};
    struct node *node = document_read_text(document, "a.yaml", text, length, &error);
    ck_assert_msg(node == NULL, "'%.60s' was read", text);
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_msg(strstr(error.text, message) == error.text, "'%.60s': expected '%s', got '%s'",
                  text, message, error.text);
}

static void assert_refused(const char *text, const char *message)
{
    assert_bytes_refused(text, strlen(text), message);
}

static void assert_scalar(const struct node *node, const char *text, int line, int column)
{
    ck_assert_ptr_nonnull(node);
    ck_assert_int_eq(node->kind, NODE_SCALAR);
    ck_assert_str_eq(node->text, text);
    ck_assert_int_eq(node->at.line, line);
    ck_assert_int_eq(node->at.column, column);
}

START_TEST(test_tree)
{
    struct node *root = read_text("# a comment\nmodel: llama  # another\n"
                                  "slo: {ttft: 1 s, 'tpot': \"50 ms\"}\n"
                                  "list:\n  - one\n  -   2\nempty:\n");
    ck_assert_int_eq(root->kind, NODE_MAPPING);
    ck_assert_uint_eq(root->count, 4);
    assert_scalar(node_find(root, "model"), "llama", 2, 8);
    const struct node *slo = node_find(root, "slo");
    assert_scalar(node_find(slo, "ttft"), "1 s", 3, 13);
    assert_scalar(node_find(slo, "tpot"), "50 ms", 3, 26);
    ck_assert(!node_find(slo, "ttft")->quoted);
    ck_assert(node_find(slo, "tpot")->quoted);
    const struct node *list = node_find(root, "list");
    ck_assert_int_eq(list->kind, NODE_SEQUENCE);
    ck_assert_uint_eq(list->count, 2);
    assert_scalar(list->items[1], "2", 6, 7);
    assert_scalar(node_find(root, "empty"), "", 7, 7);
    ck_assert_ptr_null(node_find(root, "missing"));
    ck_assert_ptr_null(node_find(list, "one"));
    ck_assert_ptr_null(node_find(NULL, "one"));
    const struct location *at = node_key_location(slo, "tpot");
    ck_assert_str_eq(at->file, "a.yaml");
    ck_assert_int_eq(at->line, 3);
    ck_assert_int_eq(at->column, 18);
    ck_assert_ptr_eq(node_key_location(slo, "missing"), &slo->at);
    ck_assert_ptr_null(node_key_location(NULL, "missing"));
}
END_TEST

START_TEST(test_json)
{
    struct node *root =
        read_text("{\n\t\"a\": [1, 2.5e3, null, true],\n\t\"b\": {\"c\": \"\\u00e9\"}\n}");
    ck_assert_uint_eq(node_find(root, "a")->count, 4);
    assert_scalar(node_find(node_find(root, "b"), "c"), "\xc3\xa9", 3, 13);
}
END_TEST

START_TEST(test_nothing_is_an_empty_mapping)
{
    static const char *const texts[] = {"", "\n\n", "# only a comment", "---\n", "\xef\xbb\xbf"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        const struct node *root = read_text(texts[i]);
        if (root->kind == NODE_SCALAR) { /* "---": an empty value */
            ck_assert_str_eq(root->text, "");
            continue;
        }
        ck_assert_int_eq(root->kind, NODE_MAPPING);
        ck_assert_uint_eq(root->count, 0);
        ck_assert_int_eq(root->at.line, 1);
    }
}
END_TEST

START_TEST(test_syntax)
{
    assert_refused("a: 1\nb: [1, 2\nc: 3\n", "a.yaml:3:2: not valid YAML: ");
    assert_refused("a: b: c\n", "a.yaml:1:5: not valid YAML: ");
    assert_refused("a: 1\n  b: 2\n", "a.yaml:2:4: not valid YAML: ");
    assert_refused("a:\n\tb: 1\n", "a.yaml:2:1: not valid YAML: ");
    assert_refused("a: 'open\n", "a.yaml:2:1: not valid YAML: ");
    assert_refused("a: \"\\q\"\n", "a.yaml:1:5: not valid YAML: ");
    assert_refused("a: *nothing\n", "a.yaml:1:4: not valid YAML: ");
    assert_refused("}", "a.yaml:1:1: not valid YAML: ");
    assert_refused("a: @b\n", "a.yaml:1:4: not valid YAML: ");
    assert_refused("a: 1\n... b", "a.yaml:2:5: not valid YAML: ");
}
END_TEST

START_TEST(test_bytes)
{
    assert_bytes_refused("a: b\0c", 6, "a.yaml:1:1: not valid YAML: control characters");
    assert_bytes_refused("a: \"b\\0c\"", 9, "a.yaml:1:4: a NUL character in the text");
    assert_bytes_refused("\"\\0\": 1", 7, "a.yaml:1:1: a NUL character in the text");
    assert_refused("a: \xff\xfe\n", "a.yaml:1:1: not valid YAML: invalid");
    assert_refused("a: \xc3", "a.yaml:1:1: not valid YAML: incomplete");
    assert_refused("a: \xc0\x80", "a.yaml:1:1: not valid YAML: invalid");
    assert_refused("a: \033[31m", "a.yaml:1:1: not valid YAML: control characters");
}
END_TEST

START_TEST(test_keys)
{
    assert_refused("a: 1\nb: 2\na: 3\n", "a.yaml:3:1: 'a' is given twice (first at line 1)");
    assert_refused("{b: 1, c: {a: 1, 'a': 1}}",
                   "a.yaml:1:18: 'a' is given twice (first at line 1)");
    assert_refused("a: 1\na: 2\na: 3\n", "a.yaml:2:1: 'a' is given twice (first at line 1)");
    assert_refused("[a, b]: 1\n", "a.yaml:1:1: a key must be a plain word");
    assert_refused("? {a: 1}\n: 1\n", "a.yaml:1:3: a key must be a plain word");
}
END_TEST

START_TEST(test_second_document)
{
    assert_refused("a: 1\n---\nb: 2\n", "a.yaml:3:1: a second YAML document; one is expected");
    assert_refused("a: 1\n---\n}\n", "a.yaml:3:1: not valid YAML: ");
    assert_scalar(node_find(read_text("---\na: 1\n...\n"), "a"), "1", 2, 4);
}
END_TEST

START_TEST(test_aliases)
{
    struct node *root = read_text("a: &x {b: 1}\nc: *x\n");
    assert_scalar(node_find(node_find(root, "c"), "b"), "1", 1, 11);
    /* Copies: a change of one is no change of the other. */
    ck_assert_ptr_ne(node_find(root, "a"), node_find(root, "c"));
}
END_TEST

START_TEST(test_cycles)
{
    assert_refused("&a [*a]", "a.yaml:1:1: nested too deeply or too large");
    assert_refused("a: &b\n  c: *b\n", "a.yaml:2:3: nested too deeply or too large");
    assert_refused("&a {*a : 1}", "a.yaml:1:1: ");
}
END_TEST

/* A thousand million laughs in ten lines. */
START_TEST(test_many_laughs)
{
    char text[4096] = "a0: &a0 [ha]\n";
    for (int i = 1; i < 10; i++) {
        char line[128];
        snprintf(line, sizeof line, "a%d: &a%d [", i, i);
        for (int j = 0; j < 10; j++)
            snprintf(line + strlen(line), sizeof line - strlen(line), "*a%d,", i - 1);
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s]\n", line);
    }
    assert_refused(text, "a.yaml:1:5: nested too deeply or too large");
}
END_TEST

/* A gibibyte of text in one mebibyte. */
START_TEST(test_long_laugh)
{
    enum { WORD = 1 << 20, ALIASES = 1 << 10 };
    char *long_text = malloc(WORD + 4 * ALIASES + 16);
    strcpy(long_text, "[&a ");
    memset(long_text + 4, 'x', WORD);
    long_text[4 + WORD] = '\0';
    char *end = long_text + 4 + WORD;
    for (int i = 0; i < ALIASES; i++, end += 3)
        memcpy(end, ",*a", 4);
    strcpy(end, "]");
    assert_refused(long_text, "a.yaml:1:2: nested too deeply or too large");
    free(long_text);
}
END_TEST

static void assert_depth(int depth, bool fits)
{
    char text[256] = "";
    for (int i = 0; i < depth; i++)
        text[i] = '[';
    for (int i = 0; i < depth; i++)
        text[depth + i] = ']';
    struct error error = {0};
    const struct node *root = document_read_text(document, "a", text, strlen(text), &error);
    ck_assert_msg((root != NULL) == fits, "depth %d: %s", depth, error.text);
}

START_TEST(test_depth)
{
    assert_depth(DOCUMENT_MAX_DEPTH + 1, true); /* the root is at depth 0 */
    assert_depth(DOCUMENT_MAX_DEPTH + 2, false);
}
END_TEST

START_TEST(test_node_limit)
{
    char *text = malloc(4 * DOCUMENT_MAX_NODES);
    size_t used = 0;
    text[used++] = '[';
    for (int i = 0; i < DOCUMENT_MAX_NODES - 1; i++) {
        text[used++] = 'a';
        text[used++] = ',';
    }
    text[used] = ']';
    ck_assert_uint_eq(read_bytes(text, used + 1)->count, DOCUMENT_MAX_NODES - 1);
    /* The limit is the document's, over all that is read into it. */
    assert_refused("b", "a.yaml:1:1: nested too deeply or too large");
    free(text);
}
END_TEST

START_TEST(test_many_keys)
{
    enum { KEYS = 40000 };
    char *text = malloc(16 * KEYS);
    size_t used = 0;
    for (int i = 0; i < KEYS; i++)
        used += (size_t)sprintf(text + used, "k%d: 1\n", i);
    ck_assert_uint_eq(read_bytes(text, used)->count, KEYS);
    free(text);
}
END_TEST

static struct node *read_file(const char *path)
{
    struct error error = {0};
    struct node *node = document_read_file(document, path, &error);
    ck_assert_msg(node != NULL, "%s", error.text);
    return node;
}

START_TEST(test_file)
{
    const char *text = "a: b.csv\nc: /b.csv\nd: '-'\n";
    unit_write_file("file.yaml", text, strlen(text));
    struct node *root = read_file("file.yaml");
    ck_assert_str_eq(node_find(root, "a")->at.file, "file.yaml");
    ck_assert_str_eq(document_path(document, node_find(root, "a")), "b.csv");
    root = read_file("./file.yaml");
    ck_assert_str_eq(document_path(document, node_find(root, "a")), "./b.csv");
    char path[128];
    snprintf(path, sizeof path, "%s/file.yaml", directory);
    root = read_file(path);
    const char *resolved = document_path(document, node_find(root, "a"));
    ck_assert_int_eq(strncmp(resolved, directory, strlen(directory)), 0);
    ck_assert_str_eq(resolved + strlen(directory), "/b.csv");
    ck_assert_str_eq(document_path(document, node_find(root, "c")), "/b.csv");
    ck_assert_str_eq(document_path(document, node_find(root, "d")), "-");
}
END_TEST

START_TEST(test_not_files)
{
    struct error error = {0};
    ck_assert_ptr_null(document_read_file(document, "missing.yaml", &error));
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_str_eq(error.text, "missing.yaml: cannot be opened: No such file or directory");
    ck_assert_ptr_null(document_read_file(document, ".", &error));
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_str_eq(error.text, ".: cannot be read: Is a directory");
}
END_TEST

START_TEST(test_file_size)
{
    char *text = malloc(DOCUMENT_MAX_BYTES + 1);
    memset(text, '\n', DOCUMENT_MAX_BYTES + 1);
    unit_write_file("file.yaml", text, DOCUMENT_MAX_BYTES);
    ck_assert_int_eq(read_file("file.yaml")->kind, NODE_MAPPING);
    unit_write_file("file.yaml", text, DOCUMENT_MAX_BYTES + 1);
    struct error error = {0};
    ck_assert_ptr_null(document_read_file(document, "file.yaml", &error));
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_str_eq(error.text, "file.yaml: larger than 1 MiB; no configuration is");
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_tree,        test_json,       test_nothing_is_an_empty_mapping,
        test_syntax,      test_bytes,      test_keys,
        test_aliases,     test_cycles,     test_second_document,
        test_many_laughs, test_long_laugh, test_depth,
        test_node_limit,  test_many_keys,  test_file,
        test_not_files,   test_file_size,
    };
    return unit_run_with("document", tests, COUNT(tests), enter, leave);
}
