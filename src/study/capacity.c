#include "capacity.h"

#include "capacity_bracket.h"
#include "llmsim_results.h"
#include "replicate.h"
#include <stdlib.h>
#include <string.h>

/* Most servers are past their SLO a little before they are past their throughput. */
static const double first_share_of_estimate = 0.85;

struct search {
    const struct llmsim *base;
    const struct capacity_options *options;
    struct capacity *capacity;
    double configured;  /* load */
    double least, most; /* that the key may be */
    double (
        *seed_margins)[CAPACITY_MAX_POINTS]; /* of each replication's points; NULL: there is one */
    struct llmsim_error *error;
};

static bool fail(const struct search *search, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(const struct search *search, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(search->error->text, sizeof search->error->text, format, arguments);
    va_end(arguments);
    search->error->status = ERROR_INPUT;
    return false;
}

/* What is varied: how the configured load is named, and its bounds. */
static void choose_key(struct search *search, const struct workload_config *workload)
{
    struct capacity *capacity = search->capacity;
    const struct arrivals_config *arrivals = &workload->traffic.arrivals;
    const bool generated = arrivals->process >= 0 && workload->classes.count == 0;
    const bool steady = arrivals->profile.kind < 0 || arrivals->profile.kind == PROFILE_CONSTANT;
    search->least = 1e-6;
    search->most = 1e6;
    if (generated && arrivals_is_closed(arrivals)) {
        capacity->key = "workload.arrivals.concurrency";
        capacity->unit = "users";
        capacity->whole = true;
        search->configured = (double)arrivals->concurrency;
        search->least = 1.0;
    } else if (setting_is_set(workload->transform.target_rate_per_s)) {
        capacity->key = "workload.target_rate";
        capacity->unit = "requests/s";
        capacity->is_rate = true;
        search->configured = workload->transform.target_rate_per_s;
    } else if (generated && steady && workload->transform.rate_scale == 1.0) {
        capacity->key = "workload.arrivals.rate";
        capacity->unit = "requests/s";
        capacity->is_rate = true;
        search->configured = arrivals->profile.rate_per_s;
    } else {
        capacity->key = "workload.rate_scale";
        capacity->unit = "times the rate";
        search->configured = workload->transform.rate_scale;
    }
}

/* A number that can be given again by hand. */
static double tidy(const struct search *search, double load)
{
    char text[32];
    if (search->capacity->whole)
        return fmax(search->least, nearbyint(load));
    snprintf(text, sizeof text, "%.6g", load);
    return fmin(fmax(strtod(text, NULL), search->least), search->most);
}

/* A run of the base under a load. The caller destroys it. */
static struct llmsim *run_load(const struct search *search, double load, int64_t seed)
{
    char text[32];
    struct llmsim *run = llmsim_copy(search->base);
    bool done = run != NULL;
    snprintf(text, sizeof text, "%.12g", load);
    done = done && llmsim_set(run, search->capacity->key, text);
    snprintf(text, sizeof text, "%lld", (long long)seed);
    done = done && llmsim_set(run, "seed", text);
    if (!done) {
        fail(search, "out of memory");
        search->error->status = ERROR_RUN;
    } else if (llmsim_run(run, search->error)) {
        search->capacity->runs++;
        return run;
    }
    llmsim_destroy(run);
    return NULL;
}

/* The worst margin of the values; *limiting: whose. */
static double worst_margin(const struct capacity *capacity, const double *values, size_t *limiting)
{
    double worst = -INFINITY;
    for (size_t i = 0; i < capacity->check_count; i++) {
        const double margin = slo_check_margin(&capacity->checks[i], values[i]);
        if (margin > worst) {
            worst = margin;
            *limiting = i;
        }
    }
    return worst;
}

/* Where the SLO says nothing of waiting, a queue that grows without end is the limit. */
static double overload_margin(const struct capacity *capacity, const struct summary *summary)
{
    return capacity->keeps_up && summary->saturation.verdict == LOAD_OVERLOADED
               ? 1.0
               : -SLO_WIDEST_MARGIN;
}

static double offered_per_s(const struct capacity *capacity, const struct summary *summary,
                            double load)
{
    if (capacity->is_rate)
        return load;
    return capacity->whole || summary->saturation.verdict == LOAD_UNKNOWN
               ? summary->request_throughput_per_s
               : summary->saturation.arrival_rate_per_s;
}

static void add_run(struct capacity *capacity, struct capacity_point *point,
                    const struct summary *summary, double *margin)
{
    const double count = (double)point->runs.count + 1.0;
    double values[CAPACITY_MAX_CHECKS];
    size_t limiting = 0;
    for (size_t i = 0; i < capacity->check_count; i++) {
        values[i] = slo_check_value(&capacity->checks[i], summary);
        replicated_add(&point->values[i], values[i]);
    }
    *margin = fmax(worst_margin(capacity, values, &limiting), overload_margin(capacity, summary));
    point->busy_share += (summary->busy_share - point->busy_share) / count;
    point->kv_peak_use += (summary_kv_peak_use(summary) - point->kv_peak_use) / count;
    point->requests_per_s +=
        (offered_per_s(capacity, summary, point->load) - point->requests_per_s) / count;
    replications_add(&point->runs, summary);
}

static void judge(const struct capacity *capacity, struct capacity_point *point)
{
    double values[CAPACITY_MAX_CHECKS];
    for (size_t i = 0; i < capacity->check_count; i++)
        values[i] = replicated_mean(&point->values[i]);
    point->margin = worst_margin(capacity, values, &point->limiting);
    if (capacity->keeps_up && replications_verdict(&point->runs) == LOAD_OVERLOADED)
        point->margin = fmax(point->margin, 1.0);
    point->meets = point->margin <= 0.0;
}

/* Run a load with every seed. `margins`: where each seed's goes, `stride` apart; NULL: nowhere. */
static bool try_load(struct search *search, double load, struct capacity_point *point,
                     double (*margins)[CAPACITY_MAX_POINTS], size_t column)
{
    struct capacity *capacity = search->capacity;
    *point = (struct capacity_point){.load = load};
    const int64_t first_seed = llmsim_config(search->base)->seed;
    uint64_t first_digest = 0;
    for (int64_t i = 0; i < capacity->replications; i++) {
        struct llmsim *run = run_load(search, load, first_seed + i);
        if (run == NULL)
            return false;
        const struct summary *summary = &llmsim_result(run)->summary;
        const bool served = summary->completed > 0;
        const bool is_again = i == 1 && summary->digest == first_digest;
        first_digest = i == 0 ? summary->digest : first_digest;
        double margin = 0.0;
        add_run(capacity, point, summary, &margin);
        if (margins != NULL)
            margins[i][column] = margin;
        llmsim_destroy(run);
        if (!served)
            return fail(search, "not one request is completed: there is no capacity to be found");
        if (is_again)
            return fail(search, "nothing in this configuration is random: its replications are all "
                                "the same run");
    }
    judge(capacity, point);
    return true;
}

/* Half the load, and the promise is broken as badly: it is so of a server that has nothing else to do. */
static bool is_hopeless(const struct capacity *capacity)
{
    if (capacity->has_best || capacity->point_count < 2)
        return false;
    const struct capacity_point *last = &capacity->points[capacity->point_count - 1];
    const struct capacity_point *before = last - 1;
    return last->margin < SLO_WIDEST_MARGIN && last->load < 0.6 * before->load &&
           last->margin > before->margin - 0.01;
}

static bool search_load(struct search *search, double first)
{
    struct capacity *capacity = search->capacity;
    const struct capacity_options *options = search->options;
    struct capacity_bracket bracket = {.width = INFINITY, .width_before = INFINITY};
    double load = tidy(search, first);
    int outward = 0;
    while (!capacity_is_precise(capacity) && (int)capacity->point_count < options->max_runs) {
        const size_t at = capacity->point_count;
        if (!try_load(search, load, &capacity->points[at], search->seed_margins, at))
            return false;
        capacity->point_count++;
        capacity_find_bracket(capacity);
        if (capacity->has_best && capacity->has_limit)
            capacity_note_bracket(capacity, &bracket);
        if (options->progress != NULL)
            options->progress((double)capacity->point_count / (double)options->max_runs);
        const double next = tidy(search, capacity_next_load(capacity, &bracket, outward++));
        if (next == load || is_hopeless(capacity))
            break;
        load = next;
    }
    if (capacity->has_best)
        return true;
    const struct capacity_point *point = &capacity->points[capacity->too_much];
    char name[32];
    slo_check_name(&capacity->checks[point->limiting], name);
    return fail(search, "the SLO is met under no load: at %g %s %s is %g, and %g was promised",
                point->load, capacity->unit, name, point->values[point->limiting].mean,
                capacity->checks[point->limiting].limit);
}

/* Where one replication's margins cross 0, between its neighbouring points. NaN: nowhere. */
static double crossing(const struct capacity *capacity, const double *margins)
{
    double low = -INFINITY, high = INFINITY, low_margin = 0.0, high_margin = 0.0;
    for (size_t i = 0; i < capacity->point_count; i++) {
        const double at = log(capacity->points[i].load);
        if (margins[i] > 0.0 && at < high) {
            high = at;
            high_margin = margins[i];
        }
    }
    for (size_t i = 0; i < capacity->point_count; i++) {
        const double at = log(capacity->points[i].load);
        if (margins[i] <= 0.0 && at < high && at > low) {
            low = at;
            low_margin = margins[i];
        }
    }
    if (isinf(low) || isinf(high))
        return (double)NAN;
    return exp(low + (high - low) * (low_margin / (low_margin - high_margin)));
}

static struct capacity_cost cost_of(const struct accelerator *accelerator, int64_t accelerators,
                                    const struct capacity_point *point, double servers)
{
    const double idle_w = setting_is_set(accelerator->idle_power_w) ? accelerator->idle_power_w
                                                                    : accelerator->power_w;
    const double all = (double)accelerators * servers;
    return (struct capacity_cost){
        .output_tokens_per_s = servers * replications_find(&point->runs, "output_throughput")->mean,
        .total_tokens_per_s =
            servers * replications_find(&point->runs, "total_token_throughput")->mean,
        .dollars_per_hour = accelerator->price_per_hour_dollars * all,
        .power_w =
            all * (point->busy_share * accelerator->power_w + (1.0 - point->busy_share) * idle_w),
    };
}

/* As many servers as the load needs, each under its share of it. */
static bool size_fleet(struct search *search, const struct accelerator *accelerator)
{
    struct capacity *capacity = search->capacity;
    struct capacity_fleet *fleet = &capacity->fleet;
    fleet->load =
        setting_is_set(search->options->load) ? search->options->load : search->configured;
    fleet->servers = ceil(fleet->load / capacity->points[capacity->best].load * (1.0 - 1e-9));
    double share = fleet->load / fleet->servers;
    if (capacity->whole)
        share = ceil(share * (1.0 - 1e-9));
    if (!try_load(search, tidy(search, share), &fleet->each, NULL, 0))
        return false;
    fleet->requests_per_s = fleet->servers * fleet->each.requests_per_s;
    fleet->cost = cost_of(accelerator, capacity->accelerators, &fleet->each, fleet->servers);
    capacity->has_fleet = true;
    return true;
}

/* The load that is worth trying first. */
static bool estimate(struct search *search, const struct experiment_config *config, double *first)
{
    struct capacity *capacity = search->capacity;
    struct summary rush;
    struct error error = {0};
    *first = search->configured;
    capacity->estimate_per_s = (double)NAN;
    if (workload_is_closed(&config->workload))
        return true;
    double offered_per_s_now = 0.0;
    if (!replicate_rush(config, &rush, &offered_per_s_now, &error)) {
        search->error->status = (int)error.kind;
        memcpy(search->error->text, error.text, sizeof search->error->text);
        return false;
    }
    capacity->runs++;
    capacity->estimate_per_s = rush.request_throughput_per_s;
    if (offered_per_s_now > 0.0 && capacity->estimate_per_s > 0.0)
        *first = search->configured * first_share_of_estimate * capacity->estimate_per_s /
                 offered_per_s_now;
    return true;
}

static bool set_up(struct search *search, const struct experiment_config *config)
{
    struct capacity *capacity = search->capacity;
    const struct slo *slo = &config->slo;
    choose_key(search, &config->workload);
    capacity->check_count = slo_list_checks(slo, CAPACITY_DEFAULT_GOODPUT, capacity->checks);
    if (capacity->check_count == 0)
        return fail(search,
                    "nothing is promised: capacity needs an SLO, -s slo='{ttft: {p99: 1 s}}' "
                    "or the like");
    capacity->keeps_up = true;
    for (size_t i = 0; i < capacity->check_count; i++) {
        const struct slo_check *check = &capacity->checks[i];
        const bool waits = check->is_goodput
                               ? setting_is_set(slo_request_limit_s(slo, LATENCY_TTFT)) ||
                                     setting_is_set(slo_request_limit_s(slo, LATENCY_E2EL))
                               : check->latency == LATENCY_TTFT || check->latency == LATENCY_E2EL;
        capacity->keeps_up = capacity->keeps_up && !waits;
    }
    capacity->replications = config->metrics.replications;
    capacity->accelerators = engine_accelerators(&config->engine);
    capacity->precision = search->options->precision;
    if (capacity->replications > 1) {
        search->seed_margins = calloc((size_t)capacity->replications, sizeof *search->seed_margins);
        if (search->seed_margins == NULL)
            return fail(search, "out of memory");
    }
    return true;
}

bool capacity_find(const struct llmsim *base, const struct capacity_options *options,
                   struct capacity *capacity, struct llmsim_error *error)
{
    memset(capacity, 0, sizeof *capacity);
    struct search search = {.base = base, .options = options, .capacity = capacity, .error = error};
    const struct experiment_config *config = llmsim_config(base);
    double first = 0.0;
    bool done =
        set_up(&search, config) && estimate(&search, config, &first) && search_load(&search, first);
    for (int64_t i = 0; done && search.seed_margins != NULL && i < capacity->replications; i++)
        replicated_add(&capacity->loads, crossing(capacity, search.seed_margins[i]));
    if (done) {
        capacity->cost = cost_of(&config->accelerator, capacity->accelerators,
                                 &capacity->points[capacity->best], 1.0);
        done = size_fleet(&search, &config->accelerator);
    }
    free(search.seed_margins);
    return done;
}
