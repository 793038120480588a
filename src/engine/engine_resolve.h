/* Inside the resolution of an engine's configuration: what its two files share. */
#ifndef LLMSIM_ENGINE_ENGINE_RESOLVE_H
#define LLMSIM_ENGINE_ENGINE_RESOLVE_H

#include "engine_config.h"
#include <llmsim/policy.h>

/* What is being resolved. */
struct resolving {
    struct engine_config *config;
    const struct policy *policy;
    const struct node *node;
    const struct model *model;
    const struct accelerator *accelerator;
    const struct warn_listener *warn;
    struct error *error;
};

/* The key was given and changes nothing here: say so. */
void warn_no_effect(const struct resolving *resolving, const char *key, const char *with,
                    const char *value);

/* Everything about parallel ranks, async_scheduling included (engine_parallel.c). */
bool resolve_parallel(const struct resolving *resolving);

#endif
