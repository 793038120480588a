/* Policies that make every edit the contract of llmsim/policy.h allows, at random: for the calls
 * that the real policies make seldom or never. After every edit they check what they see. */
#ifndef LLMSIM_TESTS_ERRATIC_POLICY_H
#define LLMSIM_TESTS_ERRATIC_POLICY_H

#include <llmsim/policy.h>

extern const struct policy policy_erratic;
extern const struct policy policy_erratic_keeping; /* the same, and keeps_blocks */

#endif
