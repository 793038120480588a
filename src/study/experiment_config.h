/* A whole configuration: what runs, on what, how it is served, what arrives. */
#ifndef LLMSIM_STUDY_EXPERIMENT_CONFIG_H
#define LLMSIM_STUDY_EXPERIMENT_CONFIG_H

#include "cost_models.h"
#include "engine_config.h"
#include "kv_memory.h"
#include "metrics.h"
#include "workload.h"

struct output_config {
    const char *json, *requests, *timeline, *perfetto, *html; /* paths; NULL: not written */
};

struct experiment_config {
    struct model model;
    struct accelerator accelerator;
    struct engine_config engine;
    struct workload_config workload;
    struct cost_config cost;
    struct slo slo;
    struct metrics_config metrics;
    struct output_config output;
    int64_t seed;

    struct kv_memory kv_memory; /* derived */
    struct document *document;  /* owned; every text above lives in it */
};

/* The top level and, through its sections, every key there is. */
extern const struct settings_table experiment_settings;

/* Read a configuration file ("-": stdin), apply the overrides ("engine.max_num_seqs=64") in order,
 * resolve every "auto" and check the whole. A model or accelerator given by name is looked up as
 * models/NAME.yaml or accelerators/NAME.yaml beside the file that names it, then in
 * `config_directory` (NULL: none). A model in a dtype that the accelerator does not compute in gets
 * another, with a warning. After failure there is nothing to free. */
bool experiment_config_load(struct experiment_config *config, const char *path,
                            const char *const *overrides, size_t override_count,
                            const char *config_directory, const struct warn_listener *warn,
                            struct error *error);
/* Only an accelerator, by name or path, under overrides of accelerator.KEY; all else is zeroed. */
bool experiment_config_load_accelerator(struct experiment_config *config, const char *name,
                                        const char *const *overrides, size_t override_count,
                                        const char *config_directory, struct error *error);
void experiment_config_fini(struct experiment_config *config);

/* As YAML that experiment_config_load reads back to the same. */
void experiment_config_print(const struct experiment_config *config, FILE *stream);

/* What a study makes of a configuration: one run at a time; several with other seeds; or the replay of a
 * log, of which there is no warm-up. */
enum experiment_use { USE_OF_RUN, USE_OF_REPLICATIONS, USE_OF_LOG };

/* Tell `warn` of what llmsim run would heed and this does not: output files, replications, the warm-up. */
void experiment_config_warn_of_unused(const struct experiment_config *config,
                                      enum experiment_use use, const struct warn_listener *warn);

/* How many KV blocks there are and why, as lines of the table. */
void experiment_config_print_memory(const struct experiment_config *config, FILE *stream);

#endif
