/* One sequence at a time is a single-server queue, of which theory knows everything that is measured
 * here. Arrivals are Poisson of rate λ, service times S independent of them and of mean 1 s, so that
 * the utilisation ρ is λ. A request is served from its admission to its last token: one step that
 * prefills the prompt, and output − 1 decode steps. */
#ifndef LLMSIM_TESTS_SINGLE_SERVER_H
#define LLMSIM_TESTS_SINGLE_SERVER_H

#include "run_recorder.h"
#include <gsl/gsl_rng.h>

/* A service time: what it costs, how a request draws it, and its second moment. */
struct service {
    const char *name;
    struct linear_cost cost;
    void (*draw)(gsl_rng *rng, struct request *request);
    double mean_square_s2;
};

/* M/D/1: ten steps of 0.1 s. M/M/1: one step of exponential length. M/G/1: a uniform prompt, and a
 * geometric number of steps. */
extern const struct service service_constant, service_exponential, service_general;

/* The setup, but for cost model, source and observer. */
extern const struct simulation_setup single_server;

/* `count` requests that arrive at rate `load`; the caller frees them. Aborts without memory. */
struct request *single_server_requests(const struct service *service, double load, size_t count,
                                       unsigned long seed);

/* Their run, checked against all invariants; the caller finishes it. */
void single_server_run(const struct service *service, const struct request *requests, size_t count,
                       struct recorded_run *run);

#endif
