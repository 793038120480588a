/* The balance of compute to bandwidth that suits the steps best: their time T as a function of the
 * ridge point P/W at the same P·W, which stands for the same silicon.
 *
 *     P' = s·P (of every dtype), W' = W/s, so that P'/W' = s²·P/W;     min over s of T(P', W')
 *
 * All else stays as it is: caches, overheads, efficiencies, interconnect. T falls and rises again
 * (the compute time goes with 1/s, the memory time with s), so a coarse scan brackets the minimum
 * for Brent's method. */
#include "roofline_parts.h"

#include "accelerator_spec.h"

#include <gsl/gsl_errno.h>
#include <gsl/gsl_min.h>
#include <math.h>

/* The scan, in log2 of s: from −24 to 24 quarters. */
enum { SCAN_END = 24 };
#define SCAN_STEP 0.25

struct balance_search {
    const struct experiment_config *config;
    struct roofline_load loads[ROOFLINE_PHASE_COUNT];
    double weights[ROOFLINE_PHASE_COUNT]; /* steps of each kind; 0: none */
    struct error *error;
    bool failed;
};

static void scale_accelerator(struct accelerator *accelerator, double scale)
{
    double *const peaks[] = {&accelerator->fp32_flops_per_s, &accelerator->bf16_flops_per_s,
                             &accelerator->fp16_flops_per_s, &accelerator->fp8_flops_per_s,
                             &accelerator->int8_flops_per_s, &accelerator->fp4_flops_per_s};
    for (size_t i = 0; i < sizeof peaks / sizeof *peaks; i++)
        *peaks[i] *= scale;
    accelerator->memory_bandwidth_bytes_per_s /= scale;
}

/* Seconds, with P · 2^log2_scale. NaN when memory cannot be had. */
static double time_at(double log2_scale, void *context)
{
    struct balance_search *search = context;
    const struct engine_config *engine = &search->config->engine;
    struct accelerator accelerator = search->config->accelerator;
    struct cost_model cost_model;
    scale_accelerator(&accelerator, exp2(log2_scale));
    if (!roofline_cost_model(search->config, &accelerator, engine->max_num_batched_tokens,
                             engine->max_num_seqs, &cost_model, search->error)) {
        search->failed = true;
        return NAN;
    }
    double time_s = 0.0;
    for (int phase = 0; phase < ROOFLINE_PHASE_COUNT; phase++) {
        struct cost cost;
        if (search->weights[phase] <= 0.0)
            continue;
        cost_model.step(cost_model.state, &search->loads[phase].load, &cost);
        time_s += search->weights[phase] * cost.time_s;
    }
    cost_model.destroy(cost_model.state);
    return time_s;
}

/* The least of the scan lies between two others: where, as log2 of s. False: at an end. */
static bool bracket_minimum(struct balance_search *search, double *log2_scale)
{
    double times_s[2 * SCAN_END + 1];
    int least = 0;
    for (int i = 0; i <= 2 * SCAN_END; i++) {
        times_s[i] = time_at((i - SCAN_END) * SCAN_STEP, search);
        least = times_s[i] < times_s[least] ? i : least;
    }
    *log2_scale = (least - SCAN_END) * SCAN_STEP;
    return least > 0 && least < 2 * SCAN_END && times_s[least - 1] > times_s[least] &&
           times_s[least + 1] > times_s[least];
}

/* Brent's method (Algorithms for Minimization without Derivatives, 1973, chapter 5), as GSL has
 * it. */
static bool minimise(struct balance_search *search, double *log2_scale)
{
    gsl_function time = {time_at, search};
    gsl_min_fminimizer *minimizer = gsl_min_fminimizer_alloc(gsl_min_fminimizer_brent);
    if (minimizer == NULL) {
        search->failed = true;
        return error_run(search->error, "out of memory");
    }
    double low = *log2_scale - SCAN_STEP, high = *log2_scale + SCAN_STEP;
    int status = gsl_min_fminimizer_set(minimizer, &time, *log2_scale, low, high);
    for (int i = 0; status == GSL_SUCCESS && i < 100; i++) {
        status = gsl_min_fminimizer_iterate(minimizer);
        *log2_scale = gsl_min_fminimizer_x_minimum(minimizer);
        low = gsl_min_fminimizer_x_lower(minimizer);
        high = gsl_min_fminimizer_x_upper(minimizer);
        if (gsl_min_test_interval(low, high, 1e-7, 0.0) == GSL_SUCCESS)
            break;
    }
    gsl_min_fminimizer_free(minimizer);
    return !search->failed;
}

static void add_step(struct balance_search *search, struct roofline_steps *steps,
                     enum roofline_phase phase)
{
    const struct roofline_step *step = &steps->steps[phase];
    if (step->sequences == 0)
        return;
    if (phase == ROOFLINE_PREFILL)
        roofline_load_prefill(&search->loads[phase], search->config, step->tokens);
    else
        roofline_load_decode(&search->loads[phase], search->config, step->sequences, step->tokens);
    search->weights[phase] = step->steps_per_request;
    steps->balance.flops += step->steps_per_request * step->total.cost.flops;
    steps->balance.moved_bytes += step->steps_per_request * step->total.moved_bytes;
}

bool roofline_find_balance(const struct experiment_config *config, struct roofline_steps *steps,
                           struct error *error)
{
    struct balance_search search = {.config = config, .error = error};
    struct roofline_balance *balance = &steps->balance;
    for (int phase = 0; phase < ROOFLINE_PHASE_COUNT; phase++)
        add_step(&search, steps, (enum roofline_phase)phase);
    balance->ridge_flops_per_byte =
        accelerator_flops_per_s(&config->accelerator, config->model.dtype) /
        config->accelerator.memory_bandwidth_bytes_per_s;
    balance->best_ridge_flops_per_byte = NAN;
    balance->best_time_s = balance->time_s = time_at(0.0, &search);
    double log2_scale = 0.0;
    if (bracket_minimum(&search, &log2_scale) && minimise(&search, &log2_scale)) {
        balance->best_ridge_flops_per_byte = balance->ridge_flops_per_byte * exp2(2.0 * log2_scale);
        balance->best_time_s = time_at(log2_scale, &search);
    }
    return !search.failed;
}
