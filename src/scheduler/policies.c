#include "policies.h"

#define POLICY_POINTER(name) &policy_##name,
static const struct policy *const policies[] = {POLICIES(POLICY_POINTER)};

#define POLICY_NAME(name) #name,
const char *const policy_names[] = {POLICIES(POLICY_NAME) NULL};

const struct policy *policy_at(size_t index)
{
    return index < sizeof policies / sizeof *policies ? policies[index] : NULL;
}
