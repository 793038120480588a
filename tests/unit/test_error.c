/* Errors are one line, say where, and suggest what was meant. */
#include "unit.h"

#include <llmsim/error.h>

static const struct location somewhere = {"a.yaml", 3, 7};

START_TEST(test_places)
{
    struct error error = {0};
    ck_assert(!error_input(&error, &somewhere, "%s is wrong", "this"));
    ck_assert_str_eq(error.text, "a.yaml:3:7: this is wrong");
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    struct location line = {"a.csv", 3, 0};
    error_input(&error, &line, "wrong");
    ck_assert_str_eq(error.text, "a.csv:3: wrong");
    struct location file = {"a.csv", 0, 0};
    error_input(&error, &file, "wrong");
    ck_assert_str_eq(error.text, "a.csv: wrong");
    error_input(&error, NULL, "wrong");
    ck_assert_str_eq(error.text, "wrong");
    struct location nowhere = {NULL, 3, 7};
    error_input(&error, &nowhere, "wrong");
    ck_assert_str_eq(error.text, "wrong");
}
END_TEST

START_TEST(test_run_error_replaces)
{
    struct error error = {0};
    error_input(&error, &somewhere, "the input");
    ck_assert(!error_run(&error, "disk %d", 5));
    ck_assert_int_eq(error.kind, ERROR_RUN);
    ck_assert_str_eq(error.text, "disk 5");
}
END_TEST

/* A file's name and its contents may hold anything. */
START_TEST(test_one_line)
{
    struct error error = {0};
    struct location at = {"new\nline", 1, 1};
    error_input(&error, &at, "tab\t, return\r, escape\033[31m, delete\177, \xc3\xa9");
    ck_assert_str_eq(error.text, "new?line:1:1: tab?, return?, escape?[31m, delete?, \xc3\xa9");
    error_suggest(&error, "\n", (const char *const[]){"a\nb", "c"}, 2);
    ck_assert_ptr_null(strchr(error.text, '\n'));
}
END_TEST

START_TEST(test_cut)
{
    struct error error = {0};
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct location at = {text, 1, 1};
    error_input(&error, &somewhere, "%s", text);
    ck_assert_uint_eq(strlen(error.text), sizeof error.text - 1);
    error_suggest(&error, "max_num_seq", (const char *const[]){"max_num_seqs"}, 1);
    ck_assert_uint_eq(strlen(error.text), sizeof error.text - 1);
    error_input(&error, &at, "wrong");
    ck_assert_uint_eq(strlen(error.text), sizeof error.text - 1);
    error_run(&error, "%s", text);
    ck_assert_uint_eq(strlen(error.text), sizeof error.text - 1);
}
END_TEST

static void assert_suggestion(const char *given, const char *const *names, size_t count,
                              const char *expected)
{
    struct error error = {0};
    error_input(&error, NULL, "?");
    error_suggest(&error, given, names, count);
    ck_assert_msg(strcmp(error.text + 1, expected) == 0, "'%s': expected '%s', got '%s'", given,
                  expected, error.text + 1);
}

START_TEST(test_suggestions)
{
    static const char *const keys[] = {"scheduler", "max_num_seqs", NULL, "max_num_batched_tokens",
                                       "block_size"};
    static const char *const nearest = " (did you mean 'max_num_seqs'?)";
    static const char *const all =
        " (known: scheduler, max_num_seqs, max_num_batched_tokens, block_size)";
    const struct {
        const char *given, *expected;
    } cases[] = {
        {"max_num_seq", nearest},
        {"max_nmu_seqs", nearest},
        {"MAX_NUM_SEQS", nearest},
        {"max_num_sequences", nearest},
        {"blocksize", " (did you mean 'block_size'?)"},
        {"schedular", " (did you mean 'scheduler'?)"},
        {"colour", all},
        {"", all},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_suggestion(cases[i].given, keys, COUNT(keys), cases[i].expected);
}
END_TEST

/* In a word of three letters, two wrong ones are another word. */
START_TEST(test_short_names)
{
    static const char *const keys[] = {"cv", "rate"};
    assert_suggestion("cw", keys, 2, " (did you mean 'cv'?)");
    assert_suggestion("vc", keys, 2, " (did you mean 'cv'?)");
    assert_suggestion("xy", keys, 2, " (known: cv, rate)");
    assert_suggestion("cv", keys, 0, "");
    static const char *const no_names[] = {NULL, NULL};
    assert_suggestion("cv", no_names, 2, "");
}
END_TEST

/* A list that is too long to help is left out; so is a comparison with a name that is no name. */
START_TEST(test_long_lists_and_names)
{
    char letters[26][2] = {0};
    const char *names[26];
    for (int i = 0; i < 26; i++) {
        letters[i][0] = (char)('a' + i);
        names[i] = letters[i];
    }
    assert_suggestion("unlike", names, 13, "");
    assert_suggestion("unlike", names, 12, " (known: a, b, c, d, e, f, g, h, i, j, k, l)");
    char given[1000];
    memset(given, 'a', sizeof given - 1);
    given[sizeof given - 1] = '\0';
    assert_suggestion(given, names, 26, "");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        test_places,      test_run_error_replaces,  test_one_line, test_cut, test_suggestions,
        test_short_names, test_long_lists_and_names};
    return unit_run("error", tests, COUNT(tests));
}
