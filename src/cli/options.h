/* The options that more than one command takes. */
#ifndef LLMSIM_CLI_OPTIONS_H
#define LLMSIM_CLI_OPTIONS_H

#include "experiment_config.h"
#include "output_file.h"

/* "-s KEY=VALUE" and "--seed N", in the order given. */
struct overrides {
    char **assignments; /* owned, as their texts */
    size_t count;
};

/* Room for as many as there are arguments. False when memory cannot be had. */
bool overrides_init(struct overrides *overrides, int argc);
void overrides_fini(struct overrides *overrides);

/* "KEY=VALUE", or with a prefix ("seed=") the value alone. False when memory cannot be had. */
bool overrides_add(struct overrides *overrides, const char *prefix, const char *text);

/* Where models/ and accelerators/ are: where the environment says, beside the program in its source
 * tree, or installed with it; NULL when nothing is there. Valid until the next call. */
const char *options_find_configs(void);

/* The configuration at `path` under these overrides; names are looked up where LLMSIM_CONFIGS says
 * or beside the program too. */
bool options_load_config(struct experiment_config *config, const char *path,
                         const struct overrides *overrides, struct error *error);

/* Only an accelerator, by name or path (experiment_config_load_accelerator). */
bool options_load_accelerator(struct experiment_config *config, const char *name,
                              const struct overrides *overrides, struct error *error);

/* What a command writes beside its table. */
struct options_outputs {
    const char *const *paths; /* NULL: not wanted */
    size_t count;
    const char *const *read; /* files that are read, and must not be written; NULL: none */
    size_t read_count;
};

/* Open them as outputs[0 … count − 1], and stdout for the table as outputs[count], unless one of them
 * is stdout. No two may be the same file. Zeroed before; discarded by the caller, also after an error. */
bool options_open_outputs(const struct options_outputs *wanted, struct output_file *outputs,
                          struct error *error);

/* Charts of --chart stand below the table: it must be there. */
bool options_check_chart(bool wanted, bool has_table, struct error *error);

/* An output at `path` must not overwrite the configuration or the trace it is made from. */
bool options_check_output(const char *path, const struct workload_config *workload,
                          const char *config_path, struct error *error);

/* What `on_bad_row: skip` has passed over, and which requests of the trace had failed, is said, not
 * hidden. */
void options_warn_of_left_out(const struct source_left_out *left_out);

#endif
