/* The options that more than one command takes. */
#ifndef LLMSIM_CLI_OPTIONS_H
#define LLMSIM_CLI_OPTIONS_H

#include "experiment_config.h"

/* "-s KEY=VALUE" and "--seed N", in the order given. */
struct overrides {
    const char **assignments; /* owned, not the texts */
    char **owned_texts;       /* owned: those of --seed */
    size_t count, owned_count;
};

/* Room for as many as there are arguments. False when memory cannot be had. */
bool overrides_init(struct overrides *overrides, int argc);
void overrides_fini(struct overrides *overrides);

/* `text` must outlive the overrides. */
void overrides_add(struct overrides *overrides, const char *text);

/* As "seed=N". False when memory cannot be had. */
bool overrides_add_seed(struct overrides *overrides, const char *seed);

/* The configuration at `path` under these overrides; names are looked up where LLMSIM_CONFIGS says
 * or beside the program too. */
bool options_load_config(struct experiment_config *config, const char *path,
                         const struct overrides *overrides, struct error *error);

#endif
