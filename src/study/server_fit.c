#include "server_fit.h"

#include "accelerator_rewrite.h"
#include "calibration_solve.h"
#include "server_times.h"
#include "validation.h"
#include <math.h>
#include <string.h>

#define FIELD(member) offsetof(struct accelerator, member)

/* A log determines a factor whose standard error is below this, and a time below this share of its
 * range. */
static const double most_factor_error = 0.1, most_time_error = 0.1;

/* Of two that are this alike, the effects cannot be told apart. */
static const double most_alike = 0.9;

/* Relative error of a good model's predictions. */
static const double unmendable = 0.01;

/* Fewer times say nothing. */
enum { TIMES_MIN = 40 };

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
      .upper = 1.0,
      .linked = {FIELD(decode_attention.memory_efficiency)},
      .linked_count = 1}},
    {"compute",
     "share of the peak: gemm.compute_efficiency, and prefill_attention's with it",
     "long prompts that find no queue",
     UNIT_NONE,
     {.offset = FIELD(gemm.compute_efficiency),
      .scale = SCALE_LOG,
      .lower = 0.1,
      .upper = 1.0,
      .linked = {FIELD(prefill_attention.compute_efficiency)},
      .linked_count = 1}},
    {"host.step",
     "time of every step that no kernel accounts for",
     "decodes of small and of large batches",
     UNIT_SECONDS,
     {.offset = FIELD(host.step_s), .scale = SCALE_LINEAR, .lower = 0.0, .upper = 5e-3}},
    {"host.prefill_step",
     "what a step with any prompt takes beyond its kernels",
     "short and long prompts, few of them at a time",
     UNIT_SECONDS,
     {.offset = FIELD(host.prefill_step_s), .scale = SCALE_LINEAR, .lower = 0.0, .upper = 20e-3}},
};

/* What the solver asks: how long everything would take on another accelerator. */
struct server_problem {
    struct experiment_config config; /* a copy; its accelerator is replaced */
    struct measured_replay *replay;
    struct server_times times;
    int64_t *runs;
    void (*progress)(double fraction);
};

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
    double measured[SERVER_MAX_GROUPS] = {0}, predicted[SERVER_MAX_GROUPS] = {0};
    for (size_t i = 0; i < problem->times.count && done; i++) {
        const struct server_time *time = &problem->times.times[i];
        measured[time->group] += time->measured_ns;
        predicted[time->group] += server_time_predicted_ns(time, problem->replay);
    }
    for (int i = 0; i < problem->times.group_count; i++)
        values[i] = done ? log(predicted[i] / measured[i]) : (double)NAN;
}

/* The fit of the parameters that are not held. */
struct server_fitting {
    struct server_problem problem;
    struct free_parameter free[SERVER_FIT_PARAMETERS];
    size_t index[SERVER_FIT_PARAMETERS]; /* in the table */
    size_t count;
    double precision[SERVER_MAX_GROUPS]; /* of the groups, mean 1 */
    double weights[SERVER_MAX_GROUPS];
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
        struct free_parameter *free = &fitting->free[fitting->count];
        *free = fitted->free;
        /* What goes with it has the same bound. */
        for (size_t k = 0; k < free->linked_count; k++)
            free->upper = fmin(free->upper, fitted->free.upper * value /
                                                *parameter_value(accelerator, free->linked[k]));
        free_parameter_set(free, accelerator, fmin(fmax(value, least), 0.999 * free->upper));
        fitting->index[fitting->count++] = i;
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
                                .count = (size_t)fitting->problem.times.group_count,
                                .step = 0.2,
                                /* What one request is slow by, its neighbours are too. */
                                .repeats = 4.0};
}

/* What is measured and predicted of a group differs by chance, as its requests scatter about their own
 * mean, and by what no parameter mends: by the replay's last run. */
static void find_precision(struct server_fitting *fitting)
{
    const struct server_problem *server = &fitting->problem;
    double count[SERVER_MAX_GROUPS] = {0}, mean[SERVER_MAX_GROUPS] = {0},
           squares[SERVER_MAX_GROUPS] = {0};
    double sum = 0.0;
    for (size_t i = 0; i < server->times.count; i++) {
        const struct server_time *time = &server->times.times[i];
        const int group = time->group;
        const double value =
            log(server_time_predicted_ns(time, server->replay) / time->measured_ns);
        const double distance = value - mean[group];
        count[group] += 1.0;
        mean[group] += distance / count[group];
        squares[group] += distance * (value - mean[group]);
    }
    for (int i = 0; i < server->times.group_count; i++) {
        const double chance = count[i] > 1.0 ? squares[i] / (count[i] - 1.0) / count[i] : 1.0;
        fitting->precision[i] = 1.0 / (chance + unmendable * unmendable);
        sum += fitting->precision[i];
    }
    for (int i = 0; i < server->times.group_count; i++)
        fitting->precision[i] *= server->times.group_count / sum;
}

/* half −1: all. */
static void weigh(struct server_fitting *fitting, int half)
{
    const struct server_times *times = &fitting->problem.times;
    for (size_t i = 0; i < times->count; i++) {
        const struct server_time *time = &times->times[i];
        const bool in = half < 0 || time->half == half;
        fitting->weights[time->group] = in ? fitting->precision[time->group] : 0.0;
    }
}

/* Fit to each half, judge on the other. */
static bool hold_out(struct server_fitting *fitting, const struct accelerator *accelerator)
{
    const struct server_problem *server = &fitting->problem;
    double values[SERVER_MAX_GROUPS], loss = 0.0;
    double measured = 0.0, predicted = 0.0, errors = 0.0, count = 0.0;
    bool done = true;
    for (int half = 0; done && half < 2; half++) {
        struct fit_problem problem = problem_of(fitting, accelerator);
        weigh(fitting, half);
        done = fit_solve(&problem, &loss, fitting->error);
        residuals(server, &problem.accelerator, values);
        for (size_t i = 0; i < server->times.count; i++) {
            const struct server_time *time = &server->times.times[i];
            if (!time->is_decode || time->half == half)
                continue;
            const double predicted_ns = server_time_predicted_ns(time, server->replay);
            measured += time->measured_ns;
            predicted += predicted_ns;
            errors += fabs(predicted_ns / time->measured_ns - 1.0);
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
    if (!server_times_init(&fitting->problem.times, replay))
        return error_run(fitting->error, "out of memory for the fit");
    report->observations = (int64_t)fitting->problem.times.count;
    if (fitting->problem.times.count < TIMES_MIN)
        return error_input(fitting->error, NULL,
                           "%s has %zu times of prefill and decode to fit to: that is too few, %d "
                           "are the least",
                           replay->log->path, fitting->problem.times.count, TIMES_MIN);
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
    const bool done = fit(&fitting, config, held, held_count);
    server_times_fini(&fitting.problem.times);
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
