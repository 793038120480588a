#include "capacity_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

double capacity_reached_precision(const struct capacity *capacity)
{
    if (!capacity->has_limit || !capacity->has_best)
        return (double)NAN;
    return capacity->points[capacity->too_much].load / capacity->points[capacity->best].load - 1.0;
}

double capacity_dollars_per_million_tokens(const struct capacity_cost *cost)
{
    return cost->output_tokens_per_s > 0.0
               ? cost->dollars_per_hour / 3600.0 / cost->output_tokens_per_s * 1e6
               : (double)NAN;
}

double capacity_tokens_per_dollar(const struct capacity_cost *cost)
{
    return cost->dollars_per_hour > 0.0
               ? cost->output_tokens_per_s * 3600.0 / cost->dollars_per_hour
               : (double)NAN;
}

double capacity_kwh_per_million_tokens(const struct capacity_cost *cost)
{
    return cost->output_tokens_per_s > 0.0 ? cost->power_w / cost->output_tokens_per_s / 3.6
                                           : (double)NAN;
}

static void print_promise(const struct slo_check *check, FILE *stream)
{
    if (check->is_goodput)
        fprintf(stream, "%g %% of the requests good", 100.0 * check->limit);
    else
        fprintf(stream, "%s %s at most %g ms", summary_figure_names[check->figure],
                summary_latency_names[check->latency], check->limit);
}

static void print_slo(const struct capacity *capacity, FILE *stream)
{
    fputs("SLO             ", stream);
    for (size_t i = 0; i < capacity->check_count; i++) {
        fputs(i > 0 ? ", " : "", stream);
        print_promise(&capacity->checks[i], stream);
    }
    fputs(capacity->keeps_up ? ", and not overloaded\n" : "\n", stream);
}

static void print_capacity(const struct capacity *capacity, FILE *stream)
{
    const struct capacity_point *best = &capacity->points[capacity->best];
    fprintf(stream, "Capacity        %g %s", best->load, capacity->unit);
    if (!capacity->is_rate)
        fprintf(stream, ", %.4g requests/s", best->requests_per_s);
    if (capacity->has_limit)
        fprintf(stream, "; not %g (%.2g %% more)", capacity->points[capacity->too_much].load,
                100.0 * capacity_reached_precision(capacity));
    else
        fputs(", the highest that was tried: nothing breaks the SLO", stream);
    fprintf(stream, "; %" PRId64 " runs\n", capacity->runs);
    if (capacity->loads.count > 1) {
        const struct interval interval = replicated_interval(&capacity->loads);
        fprintf(stream,
                "                95 %% interval %.4g to %.4g, of %" PRId64
                " replications' own capacities\n",
                interval.low, interval.high, capacity->loads.count);
    }
    fprintf(stream, "Set             %s=%g\n", capacity->key, best->load);
}

static int by_load(const void *left, const void *right)
{
    const struct capacity_point *a = *(const struct capacity_point *const *)left;
    const struct capacity_point *b = *(const struct capacity_point *const *)right;
    return a->load < b->load ? -1 : a->load > b->load;
}

static void print_value(const struct slo_check *check, const struct capacity_point *point,
                        size_t index, FILE *stream)
{
    const struct replicated *value = &point->values[index];
    const char mark = index == point->limiting ? '<' : ' ';
    if (value->count == 0)
        fprintf(stream, "  %15s%c", "-", mark);
    else if (check->is_goodput)
        fprintf(stream, "  %13.2f %%%c", 100.0 * value->mean, mark);
    else
        fprintf(stream, "  %15.2f%c", value->mean, mark);
}

static void print_points(const struct capacity *capacity, FILE *stream)
{
    const struct capacity_point *points[CAPACITY_MAX_POINTS];
    fprintf(stream, "\n  %14s", capacity->unit);
    for (size_t i = 0; i < capacity->check_count; i++) {
        char name[32];
        slo_check_name(&capacity->checks[i], name);
        fprintf(stream, "  %15s ", name);
    }
    fputs("  output tok/s  SLO     load\n", stream);
    for (size_t i = 0; i < capacity->point_count; i++)
        points[i] = &capacity->points[i];
    qsort(points, capacity->point_count, sizeof *points, by_load);
    for (size_t i = 0; i < capacity->point_count; i++) {
        const struct capacity_point *point = points[i];
        fprintf(stream, "  %14g", point->load);
        for (size_t check = 0; check < capacity->check_count; check++)
            print_value(&capacity->checks[check], point, check, stream);
        fprintf(stream, "  %12.1f  %-6s  %s\n",
                replications_find(&point->runs, "output_throughput")->mean,
                point->meets ? "met" : "broken",
                saturation_verdict_names[replications_verdict(&point->runs)]);
    }
    fputc('\n', stream);
}

static void print_cost(const struct capacity_cost *cost, FILE *stream)
{
    if (!isnan(cost->dollars_per_hour))
        fprintf(
            stream,
            "                $%.4g an hour; $%.4g a million output tokens, %.4g of them a dollar\n",
            cost->dollars_per_hour, capacity_dollars_per_million_tokens(cost),
            capacity_tokens_per_dollar(cost));
    if (!isnan(cost->power_w))
        fprintf(stream, "                %.4g kW; %.4g kWh a million output tokens\n",
                cost->power_w / 1e3, capacity_kwh_per_million_tokens(cost));
}

static double tokens_per_user_s(const struct capacity_point *point)
{
    return 1e3 / replicated_mean(replications_find(&point->runs, "mean_tpot_ms"));
}

static void print_server(const struct capacity *capacity, FILE *stream)
{
    const struct capacity_point *best = &capacity->points[capacity->best];
    fprintf(stream,
            "At capacity     %.1f output tokens/s, %.1f an accelerator, %.2f a user; %.1f "
            "tokens/s; busy "
            "%.1f %%, KV peak %.1f %%\n",
            capacity->cost.output_tokens_per_s,
            capacity->cost.output_tokens_per_s / (double)capacity->accelerators,
            tokens_per_user_s(best), capacity->cost.total_tokens_per_s, 100.0 * best->busy_share,
            100.0 * best->kv_peak_use);
    print_cost(&capacity->cost, stream);
}

static void print_fleet(const struct capacity *capacity, FILE *stream)
{
    const struct capacity_fleet *fleet = &capacity->fleet;
    if (!capacity->has_fleet)
        return;
    const double accelerators = fleet->servers * (double)capacity->accelerators;
    fprintf(stream, "For the load    %g %s", fleet->load, capacity->unit);
    if (!capacity->is_rate)
        fprintf(stream, " (%.4g requests/s)", fleet->requests_per_s);
    fprintf(stream, ": %.0f accelerator%s", accelerators, accelerators > 1.0 ? "s" : "");
    if (fleet->servers > 1.0)
        fprintf(stream, ", %.0f servers of %" PRId64 " with %g each", fleet->servers,
                capacity->accelerators, fleet->each.load);
    fprintf(stream, "; at %.0f %% of capacity, %.1f output tokens/s\n",
            100.0 * fleet->each.load / capacity->points[capacity->best].load,
            fleet->cost.output_tokens_per_s);
    if (!fleet->each.meets)
        fputs("                where the SLO is broken: more load than that happens to keep it\n",
              stream);
    print_cost(&fleet->cost, stream);
}

void capacity_print_text(const struct capacity *capacity, FILE *stream)
{
    print_slo(capacity, stream);
    print_capacity(capacity, stream);
    print_points(capacity, stream);
    print_server(capacity, stream);
    print_fleet(capacity, stream);
}
