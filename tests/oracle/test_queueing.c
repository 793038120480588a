/* The mean waiting time of a single-server queue (Pollaczek-Khinchine): E[W] = λ E[S²] / (2 (1 − ρ)),
 * with constant service M/D/1, with exponential service M/M/1. Waiting is scheduled − arrival, exact
 * without async scheduling. */
#include "single_server.h"
#include "unit.h"

#include <gsl/gsl_statistics_double.h>
#include <llmsim/sim_time.h>
#include <stdlib.h>

#define BATCHES        50
#define BATCH_REQUESTS 8000
#define WARM_UP        8000 /* requests left out: the queue starts empty */
#define REQUESTS       (WARM_UP + BATCHES * BATCH_REQUESTS)

static const struct service *const services[] = {&service_constant, &service_exponential,
                                                 &service_general};
static const double loads[] = {0.5, 0.8};

/* The mean of the batches' means is within 3 of its standard errors of what theory says. */
static void check_mean(const char *what, const double means[BATCHES], double expected)
{
    double mean = gsl_stats_mean(means, 1, BATCHES);
    double error = gsl_stats_sd_m(means, 1, BATCHES, mean) / sqrt(BATCHES);
    ck_assert_msg(fabs(mean - expected) <= 3.0 * error, "%s: %g, standard error %g, theory %g",
                  what, mean, error, expected);
    ck_assert_msg(error < 0.05 * expected, "%s: %g +- %g says nothing", what, mean, error);
}

static void check_queue(const struct recorded_run *run, const struct service *service, double load)
{
    double waiting_s[BATCHES] = {0}, waiting_count[BATCHES], service_s[BATCHES] = {0};
    double service_square_s2[BATCHES] = {0};
    for (size_t batch = 0; batch < BATCHES; batch++) {
        const struct request_outcome *outcomes = run->outcomes + WARM_UP + batch * BATCH_REQUESTS;
        for (size_t i = 0; i < BATCH_REQUESTS; i++) {
            double served_s = sim_s_from_ns(outcomes[i].finished_ns - outcomes[i].scheduled_ns);
            waiting_s[batch] += sim_s_from_ns(outcomes[i].scheduled_ns - outcomes[i].arrival_ns);
            service_s[batch] += served_s;
            service_square_s2[batch] += served_s * served_s;
        }
        int64_t span_ns = outcomes[BATCH_REQUESTS - 1].arrival_ns - outcomes[0].arrival_ns;
        /* Little's law: the mean number waiting is λ E[W]. */
        waiting_count[batch] = waiting_s[batch] / sim_s_from_ns(span_ns);
        waiting_s[batch] /= BATCH_REQUESTS;
        service_s[batch] /= BATCH_REQUESTS;
        service_square_s2[batch] /= BATCH_REQUESTS;
    }
    double expected_s = load * service->mean_square_s2 / (2.0 * (1.0 - load));
    check_mean("mean waiting time", waiting_s, expected_s);
    check_mean("mean number waiting", waiting_count, load * expected_s);
    if (service != &service_constant) {
        check_mean("mean service time", service_s, 1.0);
        check_mean("mean square of the service time", service_square_s2, service->mean_square_s2);
    }
}

START_TEST(test_single_server)
{
    const struct service *service = services[_i / 2];
    double load = loads[_i % 2];
    struct request *requests = single_server_requests(service, load, REQUESTS, 20);
    struct recorded_run run;
    single_server_run(service, requests, REQUESTS, &run);
    check_queue(&run, service, load);
    recorded_run_fini(&run);
    free(requests);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("M/D/1, M/M/1 and M/G/1 at loads 0.5 and 0.8");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_single_server, 0, 6);
    return unit_run_case("queueing", tcase);
}
