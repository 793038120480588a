/* How fast: bench CONFIG [-s KEY=VALUE]... replays the configuration's workload, as it is and at
 * ten times the arrival rate (saturated, preempting), and sets each run beside only reading the
 * trace. Prints figures; asserts none. The best of several repetitions, in CPU time of this
 * process. */
#include "experiment.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REPETITIONS = 7, OVERRIDES_MAX = 64 };

static double cpu_clock_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void warn(void *context, const char *text)
{
    (void)context;
    fprintf(stderr, "warning: %s\n", text);
}

static const struct warn_listener listener = {warn, NULL};

static bool read_only(const struct experiment_config *config, double *seconds, struct error *error)
{
    struct request_source source = {0};
    struct request request;
    double start_s = cpu_clock_s();
    if (!workload_open(&config->workload, (uint64_t)config->seed, &source, error))
        return false;
    enum request_source_result result = SOURCE_REQUEST;
    while (result == SOURCE_REQUEST)
        result = source.next(source.state, &request, error);
    source.destroy(source.state);
    *seconds = cpu_clock_s() - start_s;
    return result == SOURCE_END;
}

static bool whole_run(const struct experiment_config *config, double *seconds,
                      struct experiment_result *result, struct error *error)
{
    struct experiment_hooks hooks = {0};
    double start_s = cpu_clock_s();
    if (!experiment_run(config, &hooks, result, error))
        return false;
    *seconds = cpu_clock_s() - start_s;
    return true;
}

static void print_row(const char *name, const struct experiment_result *result, double read_s,
                      double run_s)
{
    const struct simulation_result *simulation = &result->simulation;
    double tokens = (double)result->summary.total_output_tokens;
    printf("%-10s %9" PRId64 " %10" PRId64 " %9.0f %12.2f %12.1f %8.1f %9.2f %9.2f %7.1f\n", name,
           simulation->requests, simulation->steps, (double)simulation->preemptions,
           1e-6 * (double)simulation->requests / run_s, 1e-6 * tokens / run_s,
           1e9 * (run_s - read_s) / (double)simulation->steps, 1e3 * read_s, 1e3 * run_s,
           run_s / read_s);
}

static bool bench(const char *name, const char *path, const char *const *overrides, size_t count,
                  struct error *error)
{
    struct experiment_config config;
    if (!experiment_config_load(&config, path, overrides, count, getenv("LLMSIM_CONFIGS"),
                                &listener, error))
        return false;
    double best_read_s = INFINITY;
    double best_run_s = INFINITY;
    struct experiment_result result;
    bool done = true;
    for (int i = 0; done && i < REPETITIONS; i++) {
        double read_s = 0.0;
        double run_s = 0.0;
        done = read_only(&config, &read_s, error) && whole_run(&config, &run_s, &result, error);
        best_read_s = fmin(best_read_s, read_s);
        best_run_s = fmin(best_run_s, run_s);
    }
    if (done)
        print_row(name, &result, best_read_s, best_run_s);
    experiment_config_fini(&config);
    return done;
}

int main(int argc, char **argv)
{
    const char *overrides[OVERRIDES_MAX];
    size_t count = 0;
    if (argc < 2) {
        fputs("usage: bench CONFIG [-s KEY=VALUE]...\n", stderr);
        return ERROR_INPUT;
    }
    for (int i = 2; i + 1 < argc && count < OVERRIDES_MAX - 1; i += 2)
        overrides[count++] = argv[i + 1];
    printf("%-10s %9s %10s %9s %12s %12s %8s %9s %9s %7s\n", "load", "requests", "steps",
           "preempted", "Mrequests/s", "Mtokens/s", "ns/step", "read ms", "run ms", "run/read");
    struct error error = {0};
    bool done = bench("as it is", argv[1], overrides, count, &error);
    overrides[count++] = "workload.rate_scale=10";
    if (!done || !bench("10 x rate", argv[1], overrides, count, &error)) {
        fprintf(stderr, "%s\n", error.text);
        return (int)error.kind;
    }
    return 0;
}
