/* What `llmsim roofline` finds, ready to be written down: as a table, as JSON, as a plot. Texts are
 * not owned. */
#ifndef LLMSIM_REPORT_ROOFLINE_REPORT_H
#define LLMSIM_REPORT_ROOFLINE_REPORT_H

#include <llmsim/cost.h>
#include <llmsim/error.h>
#include <llmsim/request.h>

enum { ROOFLINE_MAX_OPERATORS = 40, ROOFLINE_MAX_ROOFS = 8 };

/* The peak of one dtype. */
struct roofline_roof {
    const char *dtype;
    double peak_flops_per_s; /* [P] */
};

struct roofline_device {
    const char *name;
    const char *efficiencies_from; /* another accelerator's name; NULL: fitted to its own kernels */
    char title[160];               /* both, as outputs say it */
    double bandwidth_bytes_per_s;  /* [W] */
    int roof_count;
    struct roofline_roof roofs[ROOFLINE_MAX_ROOFS]; /* of the dtypes that are computed in */
};

/* One matrix product in one dtype. */
struct roofline_gemm_row {
    struct roofline_roof roof;
    struct cost cost;
    double moved_bytes; /* of its three matrices */
};

struct roofline_gemm {
    struct roofline_device device;
    double m, n, k;
    double flops;
    int count;
    struct roofline_gemm_row rows[ROOFLINE_MAX_ROOFS]; /* one a roof */
};

/* All calls of one kind of operator in a step. */
struct roofline_operator {
    const char *name;
    double calls;
    struct cost cost;
    double moved_bytes;      /* activations included: more than cost.bytes */
    double peak_flops_per_s; /* of the dtype it computes in; 0: it multiplies nothing */
    /* From where on it is compute-bound; 0: nowhere. Of a prefill step: prompt tokens. Of a decode
     * step: sequences, at the step's context; and tokens of context, at the step's sequences. */
    int64_t crossing_prompt_tokens, crossing_sequences, crossing_context_tokens;
};

enum roofline_phase { ROOFLINE_PREFILL, ROOFLINE_DECODE, ROOFLINE_PHASE_COUNT };

struct roofline_step {
    int64_t sequences; /* 0: this step was not asked for */
    int64_t tokens;    /* prefill: of the prompt; decode: of context, of each sequence */
    int count;
    struct roofline_operator operators[ROOFLINE_MAX_OPERATORS];
    struct roofline_operator total; /* its peak: the FLOPs over the time they take at their peaks */
    double steps_per_request;       /* that one of the workload's requests takes, or its share */
};

/* Means of the requests that can be served. */
struct roofline_workload {
    int64_t requests; /* that were read; 0: the steps asked for needed none */
    struct source_left_out left_out;
    double mean_prompt_tokens, mean_output_tokens;
};

/* What the steps take together: of a mean request, or of the one step asked for. */
struct roofline_balance {
    double flops, moved_bytes;
    double ridge_flops_per_byte;      /* [P/W] of the model's dtype */
    double best_ridge_flops_per_byte; /* at the same P·W; NaN: none within reach is better */
    double time_s, best_time_s;
};

struct roofline_steps {
    struct roofline_device device;
    const char *model;
    const char *dtype; /* of the model */
    int64_t ranks;     /* the figures are those of one */
    int64_t search_limit_tokens;
    struct roofline_step steps[ROOFLINE_PHASE_COUNT];
    struct roofline_workload workload;
    struct roofline_balance balance;
};

extern const char *const roofline_phase_names[ROOFLINE_PHASE_COUNT]; /* "prefill", … */

/* The ridge point of an item, FLOPs/byte; and its intensity. */
static inline double roofline_ridge(const struct roofline_device *device, double peak_flops_per_s)
{
    return peak_flops_per_s / device->bandwidth_bytes_per_s;
}
static inline double roofline_intensity(const struct roofline_operator *item)
{
    return item->moved_bytes > 0.0 ? item->cost.flops / item->moved_bytes : 0.0;
}

/* Attainable FLOP/s: min(P, I·W). */
static inline double roofline_attainable(const struct roofline_device *device,
                                         double peak_flops_per_s, double intensity)
{
    double memory_flops_per_s = intensity * device->bandwidth_bytes_per_s;
    return memory_flops_per_s < peak_flops_per_s ? memory_flops_per_s : peak_flops_per_s;
}

/* What bounds most of a cost's time. */
enum bound roofline_bound(const struct cost *cost);

/* Model FLOPs and memory bandwidth utilisation; 0 where it multiplies or moves nothing. */
double roofline_mfu(const struct roofline_operator *item);
double roofline_mbu(const struct roofline_device *device, const struct roofline_operator *item);

/* Tables for people. */
void roofline_gemm_print_text(const struct roofline_gemm *gemm, FILE *stream);
void roofline_steps_print_text(const struct roofline_steps *steps, FILE *stream);

/* False when memory cannot be had; write errors show when the stream is closed. */
bool roofline_gemm_print_json(const struct roofline_gemm *gemm, FILE *stream);
bool roofline_steps_print_json(const struct roofline_steps *steps, FILE *stream);

#endif
