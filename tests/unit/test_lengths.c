/* Length distributions, drawn and by their quantiles, against GSL's; lengths of files; and pairs of
 * lengths that depend on one another. */
#include "length_pair.h"
#include "sample_checks.h"
#include "unit.h"

#include <gsl/gsl_errno.h>

enum { SAMPLES = 20000 };

static struct document *document;
static gsl_rng *rng;
static char directory[64];

static void enter(void)
{
    gsl_set_error_handler_off();
    document = document_create();
    rng = rng_create(1, "test");
    unit_enter_directory(directory);
}

static void leave(void)
{
    unit_leave_directory(directory);
    gsl_rng_free(rng);
    document_destroy(document);
}

static bool try_read(const char *text, struct length_config *config, struct error *error)
{
    *error = (struct error){0};
    char *whole = NULL;
    ck_assert_int_gt(asprintf(&whole, "tokens: {%s}", text), 0);
    const struct node *node = document_read_text(document, "a", whole, strlen(whole), error);
    ck_assert_msg(node != NULL, "%s", error->text);
    free(whole);
    return settings_read(document, &length_settings, node_find(node, "tokens"), config, error) &&
           length_check(config, "tokens", node, error);
}

static struct length_config config_of(const char *text)
{
    struct length_config config = {0};
    struct error error;
    ck_assert_msg(try_read(text, &config, &error), "%s", error.text);
    return config;
}

static struct length_sampler sampler_of(const char *text, enum length_side side)
{
    const struct length_config config = config_of(text);
    struct length_sampler sampler;
    struct error error = {0};
    ck_assert_msg(length_sampler_init(&sampler, &config, side, rng, &error), "%s", error.text);
    return sampler;
}

/* Of a length rounded to whole tokens, truncated to min … max: parameters min, max, a, b. */
#define SHARE(name, cumulative)                                                                    \
    static double name##_share(double x, const double *p)                                          \
    {                                                                                              \
        const double low = p[0] > 1.0 ? p[0] - 0.5 : 0.0, high = p[1] + 0.5;                       \
        const double a = p[2], b = p[3];                                                           \
        const double below = low > 0.0 ? cumulative(low, a, b) : 0.0;                              \
        return (cumulative(x + 0.5, a, b) - below) / (cumulative(high, a, b) - below);             \
    }
SHARE(lognormal, gsl_cdf_lognormal_P)
SHARE(gamma, gsl_cdf_gamma_P)
#define EXPONENTIAL(x, a, b) (gsl_cdf_exponential_P((x), (a)) + 0.0 * (b))
SHARE(exponential, EXPONENTIAL)
#define UNIFORM(x, a, b) gsl_cdf_flat_P((x), (a)-0.5, (b) + 0.5)
SHARE(uniform, UNIFORM)

/* A normal length below half a token is drawn again even where nothing is said of a minimum. */
static double normal_share(double x, const double *p)
{
    const double below = gsl_cdf_gaussian_P(p[0] - 0.5 - p[2], p[3]);
    const double above = gsl_cdf_gaussian_P(p[1] + 0.5 - p[2], p[3]);
    return (gsl_cdf_gaussian_P(x + 0.5 - p[2], p[3]) - below) / (above - below);
}

static double zipf_share(double x, const double *p)
{
    double sum = 0.0, below = 0.0;
    for (double n = p[0]; n <= p[1]; n++) {
        sum += pow(n, -p[2]);
        below += n <= x ? pow(n, -p[2]) : 0.0;
    }
    return below / sum;
}

/* Straight lines from 10 over 20 to 100. */
static double polygon_share(double x, const double *p)
{
    (void)p;
    const double edge = x + 0.5;
    return edge < 20.0 ? (edge - 10.0) / 20.0 : fmin(0.5 + (edge - 20.0) / 160.0, 1.0);
}

static const struct distributed {
    const char *text;
    double (*share)(double x, const double *parameters);
    double parameters[4]; /* min, max, and two of the distribution */
} distributed[] = {
    {"distribution: uniform, min: 5, max: 14", uniform_share, {5, 14, 5, 14}},
    {"distribution: uniform, min: 1, max: 1", uniform_share, {1, 1, 1, 1}},
    {"distribution: normal, mean: 500, std: 100", normal_share, {1, 1e8, 500, 100}},
    {"distribution: normal, mean: 5, std: 10", normal_share, {1, 1e8, 5, 10}},
    {"distribution: normal, mean: 50, std: 10, min: 45, max: 61", normal_share, {45, 61, 50, 10}},
    {"distribution: lognormal, mean: 600, median: 400",
     lognormal_share,
     {1, 1e8, 5.991464547107982, 0.9005166385205195}},
    {"distribution: lognormal, mean: 100, cv: 1, min: 20, max: 300",
     lognormal_share,
     {20, 300, 4.605170185988092 - 0.34657359027997264, 0.8325546111576977}},
    {"distribution: exponential, mean: 3", exponential_share, {1, 1e8, 3, 0}},
    {"distribution: exponential, mean: 300, max: 200", exponential_share, {1, 200, 300, 0}},
    {"distribution: gamma, mean: 200, cv: 0.5", gamma_share, {1, 1e8, 4, 50}},
    {"distribution: gamma, mean: 200, cv: 2, min: 10, max: 500", gamma_share, {10, 500, 0.25, 800}},
    {"distribution: gamma, mean: 200, cv: 4", gamma_share, {1, 1e8, 0.0625, 3200}},
    {"distribution: zipf, exponent: 1.2, max: 200", zipf_share, {1, 200, 1.2, 0}},
    {"distribution: zipf, exponent: 0.5, min: 20, max: 90", zipf_share, {20, 90, 0.5, 0}},
    {"distribution: empirical, quantiles: [10, 20, 100]", polygon_share, {0}},
};

START_TEST(lengths_are_distributed)
{
    static double drawn[SAMPLES], mapped[SAMPLES];
    const struct distributed *expected = &distributed[_i];
    struct length_sampler sampler = sampler_of(expected->text, LENGTH_PROMPT);
    for (size_t i = 0; i < SAMPLES; i++) {
        drawn[i] = length_sampler_draw(&sampler);
        mapped[i] = length_sampler_quantile(&sampler, gsl_rng_uniform_pos(rng));
        ck_assert(drawn[i] >= sampler.minimum_tokens && drawn[i] <= sampler.maximum_tokens);
        ck_assert(mapped[i] >= sampler.minimum_tokens && mapped[i] <= sampler.maximum_tokens);
    }
    assert_distributed(drawn, SAMPLES, expected->share, expected->parameters);
    assert_distributed(mapped, SAMPLES, expected->share, expected->parameters);
    length_sampler_fini(&sampler);
}
END_TEST

/* No length is drawn more often than its share, as one at a heap would be. */
START_TEST(whole_lengths_are_as_frequent_as_they_should)
{
    enum { BINS = 10 };
    double counts[BINS] = {0}, expected[BINS];
    struct length_sampler sampler =
        sampler_of("distribution: uniform, min: 1, max: 10", LENGTH_PROMPT);
    for (size_t i = 0; i < SAMPLES; i++)
        counts[length_sampler_draw(&sampler) - 1]++;
    for (size_t i = 0; i < BINS; i++)
        expected[i] = SAMPLES / (double)BINS;
    assert_counts(counts, expected, BINS);
    length_sampler_fini(&sampler);

    double harmonic = 0.0;
    sampler = sampler_of("distribution: zipf, exponent: 2, max: 10", LENGTH_PROMPT);
    memset(counts, 0, sizeof counts);
    for (size_t i = 0; i < SAMPLES; i++)
        counts[length_sampler_draw(&sampler) - 1]++;
    for (size_t i = 1; i <= BINS; i++)
        harmonic += 1.0 / (double)(i * i);
    for (size_t i = 0; i < BINS; i++)
        expected[i] = SAMPLES / harmonic / (double)((i + 1) * (i + 1));
    assert_counts(counts, expected, BINS);
    length_sampler_fini(&sampler);
}
END_TEST

/* For every p there is a length, no shorter than that of a smaller one, from min to max. */
START_TEST(quantiles_rise_from_end_to_end)
{
    static const char *const texts[] = {
        "distribution: lognormal, mean: 600, median: 400, min: 50, max: 3000",
        "distribution: exponential, mean: 600, min: 50, max: 3000",
        "distribution: normal, mean: 600, std: 300, min: 50, max: 3000",
        "distribution: uniform, min: 50, max: 3000",
        "distribution: zipf, exponent: 1, min: 50, max: 3000",
        "distribution: empirical, quantiles: [10, 700, 4000], min: 50, max: 3000",
        "distribution: gamma, mean: 600, cv: 0.01, min: 50, max: 3000",
        "distribution: gamma, mean: 600, cv: 0.1, min: 50, max: 3000",
        "distribution: gamma, mean: 600, cv: 1, min: 50, max: 3000",
        "distribution: gamma, mean: 600, cv: 3.3, min: 50, max: 3000",
        "distribution: gamma, mean: 600, cv: 10, min: 50, max: 3000",
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct length_sampler sampler = sampler_of(texts[i], LENGTH_PROMPT);
        int32_t last = 50;
        for (int j = 0; j <= 4096; j++) {
            const int32_t tokens = length_sampler_quantile(&sampler, j / 4096.0);
            ck_assert_msg(tokens >= last && tokens <= 3000, "%s: %d at %d", texts[i], tokens, j);
            last = tokens;
        }
        length_sampler_fini(&sampler);
    }
}
END_TEST

/* Where GSL's inverse gives up, near 1 of a shape of 10 000: a normal distribution all but. */
START_TEST(gamma_has_a_quantile_wherever)
{
    struct length_sampler sampler =
        sampler_of("distribution: gamma, mean: 1e6, cv: 0.01", LENGTH_PROMPT);
    for (int exponent = -32; exponent < 0; exponent++) {
        const double p = 1.0 - ldexp(1.0, exponent);
        const int32_t tokens = length_sampler_quantile(&sampler, p);
        ck_assert_double_eq_tol(gsl_cdf_gamma_P(tokens, 1e4, 100), p, 1e-4);
        ck_assert_double_eq_tol(tokens, 1e6 + 1e4 * gsl_cdf_ugaussian_Pinv(p), 2000);
    }
    ck_assert_int_ge(length_sampler_quantile(&sampler, 1.0), 1070000);
    length_sampler_fini(&sampler);
}
END_TEST

START_TEST(quantiles_may_be_a_list)
{
    struct length_sampler sampler =
        sampler_of("distribution: empirical, quantiles: [3, 7, 7, 7, 20]", LENGTH_PROMPT);
    static const int32_t at_eighths[] = {3, 5, 7, 7, 7, 7, 7, 14, 20};
    for (int i = 0; i <= 8; i++)
        ck_assert_int_eq(length_sampler_quantile(&sampler, i / 8.0), at_eighths[i]);
    length_sampler_fini(&sampler);
    /* 3 is left out, and a quarter of the rest of what goes up to 7. */
    sampler = sampler_of("distribution: empirical, quantiles: [3, 7, 20], min: 7", LENGTH_PROMPT);
    ck_assert_int_eq(length_sampler_quantile(&sampler, 0.0), 7);
    ck_assert_double_eq_tol(sampler.share_low, 0.5 * 3.5 / 4.0, 1e-12);
    length_sampler_fini(&sampler);
}
END_TEST

static void write_text(const char *path, const char *text)
{
    unit_write_file(path, text, strlen(text));
}

/* Rows in any order, lengths given twice, a length that does not occur. */
START_TEST(histograms_are_read)
{
    double counts[3] = {0};
    const double expected[] = {SAMPLES * 0.1, SAMPLES * 0.4, SAMPLES * 0.5};
    write_text("h.csv", "tokens,count\r\n300,5\r\n10,1\r\n20,3\r\n7,0\r\n20,1");
    struct length_sampler sampler =
        sampler_of("distribution: empirical, file: h.csv", LENGTH_PROMPT);
    ck_assert_uint_eq(sampler.table.count, 3);
    ck_assert_int_eq(length_sampler_quantile(&sampler, 0.0), 10);
    ck_assert_int_eq(length_sampler_quantile(&sampler, 0.0999), 10);
    ck_assert_int_eq(length_sampler_quantile(&sampler, 0.1001), 20);
    ck_assert_int_eq(length_sampler_quantile(&sampler, 0.4999), 20);
    ck_assert_int_eq(length_sampler_quantile(&sampler, 0.5001), 300);
    ck_assert_int_eq(length_sampler_quantile(&sampler, 1.0), 300);
    for (size_t i = 0; i < SAMPLES; i++) {
        const int32_t tokens = length_sampler_draw(&sampler);
        counts[tokens == 10 ? 0 : tokens == 20 ? 1 : 2]++;
    }
    assert_counts(counts, expected, 3);
    length_sampler_fini(&sampler);
    sampler = sampler_of("distribution: empirical, file: h.csv, min: 20, max: 299", LENGTH_PROMPT);
    for (int i = 0; i <= 8; i++)
        ck_assert_int_eq(length_sampler_quantile(&sampler, i / 8.0), 20);
    length_sampler_fini(&sampler);
    unlink("h.csv");
}
END_TEST

START_TEST(traces_are_read_by_side)
{
    static const char text[] = "distribution: empirical, file: t.csv";
    write_text("t.csv", "arrival_s,prompt_tokens,output_tokens\n0,10,3\n1,20,1\n2,10,2\n3,40,4\n");
    struct length_sampler prompts = sampler_of(text, LENGTH_PROMPT);
    struct length_sampler outputs = sampler_of(text, LENGTH_OUTPUT);
    static const int32_t expected_prompts[] = {10, 10, 20, 40};
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(length_sampler_quantile(&prompts, 0.25 * i + 0.1), expected_prompts[i]);
        ck_assert_int_eq(length_sampler_quantile(&outputs, 0.25 * i + 0.1), i + 1);
    }
    length_sampler_fini(&prompts);
    length_sampler_fini(&outputs);
    unlink("t.csv");
}
END_TEST

START_TEST(refuses_files_that_make_no_sense)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"tokens,count\n", "f.csv: a histogram without lengths"},
        {"tokens,count\n5,0\n", "f.csv: a histogram without lengths"},
        {"tokens,count\n5\n", "f.csv:2:2: the row ends before its count"},
        {"tokens,count\n5,1,2\n", "f.csv:2:5: one field too many"},
        {"tokens,count\n0,1\n", "f.csv:2:1: tokens: '0'"},
        {"tokens,count\n5,1\n5,-1\n", "f.csv:3:3: count: '-1'"},
        {"tokens,count\n5,1.5\n", "f.csv:2:3: count: '1.5'"},
        {"tokens,counts\n5,1\n", "f.csv:1:1: 'tokens,counts' is not the first line of a known"},
        {"arrival_s,prompt_tokens,output_tokens\n0,10,3\n1,x,1\n", "f.csv:3:3: prompt_tokens: 'x'"},
        {"", "f.csv: an empty file"},
    };
    const struct length_config config = config_of("distribution: empirical, file: f.csv");
    struct length_sampler sampler;
    struct error error = {0};
    ck_assert(!length_sampler_init(&sampler, &config, LENGTH_PROMPT, rng, &error));
    ck_assert_msg(strstr(error.text, "f.csv: cannot be opened") != NULL, "%s", error.text);
    for (size_t i = 0; i < COUNT(cases); i++) {
        error = (struct error){0};
        write_text("f.csv", cases[i].text);
        ck_assert(!length_sampler_init(&sampler, &config, LENGTH_PROMPT, rng, &error));
        ck_assert_int_eq(error.kind, ERROR_INPUT);
        ck_assert_msg(strstr(error.text, cases[i].error) == error.text, "'%s', not '%s'",
                      error.text, cases[i].error);
    }
    unlink("f.csv");
}
END_TEST

struct pairs {
    double prompts[SAMPLES], outputs[SAMPLES];
};

static void draw_pairs(const char *prompt, const char *output, double correlation,
                       struct pairs *pairs)
{
    const struct length_config prompt_config = config_of(prompt), output_config = config_of(output);
    struct length_pair pair;
    struct error error = {0};
    ck_assert(length_pair_init(&pair, &prompt_config, &output_config, correlation, 5, "", &error));
    for (size_t i = 0; i < SAMPLES; i++) {
        int32_t prompt_tokens = 0, output_tokens = 0;
        length_pair_draw(&pair, &prompt_tokens, &output_tokens);
        pairs->prompts[i] = prompt_tokens;
        pairs->outputs[i] = output_tokens;
    }
    length_pair_fini(&pair);
}

/* The rank correlation is the one asked for, whatever the distributions; those stay what they are;
 * and prompts do not hear of it. The standard error is no greater than that of independence. */
START_TEST(correlation_is_that_of_ranks)
{
    static const double asked[] = {-1.0, -0.7, -0.2, 0.0, 0.25, 0.6, 0.95, 1.0};
    static const double output_parameters[] = {1, 1e8, 0.25, 40000};
    static struct pairs pairs, first;
    static double work[2 * SAMPLES];
    for (size_t i = 0; i < COUNT(asked); i++) {
        draw_pairs("distribution: lognormal, mean: 6000, median: 4000, max: 9000",
                   "distribution: gamma, mean: 10000, cv: 2", asked[i], &pairs);
        first = i == 0 ? pairs : first;
        ck_assert_mem_eq(pairs.prompts, first.prompts, sizeof pairs.prompts);
        assert_near(gsl_stats_spearman(pairs.prompts, 1, pairs.outputs, 1, SAMPLES, work), asked[i],
                    1.0 / sqrt(SAMPLES));
        assert_distributed(pairs.outputs, SAMPLES, gamma_share, output_parameters);
    }
}
END_TEST

START_TEST(correlation_of_one_is_a_rising_function)
{
    static struct pairs pairs;
    static const char text[] = "distribution: exponential, mean: 1e5";
    draw_pairs(text, text, 1.0, &pairs);
    for (size_t i = 0; i < SAMPLES; i++)
        ck_assert_double_eq_tol(pairs.prompts[i], pairs.outputs[i], 1.0 + 1e-6 * pairs.prompts[i]);
}
END_TEST

/* Without a correlation a pair is two samplers, each on its own stream. */
START_TEST(pairs_draw_as_samplers_do)
{
    static struct pairs pairs;
    static const char *const texts[] = {"distribution: exponential, mean: 100",
                                        "distribution: lognormal, mean: 50, median: 30, max: 99"};
    draw_pairs(texts[0], texts[1], SETTING_UNSET_REAL, &pairs);
    gsl_rng *streams[] = {rng_create(5, "prompt_tokens"), rng_create(5, "output_tokens")};
    for (size_t side = 0; side < 2; side++) {
        struct length_sampler sampler = sampler_of(texts[side], LENGTH_PROMPT);
        sampler.rng = streams[side];
        for (size_t i = 0; i < SAMPLES; i++)
            ck_assert_double_eq(length_sampler_draw(&sampler),
                                side == 0 ? pairs.prompts[i] : pairs.outputs[i]);
        length_sampler_fini(&sampler);
        gsl_rng_free(streams[side]);
    }
}
END_TEST

START_TEST(refuses_what_makes_no_sense)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"distribution: uniform, min: 3", "a:1:10: distribution 'uniform' of tokens needs 'max'"},
        {"distribution: uniform, min: 3, max: 2", "a:1:33: 'min' of tokens is greater"},
        {"distribution: normal, mean: 3", "a:1:10: distribution 'normal' of tokens needs 'std'"},
        {"distribution: gamma, mean: 3", "a:1:10: distribution 'gamma' of tokens needs 'cv'"},
        {"distribution: gamma, mean: 3, cv: 1, std: 3",
         "a:1:47: 'std' has no meaning for distribution 'gamma'"},
        {"distribution: lognormal, mean: 3",
         "a:1:10: distribution 'lognormal' of tokens needs 'median' or 'cv'"},
        {"distribution: lognormal, mean: 3, median: 2, cv: 1",
         "a:1:55: 'median' and 'cv' of tokens say the same: choose one"},
        {"distribution: zipf, max: 9", "a:1:10: distribution 'zipf' of tokens needs 'exponent'"},
        {"distribution: zipf, exponent: 1", "a:1:10: distribution 'zipf' of tokens needs 'max'"},
        {"distribution: zipf, exponent: 1, max: 1048577",
         "a:1:43: a zipf distribution has at most 1048576 lengths"},
        {"distribution: zipf, exponent: -1, max: 9", "a:1:40: 'exponent' must be between 0 and"},
        {"distribution: empirical",
         "a:1:10: distribution 'empirical' of tokens needs 'file' or 'quantiles'"},
        {"distribution: empirical, file: x, quantiles: [1, 2]", "a:1:44: 'file' and 'quantiles'"},
        {"distribution: empirical, file: '-'", "a:1:35: 'file' is read more than once"},
        {"distribution: empirical, quantiles: 5", "a:1:35: 'quantiles' needs two at least"},
        {"distribution: empirical, quantiles: [5, 4]", "a:1:35: 'quantiles' run back: 4 after 5"},
        {"distribution: empirical, quantiles: [0, 4]", "a:1:47: 'quantiles' must be between 1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct length_config config = {0};
        struct error error;
        ck_assert_msg(!try_read(cases[i].text, &config, &error), "'%s' was read", cases[i].text);
        ck_assert_int_eq(error.kind, ERROR_INPUT);
        ck_assert_msg(strstr(error.text, cases[i].error) == error.text, "'%s', not '%s'",
                      error.text, cases[i].error);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        whole_lengths_are_as_frequent_as_they_should,
        quantiles_rise_from_end_to_end,
        gamma_has_a_quantile_wherever,
        quantiles_may_be_a_list,
        histograms_are_read,
        traces_are_read_by_side,
        refuses_files_that_make_no_sense,
        correlation_is_that_of_ranks,
        correlation_of_one_is_a_rising_function,
        pairs_draw_as_samplers_do,
        refuses_what_makes_no_sense,
    };
    TCase *tcase = tcase_create("lengths");
    tcase_set_timeout(tcase, 60);
    tcase_add_checked_fixture(tcase, enter, leave);
    tcase_add_loop_test(tcase, lengths_are_distributed, 0, COUNT(distributed));
    for (size_t i = 0; i < COUNT(tests); i++)
        tcase_add_test(tcase, tests[i]);
    return unit_run_case("lengths", tcase);
}
