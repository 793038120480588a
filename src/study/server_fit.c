#include "server_fit.h"

#include "accelerator_rewrite.h"
#include "calibration_solve.h"
#include "validation.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FIELD(member) offsetof(struct accelerator, member)

/* A log determines a factor whose standard error is below this, and a time below this share of its
 * range. */
static const double most_factor_error = 0.1, most_time_error = 0.05;

/* Of two that are this alike, the effects cannot be told apart. */
static const double most_alike = 0.9;

/* Relative error of a good model's predictions. */
static const double unmendable = 0.01;

/* Decodes of fewer tokens say more of single steps than of the server. */
enum { DECODE_TOKENS_MIN = 4, OBSERVATIONS_MIN = 40, BLOCKS = 10 };

/* Of each kind of time and each half of the log. When a request meets a step is chance, in the
 * simulation as on the server; of several alike, the sums are compared. */
enum { GROUPS = 12, KINDS = 4 };

static const struct fitted_parameter {
    const char *name, *what, *told_by;
    enum unit unit;
    struct free_parameter free;
} table[SERVER_FIT_PARAMETERS] = {
    {"memory",
     "share of the memory bandwidth: gemm.memory_efficiency, and decode_attention's with it",
     "decodes at several batch sizes and contexts",
     UNIT_NONE,
     {.offset = FIELD(gemm.memory_efficiency),
      .scale = SCALE_LOG,
      .lower = 0.2,
      .upper = 1.2,
      .linked = {FIELD(decode_attention.memory_efficiency)},
      .linked_count = 1}},
    {"compute",
     "share of the peak: gemm.compute_efficiency, and prefill_attention's with it",
     "long prompts that find no queue",
     UNIT_NONE,
     {.offset = FIELD(gemm.compute_efficiency),
      .scale = SCALE_LOG,
      .lower = 0.1,
      .upper = 1.2,
      .linked = {FIELD(prefill_attention.compute_efficiency)},
      .linked_count = 1}},
    {"host.step",
     "time of every step that no kernel accounts for",
     "decodes of small and of large batches",
     UNIT_SECONDS,
     {.offset = FIELD(host.step_s), .scale = SCALE_LINEAR, .lower = 0.0, .upper = 20e-3}},
    {"host.prefill_step",
     "what a step with any prompt takes beyond its kernels",
     "short and long prompts, few of them at a time",
     UNIT_SECONDS,
     {.offset = FIELD(host.prefill_step_s), .scale = SCALE_LINEAR, .lower = 0.0, .upper = 50e-3}},
};

/* A time of a request. */
struct observation {
    size_t request;
    bool is_decode;
    int half; /* of the log: consecutive requests, in tenths, go to one and the other by turns */
    double measured_ns;
    double order; /* what those are alike in that are in one group */
    int group;
};

/* What the solver asks: how long everything would take on another accelerator. */
struct server_problem {
    struct experiment_config config; /* a copy; its accelerator is replaced */
    struct measured_replay *replay;
    struct observation *observations; /* owned */
    size_t count;
    int group_count; /* at most GROUPS × KINDS */
    int64_t *runs;
    void (*progress)(double fraction);
};

static double predicted_ns(const struct server_problem *problem,
                           const struct observation *observation)
{
    const struct request_outcome *outcome = &problem->replay->outcomes[observation->request];
    if (outcome->status != REQUEST_COMPLETED)
        return (double)NAN;
    if (observation->is_decode)
        return (double)(outcome->finished_ns - outcome->first_token_ns);
    return (double)(outcome->first_token_ns - (problem->replay->log->has_scheduled
                                                   ? outcome->scheduled_ns
                                                   : outcome->arrival_ns));
}

/* Runs of a fit are some hundreds, of which nobody knows how many. */
static void show_progress(const struct server_problem *problem)
{
    if (problem->progress != NULL)
        problem->progress((double)*problem->runs / (double)(*problem->runs + 200));
}

static void residuals(const void *context, const struct accelerator *accelerator, double *values)
{
    const struct server_problem *problem = context;
    struct experiment_config config = problem->config;
    struct error error = {0};
    config.accelerator = *accelerator;
    const bool done = measured_replay_run(problem->replay, &config, &error);
    ++*problem->runs;
    show_progress(problem);
    double measured[GROUPS * KINDS] = {0}, predicted[GROUPS * KINDS] = {0};
    for (size_t i = 0; i < problem->count && done; i++) {
        const struct observation *observation = &problem->observations[i];
        measured[observation->group] += observation->measured_ns;
        predicted[observation->group] += predicted_ns(problem, observation);
    }
    for (int i = 0; i < problem->group_count; i++)
        values[i] = done ? log(predicted[i] / measured[i]) : (double)NAN;
}

/* Decodes that were as fast had about the same company; prefills are alike in their prompts. */
static void observe(struct server_problem *problem, size_t request, bool is_decode,
                    int64_t measured_ns, int64_t predicted)
{
    const struct measured_log *log = problem->replay->log;
    const struct measured_request *measured = &log->requests[request];
    if (measured_ns <= 0 || predicted <= 0)
        return;
    problem->observations[problem->count++] = (struct observation){
        .request = request,
        .is_decode = is_decode,
        .half = (int)(request * BLOCKS / log->count) % 2,
        .measured_ns = (double)measured_ns,
        .order = is_decode ? (double)measured_ns / (measured->output_tokens - 1)
                           : (double)measured->prompt_tokens,
    };
}

static int kind_of(const struct observation *observation)
{
    return 2 * observation->half + observation->is_decode;
}

static int compare_observations(const void *left, const void *right)
{
    const struct observation *a = left, *b = right;
    if (kind_of(a) != kind_of(b))
        return kind_of(a) - kind_of(b);
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return a->request < b->request ? -1 : a->request > b->request;
}

/* Neighbours of a kind go together, up to GROUPS groups of a kind. */
static void group_observations(struct server_problem *problem)
{
    struct observation *all = problem->observations;
    qsort(all, problem->count, sizeof *all, compare_observations);
    for (size_t from = 0, until = 0; from < problem->count; from = until) {
        while (until < problem->count && kind_of(&all[until]) == kind_of(&all[from]))
            until++;
        const size_t count = until - from;
        const size_t groups = count < GROUPS ? count : GROUPS;
        for (size_t i = from; i < until; i++)
            all[i].group = problem->group_count + (int)((i - from) * groups / count);
        problem->group_count += (int)groups;
    }
}

/* Of the requests that the simulation serves, by the replay's last run. */
static void list_observations(struct server_problem *problem)
{
    const struct measured_log *log = problem->replay->log;
    for (size_t i = 0; i < log->count; i++) {
        const struct measured_request *measured = &log->requests[i];
        const struct request_outcome *outcome = &problem->replay->outcomes[i];
        if (outcome->status != REQUEST_COMPLETED)
            continue;
        const int64_t decode_ns = outcome->finished_ns - outcome->first_token_ns;
        if (measured->output_tokens >= DECODE_TOKENS_MIN)
            observe(problem, i, true, measured->finished_ns - measured->first_token_ns, decode_ns);
        if (log->has_scheduled)
            observe(problem, i, false, measured->first_token_ns - measured->scheduled_ns,
                    outcome->first_token_ns - outcome->scheduled_ns);
        else if (!validation_has_queued(outcome))
            observe(problem, i, false, measured->first_token_ns - measured->arrival_ns,
                    outcome->first_token_ns - outcome->arrival_ns);
    }
}

/* The fit of the parameters that are not held. */
struct server_fitting {
    struct server_problem problem;
    struct free_parameter free[SERVER_FIT_PARAMETERS];
    size_t index[SERVER_FIT_PARAMETERS]; /* in the table */
    size_t count;
    double precision[GROUPS * KINDS]; /* of the groups, mean 1 */
    double weights[GROUPS * KINDS];
    struct server_fit_report *report;
    struct error *error;
};

static bool is_held(const char *name, const char *const *held, size_t held_count)
{
    for (size_t i = 0; i < held_count; i++) {
        if (strcmp(held[i], name) == 0)
            return true;
    }
    return false;
}

static bool check_held(const char *const *held, size_t held_count, struct error *error)
{
    const char *names[SERVER_FIT_PARAMETERS];
    for (size_t i = 0; i < SERVER_FIT_PARAMETERS; i++)
        names[i] = table[i].name;
    for (size_t i = 0; i < held_count; i++) {
        if (is_held(held[i], names, SERVER_FIT_PARAMETERS))
            continue;
        error_input(error, NULL, "--hold %s: not a parameter of a server's log", held[i]);
        error_suggest(error, held[i], names, SERVER_FIT_PARAMETERS);
        return false;
    }
    return true;
}

/* Those that the accelerator has, and that are not held, are free. A time of none begins a little
 * above that: at the bound itself nothing moves. */
static void list_parameters(struct server_fitting *fitting, struct accelerator *accelerator,
                            const char *const *held, size_t held_count)
{
    for (size_t i = 0; i < SERVER_FIT_PARAMETERS; i++) {
        const struct fitted_parameter *fitted = &table[i];
        double value = *parameter_value(accelerator, fitted->free.offset);
        struct server_fit_parameter *parameter = &fitting->report->parameters[i];
        *parameter = (struct server_fit_parameter){.name = fitted->name,
                                                   .what = fitted->what,
                                                   .held = is_held(fitted->name, held, held_count),
                                                   .is_factor = fitted->free.scale == SCALE_LOG,
                                                   .standard_error = (double)NAN,
                                                   .entanglement = (double)NAN};
        accelerator_value_format(value, fitted->unit, parameter->before);
        accelerator_value_format(value, fitted->unit, parameter->after);
        if (parameter->held)
            continue;
        const double least =
            fitted->free.lower + (parameter->is_factor ? 0.0 : 0.01 * fitted->free.upper);
        free_parameter_set(&fitted->free, accelerator,
                           fmin(fmax(value, least), 0.99 * fitted->free.upper));
        fitting->index[fitting->count] = i;
        fitting->free[fitting->count++] = fitted->free;
    }
}

static struct fit_problem problem_of(const struct server_fitting *fitting,
                                     const struct accelerator *accelerator)
{
    return (struct fit_problem){.accelerator = *accelerator,
                                .parameters = fitting->free,
                                .parameter_count = fitting->count,
                                .residuals = residuals,
                                .context = &fitting->problem,
                                .weights = fitting->weights,
                                .count = (size_t)fitting->problem.group_count,
                                .step = 0.2,
                                /* What one request is slow by, its neighbours are too. */
                                .repeats = 4.0};
}

/* What is measured and predicted of a group differs by chance, as its requests scatter about their own
 * mean, and by what no parameter mends: by the replay's last run. */
static void find_precision(struct server_fitting *fitting)
{
    const struct server_problem *server = &fitting->problem;
    double count[GROUPS * KINDS] = {0}, mean[GROUPS * KINDS] = {0}, squares[GROUPS * KINDS] = {0};
    double sum = 0.0;
    for (size_t i = 0; i < server->count; i++) {
        const struct observation *observation = &server->observations[i];
        const int group = observation->group;
        const double value = log(predicted_ns(server, observation) / observation->measured_ns);
        const double distance = value - mean[group];
        count[group] += 1.0;
        mean[group] += distance / count[group];
        squares[group] += distance * (value - mean[group]);
    }
    for (int i = 0; i < server->group_count; i++) {
        const double chance = count[i] > 1.0 ? squares[i] / (count[i] - 1.0) / count[i] : 1.0;
        fitting->precision[i] = 1.0 / (chance + unmendable * unmendable);
        sum += fitting->precision[i];
    }
    for (int i = 0; i < server->group_count; i++)
        fitting->precision[i] *= server->group_count / sum;
}

/* half −1: all. */
static void weigh(struct server_fitting *fitting, int half)
{
    for (size_t i = 0; i < fitting->problem.count; i++) {
        const struct observation *observation = &fitting->problem.observations[i];
        const bool in = half < 0 || observation->half == half;
        fitting->weights[observation->group] = in ? fitting->precision[observation->group] : 0.0;
    }
}

/* Fit to each half, judge on the other. */
static bool hold_out(struct server_fitting *fitting, const struct accelerator *accelerator)
{
    const struct server_problem *server = &fitting->problem;
    double values[GROUPS * KINDS], loss = 0.0;
    double measured = 0.0, predicted = 0.0, errors = 0.0, count = 0.0;
    bool done = true;
    for (int half = 0; done && half < 2; half++) {
        struct fit_problem problem = problem_of(fitting, accelerator);
        weigh(fitting, half);
        done = fit_solve(&problem, &loss, fitting->error);
        residuals(server, &problem.accelerator, values);
        for (size_t i = 0; i < server->count; i++) {
            const struct observation *observation = &server->observations[i];
            if (!observation->is_decode || observation->half == half)
                continue;
            const double predicted_here_ns = predicted_ns(server, observation);
            measured += observation->measured_ns;
            predicted += predicted_here_ns;
            errors += fabs(predicted_here_ns / observation->measured_ns - 1.0);
            count += 1.0;
        }
    }
    weigh(fitting, -1);
    fitting->report->held_out_mean_pct =
        count > 0.0 ? 100.0 * (predicted / measured - 1.0) : (double)NAN;
    fitting->report->held_out_mape_pct = count > 0.0 ? 100.0 * errors / count : (double)NAN;
    return done;
}

static void judge(struct server_fitting *fitting, size_t at, const struct determination *known)
{
    const struct fitted_parameter *fitted = &table[fitting->index[at]];
    struct server_fit_parameter *parameter = &fitting->report->parameters[fitting->index[at]];
    const double range = fitted->free.upper - fitted->free.lower;
    const double limit = parameter->is_factor ? most_factor_error : most_time_error;
    parameter->standard_error = known->standard_error * (parameter->is_factor ? 1.0 : range);
    if (known->entangled_with != at) {
        parameter->entangled_with = table[fitting->index[known->entangled_with]].name;
        parameter->entanglement = known->entanglement;
    }
    const bool alike = fabs(known->entanglement) > most_alike;
    if (known->standard_error <= limit && !alike)
        return;
    if (known->standard_error <= limit) {
        snprintf(
            parameter->refusal, sizeof parameter->refusal,
            "%s is not determined by this log: its effect is that of %s (correlation %+.2f); it "
            "takes %s, or --hold one of them",
            fitted->name, parameter->entangled_with, known->entanglement, fitted->told_by);
        return;
    }
    char error[32], most[32], why[128] = "";
    if (parameter->is_factor) {
        snprintf(error, sizeof error, "%.3g %%", fmin(100.0 * known->standard_error, 999.0));
        snprintf(most, sizeof most, "%.0f %%", 100.0 * limit);
    } else {
        snprintf(error, sizeof error, "%.3g ms", fmin(1e3 * parameter->standard_error, 999.0));
        snprintf(most, sizeof most, "%.3g ms", 1e3 * limit * range);
    }
    if (alike)
        snprintf(why, sizeof why, ", as its effect cannot be told from that of %s",
                 parameter->entangled_with);
    snprintf(parameter->refusal, sizeof parameter->refusal,
             "%s is not determined by this log: its standard error is %s, more than %s%s; it takes "
             "%s, or --hold %s",
             fitted->name, error, most, why, fitted->told_by, fitted->name);
}

/* Every value becomes what its text says. */
static void round_values(struct server_fitting *fitting, struct accelerator *accelerator)
{
    for (size_t i = 0; i < fitting->count; i++) {
        const struct fitted_parameter *fitted = &table[fitting->index[i]];
        char *text = fitting->report->parameters[fitting->index[i]].after;
        double value = *parameter_value(accelerator, fitted->free.offset);
        accelerator_value_format(value, fitted->unit, text);
        if (units_parse(text, fitted->unit, &value) == UNITS_OK)
            free_parameter_set(&fitted->free, accelerator, value);
    }
}

static bool errors_of(const struct measured_replay *replay, struct server_fit_errors *errors,
                      struct error *error)
{
    struct validation_report report = {0};
    const bool done = validation_compare(replay, &report, error);
    for (int i = 0; i < VALIDATION_METRIC_COUNT; i++) {
        const struct validation_comparison *comparison = &report.comparisons[VALIDATION_ALL][i];
        errors->mean_pct[i] = validation_error_pct(comparison->measured_ms[FIGURE_MEAN],
                                                   comparison->predicted_ms[FIGURE_MEAN]);
        errors->mape_pct[i] = comparison->mape_pct;
    }
    validation_report_fini(&report);
    return done;
}

static bool solve(struct server_fitting *fitting, struct accelerator *accelerator)
{
    struct determination known[SERVER_FIT_PARAMETERS];
    struct fit_problem problem = problem_of(fitting, accelerator);
    double loss = 0.0;
    if (!fit_solve(&problem, &loss, fitting->error))
        return false;
    *accelerator = problem.accelerator;
    round_values(fitting, accelerator);
    problem = problem_of(fitting, accelerator);
    if (!fit_determine(&problem, known, fitting->error))
        return false;
    for (size_t i = 0; i < fitting->count; i++)
        judge(fitting, i, &known[i]);
    return server_fit_is_refused(fitting->report) || hold_out(fitting, accelerator);
}

static bool fit(struct server_fitting *fitting, struct experiment_config *config,
                const char *const *held, size_t held_count)
{
    struct measured_replay *replay = fitting->problem.replay;
    struct server_fit_report *report = fitting->report;
    if (!measured_replay_run(replay, config, fitting->error) ||
        !errors_of(replay, &report->before, fitting->error))
        return false;
    list_observations(&fitting->problem);
    report->observations = (int64_t)fitting->problem.count;
    if (fitting->problem.count < OBSERVATIONS_MIN)
        return error_input(fitting->error, NULL,
                           "%s has %zu times of prefill and decode to fit to: that is too few, %d "
                           "are the least",
                           replay->log->path, fitting->problem.count, OBSERVATIONS_MIN);
    group_observations(&fitting->problem);
    find_precision(fitting);
    weigh(fitting, -1);
    list_parameters(fitting, &config->accelerator, held, held_count);
    if (fitting->count > 0 && !solve(fitting, &config->accelerator))
        return false;
    return measured_replay_run(replay, config, fitting->error) &&
           errors_of(replay, &report->after, fitting->error);
}

bool server_fit(struct experiment_config *config, struct measured_replay *replay,
                const char *const *held, size_t held_count, void (*progress)(double fraction),
                struct server_fit_report *report, struct error *error)
{
    const struct measured_log *log = replay->log;
    *report = (struct server_fit_report){.path = log->path,
                                         .format = log->format,
                                         .requests = (int64_t)log->count,
                                         .held_out_mean_pct = (double)NAN,
                                         .held_out_mape_pct = (double)NAN};
    if (config->cost.model != COST_ROOFLINE)
        return error_input(
            error, NULL,
            "the linear cost model has no accelerator to fit: cost.model roofline is "
            "wanted");
    if (!check_held(held, held_count, error))
        return false;
    struct server_fitting fitting = {.problem = {.config = *config,
                                                 .replay = replay,
                                                 .runs = &report->runs,
                                                 .progress = progress},
                                     .report = report,
                                     .error = error};
    fitting.problem.observations = calloc(2 * log->count, sizeof *fitting.problem.observations);
    bool done = fitting.problem.observations != NULL
                    ? fit(&fitting, config, held, held_count)
                    : error_run(error, "out of memory for the fit");
    free(fitting.problem.observations);
    return done;
}

bool server_fit_is_refused(const struct server_fit_report *report)
{
    for (size_t i = 0; i < SERVER_FIT_PARAMETERS; i++) {
        if (*report->parameters[i].refusal != '\0')
            return true;
    }
    return false;
}
