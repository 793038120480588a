#include "workload.h"

#include "sources.h"
#include "trace_format.h"
#include "trace_source.h"
#include <assert.h>
#include <errno.h>
#include <string.h>

enum { ON_BAD_ROW_SKIP = 1, REQUESTS_PER_PROGRESS = 4096 };

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
    return trace_source_open(&options, source, error);
}

bool workload_open(const struct workload_config *config, uint64_t seed,
                   struct request_source *source, struct error *error)
{
    return transform_is_identity(&config->transform)
               ? workload_open_plain(config, seed, source, error)
               : transform_open(config, seed, source, error);
}

int64_t workload_write(struct request_source *source, const struct trace_format *format,
                       FILE *stream, void (*progress)(double fraction), struct error *error)
{
    int64_t requests = 0;
    struct request request;
    enum request_source_result result = SOURCE_REQUEST;
    format->write_header(stream);
    while (!ferror(stream) &&
           (result = source->next(source->state, &request, error)) == SOURCE_REQUEST) {
        format->write_row(stream, &request);
        if (++requests % REQUESTS_PER_PROGRESS == 0 && progress != NULL)
            progress(source->progress(source->state));
    }
    if (result == SOURCE_ERROR)
        return -1;
    if (ferror(stream)) {
        error_run(error, "the trace cannot be written: %s", strerror(errno));
        return -1;
    }
    return requests;
}
