#include "workload.h"

#include "sources.h"
#include "trace_format.h"
#include "trace_source.h"
#include <assert.h>

enum { ON_BAD_ROW_SKIP = 1 };

struct trace_options workload_trace_options(const struct workload_config *config)
{
    const bool given = config->prefix_block_tokens != SETTING_UNSET_INTEGER;
    return (struct trace_options){
        .path = config->trace,
        .format = config->format,
        .skip_bad_rows = config->on_bad_row == ON_BAD_ROW_SKIP,
        .prefix_block_tokens = given ? config->prefix_block_tokens : 0,
        .store = config->store,
    };
}

/* A trace whose requests arrive when it says. */
static bool open_trace(const struct workload_config *config, struct request_source *source,
                       struct error *error)
{
    const struct trace_options options = workload_trace_options(config);
    if (!trace_source_open(&options, source, error))
        return false;
    const struct trace_format *format = source->trace_format;
    if (!format->timeless)
        return true;
    source->destroy(source->state);
    const struct location at = {config->trace, 0, 0};
    return error_input(error, &at,
                       "a trace of format '%s' does not say when its requests arrive: the workload "
                       "needs 'arrivals'",
                       format->name);
}

bool workload_open_plain(const struct workload_config *config, uint64_t seed,
                         struct request_source *source, struct error *error)
{
    const bool replays = config->traffic.arrivals.process < 0 && config->classes.count == 0;
    assert(config->trace != NULL || !replays);
    return replays ? open_trace(config, source, error)
                   : generator_open(config, seed, source, error);
}

bool workload_open(const struct workload_config *config, uint64_t seed,
                   struct request_source *source, struct error *error)
{
    return transform_is_identity(&config->transform)
               ? workload_open_plain(config, seed, source, error)
               : transform_open(config, seed, source, error);
}
