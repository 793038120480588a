#include "naive_compare.h"

#include <math.h>

enum { MOST_FIGURES = 16 };

/* The same figures of both, and what they are called. */
struct figures {
    const char *what; /* they are figures of */
    size_t index;     /* of several */
    int count;
    const char *names[MOST_FIGURES];
    int64_t naive[MOST_FIGURES], engine[MOST_FIGURES];
};

static void add_figure(struct figures *figures, const char *name, int64_t naive, int64_t engine)
{
    figures->names[figures->count] = name;
    figures->naive[figures->count] = naive;
    figures->engine[figures->count++] = engine;
}

static bool figures_equal(const struct figures *figures, FILE *stream)
{
    bool equal = true;
    for (int i = 0; i < figures->count; i++)
        equal = equal && figures->naive[i] == figures->engine[i];
    if (equal || stream == NULL)
        return equal;
    fprintf(stream, "%s %zu\n", figures->what, figures->index);
    for (int i = 0; i < figures->count; i++)
        fprintf(stream, "  %-20s naive %lld, engine %lld%s\n", figures->names[i],
                (long long)figures->naive[i], (long long)figures->engine[i],
                figures->naive[i] == figures->engine[i] ? "" : "  <--");
    return false;
}

static bool step_equal(const struct naive_result *naive, const struct recorded_run *run,
                       size_t index, FILE *stream)
{
    const struct naive_step *a = &naive->steps[index];
    const struct step_report *b = &run->steps[index];
    const struct step_load *load = &run->loads[index];
    struct figures figures = {.what = "step", .index = index};
    add_figure(&figures, "start_ns", a->start_ns, b->start_ns);
    add_figure(&figures, "end_ns", a->end_ns, b->end_ns);
    add_figure(&figures, "tokens", a->tokens, b->tokens);
    add_figure(&figures, "sequences", a->sequences, b->sequences);
    add_figure(&figures, "decode_sequences", a->decode_sequences, load->decode_sequences);
    add_figure(&figures, "decode_context_max", a->decode_context_max, load->decode_context_max);
    add_figure(&figures, "emitting_sequences", a->emitting_sequences, load->emitting_sequences);
    add_figure(&figures, "running", a->running, b->running);
    add_figure(&figures, "kv_blocks_used", a->kv_blocks_used, b->kv_blocks_used);
    add_figure(&figures, "kv_blocks_empty", a->kv_blocks_empty, b->kv_blocks_empty);
    add_figure(&figures, "kv_tokens", a->kv_tokens, b->kv_tokens);
    add_figure(&figures, "kv_slots_unfilled", a->kv_slots_unfilled, b->kv_slots_unfilled);
    return figures_equal(&figures, stream);
}

static bool outcome_equal(const struct naive_result *naive, const struct recorded_run *run,
                          size_t index, FILE *stream)
{
    const struct request_outcome *a = &naive->outcomes[index], *b = &run->outcomes[index];
    struct figures figures = {.what = "request", .index = index};
    add_figure(&figures, "outcomes", 1, run->outcome_counts[index]);
    add_figure(&figures, "request_id", a->request_id, b->request_id);
    add_figure(&figures, "arrival_ns", a->arrival_ns, b->arrival_ns);
    add_figure(&figures, "scheduled_ns", a->scheduled_ns, b->scheduled_ns);
    add_figure(&figures, "first_token_ns", a->first_token_ns, b->first_token_ns);
    add_figure(&figures, "finished_ns", a->finished_ns, b->finished_ns);
    add_figure(&figures, "prompt_tokens", a->prompt_tokens, b->prompt_tokens);
    add_figure(&figures, "output_tokens", a->output_tokens, b->output_tokens);
    add_figure(&figures, "cached_tokens", a->cached_tokens, b->cached_tokens);
    add_figure(&figures, "preemptions", a->preemptions, b->preemptions);
    add_figure(&figures, "status", a->status, b->status);
    return figures_equal(&figures, stream);
}

static bool totals_equal(const struct naive_result *naive, const struct recorded_run *run,
                         FILE *stream)
{
    const struct simulation_result *a = &naive->totals, *b = &run->result;
    struct figures figures = {.what = "totals, of runs"};
    add_figure(&figures, "steps", a->steps, b->steps);
    add_figure(&figures, "steps reported", (int64_t)naive->step_count, (int64_t)run->step_count);
    add_figure(&figures, "end_ns", a->end_ns, b->end_ns);
    add_figure(&figures, "requests", a->requests, b->requests);
    add_figure(&figures, "busy_ns", a->busy_ns, b->busy_ns);
    add_figure(&figures, "preemptions", a->preemptions, b->preemptions);
    add_figure(&figures, "swapped_out", a->swapped_out, b->swapped_out);
    add_figure(&figures, "prompt_tokens", a->prompt_tokens, b->prompt_tokens);
    add_figure(&figures, "cached_tokens", a->cached_tokens, b->cached_tokens);
    add_figure(&figures, "offloaded_tokens", a->offloaded_tokens, b->offloaded_tokens);
    add_figure(&figures, "rejected_too_long", a->rejected_too_long, b->rejected_too_long);
    add_figure(&figures, "rejected_no_memory", a->rejected_no_memory, b->rejected_no_memory);
    add_figure(&figures, "gaps", naive->interval_count, run->gap_count);
    add_figure(&figures, "gaps' sum", naive->interval_sum_ns, run->gap_sum_ns);
    add_figure(&figures, "gaps' squares", (int64_t)naive->interval_square_sum,
               (int64_t)run->gap_square_sum);
    return figures_equal(&figures, stream);
}

static bool seconds_equal(const char *name, double naive_s, double engine_s, FILE *stream)
{
    bool equal = fabs(naive_s - engine_s) <= 1e-9 * fmax(1.0, naive_s);
    if (!equal && stream != NULL)
        fprintf(stream, "%s: naive %.12g, engine %.12g\n", name, naive_s, engine_s);
    return equal;
}

bool naive_compare(const struct naive_result *naive, const struct recorded_run *run, FILE *stream)
{
    for (size_t i = 0; i < naive->step_count && i < run->step_count && i < run->load_count; i++)
        if (!step_equal(naive, run, i, stream))
            return false;
    for (size_t i = 0; i < run->request_count; i++)
        if (!outcome_equal(naive, run, i, stream))
            return false;
    return totals_equal(naive, run, stream) &&
           seconds_equal("swap_s", naive->totals.swap_s, run->result.swap_s, stream) &&
           seconds_equal("offload_s", naive->totals.offload_s, run->result.offload_s, stream);
}
