/* One table: every kind of value read, refused, printed, and read again. */
#include "unit.h"

#include "settings.h"

struct inner {
    double size_bytes;
    int64_t tokens;
};

struct everything {
    bool flag;
    int automatic_switch, plain_switch;
    int64_t integer, automatic, free_integer;
    double real_s, optional_s;
    const char *text, *optional_text, *path;
    int choice, optional_choice;
    struct inner inner, absent;
    struct real_list list_s, presets_s;
};

#define INNER(member)      offsetof(struct inner, member)
#define EVERYTHING(member) offsetof(struct everything, member)

static const char *const colours[] = {"red", "green", "blue", NULL};

static const struct setting inner_keys[] = {
    {"size", SETTING_REAL, UNIT_BYTES, INNER(size_bytes), "none", 1, INFINITY, NULL, NULL, 0, NULL,
     "size"},
    {"tokens", SETTING_INTEGER, UNIT_TOKENS, INNER(tokens), "none", 1, 1e6, NULL, NULL, 0, NULL,
     "tokens"},
};
static const struct settings_table inner_settings = {"the inner section", inner_keys,
                                                     COUNT(inner_keys)};
static const struct setting keys[] = {
    {"flag", SETTING_BOOL, UNIT_NONE, EVERYTHING(flag), "true", 0, 0, NULL, NULL, 0, NULL,
     "a flag"},
    {"automatic_switch", SETTING_SWITCH, UNIT_NONE, EVERYTHING(automatic_switch), "auto", 0, 0,
     NULL, NULL, 0, NULL, "a flag, perhaps"},
    {"plain_switch", SETTING_SWITCH, UNIT_NONE, EVERYTHING(plain_switch), "false", 0, 0, NULL, NULL,
     0, NULL, "another flag"},
    {"integer", SETTING_INTEGER, UNIT_NONE, EVERYTHING(integer), NULL, 1, 100, NULL, NULL, 0, NULL,
     "how many there are"},
    {"automatic", SETTING_INTEGER, UNIT_NONE, EVERYTHING(automatic), "auto", 1, INFINITY, NULL,
     NULL, 0, NULL, "some"},
    {"free", SETTING_INTEGER, UNIT_NONE, EVERYTHING(free_integer), "-5", 0, 0, NULL, NULL, 0, NULL,
     "any"},
    {"real", SETTING_REAL, UNIT_SECONDS, EVERYTHING(real_s), "50 ms", 0, 10, NULL, NULL, 0, NULL,
     "time"},
    {"optional", SETTING_REAL, UNIT_SECONDS, EVERYTHING(optional_s), "none", 0, INFINITY, NULL,
     NULL, 0, NULL, "more time"},
    {"text", SETTING_TEXT, UNIT_NONE, EVERYTHING(text), "hello", 0, 0, NULL, NULL, 0, NULL,
     "words"},
    {"optional_text", SETTING_TEXT, UNIT_NONE, EVERYTHING(optional_text), "none", 0, 0, NULL, NULL,
     0, NULL, "more words"},
    {"path", SETTING_PATH, UNIT_NONE, EVERYTHING(path), "none", 0, 0, NULL, NULL, 0, NULL,
     "a file"},
    {"choice", SETTING_CHOICE, UNIT_NONE, EVERYTHING(choice), "green", 0, 0, colours, NULL, 0, NULL,
     "a colour"},
    {"optional_choice", SETTING_CHOICE, UNIT_NONE, EVERYTHING(optional_choice), "none", 0, 0,
     colours, NULL, 0, NULL, "another colour"},
    {"inner", SETTING_SECTION, UNIT_NONE, EVERYTHING(inner), "none", 0, 0, NULL, &inner_settings, 0,
     NULL, "a section"},
    {"absent", SETTING_SECTION, UNIT_NONE, EVERYTHING(absent), "none", 0, 0, NULL, &inner_settings,
     0, inner_keys, "another section"},
    {"list", SETTING_REALS, UNIT_SECONDS, EVERYTHING(list_s), "none", 0, 10, NULL, NULL, 0, NULL,
     "times"},
    {"presets", SETTING_REALS, UNIT_SECONDS, EVERYTHING(presets_s), "2 ms", 0, 0, NULL, NULL, 0,
     NULL, "more times"},
};
static const struct settings_table settings = {"a test", keys, COUNT(keys)};

static struct document *document;

static void enter(void)
{
    document = document_create();
}

static void leave(void)
{
    document_destroy(document);
}

static bool try_read(const char *text, struct everything *everything, struct error *error)
{
    *error = (struct error){0};
    const struct node *root = document_read_text(document, "a.yaml", text, strlen(text), error);
    ck_assert_msg(root != NULL, "%s", error->text);
    return settings_read(document, &settings, root, everything, error);
}

static struct everything read_text(const char *text)
{
    struct everything everything = {0};
    struct error error;
    ck_assert_msg(try_read(text, &everything, &error), "%s", error.text);
    return everything;
}

static void assert_refused(const char *text, const char *message)
{
    struct everything everything = {0};
    struct error error;
    ck_assert_msg(!try_read(text, &everything, &error), "'%s' was read", text);
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_msg(strcmp(error.text, message) == 0, "'%s': expected '%s', got '%s'", text, message,
                  error.text);
}

START_TEST(test_presets)
{
    struct everything all = read_text("integer: 3");
    ck_assert(all.flag);
    ck_assert_int_eq(all.automatic_switch, -1);
    ck_assert_int_eq(all.plain_switch, 0);
    ck_assert_int_eq(all.integer, 3);
    ck_assert_int_eq(all.automatic, SETTING_UNSET_INTEGER);
    ck_assert_int_eq(all.free_integer, -5);
    ck_assert_double_eq(all.real_s, 0.05);
    ck_assert(!setting_is_set(all.optional_s));
    ck_assert_str_eq(all.text, "hello");
    ck_assert_ptr_null(all.optional_text);
    ck_assert_ptr_null(all.path);
    ck_assert_int_eq(all.choice, 1);
    ck_assert_int_eq(all.optional_choice, -1);
    ck_assert(!setting_is_set(all.inner.size_bytes));
    ck_assert_int_eq(all.absent.tokens, SETTING_UNSET_INTEGER);
    ck_assert_uint_eq(all.list_s.count, 0);
    ck_assert_uint_eq(all.presets_s.count, 1);
    ck_assert_double_eq(all.presets_s.values[0], 0.002);
}
END_TEST

START_TEST(test_lists)
{
    struct everything all = read_text("{integer: 3, list: [4, 50 ms, 0], presets: 3 min}");
    ck_assert_uint_eq(all.list_s.count, 3);
    ck_assert_double_eq(all.list_s.values[0], 4.0);
    ck_assert_double_eq(all.list_s.values[1], 0.05);
    ck_assert_double_eq(all.list_s.values[2], 0.0);
    ck_assert_uint_eq(all.presets_s.count, 1);
    ck_assert_double_eq(all.presets_s.values[0], 180.0);
    ck_assert_uint_eq(read_text("{integer: 3, list: 7}").list_s.count, 1);
    ck_assert_uint_eq(read_text("{integer: 3, list: none}").list_s.count, 0);
    ck_assert_uint_eq(read_text("{integer: 3, list: }").list_s.count, 0);
    assert_refused("{integer: 3, list: []}",
                   "a.yaml:1:20: 'list' takes a list of 1 to 10000 numbers, not of 0");
    assert_refused("{integer: 3, list: {a: 1}}",
                   "a.yaml:1:20: 'list' takes a list of numbers, not a mapping");
    assert_refused("{integer: 3, list: [1, [2]]}",
                   "a.yaml:1:24: 'list' takes a list of numbers: this item is a list");
    assert_refused("{integer: 3, list: [1, 11]}",
                   "a.yaml:1:24: 'list' must be between 0 and 10 s, not '11'");
    assert_refused("{integer: 3, list: [1, 2 GB]}", "a.yaml:1:24: 'list' is in s: '2 GB' has "
                                                    "another unit (expected e.g. '50 ms')");
    assert_refused("{integer: 3, list: [1, none]}",
                   "a.yaml:1:24: 'list' must be a number (e.g. 50 ms), not 'none'");
    assert_refused("{integer: 3, presets: none}",
                   "a.yaml:1:23: 'presets' must be a number (e.g. 50 ms), not 'none'");
}
END_TEST

START_TEST(test_lists_are_limited)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    fputs("{integer: 3, list: [0", stream);
    for (int i = 0; i < SETTING_MAX_ITEMS; i++)
        fputs(", 1", stream);
    fputs("]}", stream);
    fclose(stream);
    assert_refused(text, "a.yaml:1:20: 'list' takes a list of 1 to 10000 numbers, not of 10001");
    free(text);
}
END_TEST

/* -s list='[4, 8]': values of overrides are YAML. */
START_TEST(test_lists_are_overridden)
{
    static const char text[] = "{integer: 3, list: 1}";
    struct everything all = {0};
    struct error error = {0};
    struct node *root = document_read_text(document, "a.yaml", text, strlen(text), &error);
    ck_assert(document_override(document, root, "list=[4, 8 s]", &error));
    ck_assert(settings_read(document, &settings, root, &all, &error));
    ck_assert_uint_eq(all.list_s.count, 2);
    ck_assert_double_eq(all.list_s.values[1], 8.0);
    ck_assert(document_override(document, root, "list=[4, soon]", &error));
    ck_assert(!settings_read(document, &settings, root, &all, &error));
    ck_assert_str_eq(error.text, "-s list=[4, soon]: 'list' must be a number (e.g. 50 ms), not "
                                 "'soon'");
}
END_TEST

START_TEST(test_values)
{
    struct everything all = read_text("{flag: off, automatic_switch: yes, plain_switch: true, "
                                      "integer: 100, automatic: 9007199254740993, "
                                      "free: -1e3, real: 2, optional: 1.5 s, text: 12, "
                                      "optional_text: 'none', path: a/b.csv, choice: blue, "
                                      "optional_choice: red, inner: {size: 2 KiB, tokens: 8k}}");
    ck_assert(!all.flag);
    ck_assert_int_eq(all.automatic_switch, 1);
    ck_assert_int_eq(all.plain_switch, 1);
    ck_assert_int_eq(all.integer, 100);
    ck_assert_int_eq(all.automatic, INT64_C(9007199254740993)); /* no double holds it */
    ck_assert_int_eq(all.free_integer, -1000);
    ck_assert_double_eq(all.real_s, 2.0);
    ck_assert_double_eq(all.optional_s, 1.5);
    ck_assert_str_eq(all.text, "12");
    ck_assert_str_eq(all.optional_text, "none"); /* in quotes it is text */
    ck_assert_str_eq(all.path, "a/b.csv");
    ck_assert_int_eq(all.choice, 2);
    ck_assert_int_eq(all.optional_choice, 0);
    ck_assert_double_eq(all.inner.size_bytes, 2048.0);
    ck_assert_int_eq(all.inner.tokens, 8000);
}
END_TEST

START_TEST(test_unset_words)
{
    static const char *const words[] = {"none", "null", "~", ""};
    for (size_t i = 0; i < COUNT(words); i++) {
        char text[256];
        snprintf(text, sizeof text,
                 "integer: 1\noptional: %s\noptional_text: %s\npath: %s\noptional_choice: %s\n"
                 "inner: %s\n",
                 words[i], words[i], words[i], words[i], words[i]);
        struct everything all = read_text(text);
        ck_assert(!setting_is_set(all.optional_s));
        ck_assert_ptr_null(all.optional_text);
        ck_assert_ptr_null(all.path);
        ck_assert_int_eq(all.optional_choice, -1);
        ck_assert(!setting_is_set(all.inner.size_bytes));
    }
    ck_assert_int_eq(read_text("{integer: 1, automatic: auto}").automatic, SETTING_UNSET_INTEGER);
    ck_assert_int_eq(read_text("{integer: 1, automatic_switch: auto}").automatic_switch, -1);
    ck_assert_int_eq(read_text("{integer: 1, automatic_switch: ~}").automatic_switch, -1);
    /* Only where the table has such a word, and only that one. */
    assert_refused("{integer: none}",
                   "a.yaml:1:11: 'integer' must be a number (e.g. 16), not 'none'");
    assert_refused("{integer: 1, automatic: none}",
                   "a.yaml:1:25: 'automatic' must be a number (e.g. 16), not 'none'");
    assert_refused("{integer: 1, optional: 'none'}",
                   "a.yaml:1:24: 'optional' must be a number (e.g. 50 ms), not 'none'");
    assert_refused("{integer: 1, choice: null}",
                   "a.yaml:1:22: 'choice' cannot be 'null' (known: red, green, blue)");
}
END_TEST

START_TEST(test_booleans)
{
    static const char *const words[] = {"true", "True", "yes", "on", "ON"};
    static const char *const negative[] = {"false", "FALSE", "no", "off", "Off"};
    char text[128];
    for (size_t i = 0; i < COUNT(words); i++) {
        snprintf(text, sizeof text, "{integer: 1, flag: %s, plain_switch: %s}", words[i], words[i]);
        ck_assert(read_text(text).flag);
        ck_assert_int_eq(read_text(text).plain_switch, 1);
        snprintf(text, sizeof text, "{integer: 1, flag: %s, automatic_switch: %s}", negative[i],
                 negative[i]);
        ck_assert(!read_text(text).flag);
        ck_assert_int_eq(read_text(text).automatic_switch, 0);
    }
    assert_refused("{integer: 1, flag: 1}", "a.yaml:1:20: 'flag' must be true or false, not '1'");
    assert_refused("{integer: 1, flag: auto}",
                   "a.yaml:1:20: 'flag' must be true or false, not 'auto'");
    assert_refused("{integer: 1, automatic_switch: maybe}",
                   "a.yaml:1:32: 'automatic_switch' must be true or false, not 'maybe'");
    assert_refused("{integer: 1, automatic_switch: 'auto'}",
                   "a.yaml:1:32: 'automatic_switch' must be true or false, not 'auto'");
    assert_refused("{integer: 1, plain_switch: auto}",
                   "a.yaml:1:28: 'plain_switch' must be true or false, not 'auto'");
    assert_refused("{integer: 1, flag: }", "a.yaml:1:20: 'flag' must be true or false, not ''");
}
END_TEST

START_TEST(test_integers)
{
    ck_assert_int_eq(read_text("integer: 1e2").integer, 100);
    ck_assert_int_eq(read_text("integer: 5.0").integer, 5);
    ck_assert_int_eq(read_text("integer: '+7'").integer, 7);
    ck_assert_int_eq(read_text("{integer: 1, free: -9223372036854775807}").free_integer,
                     -INT64_MAX);
    assert_refused("integer: 1.5", "a.yaml:1:10: 'integer' must be a whole number, not '1.5'");
    assert_refused("integer: 0", "a.yaml:1:10: 'integer' must be between 1 and 100, not '0'");
    assert_refused("integer: 101", "a.yaml:1:10: 'integer' must be between 1 and 100, not '101'");
    assert_refused("{integer: 1, automatic: 0}",
                   "a.yaml:1:25: 'automatic' must be at least 1, not '0'");
    assert_refused("integer: 12 s", "a.yaml:1:10: 'integer' takes a plain number, not '12 s'");
    assert_refused("integer: 0x10", "a.yaml:1:10: 'integer' takes a plain number, not '0x10'");
    assert_refused("integer: many",
                   "a.yaml:1:10: 'integer' must be a number (e.g. 16), not 'many'");
    assert_refused("{integer: 1, free: 9223372036854775808}",
                   "a.yaml:1:20: 'free' must be a whole number, not '9223372036854775808'");
    assert_refused("{integer: 1, free: 1e19}",
                   "a.yaml:1:20: 'free' must be a whole number, not '1e19'");
}
END_TEST

START_TEST(test_reals)
{
    ck_assert_double_eq(read_text("{integer: 1, real: 0}").real_s, 0.0);
    ck_assert_double_eq(read_text("{integer: 1, real: 10 s}").real_s, 10.0);
    assert_refused("{integer: 1, real: 11 s}",
                   "a.yaml:1:20: 'real' must be between 0 and 10 s, not '11 s'");
    assert_refused("{integer: 1, real: -1 ms}",
                   "a.yaml:1:20: 'real' must be between 0 and 10 s, not '-1 ms'");
    assert_refused("{integer: 1, real: 5 GB}", "a.yaml:1:20: 'real' is in s: '5 GB' has another "
                                               "unit (expected e.g. '50 ms')");
    assert_refused("{integer: 1, real: soon}",
                   "a.yaml:1:20: 'real' must be a number (e.g. 50 ms), not 'soon'");
    assert_refused("{integer: 1, real: .nan}",
                   "a.yaml:1:20: 'real' must be a number (e.g. 50 ms), not '.nan'");
    assert_refused("{integer: 1, optional: -1}",
                   "a.yaml:1:24: 'optional' must be at least 0 s, not '-1'");
    assert_refused("integer: 1\ninner:\n  size: 3 s\n",
                   "a.yaml:3:9: 'size' is in bytes: '3 s' has another unit (expected e.g. "
                   "'80 GiB')");
}
END_TEST

START_TEST(test_kinds)
{
    assert_refused("integer: [1]", "a.yaml:1:10: 'integer' takes one value, not a list");
    assert_refused("integer: {a: 1}", "a.yaml:1:10: 'integer' takes one value, not a mapping");
    assert_refused("{integer: 1, flag: []}", "a.yaml:1:20: 'flag' takes one value, not a list");
    assert_refused("{integer: 1, optional: []}",
                   "a.yaml:1:24: 'optional' takes one value, not a list");
    assert_refused("{integer: 1, text: {}}", "a.yaml:1:20: 'text' takes one value, not a mapping");
    assert_refused("{integer: 1, inner: 5}",
                   "a.yaml:1:21: 'inner' must be a mapping of keys to values");
    assert_refused("{integer: 1, inner: [1]}",
                   "a.yaml:1:21: 'inner' must be a mapping of keys to values");
    assert_refused("[1]", "a.yaml:1:1: a test must be a mapping of keys to values");
    assert_refused("{integer: 1, path: ''}", "a.yaml:1:20: 'path' names no file");
}
END_TEST

START_TEST(test_keys)
{
    assert_refused("flag: true", "a.yaml:1:1: 'integer' is missing: how many there are");
    assert_refused("integer: 1\ntxt: a",
                   "a.yaml:2:1: unknown key 'txt' in a test (did you mean 'text'?)");
    assert_refused("{integer: 1, inner: {siez: 1}}",
                   "a.yaml:1:22: unknown key 'siez' in the inner section (did you mean 'size'?)");
    assert_refused("{integer: 1, inner: {colour: 1}}",
                   "a.yaml:1:22: unknown key 'colour' in the inner section (known: size, tokens)");
    assert_refused("{integer: 1, choice: gren}",
                   "a.yaml:1:22: 'choice' cannot be 'gren' (did you mean 'green'?)");
    assert_refused("{integer: 1, '': 2}", "a.yaml:1:14: unknown key '' in a test");
    struct error error = {0};
    struct everything all;
    ck_assert(!settings_read(document, &settings, NULL, &all, &error));
    ck_assert_str_eq(error.text, "'integer' is missing: how many there are");
}
END_TEST

START_TEST(test_member)
{
    const char *text = "{integer: 7, other: 1}";
    struct error error = {0};
    struct everything all = {.flag = true};
    const struct node *root = document_read_text(document, "a", text, strlen(text), &error);
    ck_assert(settings_read_member(document, &settings, "integer", root, &all, &error));
    ck_assert_int_eq(all.integer, 7);
    ck_assert_ptr_null(all.text);
    ck_assert(!settings_check_keys(&settings, root, &error));
}
END_TEST

static void assert_same_list(const struct real_list *a, const struct real_list *b)
{
    ck_assert_uint_eq(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        ck_assert_double_eq(a->values[i], b->values[i]);
}

static void assert_same(const struct everything *a, const struct everything *b)
{
    ck_assert(a->flag == b->flag);
    ck_assert_int_eq(a->automatic_switch, b->automatic_switch);
    ck_assert_int_eq(a->plain_switch, b->plain_switch);
    ck_assert_int_eq(a->integer, b->integer);
    ck_assert_int_eq(a->automatic, b->automatic);
    ck_assert_int_eq(a->free_integer, b->free_integer);
    ck_assert_mem_eq(&a->real_s, &b->real_s, sizeof a->real_s);
    ck_assert_mem_eq(&a->optional_s, &b->optional_s, sizeof a->optional_s);
    ck_assert_pstr_eq(a->text, b->text);
    ck_assert_pstr_eq(a->optional_text, b->optional_text);
    ck_assert_pstr_eq(a->path, b->path);
    ck_assert_int_eq(a->choice, b->choice);
    ck_assert_int_eq(a->optional_choice, b->optional_choice);
    ck_assert_mem_eq(&a->inner.size_bytes, &b->inner.size_bytes, sizeof a->inner.size_bytes);
    ck_assert_int_eq(a->inner.tokens, b->inner.tokens);
    assert_same_list(&a->list_s, &b->list_s);
    assert_same_list(&a->presets_s, &b->presets_s);
}

START_TEST(test_yaml_round_trip)
{
    struct everything cases[] = {
        read_text("integer: 1"),
        read_text("{flag: no, automatic_switch: off, plain_switch: on, integer: 2, "
                  "automatic: 9007199254740993, free: 12, real: 0.1 us, "
                  "optional: 3 min, text: 'null', optional_text: 'auto', path: /b.csv, "
                  "choice: red, optional_choice: blue, inner: {size: 0.7 PB}, "
                  "list: [0.1 us, 1e-300, 10], presets: [-1, 0.1]}"),
        read_text("{integer: 3, text: \"a: 'b' # \\\"c\\\" \\\\ \xc3\xa9 "
                  "\xf0\x9f\x98\x80\", "
                  "optional_text: '', path: '-', inner: {tokens: 5}}"),
        read_text("{integer: 4, text: '1e5', optional_text: '~', path: '/ *b', optional: 1e-300}"),
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        char *text = NULL;
        size_t length = 0;
        FILE *stream = open_memstream(&text, &length);
        settings_print_yaml(&settings, &cases[i], 0, stream);
        ck_assert_int_eq(fclose(stream), 0);
        struct everything again = read_text(text);
        assert_same(&cases[i], &again);
        free(text);
    }
}
END_TEST

START_TEST(test_control_characters)
{
    assert_refused("{integer: 3, text: \"a\\nb\"}",
                   "a.yaml:1:20: 'text' holds a control character");
}
END_TEST

START_TEST(test_yaml_text)
{
    struct everything all = read_text("{integer: 3, inner: {size: 1 kB}}");
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    settings_print_yaml(&settings, &all, 2, stream);
    fclose(stream);
    ck_assert_str_eq(text, "  flag: true\n  plain_switch: false\n  integer: 3\n  free: -5\n"
                           "  real: 0.05  # s\n  text: \"hello\"\n  choice: green\n  inner:\n"
                           "    size: 1000  # bytes\n  presets: [0.002]  # s\n");
    free(text);
}
END_TEST

START_TEST(test_json)
{
    struct everything all =
        read_text("{integer: 3, inner: {size: 1 kB}, path: /b, text: \"\\\"\"}");
    json_t *json = settings_to_json(&settings, &all);
    char *text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(15));
    ck_assert_str_eq(text, "{\"flag\":true,\"automatic_switch\":null,"
                           "\"plain_switch\":false,\"integer\":3,\"automatic\":null,\"free\":-5,"
                           "\"real\":0.05,\"optional\":null,\"text\":\"\\\"\","
                           "\"optional_text\":null,\"path\":\"/b\",\"choice\":\"green\","
                           "\"optional_choice\":null,\"inner\":{\"size\":1000.0,\"tokens\":null},"
                           "\"absent\":null,\"list\":null,\"presets\":[0.002]}");
    free(text);
    json_decref(json);
}
END_TEST

/* A value in place of a section is one of its members, and printed as it was given. */
START_TEST(test_value_alone)
{
    struct everything all = read_text("{integer: 3, absent: 2 kB}");
    struct everything both = read_text("{integer: 3, absent: {size: 2 kB, tokens: 5}}");
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    ck_assert_double_eq(all.absent.size_bytes, 2000.0);
    ck_assert_int_eq(all.absent.tokens, SETTING_UNSET_INTEGER);
    settings_print_yaml(&settings, &all, 0, stream);
    settings_print_yaml(&settings, &both, 0, stream);
    json_t *json = settings_to_json(&settings, &all);
    json_t *both_json = settings_to_json(&settings, &both);
    fclose(stream);
    ck_assert_ptr_nonnull(strstr(text, "\nabsent: 2000  # bytes\n"));
    ck_assert_ptr_nonnull(
        strstr(text, "\nabsent:\n  size: 2000  # bytes\n  tokens: 5  # tokens\n"));
    ck_assert_double_eq(json_real_value(json_object_get(json, "absent")), 2000.0);
    ck_assert_uint_eq(json_object_size(json_object_get(both_json, "absent")), 2);
    free(text);
    json_decref(json);
    json_decref(both_json);
    assert_refused(
        "{integer: 3, absent: 2 s}",
        "a.yaml:1:22: 'absent' is in bytes: '2 s' has another unit (expected e.g. '80 GiB')");
    assert_refused("{integer: 3, inner: 2 kB}",
                   "a.yaml:1:21: 'inner' must be a mapping of keys to values");
}
END_TEST

START_TEST(test_reference)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    settings_print_reference(&settings, "x.", stream);
    fclose(stream);
    static const char *const rows[] = {
        "| `x.flag` | true or false | `true` | a flag |\n",
        "| `x.automatic_switch` | true or false | `auto` | a flag, perhaps |\n",
        "| `x.plain_switch` | true or false | `false` | another flag |\n",
        "| `x.integer` | whole number, 1 … 100 | required | how many there are |\n",
        "| `x.automatic` | whole number, ≥ 1 | `auto` | some |\n",
        "| `x.free` | whole number | `-5` | any |\n",
        "| `x.real` | number, s, 0 … 10 | `50 ms` | time |\n",
        "| `x.choice` | `red`, `green`, `blue` | `green` | a colour |\n",
        "| `x.list` | list of numbers, s, 0 … 10 | `none` | times |\n",
        "| `x.presets` | list of numbers, s | `2 ms` | more times |\n",
        "| `x.inner.size` | number, bytes, ≥ 1 | `none` | size |\n",
    };
    for (size_t i = 0; i < COUNT(rows); i++)
        ck_assert_msg(strstr(text, rows[i]) != NULL, "'%s' is not in\n%s", rows[i], text);
    free(text);
}
END_TEST

struct mapped {
    struct settings_map map;
};

static const struct setting mapped_keys[] = {
    {.name = "map",
     .kind = SETTING_MAP,
     .offset = offsetof(struct mapped, map),
     .preset = "none",
     .section = &inner_settings,
     .item_bytes = sizeof(struct inner),
     .help = "sections"},
};
static const struct settings_table mapped_settings = {"a test", mapped_keys, COUNT(mapped_keys)};

static bool read_map(const char *text, struct mapped *mapped, struct error *error)
{
    const struct node *root = document_read_text(document, "a.yaml", text, strlen(text), error);
    ck_assert_msg(root != NULL, "%s", error->text);
    return settings_read(document, &mapped_settings, root, mapped, error);
}

START_TEST(test_map)
{
    static const char text[] = "map:\n"
                               "  \"b c\":\n"
                               "    size: 2000  # bytes\n"
                               "  \"a: \\\"\":\n"
                               "    tokens: 7  # tokens\n";
    struct mapped mapped;
    struct error error = {0};
    ck_assert_msg(read_map(text, &mapped, &error), "%s", error.text);
    ck_assert_uint_eq(mapped.map.count, 2);
    ck_assert_str_eq(mapped.map.names[0], "b c");
    ck_assert_str_eq(mapped.map.names[1], "a: \"");
    const struct inner *items = mapped.map.items;
    ck_assert_double_eq(items[0].size_bytes, 2000);
    ck_assert_int_eq(items[1].tokens, 7);
    ck_assert_int_eq(items[0].tokens, SETTING_UNSET_INTEGER);
    char printed[200] = "";
    FILE *stream = fmemopen(printed, sizeof printed, "w");
    settings_print_yaml(&mapped_settings, &mapped, 0, stream);
    fclose(stream);
    ck_assert_str_eq(printed, text);
    json_t *json = settings_to_json(&mapped_settings, &mapped);
    char *dumped = json_dumps(json, JSON_COMPACT);
    ck_assert_str_eq(dumped, "{\"map\":{\"b c\":{\"size\":2000.0,\"tokens\":null},"
                             "\"a: \\\"\":{\"size\":null,\"tokens\":7}}}");
    free(dumped);
    json_decref(json);
}
END_TEST

START_TEST(test_empty_map)
{
    static const char *const texts[] = {"{}", "map: none\n", "map: {}\n", "map:\n"};
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct mapped mapped;
        struct error error = {0};
        ck_assert_msg(read_map(texts[i], &mapped, &error), "%s", error.text);
        ck_assert(setting_is_unset(&mapped_keys[0], &mapped));
        char printed[20] = "";
        FILE *stream = fmemopen(printed, sizeof printed, "w");
        settings_print_yaml(&mapped_settings, &mapped, 0, stream);
        fclose(stream);
        ck_assert_str_eq(printed, "");
    }
}
END_TEST

static void assert_map_refused(const char *text, const char *message)
{
    struct mapped mapped;
    struct error error = {0};
    ck_assert(!read_map(text, &mapped, &error));
    ck_assert_msg(strstr(error.text, message) != NULL, "'%s', not '%s'", error.text, message);
}

START_TEST(test_bad_maps)
{
    assert_map_refused("map: 3\n", "a.yaml:1:6: 'map' must be a mapping of names to sections");
    assert_map_refused("map: [a]\n", "a.yaml:1:6: 'map' must be a mapping of names to sections");
    assert_map_refused("map: {a: 3}\n", "a.yaml:1:10: the inner section must be a mapping");
    assert_map_refused("map: {a: {sise: 3}}\n", "a.yaml:1:11: unknown key 'sise' in the inner");
    assert_map_refused("map: {'': {}}\n", "a.yaml:1:7: an empty name in 'map'");
    assert_map_refused("map: {\"a\\nb\": {}}\n", "a.yaml:1:7: a name in 'map' holds a control");
    char text[2000];
    snprintf(text, sizeof text, "map: {%065d: {}}\n", 1);
    assert_map_refused(text, "a.yaml:1:7: a name in 'map' is longer than 64 bytes");
    int length = snprintf(text, sizeof text, "map: {a: {}");
    for (int i = 0; i < 64; i++)
        length += snprintf(text + length, sizeof text - (size_t)length, ", b%d: {}", i);
    snprintf(text + length, sizeof text - (size_t)length, "}\n");
    assert_map_refused(text, "a.yaml:1:6: 'map' has 65 members; at most 64 can be");
}
END_TEST

START_TEST(test_map_reference)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    settings_print_reference(&mapped_settings, "x.", stream);
    fclose(stream);
    ck_assert_str_eq(text, "| `x.map` | names, each with a section | `none` | sections |\n");
    free(text);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_presets,
        test_values,
        test_lists,
        test_lists_are_limited,
        test_lists_are_overridden,
        test_unset_words,
        test_booleans,
        test_integers,
        test_reals,
        test_kinds,
        test_keys,
        test_yaml_round_trip,
        test_yaml_text,
        test_control_characters,
        test_json,
        test_value_alone,
        test_member,
        test_reference,
        test_map,
        test_empty_map,
        test_bad_maps,
        test_map_reference,
    };
    return unit_run_with("settings", tests, COUNT(tests), enter, leave);
}
