/* The command line of llmsim roofline. */
#ifndef LLMSIM_CLI_ROOFLINE_OPTIONS_H
#define LLMSIM_CLI_ROOFLINE_OPTIONS_H

#include "options.h"
#include "roofline_plot.h"
#include "roofline_study.h"

struct roofline_options {
    const char *config_path, *accelerator; /* one of the two */
    struct overrides overrides;
    struct roofline_request request;
    int64_t sides[3]; /* M, N, K; 0: no matrix product */
    int dtypes[ROOFLINE_MAX_ROOFS];
    int dtype_count; /* 0: what the accelerator computes activations in */
    const char *json_path, *plot_path, *html_path;
    const struct roofline_plot_format *plot_format;
    bool help;
};

/* 0, or the exit status of a command line that is wrong. */
int roofline_options_parse(int argc, char **argv, struct roofline_options *options);

#endif
