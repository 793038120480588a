/* Where the time of a step goes, and why: operators against the accelerator's roofline. */
#ifndef LLMSIM_STUDY_ROOFLINE_STUDY_H
#define LLMSIM_STUDY_ROOFLINE_STUDY_H

#include "experiment_config.h"
#include "roofline_report.h"

/* The largest side of a matrix product. */
#define ROOFLINE_MAX_SIDE 1000000000

/* Batches, prompts and contexts are searched up to here for where an operator becomes
 * compute-bound. */
#define ROOFLINE_SEARCH_LIMIT ENGINE_MAX_BATCHED_TOKENS

/* Requests of a generated workload, and of a trace, whose lengths are averaged. */
#define ROOFLINE_GENERATED_REQUESTS 10000
#define ROOFLINE_TRACE_REQUESTS     1000000

/* What an accelerator computes activations in: the first of bf16, fp16 and fp32 that it has units
 * for. */
int roofline_default_dtype(const struct accelerator *accelerator);

/* One matrix product, M × K times K × N, in each of `dtype_count` dtypes (enum dtype). False where
 * the accelerator has no units for one of them. `gemm` points into the accelerator. */
bool roofline_study_gemm(const struct accelerator *accelerator, const int64_t sides[3],
                         const int *dtypes, int dtype_count, struct roofline_gemm *gemm,
                         struct error *error);

/* Which steps, and how large; 0: what fits the workload and the KV cache. */
struct roofline_request {
    bool prefill, decode; /* at least one */
    int64_t prompt_tokens;
    int64_t sequences, context_tokens;
};

/* One step of each kind asked for, of a configuration whose cost model is the roofline: any other
 * is an error, and so is a step that the engine does not allow. `steps` points into `config`. */
bool roofline_study_steps(const struct experiment_config *config,
                          const struct roofline_request *request, const struct warn_listener *warn,
                          struct roofline_steps *steps, struct error *error);

#endif
