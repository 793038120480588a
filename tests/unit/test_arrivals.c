/* Arrival processes and the profiles of their rate, against theory; and the keys that each needs. */
#include "arrivals.h"
#include "sample_checks.h"
#include "unit.h"

#include <gsl/gsl_sf_gamma.h>

enum { ARRIVALS = 50000 };

static struct document *document;
static struct arrivals arrivals;
static double times_s[ARRIVALS];

static void enter(void)
{
    document = document_create();
}

static void leave(void)
{
    document_destroy(document);
}

static bool try_read(const char *text, struct arrivals_config *config, struct error *error)
{
    *error = (struct error){0};
    const struct node *node = document_read_text(document, "a", text, strlen(text), error);
    ck_assert_msg(node != NULL, "%s", error->text);
    return settings_read(document, &arrivals_settings, node, config, error) &&
           arrivals_check(config, node, error);
}

static void open_prefixed(const char *text, uint64_t seed, const char *prefix)
{
    struct arrivals_config config = {0};
    struct error error;
    ck_assert_msg(try_read(text, &config, &error), "%s", error.text);
    ck_assert(arrivals_init(&arrivals, &config, seed, prefix, &error));
}

/* The first arrivals, into times_s. */
static void draw_prefixed(const char *text, uint64_t seed, const char *prefix)
{
    open_prefixed(text, seed, prefix);
    for (size_t i = 0; i < ARRIVALS; i++) {
        times_s[i] = arrivals_next_s(&arrivals);
        ck_assert(times_s[i] >= (i > 0 ? times_s[i - 1] : 0.0));
    }
    ck_assert_double_eq(times_s[0], 0.0);
    arrivals_fini(&arrivals);
}

static void draw(const char *text, uint64_t seed)
{
    draw_prefixed(text, seed, "");
}

/* From times to gaps. */
static void take_gaps(double gaps_s[ARRIVALS - 1])
{
    for (size_t i = 1; i < ARRIVALS; i++)
        gaps_s[i - 1] = times_s[i] - times_s[i - 1];
}

static double exponential_share(double x, const double *mean)
{
    return gsl_cdf_exponential_P(x, *mean);
}

static double weibull_share(double x, const double *parameters)
{
    return gsl_cdf_weibull_P(x, parameters[0], parameters[1]);
}

static double gamma_share(double x, const double *parameters)
{
    return gsl_cdf_gamma_P(x, parameters[0], parameters[1]);
}

/* Shapes whose CV is known in closed form: 1/2, 1 and 2. */
START_TEST(weibull_gaps_have_their_cv)
{
    static const struct {
        const char *text;
        double shape, mean_s;
    } cases[] = {
        {"{process: weibull, rate: 4, cv: 2.23606797749979}", 0.5, 0.25},
        {"{process: weibull, rate: 4, cv: 1}", 1.0, 0.25},
        {"{process: weibull, rate: 20, cv: 0.5227232008770634}", 2.0, 0.05},
    };
    double gaps_s[ARRIVALS - 1];
    for (size_t i = 0; i < COUNT(cases); i++) {
        const double shape = cases[i].shape;
        const double parameters[] = {cases[i].mean_s / gsl_sf_gamma(1.0 + 1.0 / shape), shape};
        open_prefixed(cases[i].text, 1, "");
        ck_assert_double_eq_tol(arrivals.shape, shape, 1e-12);
        arrivals_fini(&arrivals);
        draw(cases[i].text, 1 + i);
        take_gaps(gaps_s);
        assert_distributed(gaps_s, ARRIVALS - 1, weibull_share, parameters);
    }
}
END_TEST

START_TEST(weibull_shapes_reach_the_bounds_of_cv)
{
    static const double cvs[] = {0.01, 0.1, 3.0, 30.0, 100.0};
    for (size_t i = 0; i < COUNT(cvs); i++) {
        char text[64];
        snprintf(text, sizeof text, "{process: weibull, rate: 1, cv: %g}", cvs[i]);
        open_prefixed(text, 1, "");
        const double inverse = 1.0 / arrivals.shape;
        const double mean = gsl_sf_gamma(1.0 + inverse);
        ck_assert_double_eq_tol(mean * arrivals.scale, 1.0, 1e-12);
        ck_assert_double_eq_tol(gsl_sf_gamma(1.0 + 2.0 * inverse) / (mean * mean),
                                1.0 + cvs[i] * cvs[i], 1e-9 * (1.0 + cvs[i] * cvs[i]));
        arrivals_fini(&arrivals);
    }
}
END_TEST

/* vLLM's benchmark: gamma gaps of shape `burstiness` and mean 1 / rate. */
START_TEST(burstiness_is_the_shape)
{
    static const double parameters[] = {0.5, 1.0 / (8.0 * 0.5)};
    static double by_cv_s[ARRIVALS], gaps_s[ARRIVALS - 1];
    draw("{process: gamma, rate: 8, burstiness: 0.5}", 3);
    take_gaps(gaps_s);
    assert_distributed(gaps_s, ARRIVALS - 1, gamma_share, parameters);
    draw("{process: gamma, rate: 8, cv: 0.5}", 3);
    memcpy(by_cv_s, times_s, sizeof times_s);
    draw("{process: gamma, rate: 8, burstiness: 4}", 3);
    ck_assert_mem_eq(by_cv_s, times_s, sizeof times_s);
}
END_TEST

START_TEST(a_constant_profile_is_none)
{
    static double without_s[ARRIVALS];
    draw("{process: gamma, rate: 8, cv: 3}", 4);
    memcpy(without_s, times_s, sizeof times_s);
    draw("{process: gamma, rate: 8, cv: 3, profile: constant}", 4);
    ck_assert_mem_eq(without_s, times_s, sizeof times_s);
    draw("{process: gamma, cv: 3, profile: piecewise, rates: 8, interval: 1000 s}", 4);
    for (size_t i = 0; i < ARRIVALS; i++)
        ck_assert_double_eq_tol(without_s[i], times_s[i], 1e-9 * (1.0 + without_s[i]));
    draw("{process: gamma, rate: 8, cv: 3, profile: diurnal, amplitude: 0}", 4);
    for (size_t i = 0; i < ARRIVALS; i++)
        ck_assert_double_eq_tol(without_s[i], times_s[i], 1e-9 * (1.0 + without_s[i]));
}
END_TEST

START_TEST(piecewise_rates_hold_to_the_request)
{
    draw("{process: constant, profile: piecewise, rates: [1, 0, 2], interval: 10}", 5);
    for (size_t i = 0; i < ARRIVALS; i++) {
        const size_t rest = i % 30;
        const double in_period_s = rest <= 10 ? (double)rest : 20.0 + (double)(rest - 10) / 2.0;
        ck_assert_double_eq_tol(times_s[i], 30.0 * (double)(i / 30) + in_period_s, 1e-6);
    }
    /* Fewer requests than intervals: most of them are passed over without being looked at. */
    draw("{process: constant, profile: piecewise, rates: [0, 1e-3, 0], interval: 1 ms}", 5);
    ck_assert_double_eq_tol(times_s[1], 3000.0, 2e-3);
    ck_assert_double_eq_tol(times_s[ARRIVALS - 1], 3000.0 * (ARRIVALS - 1), 2e-3);
}
END_TEST

START_TEST(piecewise_rates_make_poisson_counts)
{
    double counts[4] = {0}, expected[4];
    static const double rates_per_s[] = {4, 0.5, 0, 11};
    draw("{process: poisson, profile: piecewise, rates: [4, 0.5, 0, 11], interval: 20 s}", 6);
    const double cycles = floor(times_s[ARRIVALS - 1] / 80.0);
    for (size_t i = 1; i < ARRIVALS && times_s[i] < cycles * 80.0; i++)
        counts[(size_t)(times_s[i] / 20.0) % 4]++;
    ck_assert_double_eq(counts[2], 0.0);
    for (size_t i = 0; i < 4; i++)
        expected[i] = rates_per_s[i] * 20.0 * cycles;
    counts[2] = counts[3];
    expected[2] = expected[3];
    assert_counts(counts, expected, 3);
}
END_TEST

/* Requests expected by then: the integral of rate (1 + A cos 2π(t − peak)/period). */
static double diurnal_integral(double rate_per_s, double amplitude, double period_s, double peak_s,
                               double t_s)
{
    const double turn = 2.0 * M_PI / period_s;
    return rate_per_s *
           (t_s + amplitude / turn * (sin(turn * (t_s - peak_s)) + sin(turn * peak_s)));
}

START_TEST(diurnal_arrivals_invert_the_integral)
{
    draw("{process: constant, rate: 0.3, profile: diurnal, amplitude: 0.8, peak: 14 h}", 7);
    for (size_t i = 0; i < ARRIVALS; i++)
        ck_assert_double_eq_tol(diurnal_integral(0.3, 0.8, 86400, 14 * 3600, times_s[i]), (double)i,
                                1e-6);
    draw("{process: constant, rate: 5, profile: diurnal, amplitude: 1, period: 1 min}", 7);
    for (size_t i = 0; i < ARRIVALS; i++)
        ck_assert_double_eq_tol(diurnal_integral(5, 1, 60, 0, times_s[i]), (double)i, 1e-6);
    ck_assert_double_lt(times_s[1], 0.11); /* twice the mean rate at the start, where the peak is */
}
END_TEST

START_TEST(diurnal_rates_make_poisson_counts)
{
    double counts[24] = {0}, expected[24];
    draw("{process: poisson, rate: 10, profile: diurnal, amplitude: 0.9, period: 240 s, peak: 60}",
         8);
    const double periods = floor(times_s[ARRIVALS - 1] / 240.0);
    for (size_t i = 1; i < ARRIVALS && times_s[i] < periods * 240.0; i++)
        counts[(size_t)(times_s[i] / 10.0) % 24]++;
    for (size_t i = 0; i < 24; i++) {
        const double begin_s = 10.0 * (double)i;
        expected[i] = periods * (diurnal_integral(10, 0.9, 240, 60, begin_s + 10.0) -
                                 diurnal_integral(10, 0.9, 240, 60, begin_s));
    }
    assert_counts(counts, expected, 24);
}
END_TEST

/* Of counts in windows of t seconds of a Poisson process modulated by a chain that leaves its states
 * at the rates 1/a and 1/b: 1 + 2 (λ − μ)² p q (1 − (1 − exp −rt) / rt) / (r mean), r = 1/a + 1/b
 * (Heffes and Lucantoni 1986). */
static double dispersion(double burst_rate, double rate, double burst_s, double calm_s, double t_s)
{
    const double r = 1.0 / burst_s + 1.0 / calm_s;
    const double p = burst_s / (burst_s + calm_s);
    const double mean = p * burst_rate + (1.0 - p) * rate;
    const double difference = burst_rate - rate;
    return 1.0 + 2.0 * difference * difference * p * (1.0 - p) / (r * mean) *
                     (1.0 - (1.0 - exp(-r * t_s)) / (r * t_s));
}

START_TEST(bursts_disperse_counts)
{
    enum { WINDOWS = 30000 };
    static double counts[WINDOWS];
    static const double windows_s[] = {0.5, 5.0};
    for (size_t w = 0; w < COUNT(windows_s); w++) {
        memset(counts, 0, sizeof counts);
        open_prefixed("{process: poisson, rate: 2, profile: bursts, burst_rate: 20, "
                      "burst_duration: 1 s, calm_duration: 4 s}",
                      9, "");
        for (double t_s = arrivals_next_s(&arrivals); t_s < WINDOWS * windows_s[w];
             t_s = arrivals_next_s(&arrivals))
            counts[(size_t)(t_s / windows_s[w])]++;
        arrivals_fini(&arrivals);
        const double mean = gsl_stats_mean(counts, 1, WINDOWS);
        const double expected = dispersion(20, 2, 1, 4, windows_s[w]);
        /* Windows depend on one another over a second: fewer of them count where they are short. */
        const double independent = WINDOWS * fmin(1.0, windows_s[w]) / 2.0;
        const double mean_count = 5.6 * windows_s[w];
        assert_near(mean, mean_count, sqrt(mean_count * dispersion(20, 2, 1, 4, 1e6) / WINDOWS));
        assert_near(gsl_stats_variance(counts, 1, WINDOWS) / mean, expected,
                    expected * sqrt(4.0 / independent));
    }
}
END_TEST

START_TEST(bursts_of_the_same_rate_are_none)
{
    static double gaps_s[ARRIVALS - 1];
    static const double mean_s = 0.125;
    draw("{process: poisson, rate: 8, profile: bursts, burst_rate: 8, burst_duration: 0.1, "
         "calm_duration: 0.2}",
         10);
    take_gaps(gaps_s);
    assert_distributed(gaps_s, ARRIVALS - 1, exponential_share, &mean_s);
}
END_TEST

START_TEST(bursts_begin_in_the_long_run)
{
    enum { SEEDS = 2000 };
    double bursting = 0.0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        open_prefixed("{process: poisson, rate: 1, profile: bursts, burst_rate: 8, "
                      "burst_duration: 1, calm_duration: 3}",
                      seed, "");
        bursting += arrivals.profile.bursting ? 1.0 : 0.0;
        arrivals_fini(&arrivals);
    }
    assert_near(bursting / SEEDS, 0.25, sqrt(0.25 * 0.75 / SEEDS));
}
END_TEST

/* A class of clients draws for itself. */
START_TEST(streams_have_names)
{
    static const char text[] = "{process: weibull, cv: 2, rate: 1, profile: bursts, "
                               "burst_rate: 8, burst_duration: 1, calm_duration: 3}";
    static double first_s[ARRIVALS];
    draw(text, 11);
    memcpy(first_s, times_s, sizeof times_s);
    draw(text, 11);
    ck_assert_mem_eq(first_s, times_s, sizeof times_s);
    draw(text, 12);
    ck_assert_double_ne(first_s[1], times_s[1]);
    draw_prefixed(text, 11, "chat.");
    ck_assert_double_ne(first_s[1], times_s[1]);
}
END_TEST

static const char *const processes[] = {
    "process: poisson",
    "process: constant",
    "process: gamma, cv: 4",
    "process: weibull, cv: 0.2",
};
static const char *const profiles[] = {
    "rate: 3",
    "profile: piecewise, rates: [0, 3, 0, 1e-3, 0], interval: 7 s",
    "rate: 3, profile: diurnal, amplitude: 1, period: 11 s, peak: 1 h",
    "rate: 1e-3, profile: bursts, burst_rate: 40, burst_duration: 10 ms, calm_duration: 50 ms",
};

/* draw() looks that time never runs back. */
START_TEST(any_process_follows_any_profile)
{
    for (size_t i = 0; i < COUNT(processes) * COUNT(profiles); i++) {
        char text[200];
        snprintf(text, sizeof text, "{%s, %s}", processes[i % COUNT(processes)],
                 profiles[i / COUNT(processes)]);
        draw(text, i);
        ck_assert(isfinite(times_s[ARRIVALS - 1]));
    }
}
END_TEST

#define BURSTS "{process: poisson, profile: bursts, "

START_TEST(refuses_what_makes_no_sense)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"{process: poisson}", "a:1:2: process 'poisson' of arrivals needs 'rate': requests"},
        {"{process: gamma, rate: 1}",
         "a:1:2: process 'gamma' of arrivals needs 'cv' or 'burstiness'"},
        {"{process: gamma, rate: 1, cv: 2, burstiness: 3}",
         "a:1:34: 'cv' and 'burstiness' of arrivals say the same: choose one"},
        {"{process: weibull, rate: 1}", "a:1:2: process 'weibull' of arrivals needs 'cv'"},
        {"{process: weibull, rate: 1, cv: 1, burstiness: 3}",
         "a:1:36: 'burstiness' has no meaning for process 'weibull'"},
        {"{process: poisson, rate: 1, cv: 1}", "a:1:29: 'cv' has no meaning for process 'poisson'"},
        {"{process: poisson, rate: 1, interval: 1}",
         "a:1:29: 'interval' has no meaning for profile 'constant'"},
        {"{process: poisson, rate: 1, profile: daily}", "a:1:38: 'profile' cannot be 'daily'"},
        {"{process: poisson, profile: piecewise, interval: 1}",
         "a:1:20: profile 'piecewise' of arrivals needs 'rates'"},
        {"{process: poisson, profile: piecewise, rates: [1]}",
         "a:1:20: profile 'piecewise' of arrivals needs 'interval'"},
        {"{process: poisson, profile: piecewise, rates: [1], interval: 1, rate: 1}",
         "a:1:65: 'rate' has no meaning for profile 'piecewise'"},
        {"{process: poisson, profile: piecewise, rates: [0, 0], interval: 1}",
         "a:1:40: 'rates' are all 0"},
        {"{process: poisson, profile: piecewise, rates: [1, -1], interval: 1}",
         "a:1:51: 'rates' must be between 0 and"},
        {"{process: poisson, profile: diurnal, amplitude: 0.5}",
         "a:1:2: process 'poisson' of arrivals needs 'rate'"},
        {"{process: poisson, profile: diurnal, rate: 1}",
         "a:1:20: profile 'diurnal' of arrivals needs 'amplitude'"},
        {"{process: poisson, profile: diurnal, rate: 1, amplitude: 1.1}",
         "a:1:58: 'amplitude' must be between 0 and 1"},
        {BURSTS "rate: 1, burst_rate: 2, burst_duration: 1}",
         "a:1:20: profile 'bursts' of arrivals needs 'calm_duration'"},
        {BURSTS "rate: 1, burst_rate: 2, burst_duration: 1, calm_duration: 1, period: 3}",
         "a:1:98: 'period' has no meaning for profile 'bursts'"},
        {BURSTS "rate: 1e-6, burst_rate: 1e-6, burst_duration: 0.001, calm_duration: 0.001}",
         "a:1:67: less than one request in a million bursts"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct arrivals_config config = {0};
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
        weibull_gaps_have_their_cv,
        weibull_shapes_reach_the_bounds_of_cv,
        burstiness_is_the_shape,
        a_constant_profile_is_none,
        piecewise_rates_hold_to_the_request,
        piecewise_rates_make_poisson_counts,
        diurnal_arrivals_invert_the_integral,
        diurnal_rates_make_poisson_counts,
        bursts_disperse_counts,
        bursts_of_the_same_rate_are_none,
        bursts_begin_in_the_long_run,
        streams_have_names,
        any_process_follows_any_profile,
        refuses_what_makes_no_sense,
    };
    return unit_run_with("arrivals", tests, COUNT(tests), enter, leave);
}
