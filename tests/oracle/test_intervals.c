/* 95 % intervals of a run hold the true figure as often as they say: of 500 runs of a queue that theory
 * knows, 95 % of each figure's do, to within what 500 draws can tell. Time in an M/M/1 queue
 * and its service is exponential with mean 1/(1 − ρ), so its quantiles are −ln(1 − p)/(1 − ρ). */
#include "experiment.h"
#include "unit.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* With LLMSIM_QUICK in the environment, so few that they say nothing of the share. */
enum { RUNS = 500, QUICK_RUNS = 10 };

/* single_server.yaml as it is, or with constant service, of which theory tells the mean. Beyond its p99
 * at a load of 0.7, a run of 10000 requests has too few busy periods to tell its error. */
struct queue {
    const char *name;
    double load;
    const char *service; /* NULL: exponential */
    int figures;         /* so many of them are checked */
};

static const struct queue queues[] = {
    {"M/M/1", 0.5, NULL, LATENCY_FIGURE_COUNT},
    {"M/M/1", 0.7, NULL, FIGURE_P99},
    {"M/D/1", 0.7, "workload.prompt_tokens={distribution: constant, value: 10000}", 1},
};

struct tally {
    int held, known;
};

static void ignore_warning(void *context, const char *text)
{
    (void)context;
    (void)text;
}

static const struct warn_listener listener = {ignore_warning, NULL};

static void load_queue(const struct queue *queue, struct experiment_config *config)
{
    char rate[64], path[1024];
    struct error error = {0};
    snprintf(rate, sizeof rate, "workload.arrivals.rate=%g", queue->load);
    snprintf(path, sizeof path, "%s/oracle/single_server.yaml", getenv("LLMSIM_TESTS"));
    const char *const overrides[] = {rate, queue->service};
    ck_assert_msg(experiment_config_load(config, path, overrides, queue->service != NULL ? 2 : 1,
                                         getenv("LLMSIM_CONFIGS"), &listener, &error),
                  "%s", error.text);
}

static void count(struct tally *tally, const struct interval *interval, double truth)
{
    if (isnan(interval->low))
        return;
    tally->known++;
    tally->held += interval->low <= truth && (isnan(interval->high) || truth <= interval->high);
}

/* E[W] + E[S], and for exponential service the quantiles. */
static double truth_ms(const struct queue *queue, enum latency_figure figure)
{
    static const double below[LATENCY_FIGURE_COUNT] = {
        [FIGURE_MEDIAN] = 0.5, [FIGURE_P90] = 0.9, [FIGURE_P95] = 0.95, [FIGURE_P99] = 0.99};
    const double mean_square_s2 = queue->service != NULL ? 1.0 : 2.0;
    if (figure == FIGURE_MEAN)
        return 1e3 * (1.0 + queue->load * mean_square_s2 / (2.0 * (1.0 - queue->load)));
    return -1e3 * log(1.0 - below[figure]) / (1.0 - queue->load);
}

START_TEST(test_coverage)
{
    const struct queue *queue = &queues[_i];
    const bool quick = getenv("LLMSIM_QUICK") != NULL;
    const int runs = quick ? QUICK_RUNS : RUNS;
    struct experiment_config config;
    struct tally tallies[LATENCY_FIGURE_COUNT] = {0};
    load_queue(queue, &config);
    for (config.seed = 1; config.seed <= runs; config.seed++) {
        const struct experiment_hooks hooks = {0};
        struct experiment_result result;
        struct error error = {0};
        ck_assert_msg(experiment_run(&config, &hooks, &result, &error), "%s", error.text);
        for (int i = 0; i < queue->figures; i++)
            count(&tallies[i], &result.summary.latency[LATENCY_E2EL].interval_ms[i],
                  truth_ms(queue, (enum latency_figure)i));
    }
    experiment_config_fini(&config);
    for (int i = 0; i < queue->figures; i++) {
        const double share = 100.0 * tallies[i].held / tallies[i].known;
        printf("%s at %.1f, %s: %.1f %% of %d intervals hold the truth\n", queue->name, queue->load,
               summary_figure_names[i], share, tallies[i].known);
        ck_assert_msg(quick || (share >= 92.0 && share <= 98.0), "%s at %.1f, %s: %.1f %%",
                      queue->name, queue->load, summary_figure_names[i], share);
        /* Hardly any run is refused one. */
        ck_assert_int_ge(tallies[i].known, runs * 9 / 10);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("coverage of 95 % intervals");
    tcase_set_timeout(tcase, 600);
    tcase_add_loop_test(tcase, test_coverage, 0, COUNT(queues));
    return unit_run_case("intervals", tcase);
}
