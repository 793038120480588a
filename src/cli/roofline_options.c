#include "roofline_options.h"

#include "commands.h"
#include "model_spec.h"
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { SEED = 256, PROMPT, BATCH, CONTEXT, GEMM, DTYPE, PLOT, HTML, JSON };

static const struct option known[] = {
    {"set", required_argument, NULL, 's'},
    {"seed", required_argument, NULL, SEED},
    {"accelerator", required_argument, NULL, 'a'},
    {"gemm", required_argument, NULL, GEMM},
    {"dtype", required_argument, NULL, DTYPE},
    {"prompt", required_argument, NULL, PROMPT},
    {"batch", required_argument, NULL, BATCH},
    {"context", required_argument, NULL, CONTEXT},
    {"plot", required_argument, NULL, PLOT},
    {"html", required_argument, NULL, HTML},
    {"json", required_argument, NULL, JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

/* Those that a matrix product can be computed in: what tensor cores multiply. */
static const int gemm_dtypes[] = {DTYPE_FP32, DTYPE_BF16, DTYPE_FP16, DTYPE_FP8, DTYPE_INT8};
enum { GEMM_DTYPES = sizeof gemm_dtypes / sizeof *gemm_dtypes };

/* A whole number from 1 to `maximum` at the start of the text; the first byte behind it, NULL where
 * there is none. */
static const char *parse_whole(const char *text, int64_t maximum, int64_t *value)
{
    char *end = NULL;
    if (!isdigit((unsigned char)*text))
        return NULL;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (errno != 0 || parsed < 1 || parsed > maximum)
        return NULL;
    *value = parsed;
    return end;
}

static int parse_count(const char *option, const char *text, int64_t *value)
{
    const char *end = parse_whole(text, REQUEST_MAX_TOKENS, value);
    if (end != NULL && *end == '\0')
        return 0;
    return command_misuse("roofline", "%s '%.60s': expected a whole number from 1 to %d", option,
                          text, REQUEST_MAX_TOKENS);
}

static int parse_sides(const char *text, int64_t sides[3])
{
    const char *at = text;
    for (int i = 0; i < 3 && at != NULL; i++) {
        if (i > 0)
            at = *at == ',' ? at + 1 : NULL;
        if (at != NULL)
            at = parse_whole(at, ROOFLINE_MAX_SIDE, &sides[i]);
    }
    if (at != NULL && *at == '\0')
        return 0;
    return command_misuse("roofline",
                          "--gemm '%.60s': expected M,N,K, three whole numbers from 1 to %d", text,
                          ROOFLINE_MAX_SIDE);
}

/* One dtype's name, of `length` bytes. */
static int add_dtype(struct roofline_options *options, const char *name, size_t length)
{
    const char *names[GEMM_DTYPES];
    for (int i = 0; i < GEMM_DTYPES; i++) {
        names[i] = dtype_names[gemm_dtypes[i]];
        if (strlen(names[i]) != length || strncmp(names[i], name, length) != 0)
            continue;
        for (int j = 0; j < options->dtype_count; j++) {
            if (options->dtypes[j] == gemm_dtypes[i])
                return command_misuse("roofline", "--dtype %s is given twice", names[i]);
        }
        options->dtypes[options->dtype_count++] = gemm_dtypes[i];
        return 0;
    }
    char given[64];
    struct error error = {0};
    snprintf(given, sizeof given, "%.*s", (int)(length < 60 ? length : 60), name);
    error_input(&error, NULL, "llmsim roofline: --dtype '%s' is unknown", given);
    error_suggest(&error, given, names, GEMM_DTYPES);
    return command_fail(&error);
}

/* Names parted by commas. */
static int parse_dtypes(const char *text, struct roofline_options *options)
{
    int status = 0;
    for (const char *name = text; status == 0 && name != NULL;) {
        const char *comma = strchr(name, ',');
        status = add_dtype(options, name, comma != NULL ? (size_t)(comma - name) : strlen(name));
        name = comma != NULL ? comma + 1 : NULL;
    }
    return status;
}

static int take_plot(const char *path, struct roofline_options *options)
{
    struct error error = {0};
    options->plot_path = path;
    options->plot_format = roofline_plot_format_of(path, &error);
    return options->plot_format != NULL ? 0 : command_fail(&error);
}

/* One option with its value. */
static int take_option(int option, struct roofline_options *options)
{
    struct roofline_request *request = &options->request;
    switch (option) {
    case 's':
        return overrides_add(&options->overrides, "", optarg) ? 0 : command_out_of_memory();
    case SEED:
        return overrides_add(&options->overrides, "seed=", optarg) ? 0 : command_out_of_memory();
    case 'a':
        options->accelerator = optarg;
        return 0;
    case GEMM:
        return parse_sides(optarg, options->sides);
    case DTYPE:
        return parse_dtypes(optarg, options);
    case PROMPT:
        request->prefill = true;
        return parse_count("--prompt", optarg, &request->prompt_tokens);
    case BATCH:
        request->decode = true;
        return parse_count("--batch", optarg, &request->sequences);
    case CONTEXT:
        request->decode = true;
        return parse_count("--context", optarg, &request->context_tokens);
    case PLOT:
        return take_plot(optarg, options);
    case HTML:
        options->html_path = optarg;
        return 0;
    default:
        options->json_path = optarg;
        return 0;
    }
}

/* What does not go together. */
static int check_options(int arguments, struct roofline_options *options)
{
    struct roofline_request *request = &options->request;
    bool step = request->prefill || request->decode;
    if (options->accelerator != NULL) {
        if (arguments > 0)
            return command_misuse("roofline", "-a stands in place of a configuration");
        if (options->sides[0] == 0)
            return command_misuse("roofline", "-a needs --gemm M,N,K");
        if (step)
            return command_misuse("roofline",
                                  "--prompt, --batch and --context need a configuration");
        return 0;
    }
    if (options->sides[0] > 0 || options->dtype_count > 0)
        return command_misuse("roofline", "--gemm and --dtype need -a ACCELERATOR");
    if (arguments != 1)
        return command_misuse("roofline", arguments == 0 ? "no configuration given"
                                                         : "more than one configuration given");
    if (!step)
        request->prefill = request->decode = true;
    return 0;
}

int roofline_options_parse(int argc, char **argv, struct roofline_options *options)
{
    opterr = 0;
    int option = 0, status = 0;
    while (status == 0 && (option = getopt_long(argc, argv, ":s:a:h", known, NULL)) != -1) {
        if (option == ':' || option == '?')
            status = command_misuse_option("roofline", option, argv);
        else if (option == 'h')
            options->help = true;
        else
            status = take_option(option, options);
    }
    if (status != 0 || options->help)
        return status;
    options->config_path = argv[optind];
    return check_options(argc - optind, options);
}
