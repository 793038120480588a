/* What is fitted to samples of known processes and distributions is what they were drawn from. How
 * like a real trace the generated traffic is: tests/truth. */
#include "rng.h"
#include "trace_fit.h"
#include "unit.h"

#include <gsl/gsl_randist.h>
#include <gsl/gsl_sf_gamma.h>
#include <gsl/gsl_statistics_double.h>
#include <llmsim/sim_time.h>
#include <math.h>

enum { SAMPLES = 20000 };

static double values[SAMPLES];

/* The YAML that a fit prints, valid until the next call. */
static const char *printed(const struct fit_lengths *lengths, const struct fit_arrivals *arrivals)
{
    static char text[1 << 16];
    FILE *stream = fmemopen(text, sizeof text, "w");
    ck_assert_ptr_nonnull(stream);
    if (lengths != NULL)
        fit_lengths_print(lengths, 2, stream);
    if (arrivals != NULL)
        fit_arrivals_print(arrivals, 2, stream);
    ck_assert_int_eq(fclose(stream), 0);
    return text;
}

static void assert_begins(const char *text, const char *beginning)
{
    ck_assert_msg(strncmp(text, beginning, strlen(beginning)) == 0, "'%s' does not begin '%s'",
                  text, beginning);
}

START_TEST(test_named_lengths)
{
    struct fit_lengths fit;
    gsl_rng *rng = rng_create(1, "lengths");
    for (size_t i = 0; i < SAMPLES; i++)
        values[i] = fmax(rint(gsl_ran_lognormal(rng, log(400.0), 0.9)), 1.0);
    fit_lengths(&fit, values, SAMPLES);
    assert_begins(printed(&fit, NULL), "{distribution: lognormal, mean: ");
    ck_assert_double_eq_tol(fit.spread, 400.0, 400.0 * 4.0 * 0.9 / sqrt(SAMPLES));
    ck_assert_double_eq_tol(fit.mean, 400.0 * exp(0.405), 20.0);
    for (size_t i = 0; i < SAMPLES; i++)
        values[i] = fmax(rint(gsl_ran_gamma(rng, 4.0, 50.0)), 1.0);
    fit_lengths(&fit, values, SAMPLES);
    assert_begins(printed(&fit, NULL), "{distribution: gamma, mean: ");
    ck_assert_double_eq_tol(fit.mean, 200.0, 4.0 * 100.0 / sqrt(SAMPLES));
    ck_assert_double_eq_tol(fit.spread, 0.5, 0.02);
    for (size_t i = 0; i < SAMPLES; i++)
        values[i] = 7.0;
    fit_lengths(&fit, values, SAMPLES);
    ck_assert_str_eq(printed(&fit, NULL), "{distribution: constant, value: 7}\n");
    gsl_rng_free(rng);
}
END_TEST

/* Two heaps are none of the named ones; the mean of what is generated is kept all the same. */
START_TEST(test_quantiles)
{
    struct fit_lengths fit;
    gsl_rng *rng = rng_create(2, "lengths");
    for (size_t i = 0; i < SAMPLES; i++)
        values[i] =
            rint(i % 3 == 0 ? gsl_ran_flat(rng, 10.0, 20.0) : gsl_ran_flat(rng, 900.0, 1100.0));
    values[0] = 90000.0; /* one that is far beyond the rest */
    const double mean = gsl_stats_mean(values, 1, SAMPLES);
    fit_lengths(&fit, values, SAMPLES);
    assert_begins(printed(&fit, NULL), "{distribution: empirical, quantiles: [\n  ");
    double generated = 0.0;
    for (size_t i = 1; i < FIT_KNOTS; i++)
        generated += (fit.knots[i - 1] + fit.knots[i]) / 2.0 / (FIT_KNOTS - 1);
    ck_assert_double_eq_tol(generated, mean, 0.01 * mean);
    for (size_t i = 1; i < FIT_KNOTS; i++)
        ck_assert_double_ge(fit.knots[i], fit.knots[i - 1]);
    gsl_rng_free(rng);
}
END_TEST

/* Times into values[], of gaps that `draw` draws, at 2 a second times what the hour's course says. */
static double draw_times(double (*draw)(const gsl_rng *rng), double swing)
{
    gsl_rng *rng = rng_create(3, "arrivals");
    double time_s = 0.0;
    for (size_t i = 0; i < SAMPLES; i++) {
        values[i] = time_s;
        const double rate = 2.0 * (1.0 + swing * sin(time_s / 600.0));
        time_s += draw(rng) / rate;
    }
    gsl_rng_free(rng);
    return values[SAMPLES - 1];
}

static double exponential(const gsl_rng *rng)
{
    return gsl_ran_exponential(rng, 1.0);
}

static double bursty_gamma(const gsl_rng *rng)
{
    return gsl_ran_gamma(rng, 0.25, 4.0);
}

static double bursty_weibull(const gsl_rng *rng)
{
    return gsl_ran_weibull(rng, 1.0 / gsl_sf_gamma(3.0), 0.5);
}

/* A burst is no change of the rate, and a change of the rate is no burst. */
START_TEST(test_arrivals)
{
    static const struct {
        double (*draw)(const gsl_rng *rng);
        double swing;
        const char *beginning;
        double cv;
    } cases[] = {
        {exponential, 0.0, "{process: poisson, rate: ", 1.0},
        {bursty_gamma, 0.0, "{process: gamma, cv: ", 2.0},
        {bursty_weibull, 0.0, "{process: weibull, cv: ", 2.236},
        {exponential, 0.6, "{process: poisson, profile: piecewise, interval: 60 s, rates: [", 1.0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct fit_arrivals fit;
        struct error error = {0};
        const double span_s = draw_times(cases[i].draw, cases[i].swing);
        ck_assert(fit_arrivals(&fit, values, SAMPLES, span_s, &error));
        assert_begins(printed(NULL, &fit), cases[i].beginning);
        ck_assert_double_eq_tol(fit.cv, cases[i].cv, 0.15);
        fit_arrivals_fini(&fit);
    }
}
END_TEST

/* Times that a clock rounds to three seconds say nothing of the gaps: counts do. */
START_TEST(test_coarse_clock)
{
    struct fit_arrivals fit;
    struct error error = {0};
    const double span_s = 3.0 * floor(draw_times(exponential, 0.0) / 3.0);
    for (size_t i = 0; i < SAMPLES; i++)
        values[i] = 3.0 * floor(values[i] / 3.0);
    ck_assert(fit_arrivals(&fit, values, SAMPLES, span_s, &error));
    ck_assert_double_eq_tol(fit.cv, 1.0, 0.15);
    ck_assert_ptr_null(fit.rates_per_s);
    fit_arrivals_fini(&fit);
}
END_TEST

static struct fit_requests make_requests(gsl_rng *rng, bool mixed)
{
    struct fit_requests requests = {.items = calloc(SAMPLES, sizeof(struct fit_request)),
                                    .count = SAMPLES};
    ck_assert_ptr_nonnull(requests.items);
    for (size_t i = 0; i < SAMPLES; i++) {
        const bool is_long = mixed && gsl_rng_uniform(rng) < 0.4;
        requests.items[i] = (struct fit_request){
            .arrival_ns = (int64_t)i * SIM_NS_PER_S / 4,
            .prompt_tokens = 1 + (int32_t)gsl_ran_lognormal(rng, log(is_long ? 8000 : 500), 0.4),
            .output_tokens = 1 + (int32_t)gsl_ran_lognormal(rng, log(is_long ? 40 : 400), 0.4),
            .previous = -1};
    }
    return requests;
}

/* One class where there is one; and who sends long prompts apart from who sends short ones. */
START_TEST(test_classes)
{
    struct error error = {0};
    gsl_rng *rng = rng_create(4, "requests");
    struct fit_requests requests = make_requests(rng, false);
    ck_assert_int_eq(fit_classes(&requests, &error), 1);
    fit_requests_fini(&requests);
    requests = make_requests(rng, true);
    ck_assert_int_eq(fit_classes(&requests, &error), 2);
    size_t wrong = 0;
    for (size_t i = 0; i < SAMPLES; i++)
        wrong += (requests.items[i].prompt_tokens > 2000) != (requests.items[i].class == 1) ? 1 : 0;
    ck_assert(wrong < SAMPLES / 100 || wrong > SAMPLES - SAMPLES / 100);
    fit_requests_fini(&requests);
    gsl_rng_free(rng);
}
END_TEST

struct conversation {
    const uint64_t *ids;
    int32_t prompt_tokens;
    int32_t previous; /* that is expected */
};

static enum request_source_result next_turn(void *state, struct request *request,
                                            struct error *error)
{
    const struct conversation **at = state;
    (void)error;
    if ((*at)->prompt_tokens == 0)
        return SOURCE_END;
    *request = (struct request){.prompt_tokens = (*at)->prompt_tokens,
                                .output_tokens = 1,
                                .prefix_ids = (*at)->ids,
                                .prefix_id_count = ((*at)->prompt_tokens + 99) / 100,
                                .prefix_id_tokens = 100};
    ++*at;
    return SOURCE_REQUEST;
}

static struct source_left_out nothing_left_out(const void *state)
{
    (void)state;
    return (struct source_left_out){0};
}

/* A turn continues the longest prompt that its own begins with, and no prompt is continued twice. */
START_TEST(test_continuations)
{
    static const uint64_t a[] = {1, 2, 3, 4, 5}, b[] = {1, 7, 8}, forked[] = {1, 2, 9, 10};
    static const struct conversation turns[] = {
        {a, 250, -1},                                /* whole blocks: 1, 2 */
        {b, 200, -1},                                /* shares only its first block */
        {a, 400, 0},                                 /* the block that was partial is whole now */
        {forked, 400, -1},                           /* 1, 2 has been continued */
        {b, 300, 1},       {a, 500, 2}, {a, 50, -1}, /* no whole block at all */
        {NULL, 0, 0},
    };
    const struct conversation *at = turns;
    struct request_source source = {.state = &at, .next = next_turn, .left_out = nothing_left_out};
    struct fit_requests requests;
    struct trace_report report;
    struct error error = {0};
    ck_assert(fit_requests_read(&requests, &source, NULL, &report, &error));
    ck_assert_uint_eq(requests.count, COUNT(turns) - 1);
    ck_assert_int_eq(report.requests, (int64_t)requests.count);
    for (size_t i = 0; i < requests.count; i++)
        ck_assert_msg(requests.items[i].previous == turns[i].previous, "turn %zu continues %d", i,
                      requests.items[i].previous);
    ck_assert_uint_eq(requests.followups, 3);
    fit_requests_fini(&requests);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {test_named_lengths, test_quantiles, test_arrivals,
                                  test_coarse_clock,  test_classes,   test_continuations};
    return unit_run("trace_fit", tests, COUNT(tests));
}
