/* What single policies and queue orders promise, beyond what holds of every run. */
#ifndef LLMSIM_TESTS_PROMISES_H
#define LLMSIM_TESTS_PROMISES_H

#include "run_recorder.h"

/* The first promise of setup->policy that the run breaks, in words; NULL when all are kept, and for
 * a policy that makes none. */
const char *promises_policy_broken(const struct simulation_setup *setup,
                                   const struct recorded_run *run);

/* Whether some request was admitted for the first time while another one, that setup->queue_order
 * would serve before it, waited; in words, or NULL. */
const char *promises_order_broken(const struct simulation_setup *setup,
                                  const struct request *requests, const struct recorded_run *run);

#endif
