/* Generated traffic: that it is what the configuration says, statistically and to the bit, and that
 * a configuration that says too little, too much or nonsense is refused where it does. */
#include "lengths.h"
#include "sample_checks.h"
#include "unit.h"
#include "workload.h"

#include <check.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <gsl/gsl_statistics.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 50000 };

struct sample {
    double gaps_s[SAMPLES]; /* the first from 0 to the first arrival */
    double prompt_tokens[SAMPLES], output_tokens[SAMPLES];
    size_t count;
};

static bool open_text(struct document *document, const char *text, uint64_t seed,
                      struct request_source *source, struct error *error)
{
    struct workload_config config = {0};
    const struct node *node = document_read_text(document, "c.yaml", text, strlen(text), error);
    return node != NULL && settings_read(document, &workload_settings, node, &config, error) &&
           workload_check(&config, node, error) && workload_open(&config, seed, source, error);
}

/* The traffic that a workload section describes; the caller frees it. */
static struct sample *generate(const char *text, uint64_t seed)
{
    struct sample *sample = calloc(1, sizeof *sample);
    ck_assert_ptr_nonnull(sample);
    struct document *document = document_create();
    struct request_source source;
    struct request request;
    struct error error = {0};
    ck_assert_msg(open_text(document, text, seed, &source, &error), "%s", error.text);
    int64_t last_ns = 0;
    while (source.next(source.state, &request, &error) == SOURCE_REQUEST) {
        ck_assert_uint_lt(sample->count, SAMPLES);
        ck_assert_int_ge(request.arrival_ns, last_ns);
        ck_assert_int_ge(request.prompt_tokens, 1);
        ck_assert_int_ge(request.output_tokens, 1);
        sample->gaps_s[sample->count] = sim_s_from_ns(request.arrival_ns - last_ns);
        sample->prompt_tokens[sample->count] = request.prompt_tokens;
        sample->output_tokens[sample->count] = request.output_tokens;
        sample->count++;
        last_ns = request.arrival_ns;
    }
    ck_assert_int_eq(source.next(source.state, &request, &error), SOURCE_END);
    ck_assert_double_eq(source.progress(source.state), 1.0);
    ck_assert_int_eq(source.left_out(source.state).bad_rows, 0);
    source.destroy(source.state);
    document_destroy(document);
    return sample;
}

/* Mean and standard deviation of values whose kurtosis (3 for a normal distribution) is given. */
static void assert_moments(const double *values, size_t count, double mean, double deviation,
                           double kurtosis)
{
    double n = (double)count;
    assert_near(gsl_stats_mean(values, 1, count), mean, deviation / sqrt(n));
    assert_near(gsl_stats_sd(values, 1, count), deviation,
                deviation * sqrt((kurtosis - 1.0) / (4.0 * n)));
}

static bool equal(const double *a, const double *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (a[i] != b[i])
            return false;
    }
    return true;
}

static void assert_same(const struct sample *a, const struct sample *b)
{
    ck_assert_uint_eq(a->count, b->count);
    ck_assert(equal(a->gaps_s, b->gaps_s, a->count));
    ck_assert(equal(a->prompt_tokens, b->prompt_tokens, a->count));
    ck_assert(equal(a->output_tokens, b->output_tokens, a->count));
}

static double median(double *values, size_t count)
{
    gsl_sort(values, 1, count);
    return gsl_stats_median_from_sorted_data(values, 1, count);
}

#define LENGTHS                                                                                    \
    "prompt_tokens: {distribution: constant, value: 10}\n"                                         \
    "output_tokens: {distribution: constant, value: 20}\n"

START_TEST(poisson_gaps_are_exponential)
{
    struct sample *sample =
        generate("arrivals: {process: poisson, rate: 8}\nnum_requests: 50000\n" LENGTHS, 1);
    ck_assert_uint_eq(sample->count, SAMPLES);
    ck_assert_double_eq(sample->gaps_s[0], 0.0);
    assert_moments(sample->gaps_s + 1, SAMPLES - 1, 0.125, 0.125, 9.0);
    /* Median of an exponential: ln 2 means; its standard error 1 / (2 f(m) √n) = mean / √n. */
    assert_near(median(sample->gaps_s + 1, SAMPLES - 1), 0.125 * M_LN2, 0.125 / sqrt(SAMPLES));
    free(sample);
}
END_TEST

START_TEST(gamma_gaps_have_their_cv)
{
    struct sample *sample =
        generate("arrivals: {process: gamma, rate: 4, cv: 2}\nnum_requests: 50000\n" LENGTHS, 2);
    /* Kurtosis of a gamma distribution: 3 + 6 / shape = 3 + 6 cv². */
    assert_moments(sample->gaps_s + 1, SAMPLES - 1, 0.25, 0.5, 27.0);
    free(sample);
    sample =
        generate("arrivals: {process: gamma, rate: 4, cv: 0.1}\nnum_requests: 50000\n" LENGTHS, 2);
    assert_moments(sample->gaps_s + 1, SAMPLES - 1, 0.25, 0.025, 3.06);
    free(sample);
}
END_TEST

START_TEST(constant_arrivals_do_not_drift)
{
    struct sample *sample =
        generate("arrivals: {process: constant, rate: 10}\nnum_requests: 50000\n" LENGTHS, 3);
    for (size_t i = 0; i < sample->count; i++) {
        ck_assert_double_eq(sample->gaps_s[i], i == 0 ? 0.0 : 0.1);
        ck_assert_double_eq(sample->prompt_tokens[i], 10.0);
        ck_assert_double_eq(sample->output_tokens[i], 20.0);
    }
    free(sample);
}
END_TEST

START_TEST(rate_scale_and_max_requests_apply)
{
    struct sample *sample = generate("arrivals: {process: constant, rate: 10}\nnum_requests: 100\n"
                                     "rate_scale: 4\nmax_requests: 7\n" LENGTHS,
                                     3);
    ck_assert_uint_eq(sample->count, 7);
    ck_assert_double_eq(sample->gaps_s[6], 0.025);
    free(sample);
    sample = generate("arrivals: {process: constant, rate: 10}\nnum_requests: 5\n"
                      "max_requests: 7\n" LENGTHS,
                      3);
    ck_assert_uint_eq(sample->count, 5);
    free(sample);
}
END_TEST

START_TEST(lengths_follow_their_distributions)
{
    struct sample *sample =
        generate("arrivals: {process: poisson, rate: 8}\nnum_requests: 50000\n"
                 "prompt_tokens: {distribution: lognormal, mean: 600, median: 400}\n"
                 "output_tokens: {distribution: exponential, mean: 150}\n",
                 4);
    /* σ² = 2 ln(mean / median); the deviation is mean √(exp σ² − 1). */
    double variance = 2.0 * log(600.0 / 400.0);
    double deviation = 600.0 * sqrt(exp(variance) - 1.0);
    assert_near(gsl_stats_mean(sample->prompt_tokens, 1, SAMPLES), 600.0,
                deviation / sqrt(SAMPLES));
    double median_error = 400.0 * sqrt(variance * M_PI / 2.0 / SAMPLES);
    assert_near(median(sample->prompt_tokens, SAMPLES), 400.0, median_error);
    assert_near(gsl_stats_mean(sample->output_tokens, 1, SAMPLES), 150.0, 150.0 / sqrt(SAMPLES));
    assert_near(median(sample->output_tokens, SAMPLES), 150.0 * M_LN2, 150.0 / sqrt(SAMPLES));
    free(sample);
}
END_TEST

/* Truncation is by drawing again: nothing heaps up at the ends. */
START_TEST(truncated_lengths_are_drawn_again)
{
    struct sample *sample =
        generate("arrivals: {process: poisson, rate: 8}\nnum_requests: 50000\n"
                 "prompt_tokens: {distribution: exponential, mean: 1000, min: 501, max: 1500}\n"
                 "output_tokens: {distribution: lognormal, mean: 150, median: 100, max: 100}\n",
                 5);
    double low = 500.5, high = 1500.5;
    double inside = gsl_cdf_exponential_P(high, 1000) - gsl_cdf_exponential_P(low, 1000);
    double at_low = gsl_cdf_exponential_P(low + 1.0, 1000) - gsl_cdf_exponential_P(low, 1000);
    double expected = at_low / inside * SAMPLES;
    double heap = 0;
    for (size_t i = 0; i < SAMPLES; i++) {
        ck_assert(sample->prompt_tokens[i] >= 501 && sample->prompt_tokens[i] <= 1500);
        ck_assert_double_le(sample->output_tokens[i], 100.0);
        heap += sample->prompt_tokens[i] == 501 ? 1 : 0;
    }
    assert_near(heap, expected, sqrt(expected));
    double mean = 1000.0 + (low * exp(-low / 1000) - high * exp(-high / 1000)) /
                               (exp(-low / 1000) - exp(-high / 1000));
    assert_near(gsl_stats_mean(sample->prompt_tokens, 1, SAMPLES), mean, 1000 / sqrt(12 * SAMPLES));
    free(sample);
}
END_TEST

START_TEST(hopeless_truncation_ends)
{
    struct length_config config = {.distribution = 1,
                                   .mean_tokens = 10.001,
                                   .median_tokens = 10,
                                   .value_tokens = SETTING_UNSET_REAL,
                                   .min_tokens = 1000,
                                   .max_tokens = 2000};
    ck_assert_str_eq(length_distribution_names[1], "lognormal");
    gsl_rng *rng = rng_create(6, "test");
    struct length_sampler sampler;
    struct error error;
    ck_assert(length_sampler_init(&sampler, &config, LENGTH_PROMPT, rng, &error));
    ck_assert_int_eq(length_sampler_draw(&sampler), 1000);
    config.min_tokens = 1;
    config.max_tokens = 3;
    ck_assert(length_sampler_init(&sampler, &config, LENGTH_PROMPT, rng, &error));
    ck_assert_int_eq(length_sampler_draw(&sampler), 3);
    gsl_rng_free(rng);
}
END_TEST

START_TEST(seeds_and_streams_are_independent)
{
    static const char first[] = "arrivals: {process: poisson, rate: 8}\nnum_requests: 1000\n"
                                "prompt_tokens: {distribution: exponential, mean: 100}\n"
                                "output_tokens: {distribution: exponential, mean: 100}\n";
    static const char second[] = "arrivals: {process: poisson, rate: 8}\nnum_requests: 1000\n"
                                 "prompt_tokens: {distribution: exponential, mean: 100}\n"
                                 "output_tokens: {distribution: constant, value: 5}\n";
    struct sample *a = generate(first, 7);
    struct sample *same = generate(first, 7);
    struct sample *other_output = generate(second, 7);
    struct sample *other_seed = generate(first, 7 + (1ULL << 32));
    assert_same(a, same);
    ck_assert(equal(a->gaps_s, other_output->gaps_s, a->count));
    ck_assert(equal(a->prompt_tokens, other_output->prompt_tokens, a->count));
    ck_assert(!equal(a->gaps_s, other_seed->gaps_s, a->count));
    /* Correlation of independent samples: 0 with a standard error of 1 / √n. */
    assert_near(gsl_stats_correlation(a->prompt_tokens, 1, a->output_tokens, 1, a->count), 0.0,
                1.0 / sqrt(1000));
    free(a);
    free(same);
    free(other_output);
    free(other_seed);
}
END_TEST

START_TEST(refuses_traffic_beyond_time)
{
    struct document *document = document_create();
    struct request_source source;
    struct request request;
    struct error error = {0};
    ck_assert(open_text(
        document, "arrivals: {process: constant, rate: 1e-6}\nnum_requests: 1000000\n" LENGTHS, 1,
        &source, &error));
    int delivered = 0;
    while (source.next(source.state, &request, &error) == SOURCE_REQUEST)
        delivered++;
    ck_assert_int_eq(delivered, 4612);
    ck_assert_int_eq(error.kind, ERROR_INPUT);
    ck_assert_ptr_nonnull(strstr(error.text, "run past 146 years"));
    ck_assert_int_eq(source.next(source.state, &request, &error), SOURCE_ERROR);
    source.destroy(source.state);
    document_destroy(document);
}
END_TEST

#define POISSON "arrivals: {process: poisson, rate: 8}\n"
#define PROMPT  "prompt_tokens: {distribution: constant, value: 10}\n"
#define OUTPUT  "output_tokens: {distribution: constant, value: 10}\n"
#define NUMBER  "num_requests: 10\n"

START_TEST(refuses_what_makes_no_sense)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"rate_scale: 2\n", "c.yaml:1:1: nothing arrives: workload needs a 'trace', or"},
        {"trace: t.csv\narrivals: {rate: 8}\n",
         "c.yaml:2:1: 'arrivals' of a trace's requests need"},
        {"trace: t.csv\n" NUMBER, "c.yaml:2:1: 'num_requests' is for generated traffic"},
        {PROMPT "trace: t.csv\n", "c.yaml:1:1: 'prompt_tokens' is for generated traffic"},
        {PROMPT OUTPUT NUMBER, "generated traffic needs 'arrivals' with a 'process'"},
        {POISSON OUTPUT NUMBER, "generated traffic needs 'prompt_tokens' with a 'distribution'"},
        {POISSON PROMPT NUMBER, "generated traffic needs 'output_tokens' with a 'distribution'"},
        {POISSON PROMPT OUTPUT, "generated traffic needs 'num_requests'"},
        {POISSON PROMPT OUTPUT NUMBER "format: azure\n",
         "c.yaml:5:1: 'format' has no meaning for generated traffic"},
        {POISSON PROMPT OUTPUT NUMBER "on_bad_row: skip\n",
         "c.yaml:5:1: 'on_bad_row' has no meaning for generated traffic"},
        {"arrivals: {rate: 8}\n" PROMPT OUTPUT NUMBER,
         "c.yaml:1:1: generated traffic needs 'arrivals' with a 'process'"},
        {"arrivals: {process: poisson}\n" PROMPT OUTPUT NUMBER,
         "c.yaml:1:12: process 'poisson' of arrivals needs 'rate'"},
        {"arrivals: {process: gamma, rate: 8}\n" PROMPT OUTPUT NUMBER,
         "c.yaml:1:12: process 'gamma' of arrivals needs 'cv'"},
        {"arrivals: {process: poisson, rate: 8, cv: 1}\n" PROMPT OUTPUT NUMBER,
         "c.yaml:1:39: 'cv' has no meaning for process 'poisson'"},
        {POISSON OUTPUT NUMBER "prompt_tokens: {distribution: constant, value: 9, median: 9}\n",
         "c.yaml:4:51: 'median' has no meaning for distribution 'constant'"},
        {POISSON OUTPUT NUMBER "prompt_tokens: {distribution: constant, value: 9, max: 9}\n",
         "c.yaml:4:51: 'max' has no meaning for distribution 'constant'"},
        {POISSON OUTPUT NUMBER "prompt_tokens: {distribution: lognormal, mean: 9}\n",
         "c.yaml:4:17: distribution 'lognormal' of prompt_tokens needs 'median'"},
        {POISSON OUTPUT NUMBER "prompt_tokens: {distribution: lognormal, mean: 9, median: 9}\n",
         "c.yaml:4:42: the mean of a lognormal distribution must be greater than its median"},
        {POISSON PROMPT NUMBER
         "output_tokens: {distribution: exponential, mean: 9, min: 8, max: 7}\n",
         "c.yaml:4:53: 'min' of output_tokens is greater than its 'max'"},
        {POISSON PROMPT NUMBER "output_tokens: {distribution: exponential, mean: 9, max: 7.5}\n",
         "c.yaml:4:53: 'max' must be a whole number of tokens"},
        {POISSON PROMPT NUMBER "output_tokens: {distribution: constant, value: 0}\n",
         "c.yaml:4:48: 'value' must be between 1"},
        {POISSON PROMPT OUTPUT "num_requests: 0\n",
         "c.yaml:4:15: 'num_requests' must be between 1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct document *document = document_create();
        struct request_source source;
        struct error error = {0};
        ck_assert(!open_text(document, cases[i].text, 1, &source, &error));
        ck_assert_int_eq(error.kind, ERROR_INPUT);
        ck_assert_msg(strstr(error.text, cases[i].error) != NULL, "expected '%s', got '%s'",
                      cases[i].error, error.text);
        document_destroy(document);
    }
}
END_TEST

/* What settings_print_yaml makes of a workload is a workload again, of the same requests. */
START_TEST(survives_being_printed)
{
    static const char text[] =
        "arrivals: {process: gamma, rate: 4, cv: 1.5}\n" PROMPT
        "output_tokens: {distribution: exponential, mean: 9, max: 70}\n" NUMBER;
    struct document *document = document_create();
    struct error error = {0};
    struct workload_config config = {0};
    const struct node *node = document_read_text(document, "c.yaml", text, strlen(text), &error);
    ck_assert(settings_read(document, &workload_settings, node, &config, &error));
    char printed[1000] = "";
    FILE *stream = fmemopen(printed, sizeof printed, "w");
    settings_print_yaml(&workload_settings, &config, 0, stream);
    fclose(stream);
    struct sample *before = generate(text, 8);
    struct sample *after = generate(printed, 8);
    assert_same(before, after);
    free(before);
    free(after);
    document_destroy(document);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        poisson_gaps_are_exponential,
        gamma_gaps_have_their_cv,
        constant_arrivals_do_not_drift,
        rate_scale_and_max_requests_apply,
        lengths_follow_their_distributions,
        truncated_lengths_are_drawn_again,
        hopeless_truncation_ends,
        seeds_and_streams_are_independent,
        refuses_traffic_beyond_time,
        refuses_what_makes_no_sense,
        survives_being_printed,
    };
    return unit_run("generator", tests, COUNT(tests));
}
