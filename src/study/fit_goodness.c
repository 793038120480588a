/* How like a trace the requests of a fitted generator are. */
#include "trace_fit.h"

#include <gsl/gsl_sort.h>
#include <llmsim/sim_time.h>
#include <math.h>
#include <stdlib.h>

/* What is compared, request by request. The first has no gap: it counts as none. */
static double gap_of(const struct fit_requests *requests, size_t i)
{
    return i > 0 ? sim_s_from_ns(requests->items[i].arrival_ns - requests->items[i - 1].arrival_ns)
                 : 0.0;
}

static double prompt_of(const struct fit_requests *requests, size_t i)
{
    return requests->items[i].prompt_tokens;
}

static double output_of(const struct fit_requests *requests, size_t i)
{
    return requests->items[i].output_tokens;
}

static double *sorted_values(const struct fit_requests *requests,
                             double (*value_of)(const struct fit_requests *requests, size_t i))
{
    double *values = malloc(requests->count * sizeof *values);
    if (values == NULL)
        return NULL;
    for (size_t i = 0; i < requests->count; i++)
        values[i] = value_of(requests, i);
    gsl_sort(values, 1, requests->count);
    return values;
}

/* The Kolmogorov-Smirnov distance of two sorted samples. */
static double distance(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double largest = 0.0;
    size_t i = 0, j = 0;
    while (i < a_count && j < b_count) {
        const double value = fmin(a[i], b[j]);
        while (i < a_count && a[i] == value)
            i++;
        while (j < b_count && b[j] == value)
            j++;
        largest = fmax(largest, fabs((double)i / (double)a_count - (double)j / (double)b_count));
    }
    return largest;
}

static void print_distance(const char *name, const struct fit_requests *original,
                           const struct fit_requests *generated,
                           double (*value_of)(const struct fit_requests *requests, size_t i),
                           FILE *stream)
{
    double *a = sorted_values(original, value_of), *b = sorted_values(generated, value_of);
    if (a != NULL && b != NULL)
        fprintf(stream, "#   %-36s %12.4f\n", name,
                distance(a, original->count, b, generated->count));
    free(a);
    free(b);
}

/* Both, where the trace has such a thing. */
static void print_pair(const char *name, double original, double generated, FILE *stream)
{
    if (!isnan(original) && !isnan(generated))
        fprintf(stream, "#   %-36s %12.6g %12.6g\n", name, original, generated);
}

static double hit_rate(const struct trace_report *report)
{
    return (double)report->prefixes.hit_tokens / (double)report->prompt.total;
}

static void print_windows(const struct trace_report *original, const struct trace_report *generated,
                          FILE *stream)
{
    for (size_t i = 0; i < original->window_count && i < generated->window_count; i++) {
        char name[64];
        snprintf(name, sizeof name, "index of dispersion in %g s", original->windows[i].window_s);
        print_pair(name, original->windows[i].dispersion, generated->windows[i].dispersion, stream);
    }
}

void trace_fit_print_goodness(const struct fit_workload *original,
                              const struct fit_workload *generated, FILE *stream)
{
    const struct trace_report *a = &original->report, *b = &generated->report;
    fprintf(stream, "#   %-36s %12s %12s\n", "", "trace", "generated");
    print_pair("requests/s", a->rate_per_s, b->rate_per_s, stream);
    print_pair("CV of the gaps", a->gap_cv, b->gap_cv, stream);
    print_windows(a, b, stream);
    print_pair("mean prompt", a->prompt.mean, b->prompt.mean, stream);
    print_pair("mean output", a->output.mean, b->output.mean, stream);
    print_pair("correlation of the logarithms", a->log_correlation, b->log_correlation, stream);
    if (a->prefixes.ids > 0)
        print_pair("most that a cache can find, share", hit_rate(a), hit_rate(b), stream);
    fputs("# Kolmogorov-Smirnov distances between the two:\n", stream);
    print_distance("gaps", &original->requests, &generated->requests, gap_of, stream);
    print_distance("prompts", &original->requests, &generated->requests, prompt_of, stream);
    print_distance("outputs", &original->requests, &generated->requests, output_of, stream);
}
