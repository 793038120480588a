#include "policies.h"

#define POLICY_POINTER(identifier, name) &policy_##identifier,
static const struct policy *const policies[] = {POLICIES(POLICY_POINTER)};

#define POLICY_NAME(identifier, name) name,
const char *const policy_names[] = {POLICIES(POLICY_NAME) NULL};

const struct policy *policy_at(size_t index)
{
    return index < sizeof policies / sizeof *policies ? policies[index] : NULL;
}
