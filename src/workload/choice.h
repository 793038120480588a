/* Sections of the configuration some of whose keys choose what the others mean. */
#ifndef LLMSIM_WORKLOAD_CHOICE_H
#define LLMSIM_WORKLOAD_CHOICE_H

#include "settings.h"

/* What one choice makes of the other keys: lists of their names that end in NULL; NULL: none. */
struct choice {
    const char *const *needed;
    const char *const *one_of;   /* exactly one of these is needed: they say the same */
    const char *const *usable;   /* may be given besides */
    const char *const *replaced; /* what another chooser's choice needs, and this one stands for */
};

/* A key that chooses; one that is unset has chosen the first. */
struct chooser {
    const char *name;
    const struct choice *choices; /* in the order of the key's names */
};

/* A section with its choosers. Others than the first are keys that its choice may have no use for. */
struct choice_check {
    const struct settings_table *table;
    const char *section_name;
    const void *config;
    const struct chooser *choosers;
    size_t count;
};

/* Every key that the choices need is given, and none that they have no use for. */
bool choice_check(const struct choice_check *check, const struct node *section,
                  struct error *error);

#endif
