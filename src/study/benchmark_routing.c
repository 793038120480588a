/* Balanced: every expert gets as many tokens, the first of each rank what is left over.
 *
 * power_law_A: how many tokens an expert gets is drawn from a density that goes as x^−A, between 1 and
 * 0.8·T, or between 0.01 and 2 where there are fewer pairs than experts; scaled so that they add up to
 * T·k, none above T, and rounded; pairs lost in rounding go to experts without any. Here the draw of
 * each expert is its quantile, and the busiest of several ranks is what is expected of the largest of
 * as many sums. (NVIDIA AIConfigurator's generator, as far as it can be told from its results.) */
#include "benchmark_routing.h"

#include "operators.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void route_balanced(double pairs, double experts, double ranks, struct benchmark_load *load)
{
    double local = experts / ranks;
    double each = floor(pairs / experts), left = pairs - each * experts;
    double left_here = fmin(local, ceil(left / ranks));
    load->active_experts = each > 0.0 ? local : left_here;
    load->pairs = each * local + left_here;
}

/* Of what each expert gets. */
struct spread {
    double active;    /* experts with any */
    double variation; /* standard deviation over the mean */
    double largest;   /* over the mean */
    double spare;     /* pairs lost in rounding */
};

static double quantile(double exponent, double least, double most, double share)
{
    double power = 1.0 - exponent;
    if (fabs(power) < 1e-9)
        return least * pow(most / least, share);
    double low = pow(least, power), high = pow(most, power);
    return pow((high - low) * share + low, 1.0 / power);
}

static struct spread spread_of(double exponent, double tokens, double pairs, double experts)
{
    bool few = pairs <= experts;
    double least = few ? 0.01 : 1.0;
    double most = fmax(few ? 2.0 : 0.8 * tokens, 1.0001 * least);
    double sum = 0.0;
    for (int i = 0; i < (int)experts; i++)
        sum += quantile(exponent, least, most, (i + 0.5) / experts);
    double scale = pairs / sum;
    double total = 0.0, squares = 0.0, rounded = 0.0, active = 0.0, largest = 0.0;
    for (int i = 0; i < (int)experts; i++) {
        double given = fmin(scale * quantile(exponent, least, most, (i + 0.5) / experts), tokens);
        total += given;
        squares += given * given;
        largest = fmax(largest, given);
        rounded += rint(given);
        active += rint(given) > 0.0 ? 1.0 : 0.0;
    }
    double mean = total / experts;
    return (struct spread){
        .active = fmin(active, pairs), /* where more were rounded up */
        .variation = sqrt(fmax(squares / experts - mean * mean, 0.0)) / mean,
        .largest = largest / mean,
        .spare = fmax(pairs - rounded, 0.0),
    };
}

static void route_power_law(double exponent, double tokens, double pairs, double experts,
                            double ranks, struct benchmark_load *load)
{
    struct spread spread = spread_of(exponent, tokens, pairs, experts);
    double local = experts / ranks;
    double skew = 1.0, more_active = 1.0;
    if (ranks > 1.0) {
        double largest = moe_largest_deviation(ranks);
        double idle_share = fmax(1.0 - spread.active / experts, 0.0);
        skew = local > 1.0 ? 1.0 + largest * spread.variation / sqrt(local) : spread.largest;
        more_active = 1.0 + 0.5 * largest * sqrt(idle_share / fmax(spread.active / ranks, 0.3));
    }
    skew = fmin(fmin(skew, ranks), local * tokens * ranks / pairs);
    load->active_experts = fmin(local, spread.active / ranks * more_active + spread.spare / ranks);
    load->pairs = fmax(pairs / ranks * skew, load->active_experts);
}

bool benchmark_route(const char *distribution, double tokens, double experts_per_token,
                     double experts, double ranks, struct benchmark_load *load)
{
    static const char power_law[] = "power_law_";
    double pairs = tokens * experts_per_token;
    if (strcmp(distribution, "balanced") == 0) {
        route_balanced(pairs, experts, ranks, load);
        return true;
    }
    if (strncmp(distribution, power_law, strlen(power_law)) != 0)
        return false;
    char *end = NULL;
    double exponent = strtod(distribution + strlen(power_law), &end);
    if (*end != '\0' || end == distribution + strlen(power_law) ||
        !(exponent >= 0.0 && exponent <= 10.0))
        return false;
    route_power_law(exponent, tokens, pairs, experts, ranks, load);
    return true;
}
