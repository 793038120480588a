/* What the fuzzers of trace readers have in common. */
#ifndef LLMSIM_TESTS_FUZZ_REQUESTS_H
#define LLMSIM_TESTS_FUZZ_REQUESTS_H

#include "fuzz_checks.h"
#include "trace_format.h"

#include <llmsim/sim_time.h>

/* Every id is there to be read, and there are as many as the prompt has blocks: fewer only where rows
 * say themselves what an id stands for. */
static inline void require_prefix(const struct request *request, const struct trace_format *format)
{
    if (request->prefix_id_count == 0) {
        require(request->prefix_ids == NULL && request->prefix_id_tokens == 0);
        return;
    }
    const int32_t id_tokens = request->prefix_id_tokens;
    require(request->prefix_id_count > 0 && id_tokens >= 1);
    const int32_t whole = request->prompt_tokens / id_tokens;
    const int32_t all = whole + (request->prompt_tokens % id_tokens > 0 ? 1 : 0);
    require(request->prefix_id_count == whole || request->prefix_id_count == all ||
            (format->states_id_tokens && request->prefix_id_count < all));
    volatile uint64_t id = 0;
    for (int32_t i = 0; i < request->prefix_id_count; i++)
        id = request->prefix_ids[i];
    (void)id;
}

/* What a reader may hand on, whatever it reads: the request of that number, from 0, after one at
 * last_ns. */
static inline void require_request(const struct request *request, const struct trace_format *format,
                                   int64_t number, int64_t last_ns)
{
    require(number > 0 || request->arrival_ns == 0);
    require(request->arrival_ns >= last_ns && request->arrival_ns <= SIM_TIME_MAX_NS);
    require(request->prompt_tokens >= 1 && request->prompt_tokens <= REQUEST_MAX_TOKENS);
    require(request->output_tokens >= 1 && request->output_tokens <= REQUEST_MAX_TOKENS);
    require(request->priority >= -1000000000 && request->priority <= 1000000000);
    require_prefix(request, format);
}

/* At the end of a source, and of what it said. */
static inline void require_end(struct request_source *source, enum request_source_result result,
                               const struct error *error)
{
    struct request request;
    struct error again = {0};
    if (result == SOURCE_ERROR)
        require_input_error(error);
    require(source->next(source->state, &request, &again) == result);
    const double progress = source->progress(source->state);
    require(progress >= 0.0 && progress <= 1.0);
    require(source->left_out(source->state).bad_rows >= 0);
}

#endif
