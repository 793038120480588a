/* "-s a.b=VALUE": what it changes, what it makes, and how its errors are told. */
#include "unit.h"

#include "document.h"

static struct document *document;
static struct node *root;

static void enter(void)
{
    struct error error = {0};
    const char *text = "seed: 1\nengine: {max_num_seqs: 8}\nlist: [1]\n";
    document = document_create();
    root = document_read_text(document, "a.yaml", text, strlen(text), &error);
    ck_assert_ptr_nonnull(root);
}

static void leave(void)
{
    document_destroy(document);
}

static void override(const char *assignment)
{
    struct error error = {0};
    ck_assert_msg(document_override(document, root, assignment, &error), "%s", error.text);
}

static void assert_refused(const char *assignment, const char *message)
{
    struct error error = {0};
    ck_assert_msg(!document_override(document, root, assignment, &error), "'%s' passed",
                  assignment);
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_msg(strncmp(error.text, message, strlen(message)) == 0, "expected '%s', got '%s'",
                  message, error.text);
}

START_TEST(test_replace)
{
    override("seed=2");
    override("seed=3");
    const struct node *seed = node_find(root, "seed");
    ck_assert_str_eq(seed->text, "3");
    ck_assert_str_eq(seed->at.file, "-s seed=3");
    ck_assert_int_eq(seed->at.line, 0);
    ck_assert_ptr_null(seed->directory); /* paths: from where the user stands */
    ck_assert_ptr_eq(node_key_location(root, "seed")->file, seed->at.file);
    ck_assert_uint_eq(root->count, 3);
}
END_TEST

START_TEST(test_add)
{
    override("engine.block_size=32");
    override("workload.arrivals.rate=8/s");
    const struct node *engine = node_find(root, "engine");
    ck_assert_uint_eq(engine->count, 2);
    ck_assert_str_eq(node_find(engine, "max_num_seqs")->text, "8");
    ck_assert_str_eq(node_find(engine, "block_size")->text, "32");
    const struct node *arrivals = node_find(node_find(root, "workload"), "arrivals");
    ck_assert_str_eq(node_find(arrivals, "rate")->text, "8/s");
}
END_TEST

START_TEST(test_values)
{
    override("engine={block_size: 1, list: [2, 3]}");
    const struct node *engine = node_find(root, "engine");
    ck_assert_uint_eq(engine->count, 2);
    ck_assert_int_eq(engine->key_at[0].line, 0);
    ck_assert_str_eq(node_find(engine, "list")->items[1]->text, "3");
    override("model='a=b'");
    ck_assert_str_eq(node_find(root, "model")->text, "a=b");
    ck_assert(node_find(root, "model")->quoted);
    override("model=3 TB/s");
    ck_assert_str_eq(node_find(root, "model")->text, "3 TB/s");
    override("engine=none");
    ck_assert_str_eq(node_find(root, "engine")->text, "none");
}
END_TEST

START_TEST(test_refused)
{
    assert_refused("seed", "-s seed: expected KEY=VALUE");
    assert_refused("", "-s : expected KEY=VALUE");
    assert_refused("=1", "-s =1: expected KEY=VALUE");
    assert_refused(".seed=1", "-s .seed=1: an empty key");
    assert_refused("engine.=1", "-s engine.=1: an empty key");
    assert_refused("engine..x=1", "-s engine..x=1: an empty key");
    assert_refused("seed.x=1", "-s seed.x=1: 'seed' is not a section");
    assert_refused("list.0=1", "-s list.0=1: 'list' is not a section");
    assert_refused("seed=[1", "-s seed=[1:2:1: not valid YAML: ");
    assert_refused("seed=1\n---\n2", "-s seed=1?---?2:3:1: a second YAML document");
    assert_refused("seed={a: 1, a: 2}", "-s seed={a: 1, a: 2}:1:8: 'a' is given twice");
    assert_refused("seed=\xff", "-s seed=\xff:1:1: not valid YAML: ");
    ck_assert_str_eq(node_find(root, "seed")->text, "1");
    root = node_find(root, "list");
    assert_refused("a=1", "a.yaml:3:7: a configuration must be a mapping");
}
END_TEST

START_TEST(test_too_long)
{
    char *text = calloc(1, 70000);
    memset(text, 'a', 69998);
    text[60000] = '=';
    assert_refused(text, "-s aaaa");
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_replace, test_add, test_values, test_refused, test_too_long};
    return unit_run_with("override", tests, COUNT(tests), enter, leave);
}
