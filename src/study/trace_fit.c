#include "trace_fit.h"

#include <gsl/gsl_statistics_double.h>
#include <inttypes.h>
#include <llmsim/sim_time.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* With fewer turns that continue others than this share of all, requests stand alone. */
static const double min_followup_share = 0.02;

/* Columns of a class's requests, or of other values; each with room for all requests. */
struct columns {
    double *times_s, *prompts, *outputs, *work; /* work: of two a request */
};

static bool columns_init(struct columns *columns, size_t count, struct error *error)
{
    *columns = (struct columns){malloc(count * sizeof(double)), malloc(count * sizeof(double)),
                                malloc(count * sizeof(double)), malloc(2 * count * sizeof(double))};
    return (columns->times_s != NULL && columns->prompts != NULL && columns->outputs != NULL &&
            columns->work != NULL) ||
           error_run(error, "out of memory");
}

static void columns_fini(struct columns *columns)
{
    free(columns->times_s);
    free(columns->prompts);
    free(columns->outputs);
    free(columns->work);
}

static bool fit_one_class(struct trace_fit *fit, const struct fit_requests *requests, int class,
                          struct columns *columns, struct error *error)
{
    struct fit_class *found = &fit->classes[class];
    size_t count = 0, outputs = 0;
    for (size_t i = 0; i < requests->count; i++) {
        const struct fit_request *item = &requests->items[i];
        if (item->class != class || (found->converses && item->previous >= 0))
            continue;
        columns->times_s[count] = sim_s_from_ns(item->arrival_ns);
        columns->prompts[count] = fmax(item->prompt_tokens - (double)fit->shared.tokens, 1.0);
        columns->outputs[count++] = item->output_tokens;
    }
    found->requests = count;
    if (count > 2)
        found->correlation =
            gsl_stats_spearman(columns->prompts, 1, columns->outputs, 1, count, columns->work);
    if (!isfinite(found->correlation))
        found->correlation = 0.0;
    fit_lengths(&found->prompt, columns->prompts, count);
    /* Every turn has an output. */
    for (size_t i = 0; i < requests->count; i++) {
        if (requests->items[i].class == class)
            columns->outputs[outputs++] = requests->items[i].output_tokens;
    }
    fit_lengths(&found->output, columns->outputs, outputs);
    return fit_arrivals(&found->arrivals, columns->times_s, count, fit->span_s, error);
}

/* Requests that nobody goes on from are one class and conversations another, where there are both: who
 * asks but once asks something else. `continued` has room for a number each request. */
static int part_conversations(struct trace_fit *fit, struct fit_requests *requests,
                              double *continued)
{
    size_t alone = 0;
    for (size_t i = 0; i < requests->count; i++)
        continued[i] = 0.0;
    for (size_t i = 0; i < requests->count; i++) {
        if (requests->items[i].previous >= 0)
            continued[requests->items[i].previous] = 1.0;
    }
    for (size_t i = 0; i < requests->count; i++) {
        struct fit_request *item = &requests->items[i];
        item->class = item->previous >= 0 || continued[i] > 0.0 ? 0 : 1;
        alone += (size_t)item->class;
    }
    fit->classes[0].converses = true;
    fit->sessions.sessions = requests->count - requests->followups - alone;
    return alone > 0 ? 2 : 1;
}

/* What a turn adds to the prompt and output of the one before, the time between them, and how many
 * turns the sessions have. */
static void fit_turns(struct trace_fit *fit, const struct fit_requests *requests,
                      struct columns *columns)
{
    struct fit_sessions *sessions = &fit->sessions;
    size_t count = 0, kept = 0;
    double gaps_s = 0.0;
    double *turns = columns->work, *followups = columns->prompts;
    for (size_t i = 0; i < requests->count; i++) {
        const struct fit_request *item = &requests->items[i];
        const int64_t tokens = (int64_t)item->prompt_tokens + item->output_tokens;
        sessions->max_tokens = tokens > sessions->max_tokens ? tokens : sessions->max_tokens;
        turns[i] = 1.0;
        if (item->previous < 0)
            continue;
        const struct fit_request *previous = &requests->items[item->previous];
        const double before = (double)previous->prompt_tokens + previous->output_tokens;
        followups[count++] = fmax(item->prompt_tokens - before, 1.0);
        gaps_s += sim_s_from_ns(item->arrival_ns - previous->arrival_ns);
        /* The last turn of a session has its number; the others are no sessions of their own. */
        turns[i] = turns[item->previous] + 1.0;
        turns[item->previous] = 0.0;
    }
    for (size_t i = 0; i < requests->count; i++) {
        if (turns[i] > 1.0)
            turns[kept++] = turns[i];
    }
    sessions->turn_gap_s = gaps_s / (double)count;
    fit_lengths(&sessions->turns, turns, kept);
    fit_lengths(&sessions->followup, followups, count);
}

bool trace_fit_find(struct trace_fit *fit, struct fit_requests *requests, struct error *error)
{
    struct columns columns;
    const double enough = min_followup_share * (double)requests->count;
    if (requests->items[requests->count - 1].arrival_ns == 0)
        return error_input(error, NULL,
                           "all that arrives arrives at one moment: there is no rate to fit");
    memset(fit, 0, sizeof *fit);
    fit->requests = requests->count;
    fit->span_s = sim_s_from_ns(requests->items[requests->count - 1].arrival_ns);
    fit->id_tokens = requests->id_tokens;
    fit->shared = requests->shared;
    bool done = columns_init(&columns, requests->count, error);
    if (done && requests->followups > 0 && (double)requests->followups >= enough) {
        fit->class_count = part_conversations(fit, requests, columns.work);
        fit_turns(fit, requests, &columns);
    } else if (done) {
        fit->class_count = fit_classes(requests, error);
        done = fit->class_count > 0;
    }
    for (int i = 0; done && i < fit->class_count; i++)
        done = fit_one_class(fit, requests, i, &columns, error);
    columns_fini(&columns);
    if (!done)
        trace_fit_fini(fit);
    return done;
}

void trace_fit_fini(struct trace_fit *fit)
{
    for (int i = 0; i < FIT_MAX_CLASSES; i++)
        fit_arrivals_fini(&fit->classes[i].arrivals);
}

static void print_sessions(const struct fit_sessions *sessions, int indent, FILE *stream)
{
    fprintf(stream, "%*ssessions:  # %zu of more than one turn\n", indent, "", sessions->sessions);
    fprintf(stream, "%*sturns: ", indent + 2, "");
    fit_lengths_print(&sessions->turns, indent + 4, stream);
    fprintf(stream, "%*sturn_gap: %.6g s\n", indent + 2, "", sessions->turn_gap_s);
    fprintf(stream, "%*sfollowup_tokens: ", indent + 2, "");
    fit_lengths_print(&sessions->followup, indent + 4, stream);
    fprintf(stream, "%*smax_tokens: %" PRId64 "\n", indent + 2, "", sessions->max_tokens);
}

static void print_class(const struct trace_fit *fit, const struct fit_class *class, int indent,
                        FILE *stream)
{
    fprintf(stream, "%*sarrivals: ", indent, "");
    fit_arrivals_print(&class->arrivals, indent + 2, stream);
    fprintf(stream, "%*sprompt_tokens: ", indent, "");
    fit_lengths_print(&class->prompt, indent + 2, stream);
    fprintf(stream, "%*soutput_tokens: ", indent, "");
    fit_lengths_print(&class->output, indent + 2, stream);
    /* Of lengths that are all the same there is none. */
    if (!fit_lengths_is_constant(&class->prompt) && !fit_lengths_is_constant(&class->output))
        fprintf(stream, "%*slength_correlation: %.3f  # Spearman's\n", indent, "",
                class->correlation);
    if (class->converses)
        print_sessions(&fit->sessions, indent, stream);
    if (fit->shared.tokens > 0)
        fprintf(stream,
                "%*sshared_prefix: {tokens: %" PRId64 ", count: %" PRId64
                ", zipf_exponent: %.3f}\n",
                indent, "", fit->shared.tokens, fit->shared.count, fit->shared.zipf_exponent);
}

void trace_fit_print(const struct trace_fit *fit, FILE *stream)
{
    fputs("workload:\n", stream);
    if (fit->class_count == 1)
        print_class(fit, &fit->classes[0], 2, stream);
    else
        fputs("  classes:\n", stream);
    for (int i = 0; i < fit->class_count && fit->class_count > 1; i++) {
        fprintf(stream, "    class%d:  # %zu %s\n", i + 1, fit->classes[i].requests,
                fit->classes[i].converses ? "conversations" : "requests");
        print_class(fit, &fit->classes[i], 6, stream);
    }
    if (fit->id_tokens > 0 && (fit->shared.tokens > 0 || fit->sessions.sessions > 0))
        fprintf(stream, "  prefix_block_tokens: %" PRId32 "\n", fit->id_tokens);
    fprintf(stream, "  num_requests: %zu\n", fit->requests);
}
