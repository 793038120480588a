/* The verdict on a server's load, on queues whose utilisation theory knows. */
#include "saturation.h"
#include "single_server.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#define REQUESTS 20000

/* Around 1 a finite run cannot tell a queue that grows from one that will not, and need not. */
static const double loads[] = {0.5, 0.6, 0.7, 0.8, 0.9, 0.94, 1.0, 1.08, 1.2, 1.5};

static const struct service *const services[] = {&service_exponential, &service_constant,
                                                 &service_general};

static void judge(const struct service *service, double load, unsigned long seed,
                  struct saturation_summary *summary)
{
    struct request *requests = single_server_requests(service, load, REQUESTS, seed);
    struct recorded_run run;
    struct saturation saturation;
    single_server_run(service, requests, REQUESTS, &run);
    saturation_init(&saturation, 1);
    for (size_t i = 0; i < run.step_count; i++)
        saturation_step(&saturation, &run.steps[i]);
    for (size_t i = 0; i < REQUESTS; i++)
        saturation_outcome(&saturation, &run.outcomes[i]);
    saturation_judge(&saturation, summary);
    recorded_run_fini(&run);
    free(requests);
}

static enum saturation_verdict expected(double load)
{
    if (load < 0.97)
        return LOAD_STABLE;
    return load > 1.03 ? LOAD_OVERLOADED : LOAD_SATURATED;
}

START_TEST(test_verdicts)
{
    const struct service *service = services[(size_t)_i / COUNT(loads)];
    const double load = loads[(size_t)_i % COUNT(loads)];
    for (unsigned long seed = 1; seed <= 3; seed++) {
        struct saturation_summary summary;
        judge(service, load, seed, &summary);
        printf("%s at %.2f: %s, full %.3f, %lld waiting, growth %.1f errors\n", service->name, load,
               saturation_verdict_names[summary.verdict], summary.full_share,
               (long long)summary.waiting, summary.growth_over_error);
        ck_assert_msg(summary.verdict == expected(load), "%s at %.2f, seed %lu: %s", service->name,
                      load, seed, saturation_verdict_names[summary.verdict]);
        /* What the evidence says is true: of a single server, its utilisation. */
        if (load < 1.0)
            ck_assert_double_eq_tol(summary.full_share, load, 0.04);
        if (summary.verdict == LOAD_OVERLOADED)
            ck_assert_double_eq_tol(summary.arrival_rate_per_s / summary.start_rate_per_s, load,
                                    0.05 * load);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("loads from 0.5 to 1.5");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_verdicts, 0, (int)(COUNT(loads) * COUNT(services)));
    return unit_run_case("saturation", tcase);
}
