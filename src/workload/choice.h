/* Sections of the configuration whose first key chooses what the others mean. */
#ifndef LLMSIM_WORKLOAD_CHOICE_H
#define LLMSIM_WORKLOAD_CHOICE_H

#include "settings.h"

/* A section whose first key chooses, and whose other keys are reals of which the choice needs some
 * and can use others. */
struct choice_check {
    const struct settings_table *table;
    const char *section_name;
    const void *config;
    const char *const *needed;
    const char *const *usable; /* besides those */
};

/* Every key that the choice needs is given, and none that it has no use for. */
bool choice_check(const struct choice_check *check, const struct node *section,
                  struct error *error);

#endif
