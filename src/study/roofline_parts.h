/* What the files of the roofline study share. */
#ifndef LLMSIM_STUDY_ROOFLINE_PARTS_H
#define LLMSIM_STUDY_ROOFLINE_PARTS_H

#include "roofline_study.h"

/* The accelerator, as yet without roofs. It points into it. */
struct roofline_device roofline_device_of(const struct accelerator *accelerator);

/* A step as the cost model takes it. Stays where it is: `load` points to `chunk`. */
struct roofline_load {
    struct prefill_chunk chunk;
    struct step_load load;
};

/* One prompt, whole, that emits a token. */
void roofline_load_prefill(struct roofline_load *load, const struct experiment_config *config,
                           int64_t prompt_tokens);
/* Decodes, all with that much context, the new token included. */
void roofline_load_decode(struct roofline_load *load, const struct experiment_config *config,
                          int64_t sequences, int64_t context_tokens);

/* The configuration's cost model on `accelerator`, which must outlive it, for steps of so many
 * tokens and sequences. */
bool roofline_cost_model(const struct experiment_config *config,
                         const struct accelerator *accelerator, int64_t max_num_batched_tokens,
                         int64_t max_num_seqs, struct cost_model *cost_model, struct error *error);

/* Mean lengths of the workload's requests, as far as they are read. Too long a request, which the
 * server would reject, is left out; a workload of none other is an error. */
bool roofline_read_workload(const struct experiment_config *config,
                            struct roofline_workload *workload, struct error *error);

/* Where the operators of a step become compute-bound, into its operators. */
bool roofline_find_crossings(const struct experiment_config *config, struct roofline_step *step,
                             enum roofline_phase phase, struct error *error);

/* What the steps take together, and the accelerator that would take least: steps->balance. */
bool roofline_find_balance(const struct experiment_config *config, struct roofline_steps *steps,
                           struct error *error);

#endif
