#include "workload.h"

#include "sources.h"
#include "trace_format.h"
#include "trace_source.h"
#include <assert.h>

enum { ON_BAD_ROW_SKIP = 1 };

bool workload_open_plain(const struct workload_config *config, uint64_t seed,
                         struct request_source *source, struct error *error)
{
    assert(config->trace != NULL || config->arrivals.process >= 0);
    if (config->trace == NULL)
        return generator_open(config, seed, source, error);
    const bool given = config->prefix_block_tokens != SETTING_UNSET_INTEGER;
    const struct trace_options options = {
        .path = config->trace,
        .format = config->format,
        .skip_bad_rows = config->on_bad_row == ON_BAD_ROW_SKIP,
        .prefix_block_tokens = given ? config->prefix_block_tokens : 0,
    };
    if (!trace_source_open(&options, source, error))
        return false;
    const struct trace_format *format = trace_source_format(source);
    if (!format->timeless)
        return true;
    source->destroy(source->state);
    const struct location at = {config->trace, 0, 0};
    return error_input(error, &at,
                       "a trace of format '%s' does not say when requests arrive: 'arrivals' must",
                       format->name);
}

bool workload_open(const struct workload_config *config, uint64_t seed,
                   struct request_source *source, struct error *error)
{
    return transform_is_identity(&config->transform)
               ? workload_open_plain(config, seed, source, error)
               : transform_open(config, seed, source, error);
}
