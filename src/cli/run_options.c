#include "run_options.h"

#include "commands.h"
#include <getopt.h>

enum {
    JSON = 256,
    REQUESTS,
    TIMELINE,
    PERFETTO,
    HTML,
    CHART,
    SEED,
    REPLICATIONS,
    SENSITIVITY,
    PRINT_CONFIG
};

static const struct option known[] = {
    {"set", required_argument, NULL, 's'},
    {"json", required_argument, NULL, JSON},
    {"requests", required_argument, NULL, REQUESTS},
    {"timeline", required_argument, NULL, TIMELINE},
    {"perfetto", required_argument, NULL, PERFETTO},
    {"html", required_argument, NULL, HTML},
    {"chart", no_argument, NULL, CHART},
    {"seed", required_argument, NULL, SEED},
    {"replications", required_argument, NULL, REPLICATIONS},
    {"sensitivity", no_argument, NULL, SENSITIVITY},
    {"quiet", no_argument, NULL, 'q'},
    {"print-config", no_argument, NULL, PRINT_CONFIG},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Where an option's file is kept; NULL: it names none. */
static const char **path_of(struct output_config *outputs, int option)
{
    switch (option) {
    case JSON:
        return &outputs->json;
    case REQUESTS:
        return &outputs->requests;
    case TIMELINE:
        return &outputs->timeline;
    case PERFETTO:
        return &outputs->perfetto;
    case HTML:
        return &outputs->html;
    default:
        return NULL;
    }
}

/* One option with its value. */
static int take_option(int option, char **argv, struct run_options *options)
{
    const char **path = path_of(&options->outputs, option);
    if (path != NULL) {
        *path = optarg;
        return 0;
    }
    switch (option) {
    case 's':
        return overrides_add(&options->overrides, "", optarg) ? 0 : command_out_of_memory();
    case SEED:
        return overrides_add(&options->overrides, "seed=", optarg) ? 0 : command_out_of_memory();
    case REPLICATIONS:
        return overrides_add(&options->overrides, "metrics.replications=", optarg)
                   ? 0
                   : command_out_of_memory();
    case CHART:
        options->chart = true;
        return 0;
    case SENSITIVITY:
        options->sensitivity = true;
        return 0;
    case 'q':
        options->quiet = true;
        return 0;
    case PRINT_CONFIG:
        options->print_config = true;
        return 0;
    case 'h':
        options->help = true;
        return 0;
    default:
        return command_misuse_option("run", option, argv);
    }
}

int run_options_parse(int argc, char **argv, struct run_options *options)
{
    opterr = 0;
    int option = 0, status = 0;
    while (status == 0 && (option = getopt_long(argc, argv, ":s:qh", known, NULL)) != -1)
        status = take_option(option, argv, options);
    if (status != 0 || options->help)
        return status;
    if (argc - optind != 1)
        return command_misuse("run", argc == optind ? "no configuration given"
                                                    : "more than one configuration given");
    options->config_path = argv[optind];
    return 0;
}
