/* A policy that makes every edit the contract of llmsim/policy.h allows, at random: for the calls
 * that the real policies make seldom or never. */
#ifndef LLMSIM_TESTS_ERRATIC_POLICY_H
#define LLMSIM_TESTS_ERRATIC_POLICY_H

#include <llmsim/policy.h>

extern const struct policy policy_erratic;

#endif
