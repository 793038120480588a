/* llmsim capacity: the largest load that a server takes within its SLO, and how many of them a load
 * needs; of a sweep, of every combination. */
#include "commands.h"

#include "json_values.h"
#include "llmsim_results.h"
#include "output_file.h"
#include "page.h"
#include "progress.h"
#include "sweep_command.h"
#include "text_chart.h"
#include "units.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* Of one configuration, fifteen simulations at most: one that estimates, these, and the load to be
 * served. */
enum { DEFAULT_RUNS = 13 };

struct capacity_command {
    struct sweep_command sweep;
    struct capacity_options options;
    const char *json_path;
};

static bool parse_number(const char *text, double least, double most, double *value)
{
    return units_parse(text, UNIT_NONE, value) == UNITS_OK && *value >= least && *value <= most;
}

static int parse_options(int argc, char **argv, struct capacity_command *command)
{
    enum { PRECISION = SWEEP_OPTION_COUNT, LOAD, RUNS, REPLICATIONS, JSON };
    static const struct option known[] = {
        SWEEP_LONG_OPTIONS,
        {"precision", required_argument, NULL, PRECISION},
        {"load", required_argument, NULL, LOAD},
        {"runs", required_argument, NULL, RUNS},
        {"replications", required_argument, NULL, REPLICATIONS},
        {"json", required_argument, NULL, JSON},
        {NULL, 0, NULL, 0},
    };
    struct capacity_options *options = &command->options;
    double runs = DEFAULT_RUNS;
    opterr = 0;
    int option = 0;
    while ((option = getopt_long(argc, argv, SWEEP_SHORT_OPTIONS, known, NULL)) != -1) {
        const int status = sweep_command_take(&command->sweep, "capacity", option, argv);
        if (status != 0)
            return status;
        if (option == PRECISION && !parse_number(optarg, 1e-4, 0.5, &options->precision))
            return command_misuse("capacity", "--precision %s: a share, 0.0001 to 0.5", optarg);
        if (option == LOAD && !parse_number(optarg, 1e-6, 1e12, &options->load))
            return command_misuse("capacity", "--load %s: a number above 0", optarg);
        if (option == RUNS &&
            (!parse_number(optarg, 4.0, CAPACITY_MAX_POINTS, &runs) || runs != (double)(int)runs))
            return command_misuse("capacity", "--runs %s: 4 to %d", optarg, CAPACITY_MAX_POINTS);
        if (option == REPLICATIONS &&
            !overrides_add(&command->sweep.overrides, "metrics.replications=", optarg))
            return command_out_of_memory();
        if (option == JSON)
            command->json_path = optarg;
    }
    options->max_runs = (int)runs;
    return command->sweep.help
               ? 0
               : sweep_command_end(&command->sweep, "capacity", argc - optind, argv + optind);
}

/* Whether the file is a sweep: a mapping with a base. *status: of a file that cannot be read. */
static bool is_sweep(const char *path, int *status)
{
    struct error error = {0};
    struct document *document = document_create();
    const struct node *root = document != NULL ? document_read_file(document, path, &error) : NULL;
    const bool sweep = root != NULL && node_find(root, "base") != NULL;
    if (root == NULL)
        *status = document != NULL ? command_fail(&error) : command_out_of_memory();
    document_destroy(document);
    return sweep;
}

/* What the JSON is of. */
struct printed {
    const struct capacity *capacity;
    const struct experiment_config *config;
};

static bool print_json(const void *context, FILE *stream)
{
    const struct printed *printed = context;
    json_t *json = capacity_to_json(printed->capacity, experiment_config_json(printed->config));
    return json_write(json, json != NULL, stream);
}

static bool write_page(const struct printed *printed, FILE *stream, struct error *error)
{
    char title[256], subtitle[128];
    page_title(printed->config, title);
    snprintf(subtitle, sizeof subtitle, "the largest load that meets its SLO: %s",
             printed->capacity->key);
    const struct page page = {.kind = HTML_CAPACITY,
                              .title = title,
                              .subtitle = subtitle,
                              .print_json = print_json,
                              .context = printed};
    return page_write(&page, stream, error);
}

/* Tokens a second a user against those an accelerator, of every load that was tried. */
static void print_chart(const struct capacity *capacity, FILE *stream)
{
    struct text_point points[CAPACITY_MAX_POINTS];
    size_t count = 0;
    for (size_t i = 0; i < capacity->point_count; i++) {
        const struct capacity_point *point = &capacity->points[i];
        const struct replicated *tpot = replications_find(&point->runs, "mean_tpot_ms");
        if (tpot->count > 0)
            points[count++] =
                (struct text_point){1e3 / tpot->mean,
                                    replications_find(&point->runs, "output_throughput")->mean /
                                        (double)capacity->accelerators,
                                    point->meets};
    }
    text_chart_scatter(points, count, "output tokens/s per user; # meets the SLO",
                       "output tokens/s per accelerator", stream);
}

enum { OUTPUT_JSON, OUTPUT_PAGE, OUTPUT_TABLE, OUTPUT_COUNT };

static bool open_outputs(const struct capacity_command *command,
                         const struct experiment_config *config,
                         struct output_file outputs[OUTPUT_COUNT], struct error *error)
{
    const char *const paths[] = {command->json_path, command->sweep.html_path};
    const char *const read[] = {command->sweep.plan_path, config->workload.trace};
    const struct options_outputs wanted = {paths, OUTPUT_TABLE, read, 2};
    return options_open_outputs(&wanted, outputs, error) &&
           options_check_chart(command->sweep.chart, outputs[OUTPUT_TABLE].stream != NULL, error);
}

static bool print_results(const struct capacity_command *command, const struct capacity *capacity,
                          const struct experiment_config *config,
                          struct output_file outputs[OUTPUT_COUNT], struct error *error)
{
    const struct printed printed = {capacity, config};
    FILE *json = outputs[OUTPUT_JSON].stream, *page = outputs[OUTPUT_PAGE].stream;
    FILE *table = outputs[OUTPUT_TABLE].stream;
    if (json != NULL && !print_json(&printed, json))
        return error_run(error, "out of memory");
    if (page != NULL && !write_page(&printed, page, error))
        return false;
    if (table != NULL)
        capacity_print_text(capacity, table);
    if (table != NULL && command->sweep.chart)
        print_chart(capacity, table);
    return output_files_commit(outputs, OUTPUT_COUNT, error);
}

static bool load(struct llmsim *base, const struct overrides *overrides, struct llmsim_error *error)
{
    bool done = true;
    for (size_t i = 0; done && i < overrides->count; i++)
        done = llmsim_assign(base, overrides->assignments[i]);
    if (!done)
        *error = (struct llmsim_error){ERROR_RUN, "out of memory"};
    return done && llmsim_load(base, error);
}

/* Find it and write it down. Where it fails one of the two errors is filled. */
static bool find(const struct capacity_command *command, struct llmsim *base,
                 struct capacity *capacity, struct llmsim_error *told, struct error *error)
{
    struct output_file outputs[OUTPUT_COUNT] = {0};
    if (!load(base, &command->sweep.overrides, told))
        return false;
    const struct experiment_config *config = llmsim_config(base);
    experiment_config_warn_of_unused(config, USE_OF_REPLICATIONS, &command_warnings);
    bool done = open_outputs(command, config, outputs, error) &&
                capacity_find(base, &command->options, capacity, told);
    progress_clear();
    done = done && print_results(command, capacity, config, outputs, error);
    for (int i = 0; i < OUTPUT_COUNT; i++)
        output_file_discard(&outputs[i]);
    return done;
}

static int find_and_tell(const struct capacity_command *command, struct llmsim *base,
                         struct capacity *capacity)
{
    struct llmsim_error told = {0};
    struct error error = {0};
    const double start_s = progress_clock_s();
    const bool done = find(command, base, capacity, &told, &error);
    for (size_t i = 0; done && i < llmsim_warning_count(base); i++)
        command_warn(llmsim_warning(base, i));
    if (done && !command->sweep.quiet)
        fprintf(stderr, "%lld runs in %.3f s\n", (long long)capacity->runs,
                progress_clock_s() - start_s);
    if (done || told.status == 0)
        return done ? 0 : command_fail(&error);
    fprintf(stderr, "%s\n", told.text);
    return told.status;
}

static int of_one(struct capacity_command *command)
{
    if (command->sweep.resume || command->sweep.shards > 1 || command->sweep.output_path != NULL)
        return command_misuse("capacity", "-o, --resume and --shard are of a sweep: %s is none",
                              command->sweep.plan_path);
    command_keep_memory();
    command->options.progress = command->sweep.quiet ? NULL : progress_show;
    struct capacity *capacity = malloc(sizeof *capacity);
    struct llmsim *base = llmsim_create(command->sweep.plan_path, options_find_configs());
    const int status = capacity != NULL && base != NULL ? find_and_tell(command, base, capacity)
                                                        : command_out_of_memory();
    llmsim_destroy(base);
    free(capacity);
    return status;
}

static int carry_out(struct capacity_command *command)
{
    int status = 0;
    if (!command->sweep.merge && strcmp(command->sweep.plan_path, "-") == 0)
        return command_misuse("capacity", "a configuration from stdin can be read by one run only");
    const bool sweeps = command->sweep.merge || is_sweep(command->sweep.plan_path, &status);
    if (status != 0)
        return status;
    if (!sweeps)
        return of_one(command);
    if (command->json_path != NULL)
        return command_misuse("capacity",
                              "--json is of one configuration: of a sweep -o FILE.jsonl");
    command->sweep.capacity = &command->options;
    return sweep_command_run(&command->sweep);
}

int command_capacity(int argc, char **argv)
{
    struct capacity_command command = {.options = {.precision = 0.01, .load = (double)NAN}};
    int status = sweep_command_init(&command.sweep, argc) ? parse_options(argc, argv, &command)
                                                          : command_out_of_memory();
    if (status == 0)
        status = command.sweep.help ? command_print_help("capacity") : carry_out(&command);
    overrides_fini(&command.sweep.overrides);
    return status;
}
