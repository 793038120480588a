/* The batching policies there are: a file and a line in POLICIES each. */
#ifndef LLMSIM_SCHEDULER_POLICIES_H
#define LLMSIM_SCHEDULER_POLICIES_H

#include <llmsim/policy.h>

/* X(identifier, name) */
#define POLICIES(X)                                                                                \
    X(vllm, "vllm")                                                                                \
    X(vllm_v0, "vllm-v0")                                                                          \
    X(sarathi, "sarathi")                                                                          \
    X(orca, "orca")                                                                                \
    X(static, "static")                                                                            \
    X(dynamic, "dynamic")

#define POLICY_DECLARE(identifier, name) extern const struct policy policy_##identifier;
POLICIES(POLICY_DECLARE)
#undef POLICY_DECLARE

/* Their names in the order of policy_at, ending in NULL: the choices of `engine.scheduler`. */
extern const char *const policy_names[];

/* NULL beyond the last. */
const struct policy *policy_at(size_t index);

#endif
