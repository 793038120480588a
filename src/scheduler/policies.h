/* The batching policies there are: a file and a line in POLICIES each. */
#ifndef LLMSIM_SCHEDULER_POLICIES_H
#define LLMSIM_SCHEDULER_POLICIES_H

#include <llmsim/policy.h>

#define POLICIES(X) X(vllm)

#define POLICY_DECLARE(name) extern const struct policy policy_##name;
POLICIES(POLICY_DECLARE)
#undef POLICY_DECLARE

/* Their names in the order of policy_at, ending in NULL: the choices of `engine.scheduler`. */
extern const char *const policy_names[];

/* NULL beyond the last. */
const struct policy *policy_at(size_t index);

#endif
